"""Decides how answers become a page, and a page a file: templates, values, whole files."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.content import Section
from reports.database import Answers
from reports.figures import months
from reports.sections.told import tell

_STARTER = "not O*NET"


def page_values(answers: Answers, sections: list[Section]) -> dict[str, Any]:
    """What every template has to be given."""
    release = answers["releases"][0]
    notice: str = release["taxonomy_notice"]
    return {
        "quarter": release["quarter"],
        "months": months(release["quarter"]),
        "release": release,
        "counts": tell(answers).lead,
        "starter_notice": notice.rstrip(". ") if _STARTER in notice else None,
        "sections": sections,
    }


def templates(**options: Any) -> Environment:
    """The templates beside this module; values are escaped, and a missing one is an error."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )


def write_whole(path: Path, text: str) -> None:
    """A reader finds the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.writing")  # a later one takes it over
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            temporary.chmod(0o600)
            file.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
