"""Decides which boxes, postal codes and lines are an address because the text says so."""

import re
from collections.abc import Iterator

from flows.redact.normalize import MASK
from flows.redact.patterns.address_parts import CODE, TAIL
from flows.redact.patterns.context import (
    find_near_digits,
    find_near_numbers,
    said_before,
    split_words,
)

_BOX = re.compile(
    rf"(?:p\.? ?o\.? ?box|post office box|postfach|apartado(?: postal| de correos| aéreo)?"
    rf"|bo[îi]te postale|\bb\.?p\.?|caixa postal|postbus|casella postale|skr\. ?poczt\.|а/я"
    rf"|locked bag|gpo box|private bag|私書箱)[ :#]{{0,3}}(?:no\.? ?"
    rf"|n° ?)?[0-9][0-9 -]{{0,8}}[0-9]?(?![0-9]){TAIL}",
    re.IGNORECASE,
)
_CODE_TOLD = re.compile(
    rf"(?:\bzip(?: ?code)?|post(?:al|leit)? ?(?:code|zahl)|\bplz|\bcep|code postal"
    rf"|c[oó]digo postal|\bcap|kod pocztowy|pin ?code|pincode|postnummer|индекс|邮编|郵便番号"
    rf"|우편번호)s?\b[\"']?\s{{0,2}}(?:is|was|:|=|est|es|ist|number|no\.?|in|\?"
    rf"|-){{0,2}}\s{{0,2}}[\"']?(?P<value>{CODE}(?:-[0-9]{{4}})?)(?!\w)",
    re.IGNORECASE,
)
_POSTCODE = re.compile(r"[0-9][ABD-HJLNP-UW-Z]{2}(?!\w)(?<=[A-Z0-9] ...)")
_OUTWARD = re.compile(r"(?<![\w-])[A-Z]{1,2}[0-9][A-Z0-9]? \Z")
_CODE_BEFORE = re.compile(
    r"\b(?:post ?code|address|live[sd]?|living|moved?|home|house|flat|deliver\w*|ship\w*"
    r"|located?|based|near|area|in|at|from)\b",
    re.IGNORECASE,
)
_LABELED = re.compile(
    rf"(?<![\w-])(?<!ip )(?<!mail )(?<!mac )(?<!email )(?<!web )(?<!memory )(?<!base )(?<!url )"
    rf"(?:(?:home|street|postal|mailing|billing|shipping|delivery|work|office|current|new"
    rf"|primary|secondary|residential|my|his|her|their|the) )?(?:address|adresse|anschrift"
    rf"|direcci[oó]n|domicilio|indirizzo|adres|endere[çc]o|адрес|lieferadresse|住所|地址|주소"
    rf"|पता)(?: is| was| to|s?:|：| ist| est| es| è| é|は|是| changed to| linked to)\s{{1,3}}"
    rf"(?P<value>(?=[^\n:;?!{MASK}]{{0,90}}[0-9])(?=[^\n:;?!{MASK}]{{0,110}}[^\W\d_]{{3}})"
    rf"[^\n:;?!@<>=(){{}}{MASK}]{{6,120}})",
    re.IGNORECASE,
)
_ADDRESS_END = re.compile(
    r"[.,]? (?:and (?:my|the|his|her|i|we|then)|for (?:this|my|the)|is there|please|after"
    r"|before|because|so that|but|which|where|it|they|he|she|i|we|in case)\b"
    r"|(?<=[a-z0-9]{3})\.\s|\.\Z|\s\Z",
    re.IGNORECASE,
)
_BOX_WORDS = split_words(
    "box,postfach,apartado,b.p,bp ,boîte,boite,caixa,postbus,casella,poczt,а/я,locked bag,priva"
    "te bag,私書箱"
)
_CODE_WORDS = split_words(
    "zip,post,plz,cep,code,cap ,cap:,codigo,código,pin,kod,индекс,邮编,郵便,우편"
)
_ADDRESS_WORDS = (
    "address",
    "adres",
    "anschrift",
    "direcci",
    "domicilio",
    "indirizzo",
    "endere",
    "адрес",
    "住所",
    "地址",
    "주소",
    "पता",
)


def find_told_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Spans of boxes, of postal codes after a word for one, and of what follows "address:"."""
    yield from (match.span() for match in find_near_digits(_BOX, text, _BOX_WORDS))
    for match in find_near_numbers(_CODE_TOLD, text, _CODE_WORDS):
        yield match.span("value")
    for match in _POSTCODE.finditer(text):
        outward = _OUTWARD.search(text, max(0, match.start() - 5), match.start())
        if outward and said_before(_CODE_BEFORE, text, outward.start(), 40):
            yield outward.start(), match.end()
    for match in find_near_digits(_LABELED, text, _ADDRESS_WORDS):
        end = _ADDRESS_END.search(match["value"])
        value = match["value"][: end.start()] if end else match["value"]
        if re.search("[0-9]", value) and len(value.split()) > 1:
            yield match.start("value"), match.start("value") + len(value)
