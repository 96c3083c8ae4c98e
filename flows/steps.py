"""Binds each stage to the work directory: read tables, call the stage confined, write tables.

Nothing here decides a figure. A step that is already there, with the same inputs, settings, code
and models, is not done again.
"""

import time
from collections.abc import Sequence
from typing import TypeVar

import dataframely as dy
import polars as pl

from flows import aggregate, classify, cluster, coverage, embed, match, publish
from flows import tables as t
from flows.confine import ContractError, confine
from flows.disclosure.thresholds import withhold_cells, withhold_clusters
from flows.language_model import judge_conversations
from flows.loaded import (
    index_release,
    load_analyzer,
    load_ask,
    load_encoder,
    load_heads,
    load_onet,
    task_index,
)
from flows.redact import redact_messages
from flows.release import release_floors, released_tables
from flows.request import RunRequest
from flows.store import Manifest, find_step, step_key, total, write_step
from onet.weights import statements, task_occupations

Table = TypeVar("Table", bound=dy.Schema)


def redact_partition(request: RunRequest, ingested: Manifest) -> Manifest:
    """Redacts one partition; its conversations are those that nothing was wrong with."""
    settings = request.settings.redact
    key = step_key("redact", ingested.content_hash(), settings.model_dump_json())
    if found := find_step(request.work, "redact", key):
        return found
    with confine("redact"):
        redacted = redact_messages(
            t.Messages.validate(ingested.read("messages")),
            analyzer=load_analyzer(settings),
            settings=settings,
            clock=time.monotonic,
        )
        conversations = ingested.read("conversations").join(
            redacted.rejects, left_on="conversation_id", right_on="row_hash", how="anti"
        )
        counts = {
            "rows_in": ingested.tables["conversations"].row_count,
            "rows_out": conversations.height,
            "rejected": redacted.rejects.height,
        }
        _check_balance("redact", counts)
        tables = {
            "conversations": t.Conversations.validate(conversations),
            "messages": redacted.messages,
            "redactions": redacted.redactions,
            "rejects": redacted.rejects,
        }
        return write_step(request.work, "redact", key, tables, counts)


def embed_partition(request: RunRequest, redacted: Manifest) -> Manifest:
    """Embeds the conversations of one partition."""
    settings = request.settings.embed
    key = step_key("embed", redacted.content_hash(), settings.model_dump_json())
    if found := find_step(request.work, "embed", key):
        return found
    with confine("embed"):
        embeddings = embed.embed_conversations(
            t.RedactedMessages.validate(redacted.read("messages")),
            encode=load_encoder(settings).encode,
            settings=settings,
        )
        counts = {
            "rows_in": redacted.tables["conversations"].row_count,
            "rows_out": embeddings.height,
            "rejected": 0,
        }
        _check_balance("embed", counts)
        return write_step(request.work, "embed", key, {"embeddings": embeddings}, counts)


def cluster_all(request: RunRequest, embedded: Sequence[Manifest]) -> Manifest:
    """Clusters the conversations of all partitions together."""
    settings = request.settings.cluster
    key = step_key("cluster", *_hashes(embedded), settings.model_dump_json())
    if found := find_step(request.work, "cluster", key):
        return found
    with confine("cluster"):
        clustered = cluster.cluster_conversations(
            _read_all(embedded, "embeddings", t.ConversationEmbeddings), settings=settings
        )
        counts = {
            "rows_in": clustered.assignments.height,
            "rows_out": clustered.assignments.height,
            "rejected": 0,
            "unclustered": int(clustered.assignments["cluster_id"].null_count()),
        }
        tables = {"assignments": clustered.assignments, "clusters": clustered.clusters}
        return write_step(request.work, "cluster", key, tables, counts)


