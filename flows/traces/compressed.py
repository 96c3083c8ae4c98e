"""Decides what is behind gzip, zlib, zip and zstandard streams, wherever in bytes they begin."""

import io
import re
import zlib
from collections.abc import Callable, Generator, Iterator
from mmap import mmap

import polars as pl

CHUNK = 8 << 20  # bytes that are held and searched at a time
OVERLAP = 1 << 16
_STEP = 1 << 16
_MOST_ZSTD_UNKNOWN = 1 << 20  # bytes of a frame that does not say how long its content is
_MOST_ZSTD_CONTENT = 1 << 28
_GZIP = re.compile(rb"\x1f\x8b\x08")
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_ZIP = re.compile(rb"PK\x03\x04")
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd")

Buffer = bytes | mmap


def _from_deflated(buffer: Buffer) -> Iterator[bytes]:
    for magic, window_bits in ((_GZIP, 31), (_ZLIB, 15), (_ZIP, -15)):
        end = 0
        for start in magic.finditer(buffer):
            if start.start() >= end:
                begin = start.start()
                if magic is _ZIP:
                    sizes = buffer[begin + 26 : begin + 30]
                    begin += 30 + int.from_bytes(sizes[:2], "little")
                    begin += int.from_bytes(sizes[2:], "little")
                end = yield from _inflate(buffer, begin, window_bits)


def _inflate(buffer: Buffer, start: int, window_bits: int) -> Generator[bytes, None, int]:
    """Yields what a stream holds, in overlapping pieces; returns where it ends."""
    engine = zlib.decompressobj(window_bits)
    position, piece = start, bytearray()
    while not engine.eof:
        data = engine.unconsumed_tail or buffer[position : position + _STEP]
        position += 0 if engine.unconsumed_tail else len(data)
        before = engine.copy()
        try:
            content = engine.decompress(data, CHUNK)
        except zlib.error:
            piece += b"".join(_until_broken(before, data))
            break
        if not data and not content:
            break  # cut off
        piece += content
        if len(piece) >= CHUNK:
            yield bytes(piece)
            del piece[:-OVERLAP]
    yield bytes(piece)
    return position - len(engine.unused_data) if engine.eof else start


def _until_broken(engine: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """What stands before the byte that a stream breaks at, found by halving."""
    while data:
        half = data[: (len(data) + 1) // 2]
        before = engine.copy()
        try:
            yield engine.decompress(half, CHUNK)
            data = data[len(half) :]
        except zlib.error:
            engine, data = before, half[:-1]


def _from_zstandard(buffer: Buffer) -> Iterator[bytes | None]:
    """The text of frames, by way of polars, which reads compressed CSV; other bytes are lost."""
    for start in _ZSTD.finditer(buffer):
        end, content = _measure_frame(buffer, start.start())
        if content > _MOST_ZSTD_CONTENT:
            yield None
            continue
        for separator in ("\x1e", "\x1f"):  # what follows one in a line is lost
            text = _read_frame(buffer[start.start() : end], separator)
            yield text
            if len(text) + 1 >= content > 0:
                break  # nothing was lost


def _read_frame(frame: bytes, separator: str) -> bytes:
    try:
        lines = pl.read_csv(
            io.BytesIO(frame),
            has_header=False,
            separator=separator,
            quote_char=None,
            encoding="utf8-lossy",
            truncate_ragged_lines=True,
            infer_schema=False,
        )
    except (pl.exceptions.PolarsError, OSError):
        return b""  # no frame
    return "\n".join(lines.to_series().fill_null("")).encode()


def _measure_frame(buffer: Buffer, start: int) -> tuple[int, int]:
    """Where a frame ends, and how many bytes it says it holds (RFC 8878, 3.1.1)."""
    flags = buffer[start + 4] if start + 4 < len(buffer) else 0
    is_single = flags >> 5 & 1
    size_bytes = (is_single, 2, 4, 8)[flags >> 6]
    position = start + 5 + (not is_single) + (0, 1, 2, 4)[flags & 3]
    content = int.from_bytes(buffer[position : position + size_bytes], "little")
    position += size_bytes
    while position + 3 <= len(buffer):
        block = int.from_bytes(buffer[position : position + 3], "little")
        position += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        if block & 1:
            break
    end = position + 4 * (flags >> 2 & 1)
    if not size_bytes and end - start > _MOST_ZSTD_UNKNOWN:
        content = _MOST_ZSTD_CONTENT + 1
    return end, content


STREAMS: tuple[Callable[[Buffer], Iterator[bytes | None]], ...] = (_from_deflated, _from_zstandard)
"""Each yields the content of the streams in a buffer, in pieces that overlap; None: too large."""
