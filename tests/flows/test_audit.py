import base64
import math
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
from flows.store import make_private_directory, private_files, write_private_file, write_step
from taxonomy.patterns import PATTERNS
from tests.conftest import TASKS
from tests.exact import withhold_cells

FIGURE_TABLES = ("occupation_shares", "soc_group_shares", "task_shares", "collaboration_shares",
                 "clusters")  # fmt: skip
UNDER = "UPDATE {0} SET conversation_count = 3 WHERE suppression = 'none'"
OTHER_BASE = "UPDATE {0} SET base_usage = base_usage + 500 WHERE"
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
    write_private_file(directory / "summary.json", "{}")
    return directory


def failed(result):
    assert result["passed"] is all(check["passed"] for check in result["checks"])
    return {check["name"]: check["figure"] for check in result["checks"] if not check["passed"]}


def test_a_sound_release_passes_every_check(published, work):
    result = audit(published, work)
    assert result["passed"]
    assert all(set(check) == {"name", "passed", "figure", "limit"} for check in result["checks"])
    assert {check["figure"] for check in result["checks"]} == {0}
    assert len(result["checks"]) == 1 + 2 * len(FIGURE_TABLES) + 5 + 2  # with the attack


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
    assert result["refused_cells"] == []
    assert ROUNDED in {check["name"] for check in result["checks"]}


def test_exact_figures_give_a_withheld_one_away(publish_rounded):
    """The check above would notice: augmentation less its other patterns is learning."""
    result = audit(publish_rounded(is_rounded=False), None)
    found = failed(result)
    assert found.keys() == {ROUNDED}
    assert len(result["refused_cells"]) == found[ROUNDED] > 0
    assert ("2026Q1", "task", "1", "split", "learning") in {
        tuple(cell.values())[:5] for cell in result["refused_cells"]
    }
    assert max(cell["width"] for cell in result["refused_cells"]) < 9


@pytest.mark.parametrize(
    ("sql", "check"),
    [
        ("UPDATE task_shares SET usage = usage + 500 WHERE task_id = 1",
         "2026Q1: figures that contradict each other"),
        (f"{OTHER_BASE.format('task_shares')} task_id = (SELECT max(task_id) FROM task_shares)",
         "2026Q1: figures that contradict each other"),
        *((f"{OTHER_BASE.format('collaboration_shares')} unit_level = 'all'"
           f" AND pattern_base = 'all' AND pattern = '{pattern}'",
           "2026Q1: figures that contradict each other") for pattern in ("learning", "directive")),
        ("UPDATE disclosure SET value = 1 WHERE measure = 'rounding_reach'",
         "2026Q1: figures that contradict each other"),
    ],
    ids=["a figure changed", "one base of many changed", "the base of learning changed",
         "the base of directive changed", "the reach changed"],
)  # fmt: skip
def test_a_rounded_release_that_was_changed_afterwards_is_found(
    sql, check, publish_rounded, tmp_path
):
    path = Path(shutil.copy(publish_rounded(is_rounded=True), tmp_path / "copy.duckdb"))
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)
    assert failed(audit(path, None)) == {check: 1}


MAJOR = "soc_level = 'major' AND allocation_rule = 'split' AND usage IS NOT NULL"


@pytest.mark.parametrize(
    ("figure", "where", "found"),
    [
        ("usage + 70", MAJOR, False),
        ("usage", MAJOR, False),
        ("usage - 10", MAJOR, True),
        ("usage + 5", MAJOR, True),
        ("usage + 70", "soc_level = 'minor' AND allocation_rule = 'split'", True),
        ("usage + 70", "soc_level = 'major' AND allocation_rule = 'full'", True),
    ],
)
def test_usage_without_limits_is_told_of_major_groups_only_and_never_less(
    figure, where, found, publish_rounded, tmp_path
):
    path = Path(shutil.copy(publish_rounded(is_rounded=True), tmp_path / "copy.duckdb"))
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"UPDATE soc_group_shares SET uncapped_usage = {figure} WHERE {where}")
        (count,) = connection.execute(
            "SELECT count(*) FROM soc_group_shares WHERE uncapped_usage IS NOT NULL"
        ).fetchone()
    assert count > 0
    name = "usage without limits that must not be told"
    assert failed(audit(path, None)) == ({name: count} if found else {})


