"""Decides what counts as a postal address."""

import re
from collections.abc import Iterator

from flows.redact.patterns.postcodes import find_told_addresses
from flows.redact.patterns.streets import find_streets

_KANJI = r"[一-龥ぁ-んァ-ヶー々ヶ]"
_DIGITS = r"[0-9一二三四五六七八九十]"
_EAST_ASIAN = re.compile(
    rf"(?:[一-龥]{{2,8}}省)?(?:[一-龥]{{2,8}}[市州])?(?:[一-龥]{{1,8}}[区县區縣])?[一-龥0-9]{{1,12}}(?:路|街|道"
    rf"|巷|胡同|弄|大街|大道)(?:[一-龥]段)?[0-9]{{1,5}}[号弄號]"
    rf"(?:[0-9一-龥-]{{0,6}}[0-9]{{0,4}}[栋幢单元室层楼号號]){{0,4}}"
    rf"|(?:〒 ?)?(?:[0-9]{{3}}-[0-9]{{4}} ?)?(?:東京都|北海道|(?:京都|大阪)府"
    rf"|[一-龥]{{2,3}}県)?[一-龥ァ-ヶー々]{{1,8}}[市区町村郡]{_KANJI}{{0,12}}?{_DIGITS}{{1,4}}(?:丁目|番地?|号"
    rf"|-){_DIGITS}{{0,4}}(?:(?:番地?|号|-"
    rf"|の){_DIGITS}{{0,4}}){{0,3}}(?: ?[^\s、。,]{{1,15}}?[0-9]{{1,4}}号室?)?"
    rf"|(?:[가-힣]{{1,10}}(?:시|도|군|구|읍|면|동) ){{1,4}}[가-힣0-9]{{1,12}}(?:로|길"
    rf"|동) ?[0-9]{{1,4}}(?:-[0-9]{{1,4}})?(?:번길 ?[0-9]{{1,4}})?(?:,? ?[0-9]{{1,4}}동)?"
    rf"(?:,? ?[0-9]{{1,4}}호)?"
    rf"|〒 ?[0-9]{{3}}-?[0-9]{{4}}"
)
_EAST_ASIAN_HINT = re.compile("[市区區县縣町村郡路街道巷弄시군구〒]")


def find_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Spans of postal addresses, post office boxes, and postal codes where the text tells them."""
    if re.search("[0-9]", text):
        yield from find_streets(text)
        yield from find_told_addresses(text)
    if _EAST_ASIAN_HINT.search(text):
        for match in _EAST_ASIAN.finditer(text):
            if re.search(r"[^0-9-]", match[0]):
                yield match.span()
