"""Decides what the words near a span say about it, and which values only stand for one."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from flows.redact.normalize import MASK

DATE = re.compile(
    r"(?:[0-3]?[0-9][./-][01]?[0-9][./-](?:1[89]|20)?[0-9]{2}"
    r"|[01]?[0-9][/-][0-3]?[0-9][/-](?:1[89]|20)?[0-9]{2}"
    r"|(?:1[89]|20)[0-9]{2}[./-][01]?[0-9][./-][0-3]?[0-9])(?![0-9])"
)
# Verbs, adverbs and adjectives that follow "the password is", "my username is" or "user".
_ORDINARY = frozenset(
    """a about access account active admin administrator after again all already also always an and
    any anonymous another anything are as asked at available back be because been before being
    below between blank both bound but by can case changed compromised correct could current data
    default defined different disabled does done down each easy either empty encrypted end error
    ever every exactly expected expired exposed false field fine first for forgotten found from
    gone good guest had happy has have he her here hers hidden him his how http https i id if
    important in incorrect initially input instead interface invalid is it its just kept known last
    later leaked like long lost made may me mine missing must my name necessary needed never new
    next nil no nobody none not nothing now null number obvious of off okay old on one only optional
    or other our out over part plain plaintext please plus possible private protected public rather
    ready really related request required reset right root safe salted same saved secure secret
    secretly select self sensitive sent set shared short should shown simple since so some
    someone something sometimes sorry stale still stolen stored str string strong such sure system
    test text than that the their them then there these they this those to too true type
    unavailable undefined under unencrypted unique unknown unless until up us used user username
    using usually valid value var varchar very via visible was way we weak well were what when
    where whether which while who whose why will with within without working would wrong yes yet
    you your yours password passwd pass pwd token key secrets email login integer int char bool
    boolean object array number float changeme
    de la le el il un une et est und ist der die das den nicht no es y que o""".split()  # noqa: SIM905
)
_SUFFIXES = ("ing", "ed", "ly", "able", "ible", "less", "ful", "n't")
# The first letters of a word; each sign of a script without spaces.
_WORD = re.compile(r"[^\W\d_a-z]|(?<![0-9a-z])[a-z](?:[^\W\d_]{1,2}|/[cn])")
_BEFORE_DIGITS = 70
_AFTER_DIGITS = 100
_AFTER_NUMBERS = 40
_NUMBERS = re.compile(rf"[0-9]+(?:[^0-9]{{1,{_BEFORE_DIGITS + _AFTER_DIGITS}}}[0-9]+)*+")
# Two digits in a row, or a digit among capitals: not the numbers of a list.
_LONG_NUMBERS = re.compile(r"[0-9](?:[0-9]|(?<=[A-Z][0-9])[A-Z]|[./-][0-9])")
_PLACEHOLDER = re.compile(
    r"[$#%]\{|\{\{|\$\(|<[^>]{0,60}>|%s|%\(|\.\.\.|^\$|^[*xX.•_-]{1,4000}$"
    r"|^(?:process|os|self|this|req|request|config|settings|env|params?|data|args)\."
    r"|(?<![a-z])(?:your|insert|enter|replace)[_-](?:[a-z]{2,12}[_-]){0,3}"
    r"(?:token|key|pass|pwd|secret|value|name|user|id|code|here)"
    r"|(?<![a-z])(?:at least [0-9]|(?:must|should) (?:be|have|contain|include|not) )",
    re.IGNORECASE,
)
# Only in a value without a digit: a real password may hold such a word, too.
_PLACEHOLDER_WORD = re.compile(
    r"(?<![a-z])(?:your|enter|please|required?|must|invalid|incorrect|missing|forgot(?:ten)?"
    r"|confirm"
    r"|should|cannot|placeholder|change[_ -]?me|here|redacted|insert|replace|example|sample"
    r"|dummy|todo|do not|don't|is not|hash(?:ed)?)(?![a-z])",
    re.IGNORECASE,
)


@lru_cache(maxsize=2)
def lower(text: str) -> str:
    """The text in lower case; all finders ask for that of the same text."""
    return text.lower()


def word_set(listed: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(listed.split())


def split_words(listed: str) -> tuple[str, ...]:
    """The words of a list with commas, for `mentions`; spaces belong to them."""
    return tuple(listed.split(","))


def mentions(text: str, words: Iterable[str]) -> bool:
    """Whether any of the words, in lower case, is part of the text; as cheap as can be."""
    return _holds(lower(text), words)


def _holds(lowered: str, words: Iterable[str]) -> bool:
    for word in words:  # a generator in `any` takes half as long again  # noqa: SIM110
        if word in lowered:
            return True
    return False


def find_at(
    starts: re.Pattern[str], pattern: re.Pattern[str], text: str
) -> Iterator[re.Match[str]]:
    """The matches of a pattern that begin where `starts` does in the text in lower case.

    A pattern that ignores case is tried at every character; one in lower case that begins with
    letters is not, and so finds the few places worth a try.
    """
    lowered = lower(text)
    if len(lowered) != len(text):  # a few letters become two in lower case
        yield from pattern.finditer(text)
        return
    end = 0
    for start in starts.finditer(lowered):
        if start.start() >= end and (match := pattern.match(text, start.start())):
            end = match.end()
            yield match


def word_beginnings(words: Iterable[str]) -> frozenset[str]:
    """What `find_words` must know of the words that a pattern begins with; an s may follow each."""
    forms = (form for word in words for form in (word.lower(), word.lower() + "s"))
    return frozenset(match[0] for form in forms if (match := _WORD.match(form)))


def find_words(
    beginnings: frozenset[str], pattern: re.Pattern[str], text: str, start: int, end: int
) -> Iterator[re.Match[str]]:
    """The matches of a pattern that begin at one of `word_beginnings`.

    Between `start` and `end`. A match may begin inside another: the caller says where to go on.
    """
    lowered = lower(text)
    if len(lowered) != len(text):
        yield from pattern.finditer(text, start, end)
        return
    for word in _WORD.finditer(lowered, start, end):
        if word[0] in beginnings and (match := pattern.match(text, word.start(), end)):
            yield match


@lru_cache(maxsize=2)
def near_digits(text: str) -> list[tuple[int, int]]:
    """The parts of a text around its digits: where a number may stand with what belongs to it."""
    return [
        (max(0, match.start() - _BEFORE_DIGITS), min(len(text), match.end() + _AFTER_DIGITS))
        for match in _NUMBERS.finditer(text)
    ]


@lru_cache(maxsize=2)
def near_numbers(text: str) -> list[tuple[int, int]]:
    """The parts of a text around its numbers of two digits and more."""
    parts: list[tuple[int, int]] = []
    for match in _LONG_NUMBERS.finditer(text):
        start, end = max(0, match.start() - _BEFORE_DIGITS), match.end() + _AFTER_NUMBERS
        if parts and start <= parts[-1][1]:
            start = parts.pop()[0]
        parts.append((start, min(end, len(text))))
    return parts


def _holding(
    words: Iterable[str], parts: list[tuple[int, int]], text: str
) -> Iterator[tuple[int, int]]:
    lowered = lower(text)
    is_same = len(lowered) == len(text)
    for start, end in parts:
        part = lowered[start:end] if is_same else text[start:end].lower()
        if _holds(part, words):
            yield start, end


def find_near_digits(
    pattern: re.Pattern[str], text: str, words: Iterable[str] = ("",)
) -> Iterator[re.Match[str]]:
    """The matches of a pattern that needs a digit and a word, without a look at other parts."""
    for start, end in _holding(words, near_digits(text), text):
        yield from pattern.finditer(text, start, end)


def find_near_numbers(
    pattern: re.Pattern[str], text: str, words: Iterable[str] = ("",)
) -> Iterator[re.Match[str]]:
    """The matches of a pattern that needs a number of two digits and a word."""
    for start, end in _holding(words, near_numbers(text), text):
        yield from pattern.finditer(text, start, end)


def said_before(
    pattern: re.Pattern[str], text: str, start: int, width: int = 60
) -> re.Match[str] | None:
    """The pattern in the characters right before `start`, on this side of a replaced entity."""
    begin = max(0, start - width, text.rfind(MASK, max(0, start - width), start) + 1)
    return pattern.search(text[begin:start])


def is_ordinary(word: str) -> bool:
    """Whether a word after "password is" or "user" goes on with the sentence: no value of it."""
    plain = word.lower().strip(".,;:!?'\"")
    return len(plain) < 3 or plain in _ORDINARY or plain.endswith(_SUFFIXES)


def is_placeholder(value: str) -> bool:
    """Whether a value only stands for one, such as `your_password`, `${KEY}` or `****`."""
    if _PLACEHOLDER.search(value) or value.lower() in _ORDINARY:
        return True
    return not re.search("[0-9]", value) and bool(_PLACEHOLDER_WORD.search(value))
