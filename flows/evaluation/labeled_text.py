"""Decides which rows of a file are texts with labeled spans, and where in them the spans lie."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.evaluation.entity_types import our_type
from flows.settings import SettingsError
from flows.tables import ROLES

_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]{1,20})?")
# Scripts in which the next word follows without a space, Hangul for its particles.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True, order=True)
class TypedSpan:
    """A span of one message of a conversation; offsets are code points."""

    message_index: int
    start: int
    end: int
    entity_type: str


@dataclass(frozen=True, slots=True)
class LabeledConversation:
    """The messages of one row, and what of them is labeled.

    Attributes:
        source: Name of the file.
        row: Its line, or its place in a JSON array, from 1.
        language: ISO 639 code as labeled; None where there is none.
        messages: Role and text of each.
        spans: Sorted, each once; they may overlap.
    """

    source: str
    row: int
    language: str | None
    messages: tuple[tuple[str, str], ...]
    spans: tuple[TypedSpan, ...]


@dataclass(frozen=True)
class LabeledTexts:
    """The usable rows, and how many are not, by the rule they failed."""

    conversations: tuple[LabeledConversation, ...]
    malformed: dict[str, int]


class _RowError(Exception):
    """A row that cannot be used; the message is the rule's name."""


def read_labeled_texts(paths: Sequence[Path]) -> LabeledTexts:
    """Reads texts with labeled spans: JSON objects, a line each or in one array, in any of forms.

    - `{"text", "spans": [{"start", "end", "entity_type"}]}`, offsets in code points;
    - `{"messages": [{"role", "content"}], "pii": [{"text", "type"}]}`: a string is labeled wherever
      it stands as a whole word, in the case given; if it nowhere does, then inside of words. Where
      it is part of a longer labeled string, it counts with that one;
    - presidio-research's `{"full_text", "spans": [{"entity_type", "entity_value", "start_position",
      "end_position"}]}`; a row whose value is not what stands there cannot be used.

    Each may have a `language`. What cannot be used is counted by rule and never quoted.

    Raises:
        SettingsError: A file cannot be read, or none of the rows is usable.
    """
    conversations: list[LabeledConversation] = []
    malformed = Counter[str]()
    for path in _list_files(paths):
        for number, row in _read_rows(path):
            try:
                conversations.append(_parse(row, path.name, number))
            except _RowError as error:
                malformed[str(error)] += 1
    if not conversations:
        raise SettingsError(
            f"evaluate: none of the {malformed.total()} rows is a usable labeled text"
            f" ({', '.join(sorted(malformed)) or 'no rows'}); see worktally evaluate --help"
        )
    return LabeledTexts(tuple(conversations), dict(sorted(malformed.items())))


def _list_files(paths: Sequence[Path]) -> list[Path]:
    return [
        file
        for path in paths
        for file in (sorted(path.iterdir()) if path.is_dir() else [path])
        if file == path or file.suffix in (".json", ".jsonl")
    ]


def _read_rows(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"evaluate: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"evaluate: {path} is not UTF-8 text") from None
    if text.lstrip().startswith("["):
        rows = _decode(text)
        if not isinstance(rows, list):
            raise SettingsError(f"evaluate: {path} begins as a JSON array and is none")
        yield from enumerate(rows, 1)
        return
    for number, line in enumerate(text.split("\n"), 1):  # splitlines would cut inside strings
        if line.strip():
            yield number, _decode(line)


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _parse(row: Any, source: str, number: int) -> LabeledConversation:
    if row is None:
        raise _RowError("malformed_json")
    if not isinstance(row, Mapping):
        raise _RowError("no_object")
    if "messages" in row:
        messages = tuple(map(_message, _list_of(row["messages"], "malformed_message")))
        spans = _find_labels(messages, _list_of(row.get("pii"), "malformed_label"))
    elif "full_text" in row or "text" in row:
        messages = (("user", _text(row.get("full_text", row.get("text")))),)
        labels = _list_of(row.get("spans"), "malformed_label")
        spans = [_span(label, messages[0][1]) for label in labels]
    else:
        raise _RowError("unknown_form")
    language = row.get("language")
    code = _LANGUAGE.fullmatch(language.strip()) if isinstance(language, str) else None
    return LabeledConversation(
        source, number, code[1].lower() if code else None, messages, tuple(sorted(set(spans)))
    )


def _list_of(value: Any, rule: str) -> list[Any]:
    """A list of objects; what is labeled has to be there, even if it is nothing."""
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise _RowError(rule)
    return value


def _message(value: Mapping[str, Any]) -> tuple[str, str]:
    role, content = value.get("role"), value.get("content")
    known_role = role if isinstance(role, str) and role in ROLES else "user"
    return known_role, _text("" if content is None else content)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _RowError("malformed_text")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise _RowError("undecodable_text") from None
    return value


def _type(label: Mapping[str, Any]) -> str:
    name = label.get("entity_type", label.get("type", label.get("label")))
    entity_type = our_type(name) if isinstance(name, str) else None
    if entity_type is None:
        raise _RowError("malformed_label")
    return entity_type


def _span(label: Mapping[str, Any], text: str) -> TypedSpan:
    start = label.get("start", label.get("start_position"))
    end = label.get("end", label.get("end_position"))
    if type(start) is not int or type(end) is not int:  # a bool is an int, too
        raise _RowError("malformed_label")
    if not 0 <= start < end <= len(text) or not text[start:end].strip():
        raise _RowError("label_out_of_place")
    if label.get("entity_value", text[start:end]) != text[start:end]:
        raise _RowError("label_out_of_place")
    return TypedSpan(0, start, end, _type(label))


def _find_labels(
    messages: Sequence[tuple[str, str]], labels: Sequence[Mapping[str, Any]]
) -> list[TypedSpan]:
    """Every occurrence of every labeled string, but for those within a longer one."""
    found: list[TypedSpan] = []
    named: dict[str, str] = {}
    for label in labels:
        named.setdefault(_text(label.get("text")), _type(label))
    for text, entity_type in named.items():
        occurrences = _occurrences(messages, text, entity_type) if text.strip() else []
        if not occurrences:
            raise _RowError("label_out_of_place")
        found += occurrences
    return list(_outermost(found))


def _outermost(spans: Iterable[TypedSpan]) -> Iterator[TypedSpan]:
    """The spans that are within no other one."""
    last = (-1, -1)
    for span in sorted(spans, key=lambda span: (span.message_index, span.start, -span.end)):
        if (span.message_index, span.end) > last:
            yield span
            last = span.message_index, span.end


def _occurrences(
    messages: Sequence[tuple[str, str]], label: str, entity_type: str
) -> Sequence[TypedSpan]:
    everywhere = [
        TypedSpan(index, match.start(), match.start() + len(label), entity_type)
        for index, (_, text) in enumerate(messages)
        for match in re.finditer(re.escape(label), text)
    ]
    whole = [span for span in everywhere if _is_whole(span, messages[span.message_index][1])]
    return whole or everywhere


def _is_whole(span: TypedSpan, text: str) -> bool:
    return not any(
        len(pair) == 2 and pair.isalnum() and not _UNSPACED.search(pair)
        for pair in (
            text[max(0, span.start - 1) : span.start + 1],
            text[span.end - 1 : span.end + 1],
        )
    )
