"""Sends a release of the Anthropic Economic Index through our own arithmetic, as a known answer.

The Index's task percentages become `Observations`, and from there on everything is what a run
does: `aggregate_cells`, then the share tables. No figure is computed here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from flows.aggregate import aggregate_cells
from flows.settings import SettingsError
from flows.shares import (
    Taxonomy,
    collaboration_shares,
    soc_group_shares,
    task_depth,
)
from flows.tables import Observations, ReleasedCells
from onet.release import load_task_statements
from onet.weights import statements, task_occupations
from taxonomy.patterns import FIVE_PATTERNS, MODES, NOT_CLASSIFIED, PATTERN_BASES

_QUARTER = "2025Q1"
_DEPTHS = (0.1, 0.25, 0.5, 0.75)
_TASK_PERCENTAGES = ("task_pct_v2.csv", "task_pct_v1.csv", "onet_task_mappings.csv")
_PATTERN_PERCENTAGES = (
    "automation_vs_augmentation_v2.csv",
    "automation_vs_augmentation_v1.csv",
    "automation_vs_augmentation.csv",
)
_TASK_PATTERNS = "automation_vs_augmentation_by_task.csv"
_TASK_STATEMENTS = "onet_task_statements.csv"


@dataclass(frozen=True)
class IndexRelease:
    """The tables of one release of the Index, the newest version of each.

    Attributes:
        task_percentages: `task_name`, `pct`; `none` is a task name.
        pattern_percentages: `pattern`, `pct`.
        task_patterns: `task_name`, `pattern`, `fraction`; empty where a release has none.
        task_statements: The statements file that the task names are of.
    """

    task_percentages: pl.DataFrame
    pattern_percentages: pl.DataFrame
    task_patterns: pl.DataFrame
    task_statements: Path


def read_index(directory: Path) -> IndexRelease:
    """Reads a release's folder; its task statements may lie in a folder beside it.

    Raises:
        SettingsError: A table is missing or lacks its columns.
    """
    if not directory.is_dir():
        raise SettingsError(f"index: {directory} is not a directory")
    beside = sorted(directory.parent.glob(f"*/{_TASK_STATEMENTS}"))
    has_task_patterns = (directory / _TASK_PATTERNS).exists()
    return IndexRelease(
        task_percentages=_read(directory, _TASK_PERCENTAGES, ["task_name", "pct"]),
        pattern_percentages=_read(
            directory, _PATTERN_PERCENTAGES, ["interaction_type", "pct"]
        ).select(pattern=pl.col("interaction_type").str.replace_all(" ", "_"), pct="pct"),
        task_patterns=_task_patterns(directory) if has_task_patterns else _NO_PATTERNS,
        task_statements=_first([directory / _TASK_STATEMENTS, *beside], _TASK_STATEMENTS),
    )


def compute_index(release: IndexRelease) -> dict[str, Any]:
    """The Index's figures, as fractions, in the form of `worktally index --json`."""
    reference = load_task_statements(release.task_statements)
    taxonomy = Taxonomy(
        onet_release=reference.name,
        occupations=reference.occupations,
        statements=statements(reference),
        task_occupations=task_occupations(reference),
    )
    tasks = _released(_task_observations(release, taxonomy))
    patterns = collaboration_shares(_released(_pattern_observations(release)), taxonomy).filter(
        pl.col("unit_level").cast(pl.String) == "all"
    )
    groups = soc_group_shares(tasks, taxonomy).filter(
        pl.col("soc_level").cast(pl.String) == "major"
    )
    depth = task_depth(tasks, taxonomy, quarter=_QUARTER)
    figures = {
        **{f"{mode}_share": _by_base(patterns, mode) for mode in MODES},
        "pattern_shares": _pairs(_on_base(patterns, "five", FIVE_PATTERNS), "pattern", "share"),
        "soc_major_shares": {rule: _majors(groups, rule, "share") for rule in ("split", "full")},
        "soc_major_task_equal_shares": _majors(groups, "split", "task_equal_share"),
        "depth": {str(least): int((depth["depth"] >= least).sum()) for least in _DEPTHS},
        "mean_depth": depth["depth"].mean(),
        "occupation_count": depth.height,
    }
    if release.task_patterns.is_empty():
        return figures
    return {**figures, **_task_pattern_figures(tasks, taxonomy)}


_NO_PATTERNS = pl.DataFrame(
    schema={"task_name": pl.String, "pattern": pl.String, "fraction": pl.Float64}
)


def _first(candidates: list[Path], name: str) -> Path:
    for path in candidates:
        if path.exists():
            return path
    raise SettingsError(f"index: no {name} found")


