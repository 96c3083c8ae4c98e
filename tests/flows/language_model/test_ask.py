import json
import logging
import stat
import time
from hashlib import sha256

import pytest

from flows.language_model import build_ask, endpoint
from flows.language_model.prompt import build_prompt
from flows.settings import SettingsError

ENVIRON = {"WORKTALLY_MODEL_KEY": "sk-lamp-0123456789"}
SECRETS = ("sk-lamp", "lamp text")
GOOD = {
    "occupational": True,
    "use_case": "work",
    "pattern": "learning",
    "soc_major": "27-0000",
    "task_ids": [2],
    "none_fits": False,
}
USAGE = {"prompt_tokens": 1_000, "completion_tokens": 100}


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    ("content", "more", "outcome"),
    [
        (GOOD, {}, "answered"),
        (json.dumps(GOOD, indent=2), {}, "answered"),
        (GOOD, {"refusal": "I'd rather not."}, "refused"),
        (None, {"refusal": "I'd rather not."}, "refused"),
        (None, {"finish_reason": "content_filter"}, "refused"),
        (None, {}, "malformed"),
        ("Sure! " + json.dumps(GOOD), {}, "malformed"),
        (json.dumps(GOOD)[:-9], {"finish_reason": "length"}, "malformed"),
        (without("pattern"), {}, "malformed"),
        (GOOD | {"reason": "because"}, {}, "malformed"),
        (GOOD | {"use_case": "leisure"}, {}, "malformed"),
        (GOOD | {"pattern": "not_classified"}, {}, "malformed"),
        (GOOD | {"soc_major": "55-0000"}, {}, "malformed"),
        (GOOD | {"task_ids": [2, 99]}, {}, "malformed"),
        (GOOD | {"task_ids": ["2"]}, {}, "malformed"),
        (GOOD | {"task_ids": None}, {}, "malformed"),
        (GOOD | {"occupational": "true"}, {}, "malformed"),
        (GOOD | {"none_fits": 0}, {}, "malformed"),
        ([GOOD], {}, "malformed"),
    ],
)
def test_an_answer_is_exactly_what_was_asked_for_or_counted_as_a_failure(
    content, more, outcome, work, settings, server, judge, complete, outcomes
):
    server.respond = lambda body: complete(content, **more)
    found = judge(work("a"), settings())
    assert found.outcomes == outcomes(asked=1, **{outcome: 1})
    expected = "learning" if outcome == "answered" else "directive"
    assert found.classifications["pattern"].to_list() == [expected]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"choices": []}', b"\xff\xfe"])
def test_a_body_of_another_protocol_is_malformed(
    body, work, settings, server, judge, complete, outcomes
):
    response = complete()
    response.body = body
    server.respond = lambda _: response
    assert judge(work("a"), settings()).outcomes == outcomes(asked=1, malformed=1)


def after(response, *before):
    """Answers with each of the responses in turn, then with the first argument."""
    queue = list(before)
    return lambda body: queue.pop(0) if queue else response


