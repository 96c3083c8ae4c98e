"""Decides how a conversation is written as a line of a log, and how a faulty line looks.

Most clients write the form of the OpenAI interface; some export other names, times in seconds since
1970 and messages in parts. Both are what `flows.ingest.generic` reads. A planted fault breaks one
rule of ingestion and no other; those of time and id lie in the conversation already.
"""

import json
import random
from collections.abc import Callable
from typing import Any

from flows.sample.stream import Conversation

LANGUAGE_KNOWN_SHARE = 0.8
COUNTRY_KNOWN_SHARE = 0.95
MODELS = ("assistant-large-2", "assistant-small-2", "assistant-large-1")
FAULTS_WITHOUT_ID = frozenset({"malformed_json", "undecodable_line", "not_an_object", "missing_id"})
"""Planted faults after which nobody can read the id of the row."""
FAULTS_WITHOUT_TEXT = frozenset(
    {
        "malformed_json",
        "undecodable_line",
        "not_an_object",
        "wrong_type",
        "empty_conversation",
        "undecodable_text",
    }
)
"""Planted faults after which the messages are not as they were composed."""

_IMPOSSIBLE_TIMES = ("yesterday", "2026-02-30T10:00:00Z", "0000-00-00", -1, 1e30)
_NO_OBJECTS = ('"conversation"', "[]", "null", "42", "true")
_LINE_ENDS = bytes.maketrans(b"\r\n", b"\xfe\xfe")

_Row = dict[str, Any]


def encode_line(conversation: Conversation, rng: random.Random) -> bytes:
    """The line, without its end."""
    fault = conversation.fault
    if fault == "undecodable_line":
        return b"\xff" + rng.randbytes(60).translate(_LINE_ENDS)
    if fault == "not_an_object":
        return rng.choice(_NO_OBJECTS).encode()
    row = _lay_out(conversation, rng)
    if fault in _SPOILERS:
        _SPOILERS[fault](row, rng)
    # Half a surrogate pair can only be written escaped.
    line = json.dumps(row, ensure_ascii=fault == "undecodable_text", separators=(",", ":"))
    if fault == "malformed_json":
        line = line[: rng.randint(1, len(line) - 1)]
    return line.encode()


def _lay_out(conversation: Conversation, rng: random.Random) -> _Row:
    account, started_at = conversation.account, conversation.started_at
    is_export = account.exports and conversation.fault is None
    about = {
        "country": account.country if rng.random() < COUNTRY_KNOWN_SHARE else None,
        "language": conversation.dialogue.language if rng.random() < LANGUAGE_KNOWN_SHARE else None,
        "model": rng.choice(MODELS),
        "messages": [
            {
                "role": "assistant" if index % 2 else "user",
                "content": [{"type": "text", "text": text}] if is_export else text,
            }
            for index, text in enumerate(conversation.dialogue.texts)
        ],
    }
    if is_export:
        named = {"conversation_id": conversation.own_id, "account_id": account.own_id}
        return {**named, "timestamp": started_at.timestamp(), **about}
    time = started_at.isoformat().replace("+00:00", "Z")
    return {"id": conversation.own_id, "user": account.own_id, "created_at": time, **about}


def _give_wrong_type(row: _Row, rng: random.Random) -> None:
    match rng.randrange(3):
        case 0:
            row["messages"] = row["messages"][0]["content"]
        case 1:
            row["messages"][-1]["content"] = len(row["messages"])
        case _:
            row["user"] = [row["user"]]


def _empty(row: _Row, rng: random.Random) -> None:
    match rng.randrange(3):
        case 0:
            row["messages"] = []
        case 1:
            row["messages"] = row["messages"][1:2]
        case _:
            row["messages"] = [{"role": "user", "content": " \u200b\n"}]


def _make_undecodable(row: _Row, rng: random.Random) -> None:
    row["messages"][0]["content"] += rng.choice(("\0", "\ud83d"))


def _leave_out(name: str) -> Callable[[_Row, random.Random], None]:
    def leave_out(row: _Row, rng: random.Random) -> None:
        if rng.random() < 0.5:
            del row[name]
        else:
            row[name] = None

    return leave_out


def _name_unknown_role(row: _Row, rng: random.Random) -> None:
    row["messages"][1]["role"] = rng.choice(("narrator", "moderator", ""))


def _give_impossible_time(row: _Row, rng: random.Random) -> None:
    row["created_at"] = rng.choice(_IMPOSSIBLE_TIMES)


_SPOILERS: dict[str | None, Callable[[_Row, random.Random], None]] = {
    "wrong_type": _give_wrong_type,
    "empty_conversation": _empty,
    "undecodable_text": _make_undecodable,
    "unknown_role": _name_unknown_role,
    "impossible_time": _give_impossible_time,
    "missing_id": _leave_out("id"),
    "missing_time": _leave_out("created_at"),
    "missing_account": _leave_out("user"),
}
