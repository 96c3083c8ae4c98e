"""Turns released cells into shares: every share is of released figures and names its base.

Nothing here sees a figure that was not released, so nothing derived can give a withheld one away
that the released cells do not give away already.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import dataframely as dy
import polars as pl
import polars.selectors as cs

from flows.decimals import Toward, cut_decimals
from flows.tables import (
    SOC_LEVELS,
    CollaborationShares,
    OccupationShares,
    ReleasedCells,
    SocGroupShares,
    TaskDepth,
    TaskShares,
    UncappedUsage,
)
from onet.allocation import allocate, total
from taxonomy.patterns import MODES, NO_PATTERN, PATTERN_BASES
from taxonomy.soc import group_code, soc_groups

_Z_95 = 1.959963984540054
_KEYS = ["unit_level", "unit_id", "allocation_rule"]
_below = pl.col("usage") - pl.col("usage_lower")
_above = pl.col("usage_upper") - pl.col("usage")
_CORRECTED = ("corrected_share", "corrected_lower", "corrected_upper")
_UNCAPPED = ("uncapped_usage", "uncapped_base_usage", "uncapped_share")
_DECIMALS: dict[str, tuple[Toward, str]] = {
    "share": ("nearest", "base_usage"),
    "share_lower": ("lower", "base_usage"),
    "share_upper": ("upper", "base_usage"),
    "task_equal_share": ("nearest", "base_usage"),
    "corrected_share": ("nearest", "base_usage"),
    "corrected_lower": ("lower", "base_usage"),
    "corrected_upper": ("upper", "base_usage"),
    "uncapped_share": ("nearest", "uncapped_base_usage"),
}  # which way a share is rounded, and its denominator
_PARTS_OF_BASE = {"five": tuple(MODES), "six": (*MODES, NO_PATTERN)}


@dataclass(frozen=True)
class Taxonomy:
    """What shares need to know of an O*NET release.

    Attributes:
        onet_release: Such as `30.1` or `starter-1`.
        occupations: `onet_soc_code`, `occupation_title`; every occupation with tasks.
        statements: `task_id`, `statement`, `occupation_count`; every distinct task statement.
        task_occupations: `task_id`, `onet_soc_code`, `weight`.
    """

    onet_release: str
    occupations: pl.DataFrame
    statements: pl.DataFrame
    task_occupations: pl.DataFrame

    def groups(self) -> pl.LazyFrame:
        """SOC groups that hold an occupation: `unit_level`, `unit_id`, `unit_title`."""
        codes = pl.concat(
            self.occupations.lazy().select(
                unit_level=pl.lit(level), unit_id=group_code(pl.col("onet_soc_code"), level)
            )
            for level in SOC_LEVELS
        ).unique()
        titles = soc_groups().lazy().select(unit_id="soc_code", unit_title="soc_title").unique()
        return codes.join(titles, on="unit_id", how="left", validate="m:1").with_columns(
            pl.col("unit_title").fill_null(pl.concat_str(pl.lit("SOC "), "unit_id"))
        )


def occupation_shares(
    released: dy.DataFrame[ReleasedCells], taxonomy: Taxonomy
) -> dy.DataFrame[OccupationShares]:
    """A row for every occupation and allocation rule; zero and withheld look the same."""
    units = taxonomy.occupations.lazy().select(
        unit_level=pl.lit("occupation"), unit_id="onet_soc_code", unit_title="occupation_title"
    )
    return (
        _unit_shares(released, units, taxonomy, rules=["split", "full"])
        .rename({"unit_id": "onet_soc_code", "unit_title": "occupation_title"})
        .select(OccupationShares.column_names())
        .sort("onet_soc_code", "allocation_rule")
        .collect()
        .pipe(OccupationShares.validate, cast=True)
    )


def soc_group_shares(
    released: dy.DataFrame[ReleasedCells], taxonomy: Taxonomy
) -> dy.DataFrame[SocGroupShares]:
    """A row for every major, minor and broad group and allocation rule."""
    return (
        _unit_shares(released, taxonomy.groups(), taxonomy, rules=["split", "full"])
        .rename({"unit_level": "soc_level", "unit_id": "soc_code", "unit_title": "soc_title"})
        .with_columns(_not_told((*_CORRECTED, *_UNCAPPED)))
        .select(SocGroupShares.column_names())
        .sort("soc_code", "soc_level", "allocation_rule")
        .collect()
        .pipe(SocGroupShares.validate, cast=True)
    )


def add_uncapped(
    groups: dy.DataFrame[SocGroupShares], uncapped: dy.DataFrame[UncappedUsage]
) -> dy.DataFrame[SocGroupShares]:
    """Fills the columns about usage without limits per account.

    Args:
        groups: Every group.
        uncapped: The major groups where it may be told.
    """
    is_major = (pl.col("soc_level").cast(pl.String) == "major") & (
        pl.col("allocation_rule").cast(pl.String) == "split"
    )
    usage = pl.col("uncapped_usage")
    # among few of the groups, a share would be comparable with nothing
    is_whole = ((pl.col("usage").is_not_null() & usage.is_null()) & is_major).sum() == 0
    base = pl.when(is_whole & usage.is_not_null()).then(total(usage))
    return (
        groups.lazy()
        .drop(_UNCAPPED)
        .join(uncapped.lazy(), on="soc_code", how="left", validate="m:1")
        .with_columns(uncapped_usage=pl.when(is_major).then("uncapped_usage"))
        .with_columns(uncapped_base_usage=base, uncapped_share=usage / base)
        .select(SocGroupShares.column_names())
        .sort("soc_code", "soc_level", "allocation_rule")
        .collect()
        .pipe(SocGroupShares.validate, cast=True)
    )


def task_shares(
    released: dy.DataFrame[ReleasedCells], taxonomy: Taxonomy
) -> dy.DataFrame[TaskShares]:
    """A row for every distinct task statement."""
    units = taxonomy.statements.lazy().select(
        unit_level=pl.lit("task"),
        unit_id=pl.col("task_id").cast(pl.String),
        unit_title="statement",
        occupation_count="occupation_count",
    )
    return (
        _unit_shares(released, units, taxonomy, rules=["split"])
        .with_columns(task_id=pl.col("unit_id").cast(pl.Int64))
        .rename({"unit_title": "task_statement"})
        .select(TaskShares.column_names())
        .sort("task_id")
        .collect()
        .pipe(TaskShares.validate, cast=True)
    )


def collaboration_shares(
    released: dy.DataFrame[ReleasedCells], taxonomy: Taxonomy
) -> dy.DataFrame[CollaborationShares]:
    """A row per base and pattern, or mode, of every unit whose own total is released.

    Denominators: `five` is automation and augmentation together, `six` that and `none`, `all`
    everything in the unit. A share whose denominator is not released in full is null: without the
    withheld part it would be of something else.
    """
    cells = _plain(released)
    totals = cells.filter(
        pl.col("pattern") == "all",
        pl.col("suppression") == "none",
        (pl.col("unit_id") != "all") | (pl.col("unit_level") == "all"),
    ).select(
        "quarter",
        *_KEYS,
        total="usage",
        total_count="conversation_count",
        total_lower="usage_lower",
        total_upper="usage_upper",
    )
    bases = pl.concat(
        _of_base(totals, cells, base, patterns) for base, patterns in PATTERN_BASES.items()
    )
    return (
        bases.join(_titles(taxonomy), on=["unit_level", "unit_id"], how="inner", validate="m:1")
        .pipe(_add_share, is_part_of_base=True)
        .with_columns(*_not_told(_CORRECTED), onet_release=pl.lit(taxonomy.onet_release))
        .select(CollaborationShares.column_names())
        .sort(*_KEYS, "pattern_base", "pattern")
        .collect()
        .pipe(CollaborationShares.validate, cast=True)
    )


def task_depth(
    released: dy.DataFrame[ReleasedCells], taxonomy: Taxonomy, *, quarter: str
) -> dy.DataFrame[TaskDepth]:
    """The share of each occupation's tasks with released usage; occupations without use are 0.

    Core and supplemental tasks, unweighted. Source: Handa et al. (2025), arXiv 2503.04761, fig. 4.
    """
    used = _released_tasks(released).with_columns(is_used=pl.lit(True))
    return (
        taxonomy.task_occupations.lazy()
        .join(used, on="task_id", how="left", validate="m:1")
        .group_by("onet_soc_code")
        .agg(
            task_count=pl.len().cast(pl.Int64),
            used_task_count=pl.col("is_used").fill_null(False).sum().cast(pl.Int64),
        )
        .join(taxonomy.occupations.lazy(), on="onet_soc_code", how="inner", validate="1:1")
        .with_columns(
            depth=pl.col("used_task_count") / pl.col("task_count"),
            quarter=pl.lit(quarter),
            onet_release=pl.lit(taxonomy.onet_release),
        )
        .select(TaskDepth.column_names())
        .sort("onet_soc_code")
        .collect()
        .pipe(TaskDepth.validate, cast=True)
    )


def bound_decimals(table: pl.DataFrame) -> pl.DataFrame:
    """Rounds the shares of a table to the decimals of their denominators, intervals outwards.

    `usage` and `base_usage` stay as they are, for whoever needs shares that add up.
    """
    return table.with_columns(
        cut_decimals(pl.col(name), pl.col(denominator), toward).alias(name)
        for name, (toward, denominator) in _DECIMALS.items()
        if name in table.columns
    )


def _plain(released: dy.DataFrame[ReleasedCells]) -> pl.LazyFrame:
    # categories as strings: polars joins an Enum with nothing but the same Enum
    return released.lazy().with_columns(cs.enum().cast(pl.String))


def _unit_shares(
    released: dy.DataFrame[ReleasedCells],
    units: pl.LazyFrame,
    taxonomy: Taxonomy,
    *,
    rules: list[str],
) -> pl.LazyFrame:
    cells = _plain(released).filter(pl.col("pattern") == "all").drop("pattern")
    of_level = ["quarter", "unit_level", "allocation_rule"]
    base = cells.filter(pl.col("unit_id") == "all").select(
        *of_level,
        base_usage="usage",
        base_count="conversation_count",
        base_lower="usage_lower",
        base_upper="usage_upper",
    )
    return (
        units.join(pl.LazyFrame({"allocation_rule": rules}), how="cross")
        .join(cells.select("quarter").unique(), how="cross")
        .join(base, on=of_level, how="left", validate="m:1")
        .join(cells, on=["quarter", *_KEYS], how="left", validate="1:1")
        .join(_task_equal_shares(released, taxonomy), on=_KEYS, how="left", validate="1:1")
        .with_columns(
            # a unit without a cell and one under the floors are told apart by nobody
            suppression=pl.col("suppression").fill_null("primary"),
            base=pl.concat_str(pl.lit("usage allocated to tasks, by rule "), "allocation_rule"),
            onet_release=pl.lit(taxonomy.onet_release),
        )
        .with_columns(
            task_equal_share=pl.when(pl.col("suppression") == "none").then(
                pl.col("task_equal_share").fill_null(0.0)
            )
        )
        .pipe(_add_share, is_part_of_base=False)
    )


def _task_equal_shares(released: dy.DataFrame[ReleasedCells], taxonomy: Taxonomy) -> pl.LazyFrame:
    rows = (
        taxonomy.task_occupations.lazy()
        .join(_released_tasks(released), on="task_id", how="semi")
        .with_columns(observation_id=pl.col("task_id").cast(pl.String), usage=pl.lit(1.0))
    )
    usage = allocate(rows).group_by(*_KEYS).agg(total(pl.col("usage")))
    base = total(pl.col("usage")).over("unit_level", "allocation_rule")
    return usage.select(*_KEYS, task_equal_share=(pl.col("usage") / base).clip(0.0, 1.0))


def _released_tasks(released: dy.DataFrame[ReleasedCells]) -> pl.LazyFrame:
    return (
        _plain(released)
        .filter(
            pl.col("unit_level") == "task",
            pl.col("unit_id") != "all",
            pl.col("pattern") == "all",
            pl.col("suppression") == "none",
            pl.col("usage") > 0,
        )
        .select(pl.col("unit_id").cast(pl.Int64).alias("task_id"))
    )


def _of_base(
    totals: pl.LazyFrame, cells: pl.LazyFrame, base: str, patterns: tuple[str, ...]
) -> pl.LazyFrame:
    unit = ["quarter", *_KEYS]
    grid = totals.join(pl.LazyFrame({"pattern": [*patterns, *MODES]}), how="cross").join(
        cells, on=[*unit, "pattern"], how="left", validate="1:1"
    )
    if base == "all":
        base_usage, base_count = pl.col("total"), pl.col("total_count")
        base_lower, base_upper = pl.col("total_lower"), pl.col("total_upper")
    else:
        parts = pl.col("pattern").is_in(_PARTS_OF_BASE[base])
        is_whole = (parts & pl.col("usage").is_null()).sum().over(unit) == 0
        base_usage = pl.when(is_whole).then(total(pl.col("usage").filter(parts)).over(unit))
        base_count = pl.col("conversation_count").filter(parts).sum().over(unit)
        base_lower = base_usage - _root_of_squares(_below, parts).over(unit)
        base_upper = base_usage + _root_of_squares(_above, parts).over(unit)
    is_withheld = pl.col("usage").is_null() & pl.col("pattern").is_in(patterns)
    # cells without usage are in no cube: they must not differ from those that are rolled up
    is_rolled_up = (pl.col("suppression") == "rolled_up").any().over(unit)
    return grid.with_columns(
        pl.when(is_rolled_up)
        .then(pl.lit("rolled_up"))
        .otherwise(pl.col("suppression").fill_null("primary"))
        .alias("suppression"),
        base_usage=base_usage,
        base_count=base_count,
        base_lower=base_lower,
        base_upper=base_upper,
        withheld_pattern_count=is_withheld.sum().over(unit).cast(pl.Int64),
        pattern_base=pl.lit(base),
        base=pl.lit(f"patterns: {base}"),
    )


def _titles(taxonomy: Taxonomy) -> pl.LazyFrame:
    everything = pl.LazyFrame(
        {"unit_level": ["all"], "unit_id": ["all"], "unit_title": ["All conversations"]}
    )
    occupations = taxonomy.occupations.lazy().select(
        unit_level=pl.lit("occupation"), unit_id="onet_soc_code", unit_title="occupation_title"
    )
    tasks = taxonomy.statements.lazy().select(
        unit_level=pl.lit("task"),
        unit_id=pl.col("task_id").cast(pl.String),
        unit_title="statement",
    )
    return pl.concat([everything, taxonomy.groups(), occupations, tasks])


def _not_told(names: Iterable[str]) -> list[pl.Expr]:
    return [pl.lit(None, pl.Float64).alias(name) for name in names]


def _add_share(frame: pl.LazyFrame, *, is_part_of_base: bool) -> pl.LazyFrame:
    """Adds share and its Wilson score interval (Wilson 1927, JASA 22:209, formula for p ± z).

    Where usage has noise, the interval is widened by it.
    """
    share = (pl.col("usage") / pl.col("base_usage")).clip(0.0, 1.0)
    count, square = pl.col("base_count"), _Z_95**2
    center = (pl.col("share") + square / (2 * count)) / (1 + square / count)
    spread = pl.col("share") * (1 - pl.col("share")) / count + square / (4 * count**2)
    half_width = spread.sqrt() * _Z_95 / (1 + square / count)
    return (
        frame.with_columns(
            share=pl.when((pl.col("base_usage") > 0) & (pl.col("base_count") > 0)).then(share)
        )
        .with_columns(
            # the share lies in its interval; rounding would leave 0 and 1 just outside
            share_lower=pl.min_horizontal("share", (center - half_width).clip(0.0, 1.0)),
            share_upper=pl.max_horizontal("share", (center + half_width).clip(0.0, 1.0)),
        )
        .pipe(_widen_by_noise, is_part_of_base=is_part_of_base)
        .drop("base_count", "base_lower", "base_upper")
    )


def _widen_by_noise(frame: pl.LazyFrame, *, is_part_of_base: bool) -> pl.LazyFrame:
    """Adds the noise of usage and base to the interval, as independent errors add up.

    By the delta method, share s = usage u / base b moves by (du - s db) / b. The noise of patterns
    is independent, so that of a part of the base is in both; a unit of the taxonomy is so small a
    part of its base that both are taken as independent, which widens the interval.
    """
    share = pl.col("share")
    common = 2 * share if is_part_of_base else pl.lit(0.0)

    def moved(usage: pl.Expr, base: pl.Expr, sampled: pl.Expr) -> pl.Expr:
        squares = usage**2 * (1 - common) + (share * base) ** 2
        noise = squares.clip(0.0).sqrt() / pl.col("base_usage")
        return (noise**2 + sampled**2).sqrt()

    base_below = pl.col("base_usage") - pl.col("base_lower")
    base_above = pl.col("base_upper") - pl.col("base_usage")
    below = moved(_below, base_above, share - pl.col("share_lower"))
    above = moved(_above, base_below, pl.col("share_upper") - share)
    return frame.with_columns(
        share_lower=pl.coalesce((share - below).clip(0.0, 1.0), "share_lower"),
        share_upper=pl.coalesce((share + above).clip(0.0, 1.0), "share_upper"),
    )


def _root_of_squares(distance: pl.Expr, parts: pl.Expr) -> pl.Expr:
    """The noise of a sum; null where there is none, or a part is withheld."""
    return (
        pl.when(distance.is_null().filter(parts).any())
        .then(None)
        .otherwise(distance.filter(parts).pow(2).sum().sqrt())
    )
