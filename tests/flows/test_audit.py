import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest

from flows.aggregate import aggregate_cells
from flows.audit import audit
from flows.disclosure.control import Protection, control_cells
from flows.disclosure.lattice import unit_weights
from flows.disclosure.thresholds import PrimaryRules
from flows.publish import publish_release
from flows.settings import SettingsError
from flows.shares import (
    collaboration_shares,
    occupation_shares,
    soc_group_shares,
    task_depth,
    task_shares,
)
from flows.store import make_private_directory, write_step
from taxonomy.patterns import PATTERNS
from tests.conftest import TASKS
from tests.exact import withhold_cells

FIGURE_TABLES = ("occupation_shares", "soc_group_shares", "task_shares", "collaboration_shares",
                 "clusters")  # fmt: skip
UNDER = "UPDATE {0} SET conversation_count = 3 WHERE suppression = 'none'"
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
    assert len(result["checks"]) == 1 + 2 * len(FIGURE_TABLES) + 4 + 3  # with the attack


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
        ("UPDATE releases SET conversation_floor = 18",
         "task_shares: rows under the release's own floors", 0),
        ("UPDATE releases SET conversation_floor = 19",
         "task_shares: rows under the release's own floors", 1),
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


# --- the attack ---------------------------------------------------------------------------------

ROUNDED = "2026Q1: withheld figures that can be found out to less than 9"
MANY_BLOCKS = [
    *((task, pattern, 60, 12) for task in (*TASKS, "none", "not_classified") for pattern in PATTERNS
      if (task, pattern) != (1, "learning")),
    (1, "learning", 4, 4),
]  # fmt: skip


@pytest.fixture(scope="module")
def publish_rounded(release_tables, mini_taxonomy, observed, usage, tmp_path_factory):
    """Publishes a quarter whose one small cell is withheld, as rounded or not."""
    cells = aggregate_cells(observed(usage(MANY_BLOCKS)), quarter="2026Q1")
    rules = PrimaryRules(15, 5)

    def publish(*, is_rounded: bool) -> Path:
        if is_rounded:
            controlled = control_cells(
                cells,
                unit_weights(mini_taxonomy.task_occupations),
                rules,
                Protection(base=10, key=b"k" * 32),
            )
            released, reach = controlled.cells, controlled.method.reach
        else:
            released, reach = withhold_cells(cells, rules), 0.01  # thirds of a task add up to that
        tables = release_tables()
        told = [("2026Q1", "rounding_reach", reach, "The truth is less than this away")]
        tables |= {
            "occupation_shares": occupation_shares(released, mini_taxonomy),
            "soc_group_shares": soc_group_shares(released, mini_taxonomy),
            "task_shares": task_shares(released, mini_taxonomy),
            "collaboration_shares": collaboration_shares(released, mini_taxonomy),
            "task_depth": task_depth(released, mini_taxonomy, quarter="2026Q1"),
            "releases": tables["releases"].with_columns(rounding_base=pl.lit(10, pl.Int64)),
            "disclosure": pl.DataFrame(told, tables["disclosure"].schema, orient="row"),
        }
        path = tmp_path_factory.mktemp("rounded") / "lamps.duckdb"
        publish_release(tables, quarter="2026Q1", database=path)
        return path

    return publish


def test_what_is_withheld_of_a_rounded_release_cannot_be_found_out(publish_rounded):
    path = publish_rounded(is_rounded=True)
    with duckdb.connect(str(path), read_only=True) as connection:
        withheld = connection.execute(
            "SELECT unit_id FROM collaboration_shares WHERE usage IS NULL AND unit_level = 'task'"
            " AND pattern = 'learning' AND pattern_base = 'all'"
        ).fetchall()
    assert ("1",) in withheld
    result = audit(path, None)
    assert result["passed"]
    assert ROUNDED in {check["name"] for check in result["checks"]}


def test_exact_figures_give_a_withheld_one_away(publish_rounded):
    """The check above would notice: augmentation less its other patterns is learning."""
    found = failed(audit(publish_rounded(is_rounded=False), None))
    assert found.keys() == {ROUNDED}
    assert found[ROUNDED] > 0


@pytest.mark.parametrize(
    ("sql", "check"),
    [
        ("UPDATE task_shares SET usage = usage + 500 WHERE task_id = 1",
         "2026Q1: figures that contradict each other"),
        ("UPDATE disclosure SET value = 1 WHERE measure = 'rounding_reach'", None),
    ],
    ids=["a figure changed", "the reach changed"],
)  # fmt: skip
def test_a_rounded_release_that_was_changed_afterwards_is_found(
    sql, check, publish_rounded, tmp_path
):
    path = Path(shutil.copy(publish_rounded(is_rounded=True), tmp_path / "copy.duckdb"))
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)
    found = failed(audit(path, None))
    assert len(found) == 1
    assert check is None or found == {check: 1}


def test_a_release_that_does_not_say_how_it_was_rounded_does_not_pass(publish_rounded, tmp_path):
    path = Path(shutil.copy(publish_rounded(is_rounded=True), tmp_path / "copy.duckdb"))
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM disclosure WHERE measure = 'rounding_reach'")
    assert failed(audit(path, None)) == {"releases that do not say how they were rounded": 1}


# --- beside the database, and the work directory --------------------------------------------------


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
