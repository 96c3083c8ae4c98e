"""Each layer that may hide a canary, alone and in others."""

import base64
import codecs
import gzip
import html
import io
import json
import pickle
import quopri
import urllib.parse
import zipfile
import zlib

import pytest

from flows.traces.canaries import match, spell
from flows.traces.compressed import CHUNK, OVERLAP
from flows.traces.decode import DEPTH, Effort, unfold

NAME, MAIL, KEY = "Zoë Lampwright", "zoe.lamp.9x2k1@fog.example.org", "sk-proj-Lamp42fogLamp42fog"
PLAIN, RARE = "Iris Wickmaker", "brundelquatz"
CANARIES = (NAME, MAIL, KEY, PLAIN, RARE)
AROUND = "The lamp of {} stands, as {} said, in the hall."


def found(data: bytes) -> set[str]:
    spelled = spell(CANARIES)
    pieces = list(unfold(data, Effort(1 << 28)))
    return {CANARIES[number] for numbers in match(spelled, pieces) for number in numbers}


def wrap(canary: str) -> bytes:
    return AROUND.format(canary, canary).encode()


def zip_of(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lamp.txt", data * 20)
    return target.getvalue()


LAYERS = {
    "as it is": lambda data: data,
    "base64": base64.b64encode,
    "base64 in lines": base64.encodebytes,
    "base64, shifted by one": lambda data: base64.b64encode(b"x" + data),
    "base64, shifted by two": lambda data: base64.b64encode(b"xy" + data),
    "base64, in the middle of other digits": lambda data: b"abcde" + base64.b64encode(data),
    "url-safe base64": lambda data: base64.urlsafe_b64encode(b"\xfb\xff\xfe" + data),
    "hexadecimal": lambda data: data.hex().encode(),
    "upper-case hexadecimal, shifted": lambda data: b"A" + data.hex().upper().encode(),
    "pickle, protocol 0": lambda data: pickle.dumps(data.decode(), protocol=0),
    "pickle, protocol 2": lambda data: pickle.dumps({"text": data.decode()}, protocol=2),
    "pickle, bytes in protocol 2": lambda data: pickle.dumps(data, protocol=2),
    "pickle, protocol 5": lambda data: pickle.dumps([data], protocol=5),
    "gzip": gzip.compress,
    "gzip after something else": lambda data: b"header" + gzip.compress(data) + b"trailer",
    "zlib": zlib.compress,
    "zlib, best": lambda data: zlib.compress(data, 9),
    "zip": zip_of,
    "UTF-16, little end first": lambda data: data.decode().encode("utf-16-le"),
    "UTF-16, big end first": lambda data: data.decode().encode("utf-16-be"),
    "UTF-16, with its mark": lambda data: data.decode().encode("utf-16"),
    "UTF-32": lambda data: data.decode().encode("utf-32"),
    "Windows-1252": lambda data: data.decode().encode("cp1252"),
    "percent escapes": lambda data: urllib.parse.quote(data, safe="").encode(),
    "a form": lambda data: urllib.parse.urlencode({"text": data}).encode(),
    "every byte as a percent escape": lambda data: "".join(f"%{b:02x}" for b in data).encode(),
    "HTML entities": lambda data: html.escape(data.decode()).encode("ascii", "xmlcharrefreplace"),
    "every letter as an HTML entity": lambda data: "".join(
        f"&#x{ord(letter):x};" for letter in data.decode()
    ).encode(),
    "JSON": lambda data: json.dumps({"text": data.decode()}).encode(),
    "every letter escaped in JSON": lambda data: "".join(
        f"\\u{ord(letter):04X}" for letter in data.decode()
    ).encode(),
    "a Python literal": lambda data: repr(data).encode(),
    "quoted-printable": lambda data: quopri.encodestring(data, quotetabs=True),
    "every byte quoted": lambda data: "".join(f"={b:02X}" for b in data).encode(),
    "upper case": lambda data: data.decode().upper().encode(),
    "decomposed": lambda data: data.decode().replace("ë", "e\u0308").encode(),
    "a slug": lambda data: data.decode().replace(" ", "-").lower().encode(),
}


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_canary_is_found_in(layer: str, canary: str) -> None:
    hidden = LAYERS[layer](wrap(canary))
    assert found(hidden) == {canary}
    if layer != "as it is" and canary == NAME:
        assert NAME.encode() not in hidden or layer.startswith(("pickle", "percent"))


@pytest.mark.parametrize("layer", LAYERS)
def test_without_one_nothing_is_found_in(layer: str) -> None:
    assert found(LAYERS[layer](wrap("Iris Wickmakes, zoe.lamp.9x2k1, Zoe Lampwright"))) == set()


@pytest.mark.parametrize(
    "layers",
    [
        ("pickle, protocol 5", "base64 in lines"),  # as Prefect keeps results
        ("gzip", "base64", "JSON"),
        ("base64", "gzip", "base64"),
        ("JSON", "zlib", "hexadecimal"),
        ("HTML entities", "percent escapes", "JSON"),
        ("base64", "UTF-16, little end first", "gzip"),
        ("quoted-printable", "base64", "gzip", "url-safe base64"),
    ],
    ids=" in ".join,
)
def test_layers_in_one_another_are_unfolded(layers: tuple[str, ...]) -> None:
    hidden = wrap(NAME)
    for layer in layers:
        hidden = LAYERS[layer](hidden)
    assert found(hidden) == {NAME}


@pytest.mark.parametrize("around", ["as it is", "JSON", "hexadecimal"])
def test_lines_of_base64_are_joined_wherever_they_break(around: str) -> None:
    missed = [
        size
        for size in range(80)
        if found(LAYERS[around](base64.encodebytes(b"." * size + NAME.encode()))) != {NAME}
    ]
    assert missed == []


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress], ids=["gzip", "zlib"])
@pytest.mark.parametrize("broken_at", [-1, -6, -20])
def test_what_stands_before_the_break_of_a_stream_is_found(compress, broken_at: int) -> None:
    stream = bytearray(compress(wrap(NAME) + bytes(range(128, 228))))
    stream[broken_at] ^= 0xFF
    assert found(bytes(stream)) == {NAME}


