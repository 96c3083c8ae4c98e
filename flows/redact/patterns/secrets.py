"""Decides which values are given to a key, token, header, flag or code, and so are secrets.

Every quantifier is bounded or possessive, so that the time is linear in the length of the text.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator

from flows.redact.normalize import MASK
from flows.redact.patterns.context import (
    find_at,
    find_near_digits,
    is_placeholder,
    lower,
    mentions,
    split_words,
)
from flows.redact.patterns.keys import find_keys
from flows.redact.patterns.passwords import find_passwords
from flows.redact.patterns.values import BARE, QUOTED, SIGN, value_span

# "key" alone says little: it counts after one of these.
_KEY_KINDS = re.compile(
    r"(?:api|access|secret|private|auth|account|client|encryption|signing|shared|master"
    r"|license|product|service"
    r"|storage|admin|subscription|function|webhook|deploy|integration|ssh|psk|hmac|jwt|aes|app"
    r"|consumer)[_ -]?\Z",
    re.IGNORECASE,
)
_KEY = (
    r"secrets?|tokens?|credentials?|(?P<key>key)(?:_id)?|(?:php|j)sessid|jsessionid|connect\.sid"
    r"|session[_-]?(?:id|key|token)?|sid|[cx]srf\w{0,12}|auth[_-]?code|client[_-]?id"
)
_KEY_STARTS = re.compile(
    r"secret|token|credential|key|phpsessid|jsession|connect\.sid|session|sid|csrf|xsrf|auth|client"
)
_FLAG_WORDS = split_words(
    "--,-pass,-pw,-token,-secret,-api,-access,-auth,sshpass,mysql,mariadb,mongo,docker login"
    ",podman login,smbclient,az login,7z,redis-cli,-u"
)
_FLAG_STARTS = re.compile(
    r"-|sshpass|mysql|mariadb|mongo|docker login|podman login|smbclient|az login|7z|redis-cli"
    r"|curl|wget|http\b"
)
_HEADER_STARTS = re.compile(r"authorization|x-|api-key|private-token|bearer|basic|cookie")
_NEAR_STARTS = re.compile(r"key|token|secret|credential|pat\b|apikey")
_KEY_WORDS = (
    "secret",
    "token",
    "credential",
    "key",
    "sess",
    "sid",
    "csrf",
    "xsrf",
    "auth",
    "client",
)
_ASSIGNED_KEY = re.compile(
    rf"(?:{_KEY}){SIGN}(?:{QUOTED}"
    rf"|(?P<bare>(?={BARE}{{0,60}}[0-9])[^\s\"'`<>(){{}}\[\],;{MASK}]{{6,2000}}+)(?![(\[]))",
    re.VERBOSE | re.IGNORECASE,
)
_HEADER = re.compile(
    rf"(?:authorization|x-api-key|x-auth-token|api-key|private-token|x-[a-z]{{1,20}}-(?:key"
    rf"|token))[\"']?\s{{0,2}}[:=]\s{{0,2}}[\"']?"
    rf"(?:(?:basic|bearer|token|apikey|digest|negotiate|key"
    rf"|aws4-hmac-sha256)\s{{1,2}}(?P<value>{BARE}{{4,4000}}+)"
    rf"|(?P<plain>(?={BARE}{{0,60}}[0-9]){BARE}{{8,4000}}+))"
    rf"|(?<!\w)(?:bearer|basic)\s{{1,3}}(?P<bearer>(?={BARE}{{0,60}}[0-9=]){BARE}{{8,4000}}+)"
    rf"|(?<![\w-])cookie[\"']?\s?:\s{{0,2}}[\"']?(?P<cookie>[^\n\"'{MASK}]{{1,80}}="
    rf"[^\n\"'{MASK}]{{1,3900}}+)",
    re.IGNORECASE,
)
_FLAG = re.compile(
    rf"(?<!\S)--?(?:[a-z]{{1,20}}-)?(?:password|passwd|passphrase|pass|pwd|token|secret|(?:api"
    rf"|access|secret|auth)-?(?:key|token))"
    rf"(?:\s{{1,2}}|=)[\"']?(?P<flag>{BARE}{{3,300}}+)"
    rf"|(?:sshpass|mysql\w{{0,6}}|mariadb|mongo\w{{0,7}}|docker\ login|podman\ login|smbclient"
    rf"|az\ login|7z|redis-cli)"
    rf"\b[^\n{MASK}]{{0,160}}?\s-(?:p|a)\s?[\"']?(?P<p>(?![0-9]{{1,5}}(?!\S)){BARE}{{3,100}}+)"
    rf"|(?:curl|wget|http)\b[^\n{MASK}]{{0,300}}?\s(?:-u"
    rf"|--user)[\s=]{{0,2}}[\"']?{BARE[:-1]}:]{{1,60}}:(?P<u>{BARE}{{2,100}}+)",
    re.IGNORECASE,
)
_USER_INFO = re.compile(
    rf"://[^\s/:@<>{MASK}]{{0,200}}+:(?P<password>[^\s@<>{MASK}]{{1,300}}+)@"
    rf"[^\s<>\"'`{MASK}]{{0,500}}+"
)
_SIGNATURE = re.compile(
    r"[?&](?:sig|signature|x-amz-signature|code|key)=(?P<value>[A-Za-z0-9%/+=_-]{20,200}+)",
    re.IGNORECASE,
)
_CODE = re.compile(
    rf"(?:(?<![\w-])(?:otp|cvv2?|cvc2?|cv2|tan|puk)|(?<![\w-])pin(?:\s?(?:code|number|no\.?))?"
    rf"|(?:one[- ]time|verification|security|2fa|mfa|auth(?:entication|orization)?"
    rf"|confirmation|login|sign-in|sms|access"
    rf"|door|gate|alarm|entry|garage|lock(?:er|box)?|safe|unlock|activation|backup|recovery"
    rf"|код|código|codice)\s"
    rf"(?:pass)?(?:code|pin|combination)s?|кодом?|验证码|認証コード|暗証番号)"
    rf"(?:\s(?:for|to|of)\s[^.:,\n0-9{MASK}]{{1,30}})?(?:\s{{0,2}}(?:is|was|:|=|-|#|\(|ist|es"
    rf"|est|é|是|は)){{0,2}}\s{{0,2}}[\"'*]{{0,2}}"
    rf"(?P<value>(?:[A-Z]-)?(?=[A-Z]{{0,5}}[0-9])[A-Z0-9]{{3,8}}(?:[ -][0-9]{{3,4}})?)(?!\w"
    rf"|\.[0-9]|-[0-9]|\s?(?:%|pins?|bit))",
    re.IGNORECASE,
)
_CODE_WORDS = (
    "otp",
    "cvv",
    "cvc",
    "cv2",
    "pin",
    "puk",
    "tan",
    "code",
    "combination",
    "код",
    "código",
    "codice",
    "验证码",
    "コード",
    "暗証番号",
)
_SEED = re.compile(
    rf"(?:seed|recovery|mnemonic|backup|secret)\s(?:phrase"
    rf"|words)[^\n{MASK}]{{0,30}}?[:=\n]\s{{0,3}}[\"']?"
    r"(?P<value>[a-z]{3,8}(?:[ ,]{1,2}[a-z]{3,8}){11,23})(?![a-z])",
    re.IGNORECASE,
)
_NEAR_KEY = re.compile(
    rf"\b(?:keys?|tokens?|secrets?|credentials?|pat"
    rf"|apikey)\b[^\n{MASK}]{{0,24}}?[\s\"'`(=:](?P<value>[A-Za-z0-9_+/=.~-]{{16,200}}+)",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:[0-9a-f]{2})+"
    r"|[a-z]+(?:[-_.][a-z0-9]{1,12}){2,}|[\w./-]+\.[a-z]{1,5}"
    r"|[A-Za-z]+[0-9]{1,3}|(?:[A-Za-z]+[-_/.=])+[A-Za-z]*[0-9]{0,4}|[0-9._-]+|data:.*"
    r"|sha[0-9]{1,3}-.*|https?:.*",
    re.IGNORECASE | re.DOTALL,
)
_LEAST_BITS = 3.3  # per character; English words in camel case stay below, random base 62 above


def find_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Spans of keys, tokens, private key blocks, `://user:pass@` and the values of passwords."""
    yield from find_keys(text)
    if "://" in text:
        for match in _USER_INFO.finditer(text):
            if not is_placeholder(match["password"]):
                yield match.span()
    lowered = lower(text)
    yield from find_passwords(text)
    if mentions(text, ("=", ":")) and mentions(text, _KEY_WORDS):
        for match in find_at(_KEY_STARTS, _ASSIGNED_KEY, text):
            if _is_assigned_key(match, text):
                yield value_span(text, match)
    if mentions(text, ("authorization", "key", "bearer", "basic", "cookie", "token")):
        yield from _find_values(_HEADER_STARTS, _HEADER, text)
    if mentions(text, _FLAG_WORDS):
        yield from _find_values(_FLAG_STARTS, _FLAG, text)
    yield from (match.span("value") for match in find_near_digits(_CODE, text, _CODE_WORDS))
    if "sig" in lowered or "key=" in lowered or "code=" in lowered:
        yield from (match.span("value") for match in _SIGNATURE.finditer(text))
    if mentions(text, ("phrase", "words")):
        yield from (match.span("value") for match in _SEED.finditer(text))
    if mentions(text, ("key", "token", "secret", "credential", "pat")):
        for match in find_at(_NEAR_STARTS, _NEAR_KEY, text):
            if is_random(match["value"]):
                yield match.span("value")


def is_random(value: str) -> bool:
    """Whether a value looks drawn at random: no hash, identifier, version, path or word."""
    if (
        not re.search("[0-9]", value)
        or not re.search("[A-Za-z]", value)
        or _NO_SECRET.fullmatch(value)
    ):
        return False
    counts = Counter(value).values()
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return bits >= _LEAST_BITS


def _find_values(
    starts: re.Pattern[str], pattern: re.Pattern[str], text: str
) -> Iterator[tuple[int, int]]:
    for match in find_at(starts, pattern, text):
        # Of the values in a cookie, one may stand for another and the next be real.
        if match.lastgroup == "cookie" or not is_placeholder(match[match.lastgroup or 0]):
            yield value_span(text, match)


def _is_assigned_key(match: re.Match[str], text: str) -> bool:
    if match["key"] and not _KEY_KINDS.search(text, max(0, match.start() - 20), match.start()):
        return False
    return not is_placeholder(match[match.lastgroup or 0])
