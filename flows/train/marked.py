"""Decides how a written text with marked names is read, and how it is varied for training."""

import json
import random
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import regex
from faker.providers import address, person

from flows.redact.names.lexicon import all_lists, countries, fold, load_lexicon, name_lists
from flows.redact.names.pipeline import TAGS, locate
from flows.redact.normalize import MASK

_MARK = regex.compile(r"⟦(PER|LOC|ORG)\|([^⟦⟧]+)⟧")
_HELD_OUT = 10
_REPLACED = 0.9  # of the texts get other names
_REPLACED_NAMES = 0.8  # of the names in them
_INVENTED = 0.5  # of these are put together of two, so that no list holds them
_BY_FAMILY = 0.25  # of single names are family names
_BY_FAMILY_PLACE = 0.5  # of words of places and organizations
_MASKED = 0.05  # of the people are as a redacted text has them
_SMALL, _LARGE = 0.16, 0.04  # of the texts are in small letters, and in capitals
_LEAST_LETTERS = 4
_LEAST_COUNTRY = 15  # given names, and family names, of a country that others are drawn from
_LATIN = frozenset({"en", "es", "fr", "de", "pt", "it", "nl", "pl", "tr", "sv"})
_FAMILY_FIRST = frozenset({"zh", "ja", "ko"})
_LEAST_FULL = 3  # signs of a name in their scripts that has both


@dataclass(frozen=True)
class Marked:
    """A text and the names in it.

    Attributes:
        text: Without marks.
        spans: Start, end and type (a key of `pipeline.TYPES`) of each name, sorted and disjoint.
        culture: Whose names they are; `none` where there are none.
        language: ISO 639-1 code.
    """

    text: str
    spans: tuple[tuple[int, int, str], ...]
    culture: str
    language: str

    @property
    def is_held_out(self) -> bool:
        """Whether it is kept from training, to measure with; the same choice in every build."""
        return zlib.crc32(self.text.encode()) % _HELD_OUT == 0


def parse_marks(row: Mapping[str, str]) -> Marked:
    """From `text` with marks such as ⟦PER|Ada Nwosu⟧, `culture` and `language`."""
    parts, spans, place, length = [], [], 0, 0
    for match in _MARK.finditer(row["text"]):
        before = row["text"][place : match.start()]
        parts += [before, match[2]]
        length += len(before)
        spans.append((length, length + len(match[2]), match[1]))
        length, place = length + len(match[2]), match.end()
    text = "".join([*parts, row["text"][place:]])
    return Marked(text, tuple(spans), row["culture"], row["language"])


def tag(tokens: Sequence[str], marked: Marked) -> list[str]:
    """One of `pipeline.TAGS` for each token of the text."""
    found = [TAGS[0]] * len(tokens)
    places = locate(marked.text, tokens)
    for start, end, kind in marked.spans:
        inside = [n for n, (first, last) in enumerate(places) if first < end and last > start]
        for place in inside:
            found[place] = f"I-{kind}" if place > inside[0] else f"B-{kind}"
    return found


def vary(marked: Marked, draw: random.Random) -> Marked:
    """Other names of other countries, or invented ones; small letters; masks, as redaction sets."""
    if marked.spans and draw.random() < _REPLACED:
        marked = _rename(marked, draw)
    letters = draw.random()
    text = marked.text
    if letters < _SMALL:
        text = text.lower()
    elif letters < _SMALL + _LARGE:
        text = text.upper()
    if len(text) != len(marked.text):  # some letters become two: the offsets would be wrong
        return marked
    return Marked(text, marked.spans, marked.culture, marked.language)


