"""Decides which IP addresses may lead to a person.

Loopback addresses, netmasks, networks and public resolvers do not, nor do the private addresses
that every manual shows, such as 192.168.1.10. A private address that is somebody's choice, such as
10.73.6.41, tells machines apart and is found; so is an address of the documentation ranges where
the text speaks of somebody's address.
"""

import ipaddress
import re
from collections.abc import Iterator

from flows.redact.patterns.context import said_before

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_DOT = r"(?:\.|[\[({]\.[\])}]?|\.[\])}]|\[dot\]|\(dot\))"
_IPV4 = re.compile(
    rf"[0-9](?<![\w.][0-9])(?<!\w\[[0-9])(?:(?<=2)5[0-5]|(?<=2)[0-4][0-9]|(?<=1)[0-9]{{2}}"
    rf"|(?<=[1-9])[0-9])?"
    rf"(?:(?:{_DOT}{_OCTET}){{3}}|(?: dot {_OCTET}){{3}}|(?: \. {_OCTET}){{3}})(?!\w|\.[0-9])",
    re.IGNORECASE | re.ASCII,
)
_MAYBE_IPV6 = re.compile(r"::|:[0-9a-f]{1,4}:[0-9a-f]{0,4}:", re.IGNORECASE)
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[0-9a-f]{0,4}:)[0-9a-f:.]{3,46}+(?![\w:])", re.IGNORECASE | re.ASCII
)
_VERSION_BEFORE = re.compile(
    r"(?:(?:\b|_)(?:v|ver|versions?|release|build|firmware|update|section|chapter|§|rev|driver)"
    r"[\"'\s.:=#v]{0,5}|[a-z]/|[=~><^]=\s?|[a-z]@)\Z",
    re.IGNORECASE,
)
_ADDRESS_WORDS = re.compile(
    r"\b(?:ips?|ipv[46]|addr(?:ess)?e?|host|client|user|visitor|log(?:ged|in|s)?|sign(?:ed|in)|from"
    r"|attacker|my|his|her|their|our|server|remote|peer|ping|traced?|ssh|connect\w*|direcci[oó]n"
    r"|indirizzo|endereço|адрес)\b|地址|アドレス|आईपी",
    re.IGNORECASE,
)
_SOMEBODYS = re.compile(
    r"\b(?:my|his|her|their|our|client|user|visitor|customer|employee|student|patient|mi|mon"
    r"|meine?|mio"
    r"|meu)(?:'s)? (?:\w{1,12} )?(?:ip|address|adresse|dirección|indirizzo|endereço)\b",
    re.IGNORECASE,
)
_RESOLVERS = frozenset(["8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222"])
_DOCUMENTATION = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
# Second and third octets of private addresses in manuals, routers and containers.
_USUAL_OCTETS = frozenset(
    [
        178,
        200,
        240,
        244,
        254,
        255,
        *range(6),
        8,
        10,
        16,
        17,
        18,
        19,
        31,
        50,
        56,
        64,
        88,
        96,
        99,
        100,
        122,
        128,
        152,
        168,
    ]
)
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def find_ips(text: str) -> Iterator[tuple[int, int]]:
    """Spans of IPv4 and IPv6 addresses, but not of those that lead to nobody, nor of versions."""
    if text.count(".") > 2 or " dot " in text:
        for match in _IPV4.finditer(text):
            address = ipaddress.IPv4Address(re.sub(r"[^0-9]+", ".", match[0]))
            if _is_somebodys(address, text, *match.span()) and not _is_version(text, match):
                yield match.span()
    if text.count(":") > 1 and _MAYBE_IPV6.search(text):
        for match in _IPV6.finditer(text):
            written = match[0].rstrip(":.")
            six = _read_ipv6(written)
            if six and _is_somebodys(six, text, match.start(), match.start() + len(written)):
                yield match.start(), match.start() + len(written)


def is_nobodys(written: str) -> bool:
    """Whether a host is an IP address that leads to nobody, whatever the words around it."""
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return False
    return _is_plain(address) or _is_usual_private(address) or _is_documentation(address)


def _is_somebodys(address: _Address, text: str, start: int, end: int) -> bool:
    is_network = text[end : end + 1] == "/" and address.packed[-1] == 0
    if is_network or _is_plain(address):
        return False
    if _is_documentation(address):
        return bool(said_before(_ADDRESS_WORDS, text, start))
    return not _is_usual_private(address) or bool(said_before(_SOMEBODYS, text, start))


def _is_plain(address: _Address) -> bool:
    return (
        address.is_loopback
        or address.is_unspecified
        or address.is_multicast
        or str(address).startswith(("255.", "0."))
        or str(address) in _RESOLVERS
        or str(address) == "169.254.169.254"
    )


def _is_documentation(address: _Address) -> bool:
    return any(address in network for network in _DOCUMENTATION)


def _is_usual_private(address: _Address) -> bool:
    if not isinstance(address, ipaddress.IPv4Address) or not address.is_private:
        return False
    first, *middle, _ = address.packed
    fixed = {10: 0, 172: 1, 192: 1}.get(first, 3)
    return all(octet in _USUAL_OCTETS for octet in middle[fixed:]) and fixed < 3


def _is_version(text: str, match: re.Match[str]) -> bool:
    start = match.start()
    if _VERSION_BEFORE.search(text, max(0, start - 12), start):
        return True
    # The number of a heading: "2.1.3.1 Scope" at the start of a line.
    starts_line = not text[text.rfind("\n", 0, start) + 1 : start].strip(" #*-")
    is_low = all(int(octet) < 30 for octet in re.findall("[0-9]+", match[0]))
    return starts_line and is_low and bool(re.match(r"[ \t]+[^\W\d_]", text[match.end() :][:3]))


def _read_ipv6(text: str) -> ipaddress.IPv6Address | None:
    if text.count(":") < 2 or not any(character.isdigit() for character in text):
        return None
    try:
        return ipaddress.IPv6Address(text)
    except ValueError:
        return None
