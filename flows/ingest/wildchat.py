"""Reads rows of WildChat (Zhao et al. 2024, arXiv 2405.01470), told by their conversation hash."""

from collections.abc import Mapping
from typing import Any

from flows.ingest.fields import first_value, list_turns, parse_fields
from flows.ingest.records import Parsed

NAME = "wildchat"
ID_FIELDS = ("conversation_hash",)
MESSAGES_FIELD = "conversation"
FIELDS = (
    *ID_FIELDS,
    "timestamp",
    "model",
    "language",
    "country",
    "hashed_ip",
    MESSAGES_FIELD,
)


def matches(row: Mapping[str, Any]) -> bool:
    """Whether the row has a conversation."""
    return MESSAGES_FIELD in row


def parse(row: Mapping[str, Any]) -> Parsed:
    """Reads a row; raises RowError with the first rule it fails.

    The row's own time is that of the last turn, so the first turn that has a time comes first.
    """
    turns = list_turns(row.get(MESSAGES_FIELD), "role", "content")
    return parse_fields(
        own_id=first_value(row, ID_FIELDS),
        own_account=_row_or_turn(row, "hashed_ip"),
        time=_first_turn_value(row, "timestamp") or row.get("timestamp"),
        country=_row_or_turn(row, "country"),
        language=_row_or_turn(row, "language"),
        model=row.get("model"),
        turns=turns,
    )


def _row_or_turn(row: Mapping[str, Any], name: str) -> Any:
    return first_value(row, (name,)) or _first_turn_value(row, name)


def _first_turn_value(row: Mapping[str, Any], name: str) -> Any:
    values = (first_value(turn, (name,)) for turn in row.get(MESSAGES_FIELD) or ())
    return next((value for value in values if value is not None), None)
