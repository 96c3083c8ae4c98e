import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.aggregate import aggregate_cells
from flows.confine import ContractError
from flows.disclosure import noisy_cells
from flows.disclosure.differential_privacy import key_counts, measure_counts
from flows.disclosure.hierarchy import UNITS, build_hierarchy
from flows.disclosure.lattice import FIGURE_PATTERNS, UNIT, unit_weights
from flows.disclosure.noisy_cells import Noise, describe_noise, release_noisy_cells
from flows.tables import Cells

CELL = [*UNIT, "pattern"]
FLOOR = 15


def plain(frame):
    return frame.with_columns(pl.col("unit_level", "allocation_rule", "pattern").cast(pl.String))


@pytest.fixture(scope="module")
def release():
    def build(held, cells, *, epsilon, account_limit=1, floor=FLOOR):
        hierarchy, noise = build_hierarchy(held), Noise(epsilon, account_limit)
        measured = measure_counts(
            key_counts(cells), hierarchy, epsilon=epsilon, account_limit=account_limit
        )
        return plain(
            release_noisy_cells(
                measured, hierarchy, unit_weights(held), noise, quarter="2026Q1", floor=floor
            )
        )

    return build


@pytest.fixture(scope="module")
def cells(starter_tasks, invent_cells):
    return invent_cells(starter_tasks, conversations=20_000, accounts=5_000)


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_with_next_to_no_noise_the_cells_are_those_of_the_cube(
    release, link_tasks, invent_cells, seed
):
    """The oracle is the aggregation of conversations, which knows nothing of keys and weights."""
    held = link_tasks(seed)
    cells = invent_cells(held, conversations=600, accounts=200, seed=seed)
    found = release(held, cells, epsilon=1e9)
    both = found.join(plain(cells), on=CELL, how="left", suffix="_true")
    true_count = pl.col("conversation_count_true").fill_null(0)
    # a task that occupations share is split again, and so moves by what its parts were rounded to
    is_shown = (true_count >= FLOOR) & (pl.col("usage_true") > 0.01)
    shown = both.filter(is_shown)
    assert set(shown["suppression"]) <= {"none"}
    assert set(both.filter(~is_shown)["suppression"]) <= {"too_noisy"}
    assert shown["usage"].to_list() == pytest.approx(shown["usage_true"].to_list(), abs=1e-3)
    assert shown["conversation_count"].to_list() == shown["conversation_count_true"].to_list()


def test_every_unit_and_pattern_has_a_row_whichever_hold_usage(
    release, starter_tasks, invent_cells
):
    keys = unit_weights(starter_tasks).select(UNIT).unique()
    expected = keys.join(pl.DataFrame({"pattern": FIGURE_PATTERNS}), how="cross").sort(CELL)
    for conversations in (0, 50, 5_000):
        cells = Cells.create_empty()
        if conversations:
            cells = invent_cells(starter_tasks, conversations=conversations, accounts=40)
        found = release(starter_tasks, cells, epsilon=1.0)
        assert found.select(CELL).sort(CELL).equals(expected)


def test_the_truth_lies_within_the_bounds_of_95_in_100_shown_figures(release, starter_tasks, cells):
    truth = plain(cells).select(*CELL, truth="usage")
    found = pl.concat(release(starter_tasks, cells, epsilon=4.0) for _ in range(4))
    shown = found.filter(suppression="none").join(truth, on=CELL, how="left").fill_null(0.0)
    for _, rows in shown.group_by("unit_level"):
        inside = rows["truth"].is_between(rows["usage_lower"], rows["usage_upper"])
        assert inside.mean() > 0.85, rows["unit_level"][0]  # chosen as large, so a little less
    inside = shown["truth"].is_between(shown["usage_lower"], shown["usage_upper"])
    assert 0.9 < inside.mean() < 0.99
    assert shown["usage"].is_between(shown["usage_lower"], shown["usage_upper"]).all()


