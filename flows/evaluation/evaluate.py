"""Decides what an evaluation consists of: every figure about judgements of a labeled sample."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.table import Table

from flows.evaluation.certainty import Calibration, RiskCoverage, calibrate, weigh_risk
from flows.evaluation.classes import ClassScore, Confusion, confuse, score_classes
from flows.evaluation.correction import MisclassificationCounts
from flows.evaluation.judged import JUDGEMENTS, Judged, Labeled
from flows.evaluation.scores import TASK_DEPTHS, Metric, Scores, judge_prediction, score
from flows.evaluation.shares import ShareEstimate, count_misclassification, estimate_shares
from flows.label_file import Label, Labels

FORMAT = "1"
CORRECTED = ("pattern", "mode", "soc_major")


@dataclass(frozen=True)
class Evaluation(Scores):
    """The quality of the judgements.

    Attributes:
        by_language: The scores by labeled language; empty where no label has one.
        confusion: Conversations by labeled and judged class, by judgement.
        classes: Precision, recall and F1 of each class, by judgement.
        calibration: Whether certainty is what accuracy turns out to be, by judgement.
        risk_coverage: Error by coverage when the least certain are withheld, by judgement.
        task_acceptable: Share with an acceptable task among the first k, by k.
        shares: As labeled, classified and corrected: by measure, base and class.
        automation_error: Distance of the automation share (base five) from that by the labels, in
            0 to 1: `classified` and `corrected`; null without labels of patterns.
        misclassification: What a release is corrected by: `pattern`, `mode` and `soc_major`.
        judges: Hashes of what judged, by name; a release has to be judged by the same.
        unmatched_labels: Labels of no conversation of the source.
        unlabeled_conversations: Conversations of the source without a label.
        malformed_labels: Rows of the file of labels that could not be used.
    """

    by_language: dict[str, Scores]
    confusion: dict[str, Confusion]
    classes: dict[str, dict[str, ClassScore]]
    calibration: dict[str, Calibration]
    risk_coverage: dict[str, RiskCoverage]
    task_acceptable: dict[str, Metric]
    shares: dict[str, dict[str, dict[str, ShareEstimate]]]
    automation_error: dict[str, float | None]
    misclassification: dict[str, MisclassificationCounts | None]
    judges: dict[str, str]
    unmatched_labels: int
    unlabeled_conversations: int
    malformed_labels: int
    account_unit: str
    format: str = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: `n`, `metrics` and the other attributes, by name; no ids, no text."""
        return asdict(self)


def evaluate_labels(
    conversations: Iterable[Judged],
    labels: Labels,
    *,
    task_dwas: Mapping[int, AbstractSet[str]],
    seed: int,
    resamples: int = 2_000,
    share_resamples: int = 500,
    judges: Mapping[str, str] | None = None,
) -> Evaluation:
    """Compares judged conversations with labels of the same conversations.

    Groups and tasks are judged over conversations labeled occupational; one of those that was
    taken for none counts as wrong, and so does every abstention; coverage is the share answered.
    Intervals draw accounts where they are known, since the conversations of one person resemble
    each other, and conversations otherwise; they have no width where all verdicts agree.

    Args:
        conversations: Each once, in any order.
        labels: As `read_labels` gives them.
        task_dwas: Ids of the DWAs of each task row; empty where the release has none, and then
            `task_dwa_acceptable_at_1` is null.
        seed: Of the bootstrap; no metric's interval depends on the other metrics.
        resamples: Of the metrics' bootstrap.
        share_resamples: Of the shares', each of which solves a dozen least-squares problems.
        judges: Hashes of what judged, by name.
    """
    label_of = {label.conversation_id: label for label in labels.rows}
    paired = [
        _pair(judged, label_of.pop(judged.row["conversation_id"], None)) for judged in conversations
    ]
    labeled = [
        Labeled(judged, label, judge_prediction(judged.row, label, task_dwas))
        for judged, label in paired
        if label is not None
    ]
    scores = score(labeled, seed, resamples)
    confusion = {name: confuse(labeled, name) for name in JUDGEMENTS}
    shares = estimate_shares(paired, seed=seed, resamples=share_resamples)
    return Evaluation(
        n=scores.n,
        metrics=scores.metrics,
        by_language=_by_language(labeled, seed, resamples),
        confusion=confusion,
        classes={name: score_classes(confusion[name]) for name in JUDGEMENTS},
        calibration={name: calibrate(labeled, name) for name in JUDGEMENTS},
        risk_coverage={name: weigh_risk(labeled, name) for name in JUDGEMENTS},
        task_acceptable={str(k): scores.metrics[f"task_acceptable_at_{k}"] for k in TASK_DEPTHS},
        shares=shares,
        automation_error=_automation_error(shares),
        misclassification={name: count_misclassification(paired, name) for name in CORRECTED},
        judges=dict(judges or {}),
        unmatched_labels=len(label_of),
        unlabeled_conversations=len(paired) - len(labeled),
        malformed_labels=labels.malformed_count,
        account_unit=_account_unit(paired),
    )


def _pair(judged: Judged, label: Label | None) -> tuple[Judged, Label | None]:
    """Of what has no label only the classes are needed, not the lists of tasks."""
    if label is not None:
        return judged, label
    return replace(judged, row={**judged.row, "tasks": []}), None


def render_table(evaluation: Evaluation) -> Table:
    """The metrics as a table for a terminal; everything else is in the JSON and on the page."""
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


def _by_language(labeled: Sequence[Labeled], seed: int, resamples: int) -> dict[str, Scores]:
    languages = sorted({row.label.language for row in labeled if row.label.language})
    return {
        language: score([r for r in labeled if r.label.language == language], seed, resamples)
        for language in languages
    }


def _automation_error(
    shares: Mapping[str, Mapping[str, Mapping[str, ShareEstimate]]],
) -> dict[str, float | None]:
    errors: dict[str, float | None] = {"classified": None, "corrected": None}
    if "automation" in shares:
        estimate = shares["automation"]["five"]["automation"]
        truth = estimate.labeled.value
        for name in errors:
            value = getattr(estimate, name).value
            if truth is not None and value is not None:
                errors[name] = abs(value - truth)
    return errors


def _account_unit(paired: Sequence[tuple[Judged, Label | None]]) -> str:
    known = [judged.account is not None for judged, label in paired if label is not None]
    return "account" if known and all(known) else "some unknown" if any(known) else "unknown"