def classify_partition(request: RunRequest, redacted: Manifest, embedded: Manifest) -> Manifest:
    """Judges the conversations of one partition."""
    classifiers = load_heads(request.settings.embed)
    key = step_key("classify", redacted.content_hash(), embedded.content_hash(), classifiers.sha256)
    if found := find_step(request.work, "classify", key):
        return found
    with confine("classify"):
        classifications = classify.classify_conversations(
            t.Conversations.validate(redacted.read("conversations")),
            t.RedactedMessages.validate(redacted.read("messages")),
            t.ConversationEmbeddings.validate(embedded.read("embeddings")),
            classifiers=classifiers,
        )
        counts = {
            "rows_in": redacted.tables["conversations"].row_count,
            "rows_out": classifications.height,
            "rejected": 0,
        }
        _check_balance("classify", counts)
        tables = {"classifications": classifications}
        return write_step(request.work, "classify", key, tables, counts)


def rank_partition(
    request: RunRequest, redacted: Manifest, embedded: Manifest, classified: Manifest
) -> Manifest:
    """Ranks the tasks of one partition's conversations; a language model may judge them again.

    Hands on the classifications as well: they are the language model's where it is used.
    """
    settings = request.settings
    key = step_key(
        "rank",
        index_release(request.onet, settings.embed, request.work).content_hash(),
        redacted.content_hash(),
        embedded.content_hash(),
        classified.content_hash(),
        load_heads(settings.embed).sha256,
        settings.match.model_dump_json(),
        settings.language_model.model_dump_json(),
    )
    if found := find_step(request.work, "rank", key):
        return found
    with confine("rank"):
        classifications = t.Classifications.validate(classified.read("classifications"))
        ranked = match.rank_tasks(
            t.ConversationEmbeddings.validate(embedded.read("embeddings")),
            task_index(request.onet, settings.embed, request.work),
            classifiers=load_heads(settings.embed),
            settings=settings.match,
        )
        counts = {
            "rows_in": classifications.height,
            "rows_out": ranked["conversation_id"].n_unique(),
            "rejected": 0,
        }
        if settings.language_model.enabled:
            judged = judge_conversations(
                t.RedactedMessages.validate(redacted.read("messages")),
                classifications,
                ranked,
                statements(load_onet(request.onet)),
                ask=load_ask(settings.language_model, request.work / "steps" / "answers"),
                settings=settings.language_model,
            )
            classifications, ranked = judged.classifications, judged.ranked
            counts |= {f"language_model_{name}": n for name, n in judged.outcomes.items()}
        _check_balance("rank", counts)
        tables = {"classifications": classifications, "ranked": ranked}
        return write_step(request.work, "rank", key, tables, counts)


def match_all(request: RunRequest, ranked: Sequence[Manifest], clustered: Manifest) -> Manifest:
    """Gives every conversation its task, from its own ranking and its cluster's."""
    settings = request.settings.match
    release = load_onet(request.onet)
    key = step_key(
        "match",
        *_hashes([*ranked, clustered]),
        release.content_hash,
        settings.model_dump_json(),
    )
    if found := find_step(request.work, "match", key):
        return found
    with confine("match"):
        combined = match.combine_with_clusters(
            _read_all(ranked, "ranked", t.RankedTasks),
            t.ClusterAssignments.validate(clustered.read("assignments")),
            task_index(request.onet, request.settings.embed, request.work),
            settings=settings,
        )
        task_matches = match.match_tasks(
            _read_all(ranked, "classifications", t.Classifications),
            combined,
            task_occupations(release),
            settings=settings,
        )
        outcome = task_matches.unique("conversation_id")["outcome"].cast(pl.String)
        counts = {
            "rows_in": total(ranked, "rows_in"),
            "rows_out": len(outcome),
            "rejected": 0,
            "not_classified": int((outcome == "not_classified").sum()),
        }
        _check_balance("match", counts)
        return write_step(request.work, "match", key, {"task_matches": task_matches}, counts)


