"""The line from the cube on, of invented conversations of the starter taxonomy."""

import hashlib
from pathlib import Path

import duckdb
import polars as pl

from flows import release_steps, steps
from flows import tables as t
from flows.request import RunRequest
from flows.settings import load_settings
from flows.store import Manifest, write_step
from onet.release import load_release
from onet.weights import task_occupations
from taxonomy.patterns import PATTERNS
from tests.conftest import named_hash

HELD = task_occupations(load_release("starter"))
TASK_IDS = HELD["task_id"].unique().sort().to_list()

Row = tuple[str, int | str, str]
"""Name of the account, task or outcome, pattern."""


def crowd(people: int) -> list[Row]:
    """Two conversations of each account, all of a few tasks."""
    return [
        (f"a{person}", TASK_IDS[(person * place) % 5], PATTERNS[(person + place) % 5])
        for person in range(people)
        for place in (1, 3)
    ]


ROWS = [*crowd(900), *((f"n{each}", "none", "none") for each in range(200))]


def request_in(place: Path, quarter="2026Q1", **disclosure) -> RunRequest:
    return RunRequest(
        sources=(),
        quarter=quarter,
        format_name=None,
        onet="starter",
        settings=load_settings(disclosure=disclosure),
        work=place / "work",
        database=place / "lamps.duckdb",
        report_directory=place,
    )


def disclose(request: RunRequest, rows: list[Row]) -> Manifest:
    """The line from the cube on, of conversations as the stages before hand them on."""
    names = [named_hash(f"c{number}") for number in range(len(rows))]
    codes = {task: held["onet_soc_code"].to_list() for (task,), held in HELD.group_by("task_id")}
    matches = [
        (name, "matched", task, code, 1.0, 1 / len(codes[task]))
        if not isinstance(task, str)
        else (name, task, None, None, None, 1.0)
        for name, (_, task, _) in zip(names, rows, strict=True)
        for code in ([None] if isinstance(task, str) else codes[task])
    ]
    frames = {
        "conversations": [(n, named_hash(a), None, "s", None, None, None, 1)
                          for n, (a, _, _) in zip(names, rows, strict=True)],
        "messages": [(n, 0, "user", hashlib.sha512(n.encode()).hexdigest()) for n in names],
        "classifications": [(n, "en", True, 0.9, None, 0.5, p, 0.9, None, 0.5)
                            for n, (_, _, p) in zip(names, rows, strict=True)],
        "assignments": [(n, None, 0.0) for n in names],
        "task_matches": matches,
    }  # fmt: skip
    schemas = {
        "conversations": t.Conversations, "messages": t.RedactedMessages,
        "classifications": t.Classifications, "assignments": t.ClusterAssignments,
        "task_matches": t.TaskMatches,
    }  # fmt: skip
    tables = {
        name: schemas[name].validate(
            pl.DataFrame(values, schemas[name].create_empty().schema, orient="row")
        )
        for name, values in frames.items()
    }
    tables |= {"rejects": t.Rejects.create_empty(), "clusters": t.Clusters.create_empty()}
    step = write_step(request.work, "match", f"{len(rows):064}", tables, {})
    parts = ([step], step, [step], step)
    return release_steps.disclose_all(request, [], *parts, steps.aggregate_all(request, *parts))


def publish(request: RunRequest, rows: list[Row] = ROWS) -> Path:
    release_steps.publish_all(request, disclose(request, rows))
    return request.database


def ask(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()
