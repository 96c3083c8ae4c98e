from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.confine import ContractError
from flows.ingest import accept
from flows.ingest.quarters import Quarter
from flows.ingest.records import Message, Record
from flows.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    ("time", "is_in"),
    [
        ("2025-12-31T23:59:59.999999Z", False),
        ("2026-01-01T00:00:00Z", True),
        ("2026-01-01T00:00:00", True),
        ("2026-01-01", True),
        ("2026-01-01T00:59:59.999999+01:00", False),
        ("2026-01-01T01:00:00+01:00", True),
        ("2025-12-31T19:00:00-05:00", True),
        ("2026-03-31T23:59:59.999999Z", True),
        ("2026-03-31T23:59:59.9999999Z", True),
        ("2026-03-31 23:59:59.999999", True),
        ("2026-04-01T00:00:00Z", False),
        ("2026-04-01T05:29:59.999999+05:30", True),
        ("2026-03-31T19:00:00-05:00", False),
        (1_767_225_599, False),
        (1_767_225_600, True),
        (1_767_225_599_999, False),
        (1_767_225_600_000, True),
        ("1767225600000", True),
        ("1775001599.999", True),
        ("1775001599.99999999", True),
        (1_775_001_599.999999, True),
        (1_775_001_599_999.9, True),
        ("1775001600", False),
        (1_775_001_600.0, False),
    ],
)
def test_an_instant_on_the_edge_is_in_the_quarter_or_not(
    ingest: Callable, row: Callable, time: str | float, is_in: bool
) -> None:
    found = ingest([row(created=time)])
    assert found.rejected == ([] if is_in else [("outside_quarter", 1)])


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("2026Q1", (2026, 1, 1), (2026, 4, 1)),
        ("2026Q2", (2026, 4, 1), (2026, 7, 1)),
        ("2026Q3", (2026, 7, 1), (2026, 10, 1)),
        ("2026Q4", (2026, 10, 1), (2027, 1, 1)),
    ],
)
def test_a_quarter_is_three_months(name: str, start: tuple, end: tuple) -> None:
    quarter = Quarter.parse(name)
    assert (quarter.name, quarter.start, quarter.end) == (
        name, datetime(*start, tzinfo=UTC), datetime(*end, tzinfo=UTC)
    )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["", "2026", "2026Q0", "2026Q5", "2026q1", " 2026Q1", "2026Q1\n", "٢٠٢٦Q1", "0026Q1"]
)
def test_what_is_not_written_like_a_quarter_stops_before_a_record_is_taken(
    name: str, hash_id: Callable[[str], str]
) -> None:
    with pytest.raises(SettingsError, match="2026Q1"):
        accept.accept_records(
            iter([]), quarter=name, keyed_hash=hash_id, settings=load_settings().ingest
        )


def test_ids_are_hashed_with_what_they_are_ids_of(
    ingest: Callable, row: Callable, hash_id: Callable[[str], str]
) -> None:
    found = ingest([row(id=12, user="12")])
    identity = found.conversations.select("conversation_id", "account_id").row(0)
    assert identity == (hash_id("conversation:12"), hash_id("account:12"))
    assert found.own_ids == {identity[0]: "12"}
    assert set(found.messages["conversation_id"]) == {identity[0]}


def test_the_first_of_a_repeated_id_wins_over_the_whole_source(
    ingest: Callable, row: Callable
) -> None:
    rows = [
        row(model="first"),
        row(id="c2"),
        row(id="c3"),
        row(model="again"),
        row(id=5),
        row(id="5"),
    ]
    found = ingest(rows, partition_conversations=1)
    assert found.accepted == ["c1", "c2", "c3", "5"]
    assert found.conversations["model"][0] == "first"
    assert found.rejected == [("duplicate_id", 4), ("duplicate_id", 6)]


def test_a_rejected_row_does_not_use_up_its_id(ingest: Callable, row: Callable) -> None:
    found = ingest([row(created="2020-01-01"), row()])
    assert (found.accepted, found.rejected) == (["c1"], [("outside_quarter", 1)])


