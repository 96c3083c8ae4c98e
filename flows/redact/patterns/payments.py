"""Decides what counts as a payment card, an IBAN and a wallet: shape, checksum and words around."""

import re
from collections.abc import Iterator

from presidio_analyzer.predefined_recognizers import CryptoRecognizer, IbanRecognizer

from flows.redact.normalize import MASK
from flows.redact.patterns.context import mentions, said_before

_CARD = re.compile(
    r"[0-9](?<![\w.][0-9])(?<!\w-[0-9])(?=((?:[^0-9A-Za-z\n" + MASK + r"]{0,3}[0-9]){11,18}+))",
    re.ASCII,
)
# The number may go on with that of the next column, such as the month of expiry.
_CARD_END = re.compile(r"[0-9](?!\.[0-9]|\w)", re.ASCII)
_LEAST_DIGITS = 12
_DOUBLED = str.maketrans("0123456789", "0246813579")  # and its digits added up
_CARD_WORDS = re.compile(
    r"\b(?:cards?|credit|debit|visa|master ?card|amex|american express|maestro|diners|discover"
    r"|jcb|cc|tarjeta"
    r"|carte|karten?|kreditkarte|carta|cart[aã]o|kaart|karta|карт\w*)\b|卡|カード|카드|कार्ड",
    re.IGNORECASE,
)
_BRANDS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|(?:5[1-5]|2[2-7])[0-9]{14}|3[47][0-9]{13}|3(?:0|6|8"
    r"|9)[0-9]{12}"
    r"|35[0-9]{14}|(?:2131|1800)[0-9]{11}|6(?:011|4|5|2|0|8)[0-9]{12,15}|1[0-9]{14}"
)
_GROUPED = re.compile(r"[0-9]{4}([^0-9]{1,3})[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?")
_AMEX_GROUPED = re.compile(r"3[0-9]{3}[^0-9]{1,3}[0-9]{6}[^0-9]{1,3}[0-9]{4,5}")

_IBAN_START = re.compile(
    r"[0-9]{2}(?<=[A-Za-z]{2}[0-9]{2})(?<![A-Za-z0-9].{4})(?=((?:[ .-]{0,2}[A-Za-z0-9]){11,30}))"
)
_IBAN_TOLD = re.compile(
    r"\biban\b\W{0,3}(?:number|no|nr|code|is|was|ist|est|es)?\W{0,3}"
    r"((?-i:[A-Z]{2}|[a-z]{2})[0-9]{2}(?: ?(?-i:[A-Z0-9]{2,4}|[0-9]{1,4})){3,8}(?![a-z0-9])"
    r"|[a-z]{2}[0-9]{2}[a-z0-9]{11,30})",
    re.IGNORECASE,
)
_VALIDATE_IBAN = IbanRecognizer().validate_result

_WALLET = re.compile(
    r"[13b](?<!\w[13b])(?:(?<=b)c1[a-z0-9]{25,80}|(?<=[13])[a-km-zA-HJ-NP-Z1-9]{25,59})(?!\w)",
    re.ASCII,
)
_ETHER = re.compile(r"0x[0-9a-fA-F]{40}(?!\w)")
_WALLET_WORDS = re.compile(
    r"\b(?:wallet|eth(?:ereum)?|metamask|usd[tc]|my|send|deposit|withdraw|payout|address)\b",
    re.IGNORECASE,
)
_VALIDATE_WALLET = CryptoRecognizer().validate_result


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Spans of card numbers that pass Luhn's check; mistyped ones where the text says card."""
    read = 0
    for match in _CARD.finditer(text):
        end = _card_end(text, *match.span(1)) if match.start() >= read else None
        if end:
            yield match.start(), end
            read = end


def find_ibans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of IBANs in either case: the longest prefix whose length and checksum fit its country.

    After the word itself a mistyped number counts too.
    """
    for match in _IBAN_START.finditer(text):
        start = match.start() - 2
        end = _valid_iban_end(start, text[start : match.end(1)])
        if end:
            yield start, end
    if mentions(text, ("iban",)):
        for match in _IBAN_TOLD.finditer(text):
            yield match.span(1)


def find_wallets(text: str) -> Iterator[tuple[int, int]]:
    """Spans of Bitcoin addresses with a valid checksum, and of Ethereum ones said to be wallets."""
    for match in _WALLET.finditer(text):
        if _VALIDATE_WALLET(match[0]):
            yield match.span()
    if "0x" in text:
        for match in _ETHER.finditer(text):
            if said_before(_WALLET_WORDS, text, match.start()):
                yield match.span()


def is_luhn(digits: str) -> bool:
    """Whether the last digit is Luhn's check digit of the others."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, digits[-1::-2] + doubled)) % 10 == 0


def _card_end(text: str, start: int, end: int) -> int | None:
    """The end of the longest card number that starts with the digit before `start`."""
    ends = [last.end() for last in _CARD_END.finditer(text, start, end + 2)]
    for stop in reversed(ends):
        written = text[start - 1 : stop]
        digits = re.sub("[^0-9]", "", written)
        if len(digits) < _LEAST_DIGITS:
            return None
        if stop <= end and _is_card(written, digits, text, start - 1):
            return stop
    return None


def _is_card(written: str, digits: str, text: str, start: int) -> bool:
    is_valid = is_luhn(digits)
    is_grouped = bool(_GROUPED.fullmatch(written) or _AMEX_GROUPED.fullmatch(written))
    if len(set(digits)) == 1 or not (is_valid or is_grouped):
        return False
    groups = re.findall("[0-9]+", written)
    if len(groups) > 6 and len(groups) != len(digits):
        return False
    is_even = len({*re.findall("[^0-9]+", written)}) < 2 and "," not in written
    if is_valid and is_even and _BRANDS.fullmatch(digits):
        return True
    is_list = re.search("[,;|\u3001]", written) and not is_grouped
    return not is_list and bool(said_before(_CARD_WORDS, text, start))


def _valid_iban_end(start: int, written: str) -> int | None:
    compact = re.sub("[ .-]", "", written).upper()
    positions = [index for index, sign in enumerate(written) if sign.isalnum()]
    for length in range(len(compact), 14, -1):
        if _VALIDATE_IBAN(compact[:length]):
            return start + positions[length - 1] + 1
    return None
