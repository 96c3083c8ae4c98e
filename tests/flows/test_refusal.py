"""What a reviewer is told of a refused release: ids and widths, in a file of their own."""

import ast
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import get_args

import polars as pl
import pytest

from flows import cli, release_steps, steps
from flows.confine import GateRule, PrivacyGateError, RefusedCell
from flows.disclosure import control
from flows.disclosure.ledger import ledger_of
from flows.refusal import ADVICE, forget_refusal, tells_refusal
from flows.request import RunRequest
from tests.flows.test_noise import ROWS, disclose, request_in

CELL = RefusedCell("task", "900457", "split", "learning", False, 8.0, 9.0)
PART = RefusedCell("broad", "15-1210", "split", "all", True, 0.5, 9.0)
KEYS = {"quarter", "notice", "rule", "message", "what_to_do", "refused_cell_count", "refused_cells"}


@pytest.fixture
def request_(tmp_path) -> RunRequest:
    return request_in(tmp_path / "published", mode="rounding")


def refuse(request: RunRequest, **refused) -> str:
    """Runs a step that refuses, and returns what its error says."""

    @tells_refusal
    def step(request: RunRequest) -> None:
        raise PrivacyGateError("disclose: no", **refused)

    with pytest.raises(PrivacyGateError, match="disclose: no") as caught:
        step(request)
    assert (caught.value.cells, caught.value.cell_count) == ((), 0)
    assert caught.value.__context__ is None
    return str(caught.value)


def read(request: RunRequest) -> tuple[dict, str]:
    place = request.database.parent
    return (
        json.loads((place / "refused-2026Q1.json").read_text("utf-8")),
        (place / "refused-2026Q1.md").read_text("utf-8"),
    )


