"""How long a release takes to round and to attack: `make bench`.

The peer is the attack as textbooks have it: two linear programs for each withheld figure, each
solved from the start (scipy's HiGHS). It is timed on a sample of the figures of the last attack,
and has to find the same ones narrow.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dataframely as dy
import numpy as np
import polars as pl
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import optimize, sparse

from flows.aggregate import aggregate_cells
from flows.disclosure.attacker import TOLERANCE, Knowledge, widen_figures
from flows.disclosure.control import Protection, control_cells
from flows.disclosure.gate import attack as attack_release
from flows.disclosure.lattice import unit_weights
from flows.disclosure.rounding import round_figures
from flows.disclosure.thresholds import PrimaryRules
from flows.tables import Observations
from onet.release import load_release
from onet.weights import task_occupations
from taxonomy.patterns import PATTERNS

_KEY = b"only for this benchmark: nothing is published"
_RULES = PrimaryRules(15, 5, 20.0)
_BASE = 10
_SHIFTS = (0, 1, 44, 45)  # of the major groups 11 to 53, so that copies have groups of their own
_PATTERN_SHARES = (0.27, 0.14, 0.29, 0.2, 0.03, 0.04, 0.03)
Floats = NDArray[np.float64]
_HEADER = ("conversations", "cells", "withheld", "attacks", "round s", "attack s", "peer s")


class _Timed:
    """A function, the seconds it took, and its last call."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds, self.calls = function, 0.0, 0
        self.asked: tuple[Any, ...] = ()
        self.answer: Any = None

    def __call__(self, *asked: Any, **named: Any) -> Any:
        start = time.perf_counter()
        self.answer = self.function(*asked, **named)
        self.seconds += time.perf_counter() - start
        self.calls, self.asked = self.calls + 1, asked
        return self.answer


def main(
    conversations: list[int],
    onet: str = "starter",
    sample: int = 25,
    copies: int = 1,
    decline: float = 0.9,
) -> None:
    """Prints seconds of rounding, of all attacks until nothing is narrow, and of the peer's one.

    Args:
        conversations: A row of the table for each.
        onet: `starter`, or the directory of a release.
        sample: Withheld figures that the peer solves; it would take as long for each of the others.
        copies: Up to 4 of the taxonomy side by side: a cube larger than a quarter can fill.
        decline: The n-th task is used in proportion to n ** -decline; 0 for all alike.
    """
    held = task_occupations(load_release("starter" if onet == "starter" else Path(onet)))
    held = pl.concat(_shifted(held, number) for number in range(copies))
    table = Table(*_HEADER, "agree", title=f"rounding and attack, {onet} x {copies}")
    for count in conversations:
        table.add_row(*_measure(held, count, sample, decline))
    Console().print(table)


def _shifted(held: pl.DataFrame, number: int) -> pl.DataFrame:
    """A copy of the taxonomy with ids and major groups of its own."""
    code = pl.col("onet_soc_code")
    major = code.str.slice(0, 2).cast(pl.Int64) + _SHIFTS[number]
    return held.with_columns(
        task_id=pl.col("task_id") + number * 1_000_000,
        onet_soc_code=pl.concat_str(major.cast(pl.String), code.str.slice(2)),
    )


def _measure(held: pl.DataFrame, count: int, sample: int, decline: float) -> list[str]:
    cells = aggregate_cells(_invent(held, count, decline), quarter="2026Q1")
    rounding, attack = _Timed(round_figures), _Timed(attack_release)
    search = _Timed(widen_figures)
    with (
        patch("flows.disclosure.control.round_figures", rounding),
        patch("flows.disclosure.control.attack", attack),
        patch("flows.disclosure.gate.widen_figures", search),
    ):
        control_cells(cells, unit_weights(held), _RULES, Protection(_BASE, _KEY))
    known, targets = search.asked
    found = search.answer[1] - search.answer[0]
    chosen = np.random.default_rng(1).choice(targets.shape[0], sample, replace=False)
    start = time.perf_counter()
    widths = np.array([_width(known, targets[[target]].toarray().ravel()) for target in chosen])
    peer = (time.perf_counter() - start) / sample * targets.shape[0]
    enough = _BASE - 1 - 10 * TOLERANCE
    agree = np.count_nonzero((widths >= enough) == (found[chosen] >= enough))
    sizes = [count, cells.height, targets.shape[0], attack.calls]
    seconds = [rounding.seconds, attack.seconds, peer]
    return [*(f"{n:,}" for n in sizes), *(f"{s:,.1f}" for s in seconds), f"{agree}/{sample}"]


def _width(known: Knowledge, target: Floats) -> float:
    is_bounded = np.isfinite(known.upper)
    sums = sparse.vstack([known.sums[is_bounded], -known.sums])
    most = np.concatenate([known.upper[is_bounded], -known.lower])
    ends = [optimize.linprog(sign * target, sums, most, method="highs").fun for sign in (1, -1)]
    return float(-ends[0] - ends[1])


def _invent(held: pl.DataFrame, count: int, decline: float) -> dy.DataFrame[Observations]:
    """Conversations of invented accounts, a few tasks used much, most little."""
    random = np.random.default_rng(1)
    tasks = held["task_id"].unique().sort().to_numpy()
    popularity = random.permutation(1.0 / np.arange(2, len(tasks) + 2) ** decline)
    usage = pl.DataFrame(
        {
            "observation_id": [f"{number:032x}" for number in range(count)],
            "account_id": [f"{n:032x}" for n in random.integers(0, max(count // 3, 5), count)],
            "task_id": random.choice(tasks, count, p=popularity / popularity.sum()),
            "pattern": random.choice(PATTERNS, count, p=_PATTERN_SHARES),
            "outcome": random.choice(
                ["matched", "none", "not_classified"], count, p=[0.85, 0.1, 0.05]
            ),
        }
    ).with_columns(usage=pl.lit(1.0))
    is_matched = pl.col("outcome") == "matched"
    alone = pl.lit(None, pl.Int64), pl.lit(None, pl.String), pl.lit(1.0)
    without = usage.filter(~is_matched).with_columns(
        **dict(zip(("task_id", "onet_soc_code", "weight"), alone, strict=True))
    )
    names = Observations.column_names()
    rows = [usage.filter(is_matched).join(held, on="task_id").select(names), without.select(names)]
    return Observations.validate(pl.concat(rows).sort(names[0], "onet_soc_code"), cast=True)


if __name__ == "__main__":
    typer.run(main)
