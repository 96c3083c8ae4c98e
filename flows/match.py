"""Decides which O*NET task a conversation is, or that none fits.

The nearest statements vote on the SOC major group; nearness and vote together rank the tasks.
"""

from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.encoding import Encode
from flows.settings import MatchSettings
from flows.tables import Classifications, ConversationEmbeddings, TaskMatches
from taxonomy.soc import group_code

_BLOCK = 1_024  # conversations scored at once: 1,024 x 18,000 tasks are 74 MB


@dataclass(frozen=True)
class TaskIndex:
    """The task statements of a release, ready for search.

    Attributes:
        task_ids: Int64, shape (tasks,).
        vectors: Unit vectors, float32, shape (tasks, dimensions).
        groups: Major group of each task by majority of its occupations, as index into
            `group_codes`.
        group_codes: Such as 15-0000.
        task_occupations: `task_id`, `onet_soc_code`, `weight`.
    """

    task_ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    groups: NDArray[np.int64]
    group_codes: list[str]
    task_occupations: pl.DataFrame


def embed_statements(statements: pl.DataFrame, encode: Encode) -> pl.DataFrame:
    """Adds the statements' unit vectors: `task_id`, `embedding`."""
    vectors = encode(statements["statement"].to_list())
    return statements.select("task_id").with_columns(
        pl.Series("embedding", vectors, dtype=pl.Array(pl.Float32, vectors.shape[1]))
    )


def index_tasks(task_embeddings: pl.DataFrame, task_occupations: pl.DataFrame) -> TaskIndex:
    """Puts vectors and major groups side by side, in order of task id."""
    majority = (
        task_occupations.lazy()
        .with_columns(group=group_code(pl.col("onet_soc_code"), "major"))
        .group_by("task_id", "group")
        .agg(pl.col("weight").sum().round(9))
        .sort("task_id", "weight", "group", descending=[False, True, False])
        .unique("task_id", keep="first", maintain_order=True)
        .select("task_id", "group")
    )
    tasks = (
        task_embeddings.lazy()
        .join(majority, on="task_id", how="inner", validate="1:1")
        .sort("task_id")
        .collect()
    )
    codes = sorted(tasks["group"].unique())
    return TaskIndex(
        task_ids=tasks["task_id"].to_numpy(),
        vectors=tasks["embedding"].to_numpy(),
        groups=np.searchsorted(codes, tasks["group"].to_list()),
        group_codes=codes,
        task_occupations=task_occupations,
    )


def rank_tasks(
    embeddings: dy.DataFrame[ConversationEmbeddings], index: TaskIndex, *, settings: MatchSettings
) -> pl.DataFrame:
    """The best tasks of each conversation, best first.

    Score s of a task is its cosine similarity; candidates are the k tasks with the highest s. Group
    g gets p(g) in proportion to the sum of exp(s / t) over its candidates, and candidates are put
    in order of s + t log p(g): nearness, weighed with how many near tasks share the group.

    Returns:
        `conversation_id`, `rank` (from 1), `task_id`, `score` (cosine similarity), `soc_major` (of
        the winning group; the same in all rows of a conversation).
    """
    ordered = embeddings.sort("conversation_id")
    vectors = np.array(ordered["embedding"].to_list(), dtype=np.float32)
    blocks = [
        _rank_block(vectors[start : start + _BLOCK], index, settings)
        for start in range(0, ordered.height, _BLOCK)
    ]
    if not blocks:
        return pl.DataFrame(schema=_RANKED)
    tasks, scores, groups = (np.concatenate(part) for part in zip(*blocks, strict=True))
    kept = tasks.shape[1]
    return pl.DataFrame(
        {
            "conversation_id": ordered["conversation_id"].to_numpy().repeat(kept),
            "rank": np.tile(np.arange(1, kept + 1), ordered.height),
            "task_id": index.task_ids[tasks.ravel()],
            "score": scores.ravel().astype(np.float64),
            "soc_major": np.array(index.group_codes)[groups].repeat(kept),
        },
        schema=_RANKED,
    )


def match_tasks(
    classifications: dy.DataFrame[Classifications],
    ranked: pl.DataFrame,
    index: TaskIndex,
    *,
    settings: MatchSettings,
) -> dy.DataFrame[TaskMatches]:
    """Gives every conversation its task, `none` or `not_classified`; weights sum to 1.

    A task held by n occupations becomes n rows of weight 1/n.
    """
    best = (
        classifications.lazy()
        .select("conversation_id", "is_occupational")
        .join(
            ranked.lazy().filter(pl.col("rank") == 1).select("conversation_id", "task_id", "score"),
            on="conversation_id",
            how="left",
            validate="1:1",
        )
        .with_columns(
            outcome=pl.when(~pl.col("is_occupational"))
            .then(pl.lit("none"))
            .when(pl.col("is_occupational") & (pl.col("score") >= settings.min_score))
            .then(pl.lit("matched"))
            .otherwise(pl.lit("not_classified"))
        )
        .with_columns(
            pl.when(pl.col("outcome") == "matched").then("task_id").alias("task_id"),
            pl.when(pl.col("outcome") == "matched").then("score").alias("score"),
        )
    )
    return (
        best.join(index.task_occupations.lazy(), on="task_id", how="left", validate="m:m")
        .with_columns(pl.col("weight").fill_null(1.0))
        .select(TaskMatches.column_names())
        .sort("conversation_id", "task_id", "onet_soc_code")
        .collect()
        .pipe(TaskMatches.validate, cast=True)
    )


_RANKED = {
    "conversation_id": pl.String,
    "rank": pl.Int64,
    "task_id": pl.Int64,
    "score": pl.Float64,
    "soc_major": pl.String,
}


def _rank_block(
    vectors: NDArray[np.float32], index: TaskIndex, settings: MatchSettings
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    similarity = vectors @ index.vectors.T
    kept = min(settings.candidates, similarity.shape[1])
    candidates = np.argpartition(-similarity, kept - 1, axis=1)[:, :kept]
    candidates.sort(axis=1)  # ties are broken by task id
    scores = np.take_along_axis(similarity, candidates, axis=1)
    temperature = settings.vote_temperature
    votes = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    groups = index.groups[candidates]
    ballots = np.zeros((len(vectors), len(index.group_codes)))
    np.add.at(ballots, (np.arange(len(vectors))[:, None], groups), votes)
    shares = ballots / ballots.sum(axis=1, keepdims=True)
    group_bonus = temperature * np.log(np.take_along_axis(shares, groups, axis=1))
    order = np.argsort(-(scores + group_bonus), axis=1, kind="stable")
    return (
        np.take_along_axis(candidates, order, axis=1),
        np.take_along_axis(scores, order, axis=1),
        ballots.argmax(axis=1),
    )
