"""Decides what counts as a license plate: letters and digits after a word for one."""

import re
from collections.abc import Iterator

from flows.redact.patterns.context import find_near_digits, split_words

_PLATE = re.compile(
    r"\b(?:(?:licen[cs]e|number|registration|reg|vehicle|car|tag) ?plates?|plates?|kennzeichen"
    r"|kfz|matr[ií]cula|plaque(?: d'immatriculation)?"
    r"|immatricul\w{2,6}|targa|placas?|kenteken|nr rej\w*|tablic\w* rej\w*"
    r"|reg(?:istration)?(?: no\.?| number)?|tags?|госномер|номер машины|rego)"
    r"(?![a-z])(?:(?: (?:no|number|nr|is|was|of|on|the|reads?|says|che|es|est|ist|:|with)\b"
    r"| (?!is)[a-z]{2,8}|[:#.])(?![a-z])){0,5}\W{1,3}"
    r"(?P<value>(?-i:(?=[A-ZÄÖÜ0-9 ·-]{0,8}[0-9])(?=[A-ZÄÖÜ0-9 ·-]{0,9}[A-ZÄÖÜ])"
    r"[A-ZÄÖÜ0-9]{1,7}(?:[ ·-][A-ZÄÖÜ0-9]{1,5}){0,3})"
    r"|(?=[a-z]{0,3}[0-9])(?=[0-9]{0,4}[a-z])[a-z0-9]{5,8})(?![\w])"
    r"|车牌号?[是为:：]?\s?([一-龥][A-Z][·]?[A-Z0-9]{5,6})",
    re.IGNORECASE,
)
_PLATE_HINTS = split_words(
    "plate,plaque,kennzeichen,kfz,matr,immatric,targa,placa,kenteken,rej,reg,tag,номер,车牌"
)


def find_plates(text: str) -> Iterator[tuple[int, int]]:
    """Spans of license plates that follow a word for one."""
    for match in find_near_digits(_PLATE, text, _PLATE_HINTS):
        start, end = match.span(match.lastgroup or 2)
        if end - start >= 4 and not re.fullmatch("(?:19|20)[0-9]{2}", text[start:end]):
            yield start, end
