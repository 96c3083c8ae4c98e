"""The work directory: content-addressed steps of Parquet tables, written atomically."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import dataframely as dy
import polars as pl

Table = TypeVar("Table", bound=dy.Schema)

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600


@dataclass(frozen=True)
class StoredTable:
    """One Parquet file of a step."""

    name: str
    path: str
    sha256: str
    row_count: int


@dataclass(frozen=True)
class Manifest:
    """What a step left behind: paths, hashes and counts, never text.

    Attributes:
        stage: Stage of the line.
        key: sha256 of the step's inputs, settings, code and model.
        tables: The step's tables by name.
        counts: Whole numbers that the run adds up, such as `rows_in`.
    """

    stage: str
    key: str
    tables: dict[str, StoredTable]
    counts: dict[str, int]

    def content_hash(self) -> str:
        """sha256 over the tables' hashes: what later steps depend on."""
        parts = [f"{name}={table.sha256}" for name, table in sorted(self.tables.items())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def read(self, table: str) -> pl.DataFrame:
        """Reads one table of the step."""
        return pl.read_parquet(self.tables[table].path)


def step_key(stage: str, *parts: str) -> str:
    """The address of a step: sha256 over stage, code version and everything it depends on."""
    return hashlib.sha256("\0".join([stage, code_version(), *parts]).encode()).hexdigest()


@cache
def code_version() -> str:
    """sha256 over our modules, their settings and SQL, 64 hexadecimal digits."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for package in ("flows", "onet", "taxonomy", "reports"):
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(root).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def find_step(work: Path, stage: str, key: str) -> Manifest | None:
    """A finished step, if all its files are there with the hashes that were written down."""
    path = _step_directory(work, stage, key) / "manifest.json"
    if not path.exists():
        return None
    try:
        manifest = _parse_manifest(json.loads(path.read_text("utf-8")))
    except (ValueError, LookupError, TypeError):
        return None  # torn or of another make: the step is done again
    intact = all(
        Path(table.path).exists() and file_sha256(Path(table.path)) == table.sha256
        for table in manifest.tables.values()
    )
    return manifest if intact else None


def write_step(
    work: Path,
    stage: str,
    key: str,
    tables: Mapping[str, pl.DataFrame],
    counts: Mapping[str, int],
) -> Manifest:
    """Writes a step into a temporary directory and moves it to its place in one go.

    Raises:
        OSError: The disk is full or not writable; nothing of the step is left behind.
    """
    directory = _step_directory(work, stage, key)
    make_private_directory(directory.parent)
    temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=directory.parent))
    try:
        stored = {
            name: _write_table(frame, name, temporary, directory) for name, frame in tables.items()
        }
        manifest = Manifest(stage, key, stored, dict(counts))
        write_private_file(temporary / "manifest.json", json.dumps(asdict(manifest), indent=1))
        shutil.rmtree(directory, ignore_errors=True)
        temporary.rename(directory)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return manifest


def total(manifests: Sequence[Manifest], count: str) -> int:
    """One count, added up over the partitions of a stage."""
    return sum(manifest.counts[count] for manifest in manifests)


def content_hashes(manifests: Sequence[Manifest]) -> list[str]:
    """Those of the parts of a stage, in order."""
    return [manifest.content_hash() for manifest in manifests]


def read_all(manifests: Sequence[Manifest], name: str, table: type[Table]) -> dy.DataFrame[Table]:
    """One table of all parts of a stage.

    Raises:
        dataframely.exc.ValidationError: It is not as the schema says.
    """
    return table.validate(pl.concat([manifest.read(name) for manifest in manifests]))


def purge_steps(work: Path) -> None:
    """Removes every step of the work directory: nothing per person outlives a release.

    Raises:
        OSError: Something could not be removed.
    """
    if (work / "steps").exists():
        shutil.rmtree(work / "steps")


def tidy_work(work: Path) -> None:
    """Closes a work directory to others, and removes what a killed process was writing in it.

    Nobody else may be using it.
    """
    for path in sorted(work.rglob("*")):
        if path.is_symlink() or not path.exists():  # gone with the directory that it lay in
            continue
        if path.name.startswith(".") and ".writing" in path.name:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        else:
            path.chmod(PRIVATE_DIRECTORY if path.is_dir() else PRIVATE_FILE)


@contextmanager
def private_files() -> Iterator[None]:
    """Whatever this process and its children create, libraries included, is its owner's alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def temporary_files_in(directory: Path) -> Iterator[None]:
    """Sends temporary files of this process and its children to a directory that is removed.

    One that a killed process left is removed first.
    """
    shutil.rmtree(directory, ignore_errors=True)
    before = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(make_private_directory(directory).resolve())
    try:
        yield
    finally:
        tempfile.tempdir = before[1]
        if before[0] is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before[0]
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def staging_directory(directory: Path) -> Iterator[None]:
    """A private directory for one process at a time; what a killed one left in it is removed."""
    if not directory.parent.exists():
        make_private_directory(directory.parent)
    with _alone(directory.with_name(f"{directory.name}.lock")):
        shutil.rmtree(directory, ignore_errors=True)
        make_private_directory(directory)
        try:
            yield
        finally:
            shutil.rmtree(directory)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Waits until no other process holds the lock, which is gone afterwards."""
    while True:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, PRIVATE_FILE), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_at(path, lock.fileno()):
                continue  # the one before removed it in the meantime
            try:
                yield
            finally:
                path.unlink()
            return


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def make_private_directory(path: Path) -> Path:
    """Creates a directory that only its owner can enter, or makes it one; so are new parents."""
    for directory in (*reversed(path.parents), path):
        directory.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
    path.chmod(PRIVATE_DIRECTORY)
    return path


def write_private_file(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, on the disk before it has its name."""
    temporary = path.with_name(f".{path.name}.writing")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def file_sha256(path: Path) -> str:
    """sha256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _step_directory(work: Path, stage: str, key: str) -> Path:
    return work / "steps" / stage / key[:32]


def _write_table(frame: pl.DataFrame, name: str, temporary: Path, final: Path) -> StoredTable:
    path = temporary / f"{name}.parquet"
    frame.write_parquet(path, compression="zstd")
    path.chmod(PRIVATE_FILE)
    return StoredTable(name, str(final / path.name), file_sha256(path), frame.height)


def _parse_manifest(values: dict[str, Any]) -> Manifest:
    tables = {name: StoredTable(**table) for name, table in values["tables"].items()}
    return Manifest(values["stage"], values["key"], tables, values["counts"])
