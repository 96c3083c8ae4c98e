import math
import random

import polars as pl
import pytest

from onet.allocation import allocate, total

CODER, TESTER, WRITER = "15-1252.00", "15-1253.00", "27-3042.00"


def rows(*values):
    """Rows of observation, task, occupation, weight, usage."""
    names = ["observation_id", "task_id", "onet_soc_code", "weight", "usage"]
    return pl.LazyFrame(values, names, orient="row")


def allocated(frame):
    keys = ["unit_level", "unit_id", "allocation_rule"]
    sums = allocate(frame).group_by(keys).agg(total(pl.col("usage"))).collect()
    return {row[:3]: row[3] for row in sums.select(*keys, "usage").rows()}


ALONE = rows(("a", 1, CODER, 1.0, 1.0))
SHARED = rows(*(("a", 2, code, 1 / 3, 1.0) for code in (CODER, TESTER, WRITER)))
PERCENT = rows(("a", 1, CODER, 1.0, 40.0), *(("b", 3, c, 0.5, 60.0) for c in (CODER, WRITER)))


@pytest.mark.parametrize(
    ("frame", "level", "rule", "expected"),
    [
        (ALONE, "major", "split", {"15-0000": 1.0}),
        (ALONE, "major", "full", {"15-0000": 1.0}),
        (ALONE, "occupation", "split", {CODER: 1.0}),
        (ALONE, "task", "split", {"1": 1.0}),
        (ALONE, "task", "full", {}),
        (SHARED, "major", "split", {"15-0000": 2 / 3, "27-0000": 1 / 3}),
        (SHARED, "major", "full", {"15-0000": 1.0, "27-0000": 1.0}),
        (SHARED, "minor", "split", {"15-1200": 2 / 3, "27-3000": 1 / 3}),
        (SHARED, "minor", "full", {"15-1200": 1.0, "27-3000": 1.0}),
        (SHARED, "broad", "split", {"15-1250": 2 / 3, "27-3040": 1 / 3}),
        (SHARED, "occupation", "split", dict.fromkeys((CODER, TESTER, WRITER), 1 / 3)),
        (SHARED, "occupation", "full", dict.fromkeys((CODER, TESTER, WRITER), 1.0)),
        (SHARED, "task", "split", {"2": 1.0}),
        (PERCENT, "major", "split", {"15-0000": 70.0, "27-0000": 30.0}),
        (PERCENT, "major", "full", {"15-0000": 100.0, "27-0000": 60.0}),
        (rows(*ALONE.collect().rows(), *SHARED.collect().rows()), "task", "split",
         {"1": 1.0, "2": 1.0}),
    ],
)  # fmt: skip
def test_usage_goes_to_the_units_that_hold_the_task(frame, level, rule, expected):
    found = allocated(frame)
    of_level = {key[1]: usage for key, usage in found.items() if key[::2] == (level, rule)}
    assert of_level == pytest.approx(expected)


def test_other_columns_are_carried_along():
    frame = SHARED.with_columns(pattern=pl.lit("directive"))
    assert set(allocate(frame).collect()["pattern"]) == {"directive"}


@pytest.mark.parametrize(
    "values",
    [
        [1 / 3] * 30_000 + [1e6],
        [0.002 / 34] * 3,
        [random.Random(7).uniform(0, 1e4) for _ in range(20_000)],
        [],
        [0.0],
    ],
    ids=["thirds beside a million", "little", "any floats", "none", "zero"],
)
def test_a_total_is_exact_and_knows_no_order(values):
    draw = random.Random(1)
    orders = [draw.sample(values, len(values)) for _ in range(5)]
    found = {
        pl.LazyFrame({"usage": order, "unit": [1] * len(order)}, schema_overrides={"usage": float})
        .select(total(pl.col("usage")))
        .collect()
        .item()
        for order in orders
    }
    assert len(found) == 1
    assert found.pop() == pytest.approx(math.fsum(values), rel=1e-11)
