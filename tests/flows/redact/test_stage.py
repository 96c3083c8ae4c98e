import json
import logging
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows.redact import build_analyzer, redact_messages
from flows.settings import SettingsError, load_settings
from flows.tables import Messages

PRIVATE = "zebra.quagga@okapi.org"


def messages_of(conversations):
    return Messages.validate(
        pl.DataFrame(
            [
                (f"{conversation:032x}", index, "user" if index % 2 == 0 else "assistant", text)
                for conversation, texts in conversations.items()
                for index, text in enumerate(texts)
            ],
            schema=Messages.create_empty().schema,
            orient="row",
        )
    )


@pytest.fixture
def redact(analyzer, settings):
    return lambda messages: redact_messages(messages, analyzer=analyzer, settings=settings)


class StandIn:
    """An analyzer whose pieces take as long, or fail, as their text says; keeps its own time."""

    def __init__(self):
        self.now, self.read = 0.0, []

    def analyze(self, text, *_, **__):
        self.read.append(text)
        if "broken" in text:
            raise ValueError(f"cannot read {text}")
        self.now += 0.6 if "slow" in text else 0.0
        return []


def run_stand_in(conversations):
    stand_in = StandIn()
    redacted = redact_messages(
        messages_of(conversations),
        analyzer=stand_in,
        settings=load_settings().redact,
        clock=lambda: stand_in.now,
    )
    rules = {int(row["row_hash"], 16): row["rule"] for row in redacted.rejects.to_dicts()}
    return stand_in, redacted, rules


class Waiting:
    """An analyzer that waits for others, as on a busy machine, or computes."""

    def __init__(self, seconds, clock):
        self.seconds, self.clock = seconds, clock

    def analyze(self, *_, **__):
        until = self.clock() + self.seconds
        while self.clock() < until:
            if self.clock is time.monotonic:
                time.sleep(0.01)
        return []


@pytest.mark.parametrize(
    ("clock", "rules"), [(time.monotonic, []), (time.thread_time, ["redaction_timeout"])]
)
def test_computing_counts_and_waiting_does_not(clock, rules):
    settings = load_settings(redact={"timeout_seconds": 0.2}).redact
    redacted = redact_messages(
        messages_of({1: ["a text"]}), analyzer=Waiting(0.3, clock), settings=settings
    )
    assert redacted.rejects["rule"].to_list() == rules


def test_messages_go_on_with_placeholders_and_redactions_say_where(redact):
    redacted = redact(messages_of({1: ["I am a@b.io or ＋1 212-555-0123", "ok"], 2: ["fine"]}))
    assert redacted.messages["text"].to_list() == [
        "I am <EMAIL_ADDRESS> or <PHONE_NUMBER>",
        "ok",
        "fine",
    ]
    assert redacted.messages["role"].to_list() == ["user", "assistant", "user"]
    assert redacted.redactions.drop("score").rows() == [
        (f"{1:032x}", 0, 5, 11, "EMAIL_ADDRESS"),
        (f"{1:032x}", 0, 15, 30, "PHONE_NUMBER"),
    ]
    assert redacted.rejects.is_empty()


def test_no_messages_make_empty_tables(redact):
    redacted = redact(messages_of({}))
    assert redacted.messages.is_empty()
    assert redacted.redactions.is_empty()
    assert redacted.rejects.is_empty()


def test_a_conversation_comes_out_the_same_alone_in_a_batch_and_in_any_order(redact):
    texts = {1: ["a@b.io", "x"], 2: ["x", "call 212-555-0123", "a@b.io"], 3: ["10.20.30.40"]}
    whole = redact(messages_of(texts))
    shuffled = redact(
        Messages.validate(messages_of(texts).sample(fraction=1.0, shuffle=True, seed=3))
    )
    alone = [redact(messages_of({key: value})) for key, value in texts.items()]
    for table in ("messages", "redactions", "rejects"):
        assert_frame_equal(getattr(whole, table), getattr(shuffled, table))
        assert_frame_equal(getattr(whole, table), pl.concat(getattr(one, table) for one in alone))


def test_identical_texts_are_read_once():
    stand_in, redacted, _ = run_stand_in({1: ["same", "same"], 2: ["same"]})
    assert stand_in.read == ["same"]
    assert redacted.messages.height == 3


@pytest.mark.parametrize(
    ("texts", "rule"),
    [
        (["slow 1", "slow 2"], None),  # 1.2 of 1.5 seconds
        (["slow 1", "slow 2", "slow 3"], "redaction_timeout"),
        (["slow", "slow", "slow"], None),  # read once
        (["slow " * 60_000], "redaction_timeout"),
        (["fine", "broken"], "redaction_failed"),
        (["fine", "fast"], None),
    ],
)
def test_a_conversation_that_is_slow_or_fails_is_rejected_whole(texts, rule):
    _, redacted, rules = run_stand_in({1: ["before"], 2: texts, 3: ["after"]})
    assert rules == ({2: rule} if rule else {})
    kept = {int(one, 16) for one in redacted.messages["conversation_id"]}
    assert kept == ({1, 3} if rule else {1, 2, 3})


def test_reading_stops_when_the_time_is_used_up():
    stand_in, _, _ = run_stand_in({1: ["slow " * 60_000, "never read"]})
    assert len(stand_in.read) == 3  # 3 x 0.6 seconds are above 1.5
    assert "never read" not in stand_in.read


