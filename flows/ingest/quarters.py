"""Decides which instants belong to a calendar quarter: those from its start to before its end."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from flows.settings import SettingsError

_NAME = re.compile(r"(20[0-9]{2})Q([1-4])")


@dataclass(frozen=True, slots=True)
class Quarter:
    """A calendar quarter in UTC; `end` is the first instant after it."""

    name: str
    start: datetime
    end: datetime

    @classmethod
    def parse(cls, name: str) -> "Quarter":
        """Reads a quarter such as 2026Q1.

        Raises:
            SettingsError: It is not written so.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise SettingsError(f"quarter: {name!r} is not written like 2026Q1")
        year, number = int(match[1]), int(match[2])
        return cls(name, _start(year, number), _start(year + number // 4, number % 4 + 1))

    def contains(self, instant: datetime) -> bool:
        """Whether the instant, with a time zone, lies in the quarter."""
        return self.start <= instant < self.end


def _start(year: int, number: int) -> datetime:
    return datetime(year, 3 * number - 2, 1, tzinfo=UTC)


def quarter_before(instant: datetime) -> Quarter:
    """The last quarter that ended at or before an instant with a time zone."""
    instant = instant.astimezone(UTC)
    number = (instant.month - 1) // 3  # of the quarter before: 0 is the last of the year before
    year = instant.year if number else instant.year - 1
    return Quarter.parse(f"{year}Q{number or 4}")
