import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from flows.disclosure.thresholds import PrimaryRules
from flows.shares import Taxonomy, add_uncapped
from flows.tables import UncappedUsage
from reports.quarterly import ReportError, render_report

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STARTER = "Starter taxonomy, not O*NET"
ONET = "O*NET 30.1 Database, U.S. Department of Labor/ETA, CC BY 4.0; modified"
HOSTILE = (
    "<script>alert('x')</script><img src=https://example.org/x> | *bold* _lean_ `code` [a](b) & "
)
MAX_BYTES = 600_000
HEADLINE = "Automation and augmentation on the three bases in use"
OCCUPATIONS = "The 15 occupations with most usage"
GROUPS = "SOC major groups by both allocation rules"
CHANGE = "Automation and augmentation, in percentage points"

ReadPage = Callable[[Path], Any]


@pytest.fixture(scope="session")
def report(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return render_report(database, quarter="2026Q2", out=tmp_path_factory.mktemp("report") / "new")


@pytest.fixture(scope="session")
def page(report: Any, read_page: ReadPage) -> Any:
    return read_page(report.html)


def external_references(page: Any) -> list[str]:
    """What a browser would load or run, and attributes that run code."""
    loading = {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "audio",
        "video",
        "use",
        "base",
    }
    found = [tag for tag, _ in page.elements if tag in loading]
    for _, attributes in page.elements:
        found += [name for name in attributes if name in ("src", "srcset") or name.startswith("on")]
        links = (attributes.get(name, "#") for name in ("href", "xlink:href", "action"))
        found += [link for link in links if not link.startswith("#")]
        found += re.findall(r"url\(", attributes.get("style", ""))
    return found + re.findall(r"url\(|@import", page.styles)


def rows_of(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_page_loads_nothing_and_runs_nothing(page: Any) -> None:
    assert external_references(page) == []
    policies = [a["content"] for _, a in page.elements if a.get("http-equiv")]
    assert policies == [POLICY]


@pytest.mark.parametrize(
    "html",
    [
        "<script>1</script>",
        '<img src="x.png">',
        '<a href="https://example.org">x</a>',
        '<p onclick="x()">x</p>',
        "<style>p { background: url(https://example.org/x) }</style>",
        '<p style="background: url(x)">x</p>',
    ],
)
def test_the_check_for_external_references_finds_them(
    html: str, tmp_path: Path, read_page: ReadPage
) -> None:
    (tmp_path / "page.html").write_text(html)
    assert external_references(read_page(tmp_path / "page.html"))


def test_the_page_is_small_and_the_files_carry_the_quarter(report: Any) -> None:
    assert report.html.name == "worktally-2026Q2.html"
    assert report.markdown.name == "worktally-2026Q2.md"
    assert report.privacy.name == "privacy-2026Q2.html"
    assert report.html.stat().st_size < MAX_BYTES
    assert sorted(path.name for path in report.html.parent.iterdir()) == [
        "privacy-2026Q2.html",
        "worktally-2026Q2.html",
        "worktally-2026Q2.md",
    ]
    assert {path.stat().st_mode & 0o777 for path in report.html.parent.iterdir()} == {0o600}


def test_the_same_database_gives_the_same_bytes(
    report: Any, database: Path, tmp_path: Path
) -> None:
    again = render_report(database, quarter="2026Q2", out=tmp_path)
    assert again.html.read_bytes() == report.html.read_bytes()
    assert again.markdown.read_bytes() == report.markdown.read_bytes()


def test_every_table_and_chart_names_its_base_and_rule(page: Any) -> None:
    assert len(page.tables) >= 12
    assert all(re.search(r"Base: .+ Rule: .+", " ".join(c.split())) for c in page.captions)
    assert page.text.count("Base:") == page.text.count("Rule:")
    assert page.text.count("Base:") == len(page.captions) + sum(
        t == "figure" for t, _ in page.elements
    )


def test_headings_captions_and_images_are_semantic(page: Any) -> None:
    tags = [tag for tag, _ in page.elements]
    assert tags.count("h1") == 1
    assert tags.count("caption") == tags.count("table")
    assert all(a.get("scope") in ("col", "row") for tag, a in page.elements if tag == "th")
    drawings = [a for tag, a in page.elements if tag == "svg"]
    assert len(drawings) == 2 * tags.count("figure") > 0
    assert all(a["role"] == "img" and a["aria-label"] for a in drawings)
    anchors = {a["href"][1:] for tag, a in page.elements if tag == "a"}
    assert anchors <= {a.get("id") for _, a in page.elements}


def test_the_headline_is_the_databases(page: Any, database: Path) -> None:
    found = {row[0].split(":")[0]: row[1:] for row in page.tables[HEADLINE][1:]}
    for base, usage in rows_of(
        database,
        "SELECT DISTINCT pattern_base, base_usage FROM collaboration_shares"
        " WHERE quarter = '2026Q2' AND unit_level = 'all'",
    ):
        expected = []
        for mode in ("automation", "augmentation"):
            [(share, lower, upper)] = rows_of(
                database,
                "SELECT share, share_lower, share_upper FROM headline WHERE quarter = '2026Q2'"
                f" AND mode = '{mode}' AND pattern_base = '{base}'",
            )
            expected += [f"{share:.1%}", f"{lower * 100:.1f}–{upper * 100:.1f}%"]
        assert found[base] == [*expected, f"{usage:,.0f}"]


def test_the_leading_occupations_are_the_databases(page: Any, database: Path) -> None:
    expected = rows_of(
        database,
        "SELECT occupation_title, share, task_equal_share, conversation_count"
        " FROM top_occupations WHERE quarter = '2026Q2' AND allocation_rule = 'split' LIMIT 15",
    )
    assert page.tables[OCCUPATIONS][0][0] == "Occupation"
    for found, row in zip(page.tables[OCCUPATIONS][1:], expected, strict=True):
        title, share, equal, conversations = row
        assert found[0] == title
        assert found[1] == f"{share:.2%}"
        assert found[3] in (f"{equal:.2%}", "no task released")
        assert found[4:] == [f"{conversations:,}"]


def test_major_groups_show_both_rules_and_the_reference(page: Any, database: Path) -> None:
    table = page.tables[GROUPS]
    by_title = {row[0]: row for row in table[1:]}
    assert len(by_title) == 22
    for title, split, full in rows_of(
        database,
        "SELECT s.soc_title, s.share, f.share FROM soc_group_shares s JOIN soc_group_shares f"
        " USING (quarter, soc_level, soc_code) WHERE quarter = '2026Q2' AND soc_level = 'major'"
        " AND s.allocation_rule = 'split' AND f.allocation_rule = 'full'",
    ):
        figures = ["withheld" if share is None else f"{share:.1%}" for share in (split, full)]
        assert [by_title[title][1], by_title[title][3]] == figures
    assert "Economic Index" in table[0][-1]
    assert by_title["Computer and Mathematical Occupations"][-1] == "37.2%"
    assert by_title["Legal Occupations"][-1] == "–"


def test_usage_without_limits_has_a_column_where_it_is_told(
    page: Any,
    invent: Callable[..., Any],
    publish: Callable[..., Path],
    tmp_path: Path,
    read_page: ReadPage,
) -> None:
    tables = invent()
    shown = tables["soc_group_shares"].filter(
        pl.col("soc_level") == "major", pl.col("allocation_rule") == "split", pl.col("usage") > 0
    )
    told = shown.select("soc_code", uncapped_usage=pl.col("usage") + 10.0 * pl.int_range(pl.len()))
    uncapped = UncappedUsage.validate(told)
    tables["soc_group_shares"] = add_uncapped(tables["soc_group_shares"], uncapped)
    database = publish(tables)
    table = read_page(render_report(database, quarter="2026Q1", out=tmp_path).html).tables[GROUPS]
    column = table[0].index("Without limits")
    whole = told["uncapped_usage"].sum()
    titles = dict(shown.select("soc_code", "soc_title").rows())
    expected = {titles[code]: f"{usage / whole:.1%}" for code, usage in told.rows()}
    assert {row[0]: row[column] for row in table[1:] if row[0] in expected} == expected
    assert "Without limits" not in page.tables[GROUPS][0]


def test_the_change_is_the_difference_of_the_released_shares(page: Any, database: Path) -> None:
    (then,), (now,) = rows_of(
        database,
        "SELECT share FROM headline WHERE mode = 'automation' AND pattern_base = 'five'"
        " ORDER BY quarter",
    )
    change = f"{(now - then) * 100:+.1f}".replace("-", "−")
    row = ["Automation", "five", f"{then:.1%}", f"{now:.1%}", change]
    assert row in page.tables[CHANGE]
    assert page.tables["Conversations counted"][1:] == [
        ["Conversations", "6,000", "7,000", "+1,000 (+16.7%)"]
    ]


def test_a_changed_taxonomy_is_said_to_be_not_like_for_like(
    invent: Callable[..., Any], publish: Callable[..., Path], tmp_path: Path
) -> None:
    first, second = invent("2026Q1"), invent("2026Q2")
    second["releases"] = second["releases"].with_columns(
        settings_hash=pl.lit("ef" * 32), model_hash=pl.lit("ef" * 32)
    )
    text = _markdown(publish(first, second), "2026Q2", tmp_path)
    assert "Not like for like: sentence encoder and settings changed" in text


def test_a_first_quarter_says_that_there_is_none_before(database: Path, tmp_path: Path) -> None:
    text = _markdown(database, "2026Q1", tmp_path)
    assert "The database holds no earlier quarter" in text
    assert "percentage points" not in text


def test_the_least_number_of_accounts_is_told_where_the_release_tells_it(
    invent: Callable[..., Any], publish: Callable[..., Path], tmp_path: Path
) -> None:
    tables = invent()
    counted = (
        tables["coverage"]
        .head(1)
        .with_columns(
            measure=pl.lit("accounts"),
            detail=pl.lit("distinct accounts"),
            value=pl.lit(890, pl.Int64),
        )
    )
    tables["coverage"] = pl.concat([tables["coverage"], counted])
    assert "**Accounts, at least: 890**" in _markdown(publish(tables), "2026Q1", tmp_path)


def test_unknown_accounts_are_said_to_be_unknown(
    invent: Callable[..., Any], publish: Callable[..., Path], tmp_path: Path, read_page: ReadPage
) -> None:
    database = publish(invent(floors=PrimaryRules(75, None)))
    page = read_page(render_report(database, quarter="2026Q1", out=tmp_path).html)
    assert "Accountsunknownthe sources carry no account ids" in page.text
    assert "The sources carry no account ids, so nothing could be limited" in page.text
    assert "of those under 80, the next multiple of 10, a draw with a secret key" in page.text
    assert "p% rule" not in page.text


def test_the_protection_is_told_with_the_parameters_of_the_release(
    invent: Callable[..., Any], publish: Callable[..., Path], tmp_path: Path
) -> None:
    tables = invent()
    tables["releases"] = tables["releases"].with_columns(
        rounding_base=pl.lit(20, pl.Int64), account_conversation_limit=pl.lit(7, pl.Int64)
    )
    text = _markdown(publish(tables), "2026Q1", tmp_path)
    head, coverage, withheld, method = (
        text.split(f"\n## {title}")[-1].split("\n## ")[0]
        for title in ("Headline", "Coverage", "What was withheld", "Method")
    )
    assert "Counts are rounded to multiples of 20, and shares are of rounded counts." in text
    assert "counted; in multiples of 20" in head
    assert "rounded to multiples of 20" in coverage
    for section in (coverage, method):
        assert "Of one account, 7 conversations of 10 tasks are counted at most" in section
        assert "230 conversations were over the limits and not counted: 4.0%" in section
    for section in (withheld, method):
        assert "from 15 conversations on; of those under 20, the next multiple of 20" in section
        assert "The truth is less than 10 away from what is shown." in section
        assert "5,212 figures were attacked. The narrowest interval is 9 conversations" in section
    assert "against anyone who reads the database" in method
    assert "the least and the most that it can be lie at least 9 conversations apart" in method
    assert "another one with a probability of 1 in 20" in method
    assert "This is not differential privacy" in method


def test_coverage_tells_what_was_not_counted_and_lacks_what_is_withheld(
    invent: Callable[..., Any], publish: Callable[..., Path], tmp_path: Path, read_page: ReadPage
) -> None:
    tables = invent()
    coverage = tables["coverage"]
    row = coverage.filter(pl.col("measure") == "unclustered")
    added = [
        row.with_columns(measure=pl.lit(measure), detail=pl.lit("x"), value=pl.lit(value, pl.Int64))
        for measure, value in (("removed", 230), ("counted", 5_770))
    ]
    is_withheld = pl.col("measure").is_in(["none", "not_classified"])
    tables["coverage"] = pl.concat([coverage.filter(~is_withheld), *added])
    page = read_page(render_report(publish(tables), quarter="2026Q1", out=tmp_path).html)
    names = [(row[0], row[3]) for row in page.tables["From rows to figures"][4:]]
    assert names == [
        ("Accepted", "6,000"), ("Not counted", "230"), ("Counted", "5,770"),
        ("Unclustered: in no cluster", "1,200"),
    ]  # fmt: skip


def test_no_table_has_a_count_of_accounts(page: Any) -> None:
    headings = [heading for table in page.tables.values() for heading in table[0]]
    assert not [heading for heading in headings if "account" in heading.lower()]


def test_a_withheld_quarter_says_so_and_shows_no_zero(
    withheld_database: Path, tmp_path: Path, read_page: ReadPage
) -> None:
    report = render_report(withheld_database, quarter="2026Q1", out=tmp_path)
    page = read_page(report.html)
    assert set(page.tables) == {"From rows to figures", "Cells and usage by level of the taxonomy"}
    values = re.findall(r'<dd class="value[^"]*">([^<]*)<', report.html.read_text("utf-8"))
    assert values == ["withheld", "withheld", "withheld", "not released"]
    for sentence in (
        "Every figure about automation and augmentation is withheld",
        "No occupation is released", "No SOC major group is released",
        "Every collaboration pattern is withheld", "of every SOC major group is withheld",
        "nothing can be said about the depth of use", "No task is released",
        "No cluster is released",
    ):  # fmt: skip
        assert sentence in page.text
        assert sentence in report.markdown.read_text("utf-8")


def test_a_withheld_group_is_withheld_in_each_figure(
    invent: Callable[..., Any], publish: Callable[..., Path], tmp_path: Path, read_page: ReadPage
) -> None:
    database = publish(invent(conversations=500, references=False))
    page = read_page(render_report(database, quarter="2026Q1", out=tmp_path).html)
    withheld = {
        title
        for (title,) in rows_of(
            database,
            "SELECT soc_title FROM soc_group_shares WHERE soc_level = 'major'"
            " AND allocation_rule = 'split' AND suppression <> 'none'",
        )
    }
    rows = {row[0]: row[1:] for row in page.tables[GROUPS][1:]}
    assert withheld
    assert all(set(rows[title]) == {"withheld"} for title in withheld)
    assert all("0.0%" not in row for row in rows.values())


@pytest.mark.parametrize(("notice", "is_starter"), [(STARTER, True), (ONET, False)])
def test_a_starter_taxonomy_is_flagged_at_the_top_in_each_section_and_at_the_end(
    notice: str, is_starter: bool, invent: Callable[..., Any], publish: Callable[..., Path],
    tmp_path: Path, read_page: ReadPage,
) -> None:  # fmt: skip
    report = render_report(publish(invent(notice=notice)), quarter="2026Q1", out=tmp_path)
    page, text = read_page(report.html), report.markdown.read_text("utf-8")
    sections = sum(tag == "section" for tag, _ in page.elements)
    flags = [a for _, a in page.elements if a.get("class") == "flag"]
    banners = [a for _, a in page.elements if a.get("class") == "banner"]
    assert (len(flags), len(banners)) == ((sections, 2) if is_starter else (0, 0))
    assert notice in page.text
    assert text.count(r"> **Starter taxonomy, not O\*NET") == (sections + 1) * is_starter
    assert (r"O\*NET" in text.split("##")[0]) == is_starter


def test_hostile_titles_are_text_and_nothing_else(
    starter: Taxonomy, invent: Callable[..., Any], publish: Callable[..., Path], tmp_path: Path,
    read_page: ReadPage,
) -> None:  # fmt: skip
    taxonomy = Taxonomy(
        starter.onet_release,
        starter.occupations.with_columns(
            occupation_title=pl.lit(HOSTILE) + pl.col("occupation_title")
        ),
        starter.statements.with_columns(statement=pl.lit(HOSTILE) + pl.col("statement")),
        starter.task_occupations,
    )
    report = render_report(publish(invent(taxonomy=taxonomy)), quarter="2026Q1", out=tmp_path)
    page = read_page(report.html)
    assert external_references(page) == []
    assert all(row[0].startswith(HOSTILE) for row in page.tables[OCCUPATIONS][1:])
    text = report.markdown.read_text("utf-8")
    assert not re.search(r"<[a-zA-Z/!]", text)
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    assert len(tables) == len(page.tables)
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
        assert re.fullmatch(r"\|(---\||--:\|)+", table.splitlines()[1])
        assert not re.search(r"(?<!\\)[*_`\[]", table)


def test_a_failed_report_leaves_nothing_and_a_new_one_replaces_the_old(
    database: Path, tmp_path: Path
) -> None:
    with pytest.raises(ReportError):
        render_report(database, quarter="2020Q1", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "worktally-2026Q1.md").write_text("old")
    render_report(database, quarter="2026Q1", out=tmp_path)
    assert (tmp_path / "worktally-2026Q1.md").read_text("utf-8").startswith("# The work")


def _markdown(database: Path, quarter: str, out: Path) -> str:
    return render_report(database, quarter=quarter, out=out).markdown.read_text("utf-8")
