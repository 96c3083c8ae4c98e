"""Embedding, clustering, classifying and matching, on small invented conversations."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from flows.classify import classify_conversations, embed_prototypes
from flows.cluster import cluster_conversations
from flows.embed import embed_conversations, load_encoder
from flows.match import TaskIndex, embed_statements, index_tasks, match_tasks, rank_tasks
from flows.settings import SettingsError, load_settings
from flows.tables import (
    Classifications,
    ConversationEmbeddings,
    Conversations,
    RedactedMessages,
)

SETTINGS = load_settings()


def key(number: int) -> str:
    return f"{number:032x}"


def messages(*conversations: Sequence[str]) -> Any:
    """User turns of each conversation; what starts with '>' is the assistant's."""
    rows = [
        {
            "conversation_id": key(number),
            "message_index": index,
            "role": "assistant" if text.startswith(">") else "user",
            "text": text.removeprefix(">"),
        }
        for number, turns in enumerate(conversations)
        for index, text in enumerate(turns)
    ]
    return RedactedMessages.validate(pl.DataFrame(rows), cast=True)


def conversations(count: int) -> Any:
    frame = pl.DataFrame({"conversation_id": [key(number) for number in range(count)]})
    return Conversations.validate(
        frame.with_columns(
            pl.lit(None, pl.String).alias("account_id"),
            pl.lit(None, pl.Datetime("us", "UTC")).alias("started_at"),
            pl.lit("generic").alias("source"),
            pl.lit("en").alias("language"),
            pl.lit(None, pl.String).alias("country"),
            pl.lit(None, pl.String).alias("model"),
            pl.lit(1, pl.Int64).alias("message_count"),
        )
    )


def embeddings(vectors: NDArray[np.float32]) -> Any:
    return ConversationEmbeddings.validate(
        pl.DataFrame(
            {
                "conversation_id": [key(number) for number in range(len(vectors))],
                "embedding": vectors.tolist(),
            },
            schema={"conversation_id": pl.String, "embedding": pl.List(pl.Float32)},
        )
    )


