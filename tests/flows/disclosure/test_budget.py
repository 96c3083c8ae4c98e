import json
import stat
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from flows.confine import PrivacyGateError
from flows.disclosure import budget
from flows.disclosure.budget import draw_once, identify_inputs
from flows.disclosure.hierarchy import build_hierarchy
from flows.disclosure.noisy_cells import Noise, describe_noise
from flows.tables import ReleasedCells

TASKS = ["task_id", "onet_soc_code", "weight"]
NOISE = Noise(epsilon=1.0, account_limit=5)


@pytest.fixture
def draw(tmp_path):
    """Draws for the inputs named; every draw is of other numbers."""
    numbers = iter(range(1, 1_000))

    def once(inputs, *, epsilon=1.0, budget=4.0, told=(), quarter="2026Q1", measure=None):
        return draw_once(
            tmp_path / "ledger",
            quarter=quarter,
            inputs=inputs,
            noise=replace(NOISE, epsilon=epsilon),
            budget=budget,
            told=dict(told),
            measure=measure or (lambda: [np.array([[next(numbers)]])]),
        )

    return once


def refused(draw, reason, *args, **kwargs):
    def never():
        raise AssertionError("noise was drawn")

    with pytest.raises(PrivacyGateError, match=reason):
        draw(*args, **kwargs, measure=never)


def test_the_same_counts_get_the_same_noise_and_it_costs_nothing(draw, tmp_path):
    first, other = draw("a"), draw("b", quarter="2026Q2")
    again = draw("a")
    assert [level.tolist() for level in again.measured] == [[[1]]]
    assert (first.spent, other.spent, again.spent) == (1.0, 2.0, 1.0)
    assert len(list((tmp_path / "ledger").iterdir())) == 2
    draw("a", budget=2.0)


@pytest.mark.parametrize("epsilon", [1.0, 2 / 3, 0.1234567])
def test_what_the_database_tells_to_have_been_spent_is_what_the_ledger_knows(epsilon, draw):
    spent = draw("a", epsilon=epsilon).spent
    nothing = build_hierarchy(pl.DataFrame([(1, "15-1252.00", 1.0)], TASKS, orient="row"))
    told = describe_noise(
        ReleasedCells.create_empty(), nothing, Noise(epsilon, 5), spent=spent, budget=4.0,
        quarter="2026Q1",
    )  # fmt: skip
    told_epsilons = {"2026Q1": told.filter(measure="epsilon_spent")["value"].item()}
    assert draw("a", epsilon=epsilon, told=told_epsilons).spent == spent


def test_changed_counts_of_a_quarter_spend_again(draw):
    assert [draw(inputs).spent for inputs in "abc"] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("epsilons", "epsilon", "budget", "fits"),
    [
        ([], 4.0, 4.0, True),
        ([], 4.000001, 4.0, False),
        ([1.0, 1.0, 1.0], 1.0, 4.0, True),
        ([1.0, 1.0, 1.0, 1.0], 1e-9, 4.0, False),
        ([0.1] * 9, 0.1, 1.0, True),  # added one by one, they would come to 0.9999999999999999
        ([0.1] * 10, 0.1, 1.0, False),
        ([0.1, 0.1], 0.1, 0.3, False),  # three tenths as floats are more than 0.3
    ],
)
def test_what_the_budget_does_not_allow_is_not_drawn(draw, epsilons, epsilon, budget, fits):
    for number, each in enumerate(epsilons):
        draw(f"earlier {number}", epsilon=each, budget=9.0)
    if fits:
        draw("a", epsilon=epsilon, budget=budget)
    else:
        refused(draw, "epsilon_total", "a", epsilon=epsilon, budget=budget)
        draw("a", epsilon=epsilon, budget=99.0)  # and nothing was spent by asking


def test_what_is_drawn_is_not_released_under_a_budget_that_it_exceeds(draw):
    draw("a", epsilon=3.0)
    refused(draw, "epsilon_total", "a", epsilon=3.0, budget=2.0)


