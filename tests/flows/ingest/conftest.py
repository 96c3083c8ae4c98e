import gzip
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.ingest.accept import accept_records
from flows.ingest.read import read_records
from flows.settings import load_settings


@dataclass(frozen=True)
class Ingested:
    conversations: pl.DataFrame
    messages: pl.DataFrame
    rejects: pl.DataFrame
    row_count: int
    own_ids: dict[str, str]
    partition_sizes: list[int]

    @property
    def rejected(self) -> list[tuple[str, int]]:
        """Rule and line of every reject, in input order."""
        return self.rejects.select("rule", "line").rows()

    @property
    def accepted(self) -> list[str]:
        """The owner's ids, in input order."""
        return [self.own_ids[key] for key in self.conversations["conversation_id"]]


@pytest.fixture
def hash_id() -> Callable[[str], str]:
    return lambda text: hashlib.sha256(text.encode()).hexdigest()[:32]


@pytest.fixture
def ingest(tmp_path: Path, hash_id: Callable[[str], str]) -> Callable[..., Ingested]:
    """Reads and accepts a file of the given bytes, or of rows written as lines of JSON."""

    def run(
        content: bytes | list[Any] | Path,
        *,
        quarter: str | None = "2026Q1",
        format_name: str | None = None,
        name: str = "log.jsonl",
        **settings: Any,
    ) -> Ingested:
        path = content if isinstance(content, Path) else tmp_path / name
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content).encode()
        if isinstance(content, bytes):
            path.write_bytes(content)
        chosen = load_settings(ingest=settings).ingest
        records = read_records([path], format_name=format_name, settings=chosen)
        parts = list(accept_records(records, quarter=quarter, keyed_hash=hash_id, settings=chosen))
        empty = pl.DataFrame(
            schema={"rule": pl.String, "line": pl.Int64, "conversation_id": pl.String}
        )
        return Ingested(
            conversations=pl.concat([part.conversations for part in parts]) if parts else empty,
            messages=pl.concat([part.messages for part in parts]) if parts else empty,
            rejects=pl.concat([part.rejects for part in parts]) if parts else empty,
            row_count=sum(part.row_count for part in parts),
            own_ids={key: own for part in parts for key, own in part.own_ids.items()},
            partition_sizes=[part.conversations.height for part in parts],
        )

    return run


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """A good row of the generic format; None takes a field away."""

    def build(**changes: Any) -> dict[str, Any]:
        fields = {
            "id": "c1",
            "user": "u1",
            "created": "2026-02-03T04:05:06Z",
            "messages": [
                {"role": "user", "content": "Sort this list."},
                {"role": "assistant", "content": "Sorted."},
            ],
        }
        return {key: value for key, value in {**fields, **changes}.items() if value is not None}

    return build


@pytest.fixture
def write_container() -> Callable[[Path, str, list[dict[str, Any]]], Path]:
    """Writes rows in a container; its name says which."""

    def write(directory: Path, name: str, rows: list[dict[str, Any]]) -> Path:
        path = directory / name
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
        match name:
            case "lines.jsonl":
                path.write_bytes(b"\xef\xbb\xbf" + lines.replace(b"\n", b"\r\n\r\n"))
            case "lines.jsonl.gz":
                path.write_bytes(gzip.compress(lines[:20]) + gzip.compress(lines[20:]))
            case "array.json":
                path.write_text(json.dumps(rows, indent=1))
            case "array.json.gz":
                path.write_bytes(gzip.compress(json.dumps(rows).encode()))
            case "wrapped.json":
                wrapper = {"version": 1, "tags": ["a"], "conversations": rows, "next": {"a": [1]}}
                path.write_text(json.dumps(wrapper))
            case "indented.json":
                path.write_text("\n".join(json.dumps(row, indent=2) for row in rows))
            case "structs.parquet":
                pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
            case "text.parquet":
                field = next(
                    f for f in ("messages", "conversations", "conversation") if f in rows[0]
                )
                texts = [{**row, field: json.dumps(row[field])} for row in rows]
                pl.DataFrame(texts, infer_schema_length=None).write_parquet(path, row_group_size=1)
        return path

    return write


@pytest.fixture
def shared_data() -> Path:
    default = Path(__file__).resolve().parents[4] / "shared" / "data"
    path = Path(os.environ.get("WORKTALLY_TEST_DATA", default))
    if not path.is_dir():
        pytest.skip("neither ../shared/data nor WORKTALLY_TEST_DATA exists")
    return path
