"""Decides which strings are looked for, and in which spellings; finds them all in one pass."""

import gzip
import json
import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.settings import SettingsError

LEAST_CHARACTERS = 6  # a shorter string is found by chance
LONGEST_BYTES = 4_096
_LEAST_JOINED_DIGITS = 13  # fewer digits in a row are found by chance
_JOINTS = (" ", "_", "-", "+", ".", "")
_COMMON_TYPES = ("DATE_TIME", "LOCATION")  # of a sample's truth: dates never, places with a digit
_LEAST_TRUTH_CHARACTERS = 8
_UNUSABLE = (gzip.BadGzipFile, ValueError, LookupError, TypeError, EOFError, RecursionError,
             zlib.error)  # fmt: skip


@dataclass(frozen=True)
class Canaries:
    """What is looked for.

    Attributes:
        count: How many canaries there are.
        spellings: Bytes in lower case, one character a byte.
        owners: Which canaries a spelling is of.
    """

    count: int
    spellings: pl.Series
    owners: dict[str, tuple[int, ...]]


def read_canaries(path: Path) -> list[str]:
    """Reads a file of one canary a line, or the truth of a sample; gzipped or not.

    Raises:
        SettingsError: The file cannot be read or holds no canary, or one is too short or too long.
    """
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
        is_truth = text.lstrip().startswith("{")
        canaries = list(_planted(text) if is_truth else filter(None, map(str.strip, _lines(text))))
    except _UNUSABLE:
        raise SettingsError(f"audit: {path} holds neither lines of text nor a truth") from None
    except OSError as error:
        raise SettingsError(f"audit: {path}: {error.strerror}") from None
    if not canaries:
        raise SettingsError(f"audit: {path} holds no canary")
    for number, canary in enumerate(canaries, start=1):
        if not LEAST_CHARACTERS <= len(canary) <= LONGEST_BYTES // 16:
            raise SettingsError(
                f"audit: canary {number} of {path} is shorter than {LEAST_CHARACTERS} characters,"
                f" or longer than {LONGEST_BYTES // 16}"
            )
    return sorted(set(canaries))


def spell(canaries: Sequence[str]) -> Canaries:
    """Spells each canary in the ways that software writes it in.

    Both cases, composed and decomposed, words joined in other ways, and the encodings of text that
    are not told by their zeros (`decode.py` strips those).
    """
    owners: defaultdict[str, list[int]] = defaultdict(list)
    for number, canary in enumerate(canaries):
        for spelling in {each for form in _forms(canary) for each in _encoded(form)}:
            owners[spelling.lower().decode("latin-1")].append(number)
    return Canaries(
        len(canaries),
        pl.Series(list(owners), dtype=pl.String),
        {spelling: tuple(numbers) for spelling, numbers in owners.items()},
    )


def match(canaries: Canaries, pieces: Sequence[bytes]) -> list[set[int]]:
    """Which canaries are in each piece, by Aho-Corasick: one pass for all of them."""
    texts = pl.Series("text", [piece.lower().decode("latin-1") for piece in pieces], pl.String)
    spellings = pl.lit(canaries.spellings).implode()
    has_any = texts.to_frame().select(pl.col("text").str.contains_any(spellings)).to_series()
    found: list[set[int]] = [set() for _ in pieces]
    hits = has_any.arg_true()
    matches = (
        texts.gather(hits)
        .to_frame()
        .select(pl.col("text").str.extract_many(spellings, overlapping=True).list.unique())
        .to_series()
    )
    for position, spelled in zip(hits, matches, strict=True):
        found[position] = {number for each in spelled for number in canaries.owners[each]}
    return found


def _lines(text: str) -> list[str]:
    return re.split(r"\r?\n", text)


def _planted(text: str) -> Iterator[str]:
    for line in filter(None, _lines(text)):
        for spot in json.loads(line)["planted"]:
            planted = spot["text"]
            if not isinstance(planted, str):
                raise TypeError
            planted.encode()  # half a surrogate is no text
            is_common = spot["entity_type"] in _COMMON_TYPES and not (
                spot["entity_type"] == "LOCATION" and re.search(r"\d", planted)
            )
            if not is_common and len(planted) >= _LEAST_TRUTH_CHARACTERS:
                yield planted


def _forms(canary: str) -> set[str]:
    joined = {canary}
    words = canary.split()
    if len(words) > 1:
        is_number = re.fullmatch(r"[\d\W_]+", canary) is not None
        for joint in _JOINTS:
            if joint or not is_number or len(re.sub(r"\D", "", canary)) >= _LEAST_JOINED_DIGITS:
                joined.add(joint.join(words))
    return {
        unicodedata.normalize(form, case)
        for each in joined
        for case in (each, each.lower(), each.upper(), each.casefold(), each.title())
        for form in ("NFC", "NFD")
    }


def _encoded(form: str) -> Iterator[bytes]:
    yield form.encode()
    if form.isascii():
        return
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        yield form.encode(encoding)
    try:
        yield form.encode("cp1252")
    except UnicodeEncodeError:
        return
