"""Reads rows with conversations of from and value, the form of ShareGPT."""

from collections.abc import Mapping
from typing import Any

from flows.ingest.fields import ID_FIELDS, USUAL_FIELDS, list_turns, parse_usual_fields
from flows.ingest.records import Parsed

__all__ = ["FIELDS", "ID_FIELDS", "MESSAGES_FIELD", "NAME", "matches", "parse"]

NAME = "sharegpt"
MESSAGES_FIELD = "conversations"
FIELDS = (*USUAL_FIELDS, MESSAGES_FIELD)


def matches(row: Mapping[str, Any]) -> bool:
    """Whether the row has conversations."""
    return MESSAGES_FIELD in row


def parse(row: Mapping[str, Any]) -> Parsed:
    """Reads a row; raises RowError with the first rule it fails."""
    return parse_usual_fields(row, list_turns(row.get(MESSAGES_FIELD), "from", "value"))
