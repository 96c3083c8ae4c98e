"""Released cells as the primary rules leave them, for tests of what comes after: exact figures."""

import dataframely as dy
import polars as pl

from flows.disclosure.thresholds import PrimaryRules, judge_cells
from flows.tables import Cells, ReleasedCells


def withhold_cells(cells: dy.DataFrame[Cells], rules: PrimaryRules) -> dy.DataFrame[ReleasedCells]:
    figures = [
        pl.when(pl.col("suppression") == "none").then(name).alias(name)
        for name in ("usage", "conversation_count")
    ]
    no_noise = {name: pl.lit(None, pl.Float64) for name in ("usage_lower", "usage_upper")}
    judged = judge_cells(cells, rules).with_columns(figures, **no_noise)
    return ReleasedCells.validate(judged.select(ReleasedCells.column_names()), cast=True)
