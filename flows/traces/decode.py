"""Decides how far hidden bytes are unfolded: encodings in one another, to a bounded depth and size.

Nothing that is decoded is executed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from flows.traces.compressed import CHUNK, OVERLAP, STREAMS, Buffer
from flows.traces.escaped import ESCAPES

DEPTH = 4


@dataclass
class Effort:
    """How many decoded bytes may still be looked into, and whether that was too few."""

    left: int
    is_spent: bool = False


def unfold(buffer: Buffer, effort: Effort, depth: int = DEPTH) -> Iterator[bytes]:
    """The bytes in overlapping chunks, and after each whatever can be decoded from them.

    Compressed streams are followed over the whole buffer, everything else in one chunk.
    """
    for chunk in _cut(buffer):
        yield chunk
        for layer in ESCAPES if depth else ():
            yield from _unfold_all(layer(chunk), effort, depth - 1)
    for stream in STREAMS if depth else ():
        yield from _unfold_all(stream(buffer), effort, depth - 1)


def _unfold_all(pieces: Iterator[bytes | None], effort: Effort, depth: int) -> Iterator[bytes]:
    for piece in pieces:
        if piece is None:
            effort.is_spent = True
            continue
        effort.left -= len(piece)
        if effort.left < 0:
            effort.is_spent = True
            return
        if piece:
            yield from unfold(piece, effort, depth)


def _cut(buffer: Buffer) -> Iterator[bytes]:
    for start in range(0, max(len(buffer) - OVERLAP, 1), CHUNK - OVERLAP):
        yield buffer[start : start + CHUNK]
