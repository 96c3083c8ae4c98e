"""Decides what is said of collaboration patterns: in all, and automation by SOC major group."""

from collections import defaultdict

from reports.charts import ACCENT, NARROW, SECOND, WIDE, draw_automation, draw_patterns
from reports.content import Block, Chart, Paragraph, Section, Table
from reports.database import Answers, Row
from reports.figures import count, interval, percent, published
from reports.words import AUTOMATION, BASES, NO_TASK_RULE, PATTERNS, SPLIT

_FIVE = "five: the five patterns"
_NOT_IN_BASE = "not in base"


def patterns_section(answers: Answers) -> Section:
    """The patterns on all three bases, beside what others have published."""
    rows = answers["patterns"]
    title = "Collaboration patterns"
    if not any(row["share"] is not None for row in rows):
        text = "Every collaboration pattern is withheld this quarter."
        return Section("patterns", title, (Paragraph(text),))
    references = _references(answers)
    blocks: list[Block] = []
    drawn = [
        row | {"title": PATTERNS[row["pattern"]], "is_automation": row["pattern"] in AUTOMATION}
        for row in rows
        if row["pattern_base"] == "five" and row["share"] is not None
    ]
    if drawn:
        blocks.append(_chart(drawn, references))
    return Section("patterns", title, (*blocks, _table(rows, references)))


def automation_section(answers: Answers) -> Section:
    """The automation share within each SOC major group."""
    rows = answers["automation_by_group"]
    title = "Automation by major group"
    released = [row for row in rows if row["share"] is not None]
    if not released:
        text = "The automation share of every SOC major group is withheld this quarter."
        return Section("automation", title, (Paragraph(text),))
    overall = next(
        (
            row["share"]
            for row in answers["headline"]
            if row["mode"] == "automation" and row["pattern_base"] == "five"
        ),
        None,
    )
    line = "" if overall is None else f"; the dashed line is all usage together, {percent(overall)}"
    chart = Chart(
        caption=f"Automation share of each group's usage, with 95% interval{line}",
        base=_FIVE,
        rule=SPLIT,
        wide=draw_automation(released, overall, WIDE),
        narrow=draw_automation(released, overall, NARROW),
    )
    return Section("automation", title, (chart, _groups_table(rows)))


def _chart(drawn: list[Row], references: dict[str, dict[str, float]]) -> Chart:
    source = next(iter(references), None)
    marked = references[source] if source else {}
    mark = f"; the upright marks are {source}" if source else ""
    return Chart(
        caption=f"Share of each pattern, with 95% interval{mark}",
        base=f"{_FIVE}: {count(drawn[0]['base_usage'])} conversations",
        rule=NO_TASK_RULE,
        wide=draw_patterns(drawn, marked, WIDE),
        narrow=draw_patterns(drawn, marked, NARROW),
        legend=((ACCENT, "automation"), (SECOND, "augmentation")),
    )


def _references(answers: Answers) -> dict[str, dict[str, float]]:
    """Published shares of patterns on base five, by source and pattern."""
    published: dict[str, dict[str, float]] = defaultdict(dict)
    for row in answers["reference_shares"]:
        if row["measure"] == "pattern" and row["base"] == "five":
            published[row["source"]][row["id"]] = row["share"]
    return published


def _table(rows: list[Row], references: dict[str, dict[str, float]]) -> Table:
    by_base = {(row["pattern_base"], row["pattern"]): row for row in rows}
    table = []
    for pattern, name in PATTERNS.items():
        of_all = by_base.get(("all", pattern))
        if of_all is None:
            continue
        figures = [
            cell for base in BASES for cell in _share_cells(by_base.get((base, pattern)), base)
        ]
        others = [published(shares.get(pattern)) for shares in references.values()]
        table.append((name, *figures, count(of_all["conversation_count"]), *others))
    totals = {row["pattern_base"]: count(row["base_usage"]) for row in rows}
    notes = ["Base five leaves out none and not classified; base six leaves out not classified."]
    if references:
        notes.append("– : the database holds no published share of this pattern.")
    else:
        notes.append("The database holds no published shares of patterns to compare with.")
    return Table(
        caption="Collaboration patterns on all three bases",
        base="; ".join(f"{base}: {total}" for base, total in totals.items()) + " (conversations)",
        rule=NO_TASK_RULE,
        columns=(
            "Pattern", "Base five", "95% interval", "Base six", "Base all", "Conversations",
            *(f"{source} (base five)" for source in references),
        ),
        rows=tuple(table),
        notes=tuple(notes),
    )  # fmt: skip


def _share_cells(row: Row | None, base: str) -> list[str]:
    """The share, and its interval on base five; other bases would say it again."""
    if row is None:
        return [_NOT_IN_BASE] * (2 if base == "five" else 1)
    share = percent(row["share"])
    return [share, interval(row["share_lower"], row["share_upper"])] if base == "five" else [share]


def _groups_table(rows: list[Row]) -> Table:
    notes = [
        "Withheld: automation or augmentation in the group is withheld, and so is the base."
        " Patterns withheld are counted in their mode."
    ]
    return Table(
        caption="Automation share by SOC major group",
        base=f"{_FIVE}, of each group's own usage",
        rule=SPLIT,
        columns=("Group", "Automation", "95% interval", "Base, conversations", "Patterns withheld"),
        rows=tuple(
            (
                row["soc_title"],
                percent(row["share"]),
                interval(row["share_lower"], row["share_upper"]),
                count(row["base_usage"]),
                count(row["withheld_pattern_count"]),
            )
            for row in rows
        ),
        notes=tuple(notes),
    )
