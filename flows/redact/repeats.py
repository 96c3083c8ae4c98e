"""Decides which values, once found in a conversation, are entities wherever they stand in it.

A name or an account number is recognized by the words around it; later it is just mentioned.
"""

from collections.abc import Iterable, Mapping

import regex

from flows.redact.detect import Span
from flows.redact.names.lexicon import fold, load_lexicon

_PERSON = "PERSON"
_VALUES = frozenset({"USERNAME", "ID_NUMBER", "NATIONAL_ID", "LICENSE_PLATE", "SECRET"})
_LEAST_VALUE = 5  # signs
_LEAST_WORD = 3  # letters
_MOST = 500  # values of a conversation that are looked for
_WORD = regex.compile(r"[\p{L}\p{M}]+")


def carried_values(text: str, spans: Iterable[Span]) -> dict[str, str]:
    """Which values of a text are to be looked for in others, and their entity types.

    Of people, the words that are in a list of names, or all where there are several; common words
    never. Of numbers and user names, the whole.
    """
    carried: dict[str, str] = {}
    for span in spans:
        value = text[span.start : span.end]
        if span.entity_type in _VALUES and len(value) >= _LEAST_VALUE:
            carried[value] = span.entity_type
        elif span.entity_type == _PERSON:
            words = _WORD.findall(value)
            carried |= {word: _PERSON for word in words if _is_telling(word, alone=len(words) < 2)}
    return carried


def find_repeats(text: str, values: Mapping[str, str], spans: Iterable[Span]) -> list[Span]:
    """Where the values stand in a text as whole words, outside of the spans that are known."""
    small = fold(text)
    present = [value for value in values if fold(value) in small][:_MOST] if values else []
    if not present:
        return []
    by_value = {fold(value): values[value] for value in present}
    longest_first = sorted(present, key=len, reverse=True)
    pattern = regex.compile(
        rf"(?<!\w)(?:{'|'.join(map(regex.escape, longest_first))})(?!\w)", regex.IGNORECASE
    )
    known = [(span.start, span.end) for span in spans]
    return [
        Span(match.start(), match.end(), by_value[fold(match[0])], 1.0)
        for match in pattern.finditer(text)
        if fold(match[0]) in by_value
        and not any(start < match.end() and match.start() < end for start, end in known)
    ]


def _is_telling(word: str, *, alone: bool) -> bool:
    lexicon = load_lexicon()
    if len(word) < _LEAST_WORD or fold(word) in lexicon.common:
        return False
    return not alone or lexicon.is_listed(word)
