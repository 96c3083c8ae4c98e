import hashlib
import ipaddress
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings

from flows import tables as t
from flows.aggregate import aggregate_cells
from flows.disclosure import thresholds
from flows.disclosure.thresholds import PrimaryRules
from flows.shares import (
    Taxonomy,
    collaboration_shares,
    occupation_shares,
    soc_group_shares,
    task_depth,
    task_shares,
)
from tests.exact import withhold_cells

# machines are shared: how long an example takes says nothing
settings.register_profile("worktally", deadline=None)
settings.load_profile("worktally")

CODER, TESTER, WRITER, CLERK = "15-1252.00", "15-1253.00", "27-3042.00", "43-9061.00"
OCCUPATIONS = {
    CODER: "Lamp Coders",
    TESTER: "Lamp Testers",
    WRITER: "Lamp Writers",
    CLERK: "Lamp Clerks",
}
TASKS = {
    1: ("Program lamps.", (CODER,)),
    2: ("Test lamps.", (CODER, TESTER, WRITER)),
    3: ("Describe lamps.", (CODER, WRITER)),
    4: ("Tell stories of lamps.", (WRITER,)),
    5: ("File forms about lamps.", (CLERK,)),
    6: ("Dust lamps.", (CLERK,)),
}
BLOCKS = [  # task or outcome, pattern, conversations, accounts
    (1, "directive", 20, 6),
    (2, "task_iteration", 18, 6),
    (3, "learning", 15, 5),
    (3, "feedback_loop", 14, 5),
    (4, "feedback_loop", 16, 4),
    (5, "validation", 3, 3),
    ("none", "none", 10, 5),
    ("not_classified", "not_classified", 4, 4),
]

Block = tuple[int | str, str, int, int]
Row = tuple[str, str | None, int | str, str]
"""Name of the conversation, name of the account, task or outcome, pattern."""


def named_hash(name: str) -> str:
    """32 hexadecimal digits for a name of up to 16 letters."""
    return name.encode().hex().ljust(32, "0")


def expand(blocks: Sequence[Block], known: bool = True) -> list[Row]:
    """A row per conversation; the accounts of all blocks are the same few people."""
    number = count()
    return [
        (f"c{next(number)}", f"a{each % accounts}" if known else None, task, pattern)
        for task, pattern, conversations, accounts in blocks
        for each in range(conversations)
    ]


@pytest.fixture(scope="session")
def mini_taxonomy() -> Taxonomy:
    """Four invented occupations; task 2 lies in two major groups, and twice in one of them."""
    held = [
        (task, code, 1 / len(codes)) for task, (_, codes) in TASKS.items() for code in sorted(codes)
    ]
    return Taxonomy(
        onet_release="mini-1",
        occupations=pl.DataFrame(
            list(OCCUPATIONS.items()), ["onet_soc_code", "occupation_title"], orient="row"
        ),
        statements=pl.DataFrame(
            [(task, text, len(codes)) for task, (text, codes) in TASKS.items()],
            ["task_id", "statement", "occupation_count"],
            orient="row",
        ),
        task_occupations=pl.DataFrame(held, ["task_id", "onet_soc_code", "weight"], orient="row"),
    )


@pytest.fixture(scope="session")
def observed() -> Callable[[list[Row]], pl.DataFrame]:
    def observe(rows: list[Row]) -> pl.DataFrame:
        flat = []
        for name, account, task, pattern in rows:
            who = (named_hash(name), None if account is None else named_hash(account))
            if isinstance(task, str):
                flat.append((*who, task, None, None, 1.0, pattern, 1.0))
                continue
            codes = TASKS[task][1]
            flat += [(*who, "matched", task, code, 1 / len(codes), pattern, 1.0) for code in codes]
        schema = t.Observations.create_empty().schema
        return t.Observations.validate(pl.DataFrame(flat, schema, orient="row"), cast=True)

    return observe


@pytest.fixture(scope="session")
def usage() -> Callable[..., list[Row]]:
    """Rows of conversations; those of the usual quarter unless blocks are given."""
    return lambda blocks=None, **known: expand(BLOCKS if blocks is None else blocks, **known)


