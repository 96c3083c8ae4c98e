import shutil
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

import flows.publish
from flows.confine import ContractError, PrivacyGateError
from flows.database import floor_check
from flows.disclosure import thresholds
from flows.disclosure.thresholds import PrimaryRules
from flows.publish import data_dictionary, holds_quarter, publish_release, verify_database
from flows.settings import SettingsError
from flows.tables import RELEASED_TABLES, ClusterAssignments, Redactions
from taxonomy.patterns import MODES

CODER, TESTER, WRITER, CLERK = "15-1252.00", "15-1253.00", "27-3042.00", "43-9061.00"
OTHER_BLOCKS = [
    (1, "directive", 40, 8),
    (1, "feedback_loop", 20, 5),
    (3, "learning", 60, 9),
    ("none", "none", 25, 6),
]


@pytest.fixture(scope="module")
def database(release_tables, tmp_path_factory) -> Path:
    """Two quarters, for reading only."""
    path = tmp_path_factory.mktemp("published") / "lamps.duckdb"
    publish_release(release_tables("2025Q4", OTHER_BLOCKS), quarter="2025Q4", database=path)
    publish_release(release_tables("2026Q1"), quarter="2026Q1", database=path)
    return path


@pytest.fixture
def copied(database, tmp_path) -> Path:
    return Path(shutil.copy(database, tmp_path / "copy.duckdb"))


def ask(path, sql):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


# --- what is published ------------------------------------------------------------------------


def test_a_database_is_its_owners_alone_and_nothing_lies_beside_it(database):
    assert [path.name for path in database.parent.iterdir()] == ["lamps.duckdb"]
    assert database.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_process_was_publishing_is_removed(copied, release_tables):
    staging = copied.with_name(".copy.duckdb.publishing")
    staging.mkdir()
    (staging / "built.duckdb").write_text("half a database")
    copied.with_name(".copy.duckdb.publishing.lock").touch()
    publish_release(release_tables("2026Q1"), quarter="2026Q1", database=copied)
    assert [path.name for path in copied.parent.iterdir()] == ["copy.duckdb"]


def test_every_table_of_both_quarters_holds_what_was_handed_over(database, release_tables):
    for quarter, blocks in (("2025Q4", OTHER_BLOCKS), ("2026Q1", None)):
        tables = release_tables(quarter, *([blocks] if blocks else []))
        for name in set(tables) - {"releases", "reference_task_occupations", "reference_shares"}:
            keys = RELEASED_TABLES[name].primary_key()
            names = ", ".join(f'"{column}"' for column in tables[name].columns)
            handed = tables[name].with_columns(pl.col(pl.Enum).cast(pl.String)).sort(keys)
            found = ask(database, f"SELECT {names} FROM {name} WHERE quarter = '{quarter}'"
                                  f" ORDER BY {', '.join(keys)}")  # fmt: skip
            assert found == handed.rows(), name


def test_what_has_no_quarter_is_there_once(database):
    assert ask(database, "SELECT count(*) FROM reference_task_occupations") == [(9,)]
    assert ask(database, "SELECT count(*) FROM reference_shares") == [(1,)]
    assert ask(database, "SELECT quarter, account_unit FROM releases ORDER BY quarter") == [
        ("2025Q4", "account"),
        ("2026Q1", "account"),
    ]


def test_a_quarter_published_again_replaces_itself_only(copied, release_tables):
    before = ask(copied, "SELECT * FROM occupation_shares WHERE quarter = '2025Q4' ORDER BY ALL")
    tables = release_tables("2026Q1", OTHER_BLOCKS)
    release_id = publish_release(tables, quarter="2026Q1", database=copied)
    assert ask(copied, "SELECT release_id FROM releases WHERE quarter = '2026Q1'") == [
        (release_id,)
    ]
    assert ask(copied, "SELECT base_usage FROM task_shares WHERE quarter = '2026Q1' LIMIT 1") == [
        (120.0,)
    ]
    assert before == ask(
        copied, "SELECT * FROM occupation_shares WHERE quarter = '2025Q4' ORDER BY ALL"
    )


def test_the_same_releases_give_the_same_bytes_and_id(database, release_tables, tmp_path_factory):
    other = tmp_path_factory.mktemp("it's another") / "other.duckdb"
    publish_release(release_tables("2025Q4", OTHER_BLOCKS), quarter="2025Q4", database=other)
    release_id = publish_release(release_tables("2026Q1"), quarter="2026Q1", database=other)
    assert other.read_bytes() == database.read_bytes()
    assert ask(database, "SELECT release_id FROM releases WHERE quarter = '2026Q1'") == [
        (release_id,)
    ]


