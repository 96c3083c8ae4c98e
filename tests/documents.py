"""Writes the generated pages, or checks that they are current: `python -m tests.documents`."""

import re
import sys
from functools import cache
from pathlib import Path

from flows.publish import data_dictionary
from flows.tables import RELEASED_TABLES
from taxonomy.constitution import JUDGEMENTS, Label, constitution_version, judgement, labels
from taxonomy.soc import soc_groups
from tests.bench import redaction_quality

ROOT = Path(__file__).resolve().parents[1]
SOC_CODE = re.compile(r"`?(\d\d-\d{4})`?")


def data_dictionary_page() -> str:
    """The data dictionary of the released database, from the schemas."""
    lines = [
        "# Data dictionary",
        "",
        "Every table of the released database. Generated from `flows/tables.py` by `make fix`; the",
        "same text is in the database itself, in `data_dictionary` and as comments of the columns.",
    ]
    dictionary = data_dictionary()
    for name, table in RELEASED_TABLES.items():
        lines += ["", f"## {name}", "", " ".join((table.__doc__ or "").split()), ""]
        lines += ["| column | type | null | says |", "|---|---|---|---|"]
        for row in dictionary.filter(table_name=name).iter_rows(named=True):
            null = "yes" if row["is_nullable"] else ""
            lines.append(
                f"| {row['column_name']} | {row['column_type']} | {null} | {row['description']} |"
            )
    return "\n".join(lines) + "\n"


def constitution_page() -> str:
    """What every label means, with its hard cases, from the constitution's files."""
    lines = [
        "# The constitution",
        "",
        "What is judged of a conversation, and what every label means: the rules by which the",
        "classifiers' examples are written and by which a labeler decides hard cases. Generated",
        f"from the TOML files of this folder by `make fix`; version `{constitution_version()}`.",
        "",
    ]
    lines += [f"- [{name}](#{name}): {judgement(name).question}" for name in JUDGEMENTS]
    for name in JUDGEMENTS:
        whole = judgement(name)
        lines += ["", f"## {name}", "", f"**{whole.question}**", ""]
        lines += [f"- {_linked(principle)}" for principle in whole.principles]
        for label in whole.labels:
            lines += _label_lines(name, label)
    return "\n".join(lines) + "\n"


def _label_lines(judgement_name: str, label: Label) -> list[str]:
    lines = ["", *_heading(judgement_name, label.name), "", _linked(label.definition)]
    lines += ["", "Includes:", "", *(f"- {_linked(kind)}" for kind in label.includes)]
    lines += ["", "Excludes:", "", *(f"- {_linked(kind)}" for kind in label.excludes)]
    if label.borderline:
        lines += ["", "| borderline case | label | reason |", "|---|---|---|"]
    for hard in label.borderline:
        cells = (_linked(hard.case), _linked(f"`{hard.label}`"), _linked(hard.reason))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    if label.rules:
        lines += ["", "Rules:", ""]
    return lines + [f"- `{label.name}.{rule.id}`: {_linked(rule.text)}" for rule in label.rules]


def _heading(judgement_name: str, name: str) -> list[str]:
    """The heading of a label; the first minor group of a major group opens a section of its own."""
    if name not in _group_titles():
        return [f"### {name}"]
    if judgement_name == "major_group":
        return [f'### <a id="{name}"></a>{name} {_group_titles()[name]}']
    major = f"{name[:3]}0000"
    first = next(label.name for label in labels(judgement_name) if label.name[:2] == name[:2])
    section = [f"### Within {major} {_group_titles()[major]}", ""] if name == first else []
    return [*section, f'#### <a id="{name}"></a>{name} {_group_titles()[name]}']


def _linked(text: str) -> str:
    """The text with every SOC code as a link that shows the title of the group."""
    return SOC_CODE.sub(lambda code: f'[{code[1]}](#{code[1]} "{_group_titles()[code[1]]}")', text)


@cache
def _group_titles() -> dict[str, str]:
    return dict(soc_groups().select("soc_code", "soc_title").rows())


PAGES = {
    ROOT / "reports" / "DATA_DICTIONARY.md": data_dictionary_page,
    ROOT / "taxonomy" / "constitution" / "README.md": constitution_page,
    redaction_quality.PAGE: redaction_quality.current_page,  # but for its figures
}


def main() -> int:
    """Writes the pages; with `--check` only tells which are not current (exit code 1)."""
    stale = [
        path
        for path, write in PAGES.items()
        if not path.exists() or path.read_text("utf-8") != write()
    ]
    if "--check" in sys.argv:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not current; run: make fix\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(PAGES[path](), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
