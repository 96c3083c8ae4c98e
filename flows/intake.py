"""Brings the sources into the work directory as partitions; stops where too much is rejected."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from flows import identity
from flows.confine import RejectLimitError, confine
from flows.ingest.accept import accept_records
from flows.ingest.read import read_records
from flows.request import RunRequest
from flows.settings import Settings, SettingsError
from flows.store import Manifest, file_sha256, find_step, step_key, total, write_step

NOT_AGAINST_THE_LIMIT = ("outside_quarter", "duplicate_id")


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
    rows_in = total(manifests, "rows_in")
    rejects = [manifest.read("rejects") for manifest in manifests]
    rules = pl.concat(rejects)["rule"] if rejects else pl.Series(dtype=pl.String)
    against = rules.filter(~rules.is_in(NOT_AGAINST_THE_LIMIT))
    top = ", ".join(
        f"{rule} {count}" for rule, count in rules.value_counts(sort=True).head(3).rows()
    )
    advice = _advice(set(rules))
    if rows_in == 0 or total(manifests, "rows_out") == 0:
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
