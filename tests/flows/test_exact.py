"""Exact figures as they are wired into the line: from conversations to the audited database."""

import math
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from flows.audit import _protected_releases, audit
from flows.confine import PrivacyGateError
from flows.disclosure.ledger import ledger_of, read_ledger
from reports.privacy import render_privacy_page
from reports.quarterly import render_report
from tests.from_cube import TASK_IDS, Row, ask, publish, request_in

SMALL = TASK_IDS[7]


def people(count: int) -> list[Row]:
    """Each with two conversations of common tasks; some with one of none, four with a rare one."""
    patterns = ("directive", "feedback_loop", "learning", "task_iteration", "none")
    rows = [
        (f"a{person}", TASK_IDS[(person * place) % 4], patterns[(person + place) % 5])
        for person in range(count)
        for place in (1, 3)
    ]
    others = [
        (f"b{person}", outcome, pattern)
        for person in range(90)
        for outcome, pattern in (("none", "none"), ("not_classified", "not_classified"))
    ]
    return [*rows, *others, *((f"a{person}", SMALL, "directive") for person in range(4))]


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("exact")
    return publish(request_in(place, mode="suppression"), people(301))


def test_figures_are_exact_and_the_audit_attacks_them(published):
    rows = ask(published, "SELECT usage FROM task_shares WHERE suppression = 'none'")
    assert rows
    assert any(usage % 10 for (usage,) in rows)
    assert ask(published, "SELECT disclosure_mode, rounding_base FROM releases") == [
        ("suppression", 10)
    ]
    result = audit(published, None)
    assert result["passed"]
    assert "2026Q1: withheld figures that can be found out to less than 9" in {
        check["name"] for check in result["checks"]
    }


def test_a_small_figure_costs_others(published):
    """The four are all that one would have to subtract the common tasks for."""
    words = dict(ask(published, "SELECT task_id, suppression FROM task_shares"))
    assert words[SMALL] == "primary"
    assert "complementary" in words.values()


def test_the_audit_finds_a_figure_that_gives_a_withheld_one_away(published, tmp_path):
    """Told as well, what is withheld to protect the four leaves the four."""
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(published.read_bytes())
    true = Counter(task for _, task, _ in people(301))
    with duckdb.connect(str(copy)) as connection:
        hidden = connection.execute(
            "SELECT task_id FROM task_shares WHERE suppression = 'complementary'"
        ).fetchall()
        for (task,) in hidden:
            connection.execute(
                "UPDATE task_shares SET suppression = 'none', usage = ?, conversation_count = ?,"
                " share = 0.1, share_lower = 0, share_upper = 1 WHERE task_id = ?",
                [float(true[task]), true[task], task],
            )
    refused = audit(copy, None)
    assert not refused["passed"]
    assert refused["refused_cells"]


@pytest.mark.parametrize(
    ("change", "known_from"),
    [
        ("UPDATE disclosure SET value = 1", 50.0),  # of less, the rules do not make sure
        ("UPDATE disclosure SET value = 80", 80.0),
        ("DELETE FROM disclosure", math.inf),
    ],
)
def test_a_database_cannot_say_that_more_may_be_known(change, known_from, published, tmp_path):
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(published.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute(f"{change} WHERE measure = 'sums_known_from'")
        methods = [method for _, _, method, _ in _protected_releases(connection)]
    assert [method.sums_from for method in methods] == [known_from]


def test_the_ledger_knows_the_method(published):
    (entry,) = read_ledger(ledger_of(published), "2026Q1")
    assert (entry.method.base, entry.method.reach, entry.method.sums_from) == (1, 1.0, 50.0)
    assert publish(request_in(published.parent, mode="suppression"), people(301)) == published


@pytest.mark.parametrize(
    ("mode", "count", "rule"),
    [
        ("rounding", 301, "released_in_another_mode"),
        ("suppression", 350, "exact_figures_are_released_once"),
    ],
)
def test_nothing_is_released_that_exact_figures_could_be_subtracted_from(
    mode, count, rule, tmp_path
):
    publish(request_in(tmp_path, mode="suppression"), people(301))
    with pytest.raises(PrivacyGateError) as caught:
        publish(request_in(tmp_path, mode=mode), people(count))
    assert caught.value.rule == rule


def test_the_number_of_conversations_is_never_what_is_withheld_for_others(tmp_path):
    """Five conversations of no task could hide behind the total: what is beside them goes."""
    rows = [row for row in people(301) if row[1] not in ("none", "not_classified", SMALL)]
    few = [(f"c{number}", "none", "none") for number in range(5)]
    database = publish(request_in(tmp_path, mode="suppression"), [*rows, *few])
    counted = "SELECT value FROM coverage WHERE measure = 'counted'"
    assert ask(database, counted) == [(607,)]


def test_the_pages_say_that_figures_are_exact(published, tmp_path):
    report = render_report(published, quarter="2026Q1", out=tmp_path).html
    page = render_privacy_page(published, quarter="2026Q1", out=tmp_path)
    for path in (report, page):
        text = Path(path).read_text("utf-8")
        assert "exact" in text
        assert "multiples of 10, and shares" not in text
