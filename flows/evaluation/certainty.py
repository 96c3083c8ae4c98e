"""Decides whether probabilities can be trusted: calibration, and error without the unsure answers.

Over answered conversations: an abstention has no answer whose probability could be right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.evaluation.judged import Labeled, judged_class, labeled_class
from flows.label_file import NO_GROUP
from taxonomy.patterns import NOT_CLASSIFIED

BINS = 10
_MOST_POINTS = 100

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """Answers whose certainty lies in one tenth: their mean certainty and the share right."""

    low: float
    high: float
    certainty: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class Calibration:
    """How far certainty and accuracy lie apart, over `n` answers; null where n is 0.

    Attributes:
        expected_calibration_error: Mean distance of accuracy from certainty over ten bins of equal
            width, each weighted by its count (Naeini et al. 2015).
        brier_score: Mean square of certainty less one for a right answer, less zero for a wrong one
            (Brier 1950, of the answer given).
        bins: Those that hold an answer.
    """

    n: int
    expected_calibration_error: float | None
    brier_score: float | None
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class RiskPoint:
    """What is wrong among the answers of at least this certainty.

    Attributes:
        coverage: Their share of the conversations that have a label.
        error: The share of them that is wrong.
        certainty: The least certainty of them.
    """

    coverage: float
    error: float
    certainty: float


@dataclass(frozen=True)
class RiskCoverage:
    """Error by coverage when the least certain answers are withheld.

    Attributes:
        n: Answers.
        area: Mean error over all numbers of answers kept (AURC: Geifman et al. 2019,
            arXiv 1805.08206); answers of equal certainty count with their mean.
        points: By falling certainty; at most 100 of them, evenly spread, and the last.
    """

    n: int
    area: float | None
    points: tuple[RiskPoint, ...]


def calibrate(labeled: Sequence[Labeled], judgement: str) -> Calibration:
    """Compares the certainty of the answers with how often they are right."""
    certainty, is_right, _ = _answers(labeled, judgement)
    if not len(certainty):
        return Calibration(0, None, None, ())
    number = np.minimum((certainty * BINS).astype(int), BINS - 1)
    bins = tuple(
        Bin(
            low=at / BINS,
            high=(at + 1) / BINS,
            certainty=float(certainty[number == at].mean()),
            accuracy=float(is_right[number == at].mean()),
            count=int((number == at).sum()),
        )
        for at in np.unique(number).tolist()
    )
    return Calibration(
        n=len(certainty),
        expected_calibration_error=sum(abs(b.certainty - b.accuracy) * b.count for b in bins)
        / len(certainty),
        brier_score=float(np.square(certainty - is_right).mean()),
        bins=bins,
    )


def weigh_risk(labeled: Sequence[Labeled], judgement: str) -> RiskCoverage:
    """The error that is left when the least certain answers are withheld."""
    certainty, is_right, count = _answers(labeled, judgement)
    if not len(certainty):
        return RiskCoverage(0, None, ())
    levels, level, sizes = np.unique(-certainty, return_inverse=True, return_counts=True)
    wrong = np.bincount(level, 1.0 - is_right)
    kept = np.cumsum(sizes)
    # within answers of equal certainty, whichever come first are wrong as often as their mean
    errors = np.cumsum(np.repeat(wrong / sizes, sizes)) / np.arange(1, len(certainty) + 1)
    shown = np.unique(np.linspace(0, len(levels) - 1, min(len(levels), _MOST_POINTS)).astype(int))
    points = tuple(
        RiskPoint(kept[at] / count, float(errors[kept[at] - 1]), float(-levels[at]))
        for at in shown.tolist()
    )
    return RiskCoverage(len(certainty), float(errors.mean()), points)


def _answers(labeled: Sequence[Labeled], judgement: str) -> tuple[Floats, Floats, int]:
    """Certainty of each answer and whether it is right, in no order; and how many are labeled.

    The certainty of a SOC major group is of the group alone, so that the answer `none`, which is
    the judgement `occupational`, is left out.
    """
    answers = [
        (row.judged.certainty.get(judgement), judged_class(row.judged.row, judgement), truth)
        for row in labeled
        if (truth := labeled_class(row.label, judgement)) is not None
    ]
    unanswered = (NOT_CLASSIFIED, NO_GROUP) if judgement == "soc_major" else (NOT_CLASSIFIED,)
    certain = sorted(
        (certainty, answer == truth)
        for certainty, answer, truth in answers
        if certainty is not None and answer not in unanswered
    )
    return (
        np.array([certainty for certainty, _ in certain], dtype=np.float64),
        np.array([right for _, right in certain], dtype=np.float64),
        len(answers),
    )
