"""Decides whether a downloaded O*NET release may be used: fetches, checks and installs it."""

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onet.archive import FetchError, unpack
from onet.release import ReleaseError, load_release

__all__ = ["FetchError", "FetchedRelease", "fetch_release", "verify_release"]

MAX_ARCHIVE_BYTES = 200_000_000
MAX_SECONDS = 1800.0
_MAX_REDIRECTS = 5
_MANIFEST = "release.json"
_VERSION = r"^[0-9]+\.[0-9]+$"
_SHA256 = r"^[0-9a-f]{64}$"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class FetchedRelease:
    """An installed release.

    Attributes:
        path: Directory with the text files, for `load_release`.
        sha256: Of the archive it came in.
        file_count: Text files of the release.
    """

    path: Path
    sha256: str
    file_count: int


class _Manifest(BaseModel):
    """What `release.json` says: where the files came from, and their hashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: str = Field(pattern=_VERSION)
    url: str
    sha256: str = Field(pattern=_SHA256)
    files: dict[str, Annotated[str, Field(pattern=_SHA256)]]


def fetch_release(
    version: str,
    destination: Path,
    *,
    url: str | None = None,
    sha256: str | None = None,
    replace: bool = False,
    timeout_seconds: float = 30.0,
) -> FetchedRelease:
    """Downloads a release of the O*NET database into `destination / version`.

    A version that is there already is verified and kept.

    Args:
        version: Such as 30.1.
        destination: Directory of the releases; made when it is missing.
        url: Address of the zip file with the text tables; by default O*NET's own. Without
            `sha256` it must be https, unless the server is this machine.
        sha256: Hash that the archive must have.
        replace: Whether to fetch again and exchange a version that is there already.
        timeout_seconds: How long the server may be silent.

    Raises:
        FetchError: The release was not installed; nothing is left behind, and what was there stays.
    """
    if not re.fullmatch(_VERSION, version):
        raise FetchError("version: must be two numbers, such as 30.1")
    if sha256 is not None and not re.fullmatch(_SHA256, sha256):
        raise FetchError("sha256: must be 64 hexadecimal digits in lower case")
    final = destination / version
    if os.path.lexists(final) and not replace:
        return _keep(final, version, sha256)
    try:
        destination.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=destination) as temporary:
            archive = Path(temporary, "archive.zip")
            address = url or _default_url(version)
            found = _download(address, archive, timeout_seconds, is_pinned=sha256 is not None)
            if sha256 not in (None, found):
                raise FetchError("archive: has another sha256 than the one given")
            release = _unpack_release(archive, version)
            _write_manifest(release, version=version, url=address, sha256=found)
            _install(release, final, aside=Path(temporary, "replaced"))
    except OSError as error:
        raise FetchError(f"destination: {error.strerror}") from None
    return verify_release(final)


def verify_release(path: Path) -> FetchedRelease:
    """Checks an installed release against its `release.json`, file by file.

    Raises:
        FetchError: A file has changed, is missing or was added, or the release cannot be loaded.
    """
    try:
        manifest = _Manifest.model_validate_json((path / _MANIFEST).read_bytes())
        files = _hashes(path)
    except OSError as error:
        raise FetchError(f"{path.name}: {_MANIFEST}: {error.strerror}") from None
    except ValidationError:
        raise FetchError(f"{path.name}: {_MANIFEST} is malformed") from None
    files.pop(_MANIFEST, None)
    if files != manifest.files:
        raise FetchError(f"{path.name}: files differ from {_MANIFEST}; fetch the release again")
    _require_loads(path, manifest.version)
    return FetchedRelease(path=path, sha256=manifest.sha256, file_count=len(files))


def _keep(final: Path, version: str, sha256: str | None) -> FetchedRelease:
    existing = verify_release(final)
    _require_loads(final, version)
    if sha256 not in (None, existing.sha256):
        raise FetchError(f"{version}: is there already, from another archive; ask to replace it")
    return existing


def _default_url(version: str) -> str:
    name = f"db_{version.replace('.', '_')}_text.zip"
    return f"https://www.onetcenter.org/dl_files/database/{name}"


def _download(url: str, archive: Path, timeout_seconds: float, *, is_pinned: bool) -> str:
    """Streams the file to disk within the limits; returns its sha256."""
    try:
        with (
            httpx.Client(
                follow_redirects=True,
                max_redirects=_MAX_REDIRECTS,
                timeout=timeout_seconds,
                event_hooks={"request": [_require_trusted(is_pinned)]},
            ) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response,
        ):
            response.raise_for_status()
            return _save(response, archive)
    except httpx.HTTPStatusError as error:
        raise FetchError(f"download: the server answered {error.response.status_code}") from None
    except httpx.TooManyRedirects:
        raise FetchError("download: the server redirects too often") from None
    except httpx.TimeoutException:
        raise FetchError(f"download: the server was silent for {timeout_seconds} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise FetchError(f"download: failed with {type(error).__name__}") from None


def _require_trusted(is_pinned: bool) -> Callable[[httpx.Request], None]:
    """A check of every request, redirects included."""

    def require(request: httpx.Request) -> None:
        if request.url.userinfo:
            raise FetchError("url: must not carry a password")
        is_safe = request.url.scheme == "https" or request.url.host in _LOOPBACK
        if not (is_safe or is_pinned):
            raise FetchError("url: without a sha256 it must be https, redirects included")

    return require


def _save(response: httpx.Response, archive: Path) -> str:
    digest, size, deadline = hashlib.sha256(), 0, time.monotonic() + MAX_SECONDS
    with archive.open("xb") as file:
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > MAX_ARCHIVE_BYTES:
                raise FetchError(f"download: is larger than {MAX_ARCHIVE_BYTES} bytes")
            if time.monotonic() > deadline:
                raise FetchError(f"download: takes longer than {MAX_SECONDS} s")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _unpack_release(archive: Path, version: str) -> Path:
    target = archive.with_name("unpacked")
    target.mkdir()
    release = unpack(archive, target)
    if (release / _MANIFEST).exists():
        raise FetchError(f"archive: must not bring a {_MANIFEST}")
    _require_loads(release, version)
    return release


def _require_loads(path: Path, version: str) -> None:
    try:
        name = load_release(path).name
    except ReleaseError as error:
        raise FetchError(f"release: {error}") from None
    if name != version:
        raise FetchError(f"release: is {name}, not {version}")


def _write_manifest(release: Path, *, version: str, url: str, sha256: str) -> None:
    manifest = _Manifest(version=version, url=url, sha256=sha256, files=_hashes(release))
    (release / _MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")


def _hashes(directory: Path) -> dict[str, str]:
    """The sha256 of every file by name; whatever is no plain file has none."""
    hashes = {}
    for path in sorted(directory.iterdir()):
        is_plain = path.is_file() and not path.is_symlink()
        hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest() if is_plain else ""
    return hashes


def _install(release: Path, final: Path, aside: Path) -> None:
    """Moves the release to its place; a directory cannot be exchanged in one step."""
    if os.path.lexists(final):
        if final.is_symlink() or not final.is_dir():
            raise FetchError(f"{final.name}: is there already and is no directory")
        final.rename(aside)
    try:
        release.rename(final)
    except OSError:
        if aside.exists():
            aside.rename(final)
        raise
