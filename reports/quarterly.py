"""Writes the quarterly report: one page and its Markdown twin, from the released database only."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.content import Section
from reports.database import Answers, ReportError, Row, ask_all
from reports.figures import months
from reports.markdown import escape_markdown
from reports.sections.collaboration import automation_section, patterns_section
from reports.sections.coverage import coverage_section, withheld_section
from reports.sections.errors import errors_section
from reports.sections.headline import change_section, headline_section
from reports.sections.method import method_section, versions_section
from reports.sections.occupations import depth_section, major_groups_section, occupations_section
from reports.sections.tasks import clusters_section, tasks_section

__all__ = ["RenderedReport", "ReportError", "render_report"]

_STARTER = "not O*NET"


@dataclass(frozen=True)
class RenderedReport:
    """The files of one report."""

    html: Path
    markdown: Path


def render_report(database: Path, *, quarter: str, out: Path) -> RenderedReport:
    """Writes `worktally-2026Q1.html` and `.md` into `out`; the same database gives the same bytes.

    Args:
        database: The released database, read and never written.
        quarter: Such as 2026Q1.
        out: Directory of the report; made where it is missing. A file is replaced whole.

    Raises:
        ReportError: No report can be made of this database and quarter; nothing was written.
    """
    answers = ask_all(database, quarter)
    values = {
        "quarter": quarter,
        "months": months(quarter),
        "release": answers["releases"][0],
        "starter_notice": _starter_notice(answers["releases"][0]),
        "sections": _sections(answers),
    }
    out.mkdir(parents=True, exist_ok=True)
    stem = f"worktally-{quarter}"
    report = RenderedReport(html=out / f"{stem}.html", markdown=out / f"{stem}.md")
    page = _templates().get_template("quarterly.html").render(values)
    markdown = _templates(finalize=escape_markdown).get_template("quarterly.md").render(values)
    _write_whole(report.html, page)
    _write_whole(report.markdown, markdown)
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


def _starter_notice(release: Row) -> str | None:
    notice: str = release["taxonomy_notice"]
    return notice.rstrip(". ") if _STARTER in notice else None


def _templates(**options: Any) -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )


def _write_whole(path: Path, text: str) -> None:
    """A reader finds the old file or the new one, never a part."""
    with tempfile.TemporaryDirectory(prefix=".report-", dir=path.parent) as temporary:
        written = Path(temporary) / path.name
        written.write_text(text, "utf-8", newline="\n")
        written.replace(path)
