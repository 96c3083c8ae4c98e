"""Decides how a conversation goes: the opener in its user's manner, the turns, the replies."""

import random
import re
from dataclasses import dataclass, replace
from itertools import cycle

from flows.sample.bank import Bank, Chat, Request, Turns
from flows.sample.slots import Planted, fill_slots
from flows.sample.values import Scene

FOLLOWED_SHARES = {  # of conversations that go on after the first reply
    "directive": 0.45,
    "feedback_loop": 1.0,
    "task_iteration": 1.0,
    "learning": 0.55,
    "validation": 0.5,
}
MOST_USER_TURNS = 5
WHOLE_CHAIN_SHARE = 0.7
ASIDE_BEFORE_SHARE = 0.22
ASIDE_AFTER_SHARE = 0.2
LOWER_CASE_SHARE = 0.06
NO_STOP_SHARE = 0.2
TYPO_SHARE = 0.07
NO_SPACES = ("zh", "ja")
_WORD = re.compile(r"(?<![{\w'@/.])[a-z]{5,}(?![}\w'@/.])")
_NEAR_ENDINGS = (" thanks", " please", "!", " :)", " asap", " ok?")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What was said, and what is true about it; the user has the even messages.

    `task_id` and `onet_soc_code` are null when it is no occupational task.
    """

    task_id: int | None
    onet_soc_code: str | None
    use_case: str
    pattern: str
    language: str
    texts: tuple[str, ...]
    planted: tuple[Planted, ...]
    canaries: tuple[str, ...] = ()


def compose_request(bank: Bank, request: Request, pattern: str, scene: Scene) -> Dialogue:
    """A conversation of the pattern that the request opens."""
    rng = scene.rng
    opener = _in_own_manner(request.text, bank, request.language, rng)
    turns: Turns = (opener,)
    if rng.random() < FOLLOWED_SHARES[pattern]:
        chains = bank.follow_ups(request.language, request.artefact, pattern)
        turns += _cut_chain(rng.choice(chains), rng)
    artefact = "explanation" if pattern == "learning" else request.artefact
    texts, planted = _speak(turns[:MOST_USER_TURNS], artefact, bank, scene)
    return Dialogue(
        request.task_id,
        request.onet_soc_code,
        request.use_case,
        pattern,
        request.language,
        texts,
        planted,
    )


def compose_chat(bank: Bank, chat: Chat, scene: Scene) -> Dialogue:
    """A conversation that is no occupational task."""
    turns = _cut_chain(chat.turns, scene.rng)[:MOST_USER_TURNS]
    texts, planted = _speak(turns, "chat", bank, scene)
    return Dialogue(None, None, chat.use_case, chat.pattern, chat.language, texts, planted)


def repeat_nearly(dialogue: Dialogue, rng: random.Random) -> Dialogue:
    """The same conversation with a few characters more at the end of its opener."""
    opener, *others = dialogue.texts
    return replace(dialogue, texts=(opener + rng.choice(_NEAR_ENDINGS), *others))


def _cut_chain(turns: Turns, rng: random.Random) -> Turns:
    if rng.random() < WHOLE_CHAIN_SHARE:
        return turns
    return turns[: rng.randint(1, len(turns))]


def _in_own_manner(text: str, bank: Bank, language: str, rng: random.Random) -> str:
    """Greetings, thanks and haste; in English also lower case, missing stops and typing errors."""
    if language == "en":
        text = _mistype(text, rng)
    space = "" if language in NO_SPACES else " "
    if rng.random() < ASIDE_BEFORE_SHARE:
        text = rng.choice(bank.asides(language, "before")) + space + text
    if rng.random() < ASIDE_AFTER_SHARE:
        text += space + rng.choice(bank.asides(language, "after"))
    return text


def _mistype(text: str, rng: random.Random) -> str:
    if rng.random() < LOWER_CASE_SHARE:
        text = text.lower()
    if rng.random() < NO_STOP_SHARE:
        text = text.removesuffix(".")
    if rng.random() < TYPO_SHARE and (words := list(_WORD.finditer(text))):
        start = rng.choice(words).start() + rng.randint(1, 3)
        text = text[:start] + text[start + 1] + text[start] + text[start + 2 :]
    return text


def _speak(
    turns: Turns, artefact: str, bank: Bank, scene: Scene
) -> tuple[tuple[str, ...], tuple[Planted, ...]]:
    rng = scene.rng
    first = bank.replies(scene.language, artefact, "first")
    later = bank.replies(scene.language, artefact, "later")
    replies = [rng.choice(first), *rng.sample(later, min(len(later), len(turns) - 1))]
    texts: list[str] = []
    planted: list[Planted] = []
    for turn, reply in zip(turns, cycle(replies), strict=False):
        text, found = fill_slots(turn, len(texts), scene)
        texts += [text, reply]
        planted += found
    return tuple(texts), tuple(planted)
