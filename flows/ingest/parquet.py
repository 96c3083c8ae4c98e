"""Streams the rows of a Parquet file in slices, so that a broken part costs only its own rows.

A damaged page can make polars abort its process (one that claims exabytes does), and nothing can
catch that: the file is decoded by a process of its own, which hands its rows over as JSON.
"""

import json
import subprocess
import sys
from collections.abc import Collection, Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import polars as pl

from flows.ingest.records import RowError

MAGIC = b"PAR1"
SLICE_ROWS = 1_000
PLAUSIBLE_ROWS_PER_BYTE = 1_000  # more is a footer that lies, not a file that compresses well
_BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def read_table(path: Path, fields: Collection[str]) -> Iterator[tuple[int, Any]]:
    """Row number, from 1, and the row or a RowError in its place; only `fields` are read.

    Where decoding ends before the file does, that is one RowError, the last.
    """
    number = 0
    decoder = subprocess.Popen(  # noqa: S603  -- this module, on one path
        [sys.executable, "-P", "-m", "flows.ingest.parquet", str(path), *sorted(fields)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with decoder:
        try:
            for line in decoder.stdout or ():
                number, rule, row = json.loads(line)
                yield number, RowError(rule) if rule else row
            has_ended_early = decoder.wait() != 0
        finally:
            decoder.kill()  # a reader that has seen enough
    if has_ended_early:
        yield number + 1, RowError("undecodable_file")


def _decode(path: Path, fields: Collection[str]) -> Iterator[tuple[int, str | None, Any]]:
    """Row number, the rule that the row fails or None, and the row."""
    try:
        table = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        schema = table.collect_schema()
        row_count = table.select(pl.len()).collect().item()
    except _BROKEN:
        yield 1, _broken_file_rule(path), None
        return
    if row_count > PLAUSIBLE_ROWS_PER_BYTE * path.stat().st_size:
        yield 1, "undecodable_file", None
        return
    kept = _kept(table, schema, fields)
    for offset in range(0, row_count, SLICE_ROWS):
        length = min(SLICE_ROWS, row_count - offset)
        rows = _read_slice(kept, offset, length)
        for number in range(offset + 1, offset + length + 1):
            row = rows[number - offset - 1] if rows else None
            yield number, None if rows else "undecodable_line", row


def _kept(table: pl.LazyFrame, schema: pl.Schema, fields: Collection[str]) -> pl.LazyFrame:
    columns = [_readable(name, dtype) for name, dtype in schema.items() if name in fields]
    return table.select(columns or [pl.first()])


def _readable(name: str, dtype: pl.DataType) -> pl.Expr:
    """Times as text: polars has instants that no Python datetime can hold."""
    column = pl.col(name)
    return column.dt.to_string("iso:strict") if isinstance(dtype, pl.Datetime) else column


def _read_slice(table: pl.LazyFrame, offset: int, length: int) -> list[Any]:
    """The rows of a slice; none where one of them cannot be decoded."""
    try:
        return table.slice(offset, length).collect().rows(named=True)
    except (*_BROKEN, ValueError, OverflowError):  # or an instant within a message, out of range
        return []


def _broken_file_rule(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(-min(len(MAGIC), path.stat().st_size), 2)
        return "undecodable_file" if stream.read() == MAGIC else "truncated_file"


def _to_json(value: Any) -> str | None:
    """Times as ISO 8601, numbers of other kinds as text; bytes are nothing that a format reads."""
    if isinstance(value, date | time):
        return value.isoformat()
    return None if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    for found in _decode(Path(sys.argv[1]), sys.argv[2:]):
        sys.stdout.write(json.dumps(found, default=_to_json) + "\n")
