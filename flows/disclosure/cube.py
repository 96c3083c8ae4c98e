"""Decides what a judged cube puts on a lattice: the truth, and which figures are shown."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.disclosure.lattice import UNIT, Lattice
from taxonomy.patterns import PATTERNS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cube:
    """The true values on a lattice.

    Attributes:
        lattice: What binds the figures.
        base: Conversations of each base cell.
        figures: What they add up to.
        is_shown: Per figure, whether no unit that has it withholds it.
    """

    lattice: Lattice
    base: Floats
    figures: Floats
    is_shown: NDArray[np.bool_]


def place_cells(judged: pl.DataFrame, lattice: Lattice) -> Cube:
    """The cells on a lattice.

    Args:
        judged: As `thresholds.judge_cells` returns them.
        lattice: Of the units that are shown at all.
    """
    base = _base_cells(judged, lattice)
    return Cube(lattice, base, lattice.sums @ base, _shown_figures(judged, lattice))


def _base_cells(judged: pl.DataFrame, lattice: Lattice) -> Floats:
    """The truth: conversations of each group of tasks, or outcome, in each pattern."""
    is_key = (pl.col("unit_level") == "task") & (pl.col("unit_id") != "all")
    is_key |= (pl.col("unit_level") == "all") & (pl.col("unit_id") != "all")
    position = {pattern: place for place, pattern in enumerate(PATTERNS)}
    counted = (
        judged.filter(is_key, pl.col("pattern").is_in(PATTERNS))
        .join(lattice.keys, left_on="unit_id", right_on="key", how="inner", validate="m:1")
        .with_columns(position=pl.col("pattern").replace_strict(position, return_dtype=pl.Int64))
    )
    places = counted["group"].to_numpy() * len(PATTERNS) + counted["position"].to_numpy()
    base = np.zeros(lattice.sums.shape[1])
    np.add.at(base, places, counted["usage"].to_numpy())
    return base


def _shown_figures(judged: pl.DataFrame, lattice: Lattice) -> NDArray[np.bool_]:
    shown = (
        lattice.figures.join(judged, on=[*UNIT, "pattern"], how="left")
        .group_by("figure")
        .agg(is_shown=(pl.col("suppression") == "none").fill_null(False).all())
        .filter("is_shown")
    )
    is_shown = np.zeros(lattice.sums.shape[0], dtype=bool)
    is_shown[shown["figure"].to_numpy()] = True
    return is_shown
