"""Decides which spans of one text are entities: in pieces, without overlaps, until none is left."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from flows.redact.engine import ENTITY_TYPES, Analyzer
from flows.redact.names.convolution import Memory
from flows.redact.normalize import MASK, collapse, normalize, original_span, view_span

PIECE_CHARACTERS = 20_000
OVERLAP_CHARACTERS = 4_200  # the longest shape, a PEM block, lies whole in one of two pieces

PLACEHOLDERS = tuple(f"<{entity_type}>" for entity_type in ENTITY_TYPES)
"""What entities are replaced by; left alone where they stand in a text already."""

_UNMASKED = re.compile(rf"[^{MASK}]+")
_NOT_SPACE = re.compile(rf"[^\s{MASK}]*+")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """One entity; offsets are code points."""

    start: int
    end: int
    entity_type: str
    score: float


def find_entities(
    text: str,
    analyzer: Analyzer,
    check_time: Callable[[], None],
    known: Sequence[Span] = (),
) -> list[Span]:
    """The entities of a text, sorted and disjoint, as offsets in the text as given.

    Replacing an entity changes what stands next to its neighbors, and so what they are taken for.
    Therefore the text is read again with each entity replaced, until nothing is found: redacting
    the result once more finds nothing either. Each reading covers at least one more character, so
    this ends.

    Args:
        text: Any text; placeholders in it are left alone.
        analyzer: From `build_analyzer`.
        check_time: Called before every piece; stops the search by raising.
        known: Entities of the text, sorted and disjoint, that are told from elsewhere.
    """
    view = normalize(text, PLACEHOLDERS)
    view = collapse(view, [view_span(view, span.start, span.end) for span in known])
    found, memory = list(known), Memory()
    while True:
        hits = merge_overlaps(_analyze(view.text, analyzer, memory, check_time))
        if not hits:
            return merge_overlaps(found)
        for hit in hits:
            start, end = original_span(view, hit.start, hit.end)
            found.append(Span(start, end, hit.entity_type, hit.score))
        view = collapse(view, [(hit.start, hit.end) for hit in hits])


def replace_entities(text: str, spans: Iterable[Span]) -> str:
    """The text with each of the sorted, disjoint spans replaced by its constant placeholder."""
    parts, position = [], 0
    for span in spans:
        parts += [text[position : span.start], f"<{span.entity_type}>"]
        position = span.end
    return "".join([*parts, text[position:]])


def merge_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Joins spans that overlap; the joint span has the type and score of the strongest one.

    Strongest is the longest, then the one with the highest score, then the first entity type by
    name. Nothing that was detected stays uncovered.
    """
    merged: list[Span] = []
    strongest: list[tuple[int, float, str]] = []
    for span in sorted(spans):
        rank = (span.start - span.end, -span.score, span.entity_type)
        if merged and span.start < merged[-1].end:
            strongest[-1] = min(strongest[-1], rank)
            end = max(merged[-1].end, span.end)
            merged[-1] = Span(merged[-1].start, end, strongest[-1][2], -strongest[-1][1])
        else:
            merged.append(span)
            strongest.append(rank)
    return merged


def _analyze(
    text: str, analyzer: Analyzer, memory: Memory, check_time: Callable[[], None]
) -> Iterator[Span]:
    for start, end in _pieces(text):
        check_time()
        for result in analyzer.analyze(text[start:end], memory):
            stop = start + result.end
            if stop == end < len(text):
                # Cut in two: cover the rest of the word, wherever it ends.
                stop = _NOT_SPACE.match(text, stop).end()  # type: ignore[union-attr]
            # What a replaced entity splits stays split; the placeholder is not touched.
            for part in _UNMASKED.finditer(text, start + result.start, stop):
                yield Span(*part.span(), result.entity_type, min(1.0, result.score))


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while len(text) - start > PIECE_CHARACTERS:
        end = _cut(text, start + PIECE_CHARACTERS)
        yield start, end
        start = _cut(text, end - OVERLAP_CHARACTERS)
    yield start, len(text)


def _cut(text: str, position: int) -> int:
    # Behind the last space or line end of the 400 characters before, if there is one.
    space = max(text.rfind(sign, position - 400, position) for sign in " \n")
    return space + 1 if space >= 0 else position
