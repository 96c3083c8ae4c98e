import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import tables as t
from flows.language_model import build_ask, judge_conversations
from flows.settings import load_settings

KEY = "sk-lamp-0123456789"
ANSWER = {
    "occupational": True,
    "use_case": "work",
    "pattern": "learning",
    "soc_major": "27-0000",
    "task_ids": [],
    "none_fits": False,
}


@dataclass
class Response:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs_after: int | None = None


class Server(ThreadingHTTPServer):
    """Speaks the protocol; `respond` decides what it says to a request's body."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.respond: Callable[[dict[str, Any]], Response] = lambda body: completion()
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.is_done = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers), body))
        response = self.server.respond(body)
        self.send_response(response.status)
        for name, value in {"Content-Length": str(len(response.body)), **response.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body[: response.hangs_after])
        self.wfile.flush()
        if response.hangs_after is not None:
            self.server.is_done.wait(10)

    def log_message(self, *arguments: object) -> None:
        """Silent."""


def completion(
    content: object = ANSWER,
    *,
    usage: object = None,
    finish_reason: str = "stop",
    **message: object,
) -> Response:
    """A chat completion with an answer, or with other content as it stands."""
    text = content if isinstance(content, str | None) else json.dumps(content)
    choice = {"message": {"content": text, **message}, "finish_reason": finish_reason}
    more = {} if usage is None else {"usage": usage}
    return Response(json.dumps({"object": "x", "choices": [choice], **more}).encode())


def text_of(body: dict[str, Any]) -> str:
    """What the first turn of the conversation says."""
    line = body["messages"][1]["content"].splitlines()[1]
    return str(json.loads(line)["text"])


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.is_done.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def complete() -> Callable[..., Response]:
    return completion


@pytest.fixture
def settings(server) -> Callable[..., Any]:
    def make(**changes: object) -> Any:
        values = {"enabled": True, "url": server.url, "model": "lamp-1", "timeout_seconds": 5.0}
        return load_settings(language_model=values | changes).language_model

    return make


@dataclass
class Work:
    """Invented conversations with what the classifiers made of them."""

    messages: pl.DataFrame
    classifications: pl.DataFrame
    ranked: pl.DataFrame
    statements: pl.DataFrame

    def shuffled(self) -> "Work":
        frames = (self.messages, self.classifications, self.ranked, self.statements)
        return Work(*(frame.sample(fraction=1, shuffle=True, seed=3) for frame in frames))


def conversation_id(number: int) -> str:
    return f"{number:032x}"


@pytest.fixture
def work() -> Callable[..., Work]:
    """A conversation per text, with tasks 1 to 4 unless the classifiers cannot read it."""

    def make(*texts: str, unread: tuple[int, ...] = ()) -> Work:
        messages, labels, ranked = [], [], []
        for number, text in enumerate(texts):
            key = conversation_id(number)
            messages += [(key, 0, "user", text), (key, 1, "assistant", "Yes.")]
            known = number not in unread
            is_true, use = (True, "personal") if known else (None, None)
            pattern = "directive" if known else "not_classified"
            labels.append((key, "en", is_true, 0.6, use, 0.5, pattern, 0.4, "none", 0.9))
            scores = enumerate((0.3, 0.4, 0.2, 0.05) if known else (), start=1)
            ranked += [(key, rank, rank, score, "15-0000", 0.7) for rank, score in scores]
        return Work(
            _frame(t.RedactedMessages, messages),
            _frame(t.Classifications, labels),
            _frame(t.RankedTasks, ranked),
            pl.DataFrame({"task_id": [1, 2, 3, 4], "statement": [f"Lamp {n}." for n in "abcd"]}),
        )

    return make


def _frame(table: Any, rows: list[Any]) -> pl.DataFrame:
    schema = dict.fromkeys(table.column_names(), pl.Null) if not rows else table.column_names()
    return table.validate(pl.DataFrame(rows, schema, orient="row"), cast=True)


@pytest.fixture
def judge(tmp_path) -> Callable[..., Any]:
    """Judges with a new `Ask`, as another run would; the waits that it asks for are not waited."""

    def run(work: Work, settings: Any, cache: Path | None = None, **more: Any) -> Any:
        ask = build_ask(
            settings,
            tmp_path / "cache" if cache is None else cache,
            {"WORKTALLY_MODEL_KEY": KEY},
            sleep=more.get("sleep", lambda seconds: None),
        )
        frames = (work.messages, work.classifications, work.ranked, work.statements)
        return judge_conversations(*frames, ask=ask, settings=settings)

    return run


@pytest.fixture
def first_text() -> Callable[[dict[str, Any]], str]:
    return text_of


@pytest.fixture
def outcomes() -> Callable[..., dict[str, int]]:
    """All counts, those not named 0."""
    names = (
        *("asked", "answered", "cached", "refused", "malformed", "rate_limited"),
        *("timeout", "endpoint_down", "spending_cap", "http_error"),
    )
    return lambda **counts: dict.fromkeys(names, 0) | counts


def fence_of(content: str) -> tuple[str, str]:
    """A user message as the laxest reader splits it: what lies in the fence, and what outside."""
    lines = content.splitlines()
    begin = next(n for n, line in enumerate(lines) if re.search(r"DATA\W*BEGIN", line, re.I))
    end = next(n for n, line in enumerate(lines) if n > begin and _looks_like_the_end(line))
    return "\n".join(lines[begin + 1 : end]), "\n".join(lines[:begin] + lines[end + 1 :])


def _looks_like_the_end(line: str) -> bool:
    return re.search(r"^\W*CONVERSATION\W*DATA\W*END\b", line, re.I) is not None


@pytest.fixture
def split_fence() -> Callable[[str], tuple[str, str]]:
    return fence_of
