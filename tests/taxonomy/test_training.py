"""The written conversations: labeled by rules that exist, diverse, broad, and nobody's words."""

import re
from collections import Counter
from dataclasses import replace

import polars as pl
import pytest

from flows.train.report import near_duplicates
from onet.release import load_release
from onet.weights import task_rows
from taxonomy.constitution import rule_ids
from taxonomy.patterns import FIVE_PATTERNS
from taxonomy.soc import group_code, soc_groups
from taxonomy.training import Written, written_conversations, written_requests

WRITTEN = written_conversations()
TIED = [written for written in WRITTEN if written.task_id is not None]
REQUESTS = [written for written in WRITTEN if written.name == "requests"]
LANGUAGES = {"es", "fr", "de", "pt", "it", "nl", "pl", "ru", "zh", "ja", "ar", "hi"}


def of(name: str) -> list[Written]:
    return [written for written in WRITTEN if written.name == name]


def test_every_rule_and_label_is_one_of_the_constitution() -> None:
    rules = rule_ids("pattern") | rule_ids("sensitive_subject") | {"none"}
    assert {written.rule for written in WRITTEN} <= rules
    assert {written.pattern for written in WRITTEN} == {*FIVE_PATTERNS, "none"}
    assert {written.use_case for written in WRITTEN} == {"work", "coursework", "personal", None}
    assert all(written.use_case for written in TIED)


def test_turns_are_texts_and_no_opening_comes_twice() -> None:
    assert all(turn.strip() for written in WRITTEN for turn in written.turns)
    openings = Counter(written.turns[0].strip().lower() for written in REQUESTS)
    assert max(openings.values()) == 1


@pytest.mark.parametrize(
    ("what", "count", "least"),
    [
        ("requests", len(REQUESTS), 5_000),
        ("non-occupational", sum(not written.occupational for written in WRITTEN), 1_000),
        ("dialogues", sum(len(written.user_turns) > 1 for written in WRITTEN), 800),
    ],
)
def test_there_are_enough(what: str, count: int, least: int) -> None:
    assert count >= least, what


def test_a_tenth_of_the_requests_is_in_other_languages() -> None:
    other = Counter(written.language for written in REQUESTS if written.language != "en")
    assert set(other) >= LANGUAGES
    assert other.total() >= 0.1 * len(REQUESTS)


def test_a_third_of_the_english_requests_is_short() -> None:
    lengths = [len(w.turns[0].split()) for w in REQUESTS if w.language == "en"]
    assert 0.28 <= sum(length < 12 for length in lengths) / len(lengths) <= 0.5
    assert sum(length > 60 for length in lengths) / len(lengths) >= 0.1


def test_hardly_any_are_near_duplicates() -> None:
    english = [written.turns[0] for written in REQUESTS if written.language == "en"]
    assert len(near_duplicates(english)) <= 0.002 * len(english)


def test_near_duplicates_are_found() -> None:
    text = "please write a letter to the tenants about the heating that fails on cold mornings"
    assert near_duplicates([text, "something else entirely, not a letter", f"{text} again"]) == {
        (0, 2)
    }


def test_no_contact_data_is_written() -> None:
    contact = re.compile(r"[\w.+-]+@[\w-]+\.\w{2,}|\+\d{2}[ -]\d{2,4}[ -]\d{3,}")
    assert not [place for place, w in enumerate(WRITTEN) if contact.search(" ".join(w.turns))]


def test_search_is_extended_by_english_openings_only() -> None:
    requests = written_requests()
    assert requests.height == sum(written.language == "en" for written in TIED)
    assert requests.columns == ["task_id", "text"]
    assert requests.equals(requests.sort("task_id", "text"))


def test_tasks_cover_the_taxonomy(shared_data) -> None:
    release = load_release(shared_data / "onet" / "30.1")
    ids = {written.task_id for written in TIED}
    assert ids <= set(release.tasks["task_id"])
    dwas = release.task_dwas.filter(pl.col("task_id").is_in(list(ids)))["dwa_id"].n_unique()
    assert dwas >= 1_500
    rows = task_rows(release).select("row_task_id", "onet_soc_code").unique("row_task_id")
    minor = (
        pl.DataFrame({"row_task_id": [written.task_id for written in TIED]})
        .join(rows, on="row_task_id", how="left", validate="m:1")
        .select(minor=group_code(pl.col("onet_soc_code"), "minor"))
        .group_by("minor")
        .len()
    )
    counted = dict(minor.rows())
    codes = soc_groups().filter(pl.col("soc_level") == "minor")["soc_code"]
    with_tasks = set(rows.select(group_code(pl.col("onet_soc_code"), "minor")).to_series())
    short = {code: counted.get(code, 0) for code in codes if code in with_tasks}
    assert {code: count for code, count in short.items() if count < 30} == {}


def test_other_tasks_are_tasks_beside_the_best(shared_data) -> None:
    release = load_release(shared_data / "onet" / "30.1")
    others = [written for written in WRITTEN if written.other_task_ids]
    assert len(others) > 2_000
    known = set(release.tasks["task_id"])
    for written in others:
        assert written.task_id is not None
        assert set(written.other_task_ids) <= known - {written.task_id}
        assert len(set(written.other_task_ids)) == len(written.other_task_ids)


@pytest.mark.parametrize(
    ("turns", "opening"),
    [
        (("write a poem", "A poem.", "shorter"), "write a poem"),
        (("hi there", "Hello!", "ok", "So?", "write a poem", "A poem.", "shorter"), "write a poem"),
        (("hi", "Hello!", "thanks"), "hi"),
    ],
)
def test_the_opening_is_the_first_request_and_no_greeting(
    turns: tuple[str, ...], opening: str
) -> None:
    assert replace(WRITTEN[0], turns=turns).opening == opening


def test_no_request_repeats_its_task(shared_data) -> None:
    release = load_release(shared_data / "onet" / "30.1")
    statement = dict(release.tasks.select("task_id", "statement").rows())
    repeated = [
        written.task_id
        for written in TIED
        if _runs(written.turns[0]) & _runs(statement[written.task_id])
    ]
    assert repeated == []


def _runs(text: str) -> set[tuple[str, ...]]:
    """Every five words in a row."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[place : place + 5]) for place in range(len(words) - 4)}
