"""Decides what counts as an e-mail address, in plain form, spelled out or spaced out.

Presidio's own pattern takes quadratic time on hostile text. Here every quantifier is bounded or
possessive, so that the time is linear in the length of the text.
"""

import re
from collections.abc import Iterator

from flows.redact.patterns.context import mentions, split_words

# Scripts written without spaces: a word next to an address is not part of it.
UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
RESERVED_HOST = r"(?:[\w-]{1,63}\.){0,4}example\.(?:com|net|org)"

_LABEL = r"[a-z0-9][a-z0-9-]{0,62}"
_ANY_LABEL = r"[^\W_][\w-]{0,62}"
_EMAIL = re.compile(
    rf"(?<![\w.+%'&~-])(?P<local>[\w.+%'&~-]++)@(?P<host>(?:{_LABEL}\.){{1,8}}"
    rf"(?:xn--[a-z0-9-]{{2,59}}|[a-z]{{2,24}})(?![a-z0-9-])"
    rf"|(?:{_ANY_LABEL}\.){{1,8}}[^\W\d_]{{2,24}})",
    re.IGNORECASE,
)
_ASCII_TAIL = re.compile(rf"(?<=[{UNSPACED}])[a-z0-9][a-z0-9._+%'&~-]*\Z", re.IGNORECASE)
# Nobody's: user@example.com, git@github.com:a/b, react@1.2.3-beta.x, icon@2x.png.
_NOBODY = re.compile(
    rf"(?:users?|tests?|foo|bar|you|your?[._-]?(?:name|e?mail|user(?:name)?)|name|e?mail|me|someone"
    rf"|username|admin|info|no-?reply|hello|contact|support)@{RESERVED_HOST}"
    rf"|git@.*|.*@(?:[0-9]+\.[0-9].*|[0-9]x\.(?:png|jpe?g|webp|gif|svg))",
    re.IGNORECASE,
)

_BRACKETED_AT = r" {0,2}(?:[\[({<] {0,2}(?:at|@|arroba|ät) {0,2}[\])}>]|[_-]at[_-]) {0,2}"
_BRACKETED_DOT = r" {0,2}[\[({<] {0,2}(?:dot|punkt|punto|\.) {0,2}[\])}>] {0,2}|[_-]dot[_-]"
_DOT_WORD = r" {1,2}(?:dot|punkt|punto|ponto) {1,2}"
_DOT = rf"(?:{_BRACKETED_DOT}|{_DOT_WORD}|\.)"
_SPELLED_DOT = rf"(?:{_BRACKETED_DOT}|{_DOT_WORD})"
# "-dot-" is never a part of a part: there would be too many ways to read a row of them.
_PART = r"(?:[^\W_]|[+']|[_-](?!dot[_-])){1,40}"
_HOST_PART = r"(?:[a-z0-9]|-(?!dot[_-])){1,40}"
_TOP = r"[a-z]{2,12}(?![\w@-])"
_SPELLED = re.compile(
    # name (at) mail.com, name [at] mail [dot] com; name at mail dot com; name@mail (dot) com
    rf"(?<![\w.+-]){_PART}(?:{_DOT}{_PART}){{0,4}}"
    rf"(?:{_BRACKETED_AT}{_HOST_PART}(?:{_DOT}{_HOST_PART}){{0,3}}{_DOT}{_TOP}"
    rf"|(?: {{1,2}}(?:at|arroba|chez) {{1,2}}| {{0,2}}@ {{0,2}})(?!(?:the|a|my"
    rf"|your) ){_HOST_PART}(?:{_DOT}{_HOST_PART}){{0,3}}{_SPELLED_DOT}{_TOP})",
    re.IGNORECASE,
)
_SPELLED_SIGNS = split_words(
    "(at),[at],{at},<at>,( at ),[ at ],(@),[@],_at_,-at-,(arroba), dot ,(dot),[dot],{dot},"
    "<dot>,( dot ),[ dot ],_dot_,[.],(.), punkt , punto , ponto "
)
# jane.doe77 at gmail.com; john @ mail.com; j a n e @ m a i l . c o m
_SAID_AT = re.compile(
    r" (?:at|AT|At) (?:g(?:oogle)?mail|yahoo|hotmail|outlook|icloud|proton(?:mail)?|aol|live"
    r"|gmx|web|qq|163|mail"
    r"|yandex)\.(?:com|de|net|me|ru|fr|co\.[a-z]{2})(?![\w-])",
)
_LOCAL_END = re.compile(r"(?<![\w.+-])(?=[\w+-]{0,30}[0-9._])[\w.+-]{2,64}\Z")
_SPACED_AT = re.compile(
    r"(?<![\w.+'-])[\w.+'-]{1,64}(?: @ ?|@ )[a-z0-9-]{1,40}(?:(?:\.| \. )[a-z0-9-]{1,40}){0,3}?"
    r"(?:\.[a-z]{2,8}| \. (?:com|org|net|edu|io|co|[a-z]{2}))(?![\w-])",
    re.IGNORECASE,
)
_SPACED_OUT = re.compile(
    r"(?<!\S)(?:[\w.+-] ){2,40}@(?: [\w-]){1,40}(?: \.(?: [\w-]){2,20}){1,3}(?!\S)"
)


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Spans of e-mail addresses, with letters of any script."""
    if "@" in text:
        yield from _find_plain(text)
        if "@ " in text or " @" in text:
            for pattern in (_SPACED_AT, _SPACED_OUT):
                yield from (match.span() for match in pattern.finditer(text))
    if mentions(text, _SPELLED_SIGNS):
        yield from (match.span() for match in _SPELLED.finditer(text))
    for match in _SAID_AT.finditer(text):
        local = _LOCAL_END.search(text, max(0, match.start() - 64), match.start())
        if local:
            yield local.start(), match.end()


def _find_plain(text: str) -> Iterator[tuple[int, int]]:
    for match in _EMAIL.finditer(text):
        start, end = match.span("local")
        tail = _ASCII_TAIL.search(text, start, end)
        start = tail.start() if tail else start
        start += len(text[start:end]) - len(text[start:end].lstrip(".+%'&~-"))
        is_call = text[match.end() : match.end() + 1] == "("  # a matrix product: a@b.mean()
        if start < end and not is_call and not _NOBODY.fullmatch(text, start, match.end()):
            yield start, match.end()
