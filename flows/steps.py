"""Binds each stage to the work directory: read tables, call the stage confined, write tables.

Nothing here decides a figure. A step that is already there, with the same inputs, settings, code
and models, is not done again.
"""

import importlib.metadata
import json
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import dataframely as dy
import polars as pl

from flows import aggregate, classify, cluster, coverage, embed, identity, match, publish, shares
from flows import tables as t
from flows.confine import ContractError, RejectLimitError, confine
from flows.disclosure.thresholds import Floors, withhold_cells, withhold_clusters
from flows.ingest.accept import accept_records
from flows.ingest.read import read_records
from flows.redact import build_analyzer, redact_messages
from flows.request import RunRequest
from flows.settings import EmbedSettings, RedactSettings, Settings, SettingsError
from flows.store import Manifest, code_version, file_sha256, find_step, step_key, write_step
from onet.release import Release, ReleaseError, load_release
from onet.weights import statements, task_occupations
from taxonomy.reference import reference_shares

Table = TypeVar("Table", bound=dy.Schema)

NOT_AGAINST_THE_LIMIT = ("outside_quarter", "duplicate_id")
_PACKAGES_THAT_MOVE_FIGURES = (
    "dataframely",
    "duckdb",
    "hdbscan",
    "numpy",
    "polars",
    "presidio-analyzer",
    "scikit-learn",
    "sentence-transformers",
    "torch",
    "transformers",
    "umap-learn",
)


def ingest_sources(request: RunRequest) -> list[Manifest]:
    """Streams the sources into partitions.

    Raises:
        RejectLimitError: Too large a share of the rows was rejected, or none was accepted.
    """
    key = identity.load_key()
    base = step_key(
        "ingest",
        *(file_sha256(path) for path in _source_files(request.sources)),
        *(path.name for path in _source_files(request.sources)),
        request.quarter,
        str(request.format_name),
        request.settings.ingest.model_dump_json(),
        identity.keyed_hash(key, request.quarter)("fingerprint"),
    )
    manifests = _find_partitions(request.work, base)
    if manifests is None:
        manifests = _write_partitions(request, base, key)
    _check_rejects(manifests, request.settings)
    return manifests


