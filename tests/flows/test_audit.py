import shutil
from pathlib import Path

import duckdb
import pytest

from flows.audit import audit
from flows.publish import publish_release
from flows.settings import SettingsError
from flows.store import make_private_directory, write_step

FIGURE_TABLES = ("occupation_shares", "soc_group_shares", "task_shares", "collaboration_shares",
                 "clusters")  # fmt: skip
UNDER = "UPDATE {0} SET conversation_count = 3, account_count = 2 WHERE suppression = 'none'"
WITHOUT_CONSTRAINT = "CREATE OR REPLACE TABLE {0} AS SELECT * FROM {0}"


@pytest.fixture(scope="module")
def published(release_tables, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("audited") / "lamps.duckdb"
    publish_release(release_tables(), quarter="2026Q1", database=path)
    return path


@pytest.fixture
def copied(published, tmp_path) -> Path:
    return Path(shutil.copy(published, tmp_path / "copy.duckdb"))


@pytest.fixture
def work(tmp_path) -> Path:
    directory = make_private_directory(tmp_path / "work")
    (directory / "summary.json").write_text("{}")
    return directory


def failed(result):
    assert result["passed"] is all(check["passed"] for check in result["checks"])
    return {check["name"]: check["figure"] for check in result["checks"] if not check["passed"]}


def test_a_sound_release_passes_every_check(published, work):
    result = audit(published, work)
    assert result["passed"]
    assert all(set(check) == {"name", "passed", "figure", "limit"} for check in result["checks"])
    assert {check["figure"] for check in result["checks"]} == {0}
    assert len(result["checks"]) == 1 + 2 * len(FIGURE_TABLES) + 2 + 3


@pytest.mark.parametrize("table", FIGURE_TABLES)
def test_rows_under_the_floors_are_found(table, copied):
    with duckdb.connect(str(copied)) as connection:
        connection.execute(WITHOUT_CONSTRAINT.format(table))
        connection.execute(UNDER.format(table))
    found = failed(audit(copied, None))
    assert found.pop("database verifies: tables, keys, views") == 1
    assert found.keys() == {
        f"{table}: rows under the floors",
        f"{table}: rows under the release's own floors",
    }
    assert min(found.values()) > 0


@pytest.mark.parametrize(
    ("sql", "check", "figure"),
    [
        ("INSERT INTO coverage SELECT * FROM coverage LIMIT 1",
         "database verifies: tables, keys, views", 1),
        ("UPDATE releases SET conversation_floor = 25",
         "task_shares: rows under the release's own floors", 2),
        ("UPDATE releases SET account_floor = 6",
         "occupation_shares: rows under the release's own floors", 0),
        ("UPDATE releases SET account_floor = 7",
         "occupation_shares: rows under the release's own floors", 6),
        ("UPDATE releases SET conversation_floor = 14", "releases with a floor under the constant",
         1),
        ("UPDATE releases SET account_floor = 4", "releases with a floor under the constant", 1),
        ("CREATE TABLE messages AS SELECT 1 AS one",
         "tables that are not in the data dictionary", 1),
    ],
)  # fmt: skip
def test_what_was_changed_afterwards_is_found(sql, check, figure, copied):
    with duckdb.connect(str(copied)) as connection:
        connection.execute(sql)
    assert failed(audit(copied, None)).get(check, 0) == figure


def test_a_log_beside_the_database_is_found(copied, tmp_path):
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.execute("CREATE TABLE one AS SELECT 1 AS one")
        shutil.copy(tmp_path / "other.duckdb.wal", tmp_path / "copy.duckdb.wal")
    assert failed(audit(copied, None)) == {"database: write-ahead log beside it": 1}


@pytest.mark.parametrize(
    ("spoil", "check", "figure"),
    [
        (lambda work: write_step(work, "ingest", "0" * 64, {}, {}),
         "work: tables of single conversations left", 1),
        (lambda work: work.chmod(0o755), "work: directory that others can enter", 1),
        (lambda work: work.chmod(0o710), "work: directory that others can enter", 1),
        (lambda work: (work / ".summary.json.writing").touch(), "work: unfinished writes", 1),
    ],
)  # fmt: skip
def test_what_is_left_in_the_work_directory_is_found(spoil, check, figure, work):
    assert failed(audit(None, work)) == {}
    spoil(work)
    assert failed(audit(None, work)) == {check: figure}


def test_a_step_that_was_cut_off_is_found_twice(work):
    cut_off = make_private_directory(work / "steps" / "ingest" / ".writing-0")
    (cut_off / "messages.parquet").touch()
    assert failed(audit(None, work)) == {
        "work: tables of single conversations left": 1,
        "work: unfinished writes": 1,
    }


@pytest.mark.parametrize("content", ["my thesis", "another database"])
def test_a_file_that_is_no_released_database_is_refused(content, tmp_path):
    path = tmp_path / "foreign.duckdb"
    if content == "another database":
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE one AS SELECT 1 AS one")
    else:
        path.write_text(content)
    with pytest.raises(SettingsError, match="not a database of released tables"):
        audit(path, None)


def test_without_anything_to_audit_it_stops(tmp_path):
    for database, work in [(None, None), (tmp_path / "no.duckdb", tmp_path / "no")]:
        with pytest.raises(SettingsError, match="neither"):
            audit(database, work)
