"""Decides how noisy counts of four levels of the taxonomy become one count of each, not negative.

It sees nothing but what was measured with noise, so nothing here costs privacy: whatever is
computed from such measurements gives no more away than they do (Dwork and Roth 2014, "The
Algorithmic Foundations of Differential Privacy", proposition 2.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from taxonomy.soc import group_code

# Conversations are measured in whole units, and the parts of a task add up to its units exactly:
# sums of integers cannot enlarge the sensitivity, which sums of floats could. A pair's part is off
# by less than 1e-7 of its task.
UNITS = 2**24
KEYS_WITHOUT_TASK = ("none", "not_classified")
_MATCHED = "matched"
_GROUP_LEVELS = ("key_class", "major", "occupation")  # and below them the pairs

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
_Number = TypeVar("_Number", np.int64, np.float64)


@dataclass(frozen=True)
class Hierarchy:
    """The fixed keys: matched, none and not classified; major groups; occupations; pairs.

    A key without a task is a group of its own at every level.

    Attributes:
        pairs: The lowest level, a row per task and occupation: `key`, the groups it is in, and
            `units`, the occupation's part of the task; sorted group by group.
        parents: For each level below the first, the position of each node's parent above.
    """

    pairs: pl.DataFrame
    parents: tuple[Integers, ...]

    def sum_up(self, leaves: NDArray[_Number]) -> list[NDArray[_Number]]:
        """The values of every level, from the top to the pairs, given those of the pairs."""
        levels = [leaves]
        for parent in reversed(self.parents):
            levels.insert(0, _sum_by_parent(levels[0], parent))
        return levels

    def sizes(self) -> list[int]:
        """Nodes of every level, from the top to the pairs."""
        return [len(level) for level in self.sum_up(np.zeros((self.pairs.height, 1)))]


def build_hierarchy(task_occupations: pl.DataFrame) -> Hierarchy:
    """The hierarchy of a taxonomy: public, and the same whatever the conversations are.

    Args:
        task_occupations: `task_id`, `onet_soc_code`, `weight` (adds up to 1 by task), as in
            `onet.weights`.

    Raises:
        ValueError: It is no such table; only the number of wrong rows is told.
    """
    pairs = _pairs(task_occupations)
    groups = [pairs[level].rle_id().to_numpy().astype(np.int64) for level in _GROUP_LEVELS]
    below = [*groups[1:], np.arange(pairs.height)]
    first_pairs = [np.unique(nodes, return_index=True)[1] for nodes in below]
    parents = (group[first] for group, first in zip(groups, first_pairs, strict=True))
    return Hierarchy(pairs, tuple(parents))


def make_consistent(
    noisy: Sequence[Floats], hierarchy: Hierarchy, variances: Sequence[float]
) -> Floats:
    """Usage of the pairs, not negative, that agrees with the noisy counts of all levels.

    Args:
        noisy: A matrix per level, from the top: nodes by pattern.
        hierarchy: Whose nodes they are.
        variances: Of the noise, by level, in any one unit.
    """
    return _share_out(least_squares(noisy, hierarchy.parents, variances), hierarchy.parents)


def least_squares(
    noisy: Sequence[Floats], parents: Sequence[Integers], variances: Sequence[float]
) -> list[Floats]:
    """The consistent counts of every level that are closest to the noisy ones, by inverse variance.

    Up: a node's own count and the sum of its children's estimates, weighted by inverse variance.
    Down: what a parent has beyond its children's estimates goes to them by their variance. Source:
    Hay, Rastogi, Miklau and Suciu (2010), "Boosting the Accuracy of Differentially Private
    Histograms Through Consistency", PVLDB 3(1), theorem 3, there with one fan-out and variance.
    """
    estimates = [noisy[-1]]
    spreads = [np.full((len(noisy[-1]), 1), variances[-1])]
    sums: list[Floats] = []
    sum_spreads: list[Floats] = []
    for own, parent, variance in zip(
        reversed(noisy[:-1]), reversed(parents), reversed(variances[:-1]), strict=True
    ):
        sums.insert(0, _sum_by_parent(estimates[0], parent))
        sum_spreads.insert(0, _sum_by_parent(spreads[0], parent))
        own_part = sum_spreads[0] / (sum_spreads[0] + variance)
        estimates.insert(0, own_part * own + (1 - own_part) * sums[0])
        spreads.insert(0, own_part * variance)
    levels = [estimates[0]]
    for index, parent in enumerate(parents):
        beyond = (levels[index] - sums[index]) / sum_spreads[index]
        levels.append(estimates[index + 1] + spreads[index + 1] * beyond[parent])
    return levels


def _pairs(task_occupations: pl.DataFrame) -> pl.DataFrame:
    """Units are differences of the rounded running total of weights, and so add up to `UNITS`."""
    edge = (pl.col("weight").cum_sum().over("task_id") * UNITS).round().cast(pl.Int64)
    of_tasks = task_occupations.sort("task_id", "onet_soc_code").select(
        key=pl.col("task_id").cast(pl.String),
        key_class=pl.lit(_MATCHED),
        major=group_code(pl.col("onet_soc_code"), "major"),
        occupation="onet_soc_code",
        units=edge - edge.shift(fill_value=0).over("task_id"),
        is_weight=pl.col("weight") > 0,
    )
    is_tree = (
        pl.all_horizontal(pl.col("key", "major").is_not_null(), "is_weight")
        & pl.struct("key", "occupation").is_unique()
        & (pl.col("units").sum().over("key") == UNITS)
    )
    wrong = of_tasks.filter(~is_tree.fill_null(False)).height
    if wrong:
        raise ValueError(
            f"differential privacy: {wrong} rows of task_occupations are repeated, have no"
            " O*NET-SOC code, or belong to a task whose weights do not add up to 1"
        )
    without_task = pl.DataFrame({"key": KEYS_WITHOUT_TASK}).with_columns(
        *(pl.col("key").alias(level) for level in _GROUP_LEVELS), units=pl.lit(UNITS, pl.Int64)
    )
    return pl.concat([of_tasks.drop("is_weight"), without_task], how="diagonal").sort(
        *_GROUP_LEVELS, "key"
    )


def _sum_by_parent(values: NDArray[_Number], parent: Integers) -> NDArray[_Number]:
    """Column sums of the rows of each parent; rows of a parent lie together, and each has some."""
    first_rows = np.flatnonzero(np.diff(parent, prepend=-1))
    sums: NDArray[_Number] = np.add.reduceat(values, first_rows, axis=0)
    return sums


def _share_out(levels: Sequence[Floats], parents: Sequence[Integers]) -> Floats:
    """Usage of the pairs, not negative, from the top down: every parent hands on its total."""
    usage = levels[0].clip(min=0)
    for children, parent in zip(levels[1:], parents, strict=True):
        usage = _project(children, parent, usage)
    return usage


def _project(children: Floats, parent: Integers, totals: Floats) -> Floats:
    """The nearest values that are not negative and add up to their parent's total.

    The same is taken off every child of a parent, and what falls below 0 is 0. Source: Duchi,
    Shalev-Shwartz, Singer and Chandra (2008), "Efficient Projections onto the l1-Ball", ICML,
    figure 1. Clipping at 0 and scaling instead would take from the large what noise gave the small.
    """
    first = np.flatnonzero(np.diff(parent, prepend=-1))
    rank = np.arange(len(parent)) - first[parent] + 1  # from the largest child of a parent
    usage = np.empty_like(children)
    for pattern in range(children.shape[1]):
        falling = children[np.lexsort((-children[:, pattern], parent)), pattern]
        running = np.cumsum(falling)
        running -= (running[first] - falling[first])[parent]
        surplus = (running - totals[parent, pattern]) / rank
        kept = np.add.reduceat((falling > surplus).astype(np.int64), first)
        cut = surplus[first + np.maximum(kept, 1) - 1]
        usage[:, pattern] = (children[:, pattern] - cut[parent]).clip(min=0)
    return usage
