"""Decides what a release of the task taxonomy is: its name, notice, occupations, tasks and DWAs."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from onet.ratings import rate_tasks
from onet.text_table import (
    ReleaseError,
    TableFile,
    find_table,
    parse_table,
    read_file,
    refuse,
    require_codes,
    require_values,
    whole_numbers,
)

__all__ = ["Release", "ReleaseError", "load_release", "load_task_statements"]

STARTER_NOTICE = "Starter taxonomy, not O*NET"
_STARTER = Path(__file__).resolve().parents[1] / "data" / "starter"
_REQUIRED = ("Occupation Data", "Task Statements")
_OPTIONAL = ("Task Ratings", "Tasks to DWAs", "DWA Reference", "Read Me")
_TASK_TYPE = pl.Enum(["Core", "Supplemental"])
_STARTER_READ_ME = re.compile(r"\s*Worktally starter taxonomy (\d+)\b")
_ONET_READ_ME = re.compile(r"O\*NET\S*\s+(\d+\.\d+)\s+Database", re.IGNORECASE)
_ONET_DIRECTORY = re.compile(r"(?:db_)?(\d+)[._](\d+)(?:_text)?")


@dataclass(frozen=True, eq=False)
class Release:
    """One release of the task taxonomy.

    Attributes:
        name: Such as `30.1` or `starter-1`.
        notice: What it is and under which licence, in one sentence.
        is_starter: Whether it is the packaged starter taxonomy.
        content_hash: sha256 over the names and hashes of the files used.
        occupations: `onet_soc_code`, `occupation_title`.
        tasks: A row per task row: `task_id`, `onet_soc_code`, `statement`, `task_type` (Core,
            Supplemental or null), `importance` (1 to 5), `relevance` (percent) and `frequency`
            (expected category, 1 yearly or less to 7 hourly or more), null where not rated.
        task_dwas: `task_id`, `dwa_id`, `dwa_title`; without rows where the release has none.
    """

    name: str
    notice: str
    is_starter: bool
    content_hash: str
    occupations: pl.DataFrame
    tasks: pl.DataFrame
    task_dwas: pl.DataFrame


def load_release(source: Path | Literal["starter"]) -> Release:
    """Reads a directory with the text files of an O*NET release or their csv conversion.

    Args:
        source: The directory, or `starter` for the packaged starter taxonomy.

    Raises:
        ReleaseError: A file or column is missing or malformed, or the release has no name.
    """
    directory = _STARTER if source == "starter" else Path(source)
    if not directory.is_dir():
        raise ReleaseError(f"{directory.name}: is not a directory with an O*NET release")
    files = {table: find_table(directory, table) for table in (*_REQUIRED, *_OPTIONAL)}
    for table in _REQUIRED:
        if files[table] is None:
            raise ReleaseError(f"{table}.txt: is missing, and so is its csv conversion")
    found = {table: file for table, file in files.items() if file is not None}
    name, is_starter = _name(found.get("Read Me"), directory)
    occupations = _occupations(found["Occupation Data"])
    tasks = _tasks(found["Task Statements"], occupations)
    return Release(
        name=name,
        notice=STARTER_NOTICE if is_starter else _notice(f"O*NET {name} Database"),
        is_starter=is_starter,
        content_hash=_content_hash(found.values()),
        occupations=occupations,
        tasks=rate_tasks(tasks, found.get("Task Ratings")),
        task_dwas=_task_dwas(found.get("Tasks to DWAs"), found.get("DWA Reference"), tasks),
    )


def load_task_statements(path: Path) -> Release:
    """Reads the Economic Index's single file of task statements, which carries the titles itself.

    The file does not say which O*NET release it is of: its name is made of its hash.

    Raises:
        ReleaseError: The file or a column is missing or malformed.
    """
    file = read_file(path)
    occupations = _occupations(file)
    content_hash = _content_hash([file])
    return Release(
        name=f"task-statements-{content_hash[:8]}",
        notice=_notice("O*NET task statements"),
        is_starter=False,
        content_hash=content_hash,
        occupations=occupations,
        tasks=rate_tasks(_tasks(file, occupations), None),
        task_dwas=_no_task_dwas(),
    )


def _name(read_me: TableFile | None, directory: Path) -> tuple[str, bool]:
    text = read_me.content.decode("utf-8-sig", errors="replace") if read_me else ""
    if starter := _STARTER_READ_ME.match(text):
        return f"starter-{starter[1]}", True
    if onet := _ONET_READ_ME.search(text):
        return onet[1], False
    if onet := _ONET_DIRECTORY.fullmatch(directory.resolve().name):
        return f"{onet[1]}.{onet[2]}", False
    raise ReleaseError(
        "Read Me.txt: does not name the release; name its directory after it, such as 30.1"
    )


def _notice(what: str) -> str:
    return (
        f"{what}, U.S. Department of Labor/ETA, CC BY 4.0; modified: equal task statements are "
        "merged and usage figures added, which USDOL/ETA has not approved, endorsed or tested"
    )


def _content_hash(files: Iterable[TableFile]) -> str:
    lines = sorted(f"{file.name}\0{hashlib.sha256(file.content).hexdigest()}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _occupations(file: TableFile) -> pl.DataFrame:
    table = parse_table(file, ["O*NET-SOC Code", "Title"]).unique()
    require_codes(file, table)
    require_values(file, table, "Title")
    has_titles = table["O*NET-SOC Code"].is_duplicated()
    refuse(file, "O*NET-SOC Code", has_titles, "titles of codes that have more than one")
    return table.rename({"O*NET-SOC Code": "onet_soc_code", "Title": "occupation_title"}).sort(
        "onet_soc_code"
    )


def _tasks(file: TableFile, occupations: pl.DataFrame) -> pl.DataFrame:
    table = parse_table(file, ["O*NET-SOC Code", "Task ID", "Task", "Task Type"])
    require_codes(file, table)
    require_values(file, table, "Task")
    task_id = whole_numbers(file, table, "Task ID")
    refuse(file, "Task ID", task_id.is_duplicated(), "repeated ids")
    is_known_type = table["Task Type"].is_in(_TASK_TYPE.categories.to_list())
    refuse(file, "Task Type", ~is_known_type, "values other than Core and Supplemental")
    is_known = table["O*NET-SOC Code"].is_in(occupations["onet_soc_code"].to_list())
    refuse(file, "O*NET-SOC Code", ~is_known, "tasks of an unknown occupation")
    return (
        table.select(
            task_id,
            onet_soc_code="O*NET-SOC Code",
            statement="Task",
            task_type=pl.col("Task Type").cast(_TASK_TYPE),
        )
        .rename({"Task ID": "task_id"})
        .sort("task_id")
    )


def _task_dwas(
    links: TableFile | None, reference: TableFile | None, tasks: pl.DataFrame
) -> pl.DataFrame:
    if links is None:
        return _no_task_dwas()
    table = parse_table(links, ["Task ID", "DWA ID"])
    require_values(links, table, "DWA ID")
    task_id = whole_numbers(links, table, "Task ID")
    is_known = task_id.is_in(tasks["task_id"].to_list())
    refuse(links, "Task ID", ~is_known, "ids of unknown tasks")
    return (
        table.lazy()
        .select(task_id.alias("task_id"), dwa_id="DWA ID")
        .unique()
        .join(_dwa_titles(reference).lazy(), on="dwa_id", how="left", validate="m:1")
        .sort("task_id", "dwa_id")
        .collect()
    )


def _dwa_titles(file: TableFile | None) -> pl.DataFrame:
    if file is None:
        return _no_task_dwas().select("dwa_id", "dwa_title")
    table = parse_table(file, ["DWA ID", "DWA Title"]).unique()
    require_values(file, table, "DWA ID", "DWA Title")
    refuse(file, "DWA ID", table["DWA ID"].is_duplicated(), "titles of ids that have more than one")
    return table.rename({"DWA ID": "dwa_id", "DWA Title": "dwa_title"})


def _no_task_dwas() -> pl.DataFrame:
    return pl.DataFrame(schema={"task_id": pl.Int64, "dwa_id": pl.String, "dwa_title": pl.String})
