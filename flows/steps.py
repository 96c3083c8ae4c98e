"""Binds each stage to the work directory: read tables, call the stage confined, write tables.

Nothing here decides a figure. A step that is already there, with the same inputs, settings, code
and models, is not done again.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeVar

import dataframely as dy
import polars as pl

from flows import aggregate, classify, cluster, coverage, embed, match, publish
from flows import tables as t
from flows.confine import ContractError, confine
from flows.disclosure.budget import draw_once, identify_inputs
from flows.disclosure.contributions import bound_contributions
from flows.disclosure.control import (
    Protection,
    control_cells,
    describe_control,
    plain_cells,
)
from flows.disclosure.differential_privacy import key_counts, measure_counts
from flows.disclosure.duplicates import find_sources, fingerprint_conversations
from flows.disclosure.gate import Method
from flows.disclosure.hierarchy import build_hierarchy
from flows.disclosure.lattice import unit_weights
from flows.disclosure.ledger import (
    Entry,
    admit_release,
    attack_unseen,
    check_key,
    define_release,
    earlier_releases,
    ledger_of,
    read_ledger,
    record_release,
    sketch_accounts,
)
from flows.disclosure.noisy_cells import Noise, describe_noise, release_noisy_cells
from flows.disclosure.thresholds import withhold_clusters
from flows.disclosure.uncapped import release_uncapped
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
from flows.refusal import forget_refusal, tells_refusal
from flows.release import release_limits, release_rules, released_tables
from flows.request import RunRequest
from flows.store import Manifest, find_step, staging_directory, step_key, total, write_step
from onet.release import Release
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
    """Bounds what each account adds, and counts the cube of the quarter and the clusters."""
    settings = request.settings.disclosure
    key = step_key(
        "aggregate",
        *_hashes([*redacted, clustered, *ranked, matched]),
        request.quarter,
        settings.model_dump_json(),
    )
    if found := find_step(request.work, "aggregate", key):
        return found
    with confine("aggregate"):
        conversations = _read_all(redacted, "conversations", t.Conversations)
        task_matches = t.TaskMatches.validate(matched.read("task_matches"))
        accounts = conversations.select("conversation_id", "account_id")
        sources = find_sources(
            pl.concat([fingerprint_conversations(part.read("messages")) for part in redacted]),
            accounts,
        )
        everything = aggregate.observe(
            conversations, _read_all(ranked, "classifications", t.Classifications), task_matches
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


@tells_refusal
def disclose_all(
    request: RunRequest,
    ingested: Sequence[Manifest],
    redacted: Sequence[Manifest],
    clustered: Manifest,
    ranked: Sequence[Manifest],
    matched: Manifest,
    aggregated: Manifest,
) -> Manifest:
    """Withholds, rounds and attacks, or adds noise, and counts what is not shown."""
    release, settings = load_onet(request.onet), request.settings.disclosure
    key = step_key(
        "disclose",
        *_hashes([*ingested, *redacted, clustered, *ranked, matched, aggregated]),
        settings.model_dump_json(),
        request.settings.ingest.account_unit,
        release.content_hash,
        *(entry.release_id for entry in read_ledger(ledger_of(request.database), request.quarter)),
    )
    # noise is kept in the ledger and nowhere else: only what is in there may be released
    if settings.mode != "dp" and (found := find_step(request.work, "disclose", key)):
        return found
    with confine("disclose"):
        if settings.mode == "dp":
            tables = _add_noise(request, release, aggregated)
        else:
            tables = _round(request, release, [*ingested, *redacted], clustered, ranked, aggregated)
        is_released = tables["released_cells"]["suppression"].cast(pl.String) == "none"
        counts = {
            "rows_in": aggregated.tables["cells"].row_count,
            "rows_out": len(is_released),
            "released_cells": int(is_released.sum()),
            "withheld_cells": int((~is_released).sum()),
        }
        return write_step(request.work, "disclose", key, tables, counts)


def _round(
    request: RunRequest,
    release: Release,
    with_rejects: Sequence[Manifest],
    clustered: Manifest,
    ranked: Sequence[Manifest],
    aggregated: Manifest,
) -> dict[str, pl.DataFrame]:
    settings, rules = request.settings.disclosure, release_rules(request.settings)
    key = derive_key(load_key(), "rounding", request.quarter)
    protection = Protection(settings.rounding_base, key)
    entries = read_ledger(ledger_of(request.database), request.quarter)
    controlled = control_cells(
        t.Cells.validate(aggregated.read("cells")),
        unit_weights(task_occupations(release)),
        rules,
        protection,
        earlier=earlier_releases(
            entries,
            sketch=aggregated.read("sketch")["account_count"].to_list(),
            key_check=check_key(derive_key(load_key(), "ledger", request.quarter)),
        ),
    )
    clusters = withhold_clusters(
        t.ClusterCells.validate(aggregated.read("cluster_cells")),
        clustered.read("clusters").select("cluster_id", "level", "parent_cluster_id"),
        statements(release),
        rules,
        quarter=request.quarter,
        base=settings.rounding_base,
    )
    covered = coverage.count_coverage(
        quarter=request.quarter,
        row_counts=aggregated.counts,
        rejects=_read_all(with_rejects, "rejects", t.Rejects),
        assignments=t.ClusterAssignments.validate(clustered.read("assignments")),
        classifications=_read_all(ranked, "classifications", t.Classifications),
        released=controlled.cells,
        base=settings.rounding_base,
    )
    control = describe_control(
        controlled, covered, quarter=request.quarter, wanted=settings.rounding_base - 1.0
    )
    return {
        "released_cells": controlled.cells,
        "uncapped": release_uncapped(
            t.Cells.validate(aggregated.read("uncapped_cells")),
            t.Cells.validate(aggregated.read("removed_cells")),
            controlled.cells,
            rules,
            protection,
        ),
        "clusters": clusters,
        "coverage": covered,
        "disclosure": control,
        "sketch": t.AccountSketch.validate(aggregated.read("sketch")),
        "attacked": pl.DataFrame(
            {"release_id": [entry.release_id for entry in entries]}, {"release_id": pl.String}
        ),
    }


def _add_noise(
    request: RunRequest, release: Release, aggregated: Manifest
) -> dict[str, pl.DataFrame]:
    """Of clusters, rejects and accounts nothing is said: only the counts of the cube have noise."""
    settings, quarter = request.settings.disclosure, request.quarter
    held = task_occupations(release)
    hierarchy = build_hierarchy(held)
    counts = key_counts(t.Cells.validate(aggregated.read("cells")))
    limits = release_limits(request.settings)
    noise = Noise(settings.epsilon_per_quarter, limits.conversations_per_account)
    drawn = draw_once(
        ledger_of(request.database),
        quarter=quarter,
        inputs=identify_inputs(derive_key(load_key(), "noise", quarter), counts, hierarchy, noise),
        noise=noise,
        budget=settings.epsilon_total,
        told=publish.told_epsilons(request.database),
        measure=partial(
            measure_counts,
            counts,
            hierarchy,
            epsilon=noise.epsilon,
            account_limit=noise.account_limit,
        ),
    )
    released = release_noisy_cells(
        drawn.measured,
        hierarchy,
        unit_weights(held),
        noise,
        quarter=quarter,
        floor=release_rules(request.settings).conversations,
    )
    return {
        "released_cells": released,
        "uncapped": t.UncappedUsage.create_empty(),
        "clusters": t.ReleasedClusters.create_empty(),
        "coverage": coverage.count_noisy_coverage(released, quarter=quarter),
        "disclosure": describe_noise(
            released,
            hierarchy,
            noise,
            spent=drawn.spent,
            budget=settings.epsilon_total,
            quarter=quarter,
        ),
    }


@tells_refusal
def publish_all(request: RunRequest, disclosed: Manifest) -> Manifest:
    """Derives the released tables and publishes the database; the key is the release id."""
    is_noisy = request.settings.disclosure.mode == "dp"
    with confine("publish"):
        tables = released_tables(
            request,
            load_onet(request.onet),
            t.ReleasedCells.validate(disclosed.read("released_cells")),
            t.UncappedUsage.validate(disclosed.read("uncapped")),
            disclosed.read("clusters"),
            disclosed.read("coverage"),
            disclosed.read("disclosure"),
        )
        release_id = publish.publish_release(
            tables,
            quarter=request.quarter,
            database=request.database,
            # noise was admitted when it was drawn
            admit=None if is_noisy else partial(_admit, request, tables, disclosed),
        )
        forget_refusal(request.database, request.quarter)
        counts = {
            "rows_in": disclosed.tables["released_cells"].row_count,
            "rows_out": sum(frame.height for frame in tables.values()),
        }
        return Manifest("publish", release_id, {}, counts)


def _admit(
    request: RunRequest, tables: Mapping[str, pl.DataFrame], disclosed: Manifest, release_id: str
) -> None:
    """Compares a release with those in the ledger, and writes it down there, one run at a time."""
    ledger, settings = ledger_of(request.database), request.settings
    base = settings.disclosure.rounding_base
    released = t.ReleasedCells.validate(disclosed.read("released_cells"))
    reach = tables["disclosure"].filter(pl.col("measure") == "rounding_reach")["value"].item()
    entry = Entry(
        quarter=request.quarter,
        definition=define_release(
            tables["releases"].row(0, named=True), settings.model_dump(mode="json")
        ),
        key_check=check_key(derive_key(load_key(), "ledger", request.quarter)),
        sketch=tuple(disclosed.read("sketch")["account_count"]),
        release_id=release_id,
        method=Method(base, reach, release_rules(settings).shown_from(base)),
        cells=tuple(plain_cells(released).rows()),
    )
    weights = unit_weights(task_occupations(load_onet(request.onet)))
    with staging_directory(ledger.with_name(f"{ledger.name}.admitting")):
        entries = read_ledger(ledger, request.quarter)
        admit_release(
            entries,
            entry,
            least_accounts=settings.disclosure.account_floor,
            is_published=publish.holds_quarter(request.database, request.quarter),
        )
        attack_unseen(
            entries, entry, weights, attacked=set(disclosed.read("attacked")["release_id"])
        )
        record_release(ledger, entry)


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
