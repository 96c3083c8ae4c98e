"""Answers one SQL query from the released database, read-only and without access to files."""

import csv
import io
import json
import sys
from pathlib import Path

import duckdb

OUTPUTS = ("table", "csv", "json")
_WHOLE = 4_000  # characters: wider than any row of ours


class QueryError(Exception):
    """The query or the database is wrong."""


def query_database(query: str, *, database: Path, output: str) -> str:
    """Runs a query and renders its rows.

    Args:
        query: SQL.
        database: The released database.
        output: `table` for people, `csv`, or `json`: a list with an object per row.

    Raises:
        QueryError: There is no such database, or DuckDB refuses the query.
    """
    if not database.exists():
        raise QueryError(f"{database} does not exist; `worktally run` makes it")
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            connection.execute("SET enable_external_access = false")
            result = connection.execute(query)
            columns = [column[0] for column in result.description or []]
            rows = result.fetchall()
    except duckdb.Error as error:
        raise QueryError(str(error)) from None
    if output == "json":
        return json.dumps(
            [dict(zip(columns, row, strict=True)) for row in rows], default=str, ensure_ascii=False
        )
    if output == "csv":
        return _csv(columns, rows)
    return _table(columns, rows)


def _csv(columns: list[str], rows: list[tuple[object, ...]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue().rstrip("\n")


def _table(columns: list[str], rows: list[tuple[object, ...]]) -> str:
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*(_shown(value) for value in row))
    # a terminal wraps long cells; a file or a pipe gets every column whole
    console = Console(width=None if sys.stdout.isatty() else _WHOLE)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip("\n")


def _shown(value: object) -> str:
    if value is None:
        return "null"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
