"""Decides what counts as the time of a conversation."""

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from flows.ingest.records import RowError

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)  # no assistant has logs from before
LATEST = datetime(2101, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECONDS_FROM = 100_000_000_000  # as seconds: the year 5138; as milliseconds: 1973
NUMERIC = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")


def parse_instant(value: Any) -> datetime | None:
    """The instant in UTC, to the microsecond, never rounded up into the next quarter.

    Args:
        value: A datetime, ISO 8601 with or without a zone (none is UTC), or seconds or milliseconds
            since 1970, as a number or its text. Null and blank are no time.

    Raises:
        RowError: impossible_time.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        instant = _read_instant(value)
    except (ValueError, OverflowError, ArithmeticError):
        raise RowError("impossible_time") from None
    if not EARLIEST <= instant < LATEST:
        raise RowError("impossible_time")
    return instant


def _read_instant(value: Any) -> datetime:
    if isinstance(value, str):
        text = value.strip()
        return _from_epoch(Decimal(text)) if NUMERIC.fullmatch(text) else _from_iso(text)
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError
    if not math.isfinite(value):
        raise ValueError
    return _from_epoch(Decimal(str(value)))


def _from_epoch(number: Decimal) -> datetime:
    unit = Decimal("0.001") if abs(number) >= MILLISECONDS_FROM else Decimal("0.000001")
    microseconds = number.quantize(unit, ROUND_FLOOR) / unit
    return EPOCH + timedelta(microseconds=int(microseconds))


def _from_iso(text: str) -> datetime:
    return _in_utc(datetime.fromisoformat(text))


def _in_utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
