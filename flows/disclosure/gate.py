"""Decides whether a release may go out: attacks it, and counts what can be found out.

It sees nothing but what is released: the figures, what is withheld, the rules, and what was
released before of the same conversations. So the same gate runs before a release and, years later,
on a finished database.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from flows.confine import ContractError, PrivacyGateError
from flows.disclosure.attacker import TOLERANCE, InfeasibleError, Knowledge, widen_figures
from flows.disclosure.lattice import (
    FIGURE_PATTERNS,
    UNIT,
    Lattice,
    build_lattice,
    merge_alike,
    pattern_sums,
)
from taxonomy.patterns import PATTERNS

Floats = NDArray[np.float64]
_CELL = [*UNIT, "pattern"]


@dataclass(frozen=True)
class Method:
    """What is known of how figures were made.

    Attributes:
        base: Figures are multiples of it; 1 for exact figures.
        reach: The truth is less than this away from a figure; 0 for exact figures.
        floor: Least conversations of what passes the rules.
        sums_from: None, and whatever is withheld is to stay uncertain. Otherwise what is withheld
            to protect others may be known, as it passes the rules itself; and so may what holds all
            of a figure that passes, and so many conversations, as it passes as well.
    """

    base: int
    reach: float
    floor: int
    sums_from: float | None = None

    @property
    def is_exact(self) -> bool:
        """Whether counts are shown as they are, and protected by withholding others."""
        return self.sums_from is not None


@dataclass(frozen=True)
class Shown:
    """One release, as the attacker sees it.

    Attributes:
        cells: `UNIT`, `pattern`, `usage`; null where a cell is withheld only to protect others, and
            so is told to pass the rules. Other withheld cells are missing.
        method: How they were made.
    """

    cells: pl.DataFrame
    method: Method


@dataclass(frozen=True)
class Verdict:
    """What the attack found.

    Attributes:
        lattice: Of every unit that is shown.
        targets: `UNIT`, `pattern`, `least`, `most` of every withheld figure; a remainder, what is
            left of a unit without its shown parts, has no name. Those that may be known are left
            out.
        weights: Targets x base cells.
        narrow: Positions of the targets whose interval is narrower than wanted.
    """

    lattice: Lattice
    targets: pl.DataFrame
    weights: sparse.csr_array
    narrow: NDArray[np.int64]

    @property
    def narrowest(self) -> float | None:
        """Width of the narrowest interval, as far as was looked; None without any target."""
        width = (self.targets["most"] - self.targets["least"]).min()
        return None if width is None else float(width)  # type: ignore[arg-type]


def attack(weights: pl.DataFrame, releases: Sequence[Shown], *, wanted: float) -> Verdict:
    """Bounds everything withheld: figures of shown units, remainders, groups of tasks, and units.

    A unit that is withheld whole is attacked where it is made of whole groups, each by one weight.
    Where it holds a part of a group it is not: whatever else is known, that part can be anything
    from nothing to the most of the group, times its weight.

    Args:
        weights: As `lattice.unit_weights` says.
        releases: Of the same conversations; what one of them shows is not withheld.
        wanted: Least width of the interval of anything withheld.

    Raises:
        ContractError: The figures of the one release contradict each other.
        PrivacyGateError: The releases contradict each other.
    """
    whole = [shown.cells.filter(pl.col("pattern") == "all").select(UNIT) for shown in releases]
    lattice = build_lattice(weights, pl.concat(whole))
    lower, upper = np.zeros(len(lattice.is_count)), np.full(len(lattice.is_count), np.inf)
    is_shown = np.zeros(len(lattice.is_count), dtype=bool)
    for shown in releases:
        is_shown |= _learn(shown, lattice, lower, upper)
    if not is_shown.any():
        nothing = pl.DataFrame(schema=dict.fromkeys(_CELL, pl.String)).with_columns(
            least=pl.lit(None, pl.Float64),
            most=pl.lit(None, pl.Float64),
        )
        return Verdict(lattice, nothing, sparse.csr_array((0, 0)), np.array([], dtype=np.int64))
    targets, target_weights = _targets(lattice, is_shown, weights)
    known = np.flatnonzero((lower > 0) | np.isfinite(upper))
    try:
        least, most = widen_figures(
            Knowledge(lattice.sums[known], lower[known], upper[known]),
            target_weights,
            wanted=np.full(targets.height, wanted),
            strata=np.tile(np.arange(len(PATTERNS)), lattice.group_count),
        )
    except InfeasibleError:
        if len(releases) == 1:
            raise ContractError("attack: the released figures contradict each other") from None
        raise PrivacyGateError(
            "attack: an earlier release of the same conversations contradicts this one",
            rule="contradicts_an_earlier_release",
        ) from None
    passing = np.isin(np.arange(len(is_shown)), _passing_figures(releases, lattice))
    kept = np.flatnonzero(~_may_be_known(lattice, target_weights, passing, releases[0], least))
    least, most = least[kept], most[kept]
    return Verdict(
        lattice,
        targets[kept].with_columns(least=pl.Series(least), most=pl.Series(most)),
        target_weights[kept],
        np.flatnonzero(most - least < wanted - TOLERANCE),
    )


def _passing_figures(releases: Sequence[Shown], lattice: Lattice) -> NDArray[np.int64]:
    """The figures that are shown, or told to be withheld only to protect others."""
    told = pl.concat(shown.cells.select(_CELL) for shown in releases)
    named = lattice.figures.join(told, on=_CELL, how="semi")
    figures: NDArray[np.int64] = named["figure"].unique().to_numpy()
    return figures


def _may_be_known(
    lattice: Lattice,
    targets: sparse.csr_array,
    is_passing: NDArray[np.bool_],
    release: Shown,
    least: Floats,
) -> NDArray[np.bool_]:
    """Targets that pass the rules, as they hold all of a figure that does.

    Its conversations, copies apart, and its accounts are among theirs. The p% rule needs more: so
    many conversations that no account, limited as it is, can make up much of them.
    """
    sums_from = release.method.sums_from
    if sums_from is None:
        return np.zeros(targets.shape[0], dtype=bool)
    passing = sparse.csr_array(lattice.sums[np.flatnonzero(is_passing)] > 0, dtype=np.int64)
    held = sparse.csr_array(targets > 0, dtype=np.int64) @ passing.T
    held = sparse.coo_array(held)
    is_whole = held.data == np.diff(passing.indptr)[held.coords[1]]
    rows, figures = held.coords[0][is_whole], held.coords[1][is_whole]
    sizes = np.diff(targets.indptr)
    may_be = np.zeros(targets.shape[0], dtype=bool)
    may_be[rows[least[rows] >= sums_from - TOLERANCE]] = True
    may_be[rows[sizes[rows] == np.diff(passing.indptr)[figures]]] = True  # it is the figure
    return may_be


def _learn(shown: Shown, lattice: Lattice, lower: Floats, upper: Floats) -> NDArray[np.bool_]:
    """Narrows the bounds of figures by one release; True where it shows the figure.

    Counts are whole, so the truth is at most reach - 1 away; usage need not be.
    """
    method = shown.method
    seen = lattice.figures.join(shown.cells, on=_CELL, how="inner", validate="1:1")
    figures, values = seen["figure"].to_numpy(), seen["usage"].to_numpy()
    is_count = lattice.is_count[figures]
    reach = np.maximum(np.where(is_count, method.reach - 1.0, method.reach), 0.0)
    floor = np.where(is_count, float(method.floor), 0.0)
    np.maximum.at(lower, figures, np.fmax(values - reach, floor))  # null: the floor is known alone
    np.minimum.at(upper, figures, np.where(np.isnan(values), np.inf, values + reach))
    is_shown = np.zeros(len(lattice.is_count), dtype=bool)
    is_shown[figures[~np.isnan(values)]] = True
    return is_shown


def _targets(
    lattice: Lattice, is_shown: NDArray[np.bool_], weights: pl.DataFrame
) -> tuple[pl.DataFrame, sparse.csr_array]:
    withheld = np.flatnonzero(~is_shown)
    of_figures = (
        pl.DataFrame({"figure": withheld}, schema={"figure": pl.Int64})
        .join(lattice.figures.unique("figure", keep="first"), on="figure", how="left")
        .sort("figure")
    )
    beside, of_beside = _beside(lattice, weights)
    return (
        pl.concat([of_figures.select(_CELL), beside.select(_CELL)]),
        sparse.csr_array(sparse.vstack([lattice.sums[withheld], of_beside])),
    )


def _beside(lattice: Lattice, weights: pl.DataFrame) -> tuple[pl.DataFrame, sparse.csr_array]:
    """Groups of tasks, and units, that are withheld whole and are no figures of the lattice."""
    known = lattice.sums[:: len(FIGURE_PATTERNS), :: len(PATTERNS)]
    alone = sparse.eye_array(lattice.group_count).tocsr()
    _, alike = merge_alike(sparse.csr_array(sparse.vstack([known, alone])))
    is_figure = np.isin(alike[known.shape[0] :], alike[: known.shape[0]])
    groups = (
        lattice.keys.group_by("group")
        .agg(unit_id=pl.col("key").min())
        .sort("group")
        .filter(~pl.Series(is_figure))
        .with_columns(unit_level=pl.lit("task"), allocation_rule=pl.lit("split"))
    )
    units, of_units = _whole_units(lattice, weights)
    beside = pl.concat([groups.select(UNIT), units])
    sums = sparse.vstack([alone[groups["group"].to_numpy()], of_units])
    return (
        beside.join(pl.DataFrame({"pattern": FIGURE_PATTERNS}), how="cross"),
        sparse.csr_array(sparse.kron(sums, pattern_sums())),
    )


def _whole_units(lattice: Lattice, weights: pl.DataFrame) -> tuple[pl.DataFrame, sparse.csr_array]:
    """Units that are withheld whole and made of whole groups: `UNIT`, and units x groups.

    Those that are the same sum as a group or as what the lattice holds are left out; of those that
    are the same sum as each other, one is in.
    """
    sizes = lattice.keys.group_by("group").agg(size=pl.len())
    is_even = (pl.col("held") == pl.col("size")) & (pl.col("weight") == pl.col("most"))
    parts = (
        weights.join(lattice.figures.select(UNIT).unique(), on=UNIT, how="anti")
        .join(lattice.keys, on="key", how="left", validate="m:1")
        .group_by(*UNIT, "group")
        .agg(pl.col("weight").min(), most=pl.col("weight").max(), held=pl.len())
        .join(sizes, on="group", how="left", validate="m:1")
        # a key that no shown unit holds is in no group: nothing is known of it
        .filter(is_even.fill_null(False).all().over(UNIT))
        .sort(*UNIT, "group")
    )
    units = parts.select(UNIT).unique(maintain_order=True).with_row_index("unit")
    rows = parts.select(UNIT).join(units, on=UNIT, maintain_order="left")["unit"].to_numpy()
    places = (rows, parts["group"].to_numpy())
    shape = (units.height, lattice.group_count)
    of_units = sparse.csr_array((parts["weight"].to_numpy(), places), shape=shape)
    known = lattice.sums[:: len(FIGURE_PATTERNS), :: len(PATTERNS)]
    others = sparse.vstack([known, sparse.eye_array(lattice.group_count)])
    _, alike = merge_alike(sparse.csr_array(sparse.vstack([others, of_units])))
    first = np.unique(alike, return_index=True)[1] - others.shape[0]
    own = np.sort(first[first >= 0])
    return units.drop("unit")[own], of_units[own]
