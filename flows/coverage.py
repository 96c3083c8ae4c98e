"""Decides what a release says about what it does not show: rejects, noise, abstention, withheld."""

from collections.abc import Mapping

import dataframely as dy
import polars as pl
import polars.selectors as cs

from flows.decimals import cut_decimals
from flows.tables import Classifications, ClusterAssignments, Coverage, Rejects, ReleasedCells
from taxonomy.patterns import NO_PATTERN, NOT_CLASSIFIED

_Row = tuple[str, str, str, int, int | None]


def count_coverage(
    *,
    quarter: str,
    row_counts: Mapping[str, int],
    rejects: dy.DataFrame[Rejects],
    assignments: dy.DataFrame[ClusterAssignments],
    classifications: dy.DataFrame[Classifications],
    released: dy.DataFrame[ReleasedCells],
    base: int,
) -> dy.DataFrame[Coverage]:
    """Counts, stage by stage, what went in, what went on and what did not, and why.

    Whatever the released cells say as well is taken from them, and totals are sums of what is said
    here: a second rounding of the same count would narrow it down. Rejected rows are in no cell and
    counted exactly; all else is rounded to the nearest multiple of the base.

    Args:
        quarter: Such as 2026Q1.
        row_counts: `removed`, conversations over the limits of their accounts, and `accounts`,
            distinct ones (0 where unknown).
        rejects: Of all stages.
        assignments: A row per accepted conversation.
        classifications: A row per accepted conversation.
        released: The cells after disclosure control.
        base: Of the rounding.
    """

    def rounded(count: int) -> int:
        return (count + base // 2) // base * base

    cells = _plain(released)
    counted = _released_count(cells, "all", "all") or 0
    removed = rounded(row_counts["removed"])
    accepted = counted + removed
    rejected = [
        (stage, "rejected", rule, count)
        for stage, rule, count in rejects.group_by("stage", "rule")
        .len()
        .sort("stage", "rule")
        .rows()
    ]
    rows_in = accepted + sum(count for *_, count in rejected)
    undecided = rounded(int(classifications["is_occupational"].null_count()))
    unclustered = rounded(int(assignments["cluster_id"].null_count()))
    # a number of accounts is also a least number of conversations: it must not say more than they
    accounts = min(row_counts["accounts"] // base * base, max(counted - base, 0))
    rows: list[_Row] = [
        ("ingest", "rows_in", "rows of the sources", rows_in, None),
        ("redact", "accepted", "conversations", accepted, rows_in),
        ("cluster", "unclustered", "conversations", min(unclustered, accepted), accepted),
        ("aggregate", "removed", "over the limits of their account", removed, accepted),
        ("aggregate", "counted", "conversations", counted, accepted),
        *_from_cells(cells, counted),
        *((*row, rows_in) for row in rejected),
    ]
    if _released_count(cells, NOT_CLASSIFIED, "all") is not None:
        # where none is shown without a task for that reason, this would say how many there are
        value = min(undecided, accepted)
        rows.append(("classify", NOT_CLASSIFIED, "occupational", value, accepted))
    if accounts:
        rows.append(("aggregate", "accounts", "distinct accounts, at least", accounts, None))
    return _table(quarter, rows, _withheld(cells, base))


def count_noisy_coverage(
    released: dy.DataFrame[ReleasedCells], *, quarter: str
) -> dy.DataFrame[Coverage]:
    """Counts what the noisy cells say of what is not shown, and nothing else.

    Rows in, rejects, noise of the clusters and accounts are in no cell: they would have to be given
    noise of their own, from the same budget.
    """
    cells = _plain(released)
    counted = _released_count(cells, "all", "all")
    rows: list[_Row] = []
    if counted is not None:
        rows = [
            ("aggregate", "counted", "conversations", counted, None),
            *_from_cells(cells, counted),
        ]
    return _table(quarter, rows, _withheld(cells, base=1))


def _table(quarter: str, rows: list[_Row], withheld: pl.DataFrame) -> dy.DataFrame[Coverage]:
    schema = {
        "stage": pl.String,
        "measure": pl.String,
        "detail": pl.String,
        "value": pl.Int64,
        "base_value": pl.Int64,
    }
    return (
        pl.concat([pl.DataFrame(rows, schema=schema, orient="row"), withheld])
        .with_columns(
            quarter=pl.lit(quarter),
            share=pl.when(pl.col("base_value") > 0).then(
                cut_decimals(pl.col("value") / pl.col("base_value"), pl.col("base_value"))
            ),
        )
        .select(Coverage.column_names())
        .pipe(Coverage.validate, cast=True)
    )


def _plain(released: dy.DataFrame[ReleasedCells]) -> pl.DataFrame:
    return released.with_columns(cs.enum().cast(pl.String))


def _released_count(cells: pl.DataFrame, unit_id: str, pattern: str) -> int | None:
    """A count of all conversations, or of those without a task; None where it is withheld."""
    cell = cells.filter(
        pl.col("unit_level") == "all",
        pl.col("unit_id") == unit_id,
        pl.col("pattern") == pattern,
    )
    return cell["conversation_count"].item() if cell.height else None


def _from_cells(cells: pl.DataFrame, counted: int) -> list[_Row]:
    named = [
        ("classify", NOT_CLASSIFIED, "pattern", _released_count(cells, "all", NOT_CLASSIFIED)),
        ("classify", NO_PATTERN, "pattern", _released_count(cells, "all", NO_PATTERN)),
        ("match", NO_PATTERN, "task: not occupational", _released_count(cells, NO_PATTERN, "all")),
        ("match", NOT_CLASSIFIED, "task", _released_count(cells, NOT_CLASSIFIED, "all")),
    ]
    return [
        (stage, measure, detail, count, counted)
        for stage, measure, detail, count in named
        if count is not None
    ]


def _withheld(cells: pl.DataFrame, base: int) -> pl.DataFrame:
    """Released and withheld cells by level, and the usage that no released unit holds.

    The usage is what the released figures leave of their level's total, which anyone can work out;
    how many cells are withheld is rounded up, as an empty cell is none.
    """
    units = cells.filter((pl.col("unit_id") != "all") | (pl.col("unit_level") == "all"))
    is_withheld = pl.col("suppression") != "none"
    counts = (
        units.group_by("unit_level")
        .agg(
            released_cells=(~is_withheld).sum(),
            withheld_cells=is_withheld.sum().truediv(base).ceil().cast(pl.Int64) * base,
        )
        .unpivot(index="unit_level", variable_name="measure")
    )
    whole = cells.filter(pl.col("pattern") == "all", pl.col("allocation_rule") == "split")
    total = whole.filter(pl.col("unit_id") == "all").select("unit_level", total="usage")
    usage = (
        whole.filter(pl.col("unit_id") != "all", pl.col("unit_level") != "all")
        .group_by("unit_level")
        .agg(pl.col("usage").sum())
        .join(total, on="unit_level", how="left", validate="1:1")
        .select(
            "unit_level",
            value=(pl.col("total") - pl.col("usage")).clip(0.0).round(),
            base_value=pl.col("total").round(),
            measure=pl.lit("withheld_usage"),
        )
        .drop_nulls("value")
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
    )
