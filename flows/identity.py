"""Turns account and conversation ids into keyed hashes that nobody can turn back or join."""

import hashlib
import hmac
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from platformdirs import user_config_path

from flows.settings import SettingsError
from flows.store import make_private_directory, write_private_file

KEY_VARIABLE = "WORKTALLY_KEY"
KEY_FILE_VARIABLE = "WORKTALLY_KEY_FILE"
MINIMUM_KEY_LENGTH = 32
_PLACEHOLDERS = (
    *("changeme", "changethis", "replaceme", "example", "password", "passphrase", "placeholder"),
    *("yourkey", "yoursecret", "secretkey", "supersecret", "insecure", "default"),
    *("qwerty", "letmein", "deadbeef", "loremipsum"),
)
_WEAK_WORDS = (
    *(
        "",
        "a",
        "admin",
        "changeme",
        "default",
        "demo",
        "example",
        "foo",
        "hello",
        "key",
        "password",
    ),
    *("root", "salt", "secret", "test", "worktally", "0", "1", "123", "1234", "123456", "12345678"),
)
_PUBLISHED = {  # example keys of FIPS 197, NIST SP 800-38A, RFC 3686 and of AES tutorials
    *("2b7e151628aed2a6abf7158809cf4f3c", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"),
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
    *("ae6852f8121067cc4bf7a5765577f39e", "5468617473206d79204b756e67204675"),
    *(
        hashlib.new(name, word.encode(), usedforsecurity=False).hexdigest()
        for name in ("md5", "sha1", "sha256", "sha512")
        for word in _WEAK_WORDS
    ),
}


def load_key(environment: Mapping[str, str] = os.environ) -> bytes:
    """The owner's secret key: from the environment, or from a 0600 file made on the first run.

    The file lies in the user's configuration directory, away from all data.

    Raises:
        SettingsError: The key is shorter than 32 characters, has fewer than 8 different ones, or is
            one that others know or could guess; or its file cannot be read, or by others too.
    """
    if KEY_VARIABLE in environment:
        return _checked(environment[KEY_VARIABLE], KEY_VARIABLE)
    named = environment.get(KEY_FILE_VARIABLE)
    path = Path(named) if named else user_config_path("worktally") / "key"
    try:
        key, mode = _read_or_make(path)
    except OSError as error:
        raise SettingsError(f"key: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"key: {path} is not text") from None
    if mode & 0o077:
        raise SettingsError(f"key: {path} can be read by others; run: chmod 600 {path}")
    return _checked(key, str(path))


def derive_key(key: bytes, purpose: str, quarter: str) -> bytes:
    """A key of its own for each purpose and quarter: HMAC-SHA256 under the owner's, 32 bytes."""
    return hmac.digest(key, f"{purpose}:{quarter}".encode(), "sha256")


def keyed_hash(key: bytes, quarter: str | None) -> Callable[[str], str]:
    """HMAC-SHA256 under a key of the quarter's own, cut to 128 bits (32 hexadecimal digits).

    A key per quarter keeps one person's hashes of two quarters from being joined.
    """
    quarter_key = hmac.digest(key, f"quarter:{quarter}".encode(), "sha256")

    def hash_id(text: str) -> str:
        digest = hmac.new(quarter_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return digest.hexdigest()[:32]

    return hash_id


def _read_or_make(path: Path) -> tuple[str, int]:
    if not path.exists():
        if not path.parent.exists():  # one that exists is not ours to close
            make_private_directory(path.parent)
        write_private_file(path, secrets.token_hex(32))
    return path.read_text("utf-8").strip(), path.stat().st_mode


def _checked(key: str, origin: str) -> bytes:
    if len(key) < MINIMUM_KEY_LENGTH or len(set(key)) < 8:
        raise SettingsError(
            f"key: {origin} is too weak; use {MINIMUM_KEY_LENGTH} or more random characters"
        )
    if _is_known(key) or _repeats(key) or _counts(key):
        raise SettingsError(
            f"key: {origin} is too weak: an example, or a pattern; for a random one run:"
            " python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    return key.encode()


def _is_known(key: str) -> bool:
    plain = re.sub(r"[\W_]", "", key.casefold())
    return plain in _PUBLISHED or any(word in plain for word in _PLACEHOLDERS)


def _repeats(key: str) -> bool:
    """Whether it is a shorter text over and over, the last time perhaps cut off."""
    lengths = range(1, min(len(key) // 2 + 1, MINIMUM_KEY_LENGTH))
    return any(key[length:] == key[:-length] for length in lengths)


def _counts(key: str) -> bool:
    """Whether its characters, or the bytes they spell, mostly follow on each other by one step."""
    spelled = [[ord(character) for character in key.casefold()]]
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", key):
        spelled.append(list(bytes.fromhex(key)))
    return any(2 * _commonest_step(values) >= len(values) - 1 for values in spelled)


def _commonest_step(values: list[int]) -> int:
    steps = Counter((after - before) % 256 for before, after in pairwise(values))
    return steps.most_common(1)[0][1]
