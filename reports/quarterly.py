"""Writes the quarterly report, its Markdown twin and the page for the privacy reviewer.

From the released database only.
"""

from dataclasses import dataclass
from pathlib import Path

from reports.content import Section
from reports.database import Answers, ReportError, ask_all
from reports.markdown import escape_markdown
from reports.page import page_values, templates, write_whole
from reports.privacy import render_privacy_page
from reports.sections.collaboration import automation_section, patterns_section
from reports.sections.coverage import coverage_section, withheld_section
from reports.sections.errors import errors_section
from reports.sections.headline import change_section, headline_section
from reports.sections.method import method_section, versions_section
from reports.sections.occupations import depth_section, major_groups_section, occupations_section
from reports.sections.tasks import clusters_section, tasks_section

__all__ = ["RenderedReport", "ReportError", "render_report"]


@dataclass(frozen=True)
class RenderedReport:
    """The files of one report."""

    html: Path
    markdown: Path
    privacy: Path


def render_report(database: Path, *, quarter: str, out: Path) -> RenderedReport:
    """Writes `worktally-2026Q1.html` and `.md` and `privacy-2026Q1.html` into `out`.

    The same database gives the same bytes.

    Args:
        database: The released database, read and never written.
        quarter: Such as 2026Q1.
        out: Directory of the report; made where it is missing. A file is replaced whole.

    Raises:
        ReportError: No report can be made of this database and quarter; nothing was written.
    """
    answers = ask_all(database, quarter)
    values = page_values(answers, _sections(answers))
    stem = f"worktally-{quarter}"
    page = templates().get_template("quarterly.html").render(values)
    markdown = templates(finalize=escape_markdown).get_template("quarterly.md").render(values)
    report = RenderedReport(
        html=out / f"{stem}.html",
        markdown=out / f"{stem}.md",
        privacy=render_privacy_page(database, quarter=quarter, out=out),
    )
    write_whole(report.html, page)
    write_whole(report.markdown, markdown)
    return report


def _sections(answers: Answers) -> list[Section]:
    return [
        headline_section(answers),
        change_section(answers),
        occupations_section(answers),
        major_groups_section(answers),
        patterns_section(answers),
        automation_section(answers),
        errors_section(answers),
        depth_section(answers),
        tasks_section(answers),
        clusters_section(answers),
        coverage_section(answers),
        withheld_section(answers),
        method_section(answers),
        versions_section(answers),
    ]
