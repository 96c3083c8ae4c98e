import gzip
import hashlib
import json
import tempfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.ingest import documents
from flows.ingest.accept import Partition, accept_records
from flows.ingest.read import read_records
from flows.ingest.records import RowError
from flows.settings import SettingsError, load_settings

FORMATS = ("generic", "sharegpt", "wildchat")
SETTINGS = load_settings(
    ingest={"max_line_bytes": 1_000, "max_messages": 3, "partition_conversations": 3}
).ingest
NAMES = (
    "id", "conversation_id", "user", "created", "timestamp", "messages", "conversations", "role",
    "content", "from", "value", "type", "text", "conversation", "conversation_hash", "hashed_ip",
    "language", "country",
)  # fmt: skip
LIKELY = ("c1", "user", "human", "gpt", "text", "2026-02-03", 1_770_000_000, "1770000000000", "DE")

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.sampled_from(LIKELY),
)
names = st.one_of(st.sampled_from(NAMES), st.text(max_size=3))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=6)),
    max_leaves=20,
)
roles = st.sampled_from(["user", "assistant", "human", "gpt", "wizard"])
turns = st.lists(
    st.fixed_dictionaries(
        {}, optional={"role": roles, "from": roles, "content": leaves, "value": leaves}
    ),
    max_size=4,
)
rows = st.fixed_dictionaries(
    {},
    optional={
        "id": leaves, "conversation_hash": leaves, "user": leaves, "hashed_ip": leaves,
        "created": leaves, "timestamp": leaves, "country": leaves, "language": leaves,
        "messages": turns | values, "conversations": turns | values, "conversation": turns | values,
    },
)  # fmt: skip


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _ingest(content: bytes, format_name: str | None, quarter: str | None) -> list[Partition]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log"
        path.write_bytes(content)
        records = read_records([path], format_name=format_name, settings=SETTINGS)
        return list(accept_records(records, quarter=quarter, keyed_hash=_hash, settings=SETTINGS))


def _check(partitions: list[Partition]) -> int:
    for part in partitions:
        assert part.row_count == part.conversations.height + part.rejects.height
        assert part.conversations.height <= SETTINGS.partition_conversations
        assert set(part.own_ids) == set(part.conversations["conversation_id"])
        assert part.messages.height == part.conversations["message_count"].sum()
    ids = [key for part in partitions for key in part.conversations["conversation_id"]]
    assert len(ids) == len(set(ids))
    return sum(part.row_count for part in partitions)


@given(
    content=st.binary(max_size=3_000),
    prefix=st.sampled_from(
        [b"", b"[", b"{", b'[{"messages":', b"PAR1", b"\x1f\x8b", b"\x1f\x8b\x08"]
    ),
    suffix=st.sampled_from([b"", b"]", b"PAR1"]),
    format_name=st.sampled_from(FORMATS),
)
def test_no_bytes_raise(content: bytes, prefix: bytes, suffix: bytes, format_name: str) -> None:
    content = prefix + content + suffix
    _check(_ingest(content, format_name, "2026Q1"))
    with suppress(SettingsError):  # a format that cannot be told is all that stops a run
        _ingest(content, None, None)


@given(
    data=st.lists(rows | values, max_size=8),
    format_name=st.sampled_from(FORMATS),
    quarter=st.sampled_from([None, "2026Q1"]),
    is_packed=st.booleans(),
)
def test_no_row_raises_or_is_lost(
    data: list[Any], format_name: str, quarter: str | None, is_packed: bool
) -> None:
    lines = [json.dumps(value) for value in data]
    content = "\n".join(lines).encode()
    stands_alone = len(lines) > 1 or not content.startswith((b"[", b"{"))
    partitions = _ingest(gzip.compress(content) if is_packed else content, format_name, quarter)
    if stands_alone:
        assert _check(partitions) == len(lines)
    array = _ingest(json.dumps(data).encode(), format_name, quarter)
    assert _check(array) == len(lines)
    if stands_alone:
        for table in ("conversations", "messages"):
            frames = [[getattr(part, table) for part in parts] for parts in (partitions, array)]
            if frames[0]:
                assert pl.concat(frames[0]).equals(pl.concat(frames[1]))


BROKEN = ('{"a" 1}', "[1 2]", '{"]": "\\x,"}', "tru", '[{"a": [nul, "}"]}]', '"\t"')


@given(
    elements=st.lists(values.map(json.dumps) | st.sampled_from(BROKEN), max_size=6),
    gaps=st.sampled_from(["", " ", "\n\t"]),
    wrapper=st.sampled_from(["{}", '{{"n": [{{}}], "rows": {}, "m": 2}}']),
    chunk_bytes=st.integers(1, 40),
    max_row=st.integers(8, 60),
)
def test_a_document_in_any_chunks_gives_its_elements(
    elements: list[str], gaps: str, wrapper: str, chunk_bytes: int, max_row: int
) -> None:
    text = wrapper.format(f"[{gaps}" + f"{gaps},{gaps}".join(elements) + f"{gaps}]")
    stream = BytesIO(text.encode())
    with patch.object(documents, "CHUNK_BYTES", chunk_bytes):
        if wrapper == "{}":
            found = list(documents.read_array(stream, max_row))
        else:
            found = list(documents.read_member(stream, max_row, "rows"))
    assert [_tell(value) for value in found] == [_expect(text, max_row) for text in elements]


def _tell(value: Any) -> str:
    return value.rule if isinstance(value, RowError) else json.dumps(value)


def _expect(text: str, max_row: int) -> str:
    if len(text) > max_row:
        return "line_too_long"
    return "malformed_json" if text in BROKEN else text


@pytest.fixture(scope="module")
def parquet_content() -> bytes:
    turn_list = [{"role": "user", "content": "Sort this."}, {"role": "assistant", "content": "Ok."}]
    data = [
        {"id": f"c{n}", "user": "u", "created": "2026-02-03", "messages": turn_list}
        for n in range(50)
    ]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log.parquet"
        pl.DataFrame(data).write_parquet(path, row_group_size=10)
        return path.read_bytes()


@settings(max_examples=50)  # each starts a process
@given(data=st.data())
def test_no_damage_to_a_parquet_file_raises(parquet_content: bytes, data: st.DataObject) -> None:
    content = bytearray(parquet_content)
    places = st.integers(4, len(content) - 1)
    damage = data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4))
    for place, byte in damage:
        content[place] = byte
    end = data.draw(st.just(len(content)) | places)
    _check(_ingest(bytes(content[:end]), "generic", "2026Q1"))