def test_the_database_is_one_file_that_can_be_read_only(database):
    assert [path.name for path in database.parent.iterdir()] == ["lamps.duckdb"]
    verify_database(database)
    with (
        duckdb.connect(str(database), read_only=True) as connection,
        pytest.raises(duckdb.InvalidInputException, match="read-only"),
    ):
        connection.execute("DELETE FROM releases")


def test_the_data_dictionary_describes_every_column(database):
    stored = ask(database, "SELECT table_name, column_name, column_type, is_nullable, description"
                           " FROM data_dictionary ORDER BY ALL")  # fmt: skip
    real = ask(database, "SELECT table_name, column_name, data_type, is_nullable, comment"
                         " FROM duckdb_columns() WHERE NOT internal AND table_name IN"
                         " (SELECT table_name FROM duckdb_tables()) ORDER BY ALL")  # fmt: skip
    assert stored == real == sorted(data_dictionary().rows())
    assert {row[0] for row in stored} == set(RELEASED_TABLES)
    assert all(description.strip() for *_, description in stored)
    assert all(comment for (comment,) in ask(database, "SELECT comment FROM duckdb_tables()"))


# --- the floors in the database ---------------------------------------------------------------

FIGURE_TABLES = [name for name, table in RELEASED_TABLES.items() if floor_check(table)]


def test_every_table_with_withheld_figures_has_the_floors_as_a_constraint(database):
    constrained = ask(database, "SELECT table_name FROM duckdb_constraints()"
                                " WHERE constraint_type = 'CHECK'"
                                " AND contains(constraint_text, 'suppression !=')"
                                " ORDER BY 1")  # fmt: skip
    assert [name for (name,) in constrained] == sorted(FIGURE_TABLES)
    assert sorted(FIGURE_TABLES) == [
        "clusters", "collaboration_shares", "occupation_shares", "soc_group_shares", "task_shares",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "is_allowed"),
    [
        ("conversation_count = 15", True),
        ("conversation_count = 16", True),
        ("conversation_count = 14", False),
        ("conversation_count = NULL", False),
        ("suppression = 'primary'", False),
        ("suppression = 'none of these'", False),
        ("quarter = NULL", False),
    ],
)
@pytest.mark.parametrize("table", ["occupation_shares", "task_shares", "collaboration_shares"])
def test_the_database_refuses_rows_under_the_floors(table, change, is_allowed, copied):
    sql = f"UPDATE {table} SET {change} WHERE suppression = 'none'"
    with duckdb.connect(str(copied)) as connection:
        if is_allowed:
            connection.execute(sql)
        else:
            with pytest.raises(duckdb.ConstraintException):
                connection.execute(sql)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("change", "is_allowed"),
    [
        ("conversation_count = 15", True),
        ("conversation_count = 16", True),
        ("conversation_count = 14", False),
    ],
)
def test_the_floors_hold_for_modes_as_for_patterns(change, is_allowed, mode, copied):
    sql = f"UPDATE collaboration_shares SET {change} WHERE suppression = 'none' AND pattern = ?"
    with duckdb.connect(str(copied)) as connection:
        if is_allowed:
            ((changed,),) = connection.execute(sql, [mode]).fetchall()
            assert changed > 0
        else:
            with pytest.raises(duckdb.ConstraintException):
                connection.execute(sql, [mode])


@pytest.mark.parametrize(
    "figure",
    ["usage", "conversation_count", "share", "share_lower", "share_upper", "task_equal_share"],
)
def test_the_database_refuses_a_figure_in_a_withheld_row(figure, copied):
    with (
        duckdb.connect(str(copied)) as connection,
        pytest.raises(duckdb.ConstraintException, match="CHECK constraint failed"),
    ):
        connection.execute(f"UPDATE occupation_shares SET {figure} = 1 WHERE usage IS NULL")


def lower_the_gate(monkeypatch, release_tables):
    """The tables of a release whose cells passed a gate that lets everything through."""
    monkeypatch.setattr(thresholds, "_passes", lambda rules: pl.lit(True))
    return release_tables("2026Q1")


def test_a_release_that_no_gate_withheld_is_refused(monkeypatch, release_tables, tmp_path):
    tables = lower_the_gate(monkeypatch, release_tables)
    with pytest.raises(ContractError, match=r"rows break the floors"):
        publish_release(tables, quarter="2026Q1", database=tmp_path / "new.duckdb")
    assert contents(tmp_path) == {}


