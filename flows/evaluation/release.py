"""Decides what a release's shares would be without misclassification, from released figures alone.

The errors are those of an evaluation, taken to be the same in every unit. Intervals hold what is
uncertain of both: the labeled sample, and the conversations counted, taken as independent draws.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flows.evaluation.correction import (
    Floats,
    MisclassificationCounts,
    draw_matrices,
    draw_shares,
    misclassification,
    pool_classes,
    solve_shares,
)
from flows.evaluation.evaluate import FORMAT
from flows.evaluation.scores import INTERVAL
from flows.label_file import NO_GROUP
from flows.settings import SettingsError
from taxonomy.patterns import FIVE_PATTERNS, MODES, NO_PATTERN, NOT_CLASSIFIED

DRAWS = 400
SEED = 20260101
CORRECTED_COLUMNS = ("corrected_share", "corrected_lower", "corrected_upper")
_UNIT = ["quarter", "unit_level", "unit_id", "allocation_rule"]

Classes = dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Correction:
    """What shares are corrected by.

    Attributes:
        judges: Hashes of what judged the labeled sample, by name.
        sha256: Of the evaluation's file.
        pattern: Misclassification of patterns; None where none were labeled, as in the others.
        mode: Of automation, augmentation and none.
        soc_major: Of SOC major groups (two digits) and none.
    """

    judges: dict[str, str]
    sha256: str
    pattern: MisclassificationCounts | None
    mode: MisclassificationCounts | None
    soc_major: MisclassificationCounts | None


class _Counts(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)

    labels: tuple[str, ...]
    answers: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    effective_share: float = Field(gt=0.0, le=1.0)

    @model_validator(mode="after")
    def _fits(self) -> "_Counts":
        shape = {len(row) for row in self.counts} == {len(self.answers)}
        starts = self.answers == (*self.labels, NOT_CLASSIFIED)
        if not (shape and starts and len(self.counts) == len(self.labels)):
            raise ValueError
        if any(count < 0 for row in self.counts for count in row):
            raise ValueError
        return self

    def to_counts(self) -> MisclassificationCounts:
        return MisclassificationCounts(self.labels, self.answers, self.counts, self.effective_share)


class _Misclassification(BaseModel):
    pattern: _Counts | None
    mode: _Counts | None
    soc_major: _Counts | None

    @model_validator(mode="after")
    def _names_are_ours(self) -> "_Misclassification":
        expected = {"pattern": (*FIVE_PATTERNS, NO_PATTERN), "mode": (*MODES, NO_PATTERN)}
        for name, labels in expected.items():
            if (counts := getattr(self, name)) is not None and counts.labels != labels:
                raise ValueError
        if self.soc_major is not None and self.soc_major.labels[-1:] != (NO_GROUP,):
            raise ValueError
        return self


class _File(BaseModel):
    format: str
    judges: dict[str, str]
    misclassification: _Misclassification


def read_correction(path: Path) -> Correction:
    """Reads an `evaluation.json`.

    Raises:
        SettingsError: The file cannot be read, or is no evaluation of this version.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"publish.evaluation: cannot read {path}: {error.strerror}") from None
    try:
        file = _File.model_validate(json.loads(content))
    except (ValueError, ValidationError, RecursionError):
        file = None
    if file is None or file.format != FORMAT:
        raise SettingsError(
            f"publish.evaluation: {path} is not an evaluation.json of this version; write one"
            " with: worktally evaluate SOURCE --labels FILE --out DIR"
        )
    parts = file.misclassification
    pattern, mode, soc_major = (
        part.to_counts() if part is not None else None
        for part in (parts.pattern, parts.mode, parts.soc_major)
    )
    return Correction(file.judges, hashlib.sha256(content).hexdigest(), pattern, mode, soc_major)


def correct_patterns(shares: pl.DataFrame, correction: Correction | None) -> pl.DataFrame:
    """Fills the corrected columns of `collaboration_shares` where a share is there to correct.

    A pattern is corrected where all five are released, a mode where both are. What is not released
    of none and not classified enters as the rest of the unit's total.
    """
    if correction is None:
        return shares
    found: list[tuple[object, ...]] = []
    of_all = shares.filter(pl.col("pattern_base") == "all").sort(*_UNIT, "pattern")
    solve_pattern, solve_mode = _solver(correction.pattern), _solver(correction.mode)
    for unit, rows in of_all.group_by(_UNIT, maintain_order=True):
        usage = dict(rows.select(pl.col("pattern").cast(pl.String), "usage").rows())
        total = rows["base_usage"][0]
        for solve, parts in ((solve_pattern, FIVE_PATTERNS), (solve_mode, tuple(MODES))):
            known = [found_usage for part in parts if (found_usage := usage.get(part)) is not None]
            if solve is None or total is None or len(known) < len(parts):
                continue
            judged = _with_rest(known, usage.get(NO_PATTERN), total)
            for base, classes in _by_base(solve(judged, total), parts).items():
                found += [(*unit, base, name, *figures) for name, figures in classes.items()]
    return _filled(shares, found, [*_UNIT, "pattern_base", "pattern"])


