"""Decides what is said of misclassification: shares corrected for it, or that it is not known."""

from reports.content import Block, Paragraph, Section, Table
from reports.database import Answers, Row
from reports.figures import interval, percent
from reports.words import MODES, NO_TASK_RULE, PATTERNS, SPLIT

_NOT_MEASURED = (
    "How often the classifiers err was not measured on labels of one's own for this release, so no"
    " share is corrected for it. To do so: label a sample of the conversations, run worktally"
    " evaluate SOURCE --labels FILE --out DIR, name its evaluation.json in the settings as"
    " publish.evaluation, and run the quarter again."
)
_NOTE = (
    "Corrected by the errors found on a labeled sample of the publisher's own, taken to be as"
    " likely here (adjusted classify and count: Forman 2008). The interval covers chance in the"
    " labeled sample and in the conversations counted."
)


def errors_section(answers: Answers) -> Section:
    """Shares as classified and as corrected, where the release has both."""
    modes = [row for row in answers["headline"] if row["corrected_share"] is not None]
    patterns = [row for row in answers["patterns"] if row["corrected_share"] is not None]
    groups = [row for row in answers["major_groups"] if row["corrected_share"] is not None]
    blocks: list[Block] = []
    five = [row for row in modes if row["pattern_base"] == "five"]
    blocks += [Paragraph(_sentence(row)) for row in five if row["mode"] == "automation"]
    named = [(MODES[row["mode"]], row) for row in five]
    named += [(PATTERNS[row["pattern"]], row) for row in patterns if row["pattern_base"] == "five"]
    if named:
        blocks.append(_table("Modes and patterns, corrected", "five: the five patterns", named,
                             NO_TASK_RULE, _NOTE + " Modes are corrected as modes, so they are not"
                             " the sums of their patterns."))  # fmt: skip
    if groups:
        of_groups = [(row["soc_title"], row) for row in groups]
        base = "usage allocated to tasks; corrected: conversations that are occupational"
        blocks.append(_table("SOC major groups, corrected", base, of_groups, SPLIT, _NOTE))
    if not blocks:
        blocks.append(Paragraph(_NOT_MEASURED))
    return Section("errors", "Errors of the classifiers", tuple(blocks))


def _sentence(row: Row) -> str:
    bounds = interval(row["corrected_lower"], row["corrected_upper"])
    return (
        f"Corrected for misclassification, {percent(row['corrected_share'])} of the usage in the"
        f" five patterns is automation (95% interval {bounds}), against {percent(row['share'])} as"
        " classified."
    )


def _table(caption: str, base: str, rows: list[tuple[str, Row]], rule: str, note: str) -> Table:
    return Table(
        caption=caption,
        base=base,
        rule=rule,
        columns=("Share", "As classified", "95% interval", "Corrected", "95% interval"),
        rows=tuple(
            (
                name,
                percent(row["share"]),
                interval(row["share_lower"], row["share_upper"]),
                percent(row["corrected_share"]),
                interval(row["corrected_lower"], row["corrected_upper"]),
            )
            for name, row in rows
        ),
        notes=(note,),
    )
