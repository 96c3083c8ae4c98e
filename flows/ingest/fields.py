"""Decides what counts as an id, a role and a text, whatever the format."""

from collections.abc import Mapping
from typing import Any

from flows.ingest.instants import parse_instant
from flows.ingest.records import Message, Parsed, RowError

ROLE_NAMES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
TEXT_PARTS = ("text", "input_text", "output_text")

ID_FIELDS = ("id", "conversation_id")
ACCOUNT_FIELDS = ("user", "user_id", "account_id")
TIME_FIELDS = ("created", "created_at", "timestamp")
USUAL_FIELDS = (*ID_FIELDS, *ACCOUNT_FIELDS, *TIME_FIELDS, "country", "language", "model")


def parse_usual_fields(row: Mapping[str, Any], turns: list[tuple[Any, Any]]) -> Parsed:
    """Like `parse_fields`, for a row that names its fields in one of the usual ways."""
    return parse_fields(
        own_id=first_value(row, ID_FIELDS),
        own_account=first_value(row, ACCOUNT_FIELDS),
        time=first_value(row, TIME_FIELDS),
        country=row.get("country"),
        language=row.get("language"),
        model=row.get("model"),
        turns=turns,
    )


def parse_fields(
    *,
    own_id: Any,
    own_account: Any,
    time: Any,
    country: Any,
    language: Any,
    model: Any,
    turns: list[tuple[Any, Any]],
) -> Parsed:
    """Checks the raw values of a row in the fixed order of the rules.

    Args:
        own_id: The owner's id of the conversation, or None.
        own_account: The owner's id of the account, or None.
        time: When the conversation started: a datetime, ISO 8601, epoch seconds or milliseconds.
        country: Optional; dropped when it is no readable text, like language and model.
        language: Optional.
        model: Optional.
        turns: Role and content of each message.

    Raises:
        RowError: wrong_type, unknown_role, undecodable_text or impossible_time.
    """
    own_id, own_account = _parse_id(own_id), _parse_id(own_account)
    named = [(_text(role), _join_parts(content)) for role, content in turns]
    messages = tuple([Message(_normalize_role(role), text) for role, text in named])
    texts = [own_id or "", own_account or "", *[message.text for message in messages]]
    if not all(map(_is_decodable, texts)):
        raise RowError("undecodable_text")
    return Parsed(
        own_id=own_id,
        own_account=own_account,
        started_at=parse_instant(time),
        country=_optional(country),
        language=_optional(language),
        model=_optional(model),
        messages=messages,
    )


def first_value(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first value that is neither absent, null nor empty."""
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def list_turns(value: Any, role: str, content: str) -> list[tuple[Any, Any]]:
    """Role and content of every message object; null is no messages.

    Raises:
        RowError: wrong_type, when it is no list, or one of its messages no object.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise RowError("wrong_type")
    return [_take_turn(turn, role, content) for turn in value]


def readable_id(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The row's id where it can be read, for a reject."""
    try:
        own_id = _parse_id(first_value(row, names))
    except RowError:
        return None
    return own_id if own_id is None or _is_decodable(own_id) else None


def _take_turn(turn: Any, role: str, content: str) -> tuple[Any, Any]:
    if not isinstance(turn, Mapping):
        raise RowError("wrong_type")
    value = turn.get(content)
    if value is None and (turn.get("tool_calls") or turn.get("function_call")):
        value = ""  # an assistant that only calls a tool says nothing
    return turn.get(role), value


def _parse_id(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None:
        return None
    return _text(value) if _text(value).strip() else None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise RowError("wrong_type")
    return value


def _join_parts(content: Any) -> str:
    """The text of a message; images and other parts that are not text are left out."""
    if not isinstance(content, list):
        return _text(content)
    texts = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif not isinstance(part, Mapping):
            raise RowError("wrong_type")
        elif part.get("type") in TEXT_PARTS:
            texts.append(_text(part.get("text")))
    return "\n".join(texts)


def _normalize_role(name: str) -> str:
    role = ROLE_NAMES.get(name) or ROLE_NAMES.get(name.lower())
    if role is None:
        raise RowError("unknown_role")
    return role


def _is_decodable(text: str) -> bool:
    """Whether the text can be stored: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _optional(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() and _is_decodable(value) else None
