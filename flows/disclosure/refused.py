"""Decides by what name a reviewer is told of figures that can be found out: ids, and how nearly."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from flows.confine import RefusedCell
from flows.disclosure.attacker import TOLERANCE
from flows.disclosure.gate import Verdict
from flows.disclosure.lattice import UNIT

MOST_CELLS = 1_000
_CELL = [*UNIT, "pattern"]
_Name = tuple[str | None, str | None, str | None, str | None]


def name_narrow(verdict: Verdict, *, wanted: float) -> list[RefusedCell]:
    """The targets that are narrower than wanted, the narrowest first, `MOST_CELLS` at most.

    Units that are the same sum are one target, named once; so are tasks that no shown unit tells
    apart. A remainder is named by the smallest unit that holds it.

    Args:
        verdict: Of an attack.
        wanted: Least width that passed it.
    """
    narrow = (
        verdict.targets.with_row_index("target")[verdict.narrow]
        .with_columns(width=(pl.col("most") - pl.col("least")).clip(0.0).round(6))
        .sort("width", *_CELL, "target")
        .head(MOST_CELLS)
    )
    names = _Names(verdict)
    refused = []
    for target, width, *own in narrow.select("target", "width", *_CELL).rows():
        is_remainder = own[0] is None
        level, unit, rule, pattern = names.holder_of(target) if is_remainder else own
        refused.append(RefusedCell(level, unit, rule, pattern, is_remainder, width, wanted))
    return refused


class _Names:
    """The figures of a lattice that have a name."""

    def __init__(self, verdict: Verdict) -> None:
        named = verdict.lattice.figures.unique("figure", keep="first").sort("figure")
        self.cells: list[_Name] = named.select(_CELL).rows()
        self.targets = verdict.weights
        sums = verdict.lattice.sums[named["figure"].to_numpy()]
        self.columns = sums.tocsc()
        self.sizes: NDArray[np.float64] = np.asarray(sums.sum(axis=1)).ravel()

    def holder_of(self, target: int) -> _Name:
        """The smallest figure that is at least the target whatever the truth is."""
        row = self.targets[[target]]
        held = sparse.csr_array(self.columns[:, row.indices])
        held.data = np.minimum(held.data, row.data[held.indices])
        is_holder = np.asarray(held.sum(axis=1)).ravel() >= row.data.sum() - TOLERANCE
        if not is_holder.any():
            return (None, None, None, None)
        holders = np.flatnonzero(is_holder)
        return self.cells[int(holders[np.argmin(self.sizes[holders])])]