def test_a_refused_release_leaves_its_rule_and_its_cells_for_its_owner_only(request_):
    said = refuse(request_, rule="figures_can_be_found_out", cells=[CELL, PART], cell_count=2_500)
    assert said.endswith(
        f"see {request_.database.parent}/refused-2026Q1.md, or refused-2026Q1.json"
    )
    told, page = read(request_)
    assert told.keys() == KEYS
    assert told["rule"] == "figures_can_be_found_out"
    assert told["what_to_do"] == ADVICE["figures_can_be_found_out"]
    assert (told["refused_cell_count"], len(told["refused_cells"])) == (2_500, 2)
    assert told["refused_cells"][0] == {
        "unit_level": "task", "unit_id": "900457", "allocation_rule": "split",
        "pattern": "learning", "is_remainder": False, "width": 8.0, "wanted_width": 9.0,
    }  # fmt: skip
    assert "not for release" in told["notice"]
    assert "| task | 900457 | split | learning | 8 | 9 |" in page
    assert "| broad | what is left of 15-1210 | split | all | 0.5 | 9 |" in page
    assert "2,500; here 2." in page
    made = sorted(request_.database.parent.iterdir())
    assert [path.name for path in made] == ["refused-2026Q1.json", "refused-2026Q1.md"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert stat.S_IMODE(request_.database.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(("count", "listed"), [(999, 999), (1_000, 1_000), (1_001, 1_000)])
def test_a_report_lists_a_thousand_cells_and_counts_all(count, listed, request_):
    refuse(request_, rule="same_release_came_out_different", cells=[CELL] * count)
    told, page = read(request_)
    assert (told["refused_cell_count"], len(told["refused_cells"])) == (count, listed)
    assert page.count("| task |") == listed


def test_a_later_refusal_replaces_the_report_and_publishing_removes_it(request_):
    refuse(request_, rule="figures_can_be_found_out", cells=[CELL])
    refuse(request_, rule="no_rounding_adds_up")
    told, page = read(request_)
    assert (told["rule"], told["refused_cells"]) == ("no_rounding_adds_up", [])
    assert "it names no cells" in page
    forget_refusal(request_.database, "2026Q2")
    assert len(list(request_.database.parent.iterdir())) == 2
    forget_refusal(request_.database, "2026Q1")
    assert list(request_.database.parent.iterdir()) == []


def test_where_a_report_cannot_be_written_the_release_is_refused_all_the_same(request_):
    request_.database.parent.write_text("no directory")
    assert "its report could not be written to" in refuse(request_, rule="no_rounding_adds_up")


def test_every_refusal_of_disclosure_control_names_a_rule_that_has_advice():
    assert set(get_args(GateRule)) == set(ADVICE)
    named = set()
    for path in Path(control.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PrivacyGateError":
                rules = [word.value.value for word in node.keywords if word.arg == "rule"]
                assert len(rules) == 1, f"{path.name}:{node.lineno}"
                named.update(rules)
    assert named == set(ADVICE)


# --- through the line -----------------------------------------------------------------------------


def without_copies(_: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    return accounts.select("conversation_id", source_id="account_id", copy_id="conversation_id")


def narrow_everything(monkeypatch) -> None:
    attack = control.attack
    monkeypatch.setattr(control, "attack", lambda *all_, wanted: attack(*all_, wanted=1e9))
    monkeypatch.setattr(control, "_REPAIRS", 1)


def test_a_refused_quarter_exits_with_5_and_is_told_until_it_is_published(
    request_, monkeypatch, tmp_path, capsys
):
    def run_without_prefect(request: RunRequest) -> dict:
        release_steps.publish_all(request, disclose(request, ROWS))
        raise SystemExit(0)  # a summary is not what this is about

    monkeypatch.setattr("flows.launch.run_quarter", run_without_prefect)
    monkeypatch.setattr(steps, "find_sources", without_copies)
    database = request_.database
    place = database.parent
    (tmp_path / "logs.jsonl").write_text("{}\n")
    arguments = ["worktally", "run", str(tmp_path / "logs.jsonl"), "--quarter", "2026Q1",
                 "--database", str(database), "--work", str(tmp_path / "work")]  # fmt: skip
    monkeypatch.setattr("sys.argv", arguments)

    def run() -> int:
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return int(stopped.value.code or 0)

    with monkeypatch.context() as without:
        narrow_everything(without)
        assert run() == 5
    assert f"see {place}/refused-2026Q1.md" in capsys.readouterr().err
    assert sorted(path.name for path in place.iterdir()) == [
        "refused-2026Q1.json", "refused-2026Q1.md",
    ]  # fmt: skip
    told, _ = read(request_)
    assert (told["rule"], told["quarter"]) == ("figures_can_be_found_out", "2026Q1")
    assert told["refused_cell_count"] == len(told["refused_cells"]) > 100
    assert run() == 0
    assert database.exists()
    assert not list(place.glob("refused-*"))


@pytest.mark.parametrize(
    ("other", "is_refused"),
    [({"rounding_base": 14}, True), ({"account_floor": 6}, False)],
)
def test_what_another_run_released_in_the_meantime_is_attacked_as_well(
    other, is_refused, request_, monkeypatch, tmp_path
):
    """Both were disclosed against an empty ledger."""
    monkeypatch.setattr(steps, "find_sources", without_copies)
    second = request_in(tmp_path / "published", mode="rounding", **other)
    second = replace(second, work=tmp_path / "other")
    disclosed = [disclose(request, ROWS) for request in (request_, second)]
    release_steps.publish_all(request_, disclosed[0])
    release_steps.publish_all(request_, disclosed[0])
    if not is_refused:
        release_steps.publish_all(second, disclosed[1])
        return
    with pytest.raises(PrivacyGateError, match=r"another run.*refused-2026Q1\.md"):
        release_steps.publish_all(second, disclosed[1])
    told, _ = read(request_)
    assert told["rule"] == "two_runs_at_once"
    assert told["refused_cell_count"] == len(told["refused_cells"]) > 0
    assert len(list(ledger_of(request_.database).iterdir())) == 1


def test_the_ledger_is_read_and_written_by_one_run_at_a_time(request_, monkeypatch):
    lock, locked = request_.database.with_name(".lamps.duckdb.ledger.admitting.lock"), []

    def watched(function):
        return lambda *asked: (locked.append(lock.exists()), function(*asked))[1]

    monkeypatch.setattr(steps, "find_sources", without_copies)
    for name in ("read_ledger", "record_release"):
        monkeypatch.setattr(release_steps, name, watched(getattr(release_steps, name)))
    disclosed = disclose(request_, ROWS)
    locked.clear()
    release_steps.publish_all(request_, disclosed)
    assert locked == [True, True]
    names = {path.name for path in lock.parent.iterdir()}
    assert names == {".lamps.duckdb.ledger", "lamps.duckdb", "work"}


def test_a_quarter_over_the_budget_of_privacy_is_told(tmp_path):
    request = request_in(tmp_path, epsilon_per_quarter=2.0, epsilon_total=2.0)
    disclose(request, ROWS)
    with pytest.raises(PrivacyGateError, match=r"would come to 4.*refused-2026Q1\.md"):
        disclose(request, ROWS[1:])
    told, _ = read(request)
    assert (told["rule"], told["refused_cells"]) == ("budget_exceeded", [])
