"""Decides what a release says about what it does not show: rejects, noise, abstention, withheld."""

from collections.abc import Mapping

import dataframely as dy
import polars as pl
import polars.selectors as cs

from flows.tables import (
    Cells,
    Classifications,
    ClusterAssignments,
    Coverage,
    Rejects,
    ReleasedCells,
    TaskMatches,
)
from taxonomy.patterns import NOT_CLASSIFIED

_CELL = ["quarter", "unit_level", "unit_id", "allocation_rule", "pattern"]


def count_coverage(
    *,
    quarter: str,
    row_counts: Mapping[str, int],
    rejects: dy.DataFrame[Rejects],
    assignments: dy.DataFrame[ClusterAssignments],
    classifications: dy.DataFrame[Classifications],
    task_matches: dy.DataFrame[TaskMatches],
    cells: dy.DataFrame[Cells],
    released: dy.DataFrame[ReleasedCells],
) -> dy.DataFrame[Coverage]:
    """Counts, stage by stage, what went in, what went on and what did not, and why.

    Args:
        quarter: Such as 2026Q1.
        row_counts: `rows_in` and `accepted`.
        rejects: Of all stages.
        assignments: A row per accepted conversation.
        classifications: A row per accepted conversation.
        task_matches: Of all accepted conversations.
        cells: Before disclosure control.
        released: The same cells after it.
    """
    rows_in, accepted = row_counts["rows_in"], row_counts["accepted"]
    outcome = task_matches.unique("conversation_id")["outcome"].cast(pl.String)
    pattern = classifications["pattern"].cast(pl.String)
    undecided = int(classifications["is_occupational"].null_count())
    rows = [
        ("ingest", "rows_in", "rows of the sources", rows_in, None),
        ("redact", "accepted", "conversations", accepted, rows_in),
        ("cluster", "unclustered", "conversations", _nulls(assignments, "cluster_id"), accepted),
        ("classify", NOT_CLASSIFIED, "occupational", undecided, accepted),
        ("classify", NOT_CLASSIFIED, "pattern", int((pattern == NOT_CLASSIFIED).sum()), accepted),
        ("classify", "none", "pattern", int((pattern == "none").sum()), accepted),
        ("match", "none", "task: not occupational", int((outcome == "none").sum()), accepted),
        ("match", NOT_CLASSIFIED, "task", int((outcome == NOT_CLASSIFIED).sum()), accepted),
    ]
    accounts = _released_accounts(released)
    if accounts is not None:
        rows.append(("aggregate", "accounts", "distinct accounts", accounts, None))
    rejected = [
        (stage, "rejected", rule, count, rows_in)
        for stage, rule, count in rejects.group_by("stage", "rule")
        .len()
        .sort("stage", "rule")
        .rows()
    ]
    frame = pl.DataFrame(
        [*rows, *rejected],
        schema={
            "stage": pl.String,
            "measure": pl.String,
            "detail": pl.String,
            "value": pl.Int64,
            "base_value": pl.Int64,
        },
        orient="row",
    )
    return (
        pl.concat([frame, _withheld(cells, released)])
        .with_columns(
            quarter=pl.lit(quarter),
            share=pl.when(pl.col("base_value") > 0).then(pl.col("value") / pl.col("base_value")),
        )
        .select(Coverage.column_names())
        .pipe(Coverage.validate, cast=True)
    )


def _released_accounts(released: dy.DataFrame[ReleasedCells]) -> int | None:
    """Distinct accounts of the quarter; None where they are unknown or too few to tell."""
    everything = released.filter(
        pl.col("unit_level").cast(pl.String) == "all",
        pl.col("unit_id") == "all",
        pl.col("pattern").cast(pl.String) == "all",
    )
    return everything["account_count"].item() if everything.height else None


def _nulls(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].null_count())


def _withheld(cells: dy.DataFrame[Cells], released: dy.DataFrame[ReleasedCells]) -> pl.DataFrame:
    """Released and withheld cells by level, and the usage in withheld cells of all patterns."""
    both = (
        cells.lazy()
        .with_columns(cs.enum().cast(pl.String))
        .join(
            released.lazy().with_columns(cs.enum().cast(pl.String)).select(*_CELL, "suppression"),
            on=_CELL,
            how="left",
            validate="1:1",
        )
        .filter((pl.col("unit_id") != "all") | (pl.col("unit_level") == "all"))
        .with_columns(is_withheld=pl.col("suppression") != "none")
    )
    by_level = both.group_by("unit_level")
    counts = by_level.agg(
        released_cells=(~pl.col("is_withheld")).sum(), withheld_cells=pl.col("is_withheld").sum()
    ).unpivot(index="unit_level", variable_name="measure")
    units = both.filter(pl.col("pattern") == "all", pl.col("allocation_rule") == "split")
    usage = (
        units.filter(pl.col("unit_level") != "all")
        .group_by("unit_level")
        .agg(
            value=pl.col("usage").filter("is_withheld").sum().round(),
            base_value=pl.col("usage").sum().round(),
        )
        .with_columns(measure=pl.lit("withheld_usage"))
    )
    return (
        pl.concat([counts, usage], how="diagonal_relaxed")
        .select(
            pl.lit("disclose").alias("stage"),
            "measure",
            pl.concat_str(pl.lit("level: "), "unit_level").alias("detail"),
            pl.col("value", "base_value").cast(pl.Int64),
        )
        .sort("measure", "detail")
        .collect()
    )