@pytest.mark.parametrize(
    ("status", "headers", "times", "outcome", "waits"),
    [
        (500, {}, 1, "answered", [1.0]),
        (503, {}, 2, "answered", [1.0, 2.0]),
        (429, {"Retry-After": "7"}, 1, "answered", [7.0]),
        (429, {"Retry-After": "0"}, 1, "answered", [1.0]),
        (503, {"Retry-After": "99999"}, 1, "answered", [60.0]),
        (429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 1, "answered", [60.0]),
        (429, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 1, "answered", [1.0]),
        (429, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 -0000"}, 1, "answered", [1.0]),
        (429, {"Retry-After": "soon"}, 1, "answered", [1.0]),
        (429, {}, 9, "rate_limited", [1.0, 2.0]),
        (502, {}, 9, "http_error", [1.0, 2.0]),
        (400, {}, 1, "http_error", []),
        (401, {}, 1, "http_error", []),
        (404, {}, 1, "http_error", []),
        (204, {}, 1, "http_error", []),
    ],
)
def test_what_may_pass_is_tried_again_after_known_waits(
    status, headers, times, outcome, waits, work, settings, server, judge, complete, outcomes
):
    failure = type(complete())(status=status, headers=headers)
    server.respond = after(complete(GOOD), *[failure] * times)
    slept = []
    found = judge(work("a"), settings(max_attempts=3), sleep=slept.append)
    assert found.outcomes == outcomes(asked=1, **{outcome: 1})
    assert slept == waits
    assert len(server.requests) == len(waits) + 1


@pytest.mark.parametrize("hangs_after", [0, 5])
def test_a_server_that_hangs_is_a_timeout(
    hangs_after, work, settings, server, judge, complete, outcomes
):
    response = complete(GOOD)
    response.hangs_after = hangs_after
    server.respond = after(response)
    found = judge(work("a"), settings(timeout_seconds=0.1, max_attempts=2))
    assert found.outcomes == outcomes(asked=1, timeout=1)
    assert len(server.requests) == 2


def test_a_server_that_drips_is_a_timeout_too(work, settings, server, judge, complete, outcomes):
    def write_slowly(handler_write, content):
        for byte in content:
            handler_write(bytes([byte]))
            time.sleep(0.02)

    handler = server.RequestHandlerClass

    class Slow(handler):
        def setup(self):
            super().setup()
            write = self.wfile.write
            self.wfile.write = lambda content: (
                write_slowly(write, content) if content[:1] == b"{" else write(content)
            )

    server.RequestHandlerClass = Slow
    begin = time.monotonic()
    found = judge(work("a"), settings(timeout_seconds=0.3, max_attempts=1))
    assert found.outcomes == outcomes(asked=1, timeout=1)
    assert time.monotonic() - begin < 2


def test_a_huge_response_is_not_read_to_its_end(
    work, settings, server, judge, complete, outcomes, monkeypatch
):
    response = complete(GOOD)
    server.respond = after(response)
    monkeypatch.setattr(endpoint, "MAX_RESPONSE_BYTES", len(response.body) - 1)
    assert judge(work("a"), settings()).outcomes == outcomes(asked=1, malformed=1)
    monkeypatch.setattr(endpoint, "MAX_RESPONSE_BYTES", len(response.body))
    assert judge(work("a"), settings()).outcomes == outcomes(asked=1, answered=1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status, work, settings, server, judge, complete, outcomes):
    moved = type(complete())(status=status, headers={"Location": f"{server.url}/other"})
    server.respond = after(complete(GOOD), moved)
    assert judge(work("a"), settings()).outcomes == outcomes(asked=1, http_error=1)
    assert [path for path, _, _ in server.requests] == ["/v1/chat/completions"]


def test_nobody_listening_is_an_http_error(work, settings, server, judge, outcomes):
    address = settings(url="http://127.0.0.1:9/v1", max_attempts=2)
    assert judge(work("a"), address).outcomes == outcomes(asked=1, http_error=1)


def test_the_endpoint_is_left_alone_after_failures_in_a_row(
    work, settings, server, judge, complete, outcomes
):
    failure = type(complete())(status=500)
    conversations = work(*"abcdefgh")
    few = settings(max_attempts=1, consecutive_failures=3, workers=4)
    server.respond = after(failure, complete(GOOD), failure, failure, complete(GOOD))
    in_order = few.model_copy(update={"workers": 1})
    assert judge(conversations, in_order).outcomes == outcomes(
        asked=7, answered=2, http_error=5, endpoint_down=1
    )
    server.respond, server.requests[:] = after(failure), []
    found = judge(work(*"stuvwxyz"), few)
    assert found.outcomes == outcomes(asked=3, http_error=3, endpoint_down=5)
    assert len(server.requests) == 3
    patient = few.model_copy(update={"consecutive_failures": 9})
    assert judge(work(*"stuvwxyz"), patient).outcomes == outcomes(asked=8, http_error=8)


def test_refusals_and_malformed_answers_do_not_take_the_endpoint_down(
    work, settings, server, judge, complete, outcomes
):
    server.respond = after(complete("?"), *[complete(None, refusal="No.")] * 4)
    found = judge(work(*"abcdefgh"), settings(consecutive_failures=2, workers=1))
    assert found.outcomes == outcomes(asked=8, refused=4, malformed=4)


def test_an_answer_is_paid_for_once(work, settings, server, judge, complete, outcomes, tmp_path):
    conversations = work("a", "b", "a", unread=(1,))
    first = judge(conversations, settings(workers=1))
    second = judge(conversations, settings(workers=4))
    assert first.outcomes == outcomes(asked=2, answered=2, cached=1)
    assert second.outcomes == outcomes(cached=3)
    assert len(server.requests) == 2
    assert first.classifications.equals(second.classifications)
    assert first.ranked.equals(second.ranked)
    other = judge(conversations, settings(model="lamp-2"))
    assert other.outcomes == outcomes(asked=2, answered=2, cached=1)


@pytest.mark.parametrize("damage", [b"", b"{", b"{}", b'{"occupational": true}', b"\xff"])
def test_a_damaged_entry_of_the_cache_is_asked_again(
    damage, work, settings, server, judge, outcomes, tmp_path
):
    judge(work("a"), settings())
    (entry,) = (tmp_path / "cache").rglob("*.json")
    entry.write_bytes(damage)
    assert judge(work("a"), settings()).outcomes == outcomes(asked=1, answered=1)
    assert judge(work("a"), settings()).outcomes == outcomes(cached=1)


def test_the_cache_is_private_and_holds_no_text(work, settings, server, judge, tmp_path):
    judge(work("lamp text"), settings())
    paths = [tmp_path / "cache", *(tmp_path / "cache").rglob("*")]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths}
    assert modes == {(True, 0o700), (False, 0o600)}
    kept = "".join(path.read_text() for path in paths if path.is_file())
    assert not any(secret in kept for secret in SECRETS)


