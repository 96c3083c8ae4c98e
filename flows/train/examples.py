"""Decides what the heads learn from: the written conversations, as a run would see them."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.classify import Features, judgement_features
from flows.embed import embed_conversations
from flows.encoding import Encode
from flows.interaction import describe_turns
from flows.settings import EmbedSettings
from flows.tables import RedactedMessages
from taxonomy.training import Written

_HELD_OUT = 10  # one request in ten is kept from the encoder, to weigh and calibrate the search


@dataclass(frozen=True)
class Examples:
    """Written conversations and their features, row by row.

    Attributes:
        written: The conversations.
        features: As `judgement_features` gives them.
        groups: Examples of one task, or without one of the same opening, belong to one fold.
    """

    written: Sequence[Written]
    features: Features
    groups: NDArray[np.int64]

    def where(self, keep: NDArray[np.bool_]) -> "Examples":
        """Some of the rows."""
        chosen = [written for written, kept in zip(self.written, keep, strict=True) if kept]
        features = {name: block[keep] for name, block in self.features.items()}
        return Examples(chosen, features, self.groups[keep])


def build_examples(
    written: Sequence[Written], *, encode: Encode, settings: EmbedSettings
) -> Examples:
    """Embeds and describes the conversations with the code that a run uses."""
    messages = RedactedMessages.validate(
        pl.DataFrame(
            [
                (_id(place), index, ("user", "assistant")[index % 2], text)
                for place, conversation in enumerate(written)
                for index, text in enumerate(conversation.turns)
            ],
            schema=["conversation_id", "message_index", "role", "text"],
            orient="row",
        ),
        cast=True,
    )
    embeddings = embed_conversations(messages, encode=encode, settings=settings)
    features = judgement_features(describe_turns(messages), embeddings)
    names = [str(conversation.task_id or conversation.turns[0]) for conversation in written]
    _, groups = np.unique(names, return_inverse=True)
    return Examples(written, features, groups)


def is_held_out(written: Written) -> bool:
    """Whether the encoder must not see it; the same choice in every build."""
    return zlib.crc32(written.turns[0].encode()) % _HELD_OUT == 0


def _id(place: int) -> str:
    return f"{place:032x}"
