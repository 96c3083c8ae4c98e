"""The quarterly census, as a Prefect flow: what happens to conversations, in order.

The only module that imports prefect. It talks to the server that PREFECT_API_URL names, or starts
a temporary one of its own. Prefect sees the path of the request and nothing else of the run.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows import steps
from flows.ingest.quarters import quarter_before
from flows.request import RunRequest
from flows.run import Run
from flows.store import Manifest, write_private_file
from reports.quarterly import render_report

_stage: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False, "log_prints": False}

ingest = task(steps.ingest_sources, name="ingest", **_stage)
embed = task(steps.embed_partition, name="embed", **_stage)
cluster = task(steps.cluster_all, name="cluster", **_stage)
classify = task(steps.classify_partition, name="classify", **_stage)
index = task(steps.index_release, name="index", **_stage)
match = task(steps.match_partition, name="match", **_stage)
aggregate = task(steps.aggregate_all, name="aggregate", **_stage)
disclose = task(steps.disclose_all, name="disclose", **_stage)
publish = task(steps.publish_all, name="publish", **_stage)
report = task(render_report, name="report", **_stage)


@task(name="redact", **_stage)
def redact(request: RunRequest, ingested: Manifest) -> Manifest:
    """Redacts a partition in a process of its own: recognizers hold the interpreter's lock."""
    workers = _workers(request.settings.redact.workers)
    return workers.submit(steps.redact_partition, request, ingested).result()


@flow(name="worktally", validate_parameters=False, task_runner=ThreadPoolTaskRunner(max_workers=8))
def quarterly_census(request_path: str) -> str:
    """Counts one quarter and publishes it; returns the path of the run's summary."""
    request = RunRequest.from_json(Path(request_path).read_text("utf-8"))
    run = Run(request)

    ingested = run.whole("ingest", ingest, request)
    redacted = run.each("redact", redact.submit, ingested)
    embedded = run.each("embed", embed, redacted)
    clustered = run.whole("cluster", cluster, request, embedded)
    classified = run.each("classify", classify, redacted, embedded)
    indexed = run.whole("index", index, request.onet, request.settings.embed, request.work)
    matched = run.each("match", match, [indexed] * len(embedded), embedded, classified)
    counted = (redacted, clustered, classified, matched)
    aggregated = run.whole("aggregate", aggregate, request, *counted)
    disclosed = run.whole("disclose", disclose, request, ingested, *counted, aggregated)
    release_id = run.whole("publish", publish, request, disclosed)
    rendered = run.whole(
        "report",
        report,
        request.database,
        quarter=request.quarter,
        out=request.report_directory,
    )
    return run.finish(
        {"release_id": release_id, "report": str(rendered.html)},
        ingested=ingested,
        accepted=redacted,
        clustered=clustered,
        matched=matched,
        disclosed=disclosed,
    )


@flow(name="worktally-scheduled", validate_parameters=False)
def scheduled_census(request_path: str) -> str:
    """Counts the quarter that ended before the time this was scheduled for."""
    path = Path(request_path)
    request = RunRequest.from_json(path.read_text("utf-8"))
    scheduled: datetime = flow_run.get_scheduled_start_time()
    request = replace(request, quarter=quarter_before(scheduled).name)
    of_quarter = path.with_name(f"request-{request.quarter}.json")
    write_private_file(of_quarter, request.to_json())
    return quarterly_census(str(of_quarter))


def serve(request_path: str, cron: str) -> None:
    """Serves the scheduled flow until it is stopped.

    Raises:
        ValueError: `cron` is not a cron expression.
    """
    scheduled_census.serve(
        name="quarterly", cron=cron, parameters={"request_path": request_path}, print_starting_message=False
    )


@cache
def _workers(count: int) -> ProcessPoolExecutor:
    # started anew, not forked: a fork would copy the locks of Prefect's threads
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))