def bound(settings, text):
    """The most that one attempt at asking about a text can cost, in dollars."""
    turns = [("user", text), ("assistant", "Yes.")]
    body = build_prompt(turns, [(n, f"Lamp {c}.") for n, c in enumerate("abcd", 1)], settings).body
    return (
        len(body.encode()) * settings.input_usd_per_million
        + settings.max_output_tokens * settings.output_usd_per_million
    ) / 1e6


PRICES = {"input_usd_per_million": 3.0, "output_usd_per_million": 15.0, "max_attempts": 1}
COST = (1_000 * 3.0 + 100 * 15.0) / 1e6  # of USAGE


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize(
    ("usage", "cost"),
    [(USAGE, COST), (None, None), ({"prompt_tokens": -5, "completion_tokens": 0}, None)],
)
def test_nothing_is_asked_that_could_exceed_the_cap(
    usage, cost, workers, work, settings, server, judge, complete, outcomes, tmp_path
):
    server.respond = lambda body: complete(GOOD, usage=usage)
    most = bound(settings(**PRICES), "a")
    three = 2 * (most if cost is None else cost) + most
    for number, (cap, answered) in enumerate([(three, 3), (three - 1e-6, 2), (most - 1e-6, 0)]):
        limited = settings(max_spend_usd=cap, workers=workers, **PRICES)
        for again in (False, True):
            found = judge(work(*"abcdef"), limited, tmp_path / f"{number}")
            assert found.outcomes == outcomes(
                asked=0 if again else answered,
                **{"cached" if again else "answered": answered},
                spending_cap=6 - answered,
            )
    assert judge(work(*"abcdef"), settings(**PRICES)).outcomes["answered"] == 6