@pytest.mark.parametrize(
    ("account_unit", "quarter", "rejected", "accounts"),
    [
        ("account", "2026Q1", [("missing_account", 2)], 1),
        ("unknown", "2026Q1", [], 0),
        ("account", None, [], 1),
        ("unknown", None, [], 0),
    ],
)
def test_the_account_unit_decides_what_an_account_is_for(
    ingest: Callable,
    row: Callable,
    account_unit: str,
    quarter: str | None,
    rejected: list,
    accounts: int,
) -> None:
    rows = [row(), row(id="c2", user=None)]
    found = ingest(rows, quarter=quarter, account_unit=account_unit)
    assert found.rejected == rejected
    assert found.conversations["account_id"].count() == accounts


def test_an_assumed_quarter_admits_rows_without_a_time_only(
    ingest: Callable, row: Callable
) -> None:
    rows = [row(created=None), row(id="c2", created="2026-04-01"), row(id="c3", created="never")]
    found = ingest(rows, assume_quarter=True)
    assert found.conversations["started_at"].to_list() == [None]
    assert found.rejected == [("outside_quarter", 2), ("impossible_time", 3)]


def test_without_a_quarter_a_conversation_is_named_by_its_place(
    ingest: Callable, row: Callable
) -> None:
    found = ingest(
        [row(id=None, created=None), row(created="2020-01-01"), row(id=None)], quarter=None
    )
    assert found.accepted == ["line:log.jsonl:1", "c1", "line:log.jsonl:3"]


@pytest.mark.parametrize(
    ("size", "sizes"),
    [(1, [1] * 6), (2, [2, 2, 2]), (4, [4, 2]), (5, [5, 1]), (6, [6, 0]), (7, [6])],
)
def test_a_partition_holds_at_most_so_many_conversations_and_the_rejects_between(
    ingest: Callable, row: Callable, size: int, sizes: list[int]
) -> None:
    rows = [value for n in range(6) for value in (row(id=f"c{n}"), {"messages": 5})]
    found = ingest(rows, partition_conversations=size)
    if sizes[-1] and size < 7:
        sizes = [*sizes, 0] if 6 % size == 0 else sizes
    assert found.partition_sizes == sizes
    assert (found.row_count, found.rejects.height) == (12, 6)
    assert found.accepted == [f"c{n}" for n in range(6)]


@pytest.mark.parametrize(
    ("limit", "value", "sizes"),
    [("PARTITION_CHARACTERS", 44, [2, 1]), ("PARTITION_REJECTS", 2, [2, 1, 0])],
)
def test_a_partition_ends_early_when_it_grows_in_another_way(
    ingest: Callable,
    row: Callable,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: int,
    sizes: list,
) -> None:
    monkeypatch.setattr(accept, limit, value)
    bad = [] if limit == "PARTITION_CHARACTERS" else [5, 5]
    rows = [row(), row(id="c2"), *bad, row(id="c3"), *bad]
    assert ingest(rows).partition_sizes == (sizes if not bad else [2, 1])


def test_a_partition_that_loses_a_row_breaks_the_contract(
    ingest: Callable, row: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = accept._frame
    monkeypatch.setattr(accept, "_frame", lambda *args: frame(*args).head(1))
    with pytest.raises(ContractError, match=r"2 rows in, but 1 accepted \+ 0 rejected"):
        ingest([row(), row(id="c2")])


def test_records_come_from_anywhere(hash_id: Callable[[str], str]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    record = Record("c1", "u1", start, None, None, None, (Message("user", "x"),), "own", "f", 1)
    (part,) = accept.accept_records(
        [record], quarter="2026Q1", keyed_hash=hash_id, settings=load_settings().ingest
    )
    assert part.conversations["started_at"].dtype == pl.Datetime("us", "UTC")
    assert part.conversations["message_count"].to_list() == [1]


def test_wildchat_dev_is_read_whole_by_the_generic_format(
    ingest: Callable, shared_data: Path
) -> None:
    path = shared_data / "wildchat_dev.jsonl"
    if not path.is_file():
        pytest.skip("the shared data has no wildchat_dev.jsonl")
    found = ingest(path, quarter=None)
    assert (found.conversations.height, found.rejected, found.row_count) == (529, [], 529)
    assert set(found.conversations["source"]) == {"generic"}
    assert all(own_id.startswith("wildchat_") for own_id in found.accepted)