def test_what_stands_before_a_break_costs_effort() -> None:
    effort = Effort(1 << 10)
    stream = gzip.compress(bytes(1 << 12))
    list(unfold(stream[:-1] + b"x", effort))
    assert effort.is_spent


def test_the_depth_has_a_bound() -> None:
    hidden = wrap(NAME)
    for _ in range(DEPTH):
        hidden = gzip.compress(hidden)
    assert found(hidden) == {NAME}
    assert found(gzip.compress(hidden)) == set()


@pytest.mark.parametrize("size", [None, 104], ids=["without its size", "with its size"])
def test_text_in_a_frame_of_zstandard_is_found(size: int | None) -> None:
    text = wrap(NAME)
    assert found(zstandard_frame(text, size is not None)) == {NAME}
    frame = zstandard_frame(text, size is not None)
    assert found(b"before" + frame + b"after") == {NAME}
    assert found(zstandard_frame(b"line\x1e" + text + b"\nline\x1f" + wrap(RARE), False)) == {
        NAME,
        RARE,
    }


@pytest.mark.parametrize("size", [3_000_000, 1_000])
def test_a_long_frame_that_does_not_say_its_size_is_given_up_and_told(size: int) -> None:
    effort = Effort(1 << 28)
    blocks = -(-size // (1 << 17))
    list(unfold(zstandard_frame(bytes(1 << 17), False, blocks), effort))
    assert effort.is_spent == (size > 1 << 20)


def zstandard_frame(data: bytes, tells_size: bool, times: int = 1) -> bytes:
    """A frame with the data compressed by repeating its last byte, and else as it is (RFC 8878)."""
    header = b"\x28\xb5\x2f\xfd" + (
        b"\xa0" + len(data).to_bytes(4, "little") if tells_size else b"\x00\x58"
    )
    raw = (len(data) - 1) << 3  # type 0: raw, not the last
    run = 1 << 3 | 1 << 1 | 1  # type 1: one byte, repeated once; the last
    block = raw.to_bytes(3, "little") + data[:-1]
    return header + block * times + run.to_bytes(3, "little") + data[-1:]


@pytest.mark.parametrize("layer", ["as it is", "base64", "JSON", "UTF-16, big end first"])
@pytest.mark.parametrize("at", [CHUNK - OVERLAP, CHUNK - 20, CHUNK])
def test_a_canary_on_the_edge_of_a_chunk_is_found(layer: str, at: int) -> None:
    hidden = LAYERS[layer](wrap(NAME))
    data = b". " * ((at - len(hidden) // 2) // 2) + hidden + b". " * (OVERLAP // 2)
    assert found(data) == {NAME}


def test_a_canary_at_the_end_of_a_long_stream_is_found_without_holding_the_stream() -> None:
    spelled = spell(CANARIES)
    longest = 0
    hits = []
    for piece in unfold(gzip.compress(bytes(5 * CHUNK) + wrap(NAME)), Effort(1 << 30)):
        longest = max(longest, len(piece))
        hits.append(bool(match(spelled, [piece])[0]))
    assert any(hits)
    assert longest == CHUNK


def test_a_bomb_is_given_up_and_told() -> None:
    effort = Effort(1 << 20)
    bomb = gzip.compress(gzip.compress(bytes(64 << 20)) * 20)
    assert sum(map(len, unfold(bomb, effort))) < (4 << 20) + len(bomb)
    assert effort.is_spent


class Trap:
    def __reduce__(self):
        return (codecs.encode, (pytest.fail, "rot13"))


def test_a_pickle_is_read_and_not_executed() -> None:
    trap = (
        pickle.dumps([wrap(NAME).decode(), eval, Trap.__name__]) + b"cos\nsystem\n(S'exit 1'\ntR."
    )
    assert found(base64.b64encode(trap)) == {NAME}


@pytest.mark.parametrize(
    "junk",
    [b"", b"\x80\x05", b"\x1f\x8b\x08", b"x\x9c", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"%",
     b"\\u12", b"\\ud83d", b"&#99999999;", b"&#xd800;", b"=", b"\0" * 40, b"\xff" * 40,
     bytes(range(256)) * 9],
)  # fmt: skip
def test_what_only_looks_like_a_layer_stops_nothing(junk: bytes) -> None:
    assert found(junk + wrap(NAME) + junk) == {NAME}
