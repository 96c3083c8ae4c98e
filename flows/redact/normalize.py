"""Decides how a text is read when entities are looked for, and where each character came from."""

import html
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge
from itertools import pairwise

MASK = "\ufffc"
"""Stands in a view for one entity that is already replaced; no recognizer may match it."""

# Characters written as several; decoded before anything is looked for.
_ESCAPE = re.compile(
    r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});|%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*+"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}"
)
# Invisible characters that split a number or a name without being format characters (Cf).
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_DASHES = frozenset("\u2212\u2043\u02d7")


@dataclass(frozen=True, slots=True)
class View:
    """A text as recognizers read it; character i stands for original[starts[i]:ends[i]]."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def normalize(text: str, placeholders: Sequence[str] = ()) -> View:
    """Reads compatibility forms as the plain character and leaves out what cannot be seen.

    Character by character: NFKC, digits of any script as 0-9, any dash as "-", any space as " ";
    zero-width characters, soft hyphens and variation selectors are dropped; percent escapes of
    UTF-8, HTML entities and the `u` escapes of JSON are decoded, once. Each of `placeholders`
    becomes a single `MASK`.

    Offsets are code points of `text`.
    """
    view = _decode(text)
    if not placeholders or "<" not in view.text:
        return view
    found = _any_of(tuple(placeholders)).finditer(view.text)
    return collapse(view, [match.span() for match in found])


@lru_cache(maxsize=4)
def _any_of(placeholders: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, placeholders)))


def collapse(view: View, spans: Iterable[tuple[int, int]]) -> View:
    """Replaces each of the disjoint, sorted spans of the view by one `MASK`.

    A span that holds a part of an original character is widened to the whole of it, and joined
    with the one before it if that holds the rest.
    """
    whole: list[tuple[int, int]] = []
    for span in spans:
        start, end = _whole_characters(view, *span)
        if whole and start < whole[-1][1]:
            start, end = whole[-1][0], max(end, whole.pop()[1])
        whole.append((start, end))
    if not whole:
        return view
    first = whole[0][0]
    text, starts, ends = [view.text[:first]], [*view.starts[:first]], [*view.ends[:first]]
    for (start, end), (following, _) in pairwise([*whole, (len(view.text), 0)]):
        text += [MASK, view.text[end:following]]
        starts += [view.starts[start], *view.starts[end:following]]
        ends += [view.ends[end - 1], *view.ends[end:following]]
    return View("".join(text), starts, ends)


def original_span(view: View, start: int, end: int) -> tuple[int, int]:
    """The offsets in the original text that view.text[start:end] was read from."""
    return view.starts[start], view.ends[end - 1]


def view_span(view: View, start: int, end: int) -> tuple[int, int]:
    """Where original[start:end] stands in the view."""
    return bisect_left(view.starts, start), bisect_left(view.starts, end)


def _decode(text: str) -> View:
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for start, end, read in merge(_unlike(text), _unescaped(text)):
        parts += [text[position:start], read]
        starts += [*range(position, start), *[start] * len(read)]
        ends += [*range(position + 1, start + 1), *[end] * len(read)]
        position = end
    if not position:
        return View(text, range(len(text)), range(1, len(text) + 1))
    starts += range(position, len(text))
    ends += range(position + 1, len(text) + 1)
    return View("".join([*parts, text[position:]]), starts, ends)


def _unlike(text: str) -> Iterator[tuple[int, int, str]]:
    """The characters that are not read as they stand: start, end and the plain form."""
    if text.isascii():
        return
    unlike = sorted(sign for sign in set(text) if _read_character(sign) != sign)
    if unlike:
        for match in re.finditer(f"[{''.join(unlike)}]", text):  # no ASCII: nothing to escape
            yield match.start(), match.end(), _read_character(match[0])


def _unescaped(text: str) -> Iterator[tuple[int, int, str]]:
    if not any(sign in text for sign in ("&", "%", "\\u")):
        return
    for match in _ESCAPE.finditer(text):
        written = match[0]
        if written[0] == "%":
            yield from _percent_readings(written, match.start())
            continue
        decoded = html.unescape(written) if written[0] == "&" else _read_unicode_escape(written)
        if decoded != written:
            yield match.start(), match.end(), _read_text(decoded)


def _percent_readings(written: str, start: int) -> Iterator[tuple[int, int, str]]:
    octets = bytes.fromhex(written.replace("%", ""))
    position = 0
    while position < len(octets):
        length = _utf8_length(octets[position])
        try:
            decoded = octets[position : position + length].decode()
        except UnicodeDecodeError:  # not text: stays as written
            position += 1
            continue
        if unicodedata.category(decoded) not in ("Cc", "Cn", "Co") or decoded in "\t\n\r":
            yield start + 3 * position, start + 3 * (position + length), _read_text(decoded)
        position += length


def _utf8_length(lead: int) -> int:
    return 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def _read_unicode_escape(written: str) -> str:
    units = bytes.fromhex(written.replace("\\u", ""))
    try:
        return units.decode("utf-16-be")
    except UnicodeDecodeError:  # half of a pair
        return written


def _read_text(text: str) -> str:
    return "".join(_read_character(character) for character in text)


@lru_cache(maxsize=65_536)
def _read_character(character: str) -> str:
    return "".join(_plain(plain) for plain in unicodedata.normalize("NFKC", character))


def _plain(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Cf" or character in _INVISIBLE or _is_variation_selector(character):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character in _DASHES:
        return "-"
    return " " if category == "Zs" else character


def _is_variation_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _whole_characters(view: View, start: int, end: int) -> tuple[int, int]:
    while start > 0 and view.starts[start - 1] == view.starts[start]:
        start -= 1
    while end < len(view.text) and view.starts[end] == view.starts[end - 1]:
        end += 1
    return start, end
