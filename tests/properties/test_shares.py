from random import Random

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.aggregate import aggregate_cells
from flows.disclosure.thresholds import PrimaryRules
from flows.shares import (
    collaboration_shares,
    occupation_shares,
    soc_group_shares,
    task_depth,
    task_shares,
)
from flows.tables import Observations, ReleasedCells
from taxonomy.patterns import MODES, PATTERN_BASES, PATTERNS
from tests.exact import withhold_cells

OUTCOMES = [1, 2, 3, 4, 5, 6, "none", "not_classified"]
blocks = st.lists(
    st.tuples(
        st.sampled_from(OUTCOMES), st.sampled_from(PATTERNS), st.integers(1, 40), st.integers(1, 9)
    ),
    min_size=1,
    max_size=8,
)
few = settings(max_examples=8)  # an example takes a fifth of a second


@pytest.fixture(scope="module")
def derive(mini_taxonomy):
    def derived(released):
        return {
            "occupation_shares": occupation_shares(released, mini_taxonomy),
            "soc_group_shares": soc_group_shares(released, mini_taxonomy),
            "task_shares": task_shares(released, mini_taxonomy),
            "collaboration_shares": collaboration_shares(released, mini_taxonomy),
            "task_depth": task_depth(released, mini_taxonomy, quarter="2026Q1"),
        }

    return derived


@pytest.fixture(scope="module")
def count_cells(usage, observed):
    return lambda some: aggregate_cells(observed(usage(some)), quarter="2026Q1")


def plain(frame):
    return frame.with_columns(pl.col(pl.Enum).cast(pl.String))


def unexplained(frame):
    """Rows rolled up as if they were under the floors; nothing else changes."""
    if "suppression" not in frame.columns:
        return frame
    return plain(frame).with_columns(pl.col("suppression").replace("rolled_up", "primary"))


FULL_BLOCKS = [
    (1, "directive", 20, 6),
    (1, "validation", 3, 3),
    (1, "none", 4, 4),
    (2, "learning", 18, 5),
    ("none", "none", 9, 5),
]


@few
@given(blocks)
@example(FULL_BLOCKS)
def test_shares_of_a_level_sum_to_one_when_nothing_is_withheld(count_cells, derive, some):
    cells = count_cells(some)
    no_noise = {name: pl.lit(None, pl.Float64) for name in ("usage_lower", "usage_upper")}
    everything = cells.with_columns(suppression=pl.lit("none"), **no_noise)
    tables = derive(ReleasedCells.validate(everything, cast=True))
    matched = any(not isinstance(task, str) for task, *_ in some)
    for name, keys in [
        ("occupation_shares", ["allocation_rule"]),
        ("soc_group_shares", ["soc_level", "allocation_rule"]),
        ("task_shares", ["onet_release"]),
    ]:
        for column in {"share", "task_equal_share"} & set(tables[name].columns):
            sums = tables[name].group_by(keys).agg(pl.col(column).sum())[column]
            assert sums.to_list() == pytest.approx([float(matched)] * len(sums), abs=1e-8)
    units = ["unit_level", "unit_id", "allocation_rule", "pattern_base"]
    for (*_, base), rows in plain(tables["collaboration_shares"]).group_by(units):
        usage = dict(rows.select("pattern", "usage").rows())
        share = dict(rows.select("pattern", "share").rows())
        needed = {"five": {*MODES}, "six": {*MODES, "none"}, "all": set()}[base]
        if any(usage[part] is None for part in needed):
            assert rows["share"].null_count() == rows["base_usage"].null_count() == rows.height
            continue
        assert rows["base_usage"].null_count() == 0
        of_patterns = sum(share[each] or 0.0 for each in PATTERN_BASES[base])
        assert of_patterns == pytest.approx(1.0, abs=1e-8)
        if needed:
            assert sum(share[part] for part in needed) == pytest.approx(1.0, abs=1e-8)


@few
@given(blocks)
def test_a_share_lies_between_its_bounds_and_they_between_zero_and_one(count_cells, derive, some):
    for name, table in derive(withhold_cells(count_cells(some), PrimaryRules(15, 5))).items():
        if name != "task_depth":
            shown = table.filter(pl.col("share").is_not_null())
            bounds = shown.select("share_lower", "share", "share_upper")
            assert all(0.0 <= low <= share <= high <= 1.0 for low, share, high in bounds.rows())


@few
@given(blocks, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(usage, observed, derive, some, draw):
    rows = usage(some)
    first = observed(rows)
    second = Observations.validate(first[draw.sample(range(first.height), first.height)])
    tables = []
    for observations in (first, second):
        cells = aggregate_cells(observations, quarter="2026Q1")
        released = withhold_cells(cells, PrimaryRules(15, 5))
        tables.append({"cells": cells, **derive(released)})
    assert all(tables[0][name].equals(tables[1][name]) for name in tables[0])


@few
@given(blocks, st.randoms(use_true_random=False))
@example(FULL_BLOCKS, Random(1))
def test_a_withheld_cell_changes_no_released_figure(count_cells, derive, some, draw):
    """Tables of a release are the same whether a withheld cell is in the cube or is not.

    But for the reason of one that was rolled up into its unit: absent, it looks under the floors.
    """
    released = withhold_cells(count_cells(some), PrimaryRules(15, 5))
    is_withheld = released["suppression"].cast(pl.String) != "none"
    is_everything = (pl.col("unit_level") == "all") & (pl.col("pattern") == "all")
    kept = pl.Series([draw.random() < 0.5 for _ in range(released.height)])
    fewer = released.filter(~is_withheld | kept | is_everything)
    with_and_without = derive(released), derive(ReleasedCells.validate(fewer))
    for name, table in with_and_without[0].items():
        assert unexplained(table).equals(unexplained(with_and_without[1][name])), name
