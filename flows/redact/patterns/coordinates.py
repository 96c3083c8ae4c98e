"""Decides which numbers are a place on the map: decimal pairs, degrees, geo URIs and plus codes."""

import re
from collections.abc import Iterator

from flows.redact.patterns.context import mentions, said_before

_DEGREES = r"[+-]?(?:1[0-7][0-9]|180|[0-9]{1,2})\.[0-9]{3,12}"
_PAIR = re.compile(
    r"[+0-9-](?<![\w.,+-][+0-9-])(?<![0-9] [+0-9-])(?<![0-9], [+0-9-])[0-9]{0,3}\.[0-9]{3,12}°?"
    r" ?[NS]?"
    r"(?P<between> ?[,;/] ?| )(?:-?|[+])(?:1[0-7][0-9]"
    r"|[0-9]{1,2})\.[0-9]{3,12}(?:°? ?[EWO](?!\w)|°)?(?![0-9]|\.[0-9]|,? ?-?[0-9]+\.)"
)
_WORDS = re.compile(
    r"\b(?:lat(?:itude)?|lon(?:gitude)?|lng|long|gps|coord\w*|geo\w*|location|located|position"
    r"|maps?|pin|waypoint|point|house|home|live|meet|spot"
    r"|standort|koordinaten|coordonnées|coordenadas|ubicaci[oó]n|coordinate|posizione"
    r"|współrzędne|координат\w*|широта|долгота)\b|坐标|座標|좌표",
    re.IGNORECASE,
)
_KEYED = re.compile(
    rf"(?<![a-z])(?:lat(?:itude)?|lon(?:gitude)?|lng|long|breitengrad|längengrad|широта"
    rf"|долгота)[\"'_a-z]{{0,6}}\s{{0,2}}(?:[:=]"
    rf"|is)\s{{0,2}}[\"']?(?P<value>{_DEGREES})(?![0-9.])",
    re.IGNORECASE,
)
_SIGNED = (
    r"[0-9]{1,3}(?:\.[0-9]{1,10})? ?° ?(?:[0-9]{1,2}(?:\.[0-9]{1,8})? ?['′’] ?(?:[0-9]{1,2}"
    r"(?:\.[0-9]{1,6})? ?(?:\"|''|′′|″|”) ?)?)?[NSEWO](?![a-z])"
)
_DEGREES_PAIR = re.compile(rf"(?<![0-9.]){_SIGNED}(?:[ ,;/]{{0,3}}{_SIGNED})?", re.IGNORECASE)
_LETTERED = re.compile(
    r"[NS](?<![\w.][NS]) ?[0-9]{1,2}[ °.][0-9. '′\"]{3,14},? {0,2}[EW] ?[0-9]{1,3}[ °.]"
    r"[0-9. '′\"]{3,14}"
)
_GEO = re.compile(
    r"geo:-?[0-9]{1,2}(?:\.[0-9]{1,12})?,-?[0-9]{1,3}(?:\.[0-9]{1,12})?", re.IGNORECASE
)
_PLUS_CODE = re.compile(
    r"(?<![\w+])(?=[23456789CFGHJMPQRVWX]{0,7}[2-9])[23456789CFGHJMPQRVWX]{4,8}\+"
    r"[23456789CFGHJMPQRVWX]{2,3}(?![\w+])"
)
_THREE_WORDS = re.compile(r"///[a-z]{3,20}\.[a-z]{3,20}\.[a-z]{3,20}(?![\w.])")


def find_coordinates(text: str) -> Iterator[tuple[int, int]]:
    """Spans of coordinates precise enough to tell a place of some hundred meters."""
    if "///" in text:
        yield from (match.span() for match in _THREE_WORDS.finditer(text))
    if not re.search("[0-9]", text):
        return
    if "+" in text:
        for match in _PLUS_CODE.finditer(text):
            if re.search("[A-Z]", match[0]) and not match[0].startswith("CFG"):
                yield match.span()
    if "°" in text:
        yield from (match.span() for match in _DEGREES_PAIR.finditer(text) if _is_precise(match[0]))
    if "." not in text:
        return
    yield from (match.span() for match in _PAIR.finditer(text) if _is_pair(match, text))
    if mentions(text, ("lat", "lon", "lng", "grad", "широта", "долгота")):
        yield from (match.span("value") for match in _KEYED.finditer(text))
    if mentions(text, ("geo:",)):
        yield from (match.span() for match in _GEO.finditer(text))
    yield from (match.span() for match in _LETTERED.finditer(text))


def _is_precise(written: str) -> bool:
    return (
        "'" in written
        or "′" in written
        or "’" in written
        or bool(re.search(r"\.[0-9]{3}", written))
    )


def _is_pair(match: re.Match[str], text: str) -> bool:
    first, second = (abs(float(number)) for number in re.findall(r"[0-9]+\.[0-9]+", match[0])[:2])
    if max(first, second) > 180 or min(first, second) > 90:
        return False
    if re.search(r"[NSEWO]", match[0]) or said_before(_WORDS, text, match.start()):
        return True
    decimals = [len(part) for part in re.findall(r"\.([0-9]+)", match[0])]
    is_alone = (
        text[max(0, match.start() - 1) : match.start()] not in ("[", ",", "\t")
        and "," in match["between"]
    )
    return (
        is_alone and min(decimals) >= 4 and first >= 10 and (second >= 1 or len(set(decimals)) == 1)
    )
