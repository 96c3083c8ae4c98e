"""Builds the released database from scratch, checks it, and swaps it in whole or not at all.

The database is built by a process of its own that has never seen a conversation, with memory that
the allocator hands out zeroed: DuckDB writes whole blocks, and what lay in the unused part of one
would otherwise be left in the file. It also makes the file the same byte for byte.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import dataframely as dy
import duckdb
import polars as pl

from flows.confine import ContractError
from flows.disclosure.floors import (
    ACCOUNT_FLOOR,
    CONVERSATION_FLOOR,
    UNKNOWN_ACCOUNT_CONVERSATION_FLOOR,
)
from flows.settings import SettingsError
from flows.tables import RELEASED_TABLES, DataDictionary, PublishedTable, Zone, released_columns
from taxonomy.patterns import MODES

STORAGE_VERSION = "v1.2.0"  # the oldest that DuckDB 2 writes; clients from 1.2 on can read it
_TYPES = {"Int64": "BIGINT", "Float64": "DOUBLE", "Bool": "BOOLEAN"}
_KEPT_BY_RELEASE = ("reference_task_occupations",)
_WRITTEN_ANEW = ("data_dictionary", "reference_shares")


def publish_release(tables: Mapping[str, pl.DataFrame], *, quarter: str, database: Path) -> str:
    """Publishes one quarter; the other quarters of an existing database are carried over.

    Args:
        tables: Every table of `RELEASED_TABLES` but the data dictionary, by name, for one quarter;
            `releases.release_id` is filled in here.
        quarter: Such as 2026Q1; an earlier release of it is replaced.
        database: Where the finished database goes.

    Returns:
        The release id: sha256 over the released tables, first 16 digits.

    Raises:
        ContractError: A table is missing, is not of the published zone, breaks its schema, or a
            row breaks the floors. Nothing is published; the old database stays as it was.
        SettingsError: `database` exists and is not a database of ours.
    """
    frames = _checked(tables)
    release_id = _content_hash(frames)
    frames["releases"] = frames["releases"].with_columns(release_id=pl.lit(release_id))
    frames["data_dictionary"] = data_dictionary()
    if database.exists():
        _check_is_ours(database)
    database.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".publishing-", dir=database.parent) as temporary:
        staging = Path(temporary)
        for name, frame in frames.items():
            frame.select(released_columns(RELEASED_TABLES[name])).write_parquet(
                staging / f"{name}.parquet"
            )
        built = _build_in_clean_process(staging, quarter, database)
        verify_database(built)
        _swap_in(built, database)
    return release_id


def data_dictionary() -> dy.DataFrame[DataDictionary]:
    """Every column of every released table, from the schemas."""
    rows = [
        {
            "table_name": name,
            "column_name": column,
            "column_type": _column_type(table, column),
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
    if database.with_name(database.name + ".wal").exists():
        raise ContractError("publish: a write-ahead log lies beside the database")
    with duckdb.connect(str(database), read_only=True) as connection:
        for name, table in RELEASED_TABLES.items():
            _verify_table(connection, name, table)
        for (view,) in connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
        ).fetchall():
            connection.execute(f'SELECT count(*) FROM "{view}"')  # noqa: S608


def floor_check(table: type[PublishedTable]) -> str | None:
    """The condition, in SQL, that every row of a table of figures has to meet; None without one.

    A released row has its counts over the floors of the code; a withheld row has no figure at all.
    A mode is a sum of patterns that each passed; accounts of two patterns overlap, so it has none.
    """
    columns = table.column_names()
    if "suppression" not in columns:
        return None
    no_accounts = f"conversation_count >= {UNKNOWN_ACCOUNT_CONVERSATION_FLOOR}"
    if "pattern" in columns:
        modes = ", ".join(f"'{mode}'" for mode in MODES)
        no_accounts = f"({no_accounts} OR pattern IN ({modes}))"
    figures = [
        name
        for name in ("usage", "conversation_count", "account_count", "share", "task_equal_share")
        if name in columns
    ]
    withheld = " AND ".join(f"{name} IS NULL" for name in figures)
    return (
        f"COALESCE(CASE WHEN suppression <> 'none' THEN {withheld}"
        f" ELSE conversation_count >= {CONVERSATION_FLOOR}"
        f" AND (CASE WHEN account_count IS NULL THEN {no_accounts}"
        f" ELSE account_count >= {ACCOUNT_FLOOR} END) END, FALSE)"
    )


def build_database(staging: Path, quarter: str, previous: Path | None) -> None:
    """Writes `staging/built.duckdb` from the Parquet files there; runs in the clean process."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")  # one thread writes rows in their order
        connection.execute("PRAGMA force_compression = 'uncompressed'")  # samples at random else
        connection.execute(
            f"ATTACH '{staging / 'built.duckdb'}' AS built (STORAGE_VERSION '{STORAGE_VERSION}')"
        )
        if previous:
            connection.execute(f"ATTACH '{previous}' AS previous (READ_ONLY)")
        connection.execute("USE built")
        for name, table in RELEASED_TABLES.items():
            connection.execute(_create_table(name, table))
            connection.execute(_insert(name, table, staging, quarter, previous is not None))
        connection.execute(files("flows").joinpath("publish.sql").read_text("utf-8"))
        connection.execute("CHECKPOINT built")
        connection.execute("USE memory")
        connection.execute("DETACH built")


