"""Says what there is to say: the requests, follow-ups, replies and chats of `data/sample`."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from onet.release import load_release

DIRECTORY = Path(__file__).resolve().parents[2] / "data" / "sample"
OPENERS = {
    "directive": "directive",
    "feedback_loop": "directive",
    "task_iteration": "directive",
    "learning": "learning",
    "validation": "validation",
}
"""The kind of request that opens a conversation of each pattern."""

Position = Literal["first", "later"]
Turns = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """The opening message of somebody who brings a task."""

    task_id: int
    onet_soc_code: str
    pattern: str
    use_case: str
    language: str
    artefact: str
    text: str


@dataclass(frozen=True, slots=True)
class Chat:
    """All user turns of a conversation that is no occupational task."""

    use_case: str
    pattern: str
    language: str
    turns: Turns


@dataclass(frozen=True, slots=True)
class Bank:
    """Everything that is said in sample conversations; all texts may hold slots such as {email}."""

    requests: tuple[Request, ...]
    chats: dict[str, list[Chat]]
    _follow_ups: dict[tuple[str, str, str], list[Turns]]
    _replies: dict[tuple[str, str, str], list[str]]
    _asides: dict[tuple[str, str], list[str]]

    def follow_ups(self, language: str, artefact: str, pattern: str) -> list[Turns]:
        """The user turns that may follow the opener."""
        chains = self._follow_ups
        own = chains.get((language, artefact, pattern), [])
        return own + chains.get((language, "any", pattern), [])

    def replies(self, language: str, artefact: str, position: Position) -> list[str]:
        """What the assistant may answer, to the opener or later."""
        own = self._replies.get((language, artefact, position), [])
        return own + self._replies.get((language, "any", position), [])

    def asides(self, language: str, place: Literal["before", "after"]) -> list[str]:
        """What people say around a request."""
        return self._asides[language, place]


@cache
def load_bank() -> Bank:
    """Reads the written texts; the task of a request belongs to the starter taxonomy."""
    tasks = load_release("starter").tasks
    codes = dict(zip(tasks["task_id"], tasks["onet_soc_code"], strict=True))
    requests = tuple(
        Request(onet_soc_code=codes[row["task_id"]], **row) for row in _rows("requests")
    )
    chats: dict[str, list[Chat]] = defaultdict(list)
    for row in _rows("non_occupational"):
        turns = tuple(row["turns"])
        chats[row["language"]].append(Chat(row["use_case"], row["pattern"], row["language"], turns))
    follow_ups: dict[tuple[str, str, str], list[Turns]] = defaultdict(list)
    for row in _rows("follow_ups"):
        follow_ups[row["language"], row["artefact"], row["pattern"]].append(tuple(row["turns"]))
    replies: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in _rows("replies"):
        replies[row["language"], row["artefact"], row["position"]].append(row["text"])
    asides: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in _rows("asides"):
        asides[row["language"], row["place"]].append(row["text"])
    return Bank(requests, dict(chats), dict(follow_ups), dict(replies), dict(asides))


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of a tab-separated table of `data/sample`."""
    with (DIRECTORY / f"{name}.tsv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with (DIRECTORY / f"{name}.jsonl").open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)
