"""Writes the released database from Parquet files: its tables, their constraints, its views.

It runs as a process of its own that has never seen a conversation, with memory that the allocator
hands out zeroed: DuckDB writes whole blocks, and what lay in the unused part of one would otherwise
be left in the file. It also makes the file the same byte for byte.
"""

import json
import sys
from importlib.resources import files
from pathlib import Path

import dataframely as dy
import duckdb

from flows.disclosure.floors import CONVERSATION_FLOOR
from flows.tables import RELEASED_TABLES, PublishedTable, released_columns

STORAGE_VERSION = "v1.2.0"  # the oldest that DuckDB 2 writes; clients from 1.2 on can read it
_TYPES = {"Int64": "BIGINT", "Float64": "DOUBLE", "Bool": "BOOLEAN"}
_KEPT_BY_RELEASE = ("reference_task_occupations",)
_WRITTEN_ANEW = ("data_dictionary", "reference_shares")
_WITHHELD_TOGETHER = (
    "usage",
    "conversation_count",
    "share",
    "share_lower",
    "share_upper",
    "task_equal_share",
    "corrected_share",
    "corrected_lower",
    "corrected_upper",
    "label",
    "label_task_id",
)


def column_type(table: type[PublishedTable], column: str) -> str:
    """The DuckDB type of a column."""
    return _TYPES.get(type(table.columns()[column]).__name__, "VARCHAR")


def floor_check(table: type[PublishedTable]) -> str | None:
    """The condition, in SQL, that every row of a table of figures has to meet; None without one.

    A released row is over the floor of the code; a withheld row has no figure at all.
    """
    columns = table.column_names()
    if "suppression" not in columns:
        return None
    figures = [name for name in _WITHHELD_TOGETHER if name in columns]
    withheld = " AND ".join(f"{name} IS NULL" for name in figures)
    return (
        f"COALESCE(CASE WHEN suppression <> 'none' THEN {withheld}"
        f" ELSE conversation_count >= {CONVERSATION_FLOOR} END, FALSE)"
    )


def build_database(staging: Path, quarter: str, previous: Path | None) -> None:
    """Writes `staging/built.duckdb` from the Parquet files there; runs in the clean process."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")  # one thread writes rows in their order
        connection.execute("PRAGMA force_compression = 'uncompressed'")  # samples at random else
        connection.execute(
            f"ATTACH {_literal(str(staging / 'built.duckdb'))} AS built"
            f" (STORAGE_VERSION '{STORAGE_VERSION}')"
        )
        if previous:
            connection.execute(f"ATTACH {_literal(str(previous))} AS previous (READ_ONLY)")
        connection.execute("USE built")
        for name, table in RELEASED_TABLES.items():
            connection.execute(_create_table(name, table))
            connection.execute(_insert(name, table, staging, quarter, previous is not None))
        connection.execute(files("flows").joinpath("publish.sql").read_text("utf-8"))
        connection.execute("CHECKPOINT built")
        connection.execute("USE memory")
        connection.execute("DETACH built")


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
    parts = [f'"{column}"', column_type(table, column)]
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
    parquet = _literal(str(staging / f"{name}.parquet"))
    new = f"SELECT {columns} FROM read_parquet({parquet})"  # noqa: S608
    keys = ", ".join(f'"{key}"' for key in table.primary_key())
    if not has_previous or name in _WRITTEN_ANEW:
        return f"INSERT INTO {name} {new} ORDER BY {keys}"
    kept = f"SELECT {columns} FROM previous.{name}"  # noqa: S608
    if name in _KEPT_BY_RELEASE:
        other = f"WHERE onet_release NOT IN (SELECT onet_release FROM ({new}))"  # noqa: S608
    else:
        other = f"WHERE quarter <> '{quarter}'"
    return f"INSERT INTO {name} ({kept} {other}) UNION ALL ({new}) ORDER BY {keys}"


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
