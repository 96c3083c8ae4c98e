"""Streams the rows of a Parquet file in slices, so that a broken part costs only its own rows."""

import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from flows.ingest.records import RowError

MAGIC = b"PAR1"
SLICE_ROWS = 1_000
PLAUSIBLE_ROWS_PER_BYTE = 1_000  # more is a footer that lies, not a file that compresses well
_BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def read_table(path: Path, fields: Collection[str]) -> Iterator[tuple[int, Any]]:
    """Row number, from 1, and the row or a RowError in its place; only `fields` are read."""
    if _kills_its_reader(path, fields):
        yield 1, RowError("undecodable_file")
        return
    try:
        table = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        schema = table.collect_schema()
        row_count = table.select(pl.len()).collect().item()
    except _BROKEN:
        yield 1, RowError(_broken_file_rule(path))
        return
    if row_count > PLAUSIBLE_ROWS_PER_BYTE * path.stat().st_size:
        yield 1, RowError("undecodable_file")
        return
    kept = _kept(table, schema, fields)
    for offset in range(0, row_count, SLICE_ROWS):
        length = min(SLICE_ROWS, row_count - offset)
        yield from enumerate(_read_slice(kept, offset, length), start=offset + 1)


def _kills_its_reader(path: Path, fields: Collection[str]) -> bool:
    """Whether decoding aborts the process, as it does where a damaged page claims exabytes.

    Nothing can catch that, so the file is decoded once in a process of its own.
    """
    probe = subprocess.run(  # noqa: S603  -- this module, on one path
        [sys.executable, "-P", "-m", "flows.ingest.parquet", str(path), *sorted(fields)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return probe.returncode < 0


def _decode(path: Path, fields: Collection[str]) -> None:
    """Decodes what `read_table` would read, and keeps nothing."""
    table = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    row_count = table.select(pl.len()).collect().item()
    if row_count <= PLAUSIBLE_ROWS_PER_BYTE * path.stat().st_size:
        kept = _kept(table, table.collect_schema(), fields)
        for offset in range(0, row_count, SLICE_ROWS):
            with suppress(*_BROKEN):
                kept.slice(offset, SLICE_ROWS).collect()


def _kept(table: pl.LazyFrame, schema: pl.Schema, fields: Collection[str]) -> pl.LazyFrame:
    columns = [_readable(name, dtype) for name, dtype in schema.items() if name in fields]
    return table.select(columns or [pl.first()])


def _readable(name: str, dtype: pl.DataType) -> pl.Expr:
    """Times as text: polars has instants that no Python datetime can hold."""
    column = pl.col(name)
    return column.dt.to_string("iso:strict") if isinstance(dtype, pl.Datetime) else column


def _read_slice(table: pl.LazyFrame, offset: int, length: int) -> list[Any]:
    try:
        rows: list[Any] = table.slice(offset, length).collect().rows(named=True)
    except (*_BROKEN, ValueError, OverflowError):  # or an instant within a message, out of range
        rows = []
    return rows + [RowError("undecodable_line")] * (length - len(rows))


def _broken_file_rule(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(-min(len(MAGIC), path.stat().st_size), 2)
        return "undecodable_file" if stream.read() == MAGIC else "truncated_file"


if __name__ == "__main__":
    _decode(Path(sys.argv[1]), sys.argv[2:])
