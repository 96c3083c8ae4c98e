import ast
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from reports.database import ReportError, ask_all, questions

FORBIDDEN = {"flows", "onet", "taxonomy", "polars", "pandas", "pyarrow"}


@pytest.mark.parametrize("name", questions())
def test_every_question_is_asked_in_its_first_line_and_answered(name: str, database: Path) -> None:
    sql = files("reports").joinpath("sql", f"{name}.sql").read_text("utf-8")
    comment = " ".join(line[3:] for line in sql.splitlines() if line.startswith("-- "))
    assert sql.startswith("-- ")
    assert comment.endswith("?")
    assert sql.count(";") == 1
    assert ask_all(database, "2026Q2")[name]


def test_a_question_is_bound_to_its_quarter(database: Path) -> None:
    first, second = (ask_all(database, quarter) for quarter in ("2026Q1", "2026Q2"))
    assert [row["quarter"] for row in first["releases"]] == ["2026Q1"]
    assert [row["quarter"] for row in second["releases"]] == ["2026Q2", "2026Q1"]
    assert first["top_tasks"] != second["top_tasks"]


@pytest.mark.parametrize(
    ("quarter", "message"),
    [
        ("2025Q4", "2025Q4 is not in"),
        ("2025Q4", "it holds 2026Q1, 2026Q2"),
        ("2026q1", "must be written like 2026Q1"),
        ("2026Q5", "must be written like 2026Q1"),
        ("../2026Q1", "must be written like 2026Q1"),
        ("2026Q1\n", "must be written like 2026Q1"),
    ],
)
def test_a_quarter_without_release_is_refused(quarter: str, message: str, database: Path) -> None:
    with pytest.raises(ReportError, match=message):
        ask_all(database, quarter)


def _nothing(path: Path) -> None: ...


def _not_a_database(path: Path) -> None:
    path.write_text("quarter,share\n")


def _another_database(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE releases AS SELECT '2026Q1' AS quarter")


def _an_empty_database(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE releases (quarter VARCHAR)")


def _a_view_of_another_file(path: Path) -> None:
    other = path.with_name("other.csv")
    other.write_text("quarter\n2026Q1\n")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE VIEW releases AS SELECT * FROM read_csv('{other}')")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_nothing, "there is no database"),
        (_not_a_database, "not a database of released tables"),
        (_another_database, "not a database of released tables"),
        (_an_empty_database, "it holds no quarter"),
        (_a_view_of_another_file, r"not a database .* \(PermissionException\)"),
    ],
)
def test_what_is_not_a_released_database_is_refused(
    make: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    make(tmp_path / "w.duckdb")
    with pytest.raises(ReportError, match=message):
        ask_all(tmp_path / "w.duckdb", "2026Q1")


def test_reports_import_nothing_that_could_touch_a_conversation() -> None:
    folder = Path(str(files("reports")))
    imported = {
        name.split(".")[0]
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert "duckdb" in imported
    assert not imported & FORBIDDEN
