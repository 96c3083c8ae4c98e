"""Checks a finished database and work directory against what a release promises."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from flows.confine import ContractError, RefusedCell
from flows.database import floor_check
from flows.disclosure.floors import ACCOUNT_FLOOR, CONVERSATION_FLOOR
from flows.disclosure.gate import Method, Shown, attack
from flows.disclosure.lattice import UNIT, unit_weights
from flows.disclosure.refused import MOST_CELLS, name_narrow
from flows.publish import log_beside, verify_database
from flows.remains import count_open_files, count_unpurged, look_for_canaries
from flows.settings import SettingsError
from flows.tables import RELEASED_TABLES

_WITHIN_BUDGET = "COALESCE(epsilon <= epsilon_spent AND epsilon_spent <= epsilon_total, FALSE)"
_WITHOUT_NOISE = (
    "measure NOT IN ('counted', 'none', 'not_classified', 'released_cells', 'withheld_cells',"
    " 'withheld_usage') OR stage = 'classify' AND detail <> 'pattern'"
)
_ROWS = 10_000
_WITHOUT_LIMITS = (
    "releases JOIN soc_group_shares USING (quarter) WHERE uncapped_usage IS NOT NULL AND NOT"
    " COALESCE(soc_level = 'major' AND allocation_rule = 'split' AND disclosure_mode = 'rounding'"
    " AND uncapped_usage >= usage AND uncapped_usage % rounding_base = 0, FALSE)"
)
_BELOW_OWN = "suppression = 'none' AND conversation_count < conversation_floor"


@dataclass(frozen=True)
class Check:
    """One check: `figure` is what was found, `limit` the most that passes."""

    name: str
    passed: bool
    figure: int
    limit: int


def audit(database: Path | None, work: Path | None, canaries: Sequence[str] = ()) -> dict[str, Any]:
    """Runs every check that applies, in the form of `worktally audit --json`.

    Args:
        database: A finished database, with its reports and its ledger beside it.
        work: The work directory of its run.
        canaries: Strings that were planted in the conversations, to be looked for everywhere.

    Raises:
        SettingsError: There is neither a database nor a work directory to audit.
    """
    checks: list[Check] = []
    refused: list[dict[str, Any]] = []
    database = database if database is not None and database.exists() else None
    work = work if work is not None and work.exists() else None
    if database is None and work is None:
        raise SettingsError("audit: found neither a database nor a work directory")
    if database is not None:
        checks, refused = _audit_database(database)
    if work is not None:
        checks.append(_at_most("files readable by others", count_open_files(database, work), 0))
        checks.append(_at_most("work directory purged", count_unpurged(work), 0))
    if canaries:
        values = () if database is None else _values(database)
        found = look_for_canaries(database, work, canaries, values)
        checks += [_at_most(name, figure, 0) for name, figure in found.items()]
    return {
        "passed": all(check.passed for check in checks),
        "checks": [asdict(check) for check in checks],
        "refused_cells": refused,
    }


def _audit_database(database: Path) -> tuple[list[Check], list[dict[str, Any]]]:
    """The checks of a database, and the cells that the release gate refuses."""
    if log_beside(database).exists():  # a strange one would keep the database from being opened
        return [_at_most("database: write-ahead log beside it", 1, 0)], []
    try:
        verify_database(database)
        broken = 0
    except ContractError:
        broken = 1
    except duckdb.Error:
        raise SettingsError(f"audit: {database} is not a database of released tables") from None
    checks, refused = [_at_most("database verifies: tables, keys, views", broken, 0)], []
    with duckdb.connect(str(database), read_only=True) as connection:
        for name, table in RELEASED_TABLES.items():
            condition = floor_check(table)
            if condition is None:
                continue
            rows = _count(connection, f"{name} WHERE NOT {condition}")
            checks.append(_at_most(f"{name}: rows under the floors", rows, 0))
            below = _count(connection, f"releases JOIN {name} USING (quarter) WHERE {_BELOW_OWN}")
            checks.append(_at_most(f"{name}: rows under the release's own floors", below, 0))
        untold = _count(connection, _WITHOUT_LIMITS)
        checks.append(_at_most("usage without limits that must not be told", untold, 0))
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
            protected = _protected_releases(connection)
            missing = _count(connection, "releases WHERE disclosure_mode <> 'dp'") - len(protected)
            checks.append(_at_most("releases that do not say how they were rounded", missing, 0))
            for release in protected:
                check, cells = _attack(connection, *release)
                checks.append(check)
                refused += [{"quarter": release[0], **asdict(cell)} for cell in cells]
            checks += _audit_noise(connection)
    return checks, refused[:MOST_CELLS]


def _protected_releases(
    connection: duckdb.DuckDBPyConnection,
) -> list[tuple[str, str, Method, float]]:
    """Quarter, O*NET release, method, and least width of what is withheld, of each release."""
    rows = connection.execute(
        "SELECT quarter, onet_release, disclosure_mode, rounding_base, conversation_floor,"
        " greatest(conversation_floor, coalesce(account_floor * account_conversation_limit, 0)),"
        " max(value) FILTER (measure = 'rounding_reach') AS reach,"
        " max(value) FILTER (measure = 'sums_known_from')"
        " FROM releases JOIN disclosure USING (quarter) WHERE disclosure_mode <> 'dp'"
        " GROUP BY ALL HAVING reach IS NOT NULL ORDER BY quarter"
    ).fetchall()
    releases = []
    for quarter, onet_release, mode, base, floor, least, reach, told in rows:
        step, sums_from = base, None
        if mode == "suppression":
            step, sums_from = 1, np.inf if told is None else max(told, least)
        method = Method(step, reach, floor, sums_from)
        releases.append((quarter, onet_release, method, base - 1.0))
    return releases


def _attack(
    connection: duckdb.DuckDBPyConnection,
    quarter: str,
    onet_release: str,
    method: Method,
    wanted: float,
) -> tuple[Check, list[RefusedCell]]:
    """Runs the release gate on what the tables say; also names what it refuses."""
    told = _told_cells(connection, quarter, ("none", "primary", "complementary"))
    if _contradicts_itself(told):
        return _at_most(f"{quarter}: figures that contradict each other", 1, 0), []
    name = f"{quarter}: withheld figures that can be found out to less than {wanted:g}"
    try:
        tells = pl.col("usage").is_not_null() | (pl.col("suppression") == "complementary")
        shown = Shown(told.filter(tells).drop("suppression"), method)
        verdict = attack(_weights(connection, onet_release), [shown], wanted=wanted)
    except ContractError:
        return _at_most(f"{quarter}: figures that contradict each other", 1, 0), []
    return _at_most(name, len(verdict.narrow), 0), name_narrow(verdict, wanted=wanted)


def _audit_noise(connection: duckdb.DuckDBPyConnection) -> list[Check]:
    """The budget of the database, and for each quarter whether all it tells has noise."""
    releases = connection.execute(
        "SELECT quarter, onet_release FROM releases WHERE disclosure_mode = 'dp' ORDER BY quarter"
    ).fetchall()
    if not releases:
        return []
    over = _count(connection, f"releases WHERE disclosure_mode = 'dp' AND NOT {_WITHIN_BUDGET}")
    spent = (
        "(SELECT fsum(epsilon) AS spent, max(epsilon_spent) AS told FROM releases)"
        " WHERE spent > told * (1 + 1e-9)"
    )
    checks = [
        _at_most("releases over their budget of privacy", over, 0),
        _at_most("releases that tell less than they spent", _count(connection, spent), 0),
    ]
    for quarter, onet_release in releases:
        # counts of the outcomes without a task are told as whole numbers, rounded from noisy ones
        is_told = (pl.col("unit_level") != "all") | (pl.col("unit_id") == "all")
        cells = _told_cells(connection, quarter, ("none", "too_noisy")).filter(is_told)
        contradictions = int(_contradicts_itself(cells))
        keys = _weights(connection, onet_release).filter(is_told).select(UNIT).unique()
        missing = keys.join(cells.filter(pl.col("pattern") == "all"), on=UNIT, how="anti").height
        figures = cells["usage"].drop_nulls()
        whole = int((figures == figures.round()).sum())
        of_quarter = f"WHERE quarter = '{quarter}'"
        beside = _count(connection, f"clusters {of_quarter}")
        beside += _count(connection, f"coverage {of_quarter} AND ({_WITHOUT_NOISE})")
        checks += [
            _at_most(f"{quarter}: figures that contradict each other", contradictions, 0),
            _at_most(f"{quarter}: units of the taxonomy without a row", missing, 0),
            _at_most(f"{quarter}: figures that are whole numbers", whole, len(figures) // 1_000),
            _at_most(f"{quarter}: rows about what was given no noise", beside, 0),
        ]
    return checks


def _told_cells(
    connection: duckdb.DuckDBPyConnection, quarter: str, suppressions: tuple[str, ...]
) -> pl.DataFrame:
    query = files("flows").joinpath("audit.sql").read_text("utf-8")
    return pl.DataFrame(
        connection.execute(query, {"quarter": quarter, "told": list(suppressions)}).fetchall(),
        schema={
            **dict.fromkeys((*UNIT, "pattern"), pl.String),
            "usage": pl.Float64,
            "suppression": pl.String,
        },
        orient="row",
    )


def _contradicts_itself(cells: pl.DataFrame) -> bool:
    """Whether one figure is told in two ways."""
    return bool(cells.select(pl.struct(*UNIT, "pattern").is_duplicated().any()).item())


def _weights(connection: duckdb.DuckDBPyConnection, onet_release: str) -> pl.DataFrame:
    held = connection.execute(
        "SELECT task_id, onet_soc_code, weight FROM reference_task_occupations"
        " WHERE onet_release = ? ORDER BY ALL",
        [onet_release],
    ).fetchall()
    schema = {"task_id": pl.Int64, "onet_soc_code": pl.String, "weight": pl.Float64}
    return unit_weights(pl.DataFrame(held, schema=schema, orient="row"))


def _values(database: Path) -> Iterator[bytes]:
    """The text of all tables, column by column: in the pages it may be compressed."""
    if log_beside(database).exists():
        return
    with duckdb.connect(str(database), read_only=True) as connection:
        columns = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns()"
            " SEMI JOIN duckdb_tables() USING (schema_name, table_name) WHERE NOT internal"
        ).fetchall()
        for schema, table, column in columns:
            source = ".".join(_quoted(name) for name in (schema, table))
            rows = connection.execute(
                f"SELECT DISTINCT {_quoted(column)}::VARCHAR FROM {source}"  # noqa: S608
            )
            while values := rows.fetchmany(_ROWS):
                yield "\n".join(value for (value,) in values if value is not None).encode()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {source}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def _at_most(name: str, figure: int, limit: int) -> Check:
    return Check(name, figure <= limit, figure, limit)
