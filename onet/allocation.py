"""Decides what part of a task's usage each occupation and SOC group gets: the allocation rules.

The one place of this arithmetic: the cube of a run, task-equal shares and the Economic Index's own
tables all go through it.
"""

import polars as pl

from taxonomy.soc import group_code

SOC_LEVELS = ("major", "minor", "broad")


def allocate(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Spreads each row's usage over the units of every level of the taxonomy, by both rules.

    `split`: a task held by n occupations adds 1/n of its usage to each (n = distinct occupation
    titles that share the statement). `full`: the whole usage goes to each unit that holds the task.
    Source: Handa et al. (2025), arXiv 2503.04761, and the data release of 2025-09-15 (`full`).

    Args:
        rows: A row per observation, task and occupation that holds the task: `observation_id`,
            `task_id`, `onet_soc_code`, `weight` (1/n), `usage` (of the whole observation), and any
            other columns, which are carried along.

    Returns:
        The columns of `rows` with `unit_level`, `unit_id`, `allocation_rule`, and `usage` as
        allocated. A task has no choice of rule and appears under `split` only.
    """
    at_units = pl.concat([_at_level(rows, level) for level in (*SOC_LEVELS, "occupation")])
    split = at_units.with_columns(
        usage=pl.col("usage") * pl.col("weight"), allocation_rule=pl.lit("split")
    )
    full = at_units.unique(["observation_id", "task_id", "unit_level", "unit_id"]).with_columns(
        allocation_rule=pl.lit("full")
    )
    tasks = rows.with_columns(
        unit_level=pl.lit("task"),
        unit_id=pl.col("task_id").cast(pl.String),
        usage=pl.col("usage") * pl.col("weight"),
        allocation_rule=pl.lit("split"),
    )
    return pl.concat([split, full, tasks], how="diagonal")


def total(usage: pl.Expr) -> pl.Expr:
    """Sum to 12 significant digits, the same whatever the order of the rows.

    polars adds in the order in which its threads deliver, and sums of floats differ in their last
    digits with it, from one run to the next; decimals add up exactly.
    """
    return usage.cast(pl.Decimal(38, 18)).sum().cast(pl.Float64).round_sig_figs(12)


def _at_level(rows: pl.LazyFrame, level: str) -> pl.LazyFrame:
    code = pl.col("onet_soc_code")
    unit = code if level == "occupation" else group_code(code, level)
    return rows.with_columns(unit_level=pl.lit(level), unit_id=unit)
