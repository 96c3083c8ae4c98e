"""Decides whether a release may go out, and swaps the database in whole or not at all.

The database is built from scratch by a process of its own (`database.py`) and checked before it
takes its place; an older one is only ever replaced.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import dataframely as dy
import duckdb
import polars as pl

from flows.confine import ContractError, confine
from flows.database import column_type, floor_check
from flows.settings import SettingsError
from flows.store import PRIVATE_FILE, staging_directory
from flows.tables import RELEASED_TABLES, DataDictionary, PublishedTable, Zone, released_columns


def publish_release(
    tables: Mapping[str, pl.DataFrame],
    *,
    quarter: str,
    database: Path,
    admit: Callable[[str], None] | None = None,
) -> str:
    """Publishes one quarter; the other quarters of an existing database are carried over.

    Args:
        tables: Every table of `RELEASED_TABLES` but the data dictionary, by name, for one quarter;
            `releases.release_id` is filled in here.
        quarter: Such as 2026Q1; an earlier release of it is replaced.
        database: Where the finished database goes.
        admit: Is told the release id before anything is built, and raises where it may not go out.

    Returns:
        The release id: sha256 over the released tables, first 16 digits.

    Raises:
        ContractError: A table is missing, is not of the published zone, breaks its schema, is of
            another quarter, or a row breaks the floors. Nothing is published; the old database
            stays as it was.
        SettingsError: `database` exists and is not a database of ours.
    """
    frames = _checked(tables, quarter)
    release_id = _content_hash(frames)
    if admit:
        admit(release_id)
    frames["releases"] = frames["releases"].with_columns(release_id=pl.lit(release_id))
    frames["data_dictionary"] = data_dictionary()
    staging = database.with_name(f".{database.name}.publishing")
    with staging_directory(staging):
        previous = _copy_previous(database, staging)
        for name, frame in frames.items():
            frame.select(released_columns(RELEASED_TABLES[name])).write_parquet(
                staging / f"{name}.parquet"
            )
        built = _build_in_clean_process(staging, quarter, previous)
        verify_database(built)
        _swap_in(built, database)
    return release_id


def holds_quarter(database: Path, quarter: str) -> bool:
    """Whether a database holds a release of the quarter.

    Raises:
        SettingsError: It exists and is not a database of ours.
    """
    if not database.exists():
        return False
    with tempfile.TemporaryDirectory(prefix="worktally-") as temporary:
        copy = _copy_previous(database, Path(temporary))
        with duckdb.connect(str(copy), read_only=True) as connection:
            found = connection.execute("SELECT 1 FROM releases WHERE quarter = ?", [quarter])
            return found.fetchone() is not None


def told_epsilons(database: Path) -> dict[str, float | None]:
    """What a database tells to have been spent of privacy up to each quarter; None without noise.

    Raises:
        SettingsError: It exists and is not a database of ours.
    """
    if not database.exists():
        return {}
    with tempfile.TemporaryDirectory(prefix="worktally-") as temporary:
        copy = _copy_previous(database, Path(temporary))
        with duckdb.connect(str(copy), read_only=True) as connection:
            try:
                rows = connection.execute("SELECT quarter, epsilon_spent FROM releases").fetchall()
            except duckdb.Error:
                raise SettingsError(f"publish: {database} is of an earlier version") from None
            return dict(rows)


def data_dictionary() -> dy.DataFrame[DataDictionary]:
    """Every column of every released table, from the schemas."""
    rows = [
        {
            "table_name": name,
            "column_name": column,
            "column_type": column_type(table, column),
            "is_nullable": table.columns()[column].nullable,
            "description": table.columns()[column].description,
        }
        for name, table in RELEASED_TABLES.items()
        for column in released_columns(table)
    ]
    return DataDictionary.validate(pl.DataFrame(rows))


def verify_database(database: Path) -> None:
    """Opens a database read-only and checks tables, floors, keys and views.

    Raises:
        ContractError: Names the check that failed.
    """
    if log_beside(database).exists():
        raise ContractError("publish: a write-ahead log lies beside the database")
    with duckdb.connect(str(database), read_only=True) as connection:
        for name, table in RELEASED_TABLES.items():
            _verify_table(connection, name, table)
        for (view,) in connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
        ).fetchall():
            connection.execute(f'SELECT count(*) FROM "{view}"')  # noqa: S608


def log_beside(database: Path) -> Path:
    """Where DuckDB would keep the write-ahead log of a database; a finished one has none."""
    return database.with_name(database.name + ".wal")


def _checked(tables: Mapping[str, pl.DataFrame], quarter: str) -> dict[str, pl.DataFrame]:
    expected = set(RELEASED_TABLES) - {"data_dictionary"}
    if set(tables) != expected:
        missing = ", ".join(sorted(expected ^ set(tables)))
        raise ContractError(f"publish: not the tables of a release: {missing}")
    frames: dict[str, pl.DataFrame] = {}
    for name, frame in tables.items():
        table = RELEASED_TABLES[name]
        if table.zone is not Zone.PUBLISHED:
            raise ContractError(f"publish: {name} is not of the published zone")
        with confine(f"publish: {name}"):
            frames[name] = table.validate(frame)
            other_quarters = frames[name].filter(_quarter_of(table) != quarter).height
            below_floors = _rows_below_floors(frames[name], table, tables["releases"])
        if other_quarters:
            raise ContractError(f"publish: {name}: {other_quarters} rows of another quarter")
        if below_floors:
            raise ContractError(f"publish: {name}: {below_floors} rows break the floors")
    if frames["releases"].height != 1:
        raise ContractError("publish: releases must have the one row of the quarter")
    return frames


def _quarter_of(table: type[PublishedTable]) -> pl.Expr:
    has_quarter = "quarter" in table.column_names()
    return pl.col("quarter") if has_quarter else pl.lit(None, pl.String)


def _rows_below_floors(
    frame: pl.DataFrame, table: type[PublishedTable], releases: pl.DataFrame
) -> int:
    """Rows that break the floors of the code, or the higher one that the release itself names."""
    condition = floor_check(table)
    if condition is None:
        return 0
    breaks = f"NOT {condition}"
    for floor in releases["conversation_floor"].to_list():
        breaks += f" OR conversation_count < {floor}"
    return frame.sql(f"SELECT 1 AS one FROM self WHERE {breaks}").height  # noqa: S608


def _content_hash(frames: Mapping[str, pl.DataFrame]) -> str:
    digest = hashlib.sha256()
    for name in sorted(frames):
        frame = frames[name]
        if name == "releases":
            frame = frame.drop("release_id")
        digest.update(f"{name}\n{frame.write_csv()}".encode())
    return digest.hexdigest()[:16]


def _copy_previous(database: Path, staging: Path) -> Path | None:
    """A copy, which nobody can have locked and no stale write-ahead log lies beside."""
    if not database.exists():
        return None
    previous = staging / "previous.duckdb"
    try:
        shutil.copyfile(database, previous)
        with duckdb.connect(str(previous), read_only=True) as connection:
            present = {
                name
                for (name,) in connection.execute(
                    "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
                ).fetchall()
            }
    except (OSError, duckdb.Error):
        raise SettingsError(f"publish: {database} cannot be read as a database") from None
    if not set(RELEASED_TABLES) <= present:
        raise SettingsError(f"publish: {database} is not a database of released tables")
    return previous


def _build_in_clean_process(staging: Path, quarter: str, previous: Path | None) -> Path:
    plan = {"staging": str(staging), "quarter": quarter}
    if previous:
        plan["previous"] = str(previous)
    finished = subprocess.run(
        [sys.executable, "-m", "flows.database"],
        input=json.dumps(plan),
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "DUCKDB_JE_MALLOC_CONF": "zero:true"},
    )
    if finished.returncode != 0:
        # the released tables hold no text of anyone, so DuckDB's message can be shown
        message = finished.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ContractError(f"publish: the database was not built: {message[0]}")
    return staging / "built.duckdb"


def _verify_table(
    connection: duckdb.DuckDBPyConnection, name: str, table: type[PublishedTable]
) -> None:
    keys = ", ".join(table.primary_key())
    duplicates = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {name} GROUP BY {keys} HAVING count(*) > 1)"  # noqa: S608
    ).fetchone()
    if duplicates != (0,):
        raise ContractError(f"publish: {name} has rows with the same key")
    condition = floor_check(table)
    if condition is None:
        return
    broken = connection.execute(f"SELECT count(*) FROM {name} WHERE NOT {condition}").fetchone()  # noqa: S608
    if broken != (0,):
        raise ContractError(f"publish: {name} has rows that break the floors")


def _swap_in(built: Path, database: Path) -> None:
    built.chmod(PRIVATE_FILE)
    with built.open("rb") as file:
        os.fsync(file.fileno())
    log_beside(database).unlink(missing_ok=True)  # a stale one would ruin the new database
    built.replace(database)
