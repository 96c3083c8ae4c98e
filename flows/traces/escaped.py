"""Decides what text is behind base64, hexadecimal digits, wide letters, pickles and escapes."""

import base64
import binascii
import html
import io
import json
import pickletools
import quopri
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes

_MARGIN = 256  # bytes on both sides of an escape that are read with it
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_WORD = rb"[A-Za-z0-9+/_-]{8,}"
_BREAK = rb"(?:\r?\n|(?:\\r)?\\n)[ \t]{0,64}"  # of a line, or as JSON writes it
_BASE64 = re.compile(_WORD + rb"(?:" + _BREAK + rb"[A-Za-z0-9+/_-]+)*")
_HEX = re.compile(rb"[0-9A-Fa-f]{12,}")
_LETTER = rb"[\t\n\r\x20-\x7e\xa0-\xff]"
_WIDE = re.compile(rb"%b\0{1,3}(?:%b\0{1,3}){4,}%b?" % (_LETTER, _LETTER, _LETTER))
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_BACKSLASH = re.compile(rb"\\(?:u[0-9A-Fa-f]{4}(?:\\u[0-9A-Fa-f]{4})*|x[0-9A-Fa-f]{2}|[\"'/\\])")
_QUOTED = re.compile(rb"=(?:[0-9A-F]{2}|\r?\n)")


def _from_digits(chunk: bytes) -> Iterator[bytes]:
    """Base64 and hexadecimal digits, from each position at which a group of them may begin."""
    runs = [re.sub(_BREAK, b"", run[0]).translate(_URL_SAFE) for run in _BASE64.finditer(chunk)]
    for phase in range(4) if runs else ():
        yield b"\n".join(_decode_base64(run[phase:]) for run in runs)
    numbers = [number for run in runs for number in _HEX.findall(run)]
    for phase in range(2) if numbers else ():
        yield b"\n".join(_decode_hex(number[phase:]) for number in numbers)


def _decode_base64(run: bytes) -> bytes:
    whole = run[:-1] if len(run) % 4 == 1 else run
    return base64.b64decode(whole + b"=" * (-len(whole) % 4))


def _decode_hex(number: bytes) -> bytes:
    return binascii.unhexlify(number[: len(number) // 2 * 2])


def _from_wide_text(chunk: bytes) -> Iterator[bytes]:
    """UTF-16 and UTF-32 of Latin letters, in either order of bytes."""
    yield b"\n".join(run[0].translate(None, b"\0") for run in _WIDE.finditer(chunk))


def _from_pickle(chunk: bytes) -> Iterator[bytes]:
    stream = io.BytesIO(chunk)
    for start in _PICKLE.finditer(chunk):
        stream.seek(start.start())
        strings: list[bytes] = []
        try:
            for _, argument, _ in pickletools.genops(stream):
                strings += _bytes_of(argument)
        except (ValueError, KeyError, OverflowError, MemoryError):
            pass  # no pickle, or one that is cut off: what was read counts
        yield b"\n".join(strings)


def _bytes_of(argument: object) -> list[bytes]:
    if isinstance(argument, bytes | bytearray):
        return [bytes(argument)]
    if not isinstance(argument, str) or argument.isascii():
        return []  # in the chunk as it is
    try:  # protocol 2 writes bytes as the text that they are in Latin-1
        return [argument.encode("latin-1")]
    except UnicodeEncodeError:
        return []


def _from_percent(chunk: bytes) -> Iterator[bytes]:
    for window in _windows(_PERCENT, chunk):
        yield unquote_to_bytes(window)


def _from_entities(chunk: bytes) -> Iterator[bytes]:
    for window in _windows(_ENTITY, chunk):
        text = html.unescape(window.decode("utf-8", "surrogateescape"))
        yield text.encode("utf-8", "surrogateescape")


def _from_backslashes(chunk: bytes) -> Iterator[bytes]:
    for window in _windows(_BACKSLASH, chunk):
        yield _BACKSLASH.sub(_unescape, window)


def _unescape(escape: re.Match[bytes]) -> bytes:
    if escape[0].startswith(b"\\u"):
        text: str = json.loads(b'"' + escape[0] + b'"')
        return text.encode("utf-8", "surrogatepass")
    return bytes.fromhex(escape[0][2:].decode()) if escape[0][1:2] == b"x" else escape[0][1:]


def _from_quoted_printable(chunk: bytes) -> Iterator[bytes]:
    for window in _windows(_QUOTED, chunk):
        yield quopri.decodestring(window)


def _windows(escape: re.Pattern[bytes], chunk: bytes) -> Iterator[bytes]:
    """The parts of a chunk with escapes in them, all in one."""
    spans: list[list[int]] = []
    for match in escape.finditer(chunk):
        start, end = max(0, match.start() - _MARGIN), match.end() + _MARGIN
        if spans and start <= spans[-1][1]:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    if spans:
        yield b"\n".join(chunk[start:end] for start, end in spans)


ESCAPES: tuple[Callable[[bytes], Iterator[bytes]], ...] = (
    _from_digits,
    _from_wide_text,
    _from_pickle,
    _from_percent,
    _from_entities,
    _from_backslashes,
    _from_quoted_printable,
)
"""Each yields what it decodes from a chunk."""