def unit(*rows: Sequence[float]) -> NDArray[np.float32]:
    matrix = np.array(rows, dtype=np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


# --- embed ----------------------------------------------------------------------------------


def test_only_the_start_of_each_user_turn_is_embedded() -> None:
    seen: list[str] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        seen.extend(texts)
        return np.ones((len(texts), 3), dtype=np.float32)

    settings = SETTINGS.embed.model_copy(update={"max_turn_characters": 20})
    embedded = embed_conversations(
        messages(["a" * 30, ">not this", "second"], ["other"]), encode=encode, settings=settings
    )
    assert seen == ["a" * 20 + "\nsecond", "other"]
    assert embedded["conversation_id"].to_list() == [key(0), key(1)]


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"model": "nowhere"}, "no model.safetensors"),
        ({"model_sha256": "0" * 64}, "not those of embed.model_sha256"),
    ],
)
def test_an_encoder_that_is_missing_or_not_the_named_one_stops_the_run(
    update: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        load_encoder(SETTINGS.embed.model_copy(update=update))


def test_the_packaged_encoder_gives_unit_vectors_that_know_meaning() -> None:
    encode = load_encoder(SETTINGS.embed).encode
    cat, kitten, tax = encode(["a cat", "a small kitten", "income tax return"])
    assert np.allclose(np.linalg.norm(cat), 1.0, atol=1e-5)
    assert cat @ kitten > cat @ tax
    assert encode([]).shape == (0, 384)


# --- cluster --------------------------------------------------------------------------------


def blobs(count: int, seed: int = 3) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    centers = np.repeat(np.eye(3, 16), count, axis=0)
    return unit(*(centers + random.normal(scale=0.05, size=centers.shape)))


@pytest.mark.slow
def test_three_groups_are_three_clusters_in_whatever_order_they_come() -> None:
    frame = embeddings(blobs(40))
    clustered = cluster_conversations(frame, settings=SETTINGS.cluster)
    labels = clustered.assignments.sort("conversation_id")["cluster_id"].to_list()
    groups = [set(labels[start : start + 40]) - {None} for start in (0, 40, 80)]
    assert [len(group) for group in groups] == [1, 1, 1]
    assert len(set.union(*groups)) == 3
    shuffled = ConversationEmbeddings.validate(frame.sample(fraction=1.0, shuffle=True, seed=5))
    again = cluster_conversations(shuffled, settings=SETTINGS.cluster)
    assert again.assignments.equals(clustered.assignments)
    assert clustered.clusters["conversation_count"].sum() == sum(
        label is not None for label in labels
    )


@pytest.mark.parametrize("count", [0, 1, 29])
def test_too_few_conversations_are_all_noise(count: int) -> None:
    clustered = cluster_conversations(
        embeddings(blobs(10)[:count] if count else np.zeros((0, 16), dtype=np.float32)),
        settings=SETTINGS.cluster,
    )
    assert clustered.assignments["cluster_id"].null_count() == count
    assert clustered.clusters.height == 0


# --- classify -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prototypes() -> Any:
    return embed_prototypes(load_encoder(SETTINGS.embed).encode)


@pytest.mark.parametrize(
    ("turns", "is_occupational", "pattern"),
    [
        (["Write a press release about our new electric van"], True, "directive"),
        (
            ["Write a script that renames files", ">Here.", "I get error: no such file", ">Try.",
             "still the same error"],
            True,
            "feedback_loop",
        ),
        (
            ["Draft a letter to our tenants", ">Here.", "make it shorter", ">Here.",
             "add the date, and change the tone to friendly"],
            True,
            "task_iteration",
        ),
        (["How does depreciation work and why is it not a cash cost?"], True, "learning"),
        (["Please proofread my cover letter, is this correct? Dear team, I are keen"], True,
         "validation"),
        (["hi"], False, "none"),
    ],
)  # fmt: skip
def test_plain_cases_are_judged_as_anyone_would(
    turns: list[str], is_occupational: bool, pattern: str, prototypes: Any
) -> None:
    texts = messages(turns)
    embedded = embed_conversations(
        texts, encode=load_encoder(SETTINGS.embed).encode, settings=SETTINGS.embed
    )
    row = classify_conversations(
        conversations(1), texts, embedded, prototypes=prototypes, settings=SETTINGS.classify
    ).row(0, named=True)
    assert (row["is_occupational"], row["pattern"]) == (is_occupational, pattern)


def test_a_pattern_under_the_threshold_is_not_classified(prototypes: Any) -> None:
    texts = messages(["Write a press release about our new electric van"])
    embedded = embed_conversations(
        texts, encode=load_encoder(SETTINGS.embed).encode, settings=SETTINGS.embed
    )
    strict = SETTINGS.classify.model_copy(update={"abstain_below": 1.0})
    row = classify_conversations(
        conversations(1), texts, embedded, prototypes=prototypes, settings=strict
    ).row(0, named=True)
    assert row["pattern"] == "not_classified"


# --- match ----------------------------------------------------------------------------------

TASK_OCCUPATIONS = pl.DataFrame(
    {
        "task_id": [1, 2, 3, 4, 4],
        "onet_soc_code": ["15-1252.00", "15-1252.00", "25-2021.00", "13-2011.00", "43-3031.00"],
        "weight": [1.0, 1.0, 1.0, 0.5, 0.5],
    }
)


def index(vectors: NDArray[np.float32]) -> TaskIndex:
    statements = pl.DataFrame({"task_id": [1, 2, 3, 4], "statement": list("abcd")})
    return index_tasks(embed_statements(statements, lambda _: vectors), TASK_OCCUPATIONS)


def judged(count: int, is_occupational: bool | None = True) -> Any:
    frame = pl.DataFrame({"conversation_id": [key(number) for number in range(count)]})
    return Classifications.validate(
        frame.with_columns(
            language=pl.lit("en"),
            is_occupational=pl.lit(is_occupational, pl.Boolean),
            occupational_probability=pl.lit(0.9),
            use_case=pl.lit("work"),
            use_case_probability=pl.lit(0.9),
            pattern=pl.lit("directive"),
            pattern_probability=pl.lit(0.9),
        ),
        cast=True,
    )


def test_two_near_tasks_of_a_group_outvote_a_slightly_nearer_one() -> None:
    tasks = unit([1, 0.30, 0], [1, -0.30, 0], [1, 0, 0.29], [0, 0, 1])
    ranked = rank_tasks(embeddings(unit([1, 0, 0.02])), index(tasks), settings=SETTINGS.match)
    assert ranked["soc_major"].unique().to_list() == ["15-0000"]
    assert ranked["task_id"].to_list()[0] in (1, 2)
    assert ranked["rank"].to_list() == [1, 2, 3, 4]


def test_ranking_agrees_with_the_formula_computed_one_by_one() -> None:
    random = np.random.default_rng(11)
    tasks, asked = unit(*random.normal(size=(4, 8))), unit(*random.normal(size=(5, 8)))
    built = index(tasks)
    ranked = rank_tasks(embeddings(asked), built, settings=SETTINGS.match)
    temperature = SETTINGS.match.vote_temperature
    for number, vector in enumerate(asked):
        score = {task: float(vector @ tasks[task - 1]) for task in (1, 2, 3, 4)}
        group = {1: "15", 2: "15", 3: "25", 4: "13"}
        ballot: dict[str, float] = {}
        for task, value in score.items():
            ballot[group[task]] = ballot.get(group[task], 0.0) + np.exp(value / temperature)
        whole = sum(ballot.values())
        expected = sorted(
            score, key=lambda t: -(score[t] + temperature * np.log(ballot[group[t]] / whole))
        )
        rows = ranked.filter(conversation_id=key(number)).sort("rank")
        assert rows["task_id"].to_list() == expected
        assert rows["soc_major"][0] == max(ballot, key=lambda g: ballot[g]) + "-0000"


@pytest.mark.parametrize(
    ("vector", "is_occupational", "outcome", "weights"),
    [
        ([0.0, 0.0, 1.0], True, "matched", [0.5, 0.5]),
        ([0.0, 1.0, 0.0], True, "not_classified", [1.0]),
        ([0.0, 0.0, 1.0], False, "none", [1.0]),
        ([0.0, 0.0, 1.0], None, "not_classified", [1.0]),
    ],
)
def test_a_conversation_is_matched_none_or_not_classified(
    vector: list[float], is_occupational: bool | None, outcome: str, weights: list[float]
) -> None:
    tasks = unit([1, 0, 0], [1, 0, 0.01], [1, 0, -0.01], [0, 0, 1])
    built = index(tasks)
    ranked = rank_tasks(embeddings(unit(vector)), built, settings=SETTINGS.match)
    matches = match_tasks(judged(1, is_occupational), ranked, built, settings=SETTINGS.match)
    assert matches["outcome"].cast(pl.String).unique().to_list() == [outcome]
    assert matches["weight"].to_list() == weights


@pytest.mark.parametrize(("least", "outcome"), [(0.6, "matched"), (0.6001, "not_classified")])
def test_the_least_score_is_enough(least: float, outcome: str) -> None:
    tasks = unit([0.6, 0.8, 0], [0, 0, 1], [0, 0, -1], [0, 0, 1])
    settings = SETTINGS.match.model_copy(update={"min_score": least - 1e-6})
    built = index(tasks)
    ranked = rank_tasks(embeddings(unit([1, 0, 0])), built, settings=settings)
    matches = match_tasks(judged(1), ranked, built, settings=settings)
    assert matches["outcome"].cast(pl.String).to_list() == [outcome]
