"""Decides which keys and tokens are known by their shape alone, whoever holds them.

The shapes follow the public descriptions of the issuers. Each is looked for only in texts that
hold its literal part, and every quantifier is bounded or possessive.
"""

import re
from collections.abc import Iterator

from flows.redact.normalize import MASK

_W = "[A-Za-z0-9_-]"
_BEFORE = r"(?<![A-Za-z0-9])"
_SHAPES: tuple[tuple[str, str], ...] = (
    *(
        (f"A{kind}", rf"A{kind}[A-Z0-9]{{16}}(?!\w)")
        for kind in ("KIA", "SIA", "GPA", "IDA", "ROA", "BIA")
    ),
    ("sk-", rf"sk-(?=[A-Za-z_-]{{0,80}}[0-9]){_W}{{16,300}}"),  # model providers
    *((f"gh{kind}_", rf"gh{kind}_[A-Za-z0-9]{{20,255}}") for kind in "opsur"),
    ("github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    ("gl", rf"gl(?:pat|dt|rt|ptt|cbt|soat|ft|imt|agent)-{_W}{{20,100}}"),
    ("npm_", r"npm_[A-Za-z0-9]{30,50}"),
    ("hf_", r"hf_[A-Za-z0-9]{30,50}"),
    ("pypi-", rf"pypi-{_W}{{16,300}}"),
    ("xox", r"xox[abeoprs]-[A-Za-z0-9-]{10,250}"),  # Slack
    ("xapp-", r"xapp-[A-Za-z0-9-]{10,250}"),
    ("hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/+_-]{20,120}"),
    ("discord", r"discord(?:app)?\.com/api/webhooks/[0-9]{15,22}/[A-Za-z0-9_-]{40,90}"),
    (".", rf"[MNO](?<![A-Za-z0-9][MNO]){_W}{{22,27}}\.{_W}{{6}}\.{_W}{{27,40}}(?!\w)"),  # Discord
    ("AIza", rf"AIza{_W}{{35}}"),  # Google
    ("ya29.", rf"ya29\.{_W}{{20,300}}"),
    ("GOCSPX-", rf"GOCSPX-{_W}{{20,40}}"),
    ("APA91", rf"(?:{_W}{{8,14}}:)?APA91{_W}{{60,200}}"),  # Firebase
    ("SG.", rf"SG\.{_W}{{16,40}}\.{_W}{{16,60}}"),  # SendGrid
    ("key-", r"key-[0-9a-f]{32}(?!\w)"),  # Mailgun
    ("-us", r"[0-9a-f]{32}-us[0-9]{1,2}(?!\w)"),  # Mailchimp
    ("SK", r"SK[0-9a-f]{32}(?!\w)"),  # Twilio
    ("AC", r"AC[0-9a-f]{32}(?!\w)"),
    *(
        (f"_{stage}_", rf"[a-z]{{2,8}}_{stage}_[A-Za-z0-9]{{10,200}}")
        for stage in ("live", "test", "prod")
    ),
    ("whsec_", r"whsec_[A-Za-z0-9+/]{20,100}"),  # Stripe
    (":A", rf"[0-9]{{8,10}}:(?=[A-Za-z_-]{{0,34}}[0-9]){_W}{{35}}(?!\w)"),  # Telegram
    *((f"do{kind}_v1_", rf"do{kind}_v1_[0-9a-f]{{40,80}}") for kind in "opr"),  # DigitalOcean
    ("HRKU-", rf"HRKU-{_W}{{30,80}}"),  # Heroku
    ("shp", r"shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}"),  # Shopify
    ("sq0", rf"sq0[a-z]{{3}}-{_W}{{20,60}}"),  # Square
    ("dapi", r"dapi[0-9a-f]{32}(?:-[0-9])?"),  # Databricks
    ("hv", rf"hv[sbr]\.{_W}{{20,300}}"),  # Vault
    ("gl", r"gl(?:sa|c)_[A-Za-z0-9_+/=]{20,200}"),  # Grafana
    ("NRAK-", r"NRAK-[A-Z0-9]{20,40}"),
    ("PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{20,40}"),
    ("figd_", rf"figd_{_W}{{20,80}}"),
    ("lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{30,70}"),
    ("ntn_", r"ntn_[A-Za-z0-9]{30,60}"),
    ("secret_", r"secret_(?=[A-Za-z]{0,42}[0-9])[A-Za-z0-9]{32,60}"),  # Notion
    ("sbp_", r"sbp_[0-9a-f]{40}"),  # Supabase
    ("gsk_", r"gsk_[A-Za-z0-9]{30,80}"),
    ("xai-", r"xai-[A-Za-z0-9]{30,120}"),
    ("pplx-", r"pplx-[A-Za-z0-9]{30,80}"),
    ("r8_", r"r8_[A-Za-z0-9]{30,60}"),
    ("sntrys_", r"sntrys_[A-Za-z0-9+/=_-]{30,300}"),
    ("ATATT3", rf"ATATT3{_W}{{30,300}}(?:={_W}{{0,12}})?"),  # Atlassian
    ("EAA", r"EAA(?=[A-Za-z]{0,200}[0-9])[A-Za-z0-9]{40,300}"),  # Facebook
    ("AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{40,80}"),
    (
        "eyJ",
        r"eyJ[A-Za-z0-9_-]{8,4000}+\.[A-Za-z0-9_-]{8,4000}+(?:\.[A-Za-z0-9_-]{0,1000}+)?",
    ),  # JWT
)
_COMPILED = tuple(
    (literal, re.compile(shape if "(?<!" in shape else _BEFORE + shape))
    for literal, shape in _SHAPES
)
_AWS_SECRET = re.compile(
    r"(?<![A-Za-z0-9/+=_-])(?=[a-zA-Z/+]{0,38}[0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])"
)
_BEGIN = re.compile(
    rf"-----BEGIN\ (?:[A-Z0-9]{{1,12}}\ ){{0,3}}PRIVATE\ KEY(?:\ BLOCK)?-----(?:"
    rf"[^{MASK}]{{0,4000}}?-----END\ [A-Z0-9 ]{{1,40}}-----"
    rf"|[A-Za-z0-9+/=\s\\]{{0,4000}}+)"  # or cut
    rf"|PuTTY-User-Key-File-[0-9]:[^{MASK}]{{0,4000}}?Private-MAC:[ ]?[0-9a-f]{{0,64}}"
)
_KEY_END = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{16,80}\s*")
_LONGEST_KEY = 4000


def find_keys(text: str) -> Iterator[tuple[int, int]]:
    """Spans of keys and tokens of known issuers, web tokens and private keys, cut or whole."""
    for literal, pattern in _COMPILED:
        if literal in text:
            yield from (match.span() for match in pattern.finditer(text))
    if "AKIA" in text or "ASIA" in text:
        yield from (match.span() for match in _AWS_SECRET.finditer(text))
    if "-----BEGIN " in text or "PuTTY-" in text:
        yield from (match.span() for match in _BEGIN.finditer(text))
    for match in _KEY_END.finditer(text):
        start = _start_of_cut_key(text, match.start())
        if start < match.start():
            yield start, match.end()


def _start_of_cut_key(text: str, end: int) -> int:
    start = end
    for line in reversed(text[max(0, end - _LONGEST_KEY) : end].splitlines(keepends=True)):
        if not _KEY_LINE.fullmatch(line):
            break
        start -= len(line)
    return start
