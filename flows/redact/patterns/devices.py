"""Decides which numbers of devices, vehicles and parcels are known by their shape and checksum."""

import re
from collections.abc import Iterator

from flows.redact.patterns.context import mentions
from flows.redact.patterns.payments import is_luhn

_MAC = re.compile(
    r"([:-])(?<=[0-9A-Fa-f]{2}.)(?<![\w:-]...)(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])"
)
_PARCEL = re.compile(r"1Z[0-9A-Z]{16}(?!\w)")  # UPS
_NO_MAC = re.compile(r"(?:00|ff)(?:[:-](?:00|ff)){5}|00:00:5e:00:53.*", re.IGNORECASE)
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{13}(?<!\w.{13})[0-9]{4}(?!\w)")
_POSTED = re.compile(r"[A-Z]{2}(?<!\w..)[0-9]{9}[A-Z]{2}(?!\w)")
_IMEI = re.compile(
    r"(?:imei|gerät|device)[^\n0-9]{0,20}([0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{6}[ -]?[0-9])(?![0-9])",
    re.IGNORECASE,
)


def find_device_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Spans of hardware addresses, vehicle and device numbers, and numbers of parcels."""
    if not re.search("[0-9]", text):
        return
    for match in _MAC.finditer(text):
        start = match.start() - 2
        if not _NO_MAC.fullmatch(text, start, match.end()):
            yield start, match.end()
    yield from (match.span() for match in _PARCEL.finditer(text))
    yield from (match.span() for match in _VIN.finditer(text) if _is_vin(match[0]))
    yield from (match.span() for match in _POSTED.finditer(text) if _is_posted(match[0]))
    if mentions(text, ("imei", "gerät", "device")):
        for match in _IMEI.finditer(text):
            if is_luhn("".join(re.findall("[0-9]", match[1]))):
                yield match.span(1)


def _is_vin(number: str) -> bool:
    values = {
        **{str(digit): digit for digit in range(10)},
        **dict(
            zip(
                "ABCDEFGHJKLMNPRSTUVWXYZ",
                [*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)],
                strict=True,
            )
        ),
    }
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(weight * values[sign] for weight, sign in zip(weights, number, strict=True))
    return not number.isdigit() and "0123456789X"[total % 11] == number[8]


def _is_posted(number: str) -> bool:
    total = sum(
        weight * int(digit)
        for weight, digit in zip((8, 6, 4, 2, 3, 5, 9, 7), number[2:10], strict=True)
    )
    return {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11) == int(number[10])