def _read(directory: Path, names: tuple[str, ...], columns: list[str]) -> pl.DataFrame:
    path = _first([directory / name for name in names], " or ".join(names))
    frame = pl.read_csv(path)
    if not set(columns) <= set(frame.columns):
        raise SettingsError(f"index: {path.name} lacks the columns {', '.join(columns)}")
    return frame.select(columns)


def _task_patterns(directory: Path) -> pl.DataFrame:
    columns = ["task_name", *FIVE_PATTERNS, "filtered"]
    return (
        _read(directory, (_TASK_PATTERNS,), columns)
        .rename({"filtered": NOT_CLASSIFIED})
        .unpivot(index="task_name", variable_name="pattern", value_name="fraction")
    )


def _task_observations(release: IndexRelease, taxonomy: Taxonomy) -> dy.DataFrame[Observations]:
    names = taxonomy.statements.lazy().select(
        "task_id", task_name=pl.col("statement").str.strip_chars().str.to_lowercase()
    )
    usage = (
        release.task_percentages.lazy()
        .join(release.task_patterns.lazy(), on="task_name", how="left", validate="1:m")
        .with_columns(
            pl.col("pattern").fill_null(NOT_CLASSIFIED),
            usage=pl.col("pct") * pl.col("fraction").fill_null(1.0),
        )
    )
    return (
        usage.join(names, on="task_name", how="left", validate="m:1")
        .join(taxonomy.task_occupations.lazy(), on="task_id", how="left", validate="m:m")
        .select(
            observation_id=pl.concat_str("task_name", pl.lit(":"), "pattern"),
            account_id=pl.lit(None, pl.String),
            outcome=pl.when(pl.col("task_id").is_null())
            .then(pl.lit("none"))
            .otherwise(pl.lit("matched")),
            task_id="task_id",
            onet_soc_code="onet_soc_code",
            weight=pl.col("weight").fill_null(1.0),
            pattern="pattern",
            usage="usage",
        )
        .collect()
        .pipe(Observations.validate, cast=True)
    )


def _pattern_observations(release: IndexRelease) -> dy.DataFrame[Observations]:
    return release.pattern_percentages.select(
        observation_id="pattern",
        account_id=pl.lit(None, pl.String),
        outcome=pl.lit("none"),
        task_id=pl.lit(None, pl.Int64),
        onet_soc_code=pl.lit(None, pl.String),
        weight=pl.lit(1.0),
        pattern="pattern",
        usage="pct",
    ).pipe(Observations.validate, cast=True)


def _released(observations: dy.DataFrame[Observations]) -> dy.DataFrame[ReleasedCells]:
    # the Index's tables are published: their cells have nothing left to withhold
    cells = aggregate_cells(observations, quarter=_QUARTER)
    released = cells.with_columns(
        suppression=pl.lit("none"),
        usage_lower=pl.lit(None, pl.Float64),
        usage_upper=pl.lit(None, pl.Float64),
    ).select(ReleasedCells.column_names())
    return ReleasedCells.validate(released, cast=True)


def _task_pattern_figures(tasks: dy.DataFrame[ReleasedCells], taxonomy: Taxonomy) -> dict[str, Any]:
    shares = collaboration_shares(tasks, taxonomy).filter(
        pl.col("allocation_rule").cast(pl.String) == "split"
    )
    level = pl.col("unit_level").cast(pl.String)
    majors = _on_base(shares.filter(level == "major"), "five", ("automation",))
    occupations = _on_base(
        shares.filter(level == "occupation"), "all", (*FIVE_PATTERNS, NOT_CLASSIFIED)
    )
    by_title = occupations.sort("unit_title", "pattern").group_by("unit_title", maintain_order=True)
    return {
        "soc_major_automation_share": {
            code[:2]: share for code, share in _pairs(majors, "unit_id", "share").items()
        },
        "occupation_pattern_shares": {
            str(title): _pairs(rows, "pattern", "share") for (title,), rows in by_title
        },
    }


def _by_base(patterns: pl.DataFrame, mode: str) -> dict[str, float]:
    return {base: _on_base(patterns, base, (mode,))["share"].item() for base in PATTERN_BASES}


def _on_base(frame: pl.DataFrame, base: str, patterns: tuple[str, ...]) -> pl.DataFrame:
    return frame.filter(
        pl.col("pattern_base").cast(pl.String) == base,
        pl.col("pattern").cast(pl.String).is_in(patterns),
        pl.col("share").is_not_null(),
    )


def _majors(groups: pl.DataFrame, rule: str, column: str) -> dict[str, float]:
    rows = groups.filter(
        pl.col("allocation_rule").cast(pl.String) == rule, pl.col(column).is_not_null()
    ).sort("soc_code")
    return {code[:2]: share for code, share in _pairs(rows, "soc_code", column).items()}


def _pairs(frame: pl.DataFrame, key: str, value: str) -> dict[str, float]:
    return dict(zip(frame[key].cast(pl.String), frame[value], strict=True))
