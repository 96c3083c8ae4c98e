"""Walks the stages of one run: shows progress, keeps the books, writes the summary, purges."""

import json
import resource
import sys
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console

from flows.progress import RunProgress, StageRecord, start_logging
from flows.request import RunRequest
from flows.store import Manifest, purge_steps, write_private_file

_ASKED = "language_model_"  # counts of the rank step that begin so are a language model's


class Run:
    """Progress and books of one run; decides no figure."""

    def __init__(self, request: RunRequest) -> None:
        start_logging()
        self.request = request
        self.progress = RunProgress(Console(stderr=True))

    def whole(self, stage: str, step: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Runs a step over everything at once."""
        with self.progress.stage(stage) as (record, advance):
            result = step(*arguments, **named)
            advance()
            _fill(record, result if isinstance(result, list) else [result])
        return result

    def each(
        self, stage: str, step: Callable[..., Any], *partitions: Sequence[Manifest]
    ) -> list[Manifest]:
        """Runs a step over each partition; one that hands back futures runs beside itself."""
        calls = list(zip(*partitions, strict=True))
        with self.progress.stage(stage, len(calls)) as (record, advance):
            outcomes = []
            for call in calls:
                outcomes.append(step(self.request, *call))
                if isinstance(outcomes[-1], Manifest):
                    advance()
            results = [_resolve(outcome, advance) for outcome in outcomes]
            _fill(record, results)
        return results

    def finish(
        self,
        published: dict[str, str],
        *,
        ingested: Sequence[Manifest],
        accepted: Sequence[Manifest],
        clustered: Manifest,
        ranked: Sequence[Manifest],
        matched: Manifest,
        disclosed: Manifest,
    ) -> str:
        """Writes the summary, the form of `worktally run --json`, and returns its path.

        The work directory is purged of everything per conversation unless it is to be kept.
        """
        rejected = [record.rejected for record in self.progress.records]
        summary = {
            "quarter": self.request.quarter,
            "rows_in": sum(part.counts["rows_in"] for part in ingested),
            "accepted": sum(part.counts["rows_out"] for part in accepted),
            "rejected": {rule: count for rules in rejected for rule, count in rules.items()},
            "unclustered": clustered.counts["unclustered"],
            "not_classified": matched.counts["not_classified"],
            "language_model": _language_model_outcomes(ranked),
            "withheld_cells": disclosed.counts["withheld_cells"],
            "released_cells": disclosed.counts["released_cells"],
            "stages": [_summarize(record) for record in self.progress.records],
            "peak_memory_bytes": _peak_memory(),
            "database": str(self.request.database),
            **published,
        }
        path = self.request.work / "summary.json"
        write_private_file(path, json.dumps(summary, indent=1))
        if not self.request.settings.publish.keep_work:
            purge_steps(self.request.work)
        return str(path)


def _resolve(outcome: Any, advance: Callable[[], None]) -> Manifest:
    if isinstance(outcome, Manifest):
        return outcome
    manifest: Manifest = outcome.result()
    advance()
    return manifest


def _fill(record: StageRecord, results: Sequence[Any]) -> None:
    manifests = [result for result in results if isinstance(result, Manifest)]
    record.rows_in = sum(manifest.counts.get("rows_in", 0) for manifest in manifests)
    record.rows_out = sum(manifest.counts.get("rows_out", 0) for manifest in manifests)
    rejected: dict[str, int] = {}
    for manifest in manifests:
        if "rejects" in manifest.tables:
            for rule, count in manifest.read("rejects")["rule"].value_counts().rows():
                rejected[rule] = rejected.get(rule, 0) + count
    record.rejected = dict(sorted(rejected.items()))


def _language_model_outcomes(ranked: Sequence[Manifest]) -> dict[str, int]:
    """How many conversations a language model judged, or failed to; empty where none is used."""
    names = sorted({name for part in ranked for name in part.counts if name.startswith(_ASKED)})
    return {
        name.removeprefix(_ASKED): sum(part.counts.get(name, 0) for part in ranked)
        for name in names
    }


def _summarize(record: StageRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "seconds": round(record.seconds, 3),
        "rows_in": record.rows_in,
        "rows_out": record.rows_out,
    }


def _peak_memory() -> int:
    """Bytes: of this process, plus the largest of its children."""
    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return unit * (own + children)
