"""Decides how figures are written: percent, counts, intervals, and `withheld` for what is null."""

import math
import textwrap

WITHHELD = "withheld"
NOT_HELD = "–"
_MINUS = "−"
_ALMOST = 1e-4  # a width of 8.999999 comes out of a program that was asked for 9
_MONTHS = ("January to March", "April to June", "July to September", "October to December")


def percent(share: float | None, decimals: int = 1) -> str:
    """A share of 0 to 1 in percent; a share too small to show is not written as zero."""
    if share is None:
        return WITHHELD
    least = 10.0**-decimals
    if 0 < share * 100 < least / 2:
        return f"<{least:.{decimals}f}%"
    return f"{share * 100:.{decimals}f}%"


def interval(lower: float | None, upper: float | None, decimals: int = 1) -> str:
    """The 95% interval of a share."""
    if lower is None or upper is None:
        return WITHHELD
    return f"{lower * 100:.{decimals}f}–{upper * 100:.{decimals}f}%"


def count(number: float | None) -> str:
    """A count or usage in whole conversations, with a comma at the thousands."""
    return WITHHELD if number is None else f"{number:,.0f}"


def width(conversations: float) -> str:
    """The width of an interval, cut to a tenth: it is never wider than it says."""
    tenths = math.floor(conversations * 10 + _ALMOST)
    return f"{tenths / 10:,.1f}".removesuffix(".0")


def task_equal(share: float | None, decimals: int = 1) -> str:
    """A task-equal share; where each task of a unit is withheld it is 0 and says nothing."""
    return "no task released" if share == 0 else percent(share, decimals)


def published(share: float | None) -> str:
    """A share that others have published; a dash where the database holds none."""
    return NOT_HELD if share is None else percent(share)


def points(change: float | None) -> str:
    """A signed difference of two shares in percentage points."""
    if change is None:
        return WITHHELD
    text = f"{change:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", _MINUS)


def relative_change(before: float | None, now: float | None) -> str:
    """A signed difference of two counts, and in percent of the first."""
    if before is None or now is None:
        return WITHHELD
    text = f"{now - before:+,.0f}"
    text += f" ({(now / before - 1) * 100:+.1f}%)" if before else ""
    return text.replace("-", _MINUS)


def months(quarter: str) -> str:
    """2026Q1 as January to March 2026."""
    return f"{_MONTHS[int(quarter[-1]) - 1]} {quarter[:4]}"


def number_of(number: int, thing: str, things: str | None = None) -> str:
    """`1 occupation`, `2 occupations`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def lines(text: str, width: int, most: int = 2) -> str:
    """Breaks a title into at most `most` lines; what does not fit is left to the tables."""
    wrapped = textwrap.wrap(text, width)
    if len(wrapped) > most:
        rest = " ".join(wrapped[most - 1 :])
        wrapped = [*wrapped[: most - 1], rest[: width - 1].rstrip() + "…"]
    return "\n".join(wrapped)


def plain(name: str) -> str:
    """`outside_quarter` as `outside quarter`."""
    return name.replace("_", " ")
