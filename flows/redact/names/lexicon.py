"""Decides what is known of a word by itself: whether it names people or places, or is common."""

import importlib
import pkgutil
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import ModuleType

import regex
from faker.providers import address, person

_WORD = regex.compile(r"[\p{L}\p{M}]{2,}")
_NOT_NAMES = ("prefix", "suffix", "format", "romanized_format", "language", "adjective", "part")


@dataclass(frozen=True)
class Lexicon:
    """Words in small letters.

    Attributes:
        given: Of given names.
        family: Of family names.
        places: Of towns.
        common: Of ordinary text.
    """

    given: frozenset[str]
    family: frozenset[str]
    places: frozenset[str]
    common: frozenset[str]

    def describe(self, word: str) -> str:
        """Which of the four sets a word is in, as four digits: a feature of the recognizer."""
        small = fold(word)
        sets = (self.given, self.family, self.places, self.common)
        return "".join("1" if small in words else "0" for words in sets)

    def is_given_name(self, word: str) -> bool:
        """Whether it is written and listed as a given name, and is no common word."""
        small = fold(word)
        return word[:1].isupper() and small in self.given and small not in self.common

    def is_listed(self, word: str) -> bool:
        """Whether it is in a list of given or family names, and is no common word."""
        small = fold(word)
        return (small in self.given or small in self.family) and small not in self.common

    def may_name(self, word: str) -> bool:
        """Whether a word of letters can begin or end a name by itself.

        Common words cannot, unless they are listed names in capitals, nor can initials; next to
        others they can be part of one.
        """
        if len(word) == 1 and word.lower() != word.upper():
            return False
        small = fold(word)
        if small not in self.common:
            return True
        return word != small and (small in self.given or small in self.family)


@cache
def load_lexicon() -> Lexicon:
    """From Faker's lists of names and towns in some 80 countries, and our own texts' words."""
    common = files("flows.redact.names.model").joinpath("common_words.txt").read_text("utf-8")
    return build_lexicon(common.split())


def build_lexicon(common: Iterable[str]) -> Lexicon:
    """With other common words."""
    return Lexicon(
        given=_words(all_lists(person, "first", "given")),
        family=_words(all_lists(person, "last", "sur")),
        places=_words(all_lists(address, "cit")),
        common=frozenset(common),
    )


def fold(word: str) -> str:
    """A word as it is looked up: composed, in small letters, a dotted I as any."""
    return unicodedata.normalize("NFC", word).lower().replace("i\u0307", "i")


def all_lists(providers: ModuleType, *parts: str) -> Iterator[str]:
    """The entries of such lists of all countries."""
    for _, provider in countries(providers):
        yield from name_lists(provider, *parts)


def countries(providers: ModuleType) -> Iterator[tuple[str, type]]:
    """Faker's countries, such as `de_AT`, each with its provider."""
    for module in pkgutil.iter_modules(providers.__path__):
        found = importlib.import_module(f"{providers.__name__}.{module.name}")
        yield module.name, found.Provider


def name_lists(provider: type, *parts: str) -> Iterator[str]:
    """The entries of a Faker provider's lists whose name holds one of the parts."""
    for name in dir(provider):
        if any(part in name for part in parts) and not any(no in name for no in _NOT_NAMES):
            entries = getattr(provider, name)
            if isinstance(entries, tuple | list | dict):
                yield from _strings(entries)


def _strings(entries: Iterable[object]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, tuple | list):
            yield from _strings(entry)


def _words(entries: Iterable[str]) -> frozenset[str]:
    return frozenset(word for entry in entries for word in _WORD.findall(fold(entry)))
