"""Decides which cells are sensitive by themselves: the primary rules, all of them here.

A cell may be shown when at least `conversations` distinct conversations of at least `accounts`
distinct accounts are in it, copies of a conversation counting once and accounts that send copies of
each other's counting as one (`duplicates.py`); when no account could work out another's part of it
(the p% rule); and when it does not say of everyone in its unit which pattern they are in. Where
accounts are unknown, the conversations have to be many more (`floors.py` says why).
"""

from dataclasses import dataclass

import dataframely as dy
import polars as pl

from flows.disclosure.floors import (
    ACCOUNT_FLOOR,
    CONVERSATION_FLOOR,
    UNKNOWN_ACCOUNT_CONVERSATION_FLOOR,
)
from flows.tables import Cells, ClusterCells, ReleasedClusters
from taxonomy.patterns import MODES, NO_PATTERN, NOT_CLASSIFIED

_PARTS = (*MODES, NO_PATTERN, NOT_CLASSIFIED)
_DOMINANCE_STEPS = 300.0, 1_000.0, float("inf")  # percent
_UNIT = ("quarter", "unit_level", "unit_id", "allocation_rule")


@dataclass(frozen=True)
class PrimaryRules:
    """What a cell has to meet to be shown.

    Attributes:
        conversations: Least conversations, at least `CONVERSATION_FLOOR`; with unknown accounts at
            least `UNKNOWN_ACCOUNT_CONVERSATION_FLOOR`.
        accounts: Least accounts, at least `ACCOUNT_FLOOR`; None where accounts are unknown.
        dominance_percent: p of the p% rule: what all but the two largest accounts bring together
            must be p% of what the largest brings, or the second could tell the largest's part to
            within p% (Hundepool et al. 2012, Statistical Disclosure Control, 4.2.2).

    Raises:
        ValueError: A floor lies below its constant, or p is negative.
    """

    conversations: int
    accounts: int | None
    dominance_percent: float = 0.0

    def __post_init__(self) -> None:
        """Refuses floors below the constants."""
        least = UNKNOWN_ACCOUNT_CONVERSATION_FLOOR if self.accounts is None else CONVERSATION_FLOOR
        if self.conversations < least:
            raise ValueError(f"conversation floor {self.conversations} lies below {least}")
        if self.accounts is not None and self.accounts < ACCOUNT_FLOOR:
            raise ValueError(f"account floor {self.accounts} lies below {ACCOUNT_FLOOR}")
        if not self.dominance_percent >= 0.0:
            raise ValueError("dominance_percent must not be negative")

    def shown_from(self, base: int) -> int:
        """The floor in multiples of the rounding base: no shown figure is rounded below it."""
        return -(-self.conversations // base) * base

    def sure_from(self, account_limit: int) -> float:
        """Conversations from which on what holds all of a passing figure passes as well.

        It has the figure's conversations, copies apart, and its accounts. Where no account has more
        than `account_limit` in it, all but the two largest of so many bring p% of a largest one. p
        itself can be read off it only in steps.
        """
        if self.accounts is None:
            return float(self.conversations)
        others = next(step for step in _DOMINANCE_STEPS if self.dominance_percent <= step) / 100.0
        return float(max(self.conversations, account_limit * max(self.accounts, 2.0 + others)))


def judge_cells(cells: dy.DataFrame[Cells], rules: PrimaryRules) -> pl.DataFrame:
    """The cells with `suppression`: `none`, `primary`, or `rolled_up` into their unit.

    Patterns are rolled up, all of them, where all of a unit lies in one mode, or in none, or is not
    classified: being in the unit would be being in that (group disclosure).

    Args:
        cells: The cube.
        rules: What a cell has to meet.
    """
    is_part = pl.col("pattern").is_in(_PARTS)
    used = (is_part & (pl.col("conversation_count") > 0)).sum().over(_UNIT)
    is_rolled_up = (pl.col("pattern") != "all") & (used == 1)
    return (
        cells.lazy()
        .with_columns(pl.col("unit_level", "allocation_rule", "pattern").cast(pl.String))
        .with_columns(
            suppression=pl.when(is_rolled_up)
            .then(pl.lit("rolled_up"))
            .when(~_passes(rules))
            .then(pl.lit("primary"))
            .otherwise(pl.lit("none"))
        )
        .collect()
    )


def withhold_clusters(
    cluster_cells: dy.DataFrame[ClusterCells],
    clusters: pl.DataFrame,
    task_statements: pl.DataFrame,
    rules: PrimaryRules,
    *,
    quarter: str,
    base: int = 1,
) -> dy.DataFrame[ReleasedClusters]:
    """Releases clusters over the floors, labeled with the statement of their most frequent task.

    A label comes from the public taxonomy, and only from a task that itself passes the rules within
    the cluster; otherwise the cluster has none. Counts are rounded down to multiples of the base:
    clusters overlap with no other figure but the total, and an account knows its own cluster.

    Args:
        cluster_cells: Counts by cluster and task.
        clusters: `cluster_id`, `level`, `parent_cluster_id`.
        task_statements: `task_id`, `statement`.
        rules: The primary rules of this release.
        quarter: Such as 2026Q1.
        base: Of the rounding; 1 where figures are not rounded.
    """
    passes = _passes(rules) & (pl.col("conversation_count") >= rules.shown_from(base))
    label = (
        cluster_cells.lazy()
        .filter(pl.col("task_id").is_not_null(), passes)
        .sort("cluster_id", "conversation_count", "task_id", descending=[False, True, False])
        .group_by("cluster_id", maintain_order=True)
        .agg(label_task_id=pl.col("task_id").first())
        .join(
            task_statements.lazy().select("task_id", label="statement"),
            left_on="label_task_id",
            right_on="task_id",
            how="left",
            validate="m:1",
        )
    )
    is_shown = pl.col("suppression") == "none"
    return (
        cluster_cells.lazy()
        .filter(pl.col("task_id").is_null())
        .drop("task_id")
        .with_columns(
            suppression=pl.when(passes).then(pl.lit("none")).otherwise(pl.lit("primary")),
            conversation_count=pl.col("conversation_count") // base * base,
            quarter=pl.lit(quarter),
        )
        .join(clusters.lazy(), on="cluster_id", how="left", validate="1:1")
        .join(label, on="cluster_id", how="left", validate="1:1")
        .with_columns(
            pl.when(is_shown).then(name).alias(name)
            for name in ("conversation_count", "label", "label_task_id")
        )
        .select(ReleasedClusters.column_names())
        .sort("cluster_id")
        .collect()
        .pipe(ReleasedClusters.validate, cast=True)
    )


def _passes(rules: PrimaryRules) -> pl.Expr:
    """True where every rule for a single cell is met; a missing count fails."""
    counts = pl.col("conversation_count", "distinct_conversation_count")
    passes = pl.all_horizontal(counts >= rules.conversations)
    if rules.accounts is None:
        return passes.fill_null(False)
    others = (
        pl.col("conversation_count")
        - pl.col("largest_account_count")
        - pl.col("second_account_count")
    )
    is_dominated = others < rules.dominance_percent / 100.0 * pl.col("largest_account_count")
    return (passes & (pl.col("account_count") >= rules.accounts) & ~is_dominated).fill_null(False)