@pytest.mark.parametrize("change", ["", OTHER_BASE.format("task_shares") + " task_id = 1"])
def test_figures_with_noise_that_contradict_each_other_are_found(change, copied):
    with duckdb.connect(str(copied)) as connection:
        connection.execute(f"UPDATE releases SET disclosure_mode = 'dp'; {change}")
    found = failed(audit(copied, None))
    assert found.get("2026Q1: figures that contradict each other", 0) == (1 if change else 0)


@pytest.mark.parametrize(
    ("losses", "untold", "found"),
    [([0.3] * 6, 0.0, 0), ([0.1, 0.2, 0.3], 0.0, 0), ([0.1, 0.2, 0.3], 0.001, 1)],
)
def test_losses_are_added_up_as_they_were_spent(losses, untold, found, copied):
    with duckdb.connect(str(copied)) as connection:
        connection.execute("UPDATE releases SET disclosure_mode = 'dp', epsilon_total = 6")
        for number, epsilon in enumerate(losses):
            connection.execute(
                "INSERT INTO releases SELECT * REPLACE (? AS quarter, ? AS epsilon,"
                " ? AS epsilon_spent) FROM releases WHERE quarter = '2026Q1'",
                [f"2027Q{number}", epsilon, math.fsum(losses[: number + 1]) - untold],
            )
        connection.execute("DELETE FROM releases WHERE quarter = '2026Q1'")
    assert failed(audit(copied, None)).get("releases that tell less than they spent", 0) == found


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


KEPT = ("request.json", "request-2026Q1.json", "schedule.json", "server.log", ".lock",
        "prefect/prefect.db", "cache/steps/index/0/statements.parquet")  # fmt: skip


def put(path: Path, text: str = "") -> None:
    with private_files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("name", KEPT)
def test_what_a_purge_keeps_is_no_fault(name, work):
    put(work / name)
    assert failed(audit(None, work)) == {}


@pytest.mark.parametrize(
    ("spoil", "check", "figure"),
    [
        (lambda work: write_step(work, "ingest", "0" * 64, {}, {}), "work directory purged", 1),
        (lambda work: put(work / "steps" / "ingest" / ".writing-0" / "messages.parquet"),
         "work directory purged", 1),
        (lambda work: put(work / ".summary.json.writing"), "work directory purged", 1),
        (lambda work: put(work / "cache" / "steps" / "index" / ".writing-0" / "a.parquet"),
         "work directory purged", 1),
        (lambda work: put(work / "cache" / "messages.parquet"), "work directory purged", 1),
        (lambda work: put(work / "tmp" / "a"), "work directory purged", 1),
        (lambda work: (work / "link").symlink_to("/"), "work directory purged", 1),
        (lambda work: work.chmod(0o755), "files readable by others", 1),
        (lambda work: work.chmod(0o710), "files readable by others", 1),
        (lambda work: (work / "summary.json").chmod(0o604), "files readable by others", 1),
        (lambda work: (work / "prefect").mkdir(mode=0o750), "files readable by others", 1),
    ],
)  # fmt: skip
def test_what_is_left_in_the_work_directory_is_found(spoil, check, figure, work):
    assert failed(audit(None, work)) == {}
    spoil(work)
    assert failed(audit(None, work)) == {check: figure}


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [
        ("copy.duckdb", True),
        ("worktally-2026Q1.html", True),
        ("privacy-2026Q1.html", True),
        (".copy.duckdb.ledger/2026Q1-0.json", True),
        (".copy.duckdb.publishing/coverage.parquet", True),
        (".worktally-2026Q1.md.writing", True),
        ("refused-2026Q1.json", True),
        ("refused-2026Q1.md", True),
        ("notes.txt", False),
        ("sample/conversations-2026Q1.jsonl", False),
    ],
)
def test_open_files_and_canaries_of_ours_are_found_beside_the_database(
    name, is_ours, copied, work, tmp_path
):
    if name != "copy.duckdb":
        put(tmp_path / name, "<p>Zo&euml; Lampwright</p>")
        assert failed(audit(copied, work)) == {}
        found = failed(audit(copied, work, ["Zoë Lampwright", "lamp-fog-1"]))
        where = "left" if name.startswith((".", "refused")) else "released"
        total = {"released": RELEASED, "left": LEFT}[where]
        assert {key: value for key, value in found.items() if key == total} == (
            {total: 1} if is_ours else {}
        )
    (tmp_path / name).chmod(0o644)
    assert failed(audit(copied, work)) == ({"files readable by others": 1} if is_ours else {})


