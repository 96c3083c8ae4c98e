"""Decides how a file holds its rows, from its first bytes, and reads them one after the other."""

import gzip
import json
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from flows.ingest import documents, parquet
from flows.ingest.records import RowError
from flows.settings import SettingsError

GZIP_MAGIC = b"\x1f\x8b"
UTF8_MARK = b"\xef\xbb\xbf"
HEAD_BYTES = 1 << 20
CHUNK_BYTES = 1 << 16
BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Container:
    """How a file holds its rows; `member` names the list of a JSON object that holds them."""

    kind: Literal["lines", "array", "member", "values", "parquet"]
    is_gzipped: bool = False
    member: str = ""


def detect_container(path: Path, is_row: Callable[[Any], bool]) -> Container:
    """Looks at the first bytes of a file.

    Args:
        path: A regular file.
        is_row: Whether a JSON object looks like a row, which tells a row from a wrapper of rows.

    Raises:
        SettingsError: The file cannot be opened, or is gzipped Parquet.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
        is_gzipped = magic.startswith(GZIP_MAGIC)
        with closing(_open(path, is_gzipped)) as stream:
            head = _read_head(stream)
    except OSError as error:
        raise SettingsError(f"ingest: cannot read {path}: {error.strerror}") from None
    if not head.startswith(parquet.MAGIC):
        return _detect_text(head.removeprefix(UTF8_MARK).lstrip(BLANK), is_gzipped, is_row)
    if is_gzipped:  # would have to be unpacked to disk, where its text would stay
        raise SettingsError(f"ingest: {path} is gzipped Parquet; unpack it first")
    return Container("parquet")


def read_rows(
    path: Path, container: Container, *, max_row_bytes: int, fields: Collection[str]
) -> Iterator[tuple[int, Any]]:
    """Line number, array position or row number, and the decoded row or a RowError in its place.

    What follows a break in a compressed file or a JSON document cannot be read or counted: the
    break itself is one RowError, the last.

    Args:
        path: The file.
        container: As `detect_container` says.
        max_row_bytes: A longer row is a RowError, and is not held in memory.
        fields: Columns that are read from a Parquet file; the others are left alone.
    """
    if container.kind == "parquet":
        yield from parquet.read_table(path, fields)
        return
    position = 0
    try:
        with closing(_open(path, container.is_gzipped)) as stream:
            for position, row in _read_text(stream, container, max_row_bytes):
                yield position, row
    except RowError as fault:
        yield position + 1, fault
    except EOFError:
        yield position + 1, RowError("truncated_file")
    except (gzip.BadGzipFile, zlib.error):
        yield position + 1, RowError("undecodable_file")


def _open(path: Path, is_gzipped: bool) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if is_gzipped else path.open("rb")


def _read_head(stream: BinaryIO) -> bytes:
    head = b""
    try:
        while len(head) < HEAD_BYTES and (chunk := stream.read(CHUNK_BYTES)):
            head += chunk
    except (EOFError, gzip.BadGzipFile, zlib.error):
        pass  # what was read so far decides; reading the rows comes upon the break again
    return head


def _detect_text(head: bytes, is_gzipped: bool, is_row: Callable[[Any], bool]) -> Container:
    first, _, rest = head.partition(b"\n")
    stands_alone = bool(rest.strip(BLANK)) and _is_json(first)
    if head.startswith(b"[") and not stands_alone:
        return Container("array", is_gzipped)
    if head.startswith(b"{") and not stands_alone:
        member = documents.find_list(cast(BinaryIO, BytesIO(head)), HEAD_BYTES, is_row)
        if member is not None:
            return Container("member", is_gzipped, member)
        if first.strip(BLANK) == b"{":
            return Container("values", is_gzipped)
    return Container("lines", is_gzipped)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _read_text(
    stream: BinaryIO, container: Container, max_row_bytes: int
) -> Iterator[tuple[int, Any]]:
    match container.kind:
        case "array":
            return enumerate(documents.read_array(stream, max_row_bytes), start=1)
        case "member":
            rows = documents.read_member(stream, max_row_bytes, container.member)
            return enumerate(rows, start=1)
        case "values":
            return enumerate(documents.read_values(stream, max_row_bytes), start=1)
        case _:
            return _read_lines(stream, max_row_bytes)


def _read_lines(stream: BinaryIO, max_row_bytes: int) -> Iterator[tuple[int, Any]]:
    number = 0
    while line := stream.readline(max_row_bytes + 1):
        number += 1
        if len(line) > max_row_bytes and not line.endswith(b"\n"):
            _skip_line(stream)
            yield number, RowError("line_too_long")
            continue
        line = line.removeprefix(UTF8_MARK) if number == 1 else line
        if not line.isspace() and line:
            yield number, _decode_line(line)


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(CHUNK_BYTES)) and not rest.endswith(b"\n"):
        pass


def _decode_line(line: bytes) -> Any:
    if b"\0" in line:
        return RowError("undecodable_line")
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return RowError("undecodable_line")
    except (ValueError, RecursionError):
        return RowError("malformed_json")