def redact_partition(request: RunRequest, ingested: Manifest) -> Manifest:
    """Redacts one partition; its conversations are those that nothing was wrong with."""
    settings = request.settings.redact
    key = step_key("redact", ingested.content_hash(), settings.model_dump_json())
    if found := find_step(request.work, "redact", key):
        return found
    with confine("redact"):
        redacted = redact_messages(
            t.Messages.validate(ingested.read("messages")),
            analyzer=_analyzer(settings),
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
            encode=_encoder(settings).encode,
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
    settings = request.settings.classify
    key = step_key(
        "classify",
        redacted.content_hash(),
        embedded.content_hash(),
        settings.model_dump_json(),
        request.settings.embed.model_sha256,
    )
    if found := find_step(request.work, "classify", key):
        return found
    with confine("classify"):
        classifications = classify.classify_conversations(
            t.Conversations.validate(redacted.read("conversations")),
            t.RedactedMessages.validate(redacted.read("messages")),
            t.ConversationEmbeddings.validate(embedded.read("embeddings")),
            prototypes=_prototypes(request.settings.embed),
            settings=settings,
        )
        counts = {
            "rows_in": redacted.tables["conversations"].row_count,
            "rows_out": classifications.height,
            "rejected": 0,
        }
        _check_balance("classify", counts)
        tables = {"classifications": classifications}
        return write_step(request.work, "classify", key, tables, counts)


@cache
def index_release(onet: str, settings: EmbedSettings, work: Path) -> Manifest:
    """Embeds the task statements of an O*NET release, once per release and encoder."""
    release = load_onet(onet)
    key = step_key("match", release.content_hash, settings.model_dump_json())
    cache_directory = work / "cache"  # public data: it may outlive the run
    if found := find_step(cache_directory, "match", key):
        return found
    with confine("match"):
        embeddings = match.embed_statements(statements(release), _encoder(settings).encode)
        return write_step(cache_directory, "match", key, {"task_embeddings": embeddings}, {})


@cache
def task_index(onet: str, settings: EmbedSettings, work: Path) -> match.TaskIndex:
    """The tasks of a release, ready for search."""
    embeddings = index_release(onet, settings, work).read("task_embeddings")
    return match.index_tasks(embeddings, task_occupations(load_onet(onet)))


def match_partition(request: RunRequest, embedded: Manifest, classified: Manifest) -> Manifest:
    """Gives the conversations of one partition their tasks."""
    settings = request.settings.match
    indexed = index_release(request.onet, request.settings.embed, request.work)
    key = step_key(
        "match",
        indexed.content_hash(),
        embedded.content_hash(),
        classified.content_hash(),
        settings.model_dump_json(),
    )
    if found := find_step(request.work, "match", key):
        return found
    with confine("match"):
        index = task_index(request.onet, request.settings.embed, request.work)
        ranked = match.rank_tasks(
            t.ConversationEmbeddings.validate(embedded.read("embeddings")),
            index,
            settings=settings,
        )
        task_matches = match.match_tasks(
            t.Classifications.validate(classified.read("classifications")),
            ranked,
            index,
            settings=settings,
        )
        outcome = task_matches.unique("conversation_id")["outcome"].cast(pl.String)
        counts = {
            "rows_in": classified.tables["classifications"].row_count,
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
    classified: Sequence[Manifest],
    matched: Sequence[Manifest],
) -> Manifest:
    """Counts the cube of the quarter, and the clusters."""
    key = step_key(
        "aggregate",
        *_hashes([*redacted, clustered, *classified, *matched]),
        request.quarter,
    )
    if found := find_step(request.work, "aggregate", key):
        return found
    with confine("aggregate"):
        conversations = _read_all(redacted, "conversations", t.Conversations)
        task_matches = _read_all(matched, "task_matches", t.TaskMatches)
        observations = aggregate.observe(
            conversations,
            _read_all(classified, "classifications", t.Classifications),
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
    classified: Sequence[Manifest],
    matched: Sequence[Manifest],
    aggregated: Manifest,
) -> Manifest:
    """Withholds what is under the floors, and counts what is not shown."""
    release = load_onet(request.onet)
    key = step_key(
        "disclose",
        *_hashes([*ingested, *redacted, clustered, *classified, *matched, aggregated]),
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
                "rows_in": _total(ingested, "rows_in"),
                "accepted": _total(redacted, "rows_out"),
            },
            rejects=_read_all([*ingested, *redacted], "rejects", t.Rejects),
            assignments=t.ClusterAssignments.validate(clustered.read("assignments")),
            classifications=_read_all(classified, "classifications", t.Classifications),
            task_matches=_read_all(matched, "task_matches", t.TaskMatches),
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


def publish_all(request: RunRequest, disclosed: Manifest) -> str:
    """Derives the released tables and publishes the database; returns the release id."""
    with confine("publish"):
        release = load_onet(request.onet)
        taxonomy = load_taxonomy(release)
        released = t.ReleasedCells.validate(disclosed.read("released_cells"))
        tables = {
            "occupation_shares": shares.occupation_shares(released, taxonomy),
            "soc_group_shares": shares.soc_group_shares(released, taxonomy),
            "task_shares": shares.task_shares(released, taxonomy),
            "collaboration_shares": shares.collaboration_shares(released, taxonomy),
            "task_depth": shares.task_depth(released, taxonomy, quarter=request.quarter),
            "clusters": disclosed.read("clusters"),
            "coverage": disclosed.read("coverage"),
            "releases": describe_release(request, release),
            "reference_task_occupations": taxonomy.task_occupations.with_columns(
                onet_release=pl.lit(release.name)
            ),
            "reference_shares": reference_shares(),
        }
        return publish.publish_release(tables, quarter=request.quarter, database=request.database)


def release_floors(settings: Settings) -> Floors:
    """The floors of a release: many more conversations where accounts are unknown."""
    disclosure = settings.disclosure
    if settings.ingest.account_unit == "unknown":
        return Floors(
            max(disclosure.unknown_account_conversation_floor, disclosure.conversation_floor), None
        )
    return Floors(disclosure.conversation_floor, disclosure.account_floor)


def describe_release(request: RunRequest, release: Release) -> dy.DataFrame[t.Releases]:
    """By which rules, code, models and packages the release is made; no clock, no path."""
    floors = release_floors(request.settings)
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES_THAT_MOVE_FIGURES}
    model = request.settings.embed.model
    public_settings = request.settings.model_dump(mode="json")
    public_settings["embed"]["model"] = Path(model).name
    row = {
        "quarter": request.quarter,
        "release_id": "",
        "platform_and_product": request.settings.publish.platform_and_product,
        "onet_release": release.name,
        "taxonomy_notice": release.notice,
        "account_unit": request.settings.ingest.account_unit,
        "time_basis": "assumed" if request.settings.ingest.assume_quarter else "started_at",
        "conversation_floor": floors.conversations,
        "account_floor": floors.accounts,
        "settings_hash": request.settings.sha256(),
        "settings_json": json.dumps(public_settings, sort_keys=True),
        "code_version": f"{importlib.metadata.version('worktally')}+{code_version()[:12]}",
        "model_name": "all-MiniLM-L6-v2" if model == "packaged" else Path(model).name,
        "model_hash": request.settings.embed.model_sha256,
        "package_versions": json.dumps(versions, sort_keys=True),
    }
    return t.Releases.validate(pl.DataFrame([row], schema=t.Releases.create_empty().schema))