def _checked(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    expected = set(RELEASED_TABLES) - {"data_dictionary"}
    if set(tables) != expected:
        missing = ", ".join(sorted(expected ^ set(tables)))
        raise ContractError(f"publish: not the tables of a release: {missing}")
    frames: dict[str, pl.DataFrame] = {}
    for name, frame in tables.items():
        table = RELEASED_TABLES[name]
        if table.zone is not Zone.PUBLISHED:
            raise ContractError(f"publish: {name} is not of the published zone")
        frames[name] = table.validate(frame)
        condition = floor_check(table)
        broken = 0 if condition is None else frame.sql(
            f"SELECT 1 AS one FROM self WHERE NOT {condition}"  # noqa: S608
        ).height
        if broken:
            raise ContractError(f"publish: {name}: {broken} rows break the floors")
    return frames


def _content_hash(frames: Mapping[str, pl.DataFrame]) -> str:
    digest = hashlib.sha256()
    for name in sorted(frames):
        frame = frames[name]
        if name == "releases":
            frame = frame.drop("release_id")
        digest.update(f"{name}\n{frame.write_csv()}".encode())
    return digest.hexdigest()[:16]


def _check_is_ours(database: Path) -> None:
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            present = {
                name
                for (name,) in connection.execute(
                    "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
                ).fetchall()
            }
    except duckdb.Error:
        raise SettingsError(f"publish: {database} cannot be read as a database") from None
    if not set(RELEASED_TABLES) <= present:
        raise SettingsError(f"publish: {database} is not a database of released tables")


def _build_in_clean_process(staging: Path, quarter: str, database: Path) -> Path:
    plan = {"staging": str(staging), "quarter": quarter}
    if database.exists():
        plan["previous"] = str(database)
    finished = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "flows.publish"],
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


def _create_table(name: str, table: type[PublishedTable]) -> str:
    lines = [_column_definition(table, column) for column in released_columns(table)]
    condition = floor_check(table)
    if condition:
        lines.append(f"CONSTRAINT floors_hold CHECK ({condition})")
    comments = [f"COMMENT ON TABLE {name} IS {_literal(_first_line(table))}"]
    comments += [
        f"COMMENT ON COLUMN {name}.{column} IS {_literal(table.columns()[column].description)}"
        for column in released_columns(table)
    ]
    return ";\n".join([f"CREATE TABLE {name} ({', '.join(lines)})", *comments])


def _column_definition(table: type[PublishedTable], column: str) -> str:
    definition = table.columns()[column]
    parts = [f'"{column}"', _column_type(table, column)]
    if not definition.nullable:
        parts.append("NOT NULL")
    if isinstance(definition, dy.Enum):
        allowed = ", ".join(_literal(value) for value in definition.categories)
        parts.append(f'CHECK ("{column}" IN ({allowed}))')
    return " ".join(parts)


def _insert(
    name: str, table: type[PublishedTable], staging: Path, quarter: str, has_previous: bool
) -> str:
    columns = ", ".join(f'"{column}"' for column in released_columns(table))
    new = f"SELECT {columns} FROM read_parquet('{staging / name}.parquet')"  # noqa: S608
    keys = ", ".join(f'"{key}"' for key in table.primary_key())
    if not has_previous or name in _WRITTEN_ANEW:
        return f"INSERT INTO {name} {new} ORDER BY {keys}"  # noqa: S608
    kept = f"SELECT {columns} FROM previous.{name}"  # noqa: S608
    if name in _KEPT_BY_RELEASE:
        other = f"WHERE onet_release NOT IN (SELECT onet_release FROM ({new}))"  # noqa: S608
    else:
        other = f"WHERE quarter <> '{quarter}'"
    return f"INSERT INTO {name} ({kept} {other}) UNION ALL ({new}) ORDER BY {keys}"  # noqa: S608


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
    with built.open("rb") as file:
        os.fsync(file.fileno())
    database.with_name(database.name + ".wal").unlink(missing_ok=True)  # a stale one ruins the new
    built.replace(database)


def _column_type(table: type[PublishedTable], column: str) -> str:
    return _TYPES.get(type(table.columns()[column]).__name__, "VARCHAR")


def _first_line(table: type[PublishedTable]) -> str:
    return (table.__doc__ or "").strip().splitlines()[0]


def _literal(text: str | None) -> str:
    return "'" + (text or "").replace("'", "''") + "'"


if __name__ == "__main__":
    order = json.load(sys.stdin)
    build_database(
        Path(order["staging"]),
        order["quarter"],
        Path(order["previous"]) if "previous" in order else None,
    )
