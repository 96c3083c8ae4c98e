"""What an evaluation takes in: a judged conversation, and the label that belongs to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flows.label_file import NO_GROUP, Label
from taxonomy.patterns import MODE_OF_PATTERN, NOT_CLASSIFIED

Prediction = Mapping[str, Any]
JUDGEMENTS = ("occupational", "use_case", "pattern", "soc_major")


@dataclass(frozen=True)
class Judged:
    """A judged conversation.

    Attributes:
        row: As `flows.label.to_label_rows` gives it.
        certainty: The probability of the answer, by judgement; what is missing is unknown.
        account: Whose it is, as a keyed hash; None where that is unknown.
    """

    row: Prediction
    certainty: Mapping[str, float] = field(default_factory=dict)
    account: str | None = None

    @property
    def unit(self) -> str:
        """What a bootstrap draws: people, as their conversations resemble each other."""
        if self.account is None:
            return f"conversation {self.row['conversation_id']}"
        return f"account {self.account}"


class Labeled(NamedTuple):
    """A judged conversation, its label, and a verdict by metric."""

    judged: Judged
    label: Label
    verdicts: dict[str, bool]


def labeled_class(label: Label, judgement: str) -> str | None:
    """What the label says; None where it says nothing, or where it is not asked.

    A SOC major group is asked of conversations labeled occupational.
    """
    if judgement == "soc_major" and not label.is_occupational:
        return None
    value = getattr(label, judgement)
    return None if value is None else _name(value)


def judged_class(row: Prediction, judgement: str) -> str:
    """What was judged; `not_classified` is an abstention."""
    if judgement == "mode":
        pattern = judged_class(row, "pattern")
        return MODE_OF_PATTERN.get(pattern, pattern)
    value = row[judgement]
    return NOT_CLASSIFIED if value is None else _name(value)


def counted_class(label: Label, judgement: str) -> str | None:
    """As `labeled_class`, with `none` for the group of what is no occupation's; also of `mode`."""
    if judgement == "mode":
        pattern = labeled_class(label, "pattern")
        return None if pattern is None else MODE_OF_PATTERN.get(pattern, pattern)
    if judgement == "soc_major" and not label.is_occupational:
        return NO_GROUP
    return labeled_class(label, judgement)


def _name(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
