"""The line as its users run it: one flow through Prefect, its bytes, its traces, its refusals."""

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.sample import write_sample

COMMAND = (sys.executable, "-c", "from flows.cli import main; main()")
CONVERSATIONS = 600
KEY = "a-key-for-tests-0123456789-abcdefghijklmnop"


def worktally(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env={**os.environ, "WORKTALLY_KEY": KEY, "COLUMNS": "200", **environment},
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


def truth(sample: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(sample / "truth" / "truth-2026Q1.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@pytest.mark.slow
def test_rows_in_are_accepted_or_rejected_with_the_rules_that_were_planted(
    sample: Path, summary: dict[str, Any]
) -> None:
    accepted_faults = ("exact_duplicate", "near_duplicate", "quarter_edge", None)
    planted: dict[str, int] = {}
    for row in truth(sample):
        if row["fault"] not in accepted_faults:
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
    canaries = {
        spot["text"]
        for row in truth(sample)
        for spot in row["planted"]
        if len(spot["text"]) >= 8 and spot["entity_type"] not in ("DATE_TIME", "LOCATION")
    }
    assert len(canaries) > 50
    assert find_canaries(place, canaries) == []


@pytest.mark.slow
def test_the_canary_search_finds_what_is_left_when_nothing_is_purged(
    sample: Path, tmp_path: Path
) -> None:
    (tmp_path / "keep.toml").write_text("[publish]\nkeep_work = true\n")
    finished = worktally(
        "run", str(sample), "--quarter", "2026Q1", "--settings", "keep.toml", cwd=tmp_path
    )
    assert finished.returncode == 0, finished.stderr
    canaries = {spot["text"] for row in truth(sample) for spot in row["planted"]}
    assert find_canaries(tmp_path, canaries)


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(
    sample: Path, place: Path, tmp_path: Path, summary: dict[str, Any]
) -> None:
    again = worktally("run", str(sample), "--quarter", "2026Q1", "--json", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    for name in (summary["database"], summary["report"]):
        assert (tmp_path / name).read_bytes() == (place / name).read_bytes(), name


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_bytes(
    sample: Path, place: Path, tmp_path: Path, summary: dict[str, Any]
) -> None:
    killed = subprocess.Popen(
        [*COMMAND, "run", str(sample), "--quarter", "2026Q1"],
        cwd=tmp_path,
        env={**os.environ, "WORKTALLY_KEY": KEY},
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
    assert not (tmp_path / "data/work/steps").exists()


@pytest.mark.slow
def test_released_cells_hold_the_floors_and_the_audit_passes(place: Path) -> None:
    with duckdb.connect(str(place / "data/published/worktally.duckdb"), read_only=True) as database:
        least = database.execute(
            "SELECT min(conversation_count), min(account_count) FROM soc_group_shares"
            " WHERE suppression = 'none'"
        ).fetchone()
    assert least is not None
    assert least[0] >= 15
    assert least[1] >= 5
    audit = worktally("audit", "--json", cwd=place)
    assert audit.returncode == 0, audit.stderr
    assert json.loads(audit.stdout)["passed"]


def find_canaries(directory: Path, canaries: set[str]) -> list[tuple[str, str]]:
    """Looks for each canary in every byte, in the text of Parquet files, and in gzip."""
    import polars as pl

    found = []
    for path in (path for path in directory.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content = pl.read_parquet(path).write_json().encode()
        elif content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        text = content.decode("utf-8", "replace")
        found += [(path.name, canary) for canary in canaries if canary in text]
    return found