def test_attempts_that_no_answer_accounts_for_count_as_paid_in_full(
    work, settings, server, judge, complete, outcomes, tmp_path
):
    failure, busy = type(complete())(status=500), type(complete())(status=429)
    prices = PRICES | {"max_attempts": 3, "workers": 1}
    most = bound(settings(**prices), "a")
    for response, paid_count in ((failure, 2), (busy, 0)):
        cap = paid_count * most + COST + 3 * most
        for less, asked in ((0.0, 2), (1e-6, 1)):
            server.respond = after(complete(GOOD, usage=USAGE), response, response)
            cache = f"{response.status}-{asked}"
            limited = settings(max_spend_usd=cap - less, **prices)
            found = judge(work(*"ab"), limited, tmp_path / cache)
            assert found.outcomes == outcomes(asked=asked, answered=asked, spending_cap=2 - asked)


def test_a_damaged_account_of_what_was_spent_stops_the_run(settings, tmp_path):
    (tmp_path / "spent.txt").write_text("12\nlamps\n")
    with pytest.raises(SettingsError, match="what was spent"):
        build_ask(settings(), tmp_path, ENVIRON)


def scripted(complete, script):
    """A server that is slow, fails or answers as the conversation's text asks; else as usual."""

    def respond(body):
        text = json.loads(body["messages"][1]["content"].splitlines()[1])["text"]
        seconds, kind = script[text]
        time.sleep(seconds)
        if kind == "down":
            return type(complete())(status=500)
        if kind == "refused":
            return complete(None, refusal="No.", usage=USAGE)
        ids = [1 + int(sha256(text.encode()).hexdigest(), 16) % 4]
        return complete(GOOD | {"task_ids": ids}, usage=USAGE)

    return respond


def expected_outcomes(texts, script, settings):
    """What asking one after the other comes to: the oracle of asking side by side."""
    spent, run, stopped, kept, found = 0.0, 0, None, set(), []
    for text in texts:
        most = bound(settings, text)
        kind = script[text][1]
        if text in kept:
            found.append("cached")
            continue
        if stopped is None and spent + most > settings.max_spend_usd + 1e-12:
            stopped = "spending_cap"
        if stopped is not None:
            found.append(stopped)
            continue
        spent += most if kind == "down" else COST
        run = run + 1 if kind == "down" else 0
        if run == settings.consecutive_failures:
            stopped = "endpoint_down"
        if kind == "good":
            kept.add(text)
        found.append({"down": "http_error", "good": "answered"}.get(kind, kind))
    return found


TEXTS = [f"text {number % 11:02}" for number in range(26)]
SCRIPT = {
    text: (
        0.04 * (number * 7 % 3),
        "down" if number in (2, 3, 7, 8, 9) else "refused" if number == 5 else "good",
    )
    for number, text in enumerate(TEXTS[:11])
}


@pytest.mark.parametrize(
    ("limits", "stop"),
    [
        ({"consecutive_failures": 9}, None),
        ({"consecutive_failures": 3}, "endpoint_down"),
        ({"consecutive_failures": 9, "max_spend_usd": 0.14}, "spending_cap"),
    ],
)
def test_the_result_depends_neither_on_workers_nor_on_speed_nor_on_the_order_of_rows(
    limits, stop, work, settings, server, judge, complete, outcomes, tmp_path
):
    server.respond = scripted(complete, SCRIPT)
    conversations, results = work(*TEXTS), []
    for workers, given in ((1, conversations), (4, conversations.shuffled()), (16, conversations)):
        own = settings(**PRICES, **limits, workers=workers)
        expected = expected_outcomes(TEXTS, SCRIPT, own)
        found = judge(given, own, tmp_path / f"{workers}")
        counts = {outcome: expected.count(outcome) for outcome in expected}
        asked = sum(n for name, n in counts.items() if name not in ("cached", stop))
        assert found.outcomes == outcomes(asked=asked, **counts)
        assert stop is None or counts[stop] > 2
        results.append(found)
    assert all(one.classifications.equals(results[0].classifications) for one in results)
    assert all(one.ranked.equals(results[0].ranked) for one in results)


def test_requests_run_side_by_side(work, settings, server, judge, complete):
    under_way, most = [], []

    def respond(body):
        under_way.append(1)
        time.sleep(0.1)
        most.append(len(under_way))
        under_way.pop()
        return complete(GOOD)

    server.respond = respond
    judge(work(*"abcdefgh"), settings(workers=4))
    assert max(most) == 4


