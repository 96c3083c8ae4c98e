"""Counts usage into one cube: unit of the taxonomy by collaboration pattern."""

import dataframely as dy
import polars as pl

from flows.tables import (
    Cells,
    Classifications,
    ClusterAssignments,
    ClusterCells,
    Conversations,
    Observations,
    TaskMatches,
)
from onet.allocation import allocate, total
from taxonomy.patterns import MODE_OF_PATTERN

_UNIT = ["unit_level", "unit_id", "allocation_rule"]


def observe(
    conversations: dy.DataFrame[Conversations],
    classifications: dy.DataFrame[Classifications],
    task_matches: dy.DataFrame[TaskMatches],
) -> dy.DataFrame[Observations]:
    """Joins who, how and what: a row per conversation, task and occupation that holds the task.

    Cardinalities: matches m:1 conversations, m:1 classifications.
    """
    return (
        task_matches.lazy()
        .join(conversations.lazy(), on="conversation_id", how="left", validate="m:1")
        .join(classifications.lazy(), on="conversation_id", how="left", validate="m:1")
        .select(
            pl.col("conversation_id").alias("observation_id"),
            "account_id",
            "outcome",
            "task_id",
            "onet_soc_code",
            "weight",
            "pattern",
            pl.lit(1.0).alias("usage"),
        )
        .sort("observation_id", "task_id", "onet_soc_code")
        .collect()
        .pipe(Observations.validate, cast=True)
    )


def aggregate_cells(
    observations: dy.DataFrame[Observations], *, quarter: str
) -> dy.DataFrame[Cells]:
    """Counts usage, distinct conversations and distinct accounts in every cell.

    Along the patterns lie the five and `none` and `not_classified`, the two modes, and `all`.

    Each level of the taxonomy has a row `all` per rule and pattern: the usage that was allocated
    on that level, the base of its shares. Level `all` counts every accepted conversation: `all`,
    and those without a task, `none` and `not_classified`.

    Args:
        observations: Usage by observation, task and occupation.
        quarter: Such as 2026Q1.
    """
    rows = observations.lazy()
    allocated = allocate(rows.filter(pl.col("outcome") == "matched"))
    level_totals = allocated.with_columns(unit_id=pl.lit("all"))
    everything = rows.with_columns(
        unit_level=pl.lit("all"),
        unit_id=pl.lit("all"),
        allocation_rule=pl.lit("split"),
        usage=pl.col("usage") * pl.col("weight"),
    )
    without_task = everything.filter(pl.col("outcome") != "matched").with_columns(
        unit_id=pl.col("outcome").cast(pl.String)
    )
    by_pattern = pl.concat(
        [allocated, level_totals, everything, without_task], how="diagonal"
    ).with_columns(pl.col("pattern").cast(pl.String))
    mode = pl.col("pattern").replace_strict(MODE_OF_PATTERN, default=None)
    together = pl.concat(
        [
            by_pattern,
            by_pattern.with_columns(pattern=mode).drop_nulls("pattern"),
            by_pattern.with_columns(pattern=pl.lit("all")),
        ]
    )
    has_accounts = pl.col("account_id").is_not_null().any()
    return (
        together.group_by(*_UNIT, "pattern")
        .agg(
            usage=total(pl.col("usage")),
            conversation_count=pl.col("observation_id").n_unique().cast(pl.Int64),
            account_count=pl.when(has_accounts).then(
                pl.col("account_id").drop_nulls().n_unique().cast(pl.Int64)
            ),
        )
        .with_columns(quarter=pl.lit(quarter))
        .sort(*_UNIT, "pattern")
        .collect()
        .pipe(Cells.validate, cast=True)
    )


def aggregate_clusters(
    conversations: dy.DataFrame[Conversations],
    assignments: dy.DataFrame[ClusterAssignments],
    task_matches: dy.DataFrame[TaskMatches],
) -> dy.DataFrame[ClusterCells]:
    """Counts conversations and accounts of every cluster, in all and by task within it."""
    members = (
        assignments.lazy()
        .filter(pl.col("cluster_id").is_not_null())
        .join(conversations.lazy(), on="conversation_id", how="left", validate="1:1")
        .select("conversation_id", "cluster_id", "account_id")
    )
    tasks = task_matches.lazy().select("conversation_id", "task_id").unique()
    by_task = members.join(tasks, on="conversation_id", how="inner", validate="1:m").filter(
        pl.col("task_id").is_not_null()
    )
    has_accounts = pl.col("account_id").is_not_null().any()
    return (
        pl.concat([members.with_columns(task_id=pl.lit(None, pl.Int64)), by_task])
        .group_by("cluster_id", "task_id")
        .agg(
            conversation_count=pl.col("conversation_id").n_unique().cast(pl.Int64),
            account_count=pl.when(has_accounts).then(
                pl.col("account_id").drop_nulls().n_unique().cast(pl.Int64)
            ),
        )
        .sort("cluster_id", "task_id")
        .collect()
        .pipe(ClusterCells.validate, cast=True)
    )
