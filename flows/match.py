"""Decides which O*NET task a conversation is, or that none fits.

The features of a task (`onet.search`) are weighed by a ranker that was trained on written requests;
a softmax over all tasks of the release turns the scores into probabilities. A conversation's
cluster may speak as well: its members are about the same work.
"""

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.encoding import Encode
from flows.settings import MatchSettings
from flows.tables import (
    Classifications,
    ClusterAssignments,
    ConversationEmbeddings,
    RankedTasks,
    TaskMatches,
)
from onet.search import TaskIndex, task_features
from taxonomy.classifiers import Classifiers, head_probabilities

_BLOCK = 256  # conversations scored at once: six features x 256 x 18,000 tasks are 110 MB


def embed_texts(texts: pl.DataFrame, text: str, encode: Encode) -> pl.DataFrame:
    """The unit vectors of a column of texts about tasks: `task_id`, `embedding`."""
    vectors = encode(texts[text].to_list())
    return texts.select("task_id").with_columns(
        pl.Series("embedding", vectors, dtype=pl.Array(pl.Float32, vectors.shape[1]))
    )


def rank_tasks(
    embeddings: dy.DataFrame[ConversationEmbeddings],
    index: TaskIndex,
    *,
    classifiers: Classifiers,
    settings: MatchSettings,
) -> dy.DataFrame[RankedTasks]:
    """The best tasks of each conversation, best first, with their probabilities.

    The probability of a task is softmax(w·f) over all tasks of the release, for the features f and
    the ranker's weights w (a conditional logit: McFadden 1974); that of a major group is the sum
    over its tasks. The best task of the most probable group comes first, then all others by their
    probability.
    """
    ordered = embeddings.sort("conversation_id")
    vectors = np.array(ordered["embedding"].to_list(), dtype=np.float32)
    blocks = [
        _rank_block(vectors[start : start + _BLOCK], index, classifiers, settings)
        for start in range(0, ordered.height, _BLOCK)
    ]
    if not blocks:
        return RankedTasks.create_empty()
    tasks, scores, groups, certainties = (
        np.concatenate(part) for part in zip(*blocks, strict=True)
    )
    kept = tasks.shape[1]
    return RankedTasks.validate(
        pl.DataFrame(
            {
                "conversation_id": ordered["conversation_id"].to_numpy().repeat(kept),
                "rank": np.tile(np.arange(1, kept + 1), ordered.height),
                "task_id": index.task_ids[tasks.ravel()],
                "score": scores.ravel(),
                "soc_major": groups.repeat(kept),
                "soc_major_probability": certainties.repeat(kept),
            },
            schema=RankedTasks.create_empty().schema,
        )
    )


def combine_with_clusters(
    ranked: dy.DataFrame[RankedTasks],
    assignments: dy.DataFrame[ClusterAssignments],
    index: TaskIndex,
    *,
    settings: MatchSettings,
) -> dy.DataFrame[RankedTasks]:
    """Weighs each conversation's tasks with those of its cluster, as `settings.mode` says.

    A cluster's probability of a task is the mean of its members', each by its membership
    probability; a task that a member does not list counts nothing for it. `conversation` leaves the
    ranking as it is; `cluster` gives every member the cluster's; `combined` mixes both in the
    proportion of `settings.cluster_weight`. Noise keeps its own ranking in every mode, and so does
    a conversation that no task fits (group probability 0).
    """
    if settings.mode == "conversation":
        return ranked
    weight = 1.0 if settings.mode == "cluster" else settings.cluster_weight
    fitted = ranked.lazy().filter(pl.col("rank") == 1, pl.col("soc_major_probability") > 0)
    members = (
        assignments.lazy()
        .filter(pl.col("cluster_id").is_not_null())
        .join(fitted, on="conversation_id", how="semi")
    )
    said = _said(ranked, index)
    evidence = members.join(said, on="conversation_id", how="inner", validate="1:m")
    size = members.group_by("cluster_id").agg(size=pl.col("membership_probability").sum())
    by_cluster = (
        evidence.group_by("cluster_id", "task_id", "group")
        .agg(mass=(pl.col("score") * pl.col("membership_probability")).sum())
        .join(size, on="cluster_id", how="left", validate="m:1")
        .with_columns(score=weight * pl.col("mass") / pl.col("size").clip(1e-9))
    )
    of_cluster = members.join(by_cluster, on="cluster_id", how="inner", validate="m:m")
    clustered = members.select("conversation_id")
    own = said.join(clustered, on="conversation_id", how="semi").with_columns(
        score=(1.0 - weight) * pl.col("score")
    )
    kept = ["conversation_id", "task_id", "group", "score"]
    mixed = (
        pl.concat([own.select(kept), of_cluster.select(kept)])
        .group_by("conversation_id", "task_id", "group")
        .agg(pl.col("score").sum().clip(0.0, 1.0))
        .with_columns(group_mass=pl.col("score").sum().over("conversation_id", "group"))
        .rename({"group": "soc_major"})
    )
    best_group = (
        mixed.sort("group_mass", "soc_major", descending=[True, False])
        .unique("conversation_id", keep="first", maintain_order=True)
        .select(
            "conversation_id",
            best="soc_major",
            soc_major_probability=pl.col("group_mass").clip(0.0, 1.0),
        )
    )
    reranked = (
        mixed.filter(pl.col("task_id").is_not_null())
        .join(best_group, on="conversation_id", how="left", validate="m:1")
        .with_columns(is_other=pl.col("soc_major") != pl.col("best"))
        .sort(
            "conversation_id",
            "is_other",
            "score",
            "task_id",
            descending=[False, False, True, False],
        )
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("conversation_id"))
        .filter(pl.col("rank") <= settings.candidates)
        .with_columns(soc_major="best")
    )
    alone = ranked.lazy().join(clustered, on="conversation_id", how="anti")
    columns = RankedTasks.column_names()
    return (
        pl.concat([alone.select(columns), reranked.select(columns)], how="vertical_relaxed")
        .sort("conversation_id", "rank")
        .collect()
        .pipe(RankedTasks.validate, cast=True)
    )


