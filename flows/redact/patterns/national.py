"""Decides which numbers are somebody's national identity, tax, health or insurance number.

A number counts by its shape and checksum alone where few others have both; else also a word of
its kind must stand near. Checksums are presidio's where it has them.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from itertools import combinations

from presidio_analyzer import predefined_recognizers as presidio

from flows.redact.patterns.context import said_before
from flows.redact.patterns.payments import is_luhn

_CANDIDATE = re.compile(
    r"[A-Z0-9](?<!\w[A-Z0-9])(?<![0-9][.,/-][0-9])(?=[A-Z]{0,17}[0-9]|[A-Z]{1,2}[- ][0-9]|[0-9])"
    r"(?:[A-Z0-9]|[ ./+-](?=[A-Z0-9])){6,24}(?![A-Za-z0-9]|[.,][0-9])",
    re.ASCII,
)
_MOST_PARTS = 9  # a French number comes in seven, after a word or two
_WEIGHTS_CPF = (range(10, 1, -1), range(11, 1, -1))
_WEIGHTS_CNPJ = ([5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
_CHINESE_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

_Check = Callable[[str], bool]


def _by(recognizer: type) -> _Check:
    validate = recognizer().validate_result
    return lambda number: bool(validate(number))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _starts_with_day(number: str) -> bool:  # yymmdd
    return _is_date(2000, int(number[2:4]), int(number[4:6]))


def _is_chinese(number: str) -> bool:
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    total = sum(
        weight * int(digit) for weight, digit in zip(_CHINESE_WEIGHTS, number, strict=False)
    )
    return year >= 1900 and _is_date(year, month, day) and "10X98765432"[total % 11] == number[17]


def _is_french(number: str) -> bool:
    plain = number.replace("2A", "19").replace("2B", "18")
    return number[0] in "12" and 97 - int(plain[:13]) % 97 == int(plain[13:])


def _is_brazilian(number: str, weights: tuple[range, range] | tuple[list[int], list[int]]) -> bool:
    if len(set(number)) == 1:
        return False
    for row in weights:
        rest = sum(weight * int(digit) for weight, digit in zip(row, number, strict=False)) % 11
        if int(number[len(row)]) != (0 if rest < 2 else 11 - rest):
            return False
    return True


def _is_dutch(number: str) -> bool:
    total = sum(weight * int(digit) for weight, digit in zip(range(9, 1, -1), number, strict=False))
    return (total - int(number[8])) % 11 == 0 and int(number) > 0


def _is_mexican(number: str) -> bool:
    values = "0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ"
    total = sum(values.index(sign) * (18 - place) for place, sign in enumerate(number[:17]))
    return _starts_with_day(number[4:10]) and (10 - total % 10) % 10 == int(number[17])


def _is_spanish(number: str) -> bool:
    digits = number[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == number[-1]


def _is_singaporean(number: str) -> bool:
    if number[0] not in "STFGM":
        return False
    total = sum(
        weight * int(digit)
        for weight, digit in zip((2, 7, 6, 5, 4, 3, 2), number[1:8], strict=True)
    )
    total += {"T": 4, "G": 4, "M": 3}.get(number[0], 0)
    letters = {"S": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
    row = letters[{"T": "S", "G": "F"}.get(number[0], number[0])]
    return row[10 - total % 11 if number[0] == "M" else total % 11] == number[8]


def _is_pan(number: str) -> bool:
    return number[3] in "ABCFGHLJPT"


def _is_nino(number: str) -> bool:
    return not re.match("[DFIQUV]|.[DFIQUVO]|BG|GB|NK|KN|NT|TN|ZZ", number) and number[-1] in "ABCD"


_is_aadhaar = _by(presidio.InAadhaarRecognizer)
_is_korean = _by(presidio.KrRrnRecognizer)
# Shape of the number without separators (A letter, 9 digit), whether the shape as written and the
# checksum suffice (a pattern for the former), and the words that must stand near otherwise.
_KINDS: tuple[tuple[str, _Check, str | None, str], ...] = (
    ("AAAAAA99A99A999A", _by(presidio.ItFiscalCodeRecognizer), ".*", "fiscale"),
    ("AAAA999999AAAAAAA9", _is_mexican, ".*", "curp"),
    ("AAAA999999AAAAAA99", _is_mexican, ".*", "curp"),
    ("A9999999A", _is_spanish_nie := (lambda n: n[0] in "XYZ" and _is_spanish(n)), ".*", "nie"),
    ("99999999A", _is_spanish, ".*", "nif|dni"),
    ("A9999999A", _is_singaporean, ".*", "nric|fin"),
    ("AA999999A", _is_nino, ".*", "nino|national insurance"),
    ("AAAAA9999A", _is_pan, ".*", "pan"),
    ("999999A999A", _by(presidio.FiPersonalIdentityCodeRecognizer), r"\d{6}[-+A-Y].*", "hetu"),
    ("999999999A", _by(presidio.FiPersonalIdentityCodeRecognizer), r"\d{6}[-+]\d{3}[A-Z]", "hetu"),
    ("9" * 17 + "A", _is_chinese, ".*", "身份证"),
    ("9" * 18, _is_chinese, ".*", "身份证"),
    ("9" * 15, _is_french, r"[12] \d\d .*", "sécu|secu|insee|nir"),
    ("99999999999", lambda n: _is_brazilian(n, _WEIGHTS_CPF), r"\d{3}\.\d{3}\.\d{3}-\d\d", "cpf"),
    ("9" * 14, lambda n: _is_brazilian(n, _WEIGHTS_CNPJ), r"\d\d\.\d{3}\.\d{3}/\d{4}-\d\d", "cnpj"),
    ("9" * 13, _by(presidio.ThTninRecognizer), r"\d-\d{4}-\d{5}-\d\d-\d", "thai|บัตร"),
    ("9" * 13, _is_korean, r"\d{6}-\d{7}", "rrn|resident|주민"),
    (
        "9" * 13,
        lambda n: _starts_with_day(n) and is_luhn(n),
        None,
        r"south african|sa id|id n|identity",
    ),
    ("9" * 12, _is_aadhaar, r"[2-9]\d{3}([ -])\d{4}\1\d{4}", "aadha+r|uidai|आधार"),
    ("9" * 11, _by(presidio.PlPeselRecognizer), None, "pesel"),
    ("9" * 11, _by(presidio.DeTaxIdRecognizer), None, r"steuer|idnr|tin\b|tax"),
    ("9" * 11, _by(presidio.TrNationalIdRecognizer), None, r"kimlik|tc\b|tckn"),
    ("99999999A999", _by(presidio.DeSocialSecurityRecognizer), ".*", "rentenversicherung|sozial"),
    ("A999999999", _by(presidio.DeHealthInsuranceRecognizer), None, "kranken|versicher|kvnr"),
    ("9" * 10, lambda n: _starts_with_day(n) and is_luhn(n), r"\d{6}[-+]\d{4}", "personn"),
    (
        "9" * 12,
        lambda n: _starts_with_day(n[2:]) and is_luhn(n[2:]),
        r"(19|20)\d{6}-\d{4}",
        "personn",
    ),
    ("9" * 10, _by(presidio.NhsRecognizer), None, "nhs|health service"),
    ("9" * 10, _by(presidio.AuMedicareRecognizer), None, "medicare"),
    ("9" * 9, _by(presidio.AuTfnRecognizer), None, "tfn|tax file"),
    ("9" * 9, is_luhn, None, r"\bsin\b|social insurance|assurance sociale"),
    ("9" * 9, _is_dutch, None, "bsn|burgerservice|sofi"),
    (
        "9" * 9,
        lambda n: n[0] == "9" and n[3] in "56789",
        r"9\d\d-[5-9]\d-\d{4}",
        r"\bitin\b|taxpayer",
    ),
    ("9" * 10, lambda n: n[0] in "12" and is_luhn("80840" + n), None, r"\bnpi\b|provider"),
)
_BY_SHAPE: dict[str, list[tuple[_Check, re.Pattern[str] | None, re.Pattern[str]]]] = {}
for _shape, _check, _alone, _words in _KINDS:
    _compiled = (_check, re.compile(_alone) if _alone else None, re.compile(_words, re.IGNORECASE))
    _BY_SHAPE.setdefault(_shape, []).append(_compiled)
_SSN = re.compile(
    r"[0-9](?<![\w.-][0-9])[0-9]{2}(?P<sign>[-. ]?)[0-9]{2}(?P=sign)[0-9]{4}(?![\w-]|\.[0-9])",
    re.ASCII,
)
_SSN_WORDS = re.compile(r"\b(?:ssns?|ssid|social(?: security)?)\b", re.IGNORECASE)
_IS_NO_SSN = presidio.UsSsnRecognizer().invalidate_result
# Presidio's pattern also matches inside hashes, where every tenth hit passes the checksum.
_DEA_NUMBER = re.compile(
    r"[0-9]{7}(?<=[A-HJ-MPR-UXa-hj-mpr-ux][A-Za-z9][0-9]{7})(?<![A-Za-z0-9].{9})(?![A-Za-z0-9])"
)
_IS_DEA_NUMBER = presidio.MedicalLicenseRecognizer().validate_result
_TO_SHAPE = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "A" * 26 + "9" * 10, " ./+-")
_TO_NUMBER = str.maketrans("", "", " ./+-")


def find_national_ids(text: str) -> Iterator[tuple[int, int]]:
    """Spans of national numbers with a valid checksum, in upper case or with digits only."""
    if not re.search("[0-9]{2}", text):
        return
    for match in _CANDIDATE.finditer(text):
        parts = list(re.finditer("[^ ]+", match[0]))[:_MOST_PARTS]
        for first, last in combinations(range(len(parts) + 1), 2):
            start, end = parts[first].start(), parts[last - 1].end()
            if _is_national(match[0][start:end], text, match.start() + start):
                yield match.start() + start, match.start() + end


def find_ssns(text: str) -> Iterator[tuple[int, int]]:
    """Spans of social security numbers of the USA that may have been given out."""
    for match in _SSN.finditer(text):
        is_told = match["sign"] or said_before(_SSN_WORDS, text, match.start())
        if is_told and not _IS_NO_SSN(match[0]):
            yield match.span()


def find_dea_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Spans of certificate numbers of the US drug authority with a valid checksum."""
    for match in _DEA_NUMBER.finditer(text):
        start = match.start() - 2
        if _IS_DEA_NUMBER(text[start : match.end()]):
            yield start, match.end()


def _is_national(written: str, text: str, start: int) -> bool:
    number = written.translate(_TO_NUMBER)
    for check, alone, words in _BY_SHAPE.get(written.translate(_TO_SHAPE), ()):
        suffices = alone is not None and alone.fullmatch(written)
        if (suffices or said_before(words, text, start)) and _passes(check, number, written):
            return True
    return False


def _passes(check: _Check, number: str, written: str) -> bool:
    try:
        return check(number) or ("-" in written and check(written))
    except (ValueError, IndexError, KeyError):
        return False
