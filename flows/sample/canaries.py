"""Decides what a canary is: a string that occurs nowhere else, planted to be looked for later.

Names, mail addresses, keys, postal addresses and rare words, in turn: some of them redaction knows,
and some nothing but the purge takes away.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from itertools import cycle

from flows.sample.dialogue import Dialogue
from flows.sample.slots import Planted
from flows.sample.values import Scene, coin, make_email, make_key, set_scene

_TODAY = date(2026, 1, 1)
_Kind = tuple[str, str, Callable[[Scene], str]]


def canary_planter(seed: str) -> Callable[[Dialogue], Dialogue]:
    """How to plant the next canary in a dialogue: at the end of one of its messages."""
    rng = random.Random(f"{seed}|canaries")  # noqa: S311  # a sample, no secret
    canaries = _coin_canaries(rng)

    def plant(dialogue: Dialogue) -> Dialogue:
        index = rng.randrange(len(dialogue.texts))
        entity_type, sentence, canary = next(canaries)
        before, after = sentence.split("{}")
        begin = f"{dialogue.texts[index]} {before}"
        texts = list(dialogue.texts)
        texts[index] = f"{begin}{canary}{after}"
        planted = Planted(index, len(begin), len(begin) + len(canary), entity_type, canary)
        return replace(
            dialogue,
            texts=tuple(texts),
            planted=(*dialogue.planted, planted),
            canaries=(*dialogue.canaries, canary),
        )

    return plant


def _coin_canaries(rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """Type, sentence and canary, each canary once."""
    seen: set[str] = set()
    for entity_type, sentence, make in cycle(_KINDS):
        canary = make(set_scene(rng, "en", "US", _TODAY))
        while canary in seen:
            canary = make(set_scene(rng, "en", "US", _TODAY))
        seen.add(canary)
        yield entity_type, sentence, canary


def _make_name(scene: Scene) -> str:
    return f"{scene.rng.choice(scene.culture.given)} {coin(scene.rng)}{coin(scene.rng).lower()}"


def _make_address(scene: Scene) -> str:
    number, code = scene.rng.randint(1, 399), scene.rng.randint(10_000, 99_999)
    return f"{number} {coin(scene.rng)}{coin(scene.rng).lower()} Road, {code} {coin(scene.rng)}"


def _make_rare_word(scene: Scene) -> str:
    return (coin(scene.rng) + coin(scene.rng)).lower()


_KINDS: tuple[_Kind, ...] = (
    ("PERSON", "Please sign it as {}.", _make_name),
    ("EMAIL_ADDRESS", "Send a copy to {}.", make_email),
    ("SECRET", "The key is {} by the way.", make_key),
    ("LOCATION", "Deliver it to {}.", _make_address),
    ("RARE_WORD", "Inside we call it {}.", _make_rare_word),
)
