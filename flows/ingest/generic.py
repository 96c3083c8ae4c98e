"""Reads rows with a list of messages of role and content, the form of the OpenAI interface."""

from collections.abc import Mapping
from typing import Any

from flows.ingest.fields import ID_FIELDS, USUAL_FIELDS, list_turns, parse_usual_fields
from flows.ingest.records import Parsed

__all__ = ["FIELDS", "ID_FIELDS", "MESSAGES_FIELD", "NAME", "matches", "parse"]

NAME = "generic"
MESSAGES_FIELD = "messages"
FIELDS = (*USUAL_FIELDS, MESSAGES_FIELD)


def matches(row: Mapping[str, Any]) -> bool:
    """Whether the row has messages."""
    return MESSAGES_FIELD in row


def parse(row: Mapping[str, Any]) -> Parsed:
    """Reads a row; raises RowError with the first rule it fails."""
    return parse_usual_fields(row, list_turns(row.get(MESSAGES_FIELD), "role", "content"))
