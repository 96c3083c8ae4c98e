"""Decides what released figures have to do with each other: the cube's sums and its equations.

A figure is a sum of base cells: conversations of one task (or of one outcome without a task) in one
collaboration pattern. Shared tasks tie the levels of the taxonomy together: a task of n occupations
is in n of them, so occupations and tasks are linked tables (Hundepool et al. 2012, Statistical
Disclosure Control, 4.2.3). Rounding, suppression and the attacker all work on the same two
matrices, and neither holds a count: anyone who reads a release can build them.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from onet.allocation import SOC_LEVELS, allocate, total
from taxonomy.patterns import MODES, NO_PATTERN, NOT_CLASSIFIED, PATTERNS
from taxonomy.soc import group_code

UNIT = ("unit_level", "unit_id", "allocation_rule")
FIGURE_PATTERNS = ("all", *MODES, *PATTERNS)
OUTCOMES = (NO_PATTERN, NOT_CLASSIFIED)
_PATTERN_SUMS = {"all": (*MODES, NO_PATTERN, NOT_CLASSIFIED), **MODES}


@dataclass(frozen=True)
class Lattice:
    """The figures that a release could show, and what binds them.

    Attributes:
        sums: Figures x base cells; figure = sums @ base, and no base cell is negative.
        equations: Equations x figures, of -1, 0 and 1; equations @ sums is 0.
        figures: `UNIT`, `pattern`, and `figure`, its row in `sums`. Units that are the same sum
            share it. Rows that no unit has are remainders: a unit less its parts that are shown.
        keys: `key` (a task id, or an outcome) and its `group`: tasks that no shown unit tells
            apart. Base cell `group * len(PATTERNS) + p` is group and p-th pattern.
        is_count: Per figure, whether each conversation in it counts once.
    """

    sums: sparse.csr_array
    equations: sparse.csr_array
    figures: pl.DataFrame
    keys: pl.DataFrame
    is_count: NDArray[np.bool_]

    @property
    def group_count(self) -> int:
        """Groups of tasks, and outcomes, that the shown units tell apart."""
        return int(self.sums.shape[1]) // len(PATTERNS)


def unit_weights(task_occupations: pl.DataFrame) -> pl.DataFrame:
    """What part of each key's usage lies in each unit: `UNIT`, `key`, `weight`.

    Beside the units of the taxonomy there are `all` of each level and rule, `all` conversations,
    and those of the outcomes without a task.

    Args:
        task_occupations: `task_id`, `onet_soc_code`, `weight`.
    """
    rows = task_occupations.lazy().with_columns(
        observation_id=pl.col("task_id").cast(pl.String), usage=pl.lit(1.0)
    )
    allocated = allocate(rows).select(*UNIT, key="observation_id", weight="usage")
    outcomes = pl.LazyFrame({"key": OUTCOMES})
    keys = pl.concat([rows.select(key="observation_id").unique(), outcomes])
    whole = {"unit_level": pl.lit("all"), "allocation_rule": pl.lit("split"), "weight": pl.lit(1.0)}
    summed = (
        pl.concat([allocated, allocated.with_columns(unit_id=pl.lit("all"))])
        .group_by(*UNIT, "key")
        .agg(total(pl.col("weight")))
        # thirds and sevenths of a task do add up to the task
        .with_columns(pl.col("weight").round(9))
    )
    return (
        pl.concat(
            [
                summed,
                keys.with_columns(**whole, unit_id=pl.lit("all")),
                outcomes.with_columns(**whole, unit_id=pl.col("key")),
            ],
            how="diagonal",
        )
        .select(*UNIT, "key", "weight")
        .sort(*UNIT, "key")
        .collect()
    )


def build_lattice(weights: pl.DataFrame, shown: pl.DataFrame) -> Lattice:
    """The lattice of the units that are shown at all, with what is left beside them.

    Args:
        weights: As `unit_weights` says.
        shown: `UNIT` of the units whose figure of all patterns may be released.
    """
    units = shown.select(UNIT).unique().sort(UNIT).with_row_index("unit")
    held = weights.join(units, on=UNIT, how="inner", validate="m:1")
    keys = _group_alike(held, "key", "unit").rename({"like": "group"})
    unit_sums = _unit_sums(held, keys, units.height)
    parts = _parts(units, weights).rows()
    unit_equations, unit_sums = _add_remainders(unit_sums, parts)
    merged, row_of = merge_alike(unit_sums)
    unit_equations = _nonzero(unit_equations @ merged)
    unit_sums = _first_of_each(merged) @ unit_sums
    rows = pl.DataFrame({"row": row_of[: units.height]}).with_columns(units)
    patterns = pl.DataFrame({"pattern": FIGURE_PATTERNS}).with_row_index("position")
    uneven = sparse.csr_array(unit_sums, copy=True)
    uneven.data = (uneven.data != 1.0).astype(float)
    is_count = np.asarray(uneven.sum(axis=1)).ravel() == 0
    return Lattice(
        sums=sparse.csr_array(sparse.kron(unit_sums, pattern_sums())),
        equations=_figure_equations(unit_equations, unit_sums.shape[0]),
        figures=rows.join(patterns, how="cross")
        .with_columns(figure=pl.col("row") * len(FIGURE_PATTERNS) + pl.col("position"))
        .select(*UNIT, "pattern", "figure"),
        keys=keys,
        is_count=is_count.repeat(len(FIGURE_PATTERNS)),
    )


def _group_alike(held: pl.DataFrame, name: str, other: str) -> pl.DataFrame:
    """Numbers the values of `name` so that those with the same weights have the same `like`."""
    held_by = (
        held.sort(name, other)
        .group_by(name, maintain_order=True)
        .agg(signature=pl.format("{}:{}", other, pl.col("weight").round(9)).str.join("|"))
    )
    return held_by.select(name, like=pl.col("signature").rank("dense").cast(pl.Int64) - 1)


def _unit_sums(held: pl.DataFrame, keys: pl.DataFrame, unit_count: int) -> sparse.csr_array:
    cells = held.join(keys, on="key", validate="m:1").unique(["unit", "group"], keep="any")
    places = (cells["unit"].to_numpy(), cells["group"].to_numpy())
    shape = (unit_count, keys["group"].n_unique())
    return sparse.csr_array((cells["weight"].to_numpy(), places), shape=shape)


def _parts(units: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Which shown units add up, with what is not shown, to which: `parent`, `part`, `division`.

    Usage by rule `split` nests: an occupation is part of the finest shown group that holds it.
    Tasks are parts of their total. Units by rule `full` overlap, and add up to nothing shown.
    """
    codes = weights.lazy().filter(pl.col("unit_level") == "occupation", pl.col("unit_id") != "all")
    chain = (
        codes.select(occupation="unit_id")
        .unique()
        .with_columns(
            *(group_code(pl.col("occupation"), level).alias(level) for level in SOC_LEVELS)
        )
    )
    upward = ("occupation", "broad", "minor", "major")
    nested = [
        chain.select(
            unit_level=pl.lit(level),
            unit_id=level,
            allocation_rule=pl.lit("split"),
            parent_level=pl.lit(above),
            parent_id=above,
            distance=pl.lit(distance),
        )
        for position, level in enumerate(upward)
        for distance, above in enumerate(upward[position + 1 :], 1)
    ]
    shown = units.lazy()
    is_all = pl.col("unit_id") == "all"
    of_total = shown.filter(
        ~is_all, pl.col("unit_level") != "all", pl.col("allocation_rule") == "split"
    ).select(
        *UNIT,
        parent_level=pl.when(pl.col("unit_level") == "task")
        .then(pl.lit("task"))
        .otherwise(pl.lit("major")),
        parent_id=pl.lit("all"),
        distance=pl.lit(9),
    )
    of_everything = shown.filter(
        (is_all & (pl.col("unit_level") == "task")) | (~is_all & (pl.col("unit_level") == "all"))
    ).select(*UNIT, parent_level=pl.lit("all"), parent_id=pl.lit("all"), distance=pl.lit(9))
    candidates = pl.concat([*nested, of_total, of_everything], how="vertical_relaxed").unique()
    parent = shown.rename({"unit": "parent", "unit_level": "parent_level", "unit_id": "parent_id"})
    return (
        candidates.join(shown.rename({"unit": "part"}), on=list(UNIT), validate="m:1")
        .join(parent, on=["parent_level", "parent_id", "allocation_rule"], validate="m:1")
        .sort("part", "distance")
        .unique("part", keep="first", maintain_order=True)
        .with_columns(is_task=pl.col("unit_level") == "task")
        .select("parent", "part", division=pl.col("is_task").cast(pl.Int64))
        .sort("parent", "division", "part")
        .collect()
    )