def test_the_database_itself_refuses_it_when_our_check_is_off_too(
    monkeypatch, release_tables, copied
):
    tables = lower_the_gate(monkeypatch, release_tables)
    monkeypatch.setattr(flows.publish, "_rows_below_floors", lambda *arguments: 0)
    before = contents(copied.parent)
    with pytest.raises(ContractError, match=r"database was not built: .*CHECK constraint failed"):
        publish_release(tables, quarter="2026Q1", database=copied)
    assert contents(copied.parent) == before


def test_with_unknown_accounts_the_higher_floor_holds(release_tables, tmp_path):
    blocks = [(1, "directive", 75, 1), (2, "learning", 74, 1)]
    tables = release_tables("2026Q1", blocks, PrimaryRules(75, None))
    path = tmp_path / "unknown.duckdb"
    publish_release(tables, quarter="2026Q1", database=path)
    found = ask(path, "SELECT task_id, conversation_count, suppression"
                      " FROM task_shares ORDER BY 1 LIMIT 2")  # fmt: skip
    assert found == [(1, 75, "none"), (2, None, "primary")]


# --- what is refused --------------------------------------------------------------------------


def without(name):
    return lambda tables: {key: frame for key, frame in tables.items() if key != name}


def with_frame(name, change):
    return lambda tables: {**tables, name: change(tables[name])}


