"""Embedding, clustering, classifying and matching, on small invented conversations."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from flows.classify import classify_conversations
from flows.cluster import cluster_conversations
from flows.embed import embed_conversations, load_encoder
from flows.loaded import load_heads
from flows.match import combine_with_clusters, match_tasks, rank_tasks
from flows.settings import SettingsError, load_settings
from flows.tables import (
    Classifications,
    ClusterAssignments,
    ConversationEmbeddings,
    Conversations,
    RankedTasks,
    RedactedMessages,
)
from onet.search import FEATURES, TaskIndex, index_tasks
from taxonomy.classifiers import Classifiers, Head

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
    schema = RedactedMessages.create_empty().schema
    return RedactedMessages.validate(pl.DataFrame(rows, schema=schema), cast=True)


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
                "opening_embedding": vectors.tolist(),
                "follow_up_embedding": [None] * len(vectors),
            },
            schema=ConversationEmbeddings.create_empty().schema,
        )
    )


def unit(*rows: Sequence[float]) -> NDArray[np.float32]:
    matrix = np.array(rows, dtype=np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


# --- embed ----------------------------------------------------------------------------------


def test_opening_and_first_and_last_follow_ups_are_embedded_cut_short() -> None:
    seen: list[str] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        seen.extend(texts)
        return unit(*([len(text) > 8, 1] for text in texts))

    cuts = {"max_opening_characters": 6, "max_turn_characters": 4, "max_follow_ups": 2}
    settings = SETTINGS.embed.model_copy(update=cuts)
    embedded = embed_conversations(
        messages(["opening", ">not this", "second", "third", ">nor this", "fourth"], ["other"]),
        encode=encode,
        settings=settings,
    )
    assert seen == ["openin", "other", "seco\nfour"]
    assert embedded["conversation_id"].to_list() == [key(0), key(1)]
    assert embedded["opening_embedding"].to_list() == [[0, 1], [0, 1]]
    half = 2**-0.5
    assert embedded["follow_up_embedding"].to_list()[0] == pytest.approx([half, half])
    assert embedded["follow_up_embedding"].to_list()[1] is None
    weighed = np.array([0.7 * half, 1 + 0.7 * half])
    mean = weighed / np.linalg.norm(weighed)
    assert embedded["embedding"].to_list()[0] == pytest.approx(mean)
    assert embedded["embedding"].to_list()[1] == [0, 1]


def test_adapted_layers_change_the_encoder_and_its_hash() -> None:
    plain = load_encoder(SETTINGS.embed.model_copy(update={"adapted": False}))
    adapted = load_encoder(SETTINGS.embed)
    assert plain.sha256 == SETTINGS.embed.model_sha256 != adapted.sha256
    texts = ["why does my query return duplicate rows"]
    assert float((plain.encode(texts) @ adapted.encode(texts).T).item()) < 0.99


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
def classifiers() -> Classifiers:
    return load_heads(SETTINGS.embed)


def judge(turns: Sequence[str], classifiers: Classifiers, language: str | None = "en") -> Any:
    texts = messages(turns)
    embedded = embed_conversations(
        texts, encode=load_encoder(SETTINGS.embed).encode, settings=SETTINGS.embed
    )
    of_log = conversations(1).with_columns(language=pl.lit(language, pl.String))
    return classify_conversations(of_log, texts, embedded, classifiers=classifiers).row(
        0, named=True
    )


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
    turns: list[str], is_occupational: bool, pattern: str, classifiers: Classifiers
) -> None:
    row = judge(turns, classifiers)
    assert (row["is_occupational"], row["pattern"]) == (is_occupational, pattern)


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        (None, "Schreib eine Pressemitteilung über unseren neuen Elektrobus", "de"),
        ("und", "escribe una carta a nuestros inquilinos sobre la calefacción", "es"),
        ("French", "bonjour", "French"),
        ("Unknown", "escribe una carta a nuestros inquilinos sobre la calefacción", "es"),
    ],
)
def test_what_the_encoder_cannot_read_is_not_judged(
    language: str | None, text: str, found: str, classifiers: Classifiers
) -> None:
    row = judge([text], classifiers, language)
    assert row["language"] == found
    assert row["pattern"] == "not_classified"
    unread = ("is_occupational", "use_case", "sensitive_subject")
    assert [row[name] for name in unread] == [None, None, None]


def test_a_label_under_its_threshold_is_an_abstention(classifiers: Classifiers) -> None:
    strict = Classifiers(
        {
            name: replace(head, abstain_below=(1.1,) * len(head.labels))
            for name, head in classifiers.heads.items()
        },
        classifiers.ranker,
        classifiers.encoder_sha256,
        classifiers.constitution_version,
        classifiers.sha256,
    )
    row = judge(["Write a press release about our new electric van"], strict)
    assert row["pattern"] == "not_classified"
    assert row["is_occupational"] is None
    assert row["sensitive_subject"] == "none"  # all subjects together are not probable enough


# --- match ----------------------------------------------------------------------------------

TASK_OCCUPATIONS = pl.DataFrame(
    {
        "task_id": [1, 2, 3, 4, 4],
        "onet_soc_code": ["15-1252.00", "15-1252.00", "25-2021.00", "13-2011.00", "43-3031.00"],
        "weight": [1.0, 1.0, 1.0, 0.5, 0.5],
    }
)
MINOR = ("13-2000", "15-1200", "25-2000")


def array(vectors: NDArray[np.float32]) -> pl.Series:
    return pl.Series("embedding", vectors, dtype=pl.Array(pl.Float32, vectors.shape[1]))


def index(vectors: NDArray[np.float32]) -> TaskIndex:
    statements = pl.DataFrame({"task_id": [1, 2, 3, 4]}).with_columns(array(vectors))
    nothing = pl.DataFrame(schema={"task_id": pl.Int64, "embedding": statements["embedding"].dtype})
    dwas = pl.DataFrame(schema={"task_id": pl.Int64, "dwa_id": pl.String})
    return index_tasks(statements, nothing, TASK_OCCUPATIONS, dwas)


def searchers(dimensions: int, **weights: float) -> Classifiers:
    """A group head without an opinion, and a ranker of the weights given."""
    head = Head(
        MINOR,
        (("conversation", dimensions),),
        np.zeros((3, dimensions), dtype=np.float32),
        np.zeros(3, dtype=np.float32),
        1.0,
        (0.0,) * 3,
    )
    ranker = dict.fromkeys(FEATURES, 0.0) | {"statement": 10.0} | weights
    return Classifiers({"minor_group": head}, ranker, "e" * 64, "v", "s" * 64)


def rank(vectors: NDArray[np.float32], built: TaskIndex) -> Any:
    return rank_tasks(
        embeddings(vectors),
        built,
        classifiers=searchers(vectors.shape[1]),
        settings=SETTINGS.match,
    )


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
            sensitive_subject=pl.lit("none"),
            sensitive_probability=pl.lit(0.1),
        ),
        cast=True,
    )


def test_two_near_tasks_of_a_group_outvote_a_slightly_nearer_one() -> None:
    tasks = unit([1, 0.30, 0], [1, -0.30, 0], [1, 0, 0.29], [0, 0, 1])
    ranked = rank(unit([1, 0, 0.02]), index(tasks))
    assert ranked["soc_major"].unique().to_list() == ["15-0000"]
    assert ranked["task_id"].to_list()[0] in (1, 2)
    assert ranked["task_id"].to_list()[1] == 3
    assert ranked["rank"].to_list() == [1, 2, 3, 4]


def test_ranking_agrees_with_the_formula_computed_one_by_one() -> None:
    random = np.random.default_rng(11)
    tasks, asked = unit(*random.normal(size=(4, 8))), unit(*random.normal(size=(5, 8)))
    ranked = rank(asked, index(tasks))
    group = {1: "15", 2: "15", 3: "25", 4: "13"}
    for number, vector in enumerate(asked):
        odds = {task: np.exp(10.0 * float(vector @ tasks[task - 1])) for task in group}
        share = {task: value / sum(odds.values()) for task, value in odds.items()}
        mass = {name: sum(share[t] for t in group if group[t] == name) for name in group.values()}
        best = max(mass, key=lambda name: mass[name])
        first = max((t for t in group if group[t] == best), key=lambda t: share[t])
        expected = [first, *sorted(set(group) - {first}, key=lambda t: -share[t])]
        rows = ranked.filter(conversation_id=key(number)).sort("rank")
        assert rows["task_id"].to_list() == expected
        assert rows["score"].to_list() == pytest.approx([share[t] for t in expected], rel=1e-4)
        assert rows["soc_major"][0] == best + "-0000"
        assert rows["soc_major_probability"][0] == pytest.approx(mass[best], rel=1e-4)


@pytest.mark.parametrize(
    ("vector", "is_occupational", "outcome", "weights"),
    [
        ([0.0, 0.0, 1.0], True, "matched", [0.5, 0.5]),
        ([0.0, 0.0, 1.0], False, "none", [1.0]),
        ([0.0, 0.0, 1.0], None, "not_classified", [1.0]),
    ],
)
def test_a_conversation_is_matched_none_or_not_classified(
    vector: list[float], is_occupational: bool | None, outcome: str, weights: list[float]
) -> None:
    tasks = unit([1, 0, 0], [1, 0, 0.01], [1, 0, -0.01], [0, 0, 1])
    ranked = rank(unit(vector), index(tasks))
    matches = match_tasks(
        judged(1, is_occupational), ranked, TASK_OCCUPATIONS, settings=SETTINGS.match
    )
    assert matches["outcome"].cast(pl.String).unique().to_list() == [outcome]
    assert matches["weight"].to_list() == weights


def ranked_rows(*rows: tuple[int, int, int, float, str, float]) -> Any:
    """Rows of conversation, rank, task, score, group and its probability."""
    schema = RankedTasks.create_empty().schema
    return RankedTasks.validate(
        pl.DataFrame([(key(row[0]), *row[1:]) for row in rows], schema=schema, orient="row")
    )


@pytest.mark.parametrize(("least", "outcome"), [(0.6, "matched"), (0.6001, "not_classified")])
def test_a_group_as_probable_as_the_least_is_enough(least: float, outcome: str) -> None:
    settings = SETTINGS.match.model_copy(update={"min_probability": least})
    ranked = ranked_rows((0, 1, 1, 0.4, "15-0000", 0.6))
    matches = match_tasks(judged(1), ranked, TASK_OCCUPATIONS, settings=settings)
    assert matches["outcome"].cast(pl.String).to_list() == [outcome]


def assigned(*rows: tuple[int, int | None, float]) -> Any:
    schema = ClusterAssignments.create_empty().schema
    return ClusterAssignments.validate(
        pl.DataFrame([(key(row[0]), *row[1:]) for row in rows], schema=schema, orient="row")
    )


# two members say task 1, one says task 3; the fourth conversation is noise
TOGETHER = ranked_rows(
    (0, 1, 1, 0.8, "15-0000", 0.8), (0, 2, 3, 0.2, "15-0000", 0.8),
    (1, 1, 1, 0.6, "15-0000", 0.6), (1, 2, 3, 0.4, "15-0000", 0.6),
    (2, 1, 3, 0.7, "25-0000", 0.7), (2, 2, 1, 0.3, "25-0000", 0.7),
    (3, 1, 3, 0.9, "25-0000", 0.9),
)  # fmt: skip
MEMBERS = assigned((0, 0, 1.0), (1, 0, 1.0), (2, 0, 1.0), (3, None, 0.0))


@pytest.mark.parametrize(
    ("mode", "weight", "first_tasks", "score_of_third"),
    [
        ("conversation", 0.3, [1, 1, 3, 3], 0.7),
        ("cluster", 0.3, [1, 1, 1, 3], (0.8 + 0.6 + 0.3) / 3),
        ("combined", 0.3, [1, 1, 3, 3], 0.7 * 0.7 + 0.3 * (0.2 + 0.4 + 0.7) / 3),
        ("combined", 0.9, [1, 1, 1, 3], 0.1 * 0.3 + 0.9 * (0.8 + 0.6 + 0.3) / 3),
    ],
)
def test_a_cluster_speaks_for_its_members_as_much_as_the_mode_says(
    mode: str, weight: float, first_tasks: list[int], score_of_third: float
) -> None:
    settings = SETTINGS.match.model_copy(update={"mode": mode, "cluster_weight": weight})
    built = index(unit([1, 0, 0], [1, 0, 0.01], [0, 1, 0], [0, 0, 1]))
    combined = combine_with_clusters(TOGETHER, MEMBERS, built, settings=settings)
    first = combined.filter(pl.col("rank") == 1).sort("conversation_id")
    assert first["task_id"].to_list() == first_tasks
    assert first["score"][2] == pytest.approx(score_of_third)
    matches = match_tasks(judged(4), combined, TASK_OCCUPATIONS, settings=settings)
    assert (
        matches.group_by("conversation_id").agg(pl.col("weight").sum())["weight"].to_list()
        == [1.0] * 4
    )


def test_what_a_list_leaves_out_of_the_best_group_stays_with_the_group() -> None:
    cut = ranked_rows(*((k, 1, 1, 0.1, "15-0000", 0.8) for k in range(2)))
    built = index(unit([1, 0, 0], [1, 0, 0.01], [0, 1, 0], [0, 0, 1]))
    for mode in ("cluster", "combined"):
        settings = SETTINGS.match.model_copy(update={"mode": mode})
        mixed = combine_with_clusters(
            cut, assigned((0, 0, 1.0), (1, 0, 1.0)), built, settings=settings
        )
        assert mixed["soc_major_probability"].to_list() == pytest.approx([0.8, 0.8])
        assert mixed["task_id"].to_list() == [1, 1]


def test_a_group_without_any_probability_fits_nothing() -> None:
    settings = SETTINGS.match.model_copy(update={"min_probability": 0.0})
    matches = match_tasks(
        judged(1), ranked_rows((0, 1, 1, 0.0, "15-0000", 0.0)), TASK_OCCUPATIONS, settings=settings
    )
    assert matches["outcome"].to_list() == ["not_classified"]


def test_no_conversations_are_no_judgements(classifiers: Classifiers) -> None:
    nothing = messages()
    embedded = embed_conversations(
        nothing,
        encode=lambda texts: np.zeros((len(texts), 384), np.float32),
        settings=SETTINGS.embed,
    )
    assert embedded.is_empty()
    judged_rows = classify_conversations(
        Conversations.create_empty(), nothing, embedded, classifiers=classifiers
    )
    assert judged_rows.is_empty()
    tasks = unit([1, 0, 0], [1, 0, 0.01], [0, 1, 0], [0, 0, 1])
    assert rank(np.zeros((0, 3), np.float32), index(tasks)).is_empty()


def test_a_blank_turn_before_the_request_is_no_opening() -> None:
    seen: list[str] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        seen.extend(texts)
        return np.ones((len(texts), 2), np.float32)

    embed_conversations(messages([" ", ">what?", "write a poem"]), encode=encode,
                        settings=SETTINGS.embed)  # fmt: skip
    assert seen == ["write a poem"]
