"""Decides who asks and when: accounts with a country, a language, habits and waking hours."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from flows.ingest.quarters import Quarter
from flows.sample.bank import read_table
from flows.sample.draw import Weighted

CONVERSATIONS_PER_ACCOUNT = 3
HEAVY_ACCOUNT = 0
HEAVY_SHARE = 0.01
TAIL = 0.3  # the weight of the account of rank r is (r + offset) ** (TAIL - 1)
EXPORT_SHARE = 0.08  # of accounts whose client writes the other form of a row
KNOWN_ACCOUNTS = 20_000
WEEKDAYS = (1.0, 1.05, 1.05, 1.0, 0.85, 0.5, 0.45)  # from Monday on
GROWTH = 0.15  # of daily usage over a quarter
LOCAL_HOURS = (
    *(2, 1, 1, 0.5, 0.5, 1, 2, 4, 7, 10, 11, 10),
    *(8, 9, 10, 10, 9, 7, 6, 6, 7, 7, 5, 3),
)


@dataclass(frozen=True, slots=True)
class Account:
    """One invented person with an account; habits are quantiles of the occupations."""

    own_id: str
    country: str
    language: str
    utc_offset: timedelta
    habits: tuple[float, float]
    exports: bool


def open_accounts(seed: int, conversation_count: int) -> Callable[[float], Account]:
    """How to draw the account of a conversation: few people ask much, most ask little.

    One heavy account has about 1 % of the conversations. Accounts are the same in every quarter.
    """
    countries = Weighted((row, float(row["share"])) for row in read_table("countries"))
    account_count = max(20, conversation_count // CONVERSATIONS_PER_ACCOUNT)

    @lru_cache(maxsize=KNOWN_ACCOUNTS)
    def describe(number: int) -> Account:
        rng = random.Random(f"{seed}|account|{number}")  # noqa: S311  # a sample, no secret
        country = countries.draw(rng.random())
        speaks_other = rng.random() * 100 < float(country["other_language_share"])
        keeps_english = number == HEAVY_ACCOUNT or not speaks_other
        return Account(
            own_id=f"user-{rng.getrandbits(48):012x}",
            country=country["country"],
            language="en" if keeps_english else country["other_language"],
            utc_offset=timedelta(hours=float(country["utc_offset_hours"])),
            habits=(rng.random(), rng.random()),
            exports=rng.random() < EXPORT_SHARE,
        )

    def draw(uniform: float) -> Account:
        if uniform < HEAVY_SHARE:
            return describe(HEAVY_ACCOUNT)
        rank = _rank((uniform - HEAVY_SHARE) / (1 - HEAVY_SHARE), account_count)
        return describe(1 + rank)

    return draw


def _rank(uniform: float, count: int) -> int:
    """Inverts the cumulative weight of the ranks; the offset keeps the first from outweighing."""
    offset = max(0.01 * count, 25.0)
    least, most = offset**TAIL, (count + offset) ** TAIL
    return min(count - 1, int((least + uniform * (most - least)) ** (1 / TAIL) - offset))


def open_calendar(quarter: Quarter) -> Callable[[random.Random, float, Account], datetime]:
    """How to draw a time of the quarter, with the rhythm of the week and of the asker's day.

    The second argument says how far usage has come in the quarter, from 0 to below 1; it decides
    the day. Growing values give times in order, up to a day.
    """
    count = (quarter.end - quarter.start).days
    days = [quarter.start + timedelta(days=day) for day in range(count)]
    usage = [
        WEEKDAYS[day.weekday()] * (1 + GROWTH * position / count)
        for position, day in enumerate(days)
    ]
    days_by_usage = Weighted(zip(days, usage, strict=True))
    hours = Weighted(enumerate(LOCAL_HOURS))

    def draw(rng: random.Random, progress: float, account: Account) -> datetime:
        hour = timedelta(hours=hours.draw(rng.random()))
        within = timedelta(microseconds=rng.randrange(3_600_000_000))
        instant = days_by_usage.draw(progress) + hour + within - account.utc_offset
        if instant < quarter.start:
            return instant + timedelta(days=1)
        return instant if instant < quarter.end else instant - timedelta(days=1)

    return draw
