"""Decides which zip archives are safe to unpack: plain files in one folder, within limits."""

import re
import shutil
import stat
import zlib
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

MAX_FILES = 500
MAX_UNPACKED_BYTES = 1 << 30
MAX_RATIO = 100  # O*NET's text tables shrink to about a tenth
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,._()&'+-]{0,119}")
_IS_ENCRYPTED = 0x1
_CORRUPT = (BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError, ValueError)


class FetchError(Exception):
    """A release was not fetched, or is not what was fetched; nothing was left behind."""


def unpack(archive: Path, target: Path) -> Path:
    """Unpacks the files of the archive, which may lie in one folder.

    Args:
        archive: The zip file.
        target: An existing directory.

    Returns:
        The directory in `target` with the files, named as the archive's folder.

    Raises:
        FetchError: The archive is damaged or unsafe. Files may be left in `target`.
    """
    try:
        with ZipFile(archive) as zip_file:
            folder, files = _accept(zip_file.infolist(), archive.stat().st_size)
            directory = target / (folder or "unpacked")
            directory.mkdir()
            for name, member in files.items():
                with zip_file.open(member) as source, (directory / name).open("xb") as copy:
                    shutil.copyfileobj(source, copy)  # reads to the end, which checks the CRC
    except _CORRUPT:
        raise FetchError("archive: is no zip file, or a damaged one") from None
    return directory


def _accept(members: list[ZipInfo], archive_bytes: int) -> tuple[str, dict[str, ZipInfo]]:
    """The archive's folder, and its files by name."""
    _require_limits(members, archive_bytes)
    paths = [(_parts(member), member) for member in members if _is_file(member)]
    folders = {parts[:-1] for parts, _ in paths}
    names = {parts[-1].casefold() for parts, _ in paths}
    if len(folders) != 1 or len(next(iter(folders))) > 1:
        raise FetchError("archive: its files do not lie together in one folder")
    if len(names) < len(paths):
        raise FetchError("archive: holds two files of the same name")
    return "".join(folders.pop()), {parts[-1]: member for parts, member in paths}


def _require_limits(members: list[ZipInfo], archive_bytes: int) -> None:
    packed = sum(member.compress_size for member in members)
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_FILES:
        raise FetchError(f"archive: holds more than {MAX_FILES} files")
    if unpacked > MAX_UNPACKED_BYTES:
        raise FetchError(f"archive: unpacks to more than {MAX_UNPACKED_BYTES} bytes")
    if unpacked > MAX_RATIO * archive_bytes:
        raise FetchError(f"archive: unpacks to more than {MAX_RATIO} times its size")
    if packed > archive_bytes:
        raise FetchError("archive: its files overlap")


def _is_file(member: ZipInfo) -> bool:
    """Whether the member is a regular file; a folder has no content of its own."""
    _parts(member)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if member.is_dir() else stat.S_IFREG):
        raise FetchError("archive: holds a link, device or other special file")
    if member.flag_bits & _IS_ENCRYPTED:
        raise FetchError("archive: is encrypted")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise FetchError("archive: uses a compression other than deflate")
    return not member.is_dir()


def _parts(member: ZipInfo) -> tuple[str, ...]:
    """The path's parts, as stored: zipfile itself would cut a name at a NUL character."""
    parts = tuple(member.orig_filename.removesuffix("/").split("/"))
    if not all(_NAME.fullmatch(part) for part in parts):
        raise FetchError("archive: holds an unsafe file name")
    return parts
