"""Decides what counts as a payment card, an IBAN and a wallet: shape, checksum and words around."""

import re
from collections.abc import Iterator

from presidio_analyzer.predefined_recognizers import CryptoRecognizer, IbanRecognizer

from flows.redact.normalize import MASK
from flows.redact.patterns.context import mentions, said_before

_CARD = re.compile(
    r"[0-9](?<![\w.][0-9])(?<!\w-[0-9])(?:[^0-9A-Za-z\n" + MASK + r"]{0,3}[0-9]){11,18}+"
    r"(?![0-9]|[.,][0-9]|\w)",
    re.ASCII,
)
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
    for match in _CARD.finditer(text):
        digits = "".join(sign for sign in match[0] if sign.isdigit())
        if _is_card(match[0], digits, text, match.start()):
            yield match.span()


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
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _is_card(written: str, digits: str, text: str, start: int) -> bool:
    groups = re.findall("[0-9]+", written)
    is_told = bool(said_before(_CARD_WORDS, text, start))
    if len(set(digits)) == 1 or (len(groups) > 6 and len(groups) != len(digits)):
        return False
    if not is_luhn(digits):
        return is_told and bool(_GROUPED.fullmatch(written) or _AMEX_GROUPED.fullmatch(written))
    if is_told:
        return True
    is_list = len({*re.findall(r"[^0-9]+", written)} - {""}) > 1 or "," in written
    return bool(_BRANDS.fullmatch(digits)) and not is_list


def _valid_iban_end(start: int, written: str) -> int | None:
    compact = re.sub("[ .-]", "", written).upper()
    positions = [index for index, sign in enumerate(written) if sign.isalnum()]
    for length in range(len(compact), 14, -1):
        if _VALIDATE_IBAN(compact[:length]):
            return start + positions[length - 1] + 1
    return None
