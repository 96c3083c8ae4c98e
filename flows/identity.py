"""Turns account and conversation ids into keyed hashes that nobody can turn back or join."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from platformdirs import user_config_path

from flows.settings import SettingsError
from flows.store import make_private_directory, write_private_file

KEY_VARIABLE = "WORKTALLY_KEY"
KEY_FILE_VARIABLE = "WORKTALLY_KEY_FILE"
MINIMUM_KEY_LENGTH = 32


def load_key(environment: Mapping[str, str] = os.environ) -> bytes:
    """The owner's secret key: from the environment, or from a 0600 file made on the first run.

    The file lies in the user's configuration directory, away from all data.

    Raises:
        SettingsError: The key is shorter than 32 characters, has fewer than 8 different ones, or
            its file cannot be read, or can be read by others.
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
    return key.encode()
