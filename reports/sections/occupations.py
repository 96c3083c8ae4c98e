"""Decides what is said of occupations: the leading ones, the SOC major groups, depth of use."""

from collections import defaultdict

from reports.charts import (
    ACCENT,
    NARROW,
    SECOND,
    WIDE,
    draw_major_groups,
    draw_occupations,
)
from reports.content import Block, Chart, Paragraph, Section, Table
from reports.database import Answers, Row
from reports.figures import count, interval, number_of, percent, published, task_equal
from reports.words import BOTH, NO_ALLOCATION, SPLIT

_NO_TOTAL = "All usage together is withheld, so that no share of it is known."


def occupations_section(answers: Answers) -> Section:
    """The fifteen occupations with most usage."""
    rows = answers["top_occupations"]
    title = "Leading occupations"
    if not rows:
        text = "No occupation is released this quarter: each is withheld or without usage."
        return Section("occupations", title, (Paragraph(text),))
    base = f"usage allocated to occupations: {count(rows[0]['base_usage'])} conversations"
    chart = (
        Chart(
            caption="Share of usage by occupation, with 95% interval",
            base=base,
            rule=SPLIT,
            wide=draw_occupations(rows, WIDE),
            narrow=draw_occupations(rows, NARROW),
        )
        if rows[0]["share"] is not None
        else Paragraph(_NO_TOTAL)
    )
    table = Table(
        caption=f"The {number_of(len(rows), 'occupation')} with most usage",
        base=base,
        rule=SPLIT,
        columns=(
            "Occupation",
            "Usage share",
            "95% interval",
            "Task-equal share",
            "Conversations",
        ),
        rows=tuple(
            (
                row["occupation_title"],
                percent(row["share"], 2),
                interval(row["share_lower"], row["share_upper"], 2),
                task_equal(row["task_equal_share"], 2),
                count(row["conversation_count"]),
            )
            for row in rows
        ),
        notes=(
            "Usage share weighs a task by its conversations; task-equal share lets every task with"
            " released usage weigh the same.",
            "Conversations are those that touch the occupation at all; one may touch several.",
        ),
    )
    return Section("occupations", title, (chart, table))


def major_groups_section(answers: Answers) -> Section:
    """SOC major groups by both rules, beside what others have published."""
    rows = answers["major_groups"]
    title = "SOC major groups"
    released = [row for row in rows if row["share"] is not None]
    if not released:
        text = "No SOC major group is released this quarter."
        return Section("groups", title, (Paragraph(text),))
    base = f"usage allocated to tasks: {count(rows[0]['base_usage'])} conversations"
    chart = Chart(
        caption="Share of usage, and of tasks used, by SOC major group",
        base=base,
        rule=SPLIT,
        wide=draw_major_groups(released, WIDE),
        narrow=draw_major_groups(released, NARROW),
        legend=((ACCENT, "weighted by usage"), (SECOND, "every used task weighs the same")),
    )
    blocks: list[Block] = [chart, _groups_table(rows, answers)]
    if hidden := len(rows) - len(released):
        blocks.insert(1, Paragraph(
            f"{number_of(hidden, 'group is', 'groups are')} withheld and not drawn. A withheld"
            " group and one without any usage look the same, on purpose."
        ))  # fmt: skip
    return Section("groups", title, tuple(blocks))


def depth_section(answers: Answers) -> Section:
    """How many occupations use the assistant for how much of their tasks."""
    rows = answers["depth_distribution"]
    title = "Depth of use"
    if not rows or not rows[0]["used_task_count"]:
        text = (
            "No task is released this quarter, so nothing can be said about the depth of use: tasks"
            " may be withheld, or without usage."
        )
        return Section("depth", title, (Paragraph(text),))
    total = rows[0]["all_occupation_count"]
    definition = (
        "Depth of use is the share of an occupation's tasks that have released usage"
        f" ({rows[0]['definition']} the depth given). Occupations without usage"
        " count with a depth of zero. A withheld task counts as not used, so that depth is a lower"
        " bound, and grows with the number of conversations."
    )
    distribution = Table(
        caption="Occupations by depth of use",
        base=f"all {number_of(total, 'occupation')} of the taxonomy, each counted once",
        rule=NO_ALLOCATION,
        columns=("Depth of at least", "Share of occupations", "Occupations"),
        rows=tuple(
            (
                percent(row["at_least"], 0),
                percent(row["occupation_share"]),
                count(row["occupation_count"]),
            )
            for row in rows
        ),
    )
    return Section("depth", title, (Paragraph(definition), distribution, _deepest(answers)))


def _groups_table(rows: list[Row], answers: Answers) -> Table:
    sources = [row for row in answers["reference_shares"] if row["measure"] == "soc_major"]
    others: dict[str, dict[str, float]] = defaultdict(dict)
    for row in sources:  # a group is its first two digits, however a source writes the rest
        others[f"{row['source']} ({row['base']})"][row["id"][:2]] = row["share"]
    notes = [
        "By rule full a task counts in each group that holds it, and so does its part of the base."
    ]
    notes += ["– : the database holds no published share of this group."] if others else []
    if not others:
        notes.append("The database holds no published shares of SOC major groups to compare with.")
    uncapped = ("Without limits",) if any(row["uncapped_share"] for row in rows) else ()
    if uncapped:
        notes.append(
            "Without limits: the share without the limits per account, as others count, among the"
            " groups that are shown. It is told where what the limits remove of each of them is of"
            " many accounts."
        )
    return Table(
        caption="SOC major groups by both allocation rules",
        base=f"usage allocated to tasks: {count(rows[0]['base_usage'])} conversations by rule"
        f" split, {count(rows[0]['full_base_usage'])} by rule full",
        rule=BOTH,
        columns=(
            "Group", "Usage share, split", "95% interval", "Usage share, full",
            "Task-equal share, split", "Conversations", *uncapped, *others,
        ),
        rows=tuple(
            (
                row["soc_title"],
                percent(row["share"]),
                interval(row["share_lower"], row["share_upper"]),
                percent(row["full_share"]),
                task_equal(row["task_equal_share"]),
                count(row["conversation_count"]),
                *(percent(row["uncapped_share"]) for _ in uncapped),
                *(published(shares.get(row["soc_code"][:2])) for shares in others.values()),
            )
            for row in rows
        ),
        notes=tuple(notes),
    )  # fmt: skip


def _deepest(answers: Answers) -> Table:
    rows = answers["deepest_occupations"]
    return Table(
        caption=f"The {number_of(len(rows), 'occupation')} with the greatest depth",
        base="the tasks of each occupation, core and supplemental, unweighted",
        rule=NO_ALLOCATION,
        columns=("Occupation", "Depth", "Tasks used", "Tasks"),
        rows=tuple(
            (
                row["occupation_title"],
                percent(row["depth"]),
                count(row["used_task_count"]),
                count(row["task_count"]),
            )
            for row in rows
        ),
    )
