"""Which files of canaries are taken, and which spellings are looked for."""

import gzip
import json
from pathlib import Path

import pytest

from flows.settings import SettingsError
from flows.traces.canaries import match, read_canaries, spell

SPOTS = [
    ("PERSON", "Zoë Lampwright", True),
    ("EMAIL_ADDRESS", "zoe@fog.example.org", True),
    ("LOCATION", "7 Fog Lane, Wick", True),
    ("LOCATION", "Frankfurt am Main", False),  # a city, said everywhere
    ("DATE_TIME", "2026-01-31", False),
    ("PERSON", "Bo Li", False),  # too short to be found for good reason
]


def test_a_file_of_lines_is_read_without_blank_ones(tmp_path: Path) -> None:
    file = tmp_path / "canaries.txt"
    file.write_text("Zoë Lampwright\r\n\n  sk-lamp-42 \nsk-lamp-42\n", encoding="utf-8")
    assert read_canaries(file) == ["Zoë Lampwright", "sk-lamp-42"]


@pytest.mark.parametrize("compress", [lambda data: data, gzip.compress])
def test_the_truth_of_a_sample_gives_what_was_planted(compress, tmp_path: Path) -> None:
    rows = [{"planted": [{"entity_type": kind, "text": text}]} for kind, text, _ in SPOTS]
    file = tmp_path / "truth"
    file.write_bytes(compress("\n".join(map(json.dumps, rows)).encode()))
    assert read_canaries(file) == sorted(text for _, text, is_canary in SPOTS if is_canary)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"", "no canary"),
        (b"\n \n", "no canary"),
        (b"lamp-fog-1\nlamp!\n", "canary 2 of"),
        (b"lamp-fog-1\n" + b"l" * 300, "canary 2 of"),
        (b"\xff\xfe\xff", "neither"),
        (b'{"planted": [', "neither"),
        (b'{"text": 1}', "neither"),
        (b"\x1f\x8b\x08 lamp", "neither"),
        (gzip.compress(b"lamp-fog-1")[:-8] + bytes(8), "neither"),
        (b'{"planted": [{"entity_type": "PERSON", "text": ["Zo", 1, 2, 3, 4, 5, 6, 7]}]}',
         "neither"),
        (rb'{"planted": [{"entity_type": "PERSON", "text": "Zo\u00eb Lamp\ud83d"}]}', "neither"),
        (b'{"planted": ' + b"[" * 100_000, "neither"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_without_quoting_it(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "canaries"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=said) as caught:
        read_canaries(file)
    assert "lamp!" not in str(caught.value)


@pytest.mark.parametrize(
    ("canary", "text", "is_found"),
    [
        ("Zoë Lampwright", "zoë lampwright", True),
        ("Zoë Lampwright", "ZOË LAMPWRIGHT", True),
        ("Zoë Lampwright", "zoë_lampwright.html", True),
        ("Zoë Lampwright", "zoë.lampwright@", True),
        ("Zoë Lampwright", "ZoëLampwright", True),
        ("Zoë Lampwright", "Zoë L.", False),
        ("Straße am Licht 9", "STRASSE AM LICHT 9", True),
        ("Мария Лампова", "МАРИЯ ЛАМПОВА", True),
        ("4111 1111 1111 1111", "4111111111111111", True),
        ("4111 1111 1111 1111", "4111-1111-1111-1111", True),
        ("020 7946 0123", "02079460123", False),  # eleven digits stand in many a number
        ("020 7946 0123", "020-7946-0123", True),
    ],
)
def test_a_canary_is_found_as_software_may_spell_it(canary: str, text: str, is_found: bool) -> None:
    assert match(spell([canary]), [b"x" + text.encode() + b"x"]) == [{0} if is_found else set()]


def test_each_piece_is_told_all_its_canaries_and_no_others() -> None:
    spelled = spell(["lamplight", "lamplighter", "fogbound"])
    pieces = [b"the LAMPLIGHTER", b"nothing", b"fogbound lamplight", b""]
    assert match(spelled, pieces) == [{0, 1}, set(), {0, 2}, set()]
