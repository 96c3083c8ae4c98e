"""Decides what is said of tasks and of clusters of conversations."""

from reports.content import Paragraph, Section, Table
from reports.database import Answers
from reports.figures import accounts, count, interval, number_of, percent
from reports.words import NO_ALLOCATION, SPLIT

_UNLABELED = "no label: no single task in it passes the floors"


def tasks_section(answers: Answers) -> Section:
    """The twenty tasks with most usage."""
    rows, release = answers["top_tasks"], answers["releases"][0]
    title = "Leading tasks"
    if not rows:
        text = "No task is released this quarter: each is under the floors or without usage."
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
            "Accounts",
            "Occupations that hold it",
        ),
        rows=tuple(
            (
                row["task_statement"],
                percent(row["share"], 2),
                interval(row["share_lower"], row["share_upper"], 2),
                count(row["conversation_count"]),
                accounts(row, release),
                count(row["occupation_count"]),
            )
            for row in rows
        ),
    )
    return Section("tasks", title, (table,))


def clusters_section(answers: Answers) -> Section:
    """Clusters over the floors, with labels that are taxonomy statements."""
    rows, release = answers["clusters"], answers["releases"][0]
    totals = answers["cluster_totals"][0]
    title = "Clusters of conversations"
    released, withheld = totals["released_count"], totals["withheld_count"]
    if not rows:
        text = "No cluster is released this quarter."
        if withheld:
            text += f" {number_of(withheld, 'cluster is', 'clusters are')} withheld."
        return Section("clusters", title, (Paragraph(text),))
    text = (
        "Clusters group similar conversations without regard to the taxonomy. A label is the"
        " statement of the cluster's most frequent task, so it can be wide of the mark where the"
        " label's part of the cluster is small."
        f" {number_of(released, 'cluster is', 'clusters are')} released"
        + (f" and {number_of(withheld, 'withheld', 'withheld')}" if withheld else "")
        + (f"; the {len(rows)} largest are shown." if released > len(rows) else ".")
    )
    table = Table(
        caption="Clusters by size",
        base="label's part: the conversations of the cluster",
        rule=NO_ALLOCATION,
        columns=("Label", "Conversations", "Accounts", "Label's part"),
        rows=tuple(
            (
                row["label"] or _UNLABELED,
                count(row["conversation_count"]),
                accounts(row, release),
                "no label" if row["label"] is None else percent(row["label_share"]),
            )
            for row in rows
        ),
    )
    return Section("clusters", title, (Paragraph(text), table))
