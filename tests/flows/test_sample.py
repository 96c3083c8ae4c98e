import gzip
import hashlib
import json
import random
import re
import statistics
from collections import Counter
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

from flows.ingest.accept import accept_records
from flows.ingest.quarters import Quarter
from flows.ingest.read import read_records
from flows.sample import SampleSummary, write_sample
from flows.sample.bank import OPENERS, load_bank, read_table
from flows.sample.dialogue import compose_request
from flows.sample.slots import ENTITY_TYPES, SLOT
from flows.sample.stream import REJECT_RULES, stream_conversations
from flows.sample.values import set_scene
from flows.settings import SettingsError, load_settings

COUNT = 4_000
QUARTERS = ("2026Q1", "2027Q1")
LANGUAGES = ("en", "es", "fr", "de", "pt", "it", "nl", "ru", "zh", "ja", "hi", "ar")
UNIQUE = ("EMAIL_ADDRESS", "SECRET", "URL", "CREDIT_CARD", "IBAN_CODE")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    out = tmp_path_factory.mktemp("sample") / "out"
    return write_sample(conversation_count=COUNT, quarters=QUARTERS, seed=3, out=out)


@pytest.fixture(scope="module")
def truths(sample: SampleSummary) -> dict[str, list[dict[str, Any]]]:
    return {
        quarter.quarter: [json.loads(line) for line in _lines(quarter.truth)]
        for quarter in sample.quarters
    }


def test_the_same_arguments_give_the_same_bytes_and_another_seed_gives_others(
    tmp_path: Path,
) -> None:
    digests = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        out = tmp_path / name
        write_sample(conversation_count=150, quarters=["2026Q1", "2026Q2"], seed=seed, out=out)
        files = sorted(file for file in out.rglob("*") if file.is_file())
        digests.append([(file.name, hashlib.sha256(file.read_bytes()).digest()) for file in files])
    assert len(digests[0]) == 4
    assert digests[0] == digests[1]
    assert all(ours != theirs for ours, theirs in zip(digests[0], digests[2], strict=True))


def test_a_quarter_does_not_depend_on_the_others_asked_for(
    sample: SampleSummary, tmp_path: Path
) -> None:
    alone = write_sample(conversation_count=COUNT, quarters=["2027Q1"], seed=3, out=tmp_path / "a")
    assert alone.quarters[0].log.read_bytes() == sample.quarters[1].log.read_bytes()


@pytest.mark.parametrize("quarter", QUARTERS)
def test_ingestion_rejects_exactly_the_planted_faults_and_accepts_the_rest(
    sample: SampleSummary, truths: dict[str, list[dict[str, Any]]], quarter: str
) -> None:
    written = sample.quarters[QUARTERS.index(quarter)]
    settings = load_settings().ingest
    partitions = list(
        accept_records(
            read_records([written.log], format_name=None, settings=settings),
            quarter=quarter,
            keyed_hash=lambda text: hashlib.sha256(text.encode()).hexdigest()[:32],
            settings=settings,
        )
    )
    rejects = [(row["line"], row["rule"]) for part in partitions for row in part.rejects.to_dicts()]
    truth = truths[quarter]
    planted = [(row["line"], row["fault"]) for row in truth if row["fault"] in REJECT_RULES]
    assert rejects == planted
    assert {rule for _, rule in rejects} == set(REJECT_RULES)
    own_ids = [own_id for part in partitions for own_id in part.own_ids.values()]
    accepted = [row for row in truth if row["fault"] not in REJECT_RULES]
    assert own_ids == [row["id"] for row in accepted]
    assert written.accepted_count == len(accepted)
    started_at = [time for part in partitions for time in part.conversations["started_at"]]
    assert started_at == [datetime.fromisoformat(row["started_at"]) for row in accepted]


def test_the_directory_itself_is_read_as_the_logs_without_the_truth(sample: SampleSummary) -> None:
    directory = sample.quarters[0].log.parent
    records = read_records([directory], format_name=None, settings=load_settings().ingest)
    assert sum(1 for _ in records) == COUNT * len(QUARTERS)


def test_summary_and_truth_count_the_same_faults_about_one_and_a_half_percent(
    sample: SampleSummary, truths: dict[str, list[dict[str, Any]]]
) -> None:
    for quarter in sample.quarters:
        truth = truths[quarter.quarter]
        counts = Counter(row["fault"] for row in truth if row["fault"])
        assert counts == quarter.fault_counts
        assert len(truth) == quarter.row_count == COUNT
        assert 0.010 <= sum(counts[rule] for rule in REJECT_RULES) / COUNT <= 0.021
        assert 0.005 <= (counts["near_duplicate"] + counts["exact_duplicate"]) / COUNT <= 0.015


