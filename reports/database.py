"""Decides how the released database is read: read-only, one file, one question of `sql/` a time."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]
Answers = dict[str, list[Row]]
"""Rows of every question in `sql/`, by the name of its file."""

_QUARTER = re.compile(r"\d{4}Q[1-4]")


class ReportError(Exception):
    """No report can be made of this database and quarter; nothing was written."""


def ask_all(database: Path, quarter: str) -> Answers:
    """Asks every question of `sql/` about one quarter.

    Args:
        database: The released database; nothing else can be read while it is asked.
        quarter: Such as 2026Q1.

    Raises:
        ReportError: The quarter is not written like 2026Q1 or not in the database, or the database
            is missing or not one of released tables.
    """
    if not _QUARTER.fullmatch(quarter):
        raise ReportError("report: the quarter must be written like 2026Q1")
    if not database.is_file():
        raise ReportError(f"report: there is no database at {database}")
    try:
        # without external access a view of a foreign database reads no other file and no network
        with duckdb.connect(
            str(database), read_only=True, config={"enable_external_access": "false"}
        ) as connection:
            held = [row["quarter"] for row in _ask(connection, "quarters", quarter)]
            if quarter not in held:
                raise ReportError(f"report: {quarter} is not in {database}; {_words(held)}")
            return {name: _ask(connection, name, quarter) for name in questions()}
    except duckdb.Error as error:
        raise ReportError(
            f"report: {database} is not a database of released tables, or another process is"
            f" writing to it ({type(error).__name__})"
        ) from None


def questions() -> list[str]:
    """Names of the questions in `sql/`."""
    names = (file.name for file in files("reports").joinpath("sql").iterdir())
    return sorted(name.removesuffix(".sql") for name in names if name.endswith(".sql"))


def _ask(connection: duckdb.DuckDBPyConnection, name: str, quarter: str) -> list[Row]:
    sql = files("reports").joinpath("sql", f"{name}.sql").read_text("utf-8")
    result = connection.execute(sql, {"quarter": quarter} if "$quarter" in sql else None)
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def _words(held: list[str]) -> str:
    return f"it holds {', '.join(held)}" if held else "it holds no quarter"
