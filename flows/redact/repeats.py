"""Decides which values, once found in a conversation, are entities wherever they stand in it.

A name or an account number is recognized by the words around it; later it is just mentioned. Values
and texts are compared as recognizers read them, in small letters, word by word and sign by sign.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

import regex

from flows.redact.detect import PLACEHOLDERS, Span
from flows.redact.names.lexicon import fold, load_lexicon
from flows.redact.normalize import normalize, original_span

Value = tuple[str, ...]
"""Words and signs in small letters."""

_PERSON = "PERSON"
_VALUES = frozenset({"USERNAME", "ID_NUMBER", "NATIONAL_ID", "LICENSE_PLATE", "SECRET"})
_LEAST_VALUE = 5  # signs
_LEAST_WORD = 3  # letters
_LEAST_UNSPACED = 3  # signs: two of them are too often part of something else
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}"
_TOKEN = regex.compile(rf"[{_UNSPACED}]|[[\w\p{{M}}]--[{_UNSPACED}]]++|\S", regex.V1)
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_IS_UNSPACED = regex.compile(rf"[{_UNSPACED}]+")


def carried_values(text: str, spans: Iterable[Span]) -> dict[Value, str]:
    """Which values of a text are to be looked for in others, and their entity types.

    Of people, the words that are in a list of names, or all where there are several, or the whole
    where words are not told apart by spaces. Of numbers and user names, the whole. Common words
    never.
    """
    carried: dict[Value, str] = {}
    for span in spans:
        if span.entity_type in _VALUES:
            value = _read(text[span.start : span.end])
            if len("".join(value)) >= _LEAST_VALUE and not _is_common(value):
                carried[value] = span.entity_type
        elif span.entity_type == _PERSON:
            carried |= dict.fromkeys(_telling(_read(text[span.start : span.end])), _PERSON)
    return carried


def find_repeats(text: str, values: Mapping[Value, str], spans: Sequence[Span]) -> list[Span]:
    """Where the values stand in a text, outside of the sorted, disjoint spans that are known.

    Of two that begin at the same word the longer one.
    """
    if not values:
        return []
    view = normalize(text, PLACEHOLDERS)
    firsts, small = {value[0] for value in values}, fold(view.text)
    if not any(first in small for first in firsts):
        return []
    places = [match.span() for match in _TOKEN.finditer(view.text)]
    words = [fold(view.text[start:end]) for start, end in places]
    lengths = sorted({len(value) for value in values}, reverse=True)
    starts, ends = [span.start for span in spans], [span.end for span in spans]
    found: list[Span] = []
    for place, word in enumerate(words):
        if word not in firsts:
            continue
        for length in lengths:
            value = tuple(words[place : place + length])
            if len(value) < length or value not in values:
                continue
            start, end = original_span(view, places[place][0], places[place + length - 1][1])
            is_new = not found or found[-1].end <= start
            if is_new and bisect_left(starts, end) <= bisect_right(ends, start):
                found.append(Span(start, end, values[value], 1.0))
                break
    return found


def _read(written: str) -> Value:
    return tuple(fold(word) for word in _TOKEN.findall(normalize(written).text))


def _telling(name: Value) -> Iterator[Value]:
    words = [word for word in name if _WORD.fullmatch(word)]
    if any(_IS_UNSPACED.fullmatch(word) for word in words):
        if len(words) >= _LEAST_UNSPACED:
            yield tuple(words)
        return
    for word in words:
        is_telling = len(words) > 1 or load_lexicon().is_listed(word)
        if len(word) >= _LEAST_WORD and is_telling and not _is_common((word,)):
            yield (word,)


def _is_common(value: Value) -> bool:
    return len(value) == 1 and value[0] in load_lexicon().common
