"""Judges what each conversation was for: occupational, use case and collaboration pattern.

Plain on purpose: similarity to the prototypes that define each label, plus cue words in the user's
turns for the pattern. Probabilities are a softmax of these scores and are not calibrated.
"""

from collections.abc import Mapping

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.encoding import Encode
from flows.settings import ClassifySettings
from flows.tables import (
    Classifications,
    ConversationEmbeddings,
    Conversations,
    RedactedMessages,
)
from taxonomy import cues
from taxonomy.labels import labels
from taxonomy.patterns import FIVE_PATTERNS, NO_PATTERN, NOT_CLASSIFIED

Vectors = NDArray[np.float32]
Prototypes = Mapping[str, Mapping[str, Vectors]]

_NEAREST = 2  # prototypes averaged: one alone is a matter of luck
_SHARPNESS = 0.05
_CUE_WEIGHT = 0.25
_JUDGEMENTS = ("occupational", "use_case", "pattern")


def embed_prototypes(encode: Encode) -> Prototypes:
    """Unit vectors of every label's prototypes, by judgement and label."""
    return {
        judgement: {label.name: encode(label.prototypes) for label in labels(judgement)}
        for judgement in _JUDGEMENTS
    }


def classify_conversations(
    conversations: dy.DataFrame[Conversations],
    messages: dy.DataFrame[RedactedMessages],
    embeddings: dy.DataFrame[ConversationEmbeddings],
    *,
    prototypes: Prototypes,
    settings: ClassifySettings,
) -> dy.DataFrame[Classifications]:
    """Judges every embedded conversation; a pattern under `abstain_below` is `not_classified`.

    Cardinality: embeddings 1:1 conversations.
    """
    ordered = embeddings.lazy().sort("conversation_id").collect()
    ids = ordered.select("conversation_id")
    vectors = np.array(ordered["embedding"].to_list(), dtype=np.float32).reshape(ids.height, -1)
    occupational = _similarities(vectors, prototypes["occupational"])
    margin = occupational["true"] - occupational["false"] - settings.occupational_margin
    is_occupational = 1 / (1 + np.exp(-margin / _SHARPNESS))
    use_case, use_case_probability = _most_probable(_similarities(vectors, prototypes["use_case"]))
    cue_scores = _cue_scores(messages, ids)
    pattern_scores = _similarities(vectors, prototypes["pattern"])
    pattern, pattern_probability = _most_probable(
        {name: score + _CUE_WEIGHT * cue_scores[name] for name, score in pattern_scores.items()}
    )
    return (
        ids.with_columns(
            pl.Series("is_occupational", is_occupational >= 0.5),
            pl.Series("occupational_probability", is_occupational.astype(np.float64)),
            pl.Series("use_case", use_case),
            pl.Series("use_case_probability", use_case_probability),
            pl.Series("pattern", pattern),
            pl.Series("pattern_probability", pattern_probability),
        )
        .join(
            conversations.select("conversation_id", "language"),
            on="conversation_id",
            how="left",
            validate="1:1",
        )
        .with_columns(
            pl.col("language").fill_null("und"),
            pattern=pl.when(pl.col("pattern_probability") >= settings.abstain_below)
            .then("pattern")
            .otherwise(pl.lit(NOT_CLASSIFIED)),
        )
        .select(Classifications.column_names())
        .pipe(Classifications.validate, cast=True)
    )


def _similarities(vectors: Vectors, by_label: Mapping[str, Vectors]) -> dict[str, Vectors]:
    """Mean cosine similarity to each label's nearest prototypes, shape (n,) by label."""
    return {
        name: np.sort(vectors @ prototypes.T, axis=1)[:, -_NEAREST:].mean(axis=1)
        for name, prototypes in by_label.items()
    }


def _most_probable(scores: Mapping[str, Vectors]) -> tuple[list[str], NDArray[np.float64]]:
    names = list(scores)
    matrix = np.stack([scores[name] for name in names], axis=1).astype(np.float64) / _SHARPNESS
    matrix -= matrix.max(axis=1, keepdims=True, initial=-np.inf)
    probabilities = np.exp(matrix) / np.exp(matrix).sum(axis=1, keepdims=True)
    best = probabilities.argmax(axis=1)
    return [names[index] for index in best], probabilities[np.arange(len(best)), best]


def _cue_scores(messages: dy.DataFrame[RedactedMessages], ids: pl.DataFrame) -> dict[str, Vectors]:
    """Cues of the opening count 1; those of follow-ups count by their share of the follow-ups."""
    user = (
        messages.lazy()
        .filter(pl.col("role").cast(pl.String) == "user")
        .sort("conversation_id", "message_index")
        .group_by("conversation_id", maintain_order=True)
        .agg(
            opening=pl.col("text").first().str.slice(0, 2_000),
            follow_ups=pl.col("text").slice(1).str.slice(0, 1_000),
        )
    )
    says = pl.col("opening").str.contains
    share = _share_of_follow_ups
    has_follow_ups = pl.col("follow_ups").list.len() > 0
    checks, asks = says(cues.VALIDATION_OPENING), says(cues.LEARNING_OPENING)
    scores = ids.lazy().join(
        user.select(
            "conversation_id",
            directive=(~checks & ~asks).cast(pl.Float64) - has_follow_ups,
            feedback_loop=2.0 * share(cues.FEEDBACK_TURN) - 0.5,
            task_iteration=1.5 * share(cues.ITERATION_TURN) - 0.5,
            learning=(asks & ~checks).cast(pl.Float64) + share(cues.LEARNING_TURN) - 0.5,
            validation=1.5 * checks.cast(pl.Float64) + share(cues.VALIDATION_TURN) - 0.75,
            none=says(cues.GREETING).cast(pl.Float64) - 0.5,
        ),
        on="conversation_id",
        how="left",
        validate="1:1",
    )
    frame = scores.with_columns(pl.exclude("conversation_id").fill_null(0.0)).collect()
    return {
        name: frame[name].to_numpy().astype(np.float32) for name in (*FIVE_PATTERNS, NO_PATTERN)
    }


def _share_of_follow_ups(cue: str) -> pl.Expr:
    found = pl.col("follow_ups").list.eval(pl.element().str.contains(cue))
    return found.list.mean().fill_null(0.0)
