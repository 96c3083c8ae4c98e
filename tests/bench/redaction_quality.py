"""Measures redaction on the development data, and writes its page: `make evaluate-redaction`.

The page holds figures only. Its words and headings are checked without the data by
`tests/documents.py`, which keeps the figures that are there.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from flows.evaluation.entity_types import OUR_TYPE, STRUCTURED
from flows.evaluation.labeled_text import (
    LabeledConversation,
    LabeledTexts,
    TypedSpan,
    read_labeled_texts,
)
from flows.evaluation.redaction import OVER_MASKED, RedactionEvaluation
from flows.evaluation.redaction_page import type_rows, whole

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "flows" / "redact" / "README.md"
OWN = sorted((ROOT / "tests" / "flows" / "redact").glob("labeled*.jsonl"))
Rows = Mapping[str, Sequence[str]]
"""Lines of each measured table, by its name."""

_MEASURED = re.compile(r"<!-- measured: ([a-z0-9-]+) -->\n[^\n]*\n[^\n]*\n(.*?)<!-- end -->", re.S)
_SHAPED = frozenset((*STRUCTURED, "PHONE_NUMBER"))
_TOTALS = (
    "recall_structured", "recall_person", "recall_all", "leak_rate", "leak_rate_of_labeled",
    OVER_MASKED,
)  # fmt: skip
_TOTAL_HEADINGS = (
    "structured found", "names found", "all found", "leak rate", "leak rate where labeled",
    "over-masked words per 1,000",
)  # fmt: skip
_TYPE_HEADINGS = (
    "labeled", "found", "in part only", "as what it is", "masked", "precision",
    "false hits per 1,000 words",
)  # fmt: skip
_LANGUAGE_FIGURES = ("recall_structured", "recall_person", "recall_all", "leak_rate", OVER_MASKED)
_LANGUAGE_HEADINGS = (
    "structured found", "names found", "all found", "leak rate", "over-masked words per 1,000",
)  # fmt: skip


def read_conll(path: Path, types: Mapping[str, str]) -> LabeledTexts:
    """Sentences in the form of CoNLL, a word and its tag a line; of the tags, those of `types`."""
    sentences = re.split(r"\n\s*\n", path.read_text("utf-8").strip())
    conversations = tuple(
        _sentence([tuple(map(str.strip, line.split("\t"))) for line in lines.split("\n")], n, types)
        for n, lines in enumerate(sentences, 1)
    )
    return LabeledTexts(conversations, {})


def _sentence(
    words: Sequence[tuple[str, ...]], number: int, types: Mapping[str, str]
) -> LabeledConversation:
    text, spans = "", list[TypedSpan]()
    for word, tag in words:
        start = len(text) + 1 if text else 0
        text = f"{text} {word}" if text else word
        begins, _, name = tag.partition("-")
        if begins == "B" and name in types:
            spans.append(TypedSpan(0, start, len(text), types[name]))
        elif begins == "I" and name in types and spans:
            spans[-1] = replace(spans[-1], end=len(text))
    return LabeledConversation("", number, None, (("user", text),), tuple(spans))


# How a person or a program writes around a filter that looks for plain patterns.
EVASIONS: dict[str, Callable[[str], str]] = {
    "zero-width spaces": lambda text: "\u200b".join(
        text[at : at + 3] for at in range(0, len(text), 3)
    ),
    "soft hyphens": lambda text: "\u00ad".join(text[at : at + 4] for at in range(0, len(text), 4)),
    "full-width signs": lambda text: "".join(
        chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text
    ),
    "HTML entities": lambda text: re.sub(r"[@.:]", lambda sign: f"&#{ord(sign[0])};", text),
}


def evade(conversation: LabeledConversation, write: Callable[[str], str]) -> LabeledConversation:
    """The conversation with every labeled span of a shaped type rewritten; labels move along."""
    messages, spans = [], list[TypedSpan]()
    for index, (role, text) in enumerate(conversation.messages):
        parts, position, length = list[str](), 0, 0
        for span in conversation.spans:
            if span.message_index != index or span.start < position:
                continue  # of spans that overlap, the first one stays
            before, labeled = text[position : span.start], text[span.start : span.end]
            written = write(labeled) if span.entity_type in _SHAPED else labeled
            parts += [before, written]
            length += len(before) + len(written)
            spans.append(replace(span, start=length - len(written), end=length))
            position = span.end
        messages.append((role, "".join([*parts, text[position:]])))
    return replace(conversation, messages=tuple(messages), spans=tuple(spans))


def _evasions(data: Path) -> LabeledTexts:
    plain = [
        one
        for path in ("labels/synthetic_dev.jsonl", "pii/generated_small.json")
        for one in read_labeled_texts([data / path]).conversations
        if any(span.entity_type in _SHAPED for span in one.spans)
    ]
    return LabeledTexts(
        tuple(evade(one, write) for write in EVASIONS.values() for one in plain), {}
    )


@dataclass(frozen=True)
class DataSet:
    """Labeled texts; with `only`, figures of other types are not shown."""

    name: str
    title: str
    says: str
    read: Callable[[Path], LabeledTexts]
    only: frozenset[str] | None = None


SETS: tuple[DataSet, ...] = (
    DataSet(
        "written",
        "Written conversations",
        "`labels/synthetic_dev.jsonl`: conversations written with personal data in them.",
        lambda data: read_labeled_texts([data / "labels" / "synthetic_dev.jsonl"]),
    ),
    DataSet(
        "presidio",
        "presidio-research, small",
        "`pii/generated_small.json`: templates filled by presidio-research.",
        lambda data: read_labeled_texts([data / "pii" / "generated_small.json"]),
    ),
    DataSet(
        "evasions",
        "Evasions",
        "What has a shape in both sets above, each conversation once written with each of "
        f"{', '.join(EVASIONS)}.",
        _evasions,
        _SHAPED,
    ),
    DataSet(
        "wnut17",
        "WNUT17, train",
        "`pii/wnut17`: posts with unusual names of people; nothing was trained on it. Only people "
        "are labeled.",
        lambda data: read_conll(
            data / "pii" / "wnut17" / "wnut17train.conll", {"person": "PERSON"}
        ),
        frozenset({"PERSON"}),
    ),
)
if OWN:
    SETS += (
        DataSet(
            "own",
            "Our own invented texts",
            f"{', '.join(f'`tests/flows/redact/{path.name}`' for path in OWN)}.",
            lambda _: read_labeled_texts(OWN),
        ),
    )


def quality_page(rows: Rows) -> str:
    """The page with the rows of its measured tables."""
    lines = [
        "# How good redaction is",
        "",
        "Measured with the default settings on development data, by",
        "`make evaluate-redaction DATA=DIR`; measure on your own labeled texts with",
        "`worktally evaluate FILE --redaction`.",
        "",
        "A file holds a JSON object a line, or an array of them, in any of these forms; each may",
        "have a `language` (ISO 639). Rows that cannot be used are counted by rule.",
        "",
        '- `{"text", "spans": [{"start", "end", "entity_type"}]}`: offsets in code points, from 0.',
        '- `{"messages": [{"role", "content"}], "pii": [{"text", "type"}]}`: a string is labeled',
        "  wherever it stands as a whole word; within a longer labeled string it counts with that.",
        '- `{"full_text", "spans": [{"entity_type", "entity_value", "start_position",',
        '  "end_position"}]}`, as presidio-research has it.',
        "",
        "## What the figures say",
        "",
        "- Found: every letter and digit of a labeled span is masked, by spans of any type.",
        "- Precision: masked spans that touch a labeled one; it says something only of texts that",
        "  are labeled in full, as do false hits (masked spans that touch none).",
        "- Leak rate: conversations with a labeled span that is not found, of those that went on.",
        "- Over-masked: words masked in part or whole of which nothing is labeled.",
        "- Rejected: conversations that redaction gave up; nothing of them goes on.",
        "- In brackets: the 95 % Wilson score interval, spans taken as independent.",
        f"- Structured: {', '.join(STRUCTURED)}.",
        "",
        "## Totals",
        "",
        "Over the types that redaction has recognizers for.",
        "",
        *_table("totals", ("set", "conversations", *_TOTAL_HEADINGS, "rejected"), rows),
    ]
    for one in SETS:
        lines += ["", f"## {one.title}", "", one.says, ""]
        lines += _table(f"{one.name}-types", ("type", *_TYPE_HEADINGS), rows)
        if one.only is None:
            lines += ["", "Labeled, but of types that are not looked for; in no total:", ""]
            lines += _table(f"{one.name}-others", ("type", "labeled", "found"), rows)
    lines += ["", "## By language", "", f"Of the {SETS[0].title.lower()}.", ""]
    lines += _table("languages", ("language", "conversations", *_LANGUAGE_HEADINGS), rows)
    return "\n".join([*lines, *_type_names()]) + "\n"


def read_measured(page: str) -> dict[str, list[str]]:
    """The rows of the measured tables of a page."""
    return {match[1]: match[2].splitlines() for match in _MEASURED.finditer(page)}


def current_page() -> str:
    """The page as it should be, with the figures that it has."""
    return quality_page(read_measured(PAGE.read_text("utf-8")) if PAGE.exists() else {})


def _table(name: str, headings: Sequence[str], rows: Rows) -> list[str]:
    return [
        f"<!-- measured: {name} -->",
        f"| {' | '.join(headings)} |",
        f"|---{'|--:' * (len(headings) - 1)}|",
        *rows.get(name, ()),
        "<!-- end -->",
    ]


def _type_names() -> list[str]:
    names: dict[str, list[str]] = {}
    for theirs, ours in OUR_TYPE.items():
        if theirs != ours:
            names.setdefault(ours, []).append(f"`{theirs}`")
    return [
        "",
        "## Type names of labels",
        "",
        "Names on the right are read as ours on the left; any other name stays as it is.",
        "",
        "| ours | in labels |",
        "|---|---|",
        *(f"| `{ours}` | {', '.join(theirs)} |" for ours, theirs in names.items()),
    ]


def measure(data: Path) -> dict[str, list[str]]:
    """The rows of all measured tables."""
    from flows.redaction_check import check_texts  # loads every stage
    from flows.settings import load_settings

    rows: dict[str, list[str]] = {"totals": []}
    for one in SETS:
        sys.stderr.write(f"{one.title}\n")
        evaluation, _ = check_texts(one.read(data), load_settings())
        rows["totals"].append(_row(one.title, *_total_cells(evaluation, one.only)))
        rows[f"{one.name}-types"] = [
            _row(*cells) for cells in type_rows(evaluation) if not one.only or cells[0] in one.only
        ]
        if one.only is None:
            rows[f"{one.name}-others"] = list(_other_rows(evaluation))
        if one is SETS[0]:
            rows["languages"] = list(_language_rows(evaluation))
    return rows


def _total_cells(evaluation: RedactionEvaluation, only: frozenset[str] | None) -> Iterator[str]:
    yield f"{evaluation.n:,}"
    for name in _TOTALS:
        of = {"recall_structured": STRUCTURED, "recall_person": ("PERSON",)}.get(name, ())
        is_shown = only is None or not only.isdisjoint(of)
        yield whole(evaluation, name, with_n=False) if is_shown else "–"
    yield f"{sum(evaluation.rejected.values()):,}"


def _other_rows(evaluation: RedactionEvaluation) -> Iterator[str]:
    for name, count in evaluation.not_looked_for.items():
        yield _row(name, f"{count:,}", whole(evaluation, f"recall_{name}", with_n=False))


def _language_rows(evaluation: RedactionEvaluation) -> Iterator[str]:
    for language, count in evaluation.languages.items():
        figures = (f"{name}_language_{language}" for name in _LANGUAGE_FIGURES)
        yield _row(language, f"{count:,}", *(whole(evaluation, name) for name in figures))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |".replace("\u2060", "").replace("\u00a0", " ")


def main(
    data: Annotated[Path, typer.Option(help="Directory of the development data.")],
) -> None:
    """Measures, and writes flows/redact/README.md."""
    PAGE.write_text(quality_page(measure(data)), "utf-8")


if __name__ == "__main__":
    typer.run(main)