@cache
def load_onet(onet: str) -> Release:
    """The task taxonomy: a directory with an O*NET release, or `starter`."""
    try:
        return load_release("starter" if onet == "starter" else Path(onet))
    except ReleaseError as error:
        raise SettingsError(f"onet: {error}") from None


def load_taxonomy(release: Release) -> shares.Taxonomy:
    """What shares need of a release: its occupations with tasks, statements and weights."""
    weights = task_occupations(release)
    return shares.Taxonomy(
        onet_release=release.name,
        occupations=release.occupations.join(weights, on="onet_soc_code", how="semi"),
        statements=statements(release),
        task_occupations=weights,
    )


@cache
def _encoder(settings: EmbedSettings) -> embed.Encoder:
    return embed.load_encoder(settings)


@cache
def _prototypes(settings: EmbedSettings) -> classify.Prototypes:
    return classify.embed_prototypes(_encoder(settings).encode)


@cache
def _analyzer(settings: RedactSettings):  # type: ignore[no-untyped-def]  # presidio is untyped
    return build_analyzer(settings)


def _source_files(sources: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for source in sources:
        files += sorted(p for p in source.iterdir() if p.is_file()) if source.is_dir() else [source]
    for path in files:
        if not path.exists():
            raise SettingsError(f"ingest: {path} does not exist")
    return files


def _find_partitions(work: Path, base: str) -> list[Manifest] | None:
    index = find_step(work, "ingest", step_key("ingest index", base))
    if index is None:
        return None
    found = [
        find_step(work, "ingest", step_key("ingest", base, str(number)))
        for number in range(index.counts["partitions"])
    ]
    manifests = [manifest for manifest in found if manifest is not None]
    return manifests if len(manifests) == len(found) else None


def _write_partitions(request: RunRequest, base: str, key: bytes) -> list[Manifest]:
    manifests: list[Manifest] = []
    with confine("ingest"):
        records = read_records(
            request.sources, format_name=request.format_name, settings=request.settings.ingest
        )
        partitions = accept_records(
            records,
            quarter=request.quarter,
            keyed_hash=identity.keyed_hash(key, request.quarter),
            settings=request.settings.ingest,
        )
        for number, partition in enumerate(partitions):
            tables = {
                "conversations": partition.conversations,
                "messages": partition.messages,
                "rejects": partition.rejects,
            }
            counts = {
                "rows_in": partition.row_count,
                "rows_out": partition.conversations.height,
                "rejected": partition.rejects.height,
            }
            step = step_key("ingest", base, str(number))
            manifests.append(write_step(request.work, "ingest", step, tables, counts))
        counts = {"partitions": len(manifests)}
        write_step(request.work, "ingest", step_key("ingest index", base), {}, counts)
    return manifests


def _check_rejects(manifests: Sequence[Manifest], settings: Settings) -> None:
    rows_in = _total(manifests, "rows_in")
    rejects = [manifest.read("rejects") for manifest in manifests]
    rules = pl.concat(rejects)["rule"] if rejects else pl.Series(dtype=pl.String)
    against = rules.filter(~rules.is_in(NOT_AGAINST_THE_LIMIT))
    top = ", ".join(
        f"{rule} {count}" for rule, count in rules.value_counts(sort=True).head(3).rows()
    )
    advice = _advice(set(rules))
    if rows_in == 0 or _total(manifests, "rows_out") == 0:
        raise RejectLimitError(f"ingest: no row of {rows_in} was accepted ({top}){advice}")
    if len(against) / rows_in > settings.ingest.reject_share_limit:
        raise RejectLimitError(
            f"ingest: {len(against)} of {rows_in} rows were rejected ({top}), more than"
            f" ingest.reject_share_limit allows{advice}"
        )


def _advice(rules: set[str]) -> str:
    advice = ""
    if "missing_time" in rules:
        advice += "; rows without a time are taken with --assume-quarter"
    if "missing_account" in rules:
        advice += "; rows without an account are taken with --account-unit unknown"
    return advice


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


def _total(manifests: Sequence[Manifest], count: str) -> int:
    return sum(manifest.counts[count] for manifest in manifests)
