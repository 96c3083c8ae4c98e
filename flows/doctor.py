"""Finds out whether this machine can run the line, before a run does."""

import importlib.metadata
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from flows.embed import load_encoder
from flows.identity import load_key
from flows.loaded import load_onet
from flows.settings import Settings, SettingsError

_LEAST_FREE_BYTES = 2_000_000_000
_LOCK = Path(__file__).parent.parent / "requirements.lock"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    is_well: bool
    detail: str


def examine(settings: Settings, *, work: Path, onet: str) -> list[Finding]:
    """Looks at Python, packages, encoder, key, taxonomy and disk; changes nothing but the key."""
    return [
        Finding("Python 3.11", sys.version_info[:2] == (3, 11), sys.version.split()[0]),
        _packages(),
        _attempt("encoder", lambda: load_encoder(settings.embed).name),
        _attempt("key", lambda: f"{len(load_key())} bytes"),
        _attempt("O*NET", lambda: load_onet(onet).name),
        _disk(work),
    ]


def _packages() -> Finding:
    if not _LOCK.exists():
        return Finding("packages", False, "requirements.lock is missing")
    pinned = dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)==(\S+)", _LOCK.read_text("utf-8")))
    installed = {
        re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower(): d.version
        for d in importlib.metadata.distributions()
    }
    off = [
        name
        for name, version in pinned.items()
        if installed.get(re.sub(r"[-_.]+", "-", name).lower(), "").split("+")[0]
        != version.split("+")[0]
    ]
    detail = f"{len(pinned) - len(off)} of {len(pinned)} as in requirements.lock"
    return Finding("packages", not off, detail + (f"; off: {', '.join(off[:5])}" if off else ""))


def _attempt(name: str, look) -> Finding:  # type: ignore[no-untyped-def]
    try:
        return Finding(name, True, str(look()))
    except SettingsError as error:
        return Finding(name, False, str(error))


def _disk(work: Path) -> Finding:
    place = work
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    well = free >= _LEAST_FREE_BYTES and os.access(place, os.W_OK)
    return Finding("work directory", well, f"{free / 1e9:.0f} GB free")
