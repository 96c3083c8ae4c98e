"""Decides what is said of what the figures leave out: rejected, undecided and withheld."""

from reports.content import Block, Paragraph, Section, Table
from reports.database import Answers, Row
from reports.figures import count, number_of, percent, plain
from reports.sections.told import tell
from reports.words import BOTH, LEVELS, NO_ALLOCATION

_MEASURES = {
    "rows_in": "Rows in",
    "rejected": "Rejected",
    "accepted": "Accepted",
    "removed": "Not counted",
    "counted": "Counted",
    "unclustered": "Unclustered: in no cluster",
    "none": "None",
    "not_classified": "Not classified",
}
_NO_BASE = "not applicable"
_ALIKE = "Everything else is withheld, and a unit without usage looks the same as a withheld one."


def coverage_section(answers: Answers) -> Section:
    """From the rows that came in to the conversations behind the figures."""
    rows = answers["coverage"]
    title = "Coverage"
    if not rows:
        text = "The release says nothing about what came in and what was rejected."
        return Section("coverage", title, (Paragraph(text),))
    told = tell(answers)
    text = (
        "Every row that came in is accepted, or rejected by one named rule. Rows outside the"
        " quarter are no fault of the input. Unclustered, none and not classified conversations"
        " stay in the totals; they are never folded into a cluster, a pattern or a task."
        f" {told.coverage}"
    )
    table = Table(
        caption="From rows to figures",
        base="rows in, accepted or counted conversations; its size stands in the column Of",
        rule=NO_ALLOCATION,
        columns=("What", "Detail", "Stage", "Count", "Of", "Share"),
        text_columns=3,
        rows=tuple(_coverage_row(row) for row in rows),
    )
    limits = Paragraph(told.limits)
    return Section("coverage", title, (Paragraph(text), *_rejected_words(rows), limits, table))


def withheld_section(answers: Answers) -> Section:
    """How much is behind the figures that do not show."""
    rows, (why, *further) = answers["withheld"], tell(answers).withheld
    title = "What was withheld"
    blocks: list[Block] = [Paragraph(text) for text in (f"{why} {_ALIKE}", *further)]
    if not rows:
        blocks.append(Paragraph("The release does not say how many cells were withheld."))
        return Section("withheld", title, tuple(blocks))
    blocks += [Paragraph(_usage_words(row)) for row in rows if row["unit_level"] == "task"]
    return Section("withheld", title, (*blocks, withheld_table(rows)))


def withheld_table(rows: list[Row]) -> Table:
    """Released and withheld cells and usage, a row a level of the taxonomy."""
    return Table(
        caption="Cells and usage by level of the taxonomy",
        base="cells of the level; usage allocated on the level by rule split",
        rule=f"cells: {BOTH}; usage: split",
        columns=(
            "Level", "Cells released", "Cells withheld, at most", "Usage withheld", "Of", "Share",
        ),
        rows=tuple(_withheld_row(row) for row in rows),
        notes=(
            "A cell is a unit of the taxonomy by collaboration pattern, or by all of them; the"
            " number of withheld ones is rounded up where counts are rounded. Usage withheld is"
            " what shown units leave of their level's total.",
        ),
    )  # fmt: skip


def _coverage_row(row: Row) -> tuple[str, ...]:
    has_base = row["base_value"] is not None
    return (
        _MEASURES[row["measure"]],
        plain(row["detail"]),
        row["stage"],
        count(row["value"]),
        count(row["base_value"]) if has_base else _NO_BASE,
        percent(row["share"], 2) if row["share"] is not None else _NO_BASE,
    )


def _rejected_words(rows: list[Row]) -> list[Paragraph]:
    if not any(row["measure"] == "rows_in" for row in rows):
        return []
    rejected = [row for row in rows if row["measure"] == "rejected"]
    outside = sum(row["value"] for row in rejected if row["detail"] == "outside_quarter")
    total = sum(row["value"] for row in rejected)
    if not total:
        return [Paragraph("Rounded, no row was rejected.")]
    return [
        Paragraph(
            f"{number_of(total, 'row was', 'rows were')} rejected, of which {count(outside)}"
            " outside the quarter."
        )
    ]


def _usage_words(row: Row) -> str:
    cells = number_of(row["withheld_cell_count"] or 0, "cell")
    if row["withheld_usage_share"] is None:
        return f"On the level of tasks, up to {cells} are withheld."
    return (
        f"On the level of tasks, up to {cells} are withheld; tasks whose own total is withheld hold"
        f" {percent(row['withheld_usage_share'])} of the usage."
    )


def _withheld_row(row: Row) -> tuple[str, ...]:
    has_usage = row["withheld_usage"] is not None
    figures = (
        count(row["withheld_usage"]),
        count(row["all_usage"]),
        percent(row["withheld_usage_share"]),
    )
    return (
        LEVELS.get(row["unit_level"], plain(row["unit_level"])),
        count(row["released_cell_count"] or 0),
        count(row["withheld_cell_count"] or 0),
        *(figures if has_usage else (_NO_BASE,) * len(figures)),
    )
