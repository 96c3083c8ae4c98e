"""Writes the generated pages, or checks that they are current: `python -m tests.documents`."""

import sys
from pathlib import Path

from flows.publish import data_dictionary
from flows.tables import RELEASED_TABLES
from taxonomy.labels import labels

ROOT = Path(__file__).resolve().parents[1]


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


def labels_page() -> str:
    """What every label means, from the definitions that the classifiers use."""
    lines = [
        "# What the labels mean",
        "",
        "Generated from `taxonomy/labels.toml` by `make fix`.",
    ]
    for judgement in ("occupational", "use_case", "pattern"):
        lines += ["", f"## {judgement}", "", "| label | meaning |", "|---|---|"]
        lines += [f"| {label.name} | {label.definition} |" for label in labels(judgement)]
    return "\n".join(lines) + "\n"


PAGES = {
    ROOT / "reports" / "DATA_DICTIONARY.md": data_dictionary_page,
    ROOT / "taxonomy" / "LABELS.md": labels_page,
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
