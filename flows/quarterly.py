"""The quarterly census, as a Prefect flow: what happens to conversations, in order.

The only module that imports prefect. It talks to the server that PREFECT_API_URL names, or starts
a temporary one of its own. Prefect sees the path of the request and nothing else of the run.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task, flow
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows import release_steps, steps
from flows.confine import speak
from flows.ingest.quarters import quarter_before
from flows.intake import ingest_sources
from flows.progress import logger
from flows.request import RunRequest
from flows.run import Run
from flows.store import Manifest, write_private_file
from flows.workers import start_workers
from reports.quarterly import render_report

_PARTITIONS_PER_WORKER = 20

P = ParamSpec("P")
R = TypeVar("R")


def _stage(name: str, step: Callable[P, R]) -> Task[P, R]:
    # no result is kept and nothing is cached by Prefect: the work directory does that, privately
    return Task(step, name=name, cache_policy=NO_CACHE, persist_result=False, log_prints=False)


def _redact_in_worker(request: RunRequest, ingested: Manifest) -> Manifest:
    # recognizers hold the interpreter's lock: only processes run beside each other
    workers = _workers(request.settings.redact.workers)
    return workers.submit(steps.redact_partition, request, ingested).result()


ingest = _stage("ingest", ingest_sources)
redact = _stage("redact", _redact_in_worker)
embed = _stage("embed", steps.embed_partition)
cluster = _stage("cluster", steps.cluster_all)
classify = _stage("classify", steps.classify_partition)
rank = _stage("rank", steps.rank_partition)
match = _stage("match", steps.match_all)
aggregate = _stage("aggregate", steps.aggregate_all)
disclose = _stage("disclose", release_steps.disclose_all)
publish = _stage("publish", release_steps.publish_all)
report = _stage("report", render_report)

_threads: Any = ThreadPoolTaskRunner(max_workers=8)


@flow(name="worktally", validate_parameters=False, task_runner=_threads)
def quarterly_census(request_path: str) -> str:
    """Counts one quarter and publishes it; returns the path of the run's summary."""
    request = RunRequest.from_json(Path(request_path).read_text("utf-8"))
    run = Run(request)

    ingested = run.whole("ingest", ingest, request)
    redacted = run.each("redact", redact.submit, ingested)
    embedded = run.each("embed", embed, redacted)
    clustered = run.whole("cluster", cluster, request, embedded)
    classified = run.each("classify", classify, redacted, embedded)
    ranked = run.each("rank", rank, redacted, embedded, classified)
    matched = run.whole("match", match, request, ranked, clustered)
    counted = (redacted, clustered, ranked, matched)
    aggregated = run.whole("aggregate", aggregate, request, *counted)
    disclosed = run.whole("disclose", disclose, request, ingested, *counted, aggregated)
    published = run.whole("publish", publish, request, disclosed)
    rendered = run.whole(
        "report",
        report,
        request.database,
        quarter=request.quarter,
        out=request.report_directory,
    )
    return run.finish(
        {"release_id": published.key, "report": str(rendered.html)},
        ingested=ingested,
        accepted=redacted,
        clustered=clustered,
        ranked=ranked,
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
    try:
        return quarterly_census(str(of_quarter))
    except Exception as error:
        logger.error("%s failed, nothing was published: %s", request.quarter, speak(error))
        raise


def serve(request_path: str, cron: str) -> None:
    """Serves the scheduled flow until it is stopped.

    Raises:
        ValueError: `cron` is not a cron expression.
    """
    scheduled_census.serve(
        name="quarterly",
        cron=cron,
        parameters={"request_path": request_path},
        print_starting_message=False,
    )


@cache
def _workers(count: int) -> ProcessPoolExecutor:
    return start_workers(count)
