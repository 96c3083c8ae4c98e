"""Decides which share of labeled conversations was judged well, by metric, with its interval."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.evaluation.judged import Labeled, Prediction
from flows.label_file import Label

TASK_DEPTHS = (1, 5, 10, 20)
METRICS = (
    "occupational_accuracy",
    "occupational_coverage",
    "use_case_accuracy",
    "use_case_coverage",
    "pattern_acceptable",
    "pattern_exact",
    "pattern_coverage",
    "soc_major_acceptable",
    "soc_major_exact",
    "soc_major_coverage",
    *(f"task_acceptable_at_{depth}" for depth in TASK_DEPTHS),
    "task_dwa_acceptable_at_1",
    "task_coverage",
    "sensitive_recall",
    "sensitive_false_alarms",
)
INTERVAL = (0.025, 0.975)
_Z_95 = 1.959963984540054  # 97.5 % quantile of the normal distribution
_BLOCK = 1_000_000  # units drawn at once: 8 MB of indices


@dataclass(frozen=True)
class Metric:
    """A share of `n`, such as labeled conversations, with its 95 % interval; null where n is 0."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Scores:
    """Every metric by name, over `n` labeled conversations."""

    n: int
    metrics: dict[str, Metric]


def judge_prediction(
    prediction: Prediction, label: Label, task_dwas: Mapping[int, AbstractSet[str]]
) -> dict[str, bool]:
    """Whether each metric holds; without those that the label says nothing about."""
    verdicts: dict[str, bool] = {}
    for name in ("occupational", "use_case"):
        if (labeled := getattr(label, name)) is not None:
            verdicts[f"{name}_accuracy"] = prediction[name] == labeled
            verdicts[f"{name}_coverage"] = prediction[name] is not None
    if label.pattern is not None:
        pattern = prediction["pattern"]
        verdicts["pattern_exact"] = pattern == label.pattern
        verdicts["pattern_acceptable"] = pattern in {label.pattern, label.pattern_alt} - {None}
        verdicts["pattern_coverage"] = pattern is not None
    if label.is_occupational and label.soc_majors:
        group = prediction["soc_major"]
        verdicts["soc_major_acceptable"] = group in label.soc_majors
        verdicts["soc_major_coverage"] = group is not None
        if label.soc_major is not None:
            verdicts["soc_major_exact"] = group == label.soc_major
    if label.is_occupational and label.tasks:
        verdicts.update(_judge_tasks(prediction, label, task_dwas))
    if label.is_sensitive is not None:
        name = "sensitive_recall" if label.is_sensitive else "sensitive_false_alarms"
        verdicts[name] = prediction.get("sensitive") is True
    return verdicts


def score(labeled: Sequence[Labeled], seed: int, resamples: int) -> Scores:
    """Every metric; intervals are percentiles of a bootstrap of the units.

    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    metrics = {
        name: _estimate([row for row in labeled if name in row.verdicts], name, seed, resamples)
        for name in METRICS
    }
    return Scores(len(labeled), metrics)


def wilson(hits: int, n: int, per: int = 1) -> Metric:
    """The share, per so many, with its Wilson score interval (Wilson 1927, JASA 22:209)."""
    if not n:
        return Metric(None, None, None, 0)
    share, square = hits / n, _Z_95**2
    center = (share + square / (2 * n)) / (1 + square / n)
    spread = max(0.0, share * (1 - share) / n + square / (4 * n**2))
    half_width = spread**0.5 * _Z_95 / (1 + square / n)
    # the share lies in its interval; rounding would leave 0 and 1 just outside
    low, high = min(share, max(0.0, center - half_width)), max(share, min(1.0, center + half_width))
    return Metric(share * per, low * per, high * per, n)


def _judge_tasks(
    prediction: Prediction, label: Label, task_dwas: Mapping[int, AbstractSet[str]]
) -> dict[str, bool]:
    ranked = [task["task_id"] for task in prediction["tasks"][: max(TASK_DEPTHS)]]
    verdicts = {
        f"task_acceptable_at_{depth}": not label.tasks.isdisjoint(ranked[:depth])
        for depth in TASK_DEPTHS
    }
    verdicts["task_coverage"] = bool(ranked)
    if task_dwas:
        dwas_of_first = set[str]().union(*(task_dwas.get(task, ()) for task in ranked[:1]))
        acceptable_dwas = set[str]().union(*(task_dwas.get(task, ()) for task in label.tasks))
        shares_dwa = not dwas_of_first.isdisjoint(acceptable_dwas)
        verdicts["task_dwa_acceptable_at_1"] = verdicts["task_acceptable_at_1"] or shares_dwa
    return verdicts


def _estimate(labeled: Sequence[Labeled], name: str, seed: int, resamples: int) -> Metric:
    if not labeled:
        return Metric(None, None, None, 0)
    # numbered in order of their names: the order of the rows changes nothing
    _, unit = np.unique([row.judged.unit for row in labeled], return_inverse=True)
    verdicts = np.array([row.verdicts[name] for row in labeled])
    right, count = np.bincount(unit[verdicts], minlength=unit.max() + 1), np.bincount(unit)
    low, high = np.quantile(_resample(right, count, seed, resamples), INTERVAL)
    return Metric(float(right.sum() / count.sum()), float(low), float(high), len(labeled))


def _resample(
    right: NDArray[np.int_], count: NDArray[np.int_], seed: int, resamples: int
) -> NDArray[np.float64]:
    """The share right in each resample of the units, shape (resamples,)."""
    generator = np.random.default_rng(seed)
    shares = np.full(resamples, np.nan)
    rows = max(1, _BLOCK // len(count))
    for start in range(0, resamples, rows):
        block = shares[start : start + rows]
        drawn = generator.integers(len(count), size=(len(block), len(count)))
        block[:] = right[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return shares