def test_what_is_lost_in_the_noise_or_under_the_floor_is_withheld(release, starter_tasks, cells):
    found = release(starter_tasks, cells, epsilon=4.0)
    shown, withheld = found.filter(suppression="none"), found.filter(suppression="too_noisy")
    assert shown.height + withheld.height == found.height
    assert shown.height > 500
    assert withheld.height > 5_000
    assert (shown["usage_upper"] - shown["usage_lower"] <= shown["usage"]).all()
    assert shown["conversation_count"].min() >= FLOOR
    figures = ("usage", "conversation_count", "usage_lower", "usage_upper")
    assert withheld.select(figures).null_count().row(0) == (withheld.height,) * len(figures)
    empty = plain(cells).select(CELL)
    assert shown.join(empty, on=CELL, how="anti").height <= 2  # hardly one is of noise alone


def test_without_the_rule_figures_of_noise_alone_would_be_shown(
    release, starter_tasks, cells, monkeypatch
):
    monkeypatch.setattr(
        noisy_cells, "_noise_reach", lambda hierarchy, of_units, noise: np.zeros(of_units.shape[0])
    )
    monkeypatch.setattr(
        noisy_cells, "least_squares", lambda noisy, parents, variances: [np.zeros_like(noisy[-1])]
    )
    found = release(starter_tasks, cells, epsilon=0.5).filter(suppression="none")
    assert found.join(plain(cells).select(CELL), on=CELL, how="anti").height > 0


def test_shown_parts_add_up_to_their_totals(release, starter_tasks, cells):
    found = release(starter_tasks, cells, epsilon=4.0, floor=0).filter(
        unit_level="all", unit_id="all"
    )
    usage = dict(found.select("pattern", "usage").rows())
    assert usage["automation"] == pytest.approx(usage["directive"] + usage["feedback_loop"])
    parts = ("automation", "augmentation", "none", "not_classified")
    assert usage["all"] == pytest.approx(sum(usage[part] for part in parts))


def test_the_reach_of_noise_is_that_of_the_mechanism(starter_tasks):
    """A key without a task is measured on its own, four times: the mean of four Laplace draws."""
    hierarchy, noise = build_hierarchy(starter_tasks), Noise(epsilon=2.0, account_limit=3)
    assert noise.scales() == [6.0] * 4
    units, of_units = noisy_cells._unit_sums(hierarchy, unit_weights(starter_tasks))
    reach = noisy_cells._noise_reach(hierarchy, of_units, noise)
    own = units.filter(unit_id="not_classified")["unit"].item()
    deviation = 6.0 * 2**0.5 / 4**0.5
    assert reach[own] == pytest.approx(deviation * np.log(20) / 2**0.5, rel=0.15)


def test_a_conversation_in_two_keys_is_refused(starter_tasks, invent_usage):
    usage = invent_usage(starter_tasks, conversations=300, accounts=30)
    cells = aggregate_cells(usage, quarter="2026Q1")
    assert key_counts(cells)["conversation_count"].sum() == 300
    is_task = (pl.col("unit_level").cast(pl.String) == "task") & (pl.col("unit_id") != "all")
    twice = pl.col("conversation_count") + is_task.cast(pl.Int64)
    with pytest.raises(ContractError, match="no key or in several"):
        key_counts(cells.with_columns(conversation_count=twice))


def test_what_noise_was_added_is_told_in_parameters(release, starter_tasks, invent_cells):
    cells = release(starter_tasks, Cells.create_empty(), epsilon=1.0)
    described = describe_noise(
        cells, build_hierarchy(starter_tasks), Noise(1.0, 5), spent=2.0, budget=4.0,
        quarter="2026Q1",
    )  # fmt: skip
    told = dict(described.select("measure", "value").rows())
    nodes = 3 + 24 + 232 + 1_382  # classes, major groups, occupations and tasks; 2 without a task
    assert told == {
        "epsilon": 1.0, "epsilon_spent": 2.0, "epsilon_total": 4.0, "account_limit": 5.0,
        "guess_limit": 0.731059, "noise_scale": 20.0, "measured_cells": nodes * 7,
        "too_noisy_cells": cells.height,
    }  # fmt: skip
    assert UNITS == 2**24  # what is in the ledger is in these
