import math
from pathlib import Path

import polars as pl
import pytest

from flows.decimals import cut_decimals
from tests.from_cube import ROWS, ask, publish, request_in


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    return publish(request_in(tmp_path_factory.mktemp("shares")), ROWS)


@pytest.mark.parametrize(
    ("count", "denominator", "toward", "expected"),
    [
        (1, 3, "nearest", 0.3),
        (5, 20, "nearest", 0.25),
        (7, 100, "nearest", 0.07),  # two digits tell a hundred apart
        (7, 101, "nearest", 0.069),
        (200, 3_000, "nearest", 0.0667),
        (200, 3_000, "lower", 0.0666),
        (200, 3_000, "upper", 0.0667),
        (210, 3_000, "lower", 0.07),  # exact: no bound moves
        (210, 3_000, "upper", 0.07),
        (10, 10.5, "nearest", 0.95),  # with noise, or thirds of a task
        (0, 20, "lower", 0.0),
        (20, 20, "upper", 1.0),
        (1, 1, "nearest", 1.0),
        (None, 20, "nearest", None),
    ],
)
def test_shares_have_the_decimals_of_their_denominator(count, denominator, toward, expected):
    frame = pl.DataFrame({"n": [count], "of": [denominator]}, schema_overrides={"n": pl.Float64})
    found = frame.select(cut_decimals(pl.col("n") / pl.col("of"), pl.col("of"), toward)).item()
    assert found == expected


@pytest.mark.parametrize("denominator", [2, 9, 10, 11, 99, 100, 101, 1_000, 2_357])
def test_no_two_counts_become_one_share(denominator):
    counts = pl.DataFrame({"n": range(denominator + 1)})
    cut = cut_decimals(pl.col("n") / denominator, pl.lit(float(denominator)))
    shares = counts.select(share=cut)["share"]
    assert shares.n_unique() == denominator + 1
    digits = len(str(denominator - 1))
    assert all(share == round(share, digits) for share in shares)


@pytest.mark.parametrize(
    "table", ["occupation_shares", "soc_group_shares", "task_shares", "collaboration_shares"]
)
def test_shares_have_the_decimals_of_their_base(table, published):
    rows = ask(published, f"SELECT share, share_lower, share_upper, usage, base_usage FROM {table}")
    told = [row for row in rows if row[0] is not None]
    assert told
    for *shares, usage, base in told:
        digits = len(str(math.ceil(base) - 1))
        assert shares == [round(share, digits) for share in shares]
        assert shares[0] == pytest.approx(usage / base, abs=0.5 * 10**-digits + 1e-12)
        assert shares[1] <= shares[0] <= shares[2]