def test_the_key_is_sent_and_no_proxy_is_between(
    work, settings, server, judge, monkeypatch, outcomes
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert judge(work("a"), settings()).outcomes == outcomes(asked=1, answered=1)
    _, headers, _ = server.requests[0]
    assert headers["Authorization"] == f"Bearer {ENVIRON['WORKTALLY_MODEL_KEY']}"
    assert headers["Content-Type"] == "application/json"


def test_this_machine_needs_no_key(settings, server, work, complete, tmp_path):
    own = settings()
    ask = build_ask(own, tmp_path, {})
    assert ask([build_prompt([("user", "u")], [], own)])[0].outcome == "answered"
    assert "Authorization" not in server.requests[0][1]


@pytest.mark.parametrize("kind", ["good", "malformed", "down", "redirect", "hang"])
def test_neither_key_nor_text_is_logged(
    kind, work, settings, server, judge, complete, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    response = complete(GOOD if kind != "malformed" else "lamp text")
    response.status = {"down": 500, "redirect": 307}.get(kind, 200)
    response.headers = {"Location": "/lamp"} if kind == "redirect" else {}
    response.hangs_after = 0 if kind == "hang" else None
    server.respond = lambda body: response
    judge(work("lamp text"), settings(timeout_seconds=0.1 if kind == "hang" else 5.0))
    said = caplog.text + "".join(capfd.readouterr())
    assert server.requests
    assert not any(secret in said for secret in SECRETS)


HTTPS = "https://lamps.invalid/v1"


@pytest.mark.parametrize(
    ("changes", "environ", "message"),
    [
        ({"enabled": False}, ENVIRON, "is not enabled"),
        ({"url": "http://lamps.invalid/v1"}, ENVIRON, "must be https"),
        ({"url": "http://127.0.0.1.lamps.invalid/v1"}, ENVIRON, "must be https"),
        ({"url": "http://localhost@lamps.invalid/v1"}, ENVIRON, "alone"),
        ({"url": "https://user:sk-lamp@lamps.invalid/v1"}, ENVIRON, "alone"),
        ({"url": f"{HTTPS}?key=sk-lamp"}, ENVIRON, "alone"),
        ({"url": f"{HTTPS}#sk-lamp"}, ENVIRON, "alone"),
        ({"url": "lamps"}, ENVIRON, "alone"),
        ({"url": "ftp://lamps.invalid"}, ENVIRON, "must be https"),
        ({"url": "http://127.0.0.1:sk-lamp"}, ENVIRON, "is not an address"),
        ({"url": HTTPS}, {}, "set WORKTALLY_MODEL_KEY"),
        ({"url": HTTPS}, {"WORKTALLY_MODEL_KEY": " \n"}, "set WORKTALLY_MODEL_KEY"),
        ({"url": HTTPS}, {"WORKTALLY_MODEL_KEY": "sk-lamp\nX: 1"}, "does not hold a key"),
        ({"url": HTTPS}, {"WORKTALLY_MODEL_KEY": "sk-lamp-ü"}, "does not hold a key"),
        ({"url": HTTPS, "key_variable": "OTHER_KEY"}, ENVIRON, "set OTHER_KEY"),
    ],
)
def test_an_endpoint_that_cannot_be_trusted_is_refused_before_anything_is_sent(
    changes, environ, message, settings, tmp_path
):
    with pytest.raises(SettingsError, match=message) as caught:
        build_ask(settings(**changes), tmp_path, environ)
    assert "sk-lamp" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "url", [HTTPS, "http://localhost:8/v1", "http://[::1]:8", "http://127.1.2.3"]
)
def test_an_endpoint_that_can_be_trusted_is_accepted_and_does_not_show_its_key(
    url, settings, tmp_path
):
    ask = build_ask(settings(url=url), tmp_path, ENVIRON)
    assert "sk-lamp" not in repr(ask)
