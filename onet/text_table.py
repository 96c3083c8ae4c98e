"""Decides what a readable O*NET table is: an official text file or its csv conversion."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

ONET_SOC_CODE = r"^\d\d-\d{4}\.\d\d$"
_WHOLE_NUMBER = r"^(\d{1,18})(?:\.0+)?$"  # csv conversions write whole numbers as 95.0


class ReleaseError(Exception):
    """A release cannot be used; names file and column and counts rows, never quotes a value."""


@dataclass(frozen=True)
class TableFile:
    """A file as it was read: what is hashed is what is parsed."""

    name: str
    content: bytes


def find_table(directory: Path, table: str) -> TableFile | None:
    """Reads `Task Statements.txt`, or else `Task_Statements.csv`; null when neither exists."""
    for name in (f"{table}.txt", f"{table.replace(' ', '_')}.csv"):
        if (directory / name).is_file():
            return read_file(directory / name)
    return None


def read_file(path: Path) -> TableFile:
    """Reads the bytes of a file.

    Raises:
        ReleaseError: The file cannot be read.
    """
    try:
        return TableFile(path.name, path.read_bytes())
    except OSError as error:
        raise ReleaseError(f"{path.name}: cannot be read: {error.strerror}") from None


def parse_table(file: TableFile, columns: Sequence[str]) -> pl.DataFrame:
    """The named columns as stripped strings; empty fields and `n/a` are null.

    Text files are tab-separated without quoting, csv files are quoted. Byte order mark, CRLF and
    further columns are tolerated.

    Raises:
        ReleaseError: Not UTF-8, ragged, a column missing, or no rows.
    """
    is_csv = file.name.lower().endswith(".csv")
    try:
        table = pl.read_csv(
            file.content,
            separator="," if is_csv else "\t",
            quote_char='"' if is_csv else None,
            null_values=["n/a"],
            infer_schema=False,
        )
    except pl.exceptions.NoDataError:
        raise ReleaseError(f"{file.name}: is empty") from None
    except pl.exceptions.PolarsError:  # its message quotes rows
        separator = "comma" if is_csv else "tab"
        raise ReleaseError(f"{file.name}: is not a {separator}-separated UTF-8 table") from None
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ReleaseError(f"{file.name}: column '{missing[0]}' is missing")
    table = table.filter(~pl.all_horizontal(pl.all().is_null()))  # blank lines
    if table.is_empty():
        raise ReleaseError(f"{file.name}: has no rows")
    return table.select(_stripped(column) for column in columns)


def require_values(file: TableFile, table: pl.DataFrame, *columns: str) -> None:
    """Raises a ReleaseError when one of the columns has an empty field."""
    for column in columns:
        refuse(file, column, table[column].is_null(), "empty fields")


def require_codes(file: TableFile, table: pl.DataFrame) -> None:
    """Raises a ReleaseError when an O*NET-SOC code has another form than 15-1252.00."""
    column = "O*NET-SOC Code"
    require_values(file, table, column)
    refuse(file, column, ~table[column].str.contains(ONET_SOC_CODE), "malformed codes")


def whole_numbers(file: TableFile, table: pl.DataFrame, column: str) -> pl.Series:
    """The column as Int64.

    Raises:
        ReleaseError: A field is empty or no whole number.
    """
    numbers = table[column].str.extract(_WHOLE_NUMBER).cast(pl.Int64)
    refuse(file, column, numbers.is_null(), "values that are not whole numbers")
    return numbers


def decimals(file: TableFile, table: pl.DataFrame, column: str) -> pl.Series:
    """The column as Float64; an empty field is null.

    Raises:
        ReleaseError: A field is no finite number.
    """
    numbers = table[column].cast(pl.Float64, strict=False)
    finite = numbers.set(numbers.is_finite().not_(), None)
    is_wrong = finite.is_null() & table[column].is_not_null()
    refuse(file, column, is_wrong, "values that are not numbers")
    return finite


def refuse(file: TableFile, column: str, is_wrong: pl.Series, what: str) -> None:
    """Raises a ReleaseError with the count of wrong rows when there are any."""
    if count := is_wrong.cast(pl.Int64).sum():
        raise ReleaseError(f"{file.name}: column '{column}' has {count} {what}")


def _stripped(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    return pl.when(text != "").then(text).alias(column)
