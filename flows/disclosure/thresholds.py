"""Decides which cells may be released: the floors on conversations and accounts, all of them here.

A cell is released when at least `conversation_floor` distinct conversations of at least
`account_floor` distinct accounts are in it. Everything else loses its figures and keeps the reason.
Where accounts are unknown, the conversations have to be many more (`floors.py` says why).
"""

from dataclasses import dataclass

import dataframely as dy
import polars as pl

from flows.disclosure.floors import (
    ACCOUNT_FLOOR,
    CONVERSATION_FLOOR,
    UNKNOWN_ACCOUNT_CONVERSATION_FLOOR,
)
from flows.tables import Cells, ClusterCells, ReleasedCells, ReleasedClusters
from taxonomy.patterns import MODE_OF_PATTERN, MODES

_FIGURES = ("usage", "conversation_count", "account_count")
_UNIT = ("unit_level", "unit_id", "allocation_rule")
_PATTERN_COUNTS = {mode: len(patterns) for mode, patterns in MODES.items()}


@dataclass(frozen=True)
class Floors:
    """Least conversations and accounts of a released cell.

    Attributes:
        conversations: At least `CONVERSATION_FLOOR`; with unknown accounts at least
            `UNKNOWN_ACCOUNT_CONVERSATION_FLOOR`.
        accounts: At least `ACCOUNT_FLOOR`; None where accounts are unknown.

    Raises:
        ValueError: A floor lies below its constant.
    """

    conversations: int
    accounts: int | None

    def __post_init__(self) -> None:
        """Refuses floors below the constants."""
        least = UNKNOWN_ACCOUNT_CONVERSATION_FLOOR if self.accounts is None else CONVERSATION_FLOOR
        if self.conversations < least:
            raise ValueError(f"conversation floor {self.conversations} lies below {least}")
        if self.accounts is not None and self.accounts < ACCOUNT_FLOOR:
            raise ValueError(f"account floor {self.accounts} lies below {ACCOUNT_FLOOR}")

    def passed(self) -> pl.Expr:
        """True for rows whose counts may be released; a missing account count fails."""
        enough_conversations = pl.col("conversation_count") >= self.conversations
        if self.accounts is None:
            return enough_conversations.fill_null(False)
        enough_accounts = pl.col("account_count") >= self.accounts
        return (enough_conversations & enough_accounts).fill_null(False)


def withhold_cells(cells: dy.DataFrame[Cells], floors: Floors) -> dy.DataFrame[ReleasedCells]:
    """Takes the figures out of every cell under the floors.

    Patterns of a mode are released together or not at all: with one of two patterns withheld, the
    mode less the other one would give it away. Then they are rolled up into their mode, which has
    a cell of its own.
    """
    pattern = pl.col("pattern").cast(pl.String)
    mode = pattern.replace_strict(MODE_OF_PATTERN, default=None)
    released_patterns = pl.col("passes").sum().over("quarter", *_UNIT, "mode")
    is_complete = released_patterns == mode.replace_strict(_PATTERN_COUNTS, default=None)
    return (
        cells.lazy()
        .with_columns(passes=floors.passed(), mode=mode)
        .with_columns(is_rolled_up=pl.col("passes") & ~is_complete.fill_null(True))
        .with_columns(is_released=pl.col("passes") & ~pl.col("is_rolled_up"))
        .with_columns(pl.when("is_released").then(name).alias(name) for name in _FIGURES)
        .with_columns(
            suppression=pl.when("is_rolled_up").then(pl.lit("rolled_up")).otherwise(_reason())
        )
        .select(ReleasedCells.column_names())
        .collect()
        .pipe(ReleasedCells.validate, cast=True)
    )


def withhold_clusters(
    cluster_cells: dy.DataFrame[ClusterCells],
    clusters: pl.DataFrame,
    task_statements: pl.DataFrame,
    floors: Floors,
    *,
    quarter: str,
) -> dy.DataFrame[ReleasedClusters]:
    """Releases clusters over the floors, labeled with the statement of their most frequent task.

    A label comes from the public taxonomy, and only from a task that itself passes the floors
    within the cluster; otherwise the cluster has none.

    Args:
        cluster_cells: Counts by cluster and task.
        clusters: `cluster_id`, `level`, `parent_cluster_id`.
        task_statements: `task_id`, `statement`.
        floors: The floors of this release.
        quarter: Such as 2026Q1.
    """
    label = (
        cluster_cells.lazy()
        .filter(pl.col("task_id").is_not_null(), floors.passed())
        .sort("cluster_id", "conversation_count", "task_id", descending=[False, True, False])
        .group_by("cluster_id", maintain_order=True)
        .agg(
            label_task_id=pl.col("task_id").first(),
            label_conversation_count=pl.col("conversation_count").first(),
        )
        .join(
            task_statements.lazy().select("task_id", label="statement"),
            left_on="label_task_id",
            right_on="task_id",
            how="left",
            validate="m:1",
        )
    )
    return (
        cluster_cells.lazy()
        .filter(pl.col("task_id").is_null())
        .drop("task_id")
        .join(clusters.lazy(), on="cluster_id", how="left", validate="1:1")
        .join(label, on="cluster_id", how="left", validate="1:1")
        .with_columns(is_released=floors.passed())
        .with_columns(label_share=pl.col("label_conversation_count") / pl.col("conversation_count"))
        .with_columns(
            pl.when("is_released").then(name).alias(name)
            for name in (*_FIGURES[1:], "label", "label_task_id", "label_share")
        )
        .with_columns(suppression=_reason(), quarter=pl.lit(quarter))
        .select(ReleasedClusters.column_names())
        .sort("cluster_id")
        .collect()
        .pipe(ReleasedClusters.validate, cast=True)
    )


def _reason() -> pl.Expr:
    return pl.when("is_released").then(pl.lit("none")).otherwise(pl.lit("primary"))