def aggregate_all(
    request: RunRequest,
    redacted: Sequence[Manifest],
    clustered: Manifest,
    ranked: Sequence[Manifest],
    matched: Manifest,
) -> Manifest:
    """Counts the cube of the quarter, and the clusters."""
    key = step_key(
        "aggregate",
        *_hashes([*redacted, clustered, *ranked, matched]),
        request.quarter,
    )
    if found := find_step(request.work, "aggregate", key):
        return found
    with confine("aggregate"):
        conversations = _read_all(redacted, "conversations", t.Conversations)
        task_matches = t.TaskMatches.validate(matched.read("task_matches"))
        observations = aggregate.observe(
            conversations,
            _read_all(ranked, "classifications", t.Classifications),
            task_matches,
        )
        cells = aggregate.aggregate_cells(observations, quarter=request.quarter)
        cluster_cells = aggregate.aggregate_clusters(
            conversations,
            t.ClusterAssignments.validate(clustered.read("assignments")),
            task_matches,
        )
        counts = {
            "rows_in": conversations.height,
            "rows_out": cells.height,
        }
        tables = {"cells": cells, "cluster_cells": cluster_cells}
        return write_step(request.work, "aggregate", key, tables, counts)


def disclose_all(
    request: RunRequest,
    ingested: Sequence[Manifest],
    redacted: Sequence[Manifest],
    clustered: Manifest,
    ranked: Sequence[Manifest],
    matched: Manifest,
    aggregated: Manifest,
) -> Manifest:
    """Withholds what is under the floors, and counts what is not shown."""
    release = load_onet(request.onet)
    key = step_key(
        "disclose",
        *_hashes([*ingested, *redacted, clustered, *ranked, matched, aggregated]),
        request.settings.disclosure.model_dump_json(),
        request.settings.ingest.account_unit,
        release.content_hash,
    )
    if found := find_step(request.work, "disclose", key):
        return found
    with confine("disclose"):
        floors = release_floors(request.settings)
        cells = t.Cells.validate(aggregated.read("cells"))
        released = withhold_cells(cells, floors)
        clusters = withhold_clusters(
            t.ClusterCells.validate(aggregated.read("cluster_cells")),
            clustered.read("clusters").select("cluster_id", "level", "parent_cluster_id"),
            statements(release),
            floors,
            quarter=request.quarter,
        )
        covered = coverage.count_coverage(
            quarter=request.quarter,
            row_counts={
                "rows_in": total(ingested, "rows_in"),
                "accepted": total(redacted, "rows_out"),
            },
            rejects=_read_all([*ingested, *redacted], "rejects", t.Rejects),
            assignments=t.ClusterAssignments.validate(clustered.read("assignments")),
            classifications=_read_all(ranked, "classifications", t.Classifications),
            task_matches=t.TaskMatches.validate(matched.read("task_matches")),
            cells=cells,
            released=released,
        )
        is_released = released["suppression"].cast(pl.String) == "none"
        counts = {
            "rows_in": cells.height,
            "rows_out": released.height,
            "released_cells": int(is_released.sum()),
            "withheld_cells": int((~is_released).sum()),
        }
        tables = {"released_cells": released, "clusters": clusters, "coverage": covered}
        return write_step(request.work, "disclose", key, tables, counts)


def publish_all(request: RunRequest, disclosed: Manifest) -> Manifest:
    """Derives the released tables and publishes the database; the key is the release id."""
    with confine("publish"):
        tables = released_tables(
            request,
            load_onet(request.onet),
            t.ReleasedCells.validate(disclosed.read("released_cells")),
            disclosed.read("clusters"),
            disclosed.read("coverage"),
        )
        release_id = publish.publish_release(
            tables, quarter=request.quarter, database=request.database
        )
        counts = {
            "rows_in": disclosed.tables["released_cells"].row_count,
            "rows_out": sum(frame.height for frame in tables.values()),
        }
        return Manifest("publish", release_id, {}, counts)


def _check_balance(stage: str, counts: dict[str, int]) -> None:
    if counts["rows_in"] != counts["rows_out"] + counts["rejected"]:
        raise ContractError(
            f"{stage}: {counts['rows_in']} in, but {counts['rows_out']} accepted"
            f" + {counts['rejected']} rejected"
        )


def _read_all(manifests: Sequence[Manifest], name: str, table: type[Table]) -> dy.DataFrame[Table]:
    return table.validate(pl.concat([manifest.read(name) for manifest in manifests]))


def _hashes(manifests: Sequence[Manifest]) -> list[str]:
    return [manifest.content_hash() for manifest in manifests]