def test_planted_spans_point_at_their_text_and_no_slot_is_left_open(
    sample: SampleSummary, truths: dict[str, list[dict[str, Any]]]
) -> None:
    seen: Counter[str] = Counter()
    for quarter in sample.quarters:
        for row, truth in zip(_lines(quarter.log), truths[quarter.quarter], strict=True):
            texts = _texts(row) if truth["fault"] is None or truth["planted"] else []
            assert not any(SLOT.search(text) for text in texts)
            for planted in truth["planted"]:
                text = texts[planted["message_index"]]
                assert text[planted["start"] : planted["end"]] == planted["text"]
                seen[planted["entity_type"]] += 1
    assert set(seen) == set(ENTITY_TYPES.values())


def test_planted_values_are_well_formed_and_told_apart(
    truths: dict[str, list[dict[str, Any]]],
) -> None:
    values: dict[str, list[str]] = {}
    for row in truths["2026Q1"]:
        if row["fault"] not in ("near_duplicate", "exact_duplicate"):
            for kind, text in {
                (entity["entity_type"], entity["text"]) for entity in row["planted"]
            }:
                values.setdefault(kind, []).append(text)
    for kind in UNIQUE:
        assert len(set(values[kind])) == len(values[kind]), kind
    assert all(_is_phone_number(text) for text in values["PHONE_NUMBER"])
    assert all(_passes_luhn(text.replace(" ", "")) for text in values["CREDIT_CARD"])
    assert all(_passes_mod_97(text.replace(" ", "")) for text in values["IBAN_CODE"])
    address = re.compile(r"[a-z.]+\.[a-z0-9]{5}@[a-z]+\.example\.(com|net|org)")
    assert all(address.fullmatch(text) for text in values["EMAIL_ADDRESS"])


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_instants_around_the_ends_of_the_quarter_are_there(
    truths: dict[str, list[dict[str, Any]]], quarter: str
) -> None:
    year = int(quarter[:4])
    edges = {
        f"{year - 1}-12-31T23:59:59.999999Z": "outside_quarter",
        f"{year}-01-01T00:00:00.000000Z": "quarter_edge",
        f"{year}-03-31T23:59:59.999999Z": "quarter_edge",
        f"{year}-04-01T00:00:00.000000Z": "outside_quarter",
    }
    found = {row["started_at"]: row["fault"] for row in truths[quarter]}
    assert {time: found.get(time) for time in edges} == edges


def test_repeats_say_what_an_earlier_row_said(
    sample: SampleSummary, truths: dict[str, list[dict[str, Any]]]
) -> None:
    said: dict[str, set[str]] = {}
    other_accounts = 0
    for row, truth in zip(_lines(sample.quarters[0].log), truths["2026Q1"], strict=True):
        if truth["fault"] is not None and not truth["fault"].endswith("_duplicate"):
            continue
        opener = _texts(row)[0]
        if truth["fault"] is None:
            said.setdefault(opener, set()).add(truth["account"])
            continue
        is_near = truth["fault"] == "near_duplicate"
        originals = [text for text in said if opener.startswith(text)] if is_near else [opener]
        assert any(said.get(text) for text in originals)
        other_accounts += any(truth["account"] not in said[text] for text in originals)
        assert is_near == (opener not in said)
    assert other_accounts > 0


def test_usage_is_skewed_as_published_and_drifts_between_quarters(
    truths: dict[str, list[dict[str, Any]]],
) -> None:
    groups = {quarter: _group_shares(rows) for quarter, rows in truths.items()}
    expected = {row["soc_major"]: float(row["share"]) / 100 for row in read_table("group_shares")}
    assert set(groups["2026Q1"]) == set(expected)
    for group, share in expected.items():
        assert groups["2026Q1"][group] == pytest.approx(share, abs=0.035), group
    assert groups["2027Q1"]["15"] < groups["2026Q1"]["15"] - 0.03
    assert groups["2027Q1"]["25"] > groups["2026Q1"]["25"] + 0.01
    tasks = Counter(row["task_id"] for row in truths["2026Q1"] if row["task_id"])
    assert tasks.most_common(1)[0][1] > 20 * statistics.median(tasks.values())


