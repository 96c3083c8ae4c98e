"""Decides what counts as a secret: keys and tokens of known shape, and values given to a password.

The shapes follow the public descriptions of the issuers. Every quantifier is bounded or possessive,
so that the time is linear in the length of the text.
"""

import re
from collections.abc import Iterator

from flows.redact.normalize import MASK

_SHAPES = re.compile(
    rf"""
    (?<![A-Za-z0-9])(?:
        (?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{{16}}(?![A-Za-z0-9])          # AWS key id
      | sk-(?=[A-Za-z_-]{{0,80}}[0-9])[A-Za-z0-9_-]{{16,300}}               # model providers
      | gh[opsur]_[A-Za-z0-9]{{20,255}} | github_pat_[A-Za-z0-9_]{{22,255}}
      | glpat-[A-Za-z0-9_-]{{20,100}} | npm_[A-Za-z0-9]{{30,50}} | hf_[A-Za-z0-9]{{30,50}}
      | xox[abeoprs]-[A-Za-z0-9-]{{10,250}} | xapp-[A-Za-z0-9-]{{10,250}}   # Slack
      | AIza[A-Za-z0-9_-]{{35}}                                            # Google
      | SG\.[A-Za-z0-9_-]{{16,40}}\.[A-Za-z0-9_-]{{16,60}}                  # SendGrid
      | [a-z]{{2,8}}_(?:live|test|prod)_[A-Za-z0-9]{{10,200}}               # Stripe and kin
      | [0-9]{{8,10}}:AA[A-Za-z0-9_-]{{33}}                                # Telegram
    )
  | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{{8,4000}}+\.[A-Za-z0-9_-]{{8,4000}}+  # JSON web token
        (?:\.[A-Za-z0-9_-]{{0,1000}}+)?
  | -----BEGIN\ (?:[A-Z0-9]{{1,12}}\ ){{0,3}}PRIVATE\ KEY(?:\ BLOCK)?-----(?:
        [^{MASK}]{{0,4000}}?-----END\ [A-Z0-9 ]{{1,40}}-----                 # PEM block
      | [A-Za-z0-9+/=\s\\]{{0,4000}}+                                       # its end is missing
    )
  | ://[^\s/:@<>{MASK}]{{0,200}}+:[^\s@<>{MASK}]{{1,300}}+@[^\s<>"'`{MASK}]{{0,500}}+
    """,
    re.VERBOSE,
)

_BARE = rf"""[^\s"'`<>(){{}}\[\],;{MASK}]"""
_QUOTED = rf"""
    "(?P<double>[^"\n<>{MASK}]{{4,300}}+)" | '(?P<single>[^'\n<>{MASK}]{{4,300}}+)'
  | `(?P<back>[^`\n<>{MASK}]{{4,300}}+)`
"""
_ASSIGNED = re.compile(
    rf"""
    (?:password|passwd|passphrase|passcode|(?<![a-z])pass|pwd|secret|token|credentials?
      |(?:api|access|secret|private|auth|account|client|encryption|signing)[_\ -]?key)
    ["'`\]]{{0,2}}\s{{0,3}}(?:=>|:=|[:=]{{1,2}})\s{{0,3}}
    (?:{_QUOTED}
      # Not quoted: a value has a digit and is no call, such as token = next_token(2).
      | (?P<bare>(?={_BARE}{{0,60}}[0-9]){_BARE}{{6,300}}+)(?![(\[])
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TOLD = re.compile(
    rf"""
    (?:(?:password|passphrase|passcode|pwd)\s{{1,3}}(?:is|was|to)|bearer)\s{{1,3}}
    (?:{_QUOTED} | (?P<bare>(?={_BARE}{{0,60}}[0-9]){_BARE}{{6,2000}}+))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SENTENCE_END = ".!?:"


def find_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Spans of keys, tokens, private key blocks, `://user:pass@` and the values of passwords."""
    for match in _SHAPES.finditer(text):
        yield match.span()
    for pattern in (_ASSIGNED, _TOLD):
        for match in pattern.finditer(text):
            start, end = match.span(match.lastgroup or 0)
            yield start, start + len(text[start:end].rstrip(_SENTENCE_END))
