"""Decides which rows of a file are labels, and what they say: what people judged by reading."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from flows.settings import SettingsError
from flows.tables import NO_SUBJECT, SENSITIVE_SUBJECTS, USE_CASES
from taxonomy.patterns import FIVE_PATTERNS, NO_PATTERN

NO_GROUP = "none"  # the SOC major group of a conversation that is no occupation's


def _one_of(*values: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in values:
            raise ValueError
        return value

    return AfterValidator(check)


def _to_major_group(value: Any) -> str:
    return re.sub(r"^(\d\d)-\d{4}(\.\d\d)?$", r"\1", str(value).strip().lower())


_Word = StringConstraints(strip_whitespace=True, to_lower=True)
_UseCase = Annotated[str, _Word, _one_of(*USE_CASES)]
_Pattern = Annotated[str, _Word, _one_of(*FIVE_PATTERNS, NO_PATTERN)]
_Group = Annotated[str, BeforeValidator(_to_major_group), Field(pattern=rf"^(\d\d|{NO_GROUP})$")]
_Subject = Annotated[str, _Word, _one_of(*SENSITIVE_SUBJECTS, NO_SUBJECT)]
_TaskId = Annotated[int, Field(ge=1)]


class Label(BaseModel):
    """What a person judged of one conversation; None and empty are not labeled.

    Attributes:
        conversation_id: The owner's id.
        pattern_alt: Another pattern that a reasonable judge could choose.
        soc_major: Two digits, or `none`.
        soc_majors: Every acceptable group, `soc_major` included.
        tasks: Task IDs of every acceptable task row.
    """

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    conversation_id: str = Field(min_length=1)
    language: Annotated[str, _Word] | None = None
    occupational: bool | None = None
    use_case: _UseCase | None = None
    pattern: _Pattern | None = None
    pattern_alt: _Pattern | None = None
    soc_major: _Group | None = None
    soc_majors: frozenset[_Group] = frozenset()
    tasks: frozenset[_TaskId] = frozenset()
    sensitive: bool | None = None
    sensitive_subject: _Subject | None = None

    @property
    def is_sensitive(self) -> bool | None:
        """As labeled; where that is not labeled, whatever has a sensitive subject."""
        if self.sensitive is None and self.sensitive_subject is not None:
            return self.sensitive_subject != NO_SUBJECT
        return self.sensitive

    @property
    def is_occupational(self) -> bool:
        """As labeled; where that is not labeled, whatever has no group `none`."""
        return self.soc_major != NO_GROUP if self.occupational is None else self.occupational

    @model_validator(mode="after")
    def _says_something(self) -> "Label":
        judgements = (self.occupational, self.use_case, self.pattern, self.is_sensitive)
        is_silent = all(value is None for value in judgements)
        if is_silent and not self.soc_majors and not self.tasks:
            raise ValueError
        return self


@dataclass(frozen=True)
class Labels:
    """The usable labels of a file, and how many of its rows are not."""

    rows: tuple[Label, ...]
    malformed_count: int


def read_labels(path: Path) -> Labels:
    """Reads a file of labels: a JSON object a line, or CSV with a header.

    Names: `conversation_id` or `id`, `language`, `occupational`, `use_case`, `pattern` or `mode`,
    `pattern_alt` or `mode_alt`, `soc_major`, `soc_major_ok`, `sensitive`, `sensitive_subject`, and
    the acceptable tasks in any of `tasks`, `tasks_ok`, `task_best`, `task_id`; all but the id may
    be missing, others are ignored. A list in CSV is separated by `;` or `|`. A row with a value
    that is not allowed, without any judgement, or with the id of an earlier row, is malformed.

    Raises:
        SettingsError: The file cannot be read, or none of its rows is usable.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"evaluate: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"evaluate: {path} is not UTF-8 text") from None
    rows = list(_json_rows(text) if text.lstrip().startswith("{") else _csv_rows(text))
    labels: dict[str, Label] = {}
    for label in filter(None, map(_parse, rows)):
        labels.setdefault(label.conversation_id, label)
    if not labels:
        raise SettingsError(
            f"evaluate: none of the {len(rows)} rows of {path} is a usable label; give JSON lines"
            " or CSV with a conversation_id and at least one judgement"
        )
    return Labels(tuple(labels.values()), len(rows) - len(labels))


def _json_rows(text: str) -> Iterator[Any]:
    for line in text.split("\n"):  # splitlines would cut at separators inside JSON strings
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None


def _csv_rows(text: str) -> Iterator[Any]:
    rows = csv.DictReader(StringIO(text, newline=""))
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield None
        else:
            yield None if None in row else row  # cells beyond the header


def _parse(row: Any) -> Label | None:
    if not isinstance(row, Mapping):
        return None
    try:
        return Label.model_validate(_by_our_names(row))
    except (ValidationError, KeyError):
        return None


def _by_our_names(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "conversation_id": _first(row, "conversation_id", "id"),
        "language": _first(row, "language"),
        "occupational": _first(row, "occupational"),
        "use_case": _first(row, "use_case"),
        "pattern": _first(row, "pattern", "mode"),
        "pattern_alt": _first(row, "pattern_alt", "mode_alt"),
        "soc_major": _first(row, "soc_major"),
        "soc_majors": _all(row, "soc_major", "soc_major_ok"),
        "sensitive": _first(row, "sensitive"),
        "sensitive_subject": _first(row, "sensitive_subject"),
        "tasks": _all(row, "tasks", "tasks_ok", "task_best", "task_id"),
    }


def _first(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _all(row: Mapping[str, Any], *names: str) -> list[Any]:
    return [item for name in names for item in _items(row.get(name))]


def _items(value: Any) -> Sequence[Any]:
    """A list as it is or as CSV writes it; tasks may be objects, as `worktally label` has them."""
    if value is None:
        return []
    if isinstance(value, str):
        return [item for item in re.split(r"[;|\s]+", value) if item]
    if isinstance(value, list):
        return [item["task_id"] if isinstance(item, Mapping) else item for item in value]
    return [value]
