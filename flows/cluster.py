"""Decides which conversations belong together: UMAP to a few dimensions, then hdbscan, seeded."""

import warnings
from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl

from flows.settings import ClusterSettings
from flows.tables import ClusterAssignments, Clusters, ConversationEmbeddings

ENGINE = "umap + hdbscan"


@dataclass(frozen=True)
class Clustered:
    """Every conversation's cluster, and the clusters."""

    assignments: dy.DataFrame[ClusterAssignments]
    clusters: dy.DataFrame[Clusters]


def cluster_conversations(
    embeddings: dy.DataFrame[ConversationEmbeddings], *, settings: ClusterSettings
) -> Clustered:
    """Clusters conversations by meaning; those that belong to no cluster stay noise (null).

    Input is put in order of conversation_id first, so batches and their order do not matter.
    Fewer conversations than two clusters need are all noise.
    """
    ordered = embeddings.sort("conversation_id")
    vectors = ordered["embedding"].list.to_array(_dimensions(ordered)).to_numpy()
    least = max(2 * settings.min_cluster_size, settings.neighbors + 1, settings.components + 3)
    if ordered.height < least:
        labels = np.full(ordered.height, -1)
        probabilities = np.zeros(ordered.height)
    else:
        labels, probabilities = _cluster(vectors, settings)
    assignments = ordered.select(
        "conversation_id",
        pl.when(pl.Series(labels) >= 0).then(pl.Series(labels)).alias("cluster_id"),
        pl.Series("membership_probability", np.clip(probabilities, 0.0, 1.0)),
    ).pipe(ClusterAssignments.validate, cast=True)
    return Clustered(assignments, _describe(assignments))


def _dimensions(embeddings: pl.DataFrame) -> int:
    return int(embeddings["embedding"].list.len().max() or 0)  # type: ignore[arg-type]


def _cluster(vectors: np.ndarray, settings: ClusterSettings) -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both libraries warn of their own imports, seeds and APIs
        import hdbscan
        import umap

        reduced = umap.UMAP(
            n_neighbors=settings.neighbors,
            n_components=settings.components,
            min_dist=0.0,
            metric="cosine",
            random_state=settings.seed,
            n_jobs=1,
        ).fit_transform(vectors)
        clusterer = hdbscan.HDBSCAN(
            min_cluster_size=settings.min_cluster_size,
            min_samples=settings.min_samples,
            core_dist_n_jobs=1,
        ).fit(reduced)
    return clusterer.labels_, clusterer.probabilities_


def _describe(assignments: dy.DataFrame[ClusterAssignments]) -> dy.DataFrame[Clusters]:
    return (
        assignments.lazy()
        .filter(pl.col("cluster_id").is_not_null())
        .group_by("cluster_id")
        .agg(
            conversation_count=pl.len().cast(pl.Int64),
            mean_membership_probability=pl.col("membership_probability").mean().clip(0.0, 1.0),
        )
        .with_columns(level=pl.lit(0), parent_cluster_id=pl.lit(None, pl.Int64))
        .select(Clusters.column_names())
        .sort("cluster_id")
        .collect()
        .pipe(Clusters.validate, cast=True)
    )
