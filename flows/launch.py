"""Starts a run: a private work directory, a quiet Prefect of its own, and nothing left running."""

import atexit
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from flows.identity import load_key
from flows.ingest.quarters import Quarter
from flows.judges import load_correction
from flows.loaded import load_onet
from flows.request import RunRequest
from flows.settings import SettingsError
from flows.store import (
    make_private_directory,
    private_files,
    temporary_files_in,
    tidy_work,
    write_private_file,
)

_SERVER_START_SECONDS = 120
_PREFECT_DEFAULTS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",  # a failure is told once, by our own exit
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
}


def run_quarter(request: RunRequest) -> dict[str, Any]:
    """Runs the flow over one quarter and returns its summary.

    Raises:
        SettingsError, RejectLimitError, ContractError, PrivacyGateError, StageError: See there.
    """
    Quarter.parse(request.quarter)
    load_key()
    load_onet(request.onet)
    load_correction(request.onet, request.settings)
    with _owned(request.work):
        prepare_prefect(request.work)
        path = request.work / "request.json"
        write_private_file(path, request.to_json())
        from flows.quarterly import quarterly_census

        summary = quarterly_census(str(path))
        return dict(json.loads(Path(summary).read_text("utf-8")))


def prepare_prefect(work: Path) -> None:
    """Sets Prefect's environment; it reads it when it is imported, so this comes first."""
    os.environ["PREFECT_HOME"] = str(make_private_directory(work / "prefect").resolve())
    for name, value in _PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    # Prefect's threads outlive the interpreter's modules, and DuckDB's binding then reports its own
    # types as leaked, at the very end: registered before Prefect's hooks, this is after them
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))


def serve_quarters(request: RunRequest, *, cron: str) -> None:
    """Serves the flow on a schedule until it is stopped; each run takes the quarter before it.

    Where PREFECT_API_URL names no server, one is started on this machine for as long.

    Raises:
        SettingsError: The schedule is not a cron expression, or the server did not start.
    """
    load_key()
    load_onet(request.onet)
    load_correction(request.onet, request.settings)
    with _owned(request.work):
        prepare_prefect(request.work)
        path = request.work / "schedule.json"
        write_private_file(path, request.to_json())
        with _server(request.work):
            from flows.quarterly import serve

            try:
                serve(str(path.resolve()), cron)
            except ValueError:
                raise SettingsError("serve: --cron is not a cron expression") from None


@contextmanager
def _server(work: Path) -> Iterator[None]:
    """A Prefect server of our own, on a free port of this machine; its log stays in `work`."""
    if "PREFECT_API_URL" in os.environ:
        yield
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1"]
    with (work / "server.log").open("w") as log:
        server = subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log)  # noqa: S603
    try:
        url = f"http://127.0.0.1:{port}/api"
        _wait_for(url, server)
        os.environ["PREFECT_API_URL"] = url
        yield
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        server.terminate()
        server.wait(timeout=30)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(_SERVER_START_SECONDS):
        if server.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/health", timeout=1.0).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(1.0)
    raise SettingsError(
        "serve: Prefect's server did not start; see server.log in the work directory"
    )


@contextmanager
def _owned(work: Path) -> Iterator[None]:
    """Keeps the work directory for one run at a time, readable by its owner alone.

    Temporary files lie in it, and what a killed run left unfinished goes.
    """
    with private_files(), (make_private_directory(work) / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(f"work: another run uses {work}") from None
        tidy_work(work)
        with temporary_files_in(work / "tmp"):
            yield