@pytest.mark.parametrize(
    ("of", "value", "low", "high"),
    [
        ("pattern", "directive", 0.22, 0.31),
        ("pattern", "feedback_loop", 0.10, 0.17),
        ("pattern", "task_iteration", 0.24, 0.33),
        ("pattern", "learning", 0.18, 0.26),
        ("pattern", "validation", 0.02, 0.06),
        ("pattern", "none", 0.04, 0.10),
        ("occupational", False, 0.11, 0.17),
        ("language", "en", 0.91, 0.97),
        ("use_case", "work", 0.80, 0.90),
    ],
)
def test_the_mix_is_near_the_published_one(
    truths: dict[str, list[dict[str, Any]]], of: str, value: object, low: float, high: float
) -> None:
    rows = truths["2026Q1"]
    assert low <= sum(row[of] == value for row in rows) / len(rows) <= high


def test_one_account_is_heavy_and_most_ask_little(
    truths: dict[str, list[dict[str, Any]]],
) -> None:
    counts = Counter(row["account"] for row in truths["2026Q1"])
    (_, heaviest), *others = counts.most_common()
    assert 0.006 <= heaviest / COUNT <= 0.018
    assert heaviest > others[0][1]
    assert statistics.median(counts.values()) <= 3
    assert len(counts) > COUNT / 5
    in_both = set(counts) & {row["account"] for row in truths["2027Q1"]}
    assert len(in_both) > len(counts) / 4
    homes = {(row["account"], row["country"]) for row in truths["2026Q1"]}
    assert len(homes) == len(counts)


def test_times_follow_the_week_and_the_day(truths: dict[str, list[dict[str, Any]]]) -> None:
    times = [datetime.fromisoformat(row["started_at"]) for row in truths["2026Q1"]]
    weekdays = Counter(time.weekday() for time in times)
    assert weekdays[5] + weekdays[6] < weekdays[1]
    hours = Counter(time.hour for time in times)
    assert max(hours.values()) > 1.5 * min(hours.values())
    days = {time.date() for time in times}
    assert len(days) >= 90