BROKEN = [
    (without("coverage"), "not the tables of a release: coverage"),
    (lambda tables: {**tables, "messages": tables["coverage"]}, "tables of a release: messages"),
    (with_frame("coverage", lambda frame: ClusterAssignments.create_empty()), "publish: coverage"),
    (with_frame("clusters", lambda frame: Redactions.create_empty()), "publish: clusters"),
    (with_frame("task_depth", lambda frame: frame.with_columns(depth=2.0)), "publish: task_depth"),
    (with_frame("task_depth", lambda frame: pl.concat([frame, frame])), "publish: task_depth"),
    (with_frame("task_depth", lambda frame: frame.with_columns(quarter=pl.lit("2026Q2"))),
     "task_depth: 4 rows of another quarter"),
    (with_frame("releases", lambda frame: frame.clear()), "the one row of the quarter"),
    (with_frame("releases", lambda frame: frame.with_columns(conversation_floor=75)),
     "occupation_shares: [0-9]+ rows break the floors"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_a_broken_release_is_refused_and_the_old_database_stays(
    change, message, release_tables, copied
):
    before = contents(copied.parent)
    with pytest.raises(ContractError, match=message):
        publish_release(change(release_tables("2026Q1")), quarter="2026Q1", database=copied)
    assert contents(copied.parent) == before


def test_a_table_of_single_conversations_is_refused_under_a_released_name(
    monkeypatch, release_tables, tmp_path
):
    monkeypatch.setitem(RELEASED_TABLES, "clusters", ClusterAssignments)
    tables = release_tables("2026Q1") | {"clusters": ClusterAssignments.create_empty()}
    with pytest.raises(ContractError, match="clusters is not of the published zone"):
        publish_release(tables, quarter="2026Q1", database=tmp_path / "new.duckdb")
    assert contents(tmp_path) == {}


def test_columns_that_no_schema_names_do_not_leave(release_tables, tmp_path):
    tables = release_tables("2026Q1")
    tables["task_depth"] = tables["task_depth"].with_columns(note=pl.lit("lampsecret"))
    path = tmp_path / "folders" / "to be made" / "new.duckdb"
    publish_release(tables, quarter="2026Q1", database=path)
    assert b"lampsecret" not in path.read_bytes()


@pytest.mark.parametrize("kind", ["text", "empty", "database of others"])
def test_a_file_that_is_not_ours_is_refused_and_untouched(kind, release_tables, tmp_path):
    path = tmp_path / "foreign.duckdb"
    if kind == "database of others":
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE releases AS SELECT 1 AS one")
    else:
        path.write_text("my thesis" if kind == "text" else "")
    before = contents(tmp_path)
    with pytest.raises(SettingsError, match=r"foreign\.duckdb"):
        publish_release(release_tables(), quarter="2026Q1", database=path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("step", ["verify_database", "_swap_in"])
def test_a_failure_at_the_last_moment_leaves_the_old_database(
    step, monkeypatch, release_tables, copied
):
    def fail(*arguments):
        raise OSError("no space left on device")

    monkeypatch.setattr(flows.publish, step, fail)
    before = contents(copied.parent)
    with pytest.raises(OSError, match="no space"):
        publish_release(release_tables(), quarter="2026Q1", database=copied)
    assert contents(copied.parent) == before


def test_who_admits_a_release_is_told_its_id(release_tables, tmp_path):
    told = []
    release_id = publish_release(
        release_tables(), quarter="2026Q1", database=tmp_path / "new.duckdb", admit=told.append
    )
    assert told == [release_id]


def test_a_release_that_is_not_admitted_leaves_the_old_database(release_tables, copied):
    def refuse(release_id):
        raise PrivacyGateError("an earlier release is too near")

    before = contents(copied.parent)
    with pytest.raises(PrivacyGateError, match="too near"):
        publish_release(release_tables(), quarter="2026Q1", database=copied, admit=refuse)
    assert contents(copied.parent) == before


def test_a_database_says_which_quarters_it_holds(database, tmp_path):
    quarters = ("2025Q3", "2025Q4", "2026Q1", "2026Q2")
    assert [holds_quarter(database, each) for each in quarters] == [False, True, True, False]
    assert not holds_quarter(tmp_path / "nowhere.duckdb", "2026Q1")
    (tmp_path / "thesis.duckdb").write_text("my thesis")
    with pytest.raises(SettingsError, match=r"thesis\.duckdb cannot be read"):
        holds_quarter(tmp_path / "thesis.duckdb", "2026Q1")
    assert [path.name for path in database.parent.iterdir()] == ["lamps.duckdb"]


@pytest.mark.parametrize("has_database", [True, False])
def test_a_stale_log_of_another_database_does_no_harm(
    has_database, database, release_tables, tmp_path
):
    path = tmp_path / "lamps.duckdb"
    if has_database:
        shutil.copy(database, path)
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.execute("CREATE TABLE one AS SELECT 1 AS one")
        log = tmp_path / "lamps.duckdb.wal"
        shutil.copy(tmp_path / "other.duckdb.wal", log)
    publish_release(release_tables(), quarter="2026Q1", database=path)
    assert not log.exists()
    verify_database(path)


def test_a_log_beside_the_database_fails_its_verification(copied):
    (copied.parent / "copy.duckdb.wal").touch()
    with pytest.raises(ContractError, match="write-ahead log"):
        verify_database(copied)


# --- the views --------------------------------------------------------------------------------

VIEWS = [
    ("SELECT mode, round(share, 4) FROM headline WHERE pattern_base = 'five'",
     [("augmentation", 0.4186), ("automation", 0.5814)]),
    ("SELECT mode, share FROM headline WHERE pattern_base = 'all'",
     [("augmentation", 0.36), ("automation", 0.5)]),
    ("SELECT mode, share, suppression FROM headline WHERE pattern_base = 'six'",
     [("augmentation", None, "none"), ("automation", None, "none")]),
    ("SELECT onet_soc_code, round(share, 4) FROM top_occupations WHERE allocation_rule = 'split'",
     [(CODER, 0.4709), (WRITER, 0.4244), (TESTER, 0.0698)]),
    ("SELECT task_id, round(share, 4), conversation_count FROM top_tasks",
     [(3, 0.3372, 29), (1, 0.2326, 20), (2, 0.2093, 18)]),
    ("SELECT soc_code, round(automation_share, 4), suppression FROM automation_by_group"
     " WHERE pattern_base = 'five' AND allocation_rule = 'full' ORDER BY soc_code",
     [("15-0000", 0.5075, "none"), ("27-0000", 0.4762, "none")]),
    ("SELECT soc_code, automation_share, withheld_pattern_count FROM automation_by_group"
     " WHERE pattern_base = 'six' AND allocation_rule = 'full' ORDER BY soc_code",
     [("15-0000", None, 3), ("27-0000", None, 3)]),
    ("SELECT at_least::DOUBLE, occupation_count, occupation_share FROM depth_distribution"
     " ORDER BY at_least",
     [(0.1, 3, 0.75), (0.25, 3, 0.75), (0.5, 3, 0.75), (0.75, 2, 0.5)]),
    ("SELECT stage, measure, detail, value FROM withheld",
     [("ingest", "rejected", "malformed_json", 0)]),
    ("SELECT facet, variable, count(*) FROM index_long GROUP BY ALL ORDER BY ALL",
     [("collaboration", "collaboration_count", 4), ("collaboration", "collaboration_pct", 4),
      ("onet_task", "onet_task_count", 3), ("onet_task", "onet_task_pct", 3),
      ("onet_task::collaboration", "onet_task_collaboration_count", 1),
      ("onet_task::collaboration", "onet_task_collaboration_pct", 1),
      ("soc_occupation", "soc_pct", 2)]),
    ("SELECT facet, variable, cluster_name, value FROM index_long"
     " WHERE cluster_name IN ('Program lamps.', 'Program lamps.::directive', 'directive')"
     " AND NOT contains(variable, 'pct') ORDER BY ALL",
     [("collaboration", "collaboration_count", "directive", 20.0),
      ("onet_task", "onet_task_count", "Program lamps.", 20.0)]),
    ("SELECT cluster_name, value FROM index_long WHERE variable = 'onet_task_pct'"
     " AND cluster_name IN ('Program lamps.', 'none') ORDER BY ALL",
     [("Program lamps.", 20.0)]),
    ("SELECT cluster_name, round(value, 4) FROM index_long"
     " WHERE variable IN ('soc_pct', 'collaboration_pct') ORDER BY ALL",
     [("Arts, Design, Entertainment, Sports, and Media Occupations", 47.3684),
      ("Computer and Mathematical Occupations", 50.3759), ("directive", 20.0),
      ("feedback_loop", 30.0), ("learning", 15.0), ("task_iteration", 18.0)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), VIEWS)
def test_a_view_answers_its_question(sql, expected, database):
    is_long = "index_long" in sql
    quarter = "date_start = '2026-01-01'" if is_long else "quarter = '2026Q1'"
    view = sql.split(" FROM ")[1].split()[0]
    sql = sql.replace(f" FROM {view}", f" FROM (SELECT * FROM {view} WHERE {quarter})")
    assert ask(database, sql) == expected


def test_what_the_limits_of_accounts_removed_is_withheld_too(release_tables, tmp_path):
    tables = release_tables()
    row = ("2026Q1", "aggregate", "removed", "over the limits of their account", 20, 200, 0.1)
    added = pl.DataFrame([row], tables["coverage"].schema, orient="row")
    tables["coverage"] = pl.concat([tables["coverage"], added])
    path = tmp_path / "lamps.duckdb"
    publish_release(tables, quarter="2026Q1", database=path)
    assert ask(path, "SELECT measure, value FROM withheld ORDER BY ALL") == [
        ("rejected", 0),
        ("removed", 20),
    ]


def test_a_group_whose_automation_is_not_released_has_no_automation_share(database):
    """Nor one of 0 %: writers have 60 conversations of learning, and no other."""
    found = ask(database, "SELECT soc_code, automation_share, suppression FROM automation_by_group"
                          " WHERE quarter = '2025Q4' AND pattern_base = 'five'"
                          " AND allocation_rule = 'full' ORDER BY 1")  # fmt: skip
    assert found == [("15-0000", 0.5, "none"), ("27-0000", None, "rolled_up")]


def test_a_task_has_the_patterns_in_the_long_format_that_are_released(database):
    """In the first quarter task 1 has automation only, and task 3 learning: both rolled up."""
    found = ask(database, "SELECT date_start, variable, cluster_name, round(value, 4)"
                          " FROM index_long WHERE facet = 'onet_task::collaboration'"
                          " ORDER BY ALL")  # fmt: skip
    assert found == [
        (date(2026, 1, 1), "onet_task_collaboration_count", "Describe lamps.::learning", 15.0),
        (date(2026, 1, 1), "onet_task_collaboration_pct", "Describe lamps.::learning", 51.7241),
    ]


def test_the_long_format_has_the_key_and_the_dates_of_the_index(database):
    columns = [name for name, *_ in ask(database, "DESCRIBE index_long")]
    assert columns == [
        "geo_id", "geography", "date_start", "date_end", "platform_and_product", "facet", "level",
        "variable", "cluster_name", "value",
    ]  # fmt: skip
    key = ", ".join(columns[:9])
    assert not ask(database, f"SELECT {key} FROM index_long GROUP BY {key} HAVING count(*) > 1")
    assert ask(database, "SELECT DISTINCT geo_id, geography, date_start, date_end,"
                         " platform_and_product FROM index_long ORDER BY date_start") == [
        ("GLOBAL", "global", date(2025, 10, 1), date(2025, 12, 31), "Lamp assistant"),
        ("GLOBAL", "global", date(2026, 1, 1), date(2026, 3, 31), "Lamp assistant"),
    ]  # fmt: skip


def test_modes_are_no_patterns_in_the_long_format(database):
    names = {name for (name,) in ask(database, "SELECT cluster_name FROM index_long")}
    assert not {name for name in names if name.rpartition("::")[2] in MODES}
