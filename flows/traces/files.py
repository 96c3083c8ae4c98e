"""Decides what of a file is looked at: its name, its raw bytes, and the values that it stores."""

import mmap
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from flows.tables import STAGES
from flows.traces.canaries import Canaries, match
from flows.traces.compressed import CHUNK
from flows.traces.decode import DEPTH, Effort, unfold

BATCH = 32 << 20  # bytes that are searched together
FILE_EFFORT = 256 << 20  # decoded bytes of a file, at least
_EFFORT_PER_BYTE = 32
_SLICE_ROWS = 10_000
_PLACES = {"steps", "cache", "prefect", "tmp", "index", "answers", "storage", *STAGES}
_SUFFIXES = {".parquet", ".json", ".db", ".db-wal", ".db-shm", ".log", ".toml", ".html", ".md",
             ".duckdb", ".wal", ".jsonl", ".gz"}  # fmt: skip
_UNREADABLE = (OSError, ValueError, sqlite3.Error, pl.exceptions.PolarsError,
               pl.exceptions.PanicException)  # fmt: skip


@dataclass
class Traces:
    """What was found.

    Attributes:
        found: Canaries by the kind of file that they were found in.
        unread: Files, names and values that could not be looked into, or not as deep as they go.
        byte_count: Bytes of all files.
    """

    found: dict[str, set[int]] = field(default_factory=dict)
    unread: int = 0
    byte_count: int = 0

    def canaries(self) -> set[int]:
        """All that were found."""
        return set().union(*self.found.values())


def find_traces(
    canaries: Canaries, root: Path, paths: Iterable[Path], values: Iterable[bytes] = ()
) -> Traces:
    """Looks for canaries in files and in their names; links are not followed.

    Args:
        canaries: From `spell`.
        root: Directory that the kinds of files are told from; only what lies below is the run's.
        paths: Files, and directories as such: for their names.
        values: Decoded values of a file that only its own library reads.
    """
    traces = Traces()
    batch: list[tuple[str, bytes]] = []
    size = 0
    for kind, piece in _pieces(root, paths, values, traces):
        batch.append((kind, piece))
        size += len(piece)
        if size >= BATCH:
            _search(canaries, batch, traces)
            batch, size = [], 0
    _search(canaries, batch, traces)
    return traces


def _search(canaries: Canaries, batch: list[tuple[str, bytes]], traces: Traces) -> None:
    for (kind, _), numbers in zip(batch, match(canaries, [p for _, p in batch]), strict=True):
        if numbers:
            traces.found.setdefault(kind, set()).update(numbers)


def _pieces(
    root: Path, paths: Iterable[Path], values: Iterable[bytes], traces: Traces
) -> Iterator[tuple[str, bytes]]:
    for value in values:
        yield from _unfold("values of the database", value, traces)
    for path in paths:
        kind = _kind(path.relative_to(root))
        yield from _unfold("names of files", os.fsencode(path.relative_to(root)), traces)
        try:
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                yield "names of files", os.fsencode(path.readlink())
            if not stat.S_ISREG(status.st_mode):
                continue
            traces.byte_count += status.st_size
            effort = Effort(_effort(status.st_size))
            for piece in _content(path, effort):
                yield kind, piece
            traces.unread += effort.is_spent
        except _UNREADABLE:
            traces.unread += 1


def _unfold(kind: str, data: bytes, traces: Traces) -> Iterator[tuple[str, bytes]]:
    effort = Effort(_effort(len(data)))
    for piece in unfold(data, effort):
        yield kind, piece
    traces.unread += effort.is_spent


def _effort(size: int) -> int:
    return max(FILE_EFFORT, _EFFORT_PER_BYTE * size)


def _kind(relative: Path) -> str:
    """Names only what the run itself names: a name may be a canary."""
    known = [part for part in relative.parts[:-1] if part in _PLACES]
    suffix = relative.suffix if relative.suffix in _SUFFIXES else ""
    return "/".join([*known, f"*{suffix}"])


def _content(path: Path, effort: Effort) -> Iterator[bytes]:
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
        head = buffer[:16]
        is_table = head[:4] == b"PAR1"
        # pages are numbers or read by the column; the end of the file has names and statistics
        yield from unfold(buffer, effort, depth=0 if is_table else DEPTH)
        end = buffer[-8 - int.from_bytes(buffer[-8:-4], "little") :] if is_table else b""
    for values in (end, *_columns(path)) if is_table else ():
        yield from unfold(values, effort)
    for values in _cells(path) if head == b"SQLite format 3\0" else ():
        yield from unfold(values, effort)


def _columns(path: Path) -> Iterator[bytes]:
    """The values of a Parquet file that can hold text, some thousand rows at a time."""
    table = pl.scan_parquet(path)
    for name, dtype in table.collect_schema().items():
        if dtype.is_numeric() or dtype.is_temporal() or _is_vector(dtype):
            continue
        start = 0
        while (column := table.select(name).slice(start, _SLICE_ROWS).collect()).height:
            start += column.height
            yield _column_bytes(column.to_series())


def _is_vector(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List | pl.Array) and dtype.inner.is_numeric()


def _column_bytes(column: pl.Series) -> bytes:
    if column.dtype == pl.Binary:
        return b"\n".join(column.drop_nulls())
    if column.dtype.is_nested():
        return column.to_frame().write_ndjson().encode()
    return "\n".join(column.cast(pl.String).drop_nulls()).encode()


def _cells(path: Path) -> Iterator[bytes]:
    """The values of an SQLite file: in its pages, a long one lies in parts."""
    with tempfile.TemporaryDirectory() as directory:  # reading may write beside it
        copy = Path(directory) / "copy.db"
        for suffix in ("", "-wal"):
            if path.with_name(path.name + suffix).exists():
                shutil.copyfile(path.with_name(path.name + suffix), f"{copy}{suffix}")
        with closing(sqlite3.connect(copy)) as connection:
            connection.text_factory = bytes
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in tables.fetchall():
                quoted = name.decode().replace('"', '""')
                yield from _rows(connection.execute(f'SELECT * FROM "{quoted}"'))  # noqa: S608


def _rows(rows: Iterable[tuple[object, ...]]) -> Iterator[bytes]:
    piece: list[bytes] = []
    size = 0
    for row in rows:
        for value in row:
            if isinstance(value, bytes):
                piece.append(value)
                size += len(value)
        if size >= CHUNK:
            yield b"\n".join(piece)
            piece, size = [], 0
    yield b"\n".join(piece)