def correct_groups(
    groups: pl.DataFrame, patterns: pl.DataFrame, correction: Correction | None
) -> pl.DataFrame:
    """Fills the corrected columns of the major groups of `soc_group_shares`, by rule split.

    Groups that are not released enter together, as the rest of their base; conversations without
    a group as the rest of all conversations. Labels name one group, while the usage of a task is
    split over the groups of all its occupations: the correction takes both for the same.

    Args:
        groups: `soc_group_shares`.
        patterns: `collaboration_shares`, for the total of all conversations.
        correction: What to correct by.
    """
    counts = correction.soc_major if correction else None
    is_major = (pl.col("soc_level") == "major") & (pl.col("allocation_rule") == "split")
    released = groups.filter(is_major, pl.col("share").is_not_null()).sort("quarter", "soc_code")
    totals = dict(
        patterns.filter(pl.col("unit_level") == "all", pl.col("pattern_base") == "all")
        .select("quarter", "base_usage")
        .unique()
        .rows()
    )
    found: list[tuple[object, ...]] = []
    for (quarter,), rows in released.group_by(["quarter"], maintain_order=True):
        total, base = totals.get(str(quarter)), rows["base_usage"][0]
        if counts is None or total is None:
            continue
        codes, usage = rows["soc_code"].to_list(), rows["usage"].to_list()
        judged = np.array([*usage, max(base - sum(usage), 0.0), max(total - base, 0.0)])
        matrix, drawn = _of_groups(counts, [code[:2] for code in codes])
        solved = _solve_all(matrix, drawn, judged / judged.sum(), total)
        corrected = _figures(solved[:, : len(codes)], solved[:, :-1].sum(axis=1))
        found += [
            (quarter, "major", code, "split", *figures)
            for code, figures in zip(codes, corrected, strict=True)
        ]
    return _filled(groups, found, ["quarter", "soc_level", "soc_code", "allocation_rule"])


def _with_rest(known: list[float], none: float | None, total: float) -> Floats:
    """Usage of the parts, of none, and of what is neither; none and the rest are one if unknown."""
    rest = max(total - sum(known) - (none or 0.0), 0.0)
    return np.array([*known, rest] if none is None else [*known, none, rest])


def _solver(counts: MisclassificationCounts | None) -> Callable[[Floats, float], Floats] | None:
    if counts is None:
        return None
    whole = counts.array()
    width = len(counts.answers)
    merged = [[at] for at in range(width - 2)] + [[width - 2, width - 1]]
    pooled = pool_classes(whole, [[at] for at in range(len(counts.labels))], merged)
    prepared = {
        table.shape[1]: (
            misclassification(table),
            draw_matrices(table, counts.effective_share, DRAWS, SEED),
        )
        for table in (whole, pooled)
    }

    def solve(judged: Floats, total: float) -> Floats:
        return _solve_all(*prepared[len(judged)], judged / judged.sum(), total)

    return solve


def _of_groups(counts: MisclassificationCounts, released: list[str]) -> tuple[Floats, Floats]:
    """The matrix and its draws for the released groups, all others together, and none."""
    whole = np.vstack([counts.array(), np.zeros(len(counts.answers))])
    whole = np.hstack([whole, np.zeros((len(whole), 1))])  # a group that nobody labeled or judged
    names, missing = counts.labels[:-1], len(counts.labels)
    places = [names.index(name) if name in names else None for name in released]
    others = [at for at in range(len(names)) if at not in places]
    none = len(names)
    rows = [[missing if at is None else at] for at in places] + [others or [missing], [none]]
    unseen = len(counts.answers)
    columns = [[unseen if at is None else at] for at in places]
    columns += [others or [unseen], [none, none + 1]]
    table = pool_classes(whole, rows, columns)
    return misclassification(table), draw_matrices(table, counts.effective_share, DRAWS, SEED)


def _solve_all(matrix: Floats, drawn: Floats, judged: Floats, usage: float) -> Floats:
    """Corrected shares, (1 + draws, K): first the estimate."""
    shares = draw_shares(judged, usage, len(drawn), SEED)
    draws = [solve_shares(m, q) for m, q in zip(drawn, shares, strict=True)]
    return np.stack([solve_shares(matrix, judged), *draws])


def _by_base(solved: Floats, parts: tuple[str, ...]) -> dict[str, Classes]:
    """The last column is none; labels know no not_classified, so that base all is base six."""
    of_five = _figures(solved[:, :-1], solved[:, :-1].sum(axis=1))
    of_six = _figures(solved, np.ones(len(solved)))
    names = (*parts, NO_PATTERN) if parts == FIVE_PATTERNS else parts
    six = dict(zip(names, of_six, strict=False))
    return {"five": dict(zip(parts, of_five, strict=True)), "six": six, "all": six}


def _figures(shares: Floats, base: Floats) -> list[tuple[float, float, float]]:
    """Estimate and 95 % interval of each column; the estimate lies in its interval."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.nan_to_num(shares / base[:, np.newaxis])
    ratios = np.clip(ratios, 0.0, 1.0)
    low, high = np.quantile(ratios[1:], INTERVAL, axis=0)
    return [
        (float(value), float(min(value, least)), float(max(value, most)))
        for value, least, most in zip(ratios[0], low, high, strict=True)
    ]


def _filled(shares: pl.DataFrame, found: list[tuple[object, ...]], keys: list[str]) -> pl.DataFrame:
    columns = shares.columns
    schema = dict.fromkeys(keys, pl.String) | dict.fromkeys(CORRECTED_COLUMNS, pl.Float64)
    corrected = pl.DataFrame(found, schema=schema, orient="row")
    corrected = corrected.with_columns(pl.col(key).cast(shares.schema[key]) for key in keys)
    return (
        shares.drop(CORRECTED_COLUMNS)
        .join(corrected, on=keys, how="left", validate="1:1", maintain_order="left")
        .with_columns(
            pl.when(pl.col("share").is_not_null(), pl.col("suppression") == "none")
            .then(name)
            .alias(name)
            for name in CORRECTED_COLUMNS
        )
        .select(columns)
    )
