"""Decides which values are passwords: assigned to one, or told in a sentence.

Every quantifier is bounded or possessive, so that the time is linear in the length of the text.
"""

import re
from collections.abc import Iterator

from flows.redact.normalize import MASK
from flows.redact.patterns.context import (
    find_at,
    is_ordinary,
    is_placeholder,
    mentions,
    split_words,
)
from flows.redact.patterns.values import BARE, QUOTED, SIGN, value_span

_WORDS = (
    r"(?:pass?words?|passwd|pass[ ]?phrase|pass[ ]?codes?|(?<![a-z])pass|pwd|(?<![a-z])pw"
    r"|contraseñas?|passw[oö]rt|kennwort"
    r"|mot[ ]de[ ]passe|(?<![a-z])mdp|senhas?|wachtwoord|hasło|haslo|парол\w{1,3}|пароль"
    r"|lösenord|parola|şifre\w{0,3}"
    r"|密码|密碼|パスワード|비밀번호|पासवर्ड|psk|passkey)"
)
_PASSWORD_STARTS = re.compile(
    r"pass|pasword|pwd|pw|contrase|kennwort|mot de passe|mdp|senha|wachtwoord|has[łl]o|парол"
    r"|lösenord|parola"
    r"|şifre|密码|密碼|パスワード|비밀번호|पासवर्ड|psk"
)
_PASSWORD_WORDS = split_words(
    "pass,pasword,pwd,pw,contrase,kennwort,mdp,senha,wachtwoord,hasło,haslo,парол,lösenord,parola,"
    "şifre,密码,密碼,パスワード,비밀번호,पासवर्ड,psk"
)
_ASSIGNED_PASSWORD = re.compile(
    rf"(?P<name>{_WORDS}){SIGN}(?:{QUOTED}|(?P<bare>[^\s\"'`<>;,{MASK}]{{3,300}}+))",
    re.VERBOSE | re.IGNORECASE,
)
_TOLD = re.compile(
    rf"{_WORDS}(?:\s(?:for|of|to|on|at|in|from|here|do|de|del|der|für"
    rf"|pour)\s[^.:,\n{MASK}]{{1,40}}?)?\s{{1,2}}"
    rf"(?:is|was|to|are|ist|lautet|war|est|es|era|é|è|to|jest|это|-|has\ been\ (?:set|changed)\ to)"
    rf"\s{{1,2}}(?:now\ |still\ |currently\ |just\ )?(?:{QUOTED}|(?P<bare>{BARE}{{3,300}}+))"
    rf"|(?:密码|密碼|パスワード|비밀번호)(?:是|为|は|는|은)?\s?(?P<cjk>[A-Za-z0-9_!@#$%^&*+.-]{{4,60}}+)",
    re.VERBOSE | re.IGNORECASE,
)


def find_passwords(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the values of passwords: assigned ones, and told ones that end a clause."""
    if not mentions(text, _PASSWORD_WORDS):
        return
    for match in find_at(_PASSWORD_STARTS, _ASSIGNED_PASSWORD, text):
        if _is_assigned_password(match, text):
            yield value_span(text, match)
    for match in find_at(_PASSWORD_STARTS, _TOLD, text):
        value = match[match.lastgroup or 0]
        is_bare = match.lastgroup == "bare"
        if is_bare and (is_ordinary(value) or not _ends_clause(value, text, match.end())):
            continue
        if not is_placeholder(value):
            yield value_span(text, match)


def _is_assigned_password(match: re.Match[str], text: str) -> bool:
    value = match[match.lastgroup or 0]
    prefix = re.search(r"[\w.-]*\Z", text[max(0, match.start() - 40) : match.start()])
    name = (prefix[0] if prefix else "") + match["name"]
    if is_placeholder(value) or value.lower() == name.lower():
        return False
    if match.lastgroup != "bare":
        return len(value.split()) < 6
    if re.search(r"[(\[{]", value) and not re.match(r"[^(\[{]*[0-9][^(\[{]*[!?@#$%^&*]", value):
        return False  # a call or an index
    if re.search("[0-9]", value):
        return len(value) >= 4
    # Without a digit it may be the name of a variable or the rest of a sentence.
    is_code = bool(re.search(r"\s", text[match.end("name") : match.start("bare")].strip(":")))
    is_variable = "=" in text[match.end("name") : match.start("bare")] and (
        (
            bool(
                re.search(
                    r"pass|pw|token|secret|key|str|value|input|arg|user", value, re.IGNORECASE
                )
            )
            and name.islower()
        )
        or is_code
    )
    return not is_variable and not is_ordinary(value) and _ends_clause(value, text, match.end())


def _ends_clause(value: str, text: str, end: int) -> bool:
    if re.search(r"[0-9!@#$%^&*_+]", value.rstrip("!?")):
        return True
    if value[-1] in ".,;:!?)":
        return True
    return not text[end:].strip(" \t") or bool(
        re.match(
            r"[ \t]*(?:[\n;,)\"'`|<&]|$|(?:and|but|or|for|on|if|so|please|und|y|et|e)\b)",
            text[end : end + 12],
        )
    )