@pytest.fixture(scope="session")
def release_tables(mini_taxonomy, observed) -> Callable[..., dict[str, pl.DataFrame]]:
    """Every table of a release of invented usage, as publish takes them."""

    @cache
    def build(quarter, blocks, floors, gate) -> dict[str, pl.DataFrame]:
        rows = expand(blocks, known=floors.accounts is not None)
        released = withhold_cells(aggregate_cells(observed(rows), quarter=quarter), floors)
        return {
            "occupation_shares": occupation_shares(released, mini_taxonomy),
            "soc_group_shares": soc_group_shares(released, mini_taxonomy),
            "task_shares": task_shares(released, mini_taxonomy),
            "collaboration_shares": collaboration_shares(released, mini_taxonomy),
            "task_depth": task_depth(released, mini_taxonomy, quarter=quarter),
            "clusters": _cluster(quarter, floors),
            "coverage": _coverage(quarter, len(rows)),
            "disclosure": _disclosure(quarter),
            "releases": _release(quarter, floors),
            "reference_task_occupations": mini_taxonomy.task_occupations.with_columns(
                onet_release=pl.lit("mini-1")
            ),
            "reference_shares": pl.DataFrame(
                [("Lamp Gazette", "mode", "automation", "five", 0.4)],
                t.ReferenceShares.create_empty().schema,
                orient="row",
            ),
        }

    def tables(
        quarter: str = "2026Q1",
        blocks: Sequence[Block] = BLOCKS,
        floors: PrimaryRules = PrimaryRules(15, 5),  # noqa: B008
    ) -> dict[str, pl.DataFrame]:
        # kept by the gate too: a test that takes it away gets tables of its own
        return dict(build(quarter, tuple(blocks), floors, thresholds._passes))

    return tables


def _cluster(quarter: str, floors: PrimaryRules) -> pl.DataFrame:
    row = (quarter, 0, 0, None, "Program lamps.", 1, floors.conversations + 10, "none")
    schema = t.ReleasedClusters.create_empty().schema
    return t.ReleasedClusters.validate(pl.DataFrame([row], schema, orient="row"))


def _coverage(quarter: str, rows_in: int) -> pl.DataFrame:
    rows = [
        (quarter, "ingest", "rows_in", "rows of the sources", rows_in, None, None),
        (quarter, "ingest", "rejected", "malformed_json", 0, rows_in, 0.0),
    ]
    return pl.DataFrame(rows, t.Coverage.create_empty().schema, orient="row")


def _disclosure(quarter: str) -> pl.DataFrame:
    rows = [
        (quarter, "attacked_figures", 12.0, "Withheld figures that were attacked"),
        (quarter, "rounding_reach", 1.0, "The truth is less than this away from a shown figure"),
    ]
    return pl.DataFrame(rows, t.Disclosure.create_empty().schema, orient="row")


def _release(quarter: str, floors: PrimaryRules) -> pl.DataFrame:
    unit = "unknown" if floors.accounts is None else "account"
    row = (
        *(quarter, "", "Lamp assistant", "mini-1", "invented", unit, "started_at"),
        *(
            floors.conversations,
            floors.accounts,
            1,
            10,
            10,
            "rounding",
            None,
            None,
            None,
            "0",
            "{}",
            "0",
            "none",
            "0",
            "0",
            "v",
            "{}",
        ),
    )
    return pl.DataFrame([row], t.Releases.create_empty().schema, orient="row")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("WORKTALLY_TEST_DATA", default))
    if not path.is_dir():
        pytest.skip("neither ../shared/data nor WORKTALLY_TEST_DATA exists")
    return path


@pytest.fixture(scope="session", autouse=True)
def invented_key() -> Iterator[str]:
    """No test makes or reads the key of whoever runs it."""
    key = hashlib.sha256(b"the key of our tests").hexdigest()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKTALLY_KEY", key)
        yield key


@pytest.fixture(scope="session", autouse=True)
def sealed_network() -> Iterator[None]:
    """No test leaves the machine."""
    connect = socket.socket.connect

    def connect_here(own: socket.socket, address) -> None:
        if own.family != socket.AF_UNIX and not _is_loopback(address[0]):
            raise RuntimeError("a test reaches for the network")
        connect(own, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield


def _is_loopback(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host).is_loopback
