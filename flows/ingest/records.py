"""Says what a row of a log becomes: a record, or a reject that names the rule it failed.

A row with several faults is rejected once, by the first rule it fails. Rules are tried in this
order: those of the container (line_too_long, undecodable_line, malformed_json, not_an_object;
truncated_file and undecodable_file where nothing more can be read), those of the format
(wrong_type, unknown_role, undecodable_text, impossible_time), then those of acceptance
(too_many_messages, message_too_long, empty_conversation, missing_id, missing_time,
outside_quarter, missing_account, duplicate_id).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class RowError(Exception):
    """Carries the rule that a row failed, and nothing of the row."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Message:
    """One message; its role is one of `flows.tables.ROLES`."""

    role: str
    text: str


class Parsed(NamedTuple):
    """What a format finds in a row."""

    own_id: str | None
    own_account: str | None
    started_at: datetime | None
    country: str | None
    language: str | None
    model: str | None
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One conversation as its log tells it, with the owner's own ids; times are UTC.

    `source_file` is a name without directories; `line` is a line number, or the position in an
    array or table, from 1.
    """

    own_id: str | None
    own_account: str | None
    started_at: datetime | None
    country: str | None
    language: str | None
    model: str | None
    messages: tuple[Message, ...]
    source: str
    source_file: str
    line: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that is no record, and the rule it failed."""

    rule: str
    own_id: str | None
    source_file: str
    line: int


class LogFormat(Protocol):
    """What the module of a format offers."""

    @property
    def NAME(self) -> str:  # noqa: N802
        """What the format is called on the command line and in the column `source`."""

    @property
    def FIELDS(self) -> tuple[str, ...]:  # noqa: N802
        """Every field of a row that the format reads."""

    @property
    def ID_FIELDS(self) -> tuple[str, ...]:  # noqa: N802
        """Where the owner's id may stand."""

    @property
    def MESSAGES_FIELD(self) -> str:  # noqa: N802
        """Where the messages stand."""

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Whether the row looks like one of this format."""

    def parse(self, row: Mapping[str, Any]) -> Parsed:
        """Reads a row; raises RowError with the first rule it fails."""
