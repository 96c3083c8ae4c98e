"""Intake: limits on rejects, advice, and steps that are not done twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows import intake
from flows.confine import RejectLimitError
from flows.ingest.quarters import quarter_before
from flows.request import RunRequest
from flows.settings import load_settings


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "user": f"u{number}",
        "created_at": "2026-02-01T00:00:00Z",
        "messages": [{"role": "user", "content": "hello"}],
        **changes,
    }


def request(tmp_path: Path, rows: list[Any], **ingest: Any) -> RunRequest:
    source = tmp_path / "logs.jsonl"
    source.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return RunRequest(
        sources=(source,),
        quarter="2026Q1",
        format_name=None,
        onet="starter",
        settings=load_settings(ingest=ingest),
        work=tmp_path / "work",
        database=tmp_path / "w.duckdb",
        report_directory=tmp_path,
    )


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKTALLY_KEY", "9c3e70a4-for-the-intake-b81d26f5")


@pytest.mark.parametrize(("good", "bad", "stops"), [(5, 5, False), (4, 5, True)])
def test_more_rejects_than_the_limit_stop_the_run(
    good: int, bad: int, stops: bool, tmp_path: Path
) -> None:
    rows = [row(n) for n in range(good)] + [row(n, id=None) for n in range(bad)]
    asked = request(tmp_path, rows)
    if stops:
        with pytest.raises(RejectLimitError, match="5 of 9 rows were rejected"):
            intake.ingest_sources(asked)
    else:
        assert intake.ingest_sources(asked)[0].counts["rejected"] == 5


def test_rows_outside_the_quarter_and_duplicates_do_not_count_against_the_limit(
    tmp_path: Path,
) -> None:
    other = [row(n, created_at="2025-12-31T23:59:59.999999Z") for n in range(1, 9)]
    parts = intake.ingest_sources(request(tmp_path, [row(0), row(0), *other]))
    assert parts[0].counts == {"rows_in": 10, "rows_out": 1, "rejected": 9}


@pytest.mark.parametrize(
    ("change", "option"),
    [({"created_at": None}, "--assume-quarter"), ({"user": None}, "--account-unit unknown")],
)
def test_what_is_missing_everywhere_is_told_with_the_option_for_it(
    change: dict[str, None], option: str, tmp_path: Path
) -> None:
    with pytest.raises(RejectLimitError, match=option):
        intake.ingest_sources(request(tmp_path, [row(n, **change) for n in range(3)]))


def test_declared_sources_without_accounts_and_times_are_accepted(tmp_path: Path) -> None:
    rows = [row(n, created_at=None, user=None) for n in range(3)]
    asked = request(tmp_path, rows, account_unit="unknown", assume_quarter=True)
    conversations = intake.ingest_sources(asked)[0].read("conversations")
    assert conversations["account_id"].null_count() == 3
    assert conversations["started_at"].null_count() == 3


def test_finished_partitions_are_found_again_and_a_changed_source_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(tmp_path, [row(n) for n in range(5)], partition_conversations=2)
    first = intake.ingest_sources(asked)
    assert [part.counts["rows_out"] for part in first] == [2, 2, 1]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    with monkeypatch.context() as patched:
        patched.setattr(intake, "read_records", refuse)
        assert intake.ingest_sources(asked) == first
    changed = request(tmp_path, [row(n) for n in range(6)], partition_conversations=2)
    assert sum(part.counts["rows_out"] for part in intake.ingest_sources(changed)) == 6


@pytest.mark.parametrize(
    ("instant", "quarter"),
    [
        ("2026-04-01T00:00:00+00:00", "2026Q1"),
        ("2026-03-31T23:59:59+00:00", "2025Q4"),
        ("2026-01-02T06:00:00+00:00", "2025Q4"),
        ("2026-12-31T23:30:00-02:00", "2026Q4"),
    ],
)
def test_the_quarter_before_an_instant(instant: str, quarter: str) -> None:
    from datetime import datetime

    assert quarter_before(datetime.fromisoformat(instant)).name == quarter
