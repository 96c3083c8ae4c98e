"""Decides which conversations a quarter has, in order, and where faults and repeats are planted."""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import cycle

from flows.ingest.quarters import Quarter
from flows.sample.accounts import Account, open_accounts, open_calendar
from flows.sample.bank import Bank
from flows.sample.canaries import canary_planter
from flows.sample.dialogue import Dialogue, compose_chat, compose_request, repeat_nearly
from flows.sample.usage import NON_OCCUPATIONAL_SHARE, Usage, plan_usage
from flows.sample.values import set_scene

FAULT_SHARE = 0.015
REPEAT_SHARE = 0.01
REPEATS = ("near_duplicate", "exact_duplicate")
REJECT_RULES = (  # of flows.ingest, those that a single row of lines of JSON can break
    "malformed_json",
    "wrong_type",
    "empty_conversation",
    "duplicate_id",
    "impossible_time",
    "missing_id",
    "outside_quarter",
    "undecodable_line",
    "not_an_object",
    "unknown_role",
    "missing_time",
    "missing_account",
    "undecodable_text",
)
HABIT_SHARE = 0.65
REMEMBERED = 64  # conversations that a repeat may be of
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row of a sample before it is written; `fault` names what was planted, if anything."""

    own_id: str
    account: Account
    quarter: str
    started_at: datetime
    dialogue: Dialogue
    fault: str | None


def stream_conversations(
    bank: Bank, quarter: Quarter, conversation_count: int, seed: int, canary_share: float = 0.0
) -> Iterator[Conversation]:
    """The conversations of a quarter, in constant memory and roughly in the order of time.

    The first one has no fault, so that the form of the file can be told from it. Evenly
    spread, `canary_share` of them carry a canary; nothing else depends on that.
    """
    rng = random.Random(f"{seed}|{quarter.name}")  # noqa: S311  # a sample, no secret
    plant_canary = canary_planter(f"{seed}|{quarter.name}")
    draw_account = open_accounts(seed, conversation_count)
    draw_time = open_calendar(quarter)
    usage = plan_usage(bank, quarter, seed)
    edges = _place_edges(quarter, conversation_count)
    rules, repeats = cycle(REJECT_RULES), cycle(REPEATS)
    recent: deque[Conversation] = deque(maxlen=REMEMBERED)
    for index in range(conversation_count):
        account = draw_account(rng.random())
        started_at = draw_time(rng, (index + rng.random()) / conversation_count, account)
        own_id = f"conv-{rng.getrandbits(64):016x}"
        dialogue = _converse(bank, usage, account, started_at, rng)
        if int((index + 1) * canary_share) > int(index * canary_share):
            dialogue = plant_canary(dialogue)
        sound = Conversation(own_id, account, quarter.name, started_at, dialogue, None)
        kind = rng.random()
        if index in edges:
            instant, fault = edges[index]
            yield replace(sound, started_at=instant, fault=fault)
        elif recent and kind < FAULT_SHARE:
            yield _spoil(sound, next(rules), recent, quarter, rng)
        elif recent and kind < FAULT_SHARE + REPEAT_SHARE:
            yield _repeat(sound, next(repeats), recent, rng)
        else:
            recent.append(sound)
            yield sound


def _spoil(
    sound: Conversation,
    rule: str,
    recent: Sequence[Conversation],
    quarter: Quarter,
    rng: random.Random,
) -> Conversation:
    """Breaks what lies in the conversation; what lies in its line is broken in `rows`."""
    spoiled = replace(sound, fault=rule)
    if rule == "duplicate_id":
        return replace(spoiled, own_id=rng.choice(recent).own_id)
    if rule == "outside_quarter":
        away = rng.choice((-1, 1)) * (quarter.end - quarter.start)
        return replace(spoiled, started_at=sound.started_at + away)
    return spoiled


def _repeat(
    sound: Conversation, kind: str, recent: Sequence[Conversation], rng: random.Random
) -> Conversation:
    """Somebody, mostly somebody else, says what was said before."""
    dialogue = rng.choice(recent).dialogue
    if kind == "near_duplicate":
        dialogue = repeat_nearly(dialogue, rng)
    return replace(sound, dialogue=dialogue, fault=kind)


def _place_edges(quarter: Quarter, count: int) -> dict[int, tuple[datetime, str]]:
    """The four instants around the ends of the quarter, spread over the rows."""
    instants = (
        (quarter.start - _MICROSECOND, "outside_quarter"),
        (quarter.start, "quarter_edge"),
        (quarter.end - _MICROSECOND, "quarter_edge"),
        (quarter.end, "outside_quarter"),
    )
    return {count * (place + 1) // 6: edge for place, edge in enumerate(instants)}


def _converse(
    bank: Bank, usage: Usage, account: Account, started_at: datetime, rng: random.Random
) -> Dialogue:
    language = account.language
    scene = set_scene(rng, language, account.country, started_at.date())
    if rng.random() < NON_OCCUPATIONAL_SHARE:
        return compose_chat(bank, rng.choice(bank.chats[language]), scene)
    habit = rng.choice(account.habits) if rng.random() < HABIT_SHARE else None
    occupation = None if habit is None else usage.occupations.draw(habit)
    pattern, request = usage.draw(rng, language, occupation)
    return compose_request(bank, request, pattern, scene)
