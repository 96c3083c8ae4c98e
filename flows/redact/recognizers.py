"""Decides what counts as an e-mail address, URL, IP address, phone number and IBAN.

Presidio's own patterns for the first three take quadratic time on hostile text. Here every
quantifier is bounded or possessive, so that the time is linear in the length of the text.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.predefined_recognizers import IbanRecognizer, PhoneRecognizer

from flows.redact.normalize import MASK

# Scripts written without spaces: a word next to an address is not part of it.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"

_LABEL = r"[a-z0-9][a-z0-9-]{0,62}"
_ANY_LABEL = r"[^\W_][\w-]{0,62}"
_EMAIL = re.compile(
    rf"(?<![\w.+%'&~-])(?P<local>[\w.+%'&~-]++)@(?:(?:{_LABEL}\.){{1,8}}(?:xn--[a-z0-9-]{{2,59}}"
    rf"|[a-z]{{2,24}})(?![a-z0-9-])|(?:{_ANY_LABEL}\.){{1,8}}[^\W\d_]{{2,24}})",
    re.IGNORECASE,
)
_ASCII_TAIL = re.compile(rf"(?<=[{_UNSPACED}])[a-z0-9][a-z0-9._+%'&~-]*\Z", re.IGNORECASE)

_URL = re.compile(
    rf"(?:(?:https?|ftps?|sftp|wss?|ssh|git)://(?:[^\s/?#<>\"{MASK}]*@)?(?P<host>[\w.:\[\]-]+)"
    rf"|(?<![a-z0-9.@/-])www[0-9]?\.(?P<www>{_LABEL}(?:\.{_LABEL}){{1,8}})(?::[0-9]{{1,5}})?)"
    rf"(?:[/?#][^\s<>\"`{MASK}\u3000-\u303f]*+)?",
    re.IGNORECASE,
)
_TRAILING = r"[.,;:!?'*_~|\]}]"
_URL_END = re.compile(rf"[,.;:!?)](?=[{_UNSPACED}])|(?<!{_TRAILING}){_TRAILING}+\Z")
_RESERVED_HOST = re.compile(
    r"(?:[\w-]{1,63}\.){0,4}example\.(?:com|net|org)|localhost|127(?:\.[0-9]{1,3}){3}|0\.0\.0\.0|\[::1?\]",
    re.IGNORECASE,
)

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\w|\.[0-9])")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9a-f]{0,4}:)[0-9a-f:]{4,39}+(?![\w:])", re.IGNORECASE)
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:v|ver|version|release|build|firmware|update|section|§)[\s.:=#]{0,3}|[a-z]/)\Z",
    re.IGNORECASE,
)

LEAST_PHONE_DIGITS = 7
# phonenumbers allows up to four signs between two digits of a number; nothing shorter is a number.
_PHONE_DIGITS = re.compile(rf"[0-9](?:[^0-9{MASK}]{{0,4}}[0-9]){{{LEAST_PHONE_DIGITS - 1}}}")
# What phonenumbers takes for a part of a number: columns of a table, decimals, spans of years.
_NO_PHONE = re.compile(
    r"\s{2,}|[\n\t]|(?<![0-9.])[0-9]?\.[0-9]++(?!\.|-[0-9])"
    r"|(?<![0-9-])(?:1[5-9]|20)[0-9]{2} ?[-/] ?(?:1[5-9]|20)[0-9]{2}(?![0-9-])"
)
_DOTTED = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20}){1,20}")
# Written as a phone number, whether or not the number is in use: +country code, or 3-3-4 digits.
_PHONE_SHAPE = re.compile(
    r"(?<![\w+])\+[1-9](?:[ ().-]{0,3}[0-9]){7,14}(?![0-9])(?:[ ]?(?:x|ext\.?)[ ]?[0-9]{1,6})?"
    r"|(?<![\w.-])(?:(?:00)?1[-. ])?(?:\([0-9]{3}\) ?|[0-9]{3}[-.])[0-9]{3}[-.][0-9]{4}"
    r"(?:[ ]?(?:x|ext\.?)[ ]?[0-9]{1,6})?(?![\w-])",
    re.IGNORECASE,
)
_IBAN = re.compile(r"(?<![a-z0-9])(?=([a-z]{2}[0-9]{2}(?:[ -]?[a-z0-9]){11,30}))", re.IGNORECASE)


class LinearRecognizer(EntityRecognizer):  # type: ignore[misc]  # presidio has no types
    """Reports what a function finds as one entity type, always with the same score."""

    def __init__(
        self, entity_type: str, find: Callable[[str], Iterable[tuple[int, int]]], score: float
    ) -> None:
        super().__init__(supported_entities=[entity_type], name=find.__name__)
        self._find = find
        self._score = score

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002
        nlp_artifacts: object = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Runs the function; there are no language artifacts to use."""
        entity_type = self.supported_entities[0]
        spans = self._find(text)
        return [RecognizerResult(entity_type, start, end, self._score) for start, end in spans]


