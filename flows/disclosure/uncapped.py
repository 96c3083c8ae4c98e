"""Decides where the usage of a group without the limits per account may stand beside that within.

Other statistics of usage, the Economic Index among them, know no such limits. Told are major groups
that are shown anyway, and only where what the limits remove of a group passes the primary rules as
well: what both figures differ by is of many accounts, none of which makes up much of it. A figure
is never below that within the limits. So it bounds nothing that is withheld: of any conversations
within the limits there could be as many beyond. But an account moves it by all that it has: what a
quarter's earlier releases did not tell in the same way is not told, or their difference would be
the account.
"""

from collections.abc import Mapping, Sequence

import dataframely as dy
import numpy as np
import polars as pl

from flows.disclosure.control import Protection
from flows.disclosure.rounding import keyed_draws
from flows.disclosure.thresholds import PrimaryRules, judge_cells
from flows.tables import Cells, ReleasedCells, UncappedUsage


def release_uncapped(
    uncapped: dy.DataFrame[Cells],
    removed: dy.DataFrame[Cells],
    released: dy.DataFrame[ReleasedCells],
    rules: PrimaryRules,
    protection: Protection,
    *,
    earlier: Sequence[Mapping[str, float]] = (),
) -> dy.DataFrame[UncappedUsage]:
    """The usage of major groups without limits per account, by rule split, rounded with a key.

    Args:
        uncapped: Major groups, counted without the limits.
        removed: Major groups, of the conversations alone that the limits remove.
        released: The cells as they leave.
        rules: What a cell has to meet to be shown.
        protection: Base and key of the rounding.
        earlier: What each earlier release of the quarter told, by group.
    """
    base = protection.base
    passes = [
        judge_cells(cells, rules).filter(pl.col("suppression") == "none")
        for cells in (uncapped, removed)
    ]
    shown = released.filter(
        pl.col("unit_level").cast(pl.String) == "major",
        pl.col("unit_id") != "all",
        pl.col("allocation_rule").cast(pl.String) == "split",
        pl.col("pattern").cast(pl.String) == "all",
        pl.col("usage").is_not_null(),
    )
    told = (
        shown.select("unit_id", within="usage")
        .join(passes[0].select("unit_id", "usage"), on="unit_id", validate="1:1")
        .join(passes[1].select("unit_id"), on="unit_id", how="semi")
        .sort("unit_id")
    )
    draws = keyed_draws(protection.key, (f"uncapped|{group}" for group in told["unit_id"]))
    quotients = np.round(told["usage"].to_numpy() / base, 9)
    below = np.floor(quotients)
    rounded = base * (below + (draws < quotients - below))
    figures = told.select(
        soc_code="unit_id",
        uncapped_usage=pl.max_horizontal(pl.Series("rounded", rounded), "within"),
    )
    is_same = [
        all(release.get(code) == usage for release in earlier) for code, usage in figures.rows()
    ]
    return UncappedUsage.validate(figures.filter(pl.Series(is_same, dtype=pl.Boolean)), cast=True)