def test_conversations_have_two_to_ten_messages_and_speak_in_turn(sample: SampleSummary) -> None:
    lines = _lines(sample.quarters[0].log)
    rows = [json.loads(line) for line in lines if line.startswith(b'{"conversation_id"')]
    assert len(rows) > COUNT / 50  # the other form of a row
    counts = {len(row["messages"]) for row in rows}
    assert counts <= {2, 4, 6, 8, 10}
    assert counts >= {2, 4, 6}
    for row in rows:
        roles = [message["role"] for message in row["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("pattern", OPENERS)
def test_a_conversation_keeps_its_pattern_and_its_language(language: str, pattern: str) -> None:
    bank = load_bank()
    requests = [
        request
        for request in bank.requests
        if (request.language, request.pattern) == (language, OPENERS[pattern])
    ]
    assert requests
    scene = set_scene(random.Random(1), language, "US", date(2026, 1, 1))
    scene.values.update({slot: f"{{{slot}}}" for slot in ENTITY_TYPES})  # slots stay as written
    for request in islice(requests, 5):
        dialogue = compose_request(bank, request, pattern, scene)
        chains = bank.follow_ups(language, request.artefact, pattern)
        turns = dialogue.texts[2::2]
        assert (dialogue.pattern, dialogue.language) == (pattern, language)
        assert any(chain[: len(turns)] == turns for chain in chains)
        assert turns or pattern not in ("feedback_loop", "task_iteration")


def test_every_task_has_a_directive_request_and_one_of_another_kind() -> None:
    kinds: dict[int, set[str]] = {}
    for request in load_bank().requests:
        if request.language == "en":
            kinds.setdefault(request.task_id, set()).add(request.pattern)
    assert len(kinds) > 1_000
    assert all("directive" in names and len(names) > 1 for names in kinds.values())


def test_a_million_conversations_are_streamed_not_built() -> None:
    stream = stream_conversations(load_bank(), Quarter.parse("2026Q1"), 1_000_000, seed=1)
    assert len(list(islice(stream, 20))) == 20


@pytest.mark.parametrize(
    ("count", "quarters", "what"),
    [
        (99, ["2026Q1"], "conversations"),
        (1_000_001, ["2026Q1"], "conversations"),
        (100, [], "quarters"),
        (100, ["2026Q1", "2026Q1"], "each once"),
        (100, ["2026Q5"], "quarter"),
        (100, ["2026-Q1"], "quarter"),
        (100, ["2015Q4"], "2016 to 2099"),
        (100, ["2100Q1"], "quarter"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, count: int, quarters: list[str], what: str
) -> None:
    with pytest.raises(SettingsError, match=what):
        write_sample(conversation_count=count, quarters=quarters, seed=1, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_directory_with_something_in_it_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    for out in (tmp_path, tmp_path / "kept"):
        with pytest.raises(SettingsError, match=r"not empty|cannot write"):
            write_sample(conversation_count=100, quarters=["2026Q1"], seed=1, out=out)
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


def test_the_least_sample_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "empty"
    out.mkdir()
    summary = write_sample(conversation_count=100, quarters=["2026Q4"], seed=-1, out=out)
    assert [quarter.row_count for quarter in summary.quarters] == [100]
    assert len(_lines(summary.quarters[0].log)) == len(_lines(summary.quarters[0].truth)) == 100


def _lines(path: Path) -> list[bytes]:
    with gzip.open(path, "rb") as stream:
        return stream.read().removesuffix(b"\n").split(b"\n")


def _texts(line: bytes) -> list[str]:
    contents = [message["content"] for message in json.loads(line)["messages"]]
    return [text if isinstance(text, str) else text[0]["text"] for text in contents]


def _group_shares(rows: list[dict[str, Any]]) -> dict[str, float]:
    groups = Counter(row["onet_soc_code"][:2] for row in rows if row["occupational"])
    return {group: count / groups.total() for group, count in groups.items()}


def _is_phone_number(text: str) -> bool:
    numbers = (phonenumbers.parse(text, region) for region in ("US", "GB", "DE", "FR", "AU"))
    return any(phonenumbers.is_valid_number(number) for number in numbers)


def _passes_luhn(number: str) -> bool:
    doubled = "0246813579"
    total = sum(
        int(doubled[int(digit)] if place % 2 else digit)
        for place, digit in enumerate(reversed(number))
    )
    return total % 10 == 0


def _passes_mod_97(iban: str) -> bool:
    remainder = 0
    for sign in iban[4:] + iban[:4]:
        for digit in str(int(sign, 36)):
            remainder = (remainder * 10 + int(digit)) % 97
    return remainder == 1


def test_canaries_are_planted_once_listed_and_change_nothing_else(tmp_path: Path) -> None:
    for name, share in (("without", 0.0), ("with", 0.6)):
        write_sample(conversation_count=400, quarters=["2026Q1"], seed=3, out=tmp_path / name,
                     canary_share=share)  # fmt: skip
    assert not (tmp_path / "without" / "truth" / "canaries-2026Q1.txt").exists()
    listed = (tmp_path / "with" / "truth" / "canaries-2026Q1.txt").read_text("utf-8").splitlines()
    canaries = [text for text in listed if not text.startswith(("conv-", "user-"))]
    assert len(canaries) == len(set(canaries)) >= 230  # repeats are of others
    plain, carrying = (
        [json.loads(line) for line in _lines(tmp_path / name / "truth" / "truth-2026Q1.jsonl.gz")]
        for name in ("without", "with")
    )
    kinds: Counter[str] = Counter()
    for before, after in zip(plain, carrying, strict=True):
        added = [spot for spot in after["planted"] if spot not in before["planted"]]
        assert {**after, "planted": before["planted"]} == before
        kinds.update(spot["entity_type"] for spot in added)
        assert {spot["text"] for spot in added} <= set(canaries)
        assert not added or {after["account"], after["id"]} <= {*listed, None}
    assert set(kinds) == {"PERSON", "EMAIL_ADDRESS", "SECRET", "LOCATION", "RARE_WORD"}
    assert min(kinds.values()) >= 40
    logs = [
        _lines(tmp_path / name / "conversations-2026Q1.jsonl.gz") for name in ("without", "with")
    ]
    text = "\n".join(line.decode("utf-8", "replace") for line in logs[1])
    assert all(json.dumps(canary, ensure_ascii=False)[1:-1] in text for canary in canaries[:20])
    assert sum(a != b for a, b in zip(*logs, strict=True)) >= 225


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_of_canaries_is_a_share(share: float, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="0 to 1"):
        write_sample(conversation_count=100, quarters=["2026Q1"], seed=1, out=tmp_path / "out",
                     canary_share=share)  # fmt: skip


def test_a_sample_is_its_owners_alone(sample: SampleSummary) -> None:
    made = [*sample.quarters[0].log.parent.rglob("*"), sample.quarters[0].log.parent]
    assert {path.stat().st_mode & 0o077 for path in made} == {0}
