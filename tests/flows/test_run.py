"""The line as its users run it: one flow through Prefect, its bytes, its traces, its refusals."""

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.sample import write_sample
from flows.traces import find_traces, read_canaries, spell

COMMAND = (sys.executable, "-c", "from flows.cli import main; main()")
CONVERSATIONS = 600
KEY = "a-key-for-tests-8d1f0b57c2e94a36"
ACCEPTED_FAULTS = ("exact_duplicate", "near_duplicate", "quarter_edge", None)
BASE, ACCOUNT_LIMIT = 10, 10


def environment_in(directory: Path) -> dict[str, str]:
    """Where a run could leave something outside its own directories, that is in this one too."""
    places = {"HOME": directory / "home", "TMPDIR": directory / "system-tmp"}
    for place in places.values():
        place.mkdir(mode=0o700, exist_ok=True)
    named = {name: str(place) for name, place in places.items()}
    return {**os.environ, "WORKTALLY_KEY": KEY, "COLUMNS": "200", **named}


def temporary_files(directory: Path) -> list[Path]:
    """What lies in the system's place for them; torch makes an empty directory when imported."""
    return [path for path in (directory / "system-tmp").rglob("*") if not path.is_dir()]


def worktally(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env={**environment_in(cwd), **environment},
        text=True,
        capture_output=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample") / "logs"
    write_sample(conversation_count=CONVERSATIONS, quarters=["2026Q1"], seed=7, out=out)
    return out


@pytest.fixture(scope="module")
def place(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the sample's quarter was run, keeping nothing but what a run keeps."""
    directory = tmp_path_factory.mktemp("run")
    finished = worktally("run", str(sample), "--quarter", "2026Q1", "--json", cwd=directory)
    assert finished.returncode == 0, finished.stderr
    (directory / "stdout").write_text(finished.stdout)
    (directory / "stderr").write_text(finished.stderr)
    return directory


@pytest.fixture(scope="module")
def summary(place: Path) -> dict[str, Any]:
    return dict(json.loads((place / "stdout").read_text()))


def ask(place: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(place / "data/published/worktally.duckdb"), read_only=True) as database:
        return list(database.execute(sql).fetchall())


def truth(sample: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(sample / "truth" / "truth-2026Q1.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@pytest.mark.slow
def test_rows_in_are_accepted_or_rejected_with_the_rules_that_were_planted(
    sample: Path, summary: dict[str, Any]
) -> None:
    planted: dict[str, int] = {}
    for row in truth(sample):
        if row["fault"] not in ACCEPTED_FAULTS:
            planted[row["fault"]] = planted.get(row["fault"], 0) + 1
    assert summary["rejected"] == planted
    assert summary["rows_in"] == summary["accepted"] + sum(summary["rejected"].values())


@pytest.mark.slow
def test_the_summary_has_the_keys_that_scripts_read(summary: dict[str, Any], place: Path) -> None:
    assert set(summary) >= {
        "quarter", "rows_in", "accepted", "rejected", "unclustered", "not_classified",
        "withheld_cells", "released_cells", "stages", "peak_memory_bytes", "database", "report",
    }  # fmt: skip
    assert [stage["name"] for stage in summary["stages"]] == [
        "ingest", "redact", "embed", "cluster", "classify", "rank", "match", "aggregate",
        "disclose", "publish", "report",
    ]  # fmt: skip
    assert (place / summary["database"]).exists()
    assert (place / summary["report"]).exists()
    assert summary["released_cells"] > 0


@pytest.mark.slow
def test_one_log_line_per_stage_and_no_noise(place: Path) -> None:
    lines = (place / "stderr").read_text().splitlines()
    assert [line.split()[2] for line in lines] == [
        "ingest:", "redact:", "embed:", "cluster:", "classify:", "rank:", "match:", "aggregate:",
        "disclose:", "publish:", "report:",
    ]  # fmt: skip


@pytest.mark.slow
def test_planted_personal_data_is_in_no_byte_that_the_run_leaves(sample: Path, place: Path) -> None:
    canaries = read_canaries(sample / "truth" / "truth-2026Q1.jsonl.gz")
    assert len(canaries) > 50
    found = find_traces(spell(canaries), place, place.rglob("*"))
    assert (found.found, found.unread) == ({}, 0)
    assert found.byte_count > 5_000_000


@pytest.mark.slow
def test_whatever_a_run_makes_is_for_its_owner_only(place: Path) -> None:
    made = [path for path in (place / "data").rglob("*") if not path.is_symlink()]
    kinds = {path.suffix for path in made}
    assert {".duckdb", ".html", ".md", ".ledger", ".db", ".json", ".parquet"} <= kinds
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    assert temporary_files(place) == []


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_also_where_a_run_was_killed_and_goes_on(
    sample: Path, place: Path, tmp_path: Path, summary: dict[str, Any]
) -> None:
    killed = subprocess.Popen(
        [*COMMAND, "run", str(sample), "--quarter", "2026Q1"],
        cwd=tmp_path,
        env=environment_in(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Prefect's server goes with it
    )
    assert killed.stderr is not None
    assert any(" redact: " in line for line in killed.stderr)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    kept = list((tmp_path / "data/work/steps").glob("*/*/manifest.json"))
    assert {path.parts[-3] for path in kept} >= {"ingest", "redact"}
    assert not (tmp_path / "data/published").exists()
    again = worktally("run", str(sample), "--quarter", "2026Q1", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    for name in (summary["database"], summary["report"]):
        assert (tmp_path / name).read_bytes() == (place / name).read_bytes(), name
    assert worktally("audit", cwd=tmp_path).returncode == 0  # purged, and closed to others
    assert temporary_files(tmp_path) == []
    beside = {path.name for path in (tmp_path / "data/published").iterdir()}
    assert beside == {path.name for path in (place / "data/published").iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "figures"),
    [
        ("occupation_shares", ("usage", "conversation_count", "base_usage")),
        ("soc_group_shares", ("usage", "conversation_count", "base_usage")),
        ("task_shares", ("usage", "conversation_count", "base_usage")),
        ("collaboration_shares", ("usage", "conversation_count", "base_usage")),
        ("clusters", ("conversation_count",)),
    ],
)
def test_released_figures_are_multiples_of_the_base_over_the_floor(
    table: str, figures: tuple[str, ...], place: Path
) -> None:
    rows = ask(place, f"SELECT {', '.join(figures)} FROM {table} WHERE suppression = 'none'")
    assert rows
    values = [value for row in rows for value in row if value is not None]
    assert {value % BASE for value in values} == {0}
    counts = [row[figures.index("conversation_count")] for row in rows]
    assert min(counts) >= 2 * BASE  # the next multiple of 15, the floor
    withheld = ask(place, f"SELECT {figures[0]} FROM {table} WHERE suppression <> 'none'")
    assert {value for (value,) in withheld} <= {None}
    assert withheld or table == "clusters"


@pytest.mark.slow
def test_rounded_figures_add_up(place: Path) -> None:
    """In every unit whose parts are released, and over all conversations."""
    rows = ask(
        place,
        "SELECT usage, directive, feedback_loop FROM (PIVOT (SELECT unit_level, unit_id,"
        " allocation_rule, pattern, usage FROM collaboration_shares WHERE pattern_base = 'all')"
        " ON pattern IN ('automation' AS usage, 'directive', 'feedback_loop') USING sum(usage))"
        " WHERE usage + directive + feedback_loop IS NOT NULL",
    )
    assert rows
    assert [row for row in rows if row[0] != row[1] + row[2]] == []
    levels = ask(place, "SELECT DISTINCT base_usage FROM task_shares UNION"
                        " SELECT DISTINCT base_usage FROM occupation_shares"
                        " WHERE allocation_rule = 'split'")  # fmt: skip
    (without_task,) = ask(place, "SELECT sum(value) FROM coverage WHERE stage = 'match'")
    (counted,) = ask(place, "SELECT value FROM coverage WHERE measure = 'counted'")
    assert levels == [(counted[0] - without_task[0],)]


@pytest.mark.slow
def test_conversations_over_the_limit_of_their_account_are_removed_and_counted(
    sample: Path, place: Path, summary: dict[str, Any]
) -> None:
    accounts = Counter(row["account"] for row in truth(sample) if row["fault"] in ACCEPTED_FAULTS)
    removed = sum(max(0, count - ACCOUNT_LIMIT) for count in accounts.values())
    assert removed > 0
    released = dict(ask(place, "SELECT measure, value FROM coverage"
                               " WHERE stage IN ('ingest', 'redact', 'aggregate')"
                               " AND measure <> 'rejected'"))  # fmt: skip
    rejected = sum(summary["rejected"].values())
    assert released["removed"] == (removed + BASE // 2) // BASE * BASE
    assert abs(released["counted"] - (summary["accepted"] - removed)) < BASE
    assert released["accepted"] == released["counted"] + released["removed"]
    assert released["rows_in"] == released["accepted"] + rejected
    assert released["accounts"] == len(accounts) // BASE * BASE


@pytest.mark.slow
def test_a_release_says_how_it_was_protected_but_not_what_would_undo_it(place: Path) -> None:
    found = dict(ask(place, "SELECT measure, value FROM disclosure"))
    assert found["wanted_interval"] == BASE - 1
    assert found["narrowest_interval"] >= found["wanted_interval"]
    assert found["rounding_reach"] in (BASE, 2 * BASE)
    assert found["attacked_figures"] > 0
    assert found["one_account_detection"] == 1 / BASE
    ((limits, settings),) = ask(
        place,
        "SELECT (rounding_base, account_conversation_limit, account_task_limit), settings_json"
        " FROM releases",
    )
    assert tuple(limits) == (BASE, ACCOUNT_LIMIT, 10)
    assert "dominance" not in settings


@pytest.mark.slow
def test_the_audit_attacks_the_release_and_passes(place: Path) -> None:
    finished = worktally("audit", "--json", cwd=place)
    assert finished.returncode == 0, finished.stderr
    result = json.loads(finished.stdout)
    assert result["passed"]
    names = {check["name"] for check in result["checks"]}
    assert f"2026Q1: withheld figures that can be found out to less than {BASE - 1}" in names


@pytest.mark.slow
def test_the_ledger_is_for_its_owner_only(place: Path) -> None:
    (ledger,) = (place / "data/published").glob(".*.ledger")
    entries = list(ledger.iterdir())
    assert len(entries) == 1
    assert [stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (ledger, *entries)] == [0, 0]
