"""Decides what counts as a phone number: by its shape, by the words around it, or by its region.

phonenumbers knows which numbers are in use, and so passes over invented and mistyped ones; shapes
and words find these. Every quantifier is bounded or possessive.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache

import phonenumbers

from flows.redact.normalize import MASK
from flows.redact.patterns.context import DATE, said_before
from flows.settings import SettingsError

LEAST_DIGITS = 7
MOST_DIGITS = 15
_EXTENSION = (
    r"(?:[ ,;]{0,2}(?:x|extn?\.?|extension|durchwahl|poste|int\.?|доб\.?)[ .:#]{0,2}[0-9]{1,6})?"
)
# Digits in groups, with at most three signs between two of them.
_CHAIN = re.compile(
    r"[+(0-9](?<![A-Za-z0-9_.,:$€£¥₹%@#=/\\+-][+(0-9])(?<![A-Za-z0-9_.]\([+0-9])(?<!"
    r"[A-Za-z0-9_][/-][0-9])"
    rf"(?:[ .\-/·_()]{{0,3}}[0-9]){{6,24}}+(?![0-9]){_EXTENSION}",
    re.IGNORECASE,
)
_MAYBE = re.compile(rf"[0-9](?:[^0-9{MASK}\n\t]{{0,3}}[0-9]){{{LEAST_DIGITS - 1}}}")
_END = rf"(?![0-9]|[.,-][0-9]){_EXTENSION}(?![A-Za-z0-9_])"
_SHAPE = re.compile(
    rf"[+(0-9](?<![A-Za-z0-9_.,$€£¥₹%#=+\\-][+(0-9])(?<![a-z./:_]/[+(0-9])"
    r"(?<![0-9]{4} [0-9])(?:"
    # +44 7700 900123, +49 (0)30 1234-567
    rf"(?<=\+)\(?[1-9](?:[ ().\-/·]{{0,3}}[0-9]){{7,14}}(?![0-9])(?:{_EXTENSION})"
    # 0044 7700 900123
    rf"|(?<=0)0 ?[1-9](?:[ ().\-/·]{{0,3}}[0-9]){{8,13}}(?![0-9])(?:{_EXTENSION})"
    # 212-555-0123, (212) 555-0123, 1 212 555 0123, 001-212-555-0123
    rf"|(?:(?<=1)[-. ]|(?<=0)01[-. ])?(?:\([0-9]{{3}}\)[- .]?|(?<=\()[0-9]{{3}}\)[- .]?"
    rf"|(?<=[0-9])[0-9]{{2}}[-. /]"
    rf"|[0-9]{{3}}[-. /])[0-9]{{3}}[-. /]?[0-9]{{4}}{_END}"
    # 07700 900123, 080-4417-3926, 033-507-618, 02 9876 5432, 0171/1234567, 01 99 00 12 34
    rf"|(?<=0)[1-9][0-9]{{0,4}}(?:[ .\-/]|[ ][-/][ ])[0-9]{{2,8}}(?:[ .-][0-9]{{2,4}}){{0,4}}{_END}"
    # (07) 5550 0142, (0)20 7946 0958, (83) 514-369
    rf"|(?<=\()[0-9]{{1,5}}\)[ ]?[-/]?[ ]?[0-9]{{2,8}}(?:[ .\-][0-9]{{2,4}}){{0,4}}{_END}"
    # 91740 26385 (India), 8 (916) 555-03-27 (Russia), 138 1234 5678 (China), 11 91234-5678 (Brazil)
    rf"|(?<=[6-9])[0-9]{{4}}[ -][0-9]{{5}}{_END}"
    rf"|(?<=8)[ -]?\(?9[0-9]{{2}}\)?[ -]?[0-9]{{3}}[ -]?[0-9]{{2}}[ -]?[0-9]{{2}}{_END}"
    rf"|(?<=1)[3-9][0-9][ -][0-9]{{4}}[ -][0-9]{{4}}{_END}"
    rf"|(?<=[1-9])[1-9][ ]9[0-9]{{4}}-[0-9]{{4}}{_END})",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:\b(?:phones?|tel(?:ephone)?s?|tél|tel[ée]fono?s?|téléphone|telefon\w*|telefoon\w*"
    r"|cell(?:ulare|phone)?"
    r"|celular|m[oó]vil|mobile?s?|mob|mobiel|mobil\w*|handy\w*|portable|fax|whats ?app|wa|sms"
    r"|viber|wechat"
    r"|call(?:s|ed|ing|back)?|dial|ring|rings|rang|text|texted|reach|contact|hotline|helpline"
    r"|landline"
    r"|desk|office|pager|ph|numbers?|num[eé]ros?|número|numero|nummer|numer|appel\w*"
    r"|ll[aá]m\w*|bel|chiam\w*"
    r"|ligue|ruf\w*|zadzwo\w*|kom[oó]rk\w*|answering at|messages to|sta al)\b"
    r"|телефон|\bтел|\bмоб|номер|звон|电话|手机|電話|携帯|連絡先|返信先|番号|फ़?ोन|फोन|नंबर|मोबाइल"
    r"|전화|연락처|هاتف|☎|📞|📱)",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\W{0,3}(?:office|mobile|fax|cell|home|work|phone|tel)\b", re.IGNORECASE)
_NOT_BEFORE = re.compile(
    r"(?:isbn|issn|doi|rfc|version|model|serial|part|sku|item|page|line|build|port|id|invoice"
    r"|order|case|ticket"
    r"|account|acct|tracking|imei|ean|upc)(?: ?(?:no|nr|number|id|code))?[:#.]{0,2}\s{0,2}\Z",
    re.IGNORECASE,
)
# Hours after a number are no part of it.
_HOURS = re.compile(r" (?:24/7|[0-9]{1,2}[:-][0-9]{1,2})(?![0-9])")
_PAIRS = re.compile(r"[0-9]{2}([ .-])[0-9]{2}(?:\1[0-9]{2}){2,4}")
_DOTTED = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_YEARS = re.compile(r"(?:1[5-9]|20)[0-9]{2} ?[-/] ?(?:1[5-9]|20)[0-9]{2}")
_THOUSANDS = re.compile(r"\+?[0-9]{1,3}(?:[ .][0-9]{3})+")


def phone_finder(regions: Sequence[str]) -> Callable[[str], Iterator[tuple[int, int]]]:
    """A function that finds phone numbers; `regions` are where national numbers may be from."""
    home = tuple(regions)
    for region in home:
        _general_pattern(region)  # an unknown one stops the run here

    def find_phones(text: str) -> Iterator[tuple[int, int]]:
        if not _MAYBE.search(text):
            return
        for match in _SHAPE.finditer(text):
            written = match[0].lstrip("(") if ")" not in match[0] else match[0]
            start = match.end() - len(written)
            if _is_shaped(written, text, start):
                yield start, _end_before_hours(text, start, match.end())
        for match in _CHAIN.finditer(text):
            if _is_phone(match[0], text, match, home):
                yield match.start(), _end_before_hours(text, *match.span())

    return find_phones


def _end_before_hours(text: str, start: int, end: int) -> int:
    last = text.rfind(" ", start, end)
    if last < 0 or not _HOURS.match(text, last):
        return end
    is_whole = len(_digits(text[start:last])) >= (11 if text[start] == "+" else 10)
    return last if is_whole else end


def _is_shaped(written: str, text: str, start: int) -> bool:
    digits = _digits(written)
    if not LEAST_DIGITS <= len(digits) <= 2 * MOST_DIGITS or len(set(digits)) == 1:
        return False
    is_labeled = written[0] != "+" and _NOT_BEFORE.search(text, max(0, start - 24), start)
    if is_labeled or _is_other_number(written):
        return False
    return not (written[0] == "+" and (_THOUSANDS.fullmatch(written) and digits.endswith("000")))


def _is_phone(written: str, text: str, match: re.Match[str], regions: tuple[str, ...]) -> bool:
    number = re.split(r"[ ,;]*[a-zа-я]", written, maxsplit=1, flags=re.IGNORECASE)[0]
    digits = _digits(number)
    is_told = bool(said_before(_BEFORE, text, match.start(), 45) or _AFTER.match(text, match.end()))
    if not LEAST_DIGITS <= len(digits) <= MOST_DIGITS or _is_other_number(number, is_told):
        return False
    if _NOT_BEFORE.search(text, max(0, match.start() - 24), match.start()):
        return False
    if is_told:
        return len(set(digits)) > 1 and not _is_amount(number, text, match.end())
    if (
        not 9 <= len(digits) <= 12
        or _THOUSANDS.fullmatch(number)
        or not _is_grouped_like_phone(number)
    ):
        return False
    return _is_in_use("+" + digits[2:] if digits.startswith("00") else number, regions)


def _is_other_number(written: str, is_told: bool = False) -> bool:
    """Whether digits are a date, a decimal number, a version, an address or a span of years."""
    written = written if ")" in written else written.lstrip("(")
    is_year = re.match(r"\((?:19|20)[0-9]{2}\)", written)  # and pages
    is_column = "  " in written or re.search(r"\.[0-9]+ ?/ ?[0-9]+\.", written)
    if is_year or is_column or written.count("(") != written.count(")") or "(-" in written:
        return True
    if DATE.match(written) and not _PAIRS.fullmatch(written):
        return True
    if _YEARS.match(written.lstrip("(")):
        return True
    # Groups of a single digit between dots are a version or a decimal number, not a phone number.
    groups = written.split(".")
    if not _DOTTED.fullmatch(written):
        return False
    is_address = len(groups) == 4 and all(int(group[:4]) < 256 for group in groups)
    if is_told and not is_address and (len(groups[0]) > 2 or re.match("0[0-9]", written)):
        return False
    return is_address or len(groups) < 3 or min(len(group) for group in groups) < 2


def _is_amount(number: str, text: str, end: int) -> bool:
    return bool(
        ((_THOUSANDS.fullmatch(number) or number.isdigit()) and number.endswith("000"))
        or re.match(
            r" ?(?:%|€|\$|usd|eur|million|k\b)|[.,][0-9]", text[end : end + 9], re.IGNORECASE
        )
    )


def _is_grouped_like_phone(number: str) -> bool:
    groups = [len(group) for group in re.findall("[0-9]+", number)]
    if len(groups) == 1:  # not a time stamp, which starts with 1
        return groups[0] in (10, 11) and (number[0] != "1" or groups[0] == 11)
    return groups != [3, 2, 4] and len(groups) <= 5 and groups.count(1) <= 1 and max(groups) <= 8


@lru_cache(maxsize=8192)
def _is_in_use(number: str, regions: tuple[str, ...]) -> bool:
    digits = _digits(number)
    for region in regions:
        if not _general_pattern(region).fullmatch(digits):
            continue
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return True
    return False


@cache
def _general_pattern(region: str) -> re.Pattern[str]:
    """What digits may be a number of the region; parsing takes a hundred times as long."""
    known = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if known is None or known.general_desc is None:
        raise SettingsError(f"redact.phone_regions: {region} is no region of telephone numbers")
    national = known.general_desc.national_number_pattern
    prefix = rf"(?:{known.national_prefix_for_parsing or ''})?(?:{known.country_code})?"
    return re.compile(f"{prefix}0?(?:{national})|{national}")


def _digits(written: str) -> str:
    return "".join(sign for sign in written if sign.isdigit())
