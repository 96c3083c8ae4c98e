"""Decides how good the judgements are: shares of labeled conversations that were judged well."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from flows.label_file import Label, Labels, read_labels
from taxonomy.patterns import NOT_CLASSIFIED

__all__ = ["Evaluation", "Label", "Labels", "evaluate_labels", "read_labels", "render_table"]

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
    "task_acceptable_at_1",
    "task_acceptable_at_20",
    "task_dwa_acceptable_at_1",
    "task_coverage",
)
_MAX_TASKS = 20
_INTERVAL = (0.025, 0.975)
_BLOCK = 1_000_000  # accounts drawn at once: 8 MB of indices

Prediction = Mapping[str, Any]
Confusion = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Metric:
    """A share of `n` labeled conversations with its 95 % interval; null where n is 0."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Scores:
    """Every metric by name, over `n` labeled conversations."""

    n: int
    metrics: dict[str, Metric]


@dataclass(frozen=True)
class Evaluation(Scores):
    """The quality of the judgements.

    Attributes:
        by_language: The scores by labeled language; empty where no label has one.
        confusion: Conversations by labeled and judged value, for `pattern` and `soc_major`, over
            the conversations that `pattern_exact` and `soc_major_exact` are of.
        unmatched_labels: Labels of no conversation of the source.
        unlabeled_conversations: Conversations of the source without a label.
        malformed_labels: Rows of the file of labels that could not be used.
    """

    by_language: dict[str, Scores]
    confusion: dict[str, Confusion]
    unmatched_labels: int
    unlabeled_conversations: int
    malformed_labels: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: `n`, `metrics` and the other attributes, by name."""
        return asdict(self)


class _Judged(NamedTuple):
    """A labeled conversation: the unit that the bootstrap draws, and a verdict by metric."""

    prediction: Prediction
    label: Label
    unit: str
    verdicts: dict[str, bool]


def evaluate_labels(
    predictions: Iterable[Prediction],
    labels: Labels,
    *,
    task_dwas: Mapping[int, AbstractSet[str]],
    seed: int,
    resamples: int = 2_000,
    accounts: Mapping[str, str] | None = None,
) -> Evaluation:
    """Compares the rows of `worktally label` with labels of the same conversations.

    Groups and tasks are judged over conversations labeled occupational; one of those that was
    taken for none counts as wrong, and so does every abstention; coverage is the share answered.
    Intervals are percentiles of a bootstrap (Efron and Tibshirani 1993, chapter 13) that draws
    accounts where they are known, since the conversations of one person resemble each other, and
    conversations otherwise. They have no width where all verdicts of a metric agree.

    Args:
        predictions: Objects as `flows.label.to_label_rows` gives them, in any order.
        labels: As `read_labels` gives them.
        task_dwas: Ids of the DWAs of each task row; empty where the release has none, and then
            `task_dwa_acceptable_at_1` is null.
        seed: Of the bootstrap; no metric's interval depends on the other metrics.
        resamples: Of the bootstrap.
        accounts: The account of a conversation, by the owner's id of the conversation.
    """
    label_of = {label.conversation_id: label for label in labels.rows}
    judged: list[_Judged] = []
    unlabeled = 0
    for prediction in predictions:
        own_id = prediction["conversation_id"]
        label = label_of.pop(own_id, None)
        if label is None:
            unlabeled += 1
            continue
        account = (accounts or {}).get(own_id)
        unit = f"conversation {own_id}" if account is None else f"account {account}"
        judged.append(_Judged(prediction, label, unit, _judge(prediction, label, task_dwas)))
    languages = sorted({row.label.language for row in judged if row.label.language})
    return Evaluation(
        n=len(judged),
        metrics=_estimate_all(judged, seed, resamples),
        by_language={
            language: _score_language(judged, language, seed, resamples) for language in languages
        },
        confusion={name: _confuse(judged, name) for name in ("pattern", "soc_major")},
        unmatched_labels=len(label_of),
        unlabeled_conversations=unlabeled,
        malformed_labels=labels.malformed_count,
    )


def render_table(evaluation: Evaluation) -> Table:
    """The metrics as a table for a terminal; languages and confusion are in the JSON only."""
    counts = {
        "labels without a conversation": evaluation.unmatched_labels,
        "malformed labels": evaluation.malformed_labels,
        "conversations without a label": evaluation.unlabeled_conversations,
    }
    table = Table(
        title=f"Judgements of {evaluation.n} labeled conversations",
        caption="; ".join(f"{count} {what}" for what, count in counts.items()),
    )
    table.add_column("metric")
    for heading in ("share", "95 % low", "high", "n"):
        table.add_column(heading, justify="right")
    for name, metric in evaluation.metrics.items():
        figures = (metric.value, metric.low, metric.high)
        table.add_row(
            name,
            *("–" if figure is None else f"{figure:.3f}" for figure in figures),
            str(metric.n),
        )
    return table


def _judge(
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
    return verdicts


def _judge_tasks(
    prediction: Prediction, label: Label, task_dwas: Mapping[int, AbstractSet[str]]
) -> dict[str, bool]:
    ranked = [task["task_id"] for task in prediction["tasks"][:_MAX_TASKS]]
    is_first_acceptable = not label.tasks.isdisjoint(ranked[:1])
    verdicts = {
        "task_acceptable_at_1": is_first_acceptable,
        "task_acceptable_at_20": not label.tasks.isdisjoint(ranked),
        "task_coverage": bool(ranked),
    }
    if task_dwas:
        dwas_of_first = set[str]().union(*(task_dwas.get(task, ()) for task in ranked[:1]))
        acceptable_dwas = set[str]().union(*(task_dwas.get(task, ()) for task in label.tasks))
        shares_dwa = not dwas_of_first.isdisjoint(acceptable_dwas)
        verdicts["task_dwa_acceptable_at_1"] = is_first_acceptable or shares_dwa
    return verdicts


def _score_language(judged: Sequence[_Judged], language: str, seed: int, resamples: int) -> Scores:
    rows = [row for row in judged if row.label.language == language]
    return Scores(len(rows), _estimate_all(rows, seed, resamples))


def _estimate_all(judged: Sequence[_Judged], seed: int, resamples: int) -> dict[str, Metric]:
    return {
        name: _estimate([row for row in judged if name in row.verdicts], name, seed, resamples)
        for name in METRICS
    }


def _estimate(judged: Sequence[_Judged], name: str, seed: int, resamples: int) -> Metric:
    if not judged:
        return Metric(None, None, None, 0)
    # numbered in order of their names: the order of the rows changes nothing
    _, unit = np.unique([row.unit for row in judged], return_inverse=True)
    verdicts = np.array([row.verdicts[name] for row in judged])
    right, count = np.bincount(unit[verdicts], minlength=unit.max() + 1), np.bincount(unit)
    low, high = np.quantile(_resample(right, count, seed, resamples), _INTERVAL)
    return Metric(float(right.sum() / count.sum()), float(low), float(high), len(judged))


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


def _confuse(judged: Sequence[_Judged], name: str) -> Confusion:
    pairs = Counter(
        (getattr(row.label, name), row.prediction[name] or NOT_CLASSIFIED)
        for row in judged
        if f"{name}_exact" in row.verdicts
    )
    confusion: Confusion = {}
    for (labeled, answer), count in sorted(pairs.items()):
        confusion.setdefault(labeled, {})[answer] = count
    return confusion
