"""Decides how far shares are off by misclassification: as labeled, as classified, and corrected.

Within the labeled sample the correction is cross-fitted: the matrix from four fifths of the people,
the shares of the fifth one corrected by it, and their mean; otherwise it would correct itself.
Modes are corrected as modes: patterns of one mode are taken for each other most, and a matrix that
has to tell them apart is so near to singular that the sum of its patterns is far off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from flows.evaluation.correction import (
    Floats,
    MisclassificationCounts,
    misclassification,
    solve_shares,
)
from flows.evaluation.judged import Judged, counted_class, judged_class
from flows.evaluation.scores import INTERVAL, Metric
from flows.label_file import NO_GROUP, Label
from taxonomy.patterns import FIVE_PATTERNS, MODES, NO_PATTERN, NOT_CLASSIFIED, PATTERN_BASES

FOLDS = 5
GROUP_BASE = "occupational"

Classes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class ShareEstimate:
    """One share, thrice; intervals draw people anew, with their labels and their judgements.

    Attributes:
        labeled: By the labels.
        classified: As judged, of the same conversations.
        corrected: As judged, and corrected by the misclassification of other people's labels.
        source_classified: As judged, of all conversations of the source; null where all of them
            are labeled.
        source_corrected: That, corrected by the misclassification of all labels.
    """

    labeled: Metric
    classified: Metric
    corrected: Metric
    source_classified: Metric
    source_corrected: Metric


@dataclass(frozen=True)
class _Sample:
    """Counts by unit: `labeled` by fold, label and answer (flat); `judged` by answer."""

    labels: tuple[str, ...]
    answers: tuple[str, ...]
    labeled: csr_array
    judged: csr_array
    is_all_labeled: bool


def estimate_shares(
    conversations: Sequence[tuple[Judged, Label | None]], *, seed: int, resamples: int
) -> dict[str, dict[str, dict[str, ShareEstimate]]]:
    """Shares by measure (`pattern`, `automation`, `soc_major`), base and class.

    Patterns are on the bases five, six and all (labels know no `not_classified`, so that corrected
    shares are the same on six and all), automation on five; groups are of what is occupational.
    Without labels of a judgement, its shares are missing.
    """
    shares: dict[str, dict[str, dict[str, ShareEstimate]]] = {}
    if sample := _sample(conversations, "pattern", seed):
        figures = _resample(sample, seed, resamples)
        shares["pattern"] = {
            base: _divide(sample, figures, {name: (name,) for name in names})
            for base, names in PATTERN_BASES.items()
        }
    if sample := _sample(conversations, "mode", seed):
        figures = _resample(sample, seed, resamples)
        modes = _divide(sample, figures, {name: (name,) for name in MODES})
        shares["automation"] = {"five": {"automation": modes["automation"]}}
    if sample := _sample(conversations, "soc_major", seed):
        groups = {name: (name,) for name in sample.labels if name != NO_GROUP}
        figures = _resample(sample, seed, resamples)
        shares["soc_major"] = {GROUP_BASE: _divide(sample, figures, groups)}
    return shares


def count_misclassification(
    conversations: Sequence[tuple[Judged, Label | None]], judgement: str
) -> MisclassificationCounts | None:
    """What a release is corrected by: all labels of a judgement; None without any."""
    rows = _labeled_rows(conversations, judgement)
    if not rows:
        return None
    labels, answers = _classes(conversations, judgement)
    counts = np.zeros((len(labels), len(answers)), dtype=int)
    for _, truth, answer in rows:
        counts[labels.index(truth), answers.index(answer)] += 1
    _, by_unit = np.unique([unit for unit, _, _ in rows], return_counts=True)
    effective = by_unit.sum() ** 2 / np.square(by_unit).sum()
    return MisclassificationCounts(
        labels, answers, tuple(map(tuple, counts.tolist())), float(effective / len(rows))
    )


def _labeled_rows(
    conversations: Sequence[tuple[Judged, Label | None]], judgement: str
) -> list[tuple[str, str, str]]:
    """Unit, labeled class and judged class; no rows without labels of the judgement.

    What is not occupational has no group, which alone says nothing of groups.
    """
    rows = [
        (judged.unit, truth, judged_class(judged.row, judgement))
        for judged, label in conversations
        if label is not None and (truth := counted_class(label, judgement)) is not None
    ]
    if judgement == "soc_major" and all(truth == NO_GROUP for _, truth, _ in rows):
        return []
    return rows


def _classes(
    conversations: Sequence[tuple[Judged, Label | None]], judgement: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if judgement in ("pattern", "mode"):
        names = FIVE_PATTERNS if judgement == "pattern" else tuple(MODES)
        labels: tuple[str, ...] = (*names, NO_PATTERN)
    else:
        found = {judged_class(judged.row, judgement) for judged, _ in conversations}
        found |= {truth for _, truth, _ in _labeled_rows(conversations, judgement)}
        labels = (*sorted(found - {NO_GROUP, NOT_CLASSIFIED}), NO_GROUP)
    return labels, (*labels, NOT_CLASSIFIED)


def _sample(
    conversations: Sequence[tuple[Judged, Label | None]], judgement: str, seed: int
) -> _Sample | None:
    rows = _labeled_rows(conversations, judgement)
    if not rows:
        return None
    labels, answers = _classes(conversations, judgement)
    names, unit = np.unique([judged.unit for judged, _ in conversations], return_inverse=True)
    answer = [answers.index(judged_class(judged.row, judgement)) for judged, _ in conversations]
    number_of = {name: number for number, name in enumerate(names.tolist())}
    labeled_unit = np.array([number_of[name] for name, _, _ in rows])
    fold = _folds(labeled_unit, seed)
    cell = np.array([labels.index(k) * len(answers) + answers.index(j) for _, k, j in rows])
    width = len(labels) * len(answers)
    return _Sample(
        labels,
        answers,
        _counts(labeled_unit, fold * width + cell, (len(names), FOLDS * width)),
        _counts(unit, np.array(answer), (len(names), len(answers))),
        is_all_labeled=len(rows) == len(conversations),
    )


def _folds(units: NDArray[np.int_], seed: int) -> NDArray[np.int_]:
    """A fold for each row; all conversations of a unit are in one, and folds are of equal size."""
    distinct, position = np.unique(units, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(distinct))
    fold: NDArray[np.int_] = order[position] % FOLDS
    return fold


def _counts(rows: NDArray[np.int_], columns: NDArray[np.int_], shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _resample(sample: _Sample, seed: int, resamples: int) -> Floats:
    """Shares of the answers, (1 + resamples, kinds, J): as they are, then with people drawn anew.

    Kinds are the attributes of `ShareEstimate`, in their order; each adds up to 1.
    """
    unit_count = sample.judged.shape[0]
    generator = np.random.default_rng(seed)
    figures = [_figures(sample, np.ones(unit_count))]
    for _ in range(resamples):
        drawn = generator.integers(unit_count, size=unit_count)
        figures.append(_figures(sample, np.bincount(drawn, minlength=unit_count)))
    return np.stack(figures)


def _figures(sample: _Sample, weights: NDArray[np.generic]) -> Floats:
    label_count, answer_count = len(sample.labels), len(sample.answers)
    counts = (weights @ sample.labeled).reshape(FOLDS, label_count, answer_count)
    judged = weights @ sample.judged
    figures = np.full((5, answer_count), np.nan)
    everything = counts.sum(axis=0)
    total = everything.sum()
    if not total:  # nobody with a label was drawn
        return figures
    figures[0] = _padded(everything.sum(axis=1) / total, answer_count)
    figures[1] = everything.sum(axis=0) / total
    figures[2] = 0.0
    for fold in counts:
        if size := fold.sum():
            matrix = misclassification(everything - fold)
            solved = solve_shares(matrix, fold.sum(axis=0) / size)
            figures[2] += _padded(solved, answer_count) * size / total
    if not sample.is_all_labeled:
        figures[3] = judged / judged.sum()
        solved = solve_shares(misclassification(everything), figures[3])
        figures[4] = _padded(solved, answer_count)
    return figures


def _padded(shares: Floats, width: int) -> Floats:
    return np.concatenate([shares, np.zeros(width - len(shares))])


def _divide(sample: _Sample, figures: Floats, parts: Classes) -> dict[str, ShareEstimate]:
    """Shares of the parts in what they are together."""
    columns = {name: [sample.answers.index(part) for part in of] for name, of in parts.items()}
    base = figures[:, :, [column for of in columns.values() for column in of]].sum(axis=2)
    counts = (sample.labeled.sum(), sample.judged.sum())
    estimates = {}
    for name, of in columns.items():
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = figures[:, :, of].sum(axis=2) / base
        kinds = [_metric(shares[:, kind], int(counts[kind > 2])) for kind in range(5)]
        if name == NOT_CLASSIFIED:  # the labels know none, so that nothing is left of it
            kinds[2] = kinds[4] = Metric(None, None, None, 0)
        estimates[name] = ShareEstimate(*kinds)
    return estimates


def _metric(draws: Floats, count: int) -> Metric:
    """The first as the value; it lies in its interval, which rounding and bias would forbid."""
    value, drawn = draws[0], draws[1:][np.isfinite(draws[1:])]
    if not np.isfinite(value):
        return Metric(None, None, None, 0)
    low, high = np.quantile(drawn, INTERVAL) if len(drawn) else (value, value)
    return Metric(float(value), float(min(low, value)), float(max(high, value)), count)
