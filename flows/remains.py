"""Decides whether a run left anything of a person: canaries, open files, work not purged."""

import glob
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from flows.traces import Traces, find_traces, spell

_REPORTS = ("worktally-*.html", "worktally-*.md", "privacy-*.html")
_REFUSALS = ("refused-*.json", "refused-*.md", ".refused-*")
_LEFTOVERS = (".publishing-*", ".reading-*", ".report-*", ".worktally-*", ".privacy-*")
_KEPT = (".lock", "summary.json", "request*.json", "schedule.json", "server.log")
_KEPT_DIRECTORIES = ("prefect", "cache/steps/index")
_UNFINISHED = ".writing"


def look_for_canaries(
    database: Path | None, work: Path | None, canaries: Sequence[str], values: Iterable[bytes]
) -> dict[str, int]:
    """How many canaries are in what is released and in what else is left, and in what files.

    Args:
        database: The released database; reports and ledger lie beside it.
        work: The work directory.
        canaries: What is looked for.
        values: All values of the database, decoded.
    """
    spelled = spell(canaries)
    released, left = [], []
    if database is not None:
        paths = [database, *_beside(database, _REPORTS)]
        released.append(find_traces(spelled, database.parent, paths, values))
        left.append(find_traces(spelled, database.parent, _private(database)))
    if work is not None:
        left.append(find_traces(spelled, work, _with_all_below(work)))
    return {
        **_count_canaries("canaries in what is released", released),
        **_count_canaries("canaries in what the run left", left),
        "files that could not be searched for canaries": sum(
            traces.unread for traces in (*released, *left)
        ),
    }


def count_open_files(database: Path | None, work: Path) -> int:
    """Files and directories of a run that others than their owner can do anything with."""
    paths = list(_with_all_below(work))
    if database is not None:
        paths += [database, *_beside(database, _REPORTS), *_private(database)]
    modes = [path.lstat().st_mode for path in paths]
    return sum(bool(mode & 0o077) for mode in modes if not stat.S_ISLNK(mode))


def count_unpurged(work: Path) -> int:
    """Files of a work directory that are not among those that a purge keeps, which are no text."""
    return sum(
        not _is_kept(path.relative_to(work))
        for path in work.rglob("*")
        if path.is_symlink() or not path.is_dir()
    )


def _count_canaries(name: str, searches: Sequence[Traces]) -> dict[str, int]:
    """The number of canaries that were found, and for each kind of file the number in it."""
    kinds: dict[str, set[int]] = {}
    for traces in searches:
        for kind, numbers in traces.found.items():
            kinds.setdefault(kind, set()).update(numbers)
    by_kind = {f"{name}: {kind}": len(numbers) for kind, numbers in sorted(kinds.items())}
    return {name: len(set().union(*kinds.values())), **by_kind}


def _beside(database: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted(path for pattern in patterns for path in database.parent.glob(pattern))


def _private(database: Path) -> list[Path]:
    """The ledger, refusals, and what a killed run may have left beside the database."""
    name = glob.escape(database.name)
    own = (f".{name}.*", f"{name}.*")
    tops = _beside(database, (*own, *_REFUSALS, *_LEFTOVERS))
    return [path for top in tops for path in _with_all_below(top)]


def _with_all_below(directory: Path) -> Iterator[Path]:
    yield directory
    if directory.is_dir() and not directory.is_symlink():
        yield from sorted(directory.rglob("*"))


def _is_kept(relative: Path) -> bool:
    if any(_UNFINISHED in part for part in relative.parts):
        return False
    return any(len(relative.parts) == 1 and relative.match(name) for name in _KEPT) or any(
        relative.is_relative_to(directory) for directory in _KEPT_DIRECTORIES
    )
