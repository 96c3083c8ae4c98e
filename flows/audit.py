"""Checks a finished database and work directory against what a release promises."""

import math
import stat
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from flows.confine import ContractError
from flows.database import floor_check
from flows.disclosure.attacker import InfeasibleError
from flows.disclosure.floors import ACCOUNT_FLOOR, CONVERSATION_FLOOR
from flows.disclosure.gate import Method, Shown, attack
from flows.disclosure.lattice import UNIT, unit_weights
from flows.publish import log_beside, verify_database
from flows.settings import SettingsError
from flows.tables import RELEASED_TABLES

_BELOW_OWN = "suppression = 'none' AND conversation_count < conversation_floor"


@dataclass(frozen=True)
class Check:
    """One check: `figure` is what was found, `limit` the most that passes."""

    name: str
    passed: bool
    figure: int
    limit: int


def audit(database: Path | None, work: Path | None) -> dict[str, Any]:
    """Runs every check that applies, in the form of `worktally audit --json`.

    Raises:
        SettingsError: There is neither a database nor a work directory to audit.
    """
    checks = []
    if database is not None and database.exists():
        checks += _audit_database(database)
    if work is not None and work.exists():
        checks += _audit_work(work)
    if not checks:
        raise SettingsError("audit: found neither a database nor a work directory")
    return {
        "passed": all(check.passed for check in checks),
        "checks": [asdict(check) for check in checks],
    }


def _audit_database(database: Path) -> list[Check]:
    if log_beside(database).exists():  # a strange one would keep the database from being opened
        return [_at_most("database: write-ahead log beside it", 1, 0)]
    try:
        verify_database(database)
        broken = 0
    except ContractError:
        broken = 1
    except duckdb.Error:
        raise SettingsError(f"audit: {database} is not a database of released tables") from None
    checks = [_at_most("database verifies: tables, keys, views", broken, 0)]
    with duckdb.connect(str(database), read_only=True) as connection:
        for name, table in RELEASED_TABLES.items():
            condition = floor_check(table)
            if condition is None:
                continue
            rows = _count(connection, f"{name} WHERE NOT {condition}")
            checks.append(_at_most(f"{name}: rows under the floors", rows, 0))
            below = _count(connection, f"releases JOIN {name} USING (quarter) WHERE {_BELOW_OWN}")
            checks.append(_at_most(f"{name}: rows under the release's own floors", below, 0))
        low = _count(
            connection,
            f"releases WHERE conversation_floor < {CONVERSATION_FLOOR}"
            f" OR account_floor < {ACCOUNT_FLOOR}",
        )
        checks.append(_at_most("releases with a floor under the constant", low, 0))
        extra = {
            name
            for (name,) in connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
            ).fetchall()
        } - set(RELEASED_TABLES)
        checks.append(_at_most("tables that are not in the data dictionary", len(extra), 0))
        if not broken:
            rounded = _rounded_releases(connection)
            missing = _count(connection, "releases") - len(rounded)
            checks.append(_at_most("releases that do not say how they were rounded", missing, 0))
            checks += [_attack(connection, *release) for release in rounded]
    return checks


def _rounded_releases(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, Method]]:
    """Quarter, O*NET release and method of each release."""
    rows = connection.execute(
        "SELECT quarter, onet_release, rounding_base, value, conversation_floor, account_floor"
        " FROM releases JOIN disclosure USING (quarter) WHERE measure = 'rounding_reach'"
        " ORDER BY quarter"
    ).fetchall()
    methods = []
    for quarter, onet_release, base, reach, floor, account_floor in rows:
        least = -(-floor // base) * base
        method = Method(base, reach, least, math.inf if account_floor else float(least))
        methods.append((quarter, onet_release, method))
    return methods


def _attack(
    connection: duckdb.DuckDBPyConnection, quarter: str, onet_release: str, method: Method
) -> Check:
    """Runs the release gate on what the tables say."""
    query = files("flows").joinpath("audit.sql").read_text("utf-8")
    cells = pl.DataFrame(
        connection.execute(query, {"quarter": quarter}).fetchall(),
        schema={**dict.fromkeys((*UNIT, "pattern"), pl.String), "usage": pl.Float64},
        orient="row",
    )
    held = pl.DataFrame(
        connection.execute(
            "SELECT task_id, onet_soc_code, weight FROM reference_task_occupations"
            " WHERE onet_release = ? ORDER BY ALL",
            [onet_release],
        ).fetchall(),
        schema={"task_id": pl.Int64, "onet_soc_code": pl.String, "weight": pl.Float64},
        orient="row",
    )
    name = f"{quarter}: withheld figures that can be found out to less than {method.base - 1}"
    try:
        shown = Shown(cells.unique([*UNIT, "pattern"]), method)
        verdict = attack(unit_weights(held), [shown], wanted=method.base - 1.0)
    except InfeasibleError:
        return _at_most(f"{quarter}: figures that contradict each other", 1, 0)
    return _at_most(name, len(verdict.narrow), 0)


def _audit_work(work: Path) -> list[Check]:
    files = [path for path in work.rglob("*") if path.is_file()]
    left = [path for path in files if (work / "steps") in path.parents]
    unfinished = [path for path in files if ".writing" in str(path.relative_to(work))]
    readable = 0 if _is_private(work) else 1
    return [
        _at_most("work: tables of single conversations left", len(left), 0),
        _at_most("work: directory that others can enter", readable, 0),
        _at_most("work: unfinished writes", len(unfinished), 0),
    ]


def _is_private(path: Path) -> bool:
    return not stat.S_IMODE(path.stat().st_mode) & 0o077


def _count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {source}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def _at_most(name: str, figure: int, limit: int) -> Check:
    return Check(name, figure <= limit, figure, limit)
