"""Judges what each conversation was for: occupational, use case, collaboration pattern, sensitive.

The judges are small linear classifiers, trained on conversations that were written from the
constitution (`taxonomy/constitution`) by `flows/train`; their probabilities are calibrated.
"""

from functools import cache
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.interaction import describe_turns
from flows.language import ENGLISH, UNNAMED, detect_language
from flows.tables import (
    NO_SUBJECT,
    Classifications,
    ConversationEmbeddings,
    Conversations,
    RedactedMessages,
)
from taxonomy.classifiers import Classifiers, decide, head_probabilities
from taxonomy.patterns import NOT_CLASSIFIED

TERM_COUNT = 4_096  # columns that words and pairs of words are hashed into
_OPENING_HEAD, _OPENING_TAIL = 200, 100  # characters: what is wanted stands first or last
_WORDS = r"(?u)\b\w+\b|[?!]"

Features = dict[str, Any]


def classify_conversations(
    conversations: dy.DataFrame[Conversations],
    messages: dy.DataFrame[RedactedMessages],
    embeddings: dy.DataFrame[ConversationEmbeddings],
    *,
    classifiers: Classifiers,
) -> dy.DataFrame[Classifications]:
    """Judges every embedded conversation; each judgement may abstain.

    The classifiers read English. A conversation in another language is not judged: `not_classified`
    and nulls. Where the log does not name the language it is detected.

    Cardinality: embeddings 1:1 conversations.
    """
    if embeddings.is_empty():
        return Classifications.create_empty()
    turns = describe_turns(messages)
    features = judgement_features(turns, embeddings)
    ids = turns.select("conversation_id")
    language = _languages(conversations, turns)
    is_read = pl.col("language").str.slice(0, 2).str.to_lowercase() == ENGLISH
    heads = classifiers.heads
    occupational = head_probabilities(heads["occupational"], features)
    is_occupational, _ = decide(heads["occupational"], occupational)
    use_case, use_case_probability = _decide_by(heads, "use_case", features)
    pattern, pattern_probability = _decide_patterns(heads, features)
    sensitive, sensitive_probability = _decide_by(
        heads, "sensitive_subject", features, against=NO_SUBJECT
    )
    judged = ids.with_columns(
        language,
        pl.Series("is_occupational", is_occupational, pl.String) == "true",
        pl.Series(
            "occupational_probability",
            occupational[:, heads["occupational"].labels.index("true")],
        ),
        pl.Series("use_case", use_case, pl.String),
        pl.Series("use_case_probability", use_case_probability),
        pl.Series("pattern", pattern, pl.String),
        pl.Series("pattern_probability", pattern_probability),
        pl.Series("sensitive_subject", sensitive, pl.String),
        pl.Series("sensitive_probability", sensitive_probability),
    )
    unread = ("is_occupational", "use_case", "pattern", "sensitive_subject")
    return (
        judged.with_columns(pl.when(is_read).then(pl.col(name)).alias(name) for name in unread)
        .with_columns(pl.col("pattern").fill_null(NOT_CLASSIFIED))
        .select(Classifications.column_names())
        .pipe(Classifications.validate, cast=True)
    )


def judgement_features(
    turns: pl.DataFrame, embeddings: dy.DataFrame[ConversationEmbeddings]
) -> Features:
    """The blocks of features that the heads read, a row per conversation in order of its id.

    `conversation`, `opening`, `follow_up`: unit vectors (`follow_up` is zero without follow-ups);
    `turns`: figures on the turns; `opening_terms`, `follow_up_terms`: hashed words (scipy sparse);
    `has_follow_ups`: booleans, shape (n,).
    """
    ordered = embeddings.sort("conversation_id")
    opening = stack_vectors(ordered["opening_embedding"])
    follow_up = np.zeros_like(opening)
    has_follow_ups = ordered["follow_up_embedding"].is_not_null().to_numpy()
    if has_follow_ups.any():
        follow_up[has_follow_ups] = stack_vectors(ordered["follow_up_embedding"].drop_nulls())
    ends = pl.concat_str(
        pl.col("opening").str.head(_OPENING_HEAD),
        pl.col("opening").str.slice(_OPENING_HEAD).str.tail(_OPENING_TAIL),
        separator=" ",
    )
    return {
        "conversation": stack_vectors(ordered["embedding"]),
        "opening": opening,
        "follow_up": follow_up,
        "turns": turns.select(pl.col(r"^turn_.*$")).to_numpy(),
        "opening_terms": _hash_terms(turns.select(ends).to_series().to_list()),
        "follow_up_terms": _hash_terms(turns["follow_ups"].to_list()),
        "has_follow_ups": has_follow_ups,
    }


def stack_vectors(vectors: pl.Series) -> NDArray[np.float32]:
    """A column of lists as a float32 matrix, shape (rows, dimensions); at least one row."""
    return np.array(vectors.to_list(), dtype=np.float32)


def _hash_terms(texts: list[str]) -> Any:
    return _vectorizer().transform(texts)


@cache
def _vectorizer() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(n_features=TERM_COUNT, ngram_range=(1, 2), token_pattern=_WORDS)


def _languages(conversations: dy.DataFrame[Conversations], turns: pl.DataFrame) -> pl.Series:
    named = pl.col("language")
    is_named = named.is_not_null() & ~named.str.to_lowercase().is_in(UNNAMED)
    text = pl.when(~is_named).then(pl.concat_str("opening", "follow_ups", separator="\n"))
    return (
        turns.lazy()
        .join(
            conversations.lazy().select("conversation_id", "language"),
            on="conversation_id",
            how="left",
            validate="1:1",
        )
        .with_columns(pl.when(is_named).then(named), detect=text)
        .with_columns(
            language=pl.coalesce(
                "language", pl.col("detect").map_elements(detect_language, return_dtype=pl.String)
            )
        )
        .sort("conversation_id")
        .collect()["language"]
    )


def _decide_patterns(
    heads: Any, features: Features
) -> tuple[list[str | None], NDArray[np.float64]]:
    """One head judges openings without follow-ups, another whole dialogues."""
    has_follow_ups = features["has_follow_ups"]
    patterns: NDArray[np.object_] = np.empty(len(has_follow_ups), dtype=object)
    probabilities = np.zeros(len(has_follow_ups))
    for name, rows in (("pattern_opening", ~has_follow_ups), ("pattern_dialogue", has_follow_ups)):
        if rows.any():
            part = {block: values[rows] for block, values in features.items()}
            patterns[rows], probabilities[rows] = _decide_by(heads, name, part)
    return patterns.tolist(), probabilities


def _decide_by(
    heads: Any, name: str, features: Features, *, against: str | None = None
) -> tuple[list[str | None], NDArray[np.float64]]:
    return decide(heads[name], head_probabilities(heads[name], features), against=against)
