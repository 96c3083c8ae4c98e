"""Counts usage into one cube: unit of the taxonomy by collaboration pattern."""

import dataframely as dy
import polars as pl
import polars.selectors as cs

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
    observations: dy.DataFrame[Observations],
    *,
    quarter: str,
    sources: pl.DataFrame | None = None,
) -> dy.DataFrame[Cells]:
    """Counts usage, conversations and accounts in every cell.

    Along the patterns lie the five and `none` and `not_classified`, the two modes, and `all`.

    Each level of the taxonomy has a row `all` per rule and pattern: the usage that was allocated
    on that level, the base of its shares. Level `all` counts every accepted conversation: `all`,
    and those without a task, `none` and `not_classified`.

    Args:
        observations: Usage by observation, task and occupation.
        quarter: Such as 2026Q1.
        sources: `conversation_id`, `copy_id`, `source_id`, which conversations and accounts count
            as one; None where each is its own.
    """
    rows = _with_sources(observations.lazy(), sources, "observation_id")
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
    return _count_cells(together, quarter)


def aggregate_major_groups(
    observations: dy.DataFrame[Observations],
    *,
    quarter: str,
    sources: pl.DataFrame | None = None,
) -> dy.DataFrame[Cells]:
    """Counts the cells of the major groups alone, by rule split, all patterns together.

    Args:
        observations: As in `aggregate_cells`.
        quarter: Such as 2026Q1.
        sources: As in `aggregate_cells`.
    """
    rows = _with_sources(observations.lazy(), sources, "observation_id")
    groups = (
        allocate(rows.filter(pl.col("outcome") == "matched"))
        .filter(pl.col("unit_level") == "major", pl.col("allocation_rule") == "split")
        .with_columns(pattern=pl.lit("all"))
    )
    return _count_cells(groups, quarter)


def aggregate_clusters(
    conversations: pl.DataFrame,
    assignments: dy.DataFrame[ClusterAssignments],
    task_matches: dy.DataFrame[TaskMatches],
    *,
    sources: pl.DataFrame | None = None,
) -> dy.DataFrame[ClusterCells]:
    """Counts conversations and accounts of every cluster, in all and by task within it.

    Args:
        conversations: `conversation_id`, `account_id`; those that count.
        assignments: Their clusters.
        task_matches: Their tasks.
        sources: As in `aggregate_cells`.
    """
    members = (
        assignments.lazy()
        .filter(pl.col("cluster_id").is_not_null())
        .join(conversations.lazy(), on="conversation_id", how="inner", validate="1:1")
        .select("conversation_id", "cluster_id", "account_id")
        .pipe(_with_sources, sources, "conversation_id")
    )
    tasks = task_matches.lazy().select("conversation_id", "task_id").unique()
    by_task = members.join(tasks, on="conversation_id", how="inner", validate="1:m").filter(
        pl.col("task_id").is_not_null()
    )
    cell = ["cluster_id", "task_id"]
    rows = pl.concat([members.with_columns(task_id=pl.lit(None, pl.Int64)), by_task])
    return (
        _counts(rows, cell, "conversation_id")
        .select(ClusterCells.column_names())
        .sort(cell)
        .collect()
        .pipe(ClusterCells.validate, cast=True)
    )


def _with_sources(rows: pl.LazyFrame, sources: pl.DataFrame | None, own_id: str) -> pl.LazyFrame:
    if sources is None:
        return rows.with_columns(copy_id=pl.col(own_id), source_id=pl.col("account_id"))
    named = sources.lazy().select(pl.col("conversation_id").alias(own_id), "copy_id", "source_id")
    return rows.join(named, on=own_id, how="left", validate="m:1")


def _count_cells(rows: pl.LazyFrame, quarter: str) -> dy.DataFrame[Cells]:
    cell = [*_UNIT, "pattern"]
    usage = rows.group_by(cell).agg(usage=total(pl.col("usage")))
    return (
        usage.join(_counts(rows, cell, "observation_id"), on=cell, validate="1:1")
        .with_columns(quarter=pl.lit(quarter))
        .select(Cells.column_names())
        .sort(cell)
        .collect()
        .pipe(Cells.validate, cast=True)
    )


def _counts(rows: pl.LazyFrame, cell: list[str], own_id: str) -> pl.LazyFrame:
    """Conversations and accounts of each cell, and the conversations of its two largest accounts.

    Counts of accounts are null where no account is known.
    """
    by_account = rows.group_by(*cell, "source_id").agg(own=pl.col(own_id).n_unique())
    known = pl.col("own").filter(pl.col("source_id").is_not_null())
    accounts = by_account.group_by(cell).agg(
        source_count=known.len(),
        largest_account_count=known.max(),
        second_account_count=known.top_k(2).sum() - known.max(),
    )
    conversations = rows.group_by(cell).agg(
        conversation_count=pl.col(own_id).n_unique(),
        distinct_conversation_count=pl.col("copy_id").n_unique(),
        own_account_count=pl.col("account_id").drop_nulls().n_unique(),
    )
    # two accounts that share five texts have five sources, and are two at most
    account_count = pl.min_horizontal("source_count", "own_account_count")
    has_accounts = pl.col("largest_account_count").is_not_null()
    return (
        conversations.join(accounts, on=cell, how="inner", validate="1:1", nulls_equal=True)
        .with_columns(account_count=pl.when(has_accounts).then(account_count))
        .with_columns(cs.integer().exclude(cell).cast(pl.Int64))
    )
