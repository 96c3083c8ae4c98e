"""Decides what of noisy counts is shown: every unit of the cube, but what is lost in the noise.

Like the hierarchy it sees no true count. What is withheld here is withheld for the reader's sake: a
figure is shown where the noise of 95 in 100 draws is narrower than the figure, and from the floor
on, which is one of the code whatever the mode.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl
from scipy import sparse

from flows.disclosure.differential_privacy import BUDGET_SHARES
from flows.disclosure.hierarchy import UNITS, Floats, Hierarchy, least_squares, make_consistent
from flows.disclosure.lattice import FIGURE_PATTERNS, UNIT, pattern_sums
from flows.tables import Disclosure, ReleasedCells
from taxonomy.patterns import PATTERNS

_VARIANCES = [share**-2 for share in BUDGET_SHARES]  # Laplace: 2 (scale / share)^2
_DRAWS = 400
_SEED = 20260101
# 97.5 % quantile of Laplace noise in standard deviations; of sums of several it is less, to 1.96
_REACH_95 = float(np.log(20.0) / np.sqrt(2.0))


@dataclass(frozen=True)
class Noise:
    """How much noise the counts of one quarter were given.

    Attributes:
        epsilon: The privacy loss of the quarter's counts.
        account_limit: Conversations of one account, which the noise hides.
    """

    epsilon: float
    account_limit: int

    def scales(self) -> list[float]:
        """Of the Laplace noise of a cell, in conversations, by level from the top."""
        return [self.account_limit / (self.epsilon * share) for share in BUDGET_SHARES]


def release_noisy_cells(
    measured: Sequence[np.ndarray],
    hierarchy: Hierarchy,
    weights: pl.DataFrame,
    noise: Noise,
    *,
    quarter: str,
    floor: int,
) -> dy.DataFrame[ReleasedCells]:
    """Every figure of every unit, whether or not it holds usage; nulls where noise is too large.

    Args:
        measured: As `measure_counts` returns it.
        hierarchy: What it was measured on.
        weights: As `lattice.unit_weights` says, of the same taxonomy.
        noise: That it was measured with.
        quarter: Such as 2026Q1.
        floor: Least noisy conversations of a figure.
    """
    units, of_units = _unit_sums(hierarchy, weights)
    conversations = [level / UNITS for level in measured]
    of_patterns = pattern_sums().T
    pairs = make_consistent(conversations, hierarchy, _VARIANCES)
    unbiased = least_squares(conversations, hierarchy.parents, _VARIANCES)[-1]
    middle = ((of_units @ unbiased) @ of_patterns).ravel()
    # patterns have noise of their own, so that its variances add up
    parts = np.sqrt(np.asarray(of_patterns.sum(axis=0)).ravel())
    reach = np.outer(_noise_reach(hierarchy, of_units, noise), parts).ravel()
    cells = pl.DataFrame(
        {
            "unit": np.arange(units.height).repeat(len(FIGURE_PATTERNS)),
            "pattern": np.tile(np.array(FIGURE_PATTERNS), units.height),
            "usage": ((of_units @ pairs) @ of_patterns).ravel(),
            "least": middle - reach,
            "most": middle + reach,
        }
    ).join(units, on="unit", validate="m:1")
    figures = ("usage", "conversation_count", "usage_lower", "usage_upper")
    return (
        cells.join(_counts(cells), on=["count_level", "unit_id", "count_rule", "pattern"])
        .with_columns(
            quarter=pl.lit(quarter),
            # around what noise does not bend; what is not negative is bent at 0
            usage_lower=pl.min_horizontal("usage", "least"),
            usage_upper=pl.max_horizontal("usage", "most"),
        )
        .with_columns(
            is_shown=(pl.col("conversation_count") >= floor)
            & (pl.col("usage_upper") - pl.col("usage_lower") <= pl.col("usage"))
        )
        .with_columns(
            *(pl.when("is_shown").then(name).alias(name) for name in figures),
            suppression=pl.when("is_shown").then(pl.lit("none")).otherwise(pl.lit("too_noisy")),
        )
        .select(ReleasedCells.column_names())
        .sort(*UNIT, "pattern")
        .pipe(ReleasedCells.validate, cast=True)
    )


def describe_noise(
    cells: dy.DataFrame[ReleasedCells],
    hierarchy: Hierarchy,
    noise: Noise,
    *,
    spent: float,
    budget: float,
    quarter: str,
) -> dy.DataFrame[Disclosure]:
    """What the mode promises and costs, in parameters and released figures only.

    Args:
        cells: As released.
        hierarchy: What was measured.
        noise: That it was measured with.
        spent: Epsilons of this database's releases up to this one, added up.
        budget: The most that they may come to.
        quarter: Such as 2026Q1.
    """
    too_noisy = int((cells["suppression"].cast(pl.String) == "too_noisy").sum())
    rows = [
        ("epsilon", noise.epsilon, "Privacy loss of the quarter's counts, at most"),
        ("epsilon_spent", spent, "Privacy losses of this database up to this one, added up"),
        ("epsilon_total", budget, "What they may come to"),
        (
            "guess_limit",
            1 / (1 + np.exp(-noise.epsilon)),
            "How sure anyone can become of whether an account is in the quarter, from even odds",
        ),
        ("account_limit", noise.account_limit, "Conversations of one account that noise hides"),
        ("noise_scale", max(noise.scales()), "Scale of the Laplace noise of a measured cell"),
        (
            "measured_cells",
            sum(hierarchy.sizes()) * len(PATTERNS),
            "Cells that were measured with noise, with usage or without",
        ),
        ("too_noisy_cells", too_noisy, "Withheld because the noise is as large as the figure"),
    ]
    return Disclosure.validate(
        pl.DataFrame(
            [(quarter, name, _told(name, value), words) for name, value, words in rows],
            schema=Disclosure.create_empty().schema,
            orient="row",
        ).sort("measure")
    )


def _told(name: str, value: float) -> float:
    # what was spent is compared with the ledger, which does not round
    return float(value) if name.startswith("epsilon") else round(float(value), 6)


def _unit_sums(
    hierarchy: Hierarchy, weights: pl.DataFrame
) -> tuple[pl.DataFrame, sparse.csr_array]:
    """The units, with the unit that counts their conversations; and the pairs they add up.

    Conversations of a unit are its usage by rule `full`: each of them once.
    """
    is_all, is_group = pl.col("unit_id") == "all", ~pl.col("unit_level").is_in(["all", "task"])
    units = (
        weights.select(UNIT)
        .unique()
        .sort(UNIT)
        .with_row_index("unit")
        .with_columns(
            pl.col("unit").cast(pl.Int64),
            count_level=pl.when(is_all & is_group).then(pl.lit("task")).otherwise("unit_level"),
            count_rule=pl.when(~is_all & is_group).then(pl.lit("full")).otherwise(pl.lit("split")),
        )
    )
    pairs = hierarchy.pairs.with_row_index("pair").select("pair", "key")
    held = weights.join(units, on=UNIT, validate="m:1").join(pairs, on="key", validate="m:m")
    places = (held["unit"].to_numpy(), held["pair"].to_numpy())
    shape = (units.height, hierarchy.pairs.height)
    return units, sparse.csr_array((held["weight"].to_numpy(), places), shape=shape)


def _noise_reach(hierarchy: Hierarchy, of_units: sparse.csr_array, noise: Noise) -> Floats:
    """How far noise moves the usage of a unit in one pattern, at most, in 95 of 100 draws.

    Of the least squares alone, whose noise is the same whatever the counts are: a simulation tells
    it without any. Its seed is no secret, it protects nothing.
    """
    generator = np.random.default_rng(_SEED)
    draws = [
        generator.laplace(scale=scale, size=(size, _DRAWS))
        for scale, size in zip(noise.scales(), hierarchy.sizes(), strict=True)
    ]
    moved = of_units @ least_squares(draws, hierarchy.parents, _VARIANCES)[-1]
    reach: Floats = _REACH_95 * moved.std(axis=1)
    return reach


def _counts(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.select(
        "unit_id",
        "pattern",
        count_level="unit_level",
        count_rule="allocation_rule",
        conversation_count=pl.col("usage").round().cast(pl.Int64),
    )
