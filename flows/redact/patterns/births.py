"""Decides which dates are somebody's date of birth: those right after a word for birth."""

import re
from collections.abc import Iterator

from flows.redact.normalize import MASK
from flows.redact.patterns.context import find_near_digits, split_words

_MONTH = (
    r"(?:jan(?:uary|uar|vier|eiro)?|jän(?:ner)?|feb(?:ruary|ruar|rero|braio)?|f[ée]v(?:rier"
    r"|ereiro)?|mar(?:ch|zo|s|ço|t|ca)?|märz|maart|apr(?:il|ile)?"
    r"|abr(?:il)?|avr(?:il)?|ma[iy]o?|maj|maggio|june?|juni?o?|juin|junho|giugno|july?|juli?o?"
    r"|juil(?:let)?|julho|luglio|aug(?:ust|ustus)?|ago(?:sto)?"
    r"|août|sep(?:t(?:ember|embre)?|tiembre|arati)?|set(?:tembre|embro)?|oct(?:ober|obre"
    r"|ubre)?|okt(?:ober)?|out(?:ubro)?|ott(?:obre)?|nov(?:ember|embre"
    r"|iembre|embro)?|dec(?:ember)?|dez(?:ember|embro)?|d[ée]c(?:embre)?|dic(?:iembre|embre)?"
    r"|ene(?:ro)?|genn(?:aio)?|stycznia|lutego|marca|kwietnia"
    r"|maja|czerwca|lipca|sierpnia|września|października|listopada|grudnia|янв\w{0,4}"
    r"|фев\w{0,4}|мар\w{0,3}|апр\w{0,3}|ма[яй]|июн\w?|июл\w?|авг\w{0,4}"
    r"|сен\w{0,5}|окт\w{0,4}|ноя\w{0,3}|дек\w{0,4}|जनवरी|फरवरी|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त"
    r"|सितंबर|अक्टूबर|नवंबर|दिसंबर)"
)
_NUMERIC = (
    r"[0-3]?[0-9] ?[./-] ?[0-3]?[0-9] ?[./-] ?(?:(?:1[89]|20)[0-9]{2}|[0-9]{2})|(?:1[89]"
    r"|20)[0-9]{2} ?[./-] ?[01]?[0-9] ?[./-] ?[0-3]?[0-9]"
    r"|(?:19|20)[0-9]{2}年[ ]?[01]?[0-9]月[ ]?[0-3]?[0-9]日?|(?:昭和|平成|令和"
    r"|大正)[0-9]{1,2}年[0-9]{1,2}月[0-9]{1,2}日|(?:19|20)[0-9]{2}년 ?[0-9]{1,2}월 ?[0-9]{1,2}일"
    r"|(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]|[0-3][0-9][0-3][0-9](?:19|20)[0-9]{2}"
    r"|[01]?[0-9]月[0-3]?[0-9]日"
)
_NAMED = (
    rf"[0-3]?[0-9](?:st|nd|rd|th|er|º|°|\.)?[ -]{{0,2}}(?:of |de "
    rf"|d')?{_MONTH}\.?(?:,?[ -](?:de |del )?'?(?:(?:1[89]|20)[0-9]{{2}}|[0-9]{{2}}))?"
    rf"|{_MONTH}\.? [0-3]?[0-9](?:st|nd|rd|th)?(?:,? (?:(?:1[89]|20)[0-9]{{2}}|'[0-9]{{2}}))?"
)
_DATE = rf"(?:{_NUMERIC}|{_NAMED})(?![0-9A-Za-z])"
_WORDS = (
    r"(?<![a-z])(?:born|d\.?o\.?b\b\.?|(?:date|day|year) of birth|birth ?dates?|birth ?days?"
    r"|b-?day|geb\.|geboren|geburts(?:datum|tag)|n[ée]{1,2}e? le"
    r"|date de naissance|naissance|anniversaire|nacid[oa]|nac[ií]|naci[oó]|nacimiento"
    r"|cumplea[nñ]os|f\.? ?nac\.?|nascid[oa]|nasci|nascimento|anivers[áa]rio"
    r"|nat[oa] (?:il|a|nel)|data di nascita|compleanno|geboorte(?:datum|dag)|geb\.? ?datum"
    r"|ur\.|urodzon[ya]|urodzenia|urodziny|f[öo]dd|f[øo]dt|födelsedatum"
    r"|doğum)|родил\w{2,3}|рожд\w{3,4}|д\.р\.|生年月日|誕生日|出生(?:日期|于|於)?|生日|생년월일|생일|जन्म(?:तिथि"
    r"|दिन)?|تاريخ الميلاد"
)
_BORN = re.compile(
    rf"(?:{_WORDS})[^0-9\n{MASK}]{{0,30}}?[\n ]{{0,2}}(?P<date>{_DATE})", re.IGNORECASE
)
# (Jane Doe, 06/23/1958): a date beside a name in brackets is a date of birth in records.
_BESIDE_NAME = re.compile(
    rf"\((?:[^\W\d_a-z][\w'’-]{{1,20}} ){{1,3}}[^\W\d_a-z][\w'’-]{{1,20}},? (?P<date>{_NUMERIC})\)"
)
_BORN_AFTER = re.compile(
    rf"(?<![0-9])(?P<date>{_NUMERIC})\s?(?:生まれ|г\.? ?р\.?\b|年生|出生|\(dob\))", re.IGNORECASE
)
_HINTS = split_words(
    "born,dob,d.ob,do.b,d.o.b,birth,bday,b-day,geb,é le,e le,naiss,anniv,nac,cumple,nasc,aniver,"
    "nato ,nata ,complea,ur.,urodz,född,fodd,født,fodt,födel,doğum,родил,рожд,д.р,生,誕,생,"
    "जन्म,الميلاد,гр,г.р,г р,г. р"
)


def find_birth_dates(text: str) -> Iterator[tuple[int, int]]:
    """Spans of dates, in any common form, that the text tells as a date of birth."""
    for pattern, words in ((_BORN, _HINTS), (_BORN_AFTER, _HINTS), (_BESIDE_NAME, ("(",))):
        yield from (match.span("date") for match in find_near_digits(pattern, text, words))
