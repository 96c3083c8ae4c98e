"""Decides where the value ends that a text gives to a password or key."""

import re

from flows.redact.normalize import MASK

BARE = rf"[^\s\"'`<>{MASK}]"
QUOTED = rf"""
    \\?"(?P<double>[^"\n\\<>{MASK}]{{3,300}}+) | '(?P<single>[^'\n<>{MASK}]{{3,300}}+)'
  | `(?P<back>[^`\n<>{MASK}]{{3,300}}+)` | “(?P<curly>[^”\n<>{MASK}]{{3,300}}+)”
"""
SIGN = r"""["'`\]*_]{0,3}\s{0,3}(?:=>|:=|[:=：]{1,2})\s{0,3}\*{0,2}\s?"""


def value_span(text: str, match: re.Match[str]) -> tuple[int, int]:
    """The last group of the match, without signs that end a sentence or close what is around."""
    start, end = match.span(match.lastgroup or 0)
    value = text[start:end].rstrip(".,;:")
    while (
        value
        and value[-1] in ")]}"
        and value.count(value[-1]) > value.count("([{"[")]}".index(value[-1])])
    ):
        value = value[:-1].rstrip(".,;:")
    return start, start + len(value)
