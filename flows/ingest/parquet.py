"""Streams the rows of a Parquet file in slices, so that a broken part costs only its own rows."""

from collections.abc import Collection, Iterator
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
    columns = [_readable(name, dtype) for name, dtype in schema.items() if name in fields]
    kept = table.select(columns or [pl.first()])
    for offset in range(0, row_count, SLICE_ROWS):
        length = min(SLICE_ROWS, row_count - offset)
        yield from enumerate(_read_slice(kept, offset, length), start=offset + 1)


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