def _rename(marked: Marked, draw: random.Random) -> Marked:
    new: dict[str, str] = {}
    parts, spans, place, length = [], [], 0, 0
    for start, end, kind in marked.spans:
        name = marked.text[start:end]
        if name not in new:
            rename = _other_name if kind == "PER" else _other_place
            new[name] = rename(name, marked.language, draw)
        before = marked.text[place:start]
        parts += [before, new[name]]
        length += len(before)
        if new[name] != MASK:
            spans.append((length, length + len(new[name]), kind))
        length, place = length + len(new[name]), end
    text = "".join([*parts, marked.text[place:]])
    return Marked(text, tuple(spans), marked.culture, marked.language)


def _other_name(name: str, language: str, draw: random.Random) -> str:
    if draw.random() < _MASKED:
        return MASK
    words = name.split()
    if draw.random() > _REPLACED_NAMES or len(words) > 3 or not all(map(str.isalpha, words)):
        return name
    is_latin = _is_latin(name)
    script = "latin" if is_latin and language not in _LATIN else language
    given, family = draw.choice(_countries().get(script) or _countries()["latin"])
    is_invented = draw.random() < _INVENTED

    def pick(names: Sequence[str]) -> str:
        chosen = draw.choice(names)
        return _blend(chosen, draw.choice(names), draw) if is_invented else chosen

    if language in _FAMILY_FIRST and not is_latin:
        both = (pick(family), pick(given))
        is_full = len(name) >= _LEAST_FULL
        return (" " if len(words) > 1 else "").join(both) if is_full else both[1]
    if len(words) == 1:
        other = pick(family if draw.random() < _BY_FAMILY else given)
    else:
        other = " ".join([*(pick(given) for _ in words[1:]), pick(family)])
    if name.islower():
        return other.lower()
    return other.upper() if name.isupper() and len(name) > 2 else other


def _other_place(name: str, language: str, draw: random.Random) -> str:
    """Changes the words of a place or organization that are no common ones."""
    if language not in _LATIN or draw.random() > _REPLACED_NAMES:
        return name
    common = load_lexicon().common

    def other(word: str) -> str:
        if not word.isalpha() or len(word) < _LEAST_LETTERS or fold(word) in common:
            return word
        if draw.random() < _BY_FAMILY_PLACE:
            new = draw.choice(draw.choice(_countries()["latin"])[1])
        else:
            new = _blend(draw.choice(_towns()), draw.choice(_towns()), draw)
        return new.lower() if word.islower() else new

    return " ".join(other(word) for word in name.split(" "))


def _blend(first: str, second: str, draw: random.Random) -> str:
    if min(len(first), len(second)) < 3:
        return first
    return first[: draw.randint(2, len(first) - 1)] + second[len(second) // 2 :].lower()


def _is_latin(name: str) -> bool:
    return all(ord(letter) < 0x250 for letter in name)


@cache
def _countries() -> Mapping[str, list[tuple[list[str], list[str]]]]:
    """Given and family names of Faker's countries by language; `latin`: all in Latin letters.

    Of languages with another script, those in it: Faker has both.
    """
    found: dict[str, list[tuple[list[str], list[str]]]] = defaultdict(list)
    for country, provider in countries(person):
        language = country[:2]
        lists = [
            sorted({name.strip() for name in name_lists(provider, *parts)} - {""})
            for parts in (("first", "given"), ("last", "sur"))
        ]
        for is_latin in (True, False):
            given, family = (
                [name for name in names if _is_latin(name) is is_latin] for names in lists
            )
            if min(len(given), len(family)) < _LEAST_COUNTRY:
                continue
            if is_latin:
                found["latin"].append((given, family))
            if language != "en" and is_latin is (language in _LATIN):
                found[language].append((given, family))
    return dict(found)


@cache
def _towns() -> list[str]:
    return sorted(
        town
        for town in set(all_lists(address, "cit"))
        if 2 < len(town) < 20 and town[0].isupper() and _is_latin(town)
    )


def written_texts() -> Iterator[Marked]:
    """Ours, in the order of the file."""
    content = files("flows.train").joinpath("names.jsonl").read_text("utf-8")
    for line in content.split("\n"):
        if line:
            yield parse_marks(json.loads(line))