def test_a_reject_names_stage_rule_and_conversation_and_quotes_nothing(caplog):
    caplog.set_level(logging.DEBUG)
    _, redacted, _ = run_stand_in({1: [f"broken {PRIVATE}"]})
    assert redacted.rejects.to_dicts() == [
        {
            "stage": "redact",
            "rule": "redaction_failed",
            "row_hash": f"{1:032x}",
            "source_file": "redact",
            "line": None,
        }
    ]
    assert "zebra" not in f"{redacted} {caplog.text}"


def test_a_recognizer_that_fails_rejects_the_conversation(settings):
    analyzer = build_analyzer(settings)
    analyzer.recognizers[0].analyze = lambda *_: 1 / 0
    redacted = redact_messages(messages_of({1: ["hello"]}), analyzer=analyzer, settings=settings)
    assert redacted.messages.is_empty()
    assert redacted.rejects["rule"].to_list() == ["redaction_failed"]


def test_nothing_of_the_text_is_logged(redact, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="presidio-analyzer")
    redact(messages_of({1: [f"{PRIVATE} DE89 3704 0044 0532 0130 00 zebra ssn 536-22-8741"]}))
    output = "".join(capfd.readouterr())
    assert not [part for part in ("zebra", "3704", "536") if part in caplog.text + output]


def test_no_socket_is_opened(settings, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    redacted = redact_messages(
        messages_of({1: ["a@b.io https://a.b/c www.d.de"]}),
        analyzer=build_analyzer(settings),
        settings=settings,
    )
    assert redacted.messages["text"].to_list() == ["<EMAIL_ADDRESS> <URL> <URL>"]


@pytest.mark.slow
def test_a_fresh_process_works_without_network_from_the_first_import():
    code = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit("network")
sys.addaudithook(refuse)
from flows.redact import build_analyzer
from flows.redact.detect import find_entities
from flows.settings import load_settings
settings = load_settings().redact
spans = find_entities("a@b.io", build_analyzer(settings), lambda: None)
sys.exit(0 if [span.entity_type for span in spans] == ["EMAIL_ADDRESS"] else 1)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"entity_types": ("URL", "SHOE_SIZE")}, "SHOE_SIZE")],
)
def test_settings_that_cannot_be_met_stop_the_run(settings, changes, message):
    with pytest.raises(SettingsError, match=message):
        build_analyzer(settings.model_copy(update=changes))


def test_only_the_entity_types_of_the_settings_are_looked_for(settings):
    only = settings.model_copy(update={"entity_types": ("URL",)})
    redacted = redact_messages(
        messages_of({1: ["a@b.io https://a.b/c"]}), analyzer=build_analyzer(only), settings=only
    )
    assert redacted.messages["text"].to_list() == ["a@b.io <URL>"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "a." * 50_000,
        "1" * 1_000_000,
        "[" * 200_000,
        "@" * 100_000,
        "http://" * 20_000,
        "a@" * 100_000,
        "password=" * 20_000,
        "-----BEGIN PRIVATE KEY-----" * 7000,
        "1/" * 100_000,
        "http://a/" + "." * 190_000 + "x",
        "http://a/" + ")" * 190_000,
        "::" * 100_000,
        "&#64;" * 40_000,
        "<URL>" * 40_000,
        "DE44" * 50_000,
        "eyJ" * 60_000,
        "ﷺ" * 50_000,
        "@abcd " * 20_000,
        "@zzyxw" + "\n" * 100_000,
        "1 " * 50_000,
        "1/2 24/7 " * 10_000,
        ("a-at-b-dot-" * 20 + " ") * 200,
        "İ" + ("1" + " a" * 90) * 500,
    ],
    ids=lambda text: text[:10],
)
def test_a_hostile_text_is_soon_read_or_rejected(redact, text):
    begin = time.monotonic()
    redacted = redact(messages_of({1: [text], 2: ["fine"]}))
    assert time.monotonic() - begin < 10
    assert redacted.rejects["rule"].to_list() in ([], ["redaction_timeout"])
    assert redacted.messages.height + redacted.rejects.height == 2


def shared_data() -> Path | None:
    named = os.environ.get("WORKTALLY_TEST_DATA")
    path = Path(named) if named else Path(__file__).parents[4] / "shared" / "data"
    return path if (path / "labels" / "synthetic_dev.jsonl").exists() else None


@pytest.mark.skipif(shared_data() is None, reason="needs ../shared/data or WORKTALLY_TEST_DATA")
def test_written_conversations_keep_no_listed_number_or_address(redact):
    conversations = [
        json.loads(line)
        for line in (shared_data() / "labels" / "synthetic_dev.jsonl")
        .read_text("utf-8")
        .splitlines()
    ]
    redacted = redact(
        messages_of(
            {
                number: [message["content"] for message in conversation["messages"]]
                for number, conversation in enumerate(conversations)
            }
        )
    )
    texts = redacted.messages.group_by("conversation_id").agg(pl.col("text").str.join("\n"))
    joined = {int(key, 16): text for key, text in texts.rows()}
    sought = {"EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "API_KEY"}
    listed = [
        (number, entity)
        for number, conversation in enumerate(conversations)
        for entity in conversation["pii"] or ()
        if entity["type"] in sought
    ]
    missed = [entity["type"] for number, entity in listed if entity["text"] in joined[number]]
    assert listed
    assert missed == []
