"""Queries: three outputs, read-only, and nothing but the database."""

import csv
import json
from pathlib import Path

import duckdb
import pytest

from reports.query import QueryError, query_database


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t (name VARCHAR, share DOUBLE)")
        connection.execute(
            "INSERT INTO t VALUES ('a, \"b\"', 0.5), ('long ' || repeat('x', 200), NULL)"
        )
    return path


def test_csv_and_json_carry_every_value(database: Path) -> None:
    rows = list(csv.reader(query_database("FROM t", database=database, output="csv").splitlines()))
    assert rows[0] == ["name", "share"]
    assert rows[1] == ['a, "b"', "0.5"]
    assert json.loads(query_database("FROM t", database=database, output="json"))[1] == {
        "name": "long " + "x" * 200,
        "share": None,
    }


def test_a_table_in_a_pipe_cuts_nothing_and_says_null(database: Path) -> None:
    table = query_database("FROM t", database=database, output="table")
    assert "x" * 200 in table
    assert "null" in table


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE t",
        "INSERT INTO t VALUES ('c', 1)",
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY t TO 'out.csv'",
        "SET enable_external_access = true",
        "SELECT nonsense FROM t",
    ],
)
def test_what_writes_or_reaches_out_is_refused(
    query: str, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = database.read_bytes()
    with pytest.raises(QueryError):
        query_database(query, database=database, output="json")
    assert database.read_bytes() == before
    assert not Path("out.csv").exists()


def test_a_missing_database_is_told(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="does not exist"):
        query_database("SELECT 1", database=tmp_path / "nowhere", output="json")
