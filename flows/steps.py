"""Binds each stage to the work directory: read tables, call the stage confined, write tables.

Nothing here decides a figure. A step that is already there, with the same inputs, settings, code
and models, is not done again.
"""

from collections.abc import Sequence
from functools import partial

import polars as pl

from flows import aggregate, classify, cluster, embed, match
from flows import tables as t
from flows.confine import ContractError, confine
from flows.disclosure.contributions import bound_contributions
from flows.disclosure.duplicates import find_sources, fingerprint_conversations
from flows.disclosure.ledger import sketch_accounts
from flows.identity import derive_key, load_key
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
from flows.release import release_limits
from flows.request import RunRequest
from flows.store import (
    Manifest,
    content_hashes,
    find_step,
    read_all,
    step_key,
    total,
    write_step,
)
from onet.weights import statements, task_occupations


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
    key = step_key("cluster", *content_hashes(embedded), settings.model_dump_json())
    if found := find_step(request.work, "cluster", key):
        return found
    with confine("cluster"):
        clustered = cluster.cluster_conversations(
            read_all(embedded, "embeddings", t.ConversationEmbeddings), settings=settings
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
        *content_hashes([*ranked, clustered]),
        release.content_hash,
        settings.model_dump_json(),
    )
    if found := find_step(request.work, "match", key):
        return found
    with confine("match"):
        combined = match.combine_with_clusters(
            read_all(ranked, "ranked", t.RankedTasks),
            t.ClusterAssignments.validate(clustered.read("assignments")),
            task_index(request.onet, request.settings.embed, request.work),
            settings=settings,
        )
        task_matches = match.match_tasks(
            read_all(ranked, "classifications", t.Classifications),
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
    """Bounds what each account adds, and counts the cube of the quarter and the clusters."""
    settings = request.settings.disclosure
    key = step_key(
        "aggregate",
        *content_hashes([*redacted, clustered, *ranked, matched]),
        request.quarter,
        settings.model_dump_json(),
    )
    if found := find_step(request.work, "aggregate", key):
        return found
    with confine("aggregate"):
        conversations = read_all(redacted, "conversations", t.Conversations)
        task_matches = t.TaskMatches.validate(matched.read("task_matches"))
        accounts = conversations.select("conversation_id", "account_id")
        sources = find_sources(
            pl.concat([fingerprint_conversations(part.read("messages")) for part in redacted]),
            accounts,
        )
        everything = aggregate.observe(
            conversations, read_all(ranked, "classifications", t.Classifications), task_matches
        )
        observations = bound_contributions(
            everything,
            release_limits(request.settings),
            derive_key(load_key(), "contributions", request.quarter),
        )
        cells = aggregate.aggregate_cells(observations, quarter=request.quarter, sources=sources)
        sketch = sketch_accounts(observations, derive_key(load_key(), "ledger", request.quarter))
        counted = accounts.join(
            observations, left_on="conversation_id", right_on="observation_id", how="semi"
        )
        cluster_cells = aggregate.aggregate_clusters(
            counted,
            t.ClusterAssignments.validate(clustered.read("assignments")),
            task_matches,
            sources=sources,
        )
        counts = {
            "rows_in": conversations.height,
            "rows_out": cells.height,
            "removed": conversations.height - counted.height,
            "accounts": accounts["account_id"].drop_nulls().n_unique(),
        }
        of_groups = partial(
            aggregate.aggregate_major_groups, quarter=request.quarter, sources=sources
        )
        removed = everything.join(observations, on="observation_id", how="anti")
        tables = {
            "cells": cells,
            "uncapped_cells": of_groups(everything),
            "removed_cells": of_groups(t.Observations.validate(removed)),
            "cluster_cells": cluster_cells,
            "sketch": sketch,
        }
        return write_step(request.work, "aggregate", key, tables, counts)


def _check_balance(stage: str, counts: dict[str, int]) -> None:
    if counts["rows_in"] != counts["rows_out"] + counts["rejected"]:
        raise ContractError(
            f"{stage}: {counts['rows_in']} in, but {counts['rows_out']} accepted"
            f" + {counts['rejected']} rejected"
        )