def test_a_name_that_is_a_pattern_of_names_is_one_name(copied, work, tmp_path):
    database = copied.rename(tmp_path / "lamps[1].duckdb")
    put(tmp_path / f".{database.name}.ledger" / "2026Q1-0.json", SAID)
    put(tmp_path / f"{database.name}.copy", SAID)
    (tmp_path / f"{database.name}.copy").chmod(0o644)
    found = failed(audit(database, work, [SAID]))
    assert found["files readable by others"] == 1
    assert found[f"{LEFT}: *.json"] == found[f"{LEFT}: *"] == 1


# --- canaries -------------------------------------------------------------------------------------

RELEASED, LEFT = "canaries in what is released", "canaries in what the run left"
UNREAD = "files that could not be searched for canaries"
SAID = "Zoë Lampwright"


@pytest.mark.parametrize("value", [SAID, SAID.upper(), SAID.encode().hex(), "x" * 9_000 + SAID])
@pytest.mark.parametrize("compression", ["uncompressed", "auto"])
def test_a_canary_in_the_database_is_found(value, compression, copied):
    with duckdb.connect(str(copied)) as connection:
        connection.execute(f"PRAGMA force_compression = '{compression}'")
        connection.execute("UPDATE releases SET platform_and_product = ?", [value])
    found = failed(audit(copied, None, [SAID, "lamp-fog-1"]))
    assert found[RELEASED] == 1
    assert found[f"{RELEASED}: values of the database"] == 1
    assert LEFT not in found


def test_a_canary_in_a_row_that_was_replaced_is_found(copied):
    with duckdb.connect(str(copied)) as connection:
        connection.execute("PRAGMA force_compression = 'uncompressed'")
        for name in ("x" * 50 + SAID, "Lamp assistant"):
            connection.execute("UPDATE releases SET platform_and_product = ?", [name])
            connection.execute("CHECKPOINT")
    found = failed(audit(copied, None, [SAID]))
    assert found == {RELEASED: 1, f"{RELEASED}: *.duckdb": 1}


def test_a_canary_in_the_work_directory_is_counted_by_the_kind_of_file(work):
    put(work / "prefect" / "prefect.db", SAID)
    put(work / "prefect" / "storage" / "0", base64.b64encode(SAID.encode()).decode())
    put(work / "steps" / "zoe" / f"{SAID}.json", "lamp-fog-1")
    result = audit(None, work, [SAID, "lamp-fog-1", "lamp-fog-2"])
    assert failed(result) == {
        "work directory purged": 1,
        LEFT: 2,
        f"{LEFT}: prefect/*.db": 1,
        f"{LEFT}: prefect/storage/*": 1,
        f"{LEFT}: steps/*.json": 1,
        f"{LEFT}: names of files": 1,
    }
    assert SAID not in str(result)


def test_a_file_that_cannot_be_searched_fails_the_audit(work):
    put(work / "prefect" / "prefect.db", "SQLite format 3\0" + "x" * 5_000)
    assert failed(audit(None, work)) == {}
    assert failed(audit(None, work, ["lamp-fog-1"])) == {UNREAD: 1}


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
