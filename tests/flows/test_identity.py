import base64
import hashlib
import os
import random
import re
import stat
from pathlib import Path

import pytest

from flows import identity
from flows.identity import derive_key, keyed_hash, load_key
from flows.settings import SettingsError
from flows.tables import KEYED_HASH

KEY = hashlib.sha256(b"one lamp").hexdigest()[:32]
LONG = hashlib.sha256(b"two lamps").hexdigest()


@pytest.mark.parametrize(
    ("key", "is_accepted"),
    [
        (KEY, True),
        (LONG, True),
        (KEY[:31], False),
        ("", False),
        ("a" * 64, False),
        ("abcdefg" * 10, False),  # seven different characters
        ("abcdefgh" * 10, False),
        ("lämpchen" * 4, False),
        ("0123456789abcdef" * 2, False),
        ("0123456789abcdef" * 4, False),
        (LONG[:31] * 3, False),  # a part that is too short, over and over
        (LONG[:20] * 2 + LONG[:11], False),
        (LONG[:32] * 2, True),
        ("0123456789abcdefghijklmnopqrstuvwxyz", False),
        ("ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210", False),
        (bytes(range(32)).hex(), False),
        ("00112233445566778899AABBCCDDEEFF" * 2, False),
        ("f0e1d2c3b4a5968778695a4b3c2d1e0f", False),
        (f"change-me-{LONG}", False),
        (f"CHANGE_ME_{LONG}", False),
        (f"{LONG} Your-Secret", False),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", False),  # of Amazon's documentation
        ("django-insecure-" + LONG, False),
        ("2b7e1516-28aed2a6-abf71588-09cf4f3c", False),  # of FIPS 197
        (hashlib.sha256(b"secret").hexdigest(), False),
        (hashlib.md5(b"").hexdigest().upper(), False),
        ("lämpchen-mit-öl-und-docht-im-flur", True),
        ("correct-horse-battery-staple-9041", True),
    ],
)
def test_a_key_is_long_and_varied(key, is_accepted, tmp_path):
    file = tmp_path / "key"
    file.write_text(f"{key}\n")
    file.chmod(0o600)
    for environment in ({"WORKTALLY_KEY": key}, {"WORKTALLY_KEY_FILE": str(file)}):
        if is_accepted:
            assert load_key(environment) == key.encode()
        else:
            with pytest.raises(SettingsError, match="too weak") as caught:
                load_key(environment)
            assert not key or key not in str(caught.value)


def test_the_variable_comes_before_the_file(tmp_path):
    environment = {"WORKTALLY_KEY": KEY, "WORKTALLY_KEY_FILE": str(tmp_path / "missing" / "key")}
    assert load_key(environment) == KEY.encode()
    assert not (tmp_path / "missing").exists()


def test_the_environment_of_the_process_is_read_by_default(invented_key):
    assert load_key() == invented_key.encode()


def test_the_first_use_makes_a_file_that_only_its_owner_can_read(tmp_path):
    file = tmp_path / "config" / "key"
    key = load_key({"WORKTALLY_KEY_FILE": str(file)})
    assert re.fullmatch(b"[0-9a-f]{64}", key)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert load_key({"WORKTALLY_KEY_FILE": str(file)}) == key
    assert load_key({"WORKTALLY_KEY_FILE": str(tmp_path / "other")}) != key


def test_by_default_the_file_lies_in_the_configuration_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "user_config_path", lambda name: tmp_path / name)
    load_key({})
    assert [path.name for path in (tmp_path / "worktally").iterdir()] == ["key"]


def test_a_directory_that_was_there_keeps_its_mode(tmp_path):
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home").chmod(0o755)
    load_key({"WORKTALLY_KEY_FILE": str(tmp_path / "home" / "key")})
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o755


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o610, 0o601])
def test_a_file_open_to_others_is_refused(mode, tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_key({"WORKTALLY_KEY_FILE": str(file)})


def make_directory(path: Path):
    path.mkdir()


@pytest.mark.parametrize(
    "make",
    [make_directory, lambda path: path.write_bytes(b"\xff" * 40), lambda path: path.touch()],
    ids=["a directory", "not text", "empty"],
)
def test_a_file_that_holds_no_key_is_refused(make, tmp_path):
    make(tmp_path / "key")
    os.chmod(tmp_path / "key", 0o700 if (tmp_path / "key").is_dir() else 0o600)  # noqa: PTH101
    with pytest.raises(SettingsError, match="key"):
        load_key({"WORKTALLY_KEY_FILE": str(tmp_path / "key")})


def hmac_by_hand(key, message):
    """RFC 2104 spelled out, over hashlib alone."""
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()


def test_a_hash_is_hmac_sha256_under_a_key_of_the_quarter():
    own_key = hmac_by_hand(KEY.encode(), b"quarter:2026Q1")
    expected = hmac_by_hand(own_key, b"account:7").hex()[:32]
    assert keyed_hash(KEY.encode(), "2026Q1")("account:7") == expected


@pytest.mark.parametrize("text", ["account:7", "", "ü" * 500, "\ud800", "a\0b"])
def test_hashes_have_the_form_of_the_tables_and_differ_by_key_and_quarter(text):
    hashes = [
        keyed_hash(key.encode(), quarter)(text)
        for key in (KEY, LONG)
        for quarter in ("2026Q1", "2026Q2", None)
    ]
    assert len(set(hashes)) == 6
    assert all(re.fullmatch(KEYED_HASH, each) for each in hashes)
    assert keyed_hash(KEY.encode(), "2026Q1")(text) == hashes[0]


def test_each_purpose_and_quarter_has_a_key_of_its_own():
    keys = {
        derive_key(key.encode(), purpose, quarter)
        for key in (KEY, LONG)
        for purpose in ("contributions", "rounding", "ledger")
        for quarter in ("2026Q1", "2026Q2")
    }
    assert len(keys) == 12
    assert {len(key) for key in keys} == {32}
    expected = hmac_by_hand(KEY.encode(), b"rounding:2026Q1")
    assert derive_key(KEY.encode(), "rounding", "2026Q1") == expected
    # the key of the ids is none of them
    assert hmac_by_hand(KEY.encode(), b"quarter:2026Q1") not in keys


def test_a_random_key_is_never_taken_for_a_pattern():
    rng = random.Random(1)
    for length in (16, 24, 32, 48):
        for _ in range(500):
            data = rng.randbytes(length)
            keys = (data.hex(), base64.urlsafe_b64encode(data).decode().rstrip("="))
            for key in keys:
                if len(key) >= identity.MINIMUM_KEY_LENGTH:
                    assert load_key({"WORKTALLY_KEY": key}) == key.encode()
