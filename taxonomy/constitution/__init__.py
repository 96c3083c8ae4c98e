"""The constitution: every label that a conversation can get, defined in plain language."""

from taxonomy.constitution.load import (
    JUDGEMENTS,
    NO_GROUP,
    Borderline,
    Judgement,
    Label,
    Rule,
    constitution_version,
    judgement,
    labels,
    rule_ids,
)

__all__ = [
    "JUDGEMENTS",
    "NO_GROUP",
    "Borderline",
    "Judgement",
    "Label",
    "Rule",
    "constitution_version",
    "judgement",
    "labels",
    "rule_ids",
]
