"""Unit-level results on one's own data, to check quality with: they never touch a release.

Ids are the owner's own. The stages are the ones a run calls.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from flows import identity
from flows.classify import classify_conversations
from flows.cluster import cluster_conversations
from flows.confine import confine
from flows.embed import embed_conversations
from flows.evaluation.judged import Judged
from flows.ingest.accept import Partition, accept_records
from flows.ingest.read import read_records
from flows.label import to_label_rows
from flows.loaded import load_analyzer, load_encoder, load_heads, load_onet, task_index
from flows.match import rank_tasks
from flows.redact import Redacted, redact_messages
from flows.settings import Settings
from flows.tables import Classifications, ConversationEmbeddings, Conversations, RankedTasks
from onet.weights import task_rows


@dataclass(frozen=True)
class Source:
    """One's own conversations, and how to read them."""

    paths: Sequence[Path]
    format_name: str | None
    settings: Settings
    work: Path


def redact_rows(source: Source) -> Iterator[dict[str, Any]]:
    """A row per conversation, in order: redacted messages, and spans in the original text."""
    for partition, _, redacted in _redacted(source):
        with confine("redact"):
            spans = redacted.redactions.group_by("conversation_id", "message_index").agg(
                spans=pl.struct("start", "end", "entity_type", "score")
            )
            messages = (
                redacted.messages.join(
                    spans, on=["conversation_id", "message_index"], how="left", validate="1:1"
                )
                .sort("conversation_id", "message_index")
                .group_by("conversation_id")
                .agg(pl.struct("role", "text", pl.col("spans").fill_null([])).alias("messages"))
            )
            by_id = dict(messages.rows())
        for conversation_id, own_id in partition.own_ids.items():
            if conversation_id in by_id:
                yield {"conversation_id": own_id, "messages": by_id[conversation_id]}


def label_rows(source: Source, onet: str) -> Iterator[Mapping[str, Any]]:
    """A row per conversation, in order: the judgements, null where they abstain."""
    return (judged.row for judged in judge_rows(source, onet))


def judge_rows(source: Source, onet: str) -> Iterator[Judged]:
    """The rows of `label_rows`, each with the probabilities of its answers and its account."""
    settings = source.settings
    encoder = load_encoder(settings.embed)
    classifiers = load_heads(settings.embed)
    index = task_index(onet, settings.embed, source.work)
    rows = task_rows(load_onet(onet))
    for partition, conversations, redacted in _redacted(source):
        with confine("classify"):
            embeddings = embed_conversations(
                redacted.messages, encode=encoder.encode, settings=settings.embed
            )
            classifications = classify_conversations(
                conversations, redacted.messages, embeddings, classifiers=classifiers
            )
            ranked = rank_tasks(embeddings, index, classifiers=classifiers, settings=settings.match)
        labeled = to_label_rows(
            partition.own_ids, classifications, ranked, rows, settings=settings.match
        )
        certainties = _certainties(classifications, ranked)
        accounts = dict(partition.conversations.select("conversation_id", "account_id").rows())
        for conversation_id, row in zip(partition.own_ids, labeled, strict=True):
            certainty = certainties.get(conversation_id, {})
            yield Judged(row, certainty, accounts.get(conversation_id))


def cluster_rows(source: Source) -> Iterator[dict[str, Any]]:
    """A row per conversation, in order: its cluster, or null for noise."""
    encode = load_encoder(source.settings.embed).encode
    own_ids: dict[str, str] = {}
    parts = []
    for partition, _, redacted in _redacted(source):
        own_ids |= partition.own_ids
        with confine("embed"):
            parts.append(
                embed_conversations(
                    redacted.messages, encode=encode, settings=source.settings.embed
                )
            )
    if not parts:
        return
    with confine("cluster"):
        clustered = cluster_conversations(
            ConversationEmbeddings.validate(pl.concat(parts)), settings=source.settings.cluster
        )
    clusters = dict(clustered.assignments.select("conversation_id", "cluster_id").rows())
    for conversation_id, own_id in own_ids.items():
        if conversation_id in clusters:
            yield {"conversation_id": own_id, "cluster_id": clusters[conversation_id]}


def task_dwas(onet: str) -> dict[int, frozenset[str]]:
    """The DWA ids of every task row of a release."""
    links = load_onet(onet).task_dwas.group_by("task_id").agg(pl.col("dwa_id").unique())
    return {task_id: frozenset(dwa_ids) for task_id, dwa_ids in links.rows()}


def _certainties(
    classifications: dy.DataFrame[Classifications], ranked: dy.DataFrame[RankedTasks]
) -> dict[str, dict[str, float]]:
    """The probability of each conversation's answers, by judgement."""
    best = ranked.lazy().filter(pl.col("rank") == 1)
    occupational = pl.col("occupational_probability")
    rows = (
        classifications.lazy()
        .join(best, on="conversation_id", how="left", validate="1:1")
        .select(
            "conversation_id",
            occupational=pl.max_horizontal(occupational, 1.0 - occupational),
            use_case="use_case_probability",
            pattern="pattern_probability",
            soc_major="soc_major_probability",
        )
        .collect()
    )
    return {
        row.pop("conversation_id"): {name: p for name, p in row.items() if p is not None}
        for row in rows.iter_rows(named=True)
    }


def _partitions(source: Source) -> Iterator[Partition]:
    records = read_records(
        source.paths, format_name=source.format_name, settings=source.settings.ingest
    )
    yield from accept_records(
        records,
        quarter=None,
        keyed_hash=identity.keyed_hash(identity.load_key(), None),
        settings=source.settings.ingest,
    )


def _redacted(source: Source) -> Iterator[tuple[Partition, dy.DataFrame[Conversations], Redacted]]:
    settings = source.settings.redact
    for partition in _partitions(source):
        with confine("redact"):
            redacted = redact_messages(
                partition.messages,
                analyzer=load_analyzer(settings),
                settings=settings,
            )
            conversations = Conversations.validate(
                partition.conversations.join(
                    redacted.rejects, left_on="conversation_id", right_on="row_hash", how="anti"
                )
            )
        yield partition, conversations, redacted
