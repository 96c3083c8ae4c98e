"""Decides which files are read and in which format, and streams their rows as records."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from flows.ingest import FORMATS
from flows.ingest.containers import Container, detect_container, read_rows
from flows.ingest.fields import readable_id
from flows.ingest.records import LogFormat, Record, Rejected, RowError
from flows.settings import IngestSettings, SettingsError

SUFFIXES = (".jsonl", ".json", ".parquet", ".jsonl.gz", ".json.gz", ".parquet.gz")
SNIFFED_ROWS = 100
ALL_FIELDS = frozenset(field for log_format in FORMATS for field in log_format.FIELDS)


@dataclass(frozen=True, slots=True)
class _Source:
    path: Path
    container: Container
    log_format: LogFormat
    max_row_bytes: int

    def rows(self) -> Iterator[tuple[int, Any]]:
        return read_rows(
            self.path, self.container, max_row_bytes=self.max_row_bytes, fields=ALL_FIELDS
        )


def read_records(
    paths: Sequence[Path], *, format_name: str | None, settings: IngestSettings
) -> Iterator[Record | Rejected]:
    """Streams the rows of logs, in the order of the paths and of the rows in them.

    Every file is looked at before the first row is handed on, so that a wrong argument stops a run
    that has not begun.

    Args:
        paths: Files, or directories of them: lines of JSON, JSON or Parquet, plain or gzipped.
        format_name: The format of all files; None tells it from the first rows of each.
        settings: Bounds the memory that a row may take.

    Raises:
        SettingsError: A path is missing or holds no logs, or a format is unknown or undecidable.
    """
    named = None if format_name is None else _find_format(format_name)
    files = [file for path in paths for file in _list_files(path)]
    sources = [_identify(file, named, settings) for file in files]
    return chain.from_iterable(map(_read_source, sources))


def _find_format(name: str) -> LogFormat:
    for log_format in FORMATS:
        if name == log_format.NAME:
            return log_format
    raise SettingsError(f"ingest: unknown format {name!r}; known formats: {_known_formats()}")


def _known_formats() -> str:
    return ", ".join(log_format.NAME for log_format in FORMATS)


def _list_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        problem = "is no regular file" if path.exists() else "does not exist"
        raise SettingsError(f"ingest: {path} {problem}")
    files = sorted(
        file
        for file in path.iterdir()
        if file.name.lower().endswith(SUFFIXES) and file.name[0] != "." and file.is_file()
    )
    if not files:
        raise SettingsError(f"ingest: {path} has no {', '.join(SUFFIXES)} files")
    return files


def _identify(path: Path, named: LogFormat | None, settings: IngestSettings) -> _Source:
    container = detect_container(path, _is_row)
    source = _Source(path, container, named or FORMATS[0], settings.max_line_bytes)
    if named is not None:
        return source
    first_rows = (row for _, row in islice(source.rows(), SNIFFED_ROWS))
    log_format = _sniff_format(path, first_rows)
    return _Source(path, container, log_format, settings.max_line_bytes)


def _is_row(row: Mapping[str, Any]) -> bool:
    return any(log_format.matches(row) for log_format in FORMATS)


def _sniff_format(path: Path, rows: Iterator[Any]) -> LogFormat:
    is_undecided = False
    for row in rows:
        for log_format in FORMATS:
            if isinstance(row, Mapping) and log_format.matches(row):
                return log_format
        is_undecided |= not (isinstance(row, RowError) and row.rule.endswith("_file"))
    if not is_undecided:
        return FORMATS[0]  # empty, or broken before its first row: nothing to read in any format
    raise SettingsError(
        f"ingest: cannot tell the format of {path}; known formats: {_known_formats()}"
    )


def _read_source(source: _Source) -> Iterator[Record | Rejected]:
    file_name = source.path.name.encode("utf-8", "replace").decode()
    is_parquet = source.container.kind == "parquet"
    for line, row in source.rows():
        if isinstance(row, Mapping) and is_parquet:
            row = _decode_messages(row, source.log_format.MESSAGES_FIELD)
        yield _parse_row(row, source.log_format, file_name, line)


def _decode_messages(row: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """Parquet files often hold the messages as a JSON string."""
    messages = row.get(field)
    if not isinstance(messages, str):
        return row
    try:
        return {**row, field: json.loads(messages)}
    except (ValueError, RecursionError):
        return row


def _parse_row(row: Any, log_format: LogFormat, file_name: str, line: int) -> Record | Rejected:
    if isinstance(row, RowError):
        return Rejected(row.rule, None, file_name, line)
    if not isinstance(row, Mapping):
        return Rejected("not_an_object", None, file_name, line)
    try:
        parsed = log_format.parse(row)
    except RowError as fault:
        own_id = readable_id(row, log_format.ID_FIELDS)
        return Rejected(fault.rule, own_id, file_name, line)
    return Record(*parsed, log_format.NAME, file_name, line)