def _said(ranked: dy.DataFrame[RankedTasks], index: TaskIndex) -> pl.LazyFrame:
    """Probabilities of listed tasks with their group, and of what is left of the best group.

    Lists are cut at `match.candidates`: the rest of the best group has no `task_id`.
    """
    groups = pl.LazyFrame({"task_id": index.task_ids, "group": index.major_codes})
    listed = ranked.lazy().join(groups, on="task_id", how="left", validate="m:1")
    of_best = pl.col("score").filter(pl.col("group") == pl.col("soc_major")).sum()
    unlisted = listed.group_by("conversation_id").agg(
        task_id=pl.lit(None, pl.Int64),
        group=pl.col("soc_major").first(),
        score=(pl.col("soc_major_probability").first() - of_best).clip(0.0),
    )
    columns = ["conversation_id", "task_id", "group", "score"]
    return pl.concat([listed.select(columns), unlisted.select(columns)], how="vertical_relaxed")


def match_tasks(
    classifications: dy.DataFrame[Classifications],
    ranked: dy.DataFrame[RankedTasks],
    task_occupations: pl.DataFrame,
    *,
    settings: MatchSettings,
) -> dy.DataFrame[TaskMatches]:
    """Gives every conversation its task, `none` or `not_classified`; weights sum to 1.

    A task held by n occupations becomes n rows of weight 1/n. No task fits where even the major
    group is less probable than `settings.min_probability`, or has no probability at all.
    """
    certainty = pl.col("soc_major_probability")
    fits = (certainty > 0.0) & (certainty >= settings.min_probability)
    best = (
        classifications.lazy()
        .select("conversation_id", "is_occupational")
        .join(
            ranked.lazy()
            .filter(pl.col("rank") == 1)
            .select("conversation_id", "task_id", "score", "soc_major_probability"),
            on="conversation_id",
            how="left",
            validate="1:1",
        )
        .with_columns(
            outcome=pl.when(~pl.col("is_occupational"))
            .then(pl.lit("none"))
            .when(pl.col("is_occupational") & fits)
            .then(pl.lit("matched"))
            .otherwise(pl.lit("not_classified"))
        )
        .with_columns(
            pl.when(pl.col("outcome") == "matched").then("task_id").alias("task_id"),
            pl.when(pl.col("outcome") == "matched").then("score").alias("score"),
        )
    )
    return (
        best.join(task_occupations.lazy(), on="task_id", how="left", validate="m:m")
        .with_columns(pl.col("weight").fill_null(1.0))
        .select(TaskMatches.column_names())
        .sort("conversation_id", "task_id", "onet_soc_code")
        .collect()
        .pipe(TaskMatches.validate, cast=True)
    )


def _rank_block(
    vectors: NDArray[np.float32],
    index: TaskIndex,
    classifiers: Classifiers,
    settings: MatchSettings,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.str_], NDArray[np.float64]]:
    """Tasks and their probabilities, shape (n, kept); group and its probability, shape (n,)."""
    head = classifiers.heads["minor_group"]
    minor = head_probabilities(head, {"conversation": vectors}).astype(np.float32)
    features = task_features(vectors, minor, list(head.labels), index)
    scores = np.zeros_like(features["statement"])
    for name, weight in classifiers.ranker.items():
        scores += np.float32(weight) * features[name]
    scores -= scores.max(axis=1, keepdims=True)
    probabilities = np.exp(scores)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    codes, group_of_task = np.unique(index.major_codes, return_inverse=True)
    mass = np.zeros((len(vectors), len(codes)))
    for group in range(len(codes)):
        mass[:, group] = probabilities[:, group_of_task == group].sum(axis=1)
    best = mass.argmax(axis=1)
    is_best = group_of_task[np.newaxis, :] == best[:, np.newaxis]
    first = np.where(is_best, probabilities, -1.0).argmax(axis=1)
    kept = min(settings.candidates, probabilities.shape[1])
    order_by = probabilities.copy()
    order_by[np.arange(len(first)), first] = 2.0
    tasks = np.argpartition(-order_by, kept - 1, axis=1)[:, :kept]
    tasks.sort(axis=1)  # ties are broken by task id
    order = np.argsort(-np.take_along_axis(order_by, tasks, axis=1), axis=1, kind="stable")
    tasks = np.take_along_axis(tasks, order, axis=1)
    return (
        tasks,
        np.clip(np.take_along_axis(probabilities, tasks, axis=1).astype(np.float64), 0.0, 1.0),
        codes[best],
        np.clip(mass[np.arange(len(best)), best], 0.0, 1.0),
    )
