"""Decides what is said of tasks and of clusters of conversations."""

from reports.content import Paragraph, Section, Table
from reports.database import Answers
from reports.figures import count, interval, number_of, percent
from reports.sections.told import tell
from reports.words import NO_ALLOCATION, SPLIT

_UNLABELED = "no label: no single task in it may be shown"


def tasks_section(answers: Answers) -> Section:
    """The twenty tasks with most usage."""
    rows = answers["top_tasks"]
    title = "Leading tasks"
    if not rows:
        text = "No task is released this quarter: each is withheld or without usage."
        return Section("tasks", title, (Paragraph(text),))
    table = Table(
        caption=f"The {number_of(len(rows), 'task')} with most usage",
        base=f"usage allocated to tasks: {count(rows[0]['base_usage'])} conversations",
        rule=f"{SPLIT}; without effect on a task's own share",
        columns=(
            "Task",
            "Usage share",
            "95% interval",
            "Conversations",
            "Occupations that hold it",
        ),
        rows=tuple(
            (
                row["task_statement"],
                percent(row["share"], 2),
                interval(row["share_lower"], row["share_upper"], 2),
                count(row["conversation_count"]),
                count(row["occupation_count"]),
            )
            for row in rows
        ),
    )
    return Section("tasks", title, (table,))


def clusters_section(answers: Answers) -> Section:
    """Clusters that may be shown, with labels that are taxonomy statements."""
    rows, base = answers["clusters"], answers["releases"][0]["rounding_base"]
    totals = answers["cluster_totals"][0]
    title = "Clusters of conversations"
    released, withheld = totals["released_count"], totals["withheld_count"]
    if not rows:
        text = "No cluster is released this quarter."
        if withheld:
            text += f" {number_of(withheld, 'cluster is', 'clusters are')} withheld."
        text = f"{text} {tell(answers).clusters}".rstrip()
        return Section("clusters", title, (Paragraph(text),))
    text = (
        "Clusters group similar conversations without regard to the taxonomy. A label is the"
        " statement of the cluster's most frequent task, which may be a small part of it, so it can"
        " be wide of the mark."
        f" {number_of(released, 'cluster is', 'clusters are')} released"
        + (f" and {number_of(withheld, 'withheld', 'withheld')}" if withheld else "")
        + (f"; the {len(rows)} largest are shown." if released > len(rows) else ".")
    )
    table = Table(
        caption="Clusters by size",
        base="none: counts",
        rule=NO_ALLOCATION,
        columns=("Label", "Conversations"),
        rows=tuple((row["label"] or _UNLABELED, count(row["conversation_count"])) for row in rows),
        notes=(f"Counts of clusters are rounded down to multiples of {base}.",),
    )
    return Section("clusters", title, (Paragraph(text), table))
