from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from flows.disclosure.thresholds import PrimaryRules
from reports.privacy import ReportError, render_privacy_page
from tests.reports.test_quarterly import POLICY, external_references

SECTIONS = [
    "What is promised, and against whom",
    "How it is done, in order",
    "Parameters of this release",
    "What the attack found",
    "What is withheld, by level",
    "What is not promised",
    "How to check it yourself",
]
FOUND = "What disclosure control did and what the attack found"
LEVELS = "Cells and usage by level of the taxonomy"

ReadPage = Callable[[Path], Any]


@pytest.fixture(scope="session")
def written(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("privacy") / "new"
    return render_privacy_page(database, quarter="2026Q2", out=out)


@pytest.fixture(scope="session")
def page(written: Path, read_page: ReadPage) -> Any:
    return read_page(written)


def test_the_page_is_one_file_that_carries_the_quarter(written: Path) -> None:
    assert [path.name for path in written.parent.iterdir()] == ["privacy-2026Q2.html"]


def test_the_page_loads_nothing_and_runs_nothing(page: Any) -> None:
    assert external_references(page) == []
    assert [a["content"] for _, a in page.elements if a.get("http-equiv")] == [POLICY]


def test_the_same_database_gives_the_same_bytes(
    written: Path, database: Path, tmp_path: Path
) -> None:
    again = render_privacy_page(database, quarter="2026Q2", out=tmp_path)
    assert again.read_bytes() == written.read_bytes()


def test_every_section_is_there_and_in_the_contents(page: Any) -> None:
    text = page.text.split("Contents")[1]
    places = [text.rindex(title) for title in SECTIONS]
    assert places == sorted(places)
    assert all(text.count(title) >= 2 for title in SECTIONS)
    anchors = {a["href"][1:] for tag, a in page.elements if tag == "a"}
    assert len(anchors) == len(SECTIONS)
    assert anchors <= {a.get("id") for _, a in page.elements}


def test_the_steps_are_told_in_their_order(page: Any) -> None:
    steps = ("Limits per account", "Near-copies", "Primary rules", "Withholding", "Rounding")
    numbered = [f"{number}. {step}" for number, step in enumerate((*steps, "Attack"), 1)]
    places = [page.text.index(step) for step in numbered]
    assert places == sorted(places)


def test_the_attack_is_the_databases(page: Any, database: Path) -> None:
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            "SELECT measure, description FROM disclosure WHERE quarter = '2026Q2'"
        ).fetchall()
    found = {row[0]: row[1:] for row in page.tables[FOUND][1:]}
    assert {name: words for name, (words, _) in found.items()} == {
        measure.replace("_", " "): description for measure, description in rows
    }
    figures = {name: figure for name, (_, figure) in found.items()}
    assert figures == {
        "attacked figures": "5,212",
        "wanted interval": "9",
        "narrowest interval": "9",
        "rounding reach": "10",
        "one account detection": "10.0%",
        "removed conversations": "230",
        "removed share": "4.0%",
        "complementary cells": "12",
    }


def test_what_is_withheld_is_told_by_level(page: Any) -> None:
    assert [row[0] for row in page.tables[LEVELS][1:]] == ["All conversations", "Tasks"]
    assert page.tables[LEVELS][2][1:] == ["116", "3,685", "516", "1,000", "51.6%"]


def test_parameters_are_the_releases_and_p_is_not_among_them(
    invent: Callable[..., Any], publish: Callable[..., Path], tmp_path: Path, read_page: ReadPage
) -> None:
    tables = invent()
    tables["releases"] = tables["releases"].with_columns(
        rounding_base=pl.lit(25, pl.Int64),
        account_conversation_limit=pl.lit(7, pl.Int64),
        account_task_limit=pl.lit(3, pl.Int64),
    )
    page = read_page(render_privacy_page(publish(tables), quarter="2026Q1", out=tmp_path))
    section = page.text.split(SECTIONS[2])[-1].split(SECTIONS[3])[0]
    told = [line for line in section.splitlines() if line.strip() and "Starter" not in line]
    assert told[:7] == [
        "Floor of conversations15", "Floor of accounts5",
        "Conversations counted of one account7 at most", "Tasks counted of one account3 at most",
        "p of the p% rulenot told: it would help to work backwards from what is withheld",
        "Protection of countsrounding", "Rounding base25",
    ]  # fmt: skip


def test_unknown_accounts_have_no_parameters(
    invent: Callable[..., Any], publish: Callable[..., Path], tmp_path: Path, read_page: ReadPage
) -> None:
    database = publish(invent(floors=PrimaryRules(75, None)))
    page = read_page(render_privacy_page(database, quarter="2026Q1", out=tmp_path))
    assert page.text.count("none: accounts are unknown") == 4
    assert "nothing could be limited by account" in page.text
    assert "No heavy user" not in page.text


def test_how_many_accounts_must_lie_between_two_releases_is_told(page: Any) -> None:
    assert "at least 5 accounts have changed or 10 have come or gone" in page.text


def test_a_starter_taxonomy_is_flagged(page: Any) -> None:
    flags = [a for _, a in page.elements if a.get("class") == "flag"]
    assert len(flags) == len(SECTIONS)


def test_a_reader_is_told_how_to_check(page: Any) -> None:
    assert "worktally audit --database FILE" in page.text


def test_a_quarter_without_release_writes_nothing(database: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError):
        render_privacy_page(database, quarter="2020Q1", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