class DigitGuardedPhoneRecognizer(PhoneRecognizer):  # type: ignore[misc]
    """Presidio's phone recognizer, spared texts without a number and cleared of version strings."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: object = None
    ) -> list[RecognizerResult]:
        """Looks for numbers of seven digits or more."""
        if not _PHONE_DIGITS.search(text):
            return []
        plain = _NO_PHONE.sub(lambda match: MASK * len(match[0]), text)
        results = super().analyze(plain, entities, nlp_artifacts)
        return [result for result in results if _is_phone(text[result.start : result.end])]


class AnyCaseIbanRecognizer(IbanRecognizer):  # type: ignore[misc]
    """Presidio's IBAN checksum and formats, for either case and with words right behind it."""

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002
        nlp_artifacts: object = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Takes the longest prefix of a candidate whose length and checksum fit its country."""
        spans = [_longest_valid(match, self.validate_result) for match in _IBAN.finditer(text)]
        return [RecognizerResult("IBAN_CODE", *span, 1.0) for span in spans if span]


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Spans of e-mail addresses, with letters of any script."""
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        start, end = match.span("local")
        tail = _ASCII_TAIL.search(text, start, end)
        start = tail.start() if tail else start
        start += len(text[start:end]) - len(text[start:end].lstrip(".+%'&~-"))
        if start < end:
            yield start, match.end()


def find_urls(text: str) -> Iterator[tuple[int, int]]:
    """Spans of URLs with a scheme or `www.`, but not of hosts that are reserved for examples."""
    for match in _URL.finditer(text):
        host = re.sub(r":[0-9]{0,5}\Z", "", match["host"] or match["www"]).rstrip(".")
        if not _RESERVED_HOST.fullmatch(host):
            yield match.start(), _url_end(text, *match.span())


def find_ips(text: str) -> Iterator[tuple[int, int]]:
    """Spans of IPv4 and IPv6 addresses, but not of loopback addresses, netmasks and versions."""
    for match in _IPV4.finditer(text):
        address = ipaddress.IPv4Address(match[0])
        is_nobody = address.is_loopback or address.is_unspecified or match[0].startswith("255.")
        if not is_nobody and not _VERSION_BEFORE.search(
            text, max(0, match.start() - 12), match.start()
        ):
            yield match.span()
    for match in _IPV6.finditer(text):
        if _is_ipv6(match[0].rstrip(":")):
            yield match.start(), match.start() + len(match[0].rstrip(":"))


def find_phone_shapes(text: str) -> Iterator[tuple[int, int]]:
    """Spans written as a phone number, in use or not; phonenumbers passes over invented ones."""
    for match in _PHONE_SHAPE.finditer(text):
        yield match.span()


def _url_end(text: str, start: int, end: int) -> int:
    trimmed = _URL_END.search(text, start, end)
    end = trimmed.start() if trimmed else end
    unopened = text.count(")", start, end) - text.count("(", start, end)
    closing = len(text[start:end]) - len(text[start:end].rstrip(")"))
    return end - max(0, min(unopened, closing))


def _is_ipv6(text: str) -> bool:
    if text.count(":") < 2 or not any(character.isdigit() for character in text):
        return False
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _is_phone(text: str) -> bool:
    if sum(character.isdigit() for character in text) < LEAST_PHONE_DIGITS:
        return False
    # Groups of a single digit between dots are a version or a decimal number, not a phone number.
    groups = text.split(".")
    return not _DOTTED.fullmatch(text) or min(len(group) for group in groups) > 1


def _longest_valid(
    candidate: re.Match[str], validate: Callable[[str], bool | None]
) -> tuple[int, int] | None:
    start, end = candidate.span(1)
    text = candidate[1].upper()
    for length in range(end - start, 14, -1):
        if text[length - 1].isalnum() and validate(text[:length]):
            return start, start + length
    return None
