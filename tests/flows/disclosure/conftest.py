from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from flows.aggregate import aggregate_cells
from flows.tables import Observations
from onet.release import load_release
from onet.weights import task_occupations
from taxonomy.patterns import PATTERNS

PATTERN_SHARES = (0.27, 0.14, 0.29, 0.2, 0.03, 0.04, 0.03)


@pytest.fixture(scope="session")
def starter_tasks() -> pl.DataFrame:
    return task_occupations(load_release("starter"))


@pytest.fixture(scope="session")
def link_tasks() -> Callable[[int], pl.DataFrame]:
    """A small invented taxonomy: every third task is held by two or three occupations."""

    def link(seed: int) -> pl.DataFrame:
        random = np.random.default_rng(seed)
        majors = random.choice(["11", "13", "15", "17", "19"], random.integers(1, 4), replace=False)
        codes = [
            f"{major}-{minor}{broad}{last}.00"
            for major in sorted(majors)
            for minor in random.choice(["11", "12", "20"], random.integers(1, 3), replace=False)
            for broad in range(1, random.integers(2, 4))
            for last in range(1, random.integers(2, 4))
        ]
        rows = []
        for task in range(1, int(random.integers(3, 16))):
            count = int(random.integers(2, 4)) if task % 3 == 0 else 1
            held = random.choice(codes, min(count, len(codes)), replace=False)
            rows += [(task, code, 1 / len(held)) for code in sorted(held)]
        return pl.DataFrame(rows, ["task_id", "onet_soc_code", "weight"], orient="row")

    return link


@pytest.fixture(scope="session")
def invent_usage() -> Callable[..., pl.DataFrame]:
    """Conversations of invented accounts over a taxonomy, a few tasks used much, most little."""

    def invent(
        held: pl.DataFrame, *, conversations: int, accounts: int, seed: int = 1
    ) -> pl.DataFrame:
        random = np.random.default_rng(seed)
        tasks = held["task_id"].unique().sort().to_numpy()
        popularity = random.permutation(1.0 / np.arange(2, len(tasks) + 2) ** 0.9)
        usage = pl.DataFrame(
            {
                "observation_id": [f"{seed:08x}{n:024x}" for n in range(conversations)],
                "account_id": [f"{n:032x}" for n in random.integers(0, accounts, conversations)],
                "task_id": random.choice(tasks, conversations, p=popularity / popularity.sum()),
                "pattern": random.choice(PATTERNS, conversations, p=PATTERN_SHARES),
                "outcome": random.choice(
                    ["matched", "none", "not_classified"], conversations, p=[0.85, 0.1, 0.05]
                ),
            }
        ).with_columns(usage=pl.lit(1.0))
        matched = usage.filter(pl.col("outcome") == "matched").join(held, on="task_id")
        without = usage.filter(pl.col("outcome") != "matched").with_columns(
            task_id=pl.lit(None, pl.Int64),
            onet_soc_code=pl.lit(None, pl.String),
            weight=pl.lit(1.0),
        )
        names = Observations.column_names()
        rows = pl.concat([matched.select(names), without.select(names)])
        return Observations.validate(rows.sort(names[0], "onet_soc_code"), cast=True)

    return invent


@pytest.fixture(scope="session")
def invent_cells(invent_usage: Callable[..., pl.DataFrame]) -> Callable[..., pl.DataFrame]:
    return lambda held, **usage: aggregate_cells(invent_usage(held, **usage), quarter="2026Q1")
