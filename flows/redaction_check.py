"""Redacts labeled texts as a run would, to compare what is masked with what is labeled."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import polars as pl

from flows.confine import confine
from flows.evaluation.labeled_text import (
    LabeledConversation,
    LabeledTexts,
    TypedSpan,
    read_labeled_texts,
)
from flows.evaluation.redaction import Masked, Miss, RedactionEvaluation, evaluate_redaction
from flows.loaded import load_analyzer
from flows.redact import redact_messages
from flows.redact.engine import ENTITY_TYPES
from flows.settings import Settings
from flows.tables import Messages


def check_redaction(
    paths: Sequence[Path], settings: Settings
) -> tuple[RedactionEvaluation, list[Miss]]:
    """The quality of redaction by the settings, and what it missed.

    Raises:
        SettingsError: A file cannot be read, or none of its rows is a usable labeled text.
    """
    with confine("evaluate"):
        return check_texts(read_labeled_texts(paths), settings)


def check_texts(texts: LabeledTexts, settings: Settings) -> tuple[RedactionEvaluation, list[Miss]]:
    """The same of texts that are read already."""
    masked = mask_conversations(texts.conversations, settings)
    return evaluate_redaction(texts, masked, known_types=frozenset(ENTITY_TYPES))


def mask_conversations(
    conversations: Sequence[LabeledConversation], settings: Settings
) -> list[Masked]:
    """What redaction does to each conversation, in order."""
    masked: list[Masked] = []
    remaining = iter(conversations)
    while part := list(islice(remaining, settings.ingest.partition_conversations)):
        masked += _mask(part, settings)
    return masked


def _mask(conversations: Sequence[LabeledConversation], settings: Settings) -> Iterator[Masked]:
    ids = [f"{number:032x}" for number in range(len(conversations))]
    rows = [
        (conversation_id, index, role, text)
        for conversation_id, conversation in zip(ids, conversations, strict=True)
        for index, (role, text) in enumerate(conversation.messages)
    ]
    messages = pl.DataFrame(rows, Messages.create_empty().schema, orient="row")
    redacted = redact_messages(
        Messages.validate(messages),
        analyzer=load_analyzer(settings.redact),
        settings=settings.redact,
    )
    rules = dict(redacted.rejects.select("row_hash", "rule").rows())
    spans: dict[str, list[TypedSpan]] = {}
    found = redacted.redactions.select(
        "conversation_id", "message_index", "start", "end", "entity_type"
    )
    for conversation_id, *span in found.iter_rows():
        spans.setdefault(conversation_id, []).append(TypedSpan(*span))
    for conversation_id in ids:
        yield Masked(tuple(spans.get(conversation_id, ())), rules.get(conversation_id))