def test_without_the_gate_the_budget_would_be_exceeded(draw, monkeypatch):
    monkeypatch.setattr(budget, "_refuse_overspending", lambda spent, most: None)
    assert [draw(inputs, budget=2.0).spent for inputs in "abc"][-1] > 2.0


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda ledger: (ledger / "noise-0000.json").unlink(), "is missing"),
        (lambda ledger: (ledger / "noise-0001.json").write_text("{"), "cannot be read"),
        (
            lambda ledger: (ledger / "noise-0001.json").write_text('{"quarter": 1}'),
            "cannot be read",
        ),
        (lambda ledger: (ledger / "noise-0001.json").unlink(), "the database tells of noise"),
        (
            lambda ledger: [path.unlink() for path in ledger.iterdir()],
            "the database tells of noise",
        ),
        (lambda ledger: (ledger / "2026Q1-0-0.json").write_text("{}"), "cannot be read"),
    ],
)
def test_a_ledger_that_is_not_whole_is_refused(spoil, reason, draw, tmp_path):
    draw("a"), draw("b", quarter="2026Q2")
    spoil(tmp_path / "ledger")
    refused(draw, reason, "a", told={"2026Q1": 1.0, "2026Q2": 2.0})


@pytest.mark.parametrize(
    ("told", "quarter", "is_refused"),
    [
        ({}, "2026Q1", False),
        ({"2026Q1": None}, "2026Q2", False),
        ({"2026Q1": None}, "2026Q1", True),
    ],
)
def test_a_quarter_that_was_released_without_noise_gets_none(draw, told, quarter, is_refused):
    if is_refused:
        refused(draw, "released without noise", "a", told=told, quarter=quarter)
    else:
        draw("a", told=told, quarter=quarter)


def test_of_two_runs_that_draw_at_the_same_time_one_is_refused(draw, tmp_path):
    def measure_while_another_run_draws():
        draw("b")
        return [np.array([[0]])]

    with pytest.raises(PrivacyGateError, match="another run"):
        draw("a", measure=measure_while_another_run_draws)
    (path,) = (tmp_path / "ledger").iterdir()
    assert json.loads(path.read_text())["inputs"] == "b"


def test_a_draw_that_failed_is_not_spent(draw, tmp_path):
    def fail():
        raise OSError("no noise")

    with pytest.raises(OSError):
        draw("a", measure=fail)
    assert not (tmp_path / "ledger").exists()


def test_the_ledger_is_for_its_owner_only(draw, tmp_path):
    draw("a")
    paths = [tmp_path / "ledger", *(tmp_path / "ledger").iterdir()]
    assert [stat.S_IMODE(path.stat().st_mode) & 0o077 for path in paths] == [0, 0]


def test_whatever_noise_depends_on_tells_inputs_apart():
    rows = [("1", "directive", 5), ("2", "learning", 7)]
    names = ["key", "pattern", "conversation_count"]
    counts = pl.DataFrame(rows, names, orient="row")
    held = [(task, "15-1252.00", 1.0) for task in (1, 2, 3)]
    known = build_hierarchy(pl.DataFrame(held, TASKS, orient="row"))
    fewer = build_hierarchy(pl.DataFrame(held[:2], TASKS, orient="row"))
    first = identify_inputs(b"k" * 32, counts, known, NOISE)
    assert first == identify_inputs(b"k" * 32, counts.reverse(), known, NOISE)
    others = {
        identify_inputs(b"o" * 32, counts, known, NOISE),
        identify_inputs(b"k" * 32, counts.head(1), known, NOISE),
        identify_inputs(b"k" * 32, counts.with_columns(conversation_count=pl.lit(5)), known, NOISE),
        identify_inputs(b"k" * 32, counts, fewer, NOISE),
        identify_inputs(b"k" * 32, counts, known, replace(NOISE, epsilon=1.1)),
        identify_inputs(b"k" * 32, counts, known, replace(NOISE, account_limit=6)),
    }
    assert len(others | {first}) == 7
