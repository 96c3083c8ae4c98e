import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.ingest import FORMATS
from flows.ingest.read import read_records
from flows.settings import SettingsError, load_settings

TURNS = [
    [("user", "Zähle die Lampen 💡."), ("assistant", "Vier."), ("user", "Sicher?")],
    [
        ("system", "Be brief."),
        ("user", "\\ud83d is no text,\n\tbut this is: \u2028"),
        ("tool", "{}"),
    ],
]
CONTAINERS = [
    "lines.jsonl",
    "lines.jsonl.gz",
    "array.json",
    "array.json.gz",
    "wrapped.json",
    "indented.json",
    "structs.parquet",
    "text.parquet",
]


def _generic(number: int, turns: list[tuple[str, str]]) -> dict[str, Any]:
    messages = [{"role": role, "content": text} for role, text in turns]
    time = 1_770_000_000 + number
    about = {"conversation_id": f"c{number}", "account_id": "u1", "timestamp": time}
    return about | {"country": "DE", "language": "DE-ch", "model": "m-1", "messages": messages}


def _sharegpt(number: int, turns: list[tuple[str, str]]) -> dict[str, Any]:
    names = {"user": "human", "assistant": "gpt", "tool": "function", "system": "developer"}
    values = [{"from": names[role], "value": text} for role, text in turns]
    time = str(1_770_000_000_000 + 1_000 * number)
    about = {"id": f"c{number}", "user": "u1", "created_at": time}
    return about | {"country": "DE", "language": "DE-ch", "model": "m-1", "conversations": values}


def _wildchat(number: int, turns: list[tuple[str, str]]) -> dict[str, Any]:
    about = {"language": "DE-ch", "country": "DE", "hashed_ip": "u1"}
    time = f"2026-02-02T02:40:0{number}+00:00"
    conversation = [
        {"role": role, "content": text, "timestamp": None if role == "user" else time, **about}
        for role, text in turns
    ]
    return {"conversation_hash": f"c{number}", **about} | {
        "timestamp": "2026-07-07T00:00:00Z",
        "model": "m-1",
        "conversation": conversation,
    }


WRITERS = {"generic": _generic, "sharegpt": _sharegpt, "wildchat": _wildchat}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("format_name", WRITERS)
@pytest.mark.parametrize("is_named", [True, False])
def test_the_same_conversations_give_the_same_tables_in_every_format_and_container(
    tmp_path: Path,
    ingest: Callable,
    write_container: Callable,
    container: str,
    format_name: str,
    is_named: bool,
) -> None:
    rows = [WRITERS[format_name](number, turns) for number, turns in enumerate(TURNS)]
    path = write_container(tmp_path, container, rows)
    found = ingest(path, format_name=format_name if is_named else None)
    plain = ingest([_generic(number, turns) for number, turns in enumerate(TURNS)])
    assert (found.rejected, found.accepted, found.row_count) == ([], ["c0", "c1"], 2)
    assert set(found.conversations["source"]) == {format_name}
    assert found.conversations.drop("source").equals(plain.conversations.drop("source"))
    assert found.messages.equals(plain.messages)
    assert plain.conversations["country"].to_list() == ["DE", "DE"]
    assert plain.conversations["language"].to_list() == ["de-ch", "de-ch"]
    assert plain.messages.select("role", "text").rows() == [
        turn for turns in TURNS for turn in turns
    ]


def test_every_format_is_tried() -> None:
    assert [log_format.NAME for log_format in FORMATS] == list(WRITERS)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("human", "user"), ("USER", "user"), ("gpt", "assistant"), ("bot", "assistant"),
        ("model", "assistant"), ("chatgpt", "assistant"), ("developer", "system"),
        ("function", "tool"), ("tool", "tool"), ("system", "system"),
    ],
)  # fmt: skip
def test_a_role_has_one_name(ingest: Callable, row: Callable, name: str, role: str) -> None:
    messages = [{"role": name, "content": "x"}, {"role": "user", "content": "y"}]
    assert ingest([row(messages=messages)]).messages["role"].to_list() == [role, "user"]


def test_text_parts_are_joined_and_other_parts_left_out(ingest: Callable, row: Callable) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, "b"]
    called = {"role": "assistant", "content": None, "tool_calls": [{"id": "t"}]}
    found = ingest([row(messages=[{"role": "user", "content": parts}, called])])
    assert found.messages["text"].to_list() == ["a\nb", ""]


@pytest.mark.parametrize(
    ("country", "kept"),
    [("DE", "DE"), ("de", None), ("Germany", None), ("DE\n", None), ("D1", None)],
)
def test_a_country_is_a_code_or_nothing(
    ingest: Callable, row: Callable, country: str, kept: str | None
) -> None:
    assert ingest([row(country=country)]).conversations["country"].to_list() == [kept]


@pytest.mark.parametrize(
    ("language", "kept"), [("English", "english"), ("X" * 35, "x" * 35), ("x" * 36, None)]
)
def test_a_language_is_lower_cased_and_short(
    ingest: Callable, row: Callable, language: str, kept: str | None
) -> None:
    assert ingest([row(language=language)]).conversations["language"].to_list() == [kept]


def test_each_file_of_a_directory_has_its_own_format(
    tmp_path: Path, write_container: Callable
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "notes.txt").write_text("not read")
    (logs / ".hidden.jsonl").write_text("not read")
    (logs / "deeper.json").mkdir()
    written = zip(("structs.parquet", "array.json.gz", "lines.jsonl"), WRITERS.items(), strict=True)
    for container, (_, build) in written:
        write_container(logs, container, [build(n, turns) for n, turns in enumerate(TURNS)])
    records = read_records([logs], format_name=None, settings=load_settings().ingest)
    assert [(record.source_file, record.source, record.line) for record in records] == [
        ("array.json.gz", "sharegpt", 1), ("array.json.gz", "sharegpt", 2),
        ("lines.jsonl", "wildchat", 1), ("lines.jsonl", "wildchat", 3),
        ("structs.parquet", "generic", 1), ("structs.parquet", "generic", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "format_name", "said"),
    [
        (b"[{}]", "chatml", "unknown format 'chatml'; known formats: generic, sharegpt, wildchat"),
        (
            b'{"text": "x"}\n{"text": "y"}',
            None,
            "log.jsonl; known formats: generic, sharegpt, wildchat",
        ),
        (b"Dear diary,\n", None, "cannot tell the format"),
        (b'{"rows": []}', None, "cannot tell the format"),
        (gzip.compress(b"PAR1"), None, "unpack"),
        (None, None, "does not exist"),
        ("directory", None, "has no .jsonl"),
        ("pipe", None, "is no regular file"),
    ],
)
def test_wrong_arguments_stop_before_a_row_is_read(
    tmp_path: Path, content: bytes | str | None, format_name: str | None, said: str
) -> None:
    path = tmp_path / "log.jsonl"
    match content:
        case "directory":
            path.mkdir()
        case "pipe":
            path = Path("/dev/null")
        case bytes():
            path.write_bytes(content)
    with pytest.raises(SettingsError, match=said.replace(".", r"\.")):
        read_records([path], format_name=format_name, settings=load_settings().ingest)


def test_the_format_is_told_by_the_first_object_that_has_one(ingest: Callable) -> None:
    good = _sharegpt(0, TURNS[0])
    found = ingest([5, {"text": "x"}, {"conversations": 7}, good])
    rules = [("not_an_object", 1), ("empty_conversation", 2), ("wrong_type", 3)]
    assert (found.accepted, found.rejected) == (["c0"], rules)
