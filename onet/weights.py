"""Decides which task rows are the same task, and what part of it each occupation holds.

Source: Handa et al. (2025), arXiv 2503.04761: statements are equal when they are so in lower case
without surrounding blanks; a task of n occupation titles counts 1/n for each.
"""

import polars as pl

from onet.release import Release
from taxonomy.soc import group_code

_MEMBERSHIP = ["task_id", "onet_soc_code"]


def task_occupations(release: Release) -> pl.DataFrame:
    """The occupations that hold each task: `task_id`, `onet_soc_code`, `weight`.

    `task_id` is the lowest Task ID of the rows with the same statement. Weights of a task sum to 1;
    occupations of the same title share the 1/n of their title.
    """
    title_count = pl.col("occupation_title").n_unique().over("task_id")
    codes_of_title = pl.col("onet_soc_code").n_unique().over("task_id", "occupation_title")
    return (
        _canonical(release)
        .unique(_MEMBERSHIP)
        .select(*_MEMBERSHIP, weight=1.0 / (title_count * codes_of_title).cast(pl.Float64))
        .sort(_MEMBERSHIP)
        .collect()
    )


def statements(release: Release) -> pl.DataFrame:
    """The distinct tasks: `task_id`, `statement` (as in the row of that id), `occupation_count`.

    `occupation_count` is the n of `task_occupations`: distinct occupation titles.
    """
    return (
        _canonical(release)
        .sort("row_task_id")
        .group_by("task_id")
        .agg(
            pl.col("statement").first(),
            occupation_count=pl.col("occupation_title").n_unique().cast(pl.Int64),
        )
        .sort("task_id")
        .collect()
    )


def task_rows(release: Release) -> pl.DataFrame:
    """The rows of each task: `task_id`, `row_task_id` (the row's own Task ID), `onet_soc_code`.

    Rows of a task are in order of relevance times importance, those not rated last, then of code.
    """
    return (
        _canonical(release)
        .with_columns(weight=pl.col("relevance") * pl.col("importance"))
        .sort(
            "task_id",
            "weight",
            "onet_soc_code",
            "row_task_id",
            descending=[False, True, False, False],
            nulls_last=True,
        )
        .select("task_id", "row_task_id", "onet_soc_code")
        .collect()
    )


def task_activities(release: Release) -> pl.DataFrame:
    """The detailed work activities of each task, of all of its rows: `task_id`, `dwa_id`."""
    rows = task_rows(release).lazy().select("task_id", "row_task_id")
    return (
        release.task_dwas.lazy()
        .rename({"task_id": "row_task_id"})
        .join(rows, on="row_task_id", how="inner", validate="m:1")
        .select("task_id", "dwa_id")
        .unique()
        .sort("task_id", "dwa_id")
        .collect()
    )


def task_groups(task_occupations: pl.DataFrame) -> pl.DataFrame:
    """The SOC groups of each task: `task_id`, `minor` (such as 15-1200), `major` (15-0000).

    The minor group with most of the task's weight in `task_occupations`, the lowest code on a tie.
    """
    return (
        task_occupations.lazy()
        .with_columns(minor=group_code(pl.col("onet_soc_code"), "minor"))
        .group_by("task_id", "minor")
        .agg(pl.col("weight").sum().round(9))
        .sort("task_id", "weight", "minor", descending=[False, True, False])
        .unique("task_id", keep="first", maintain_order=True)
        .select("task_id", "minor", major=pl.col("minor").str.head(2) + "-0000")
        .collect()
    )


def _canonical(release: Release) -> pl.LazyFrame:
    """Every task row with its occupation's title and the id of its task; tasks m:1 occupations."""
    same_statement = pl.col("statement").str.strip_chars().str.to_lowercase()
    return (
        release.tasks.lazy()
        .rename({"task_id": "row_task_id"})
        .with_columns(task_id=pl.col("row_task_id").min().over(same_statement))
        .join(release.occupations.lazy(), on="onet_soc_code", how="left", validate="m:1")
    )