def _add_remainders(
    unit_sums: sparse.csr_array, parts: list[tuple[int, int, int]]
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Equations parent = parts + remainder over units, and the sums with the remainders below."""
    divisions = sorted({(parent, division) for parent, _, division in parts})
    number = {division: row for row, division in enumerate(divisions)}
    shape = (len(divisions), unit_sums.shape[0])
    of_part = [(number[parent, division], part) for parent, part, division in parts]
    minus = sparse.csr_array(
        (np.ones(len(parts)), tuple(np.array(of_part, dtype=np.int64).reshape(-1, 2).T)),
        shape=shape,
    )
    plus = sparse.csr_array(
        (np.ones(len(divisions)), (range(len(divisions)), [parent for parent, _ in divisions])),
        shape=shape,
    )
    remainders = _nonzero(sparse.csr_array((plus - minus) @ unit_sums), keep_rows=True)
    equations = sparse.hstack([plus - minus, -sparse.eye_array(len(divisions))])
    return sparse.csr_array(equations), sparse.csr_array(sparse.vstack([unit_sums, remainders]))


def merge_alike(sums: sparse.csr_array) -> tuple[sparse.csr_array, NDArray[np.int64]]:
    """Rows x distinct rows; and for each row its distinct row. Zero rows belong to none (-1)."""
    sums.sort_indices()
    seen: dict[bytes, int] = {}
    row_of = np.full(sums.shape[0], -1)
    for row in range(sums.shape[0]):
        own = slice(sums.indptr[row], sums.indptr[row + 1])
        if own.start == own.stop:
            continue
        weights = np.round(sums.data[own], 9)
        row_of[row] = seen.setdefault(sums.indices[own].tobytes() + weights.tobytes(), len(seen))
    present = np.flatnonzero(row_of >= 0)
    merged = sparse.csr_array(
        (np.ones(len(present)), (present, row_of[present])), shape=(sums.shape[0], len(seen))
    )
    return merged, row_of


def _first_of_each(merged: sparse.csr_array) -> sparse.csr_array:
    columns = merged.tocsc()
    first = columns.indices[columns.indptr[:-1]]
    return sparse.csr_array(
        (np.ones(len(first)), (range(len(first)), first)), shape=(len(first), merged.shape[0])
    )


def _nonzero(matrix: sparse.csr_array, *, keep_rows: bool = False) -> sparse.csr_array:
    matrix = sparse.csr_array(matrix)
    matrix.data[np.abs(matrix.data) < 1e-8] = 0.0
    matrix.eliminate_zeros()
    return matrix if keep_rows else matrix[np.diff(matrix.indptr) > 0]


def pattern_sums() -> sparse.csr_array:
    """Figure patterns x patterns: which patterns each figure adds up."""
    parts = {pattern: (pattern,) for pattern in PATTERNS} | MODES | {"all": PATTERNS}
    return sparse.csr_array(
        [[float(pattern in parts[name]) for pattern in PATTERNS] for name in FIGURE_PATTERNS]
    )


def _figure_equations(unit_equations: sparse.csr_array, row_count: int) -> sparse.csr_array:
    """Units add up in each pattern, and patterns in each unit; the rest follows."""
    position = {pattern: place for place, pattern in enumerate(FIGURE_PATTERNS)}
    by_pattern = sparse.eye_array(len(FIGURE_PATTERNS)).tocsr()[[position[p] for p in PATTERNS]]
    within = np.zeros((len(_PATTERN_SUMS), len(FIGURE_PATTERNS)))
    for row, (name, parts) in enumerate(_PATTERN_SUMS.items()):
        within[row, [position[part] for part in parts]] = -1.0
        within[row, position[name]] = 1.0
    return sparse.csr_array(
        sparse.vstack(
            [
                sparse.kron(unit_equations, by_pattern),
                sparse.kron(sparse.eye_array(row_count), sparse.csr_array(within)),
            ]
        )
    )
