"""Decides which classes are taken for which: confusion, precision, recall and F1 of each class."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flows.evaluation.judged import Labeled, judged_class, labeled_class
from taxonomy.patterns import NOT_CLASSIFIED

Confusion = dict[str, dict[str, int]]


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found; a ratio is null where its denominator is 0.

    Attributes:
        precision: Of the conversations judged to be of the class, the share labeled so.
        recall: Of the conversations labeled so, the share judged so; abstentions are missed.
        f1: Harmonic mean of both.
        count: Conversations labeled so.
        judged_count: Conversations judged so.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    count: int
    judged_count: int


def confuse(labeled: Sequence[Labeled], judgement: str) -> Confusion:
    """Conversations by labeled and judged class; `not_classified` are abstentions."""
    pairs = Counter(
        (truth, judged_class(row.judged.row, judgement))
        for row in labeled
        if (truth := labeled_class(row.label, judgement)) is not None
    )
    confusion: Confusion = {}
    for (truth, answer), count in sorted(pairs.items()):
        confusion.setdefault(truth, {})[answer] = count
    return confusion


def score_classes(confusion: Confusion) -> dict[str, ClassScore]:
    """Precision, recall and F1 of every class that is labeled or judged."""
    judged = Counter[str]()
    for answers in confusion.values():
        judged.update(answers)
    names = sorted({*confusion, *judged} - {NOT_CLASSIFIED})
    return {name: _score(confusion.get(name, {}), name, judged[name]) for name in names}


def _score(answers: dict[str, int], name: str, judged_count: int) -> ClassScore:
    count, hits = sum(answers.values()), answers.get(name, 0)
    return ClassScore(
        precision=hits / judged_count if judged_count else None,
        recall=hits / count if count else None,
        f1=2 * hits / (count + judged_count) if count + judged_count else None,
        count=count,
        judged_count=judged_count,
    )
