import gzip
import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.ingest.read import read_records
from flows.settings import load_settings

MIB = 1 << 20


def test_a_truncated_gzip_gives_its_whole_rows_and_one_reject(
    ingest: Callable, row: Callable
) -> None:
    lines = "".join(json.dumps(row(id=f"c{n}", user=f"{n * 7919}")) + "\n" for n in range(5_000))
    packed = gzip.compress(lines.encode())
    found = ingest(packed[: len(packed) // 2])
    count = found.conversations.height
    assert 1_000 < count < 4_000
    assert found.accepted == [f"c{n}" for n in range(count)]
    assert found.rejected == [("truncated_file", count + 1)]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"\x1f\x8b", "truncated_file"),
        (gzip.compress(b"x" * 100)[:15], "truncated_file"),
        (b"\x1f\x8b\xff\xff\xff\xff\xff\xff\xff\xff\xff", "undecodable_file"),
        (b"PAR1", "undecodable_file"),
        (b"PAR1 and no more", "truncated_file"),
        (b"PAR1" + b"\0" * 50 + b"PAR1", "undecodable_file"),
    ],
)
def test_a_file_without_a_readable_row_is_one_reject(
    ingest: Callable, content: bytes, rule: str
) -> None:
    assert ingest(content).rejected == [(rule, 1)]


def test_garbage_after_a_gzip_is_a_reject_after_its_rows(ingest: Callable, row: Callable) -> None:
    found = ingest(gzip.compress(json.dumps(row()).encode() + b"\n") + b"garbage")
    assert (found.accepted, found.rejected) == (["c1"], [("undecodable_file", 2)])


@pytest.mark.parametrize("content", [b"", b" \n\n\t", b"\xef\xbb\xbf", b"[]", gzip.compress(b"")])
def test_a_file_without_rows_has_none(ingest: Callable, content: bytes) -> None:
    assert ingest(content).row_count == 0


@pytest.mark.parametrize(
    ("text", "accepted", "rejected"),
    [
        ("[ROW, 5, ROW]", 2, [("not_an_object", 2)]),
        ('[ROW, {"messages": [], "score": NaN}, ROW]', 2, [("empty_conversation", 2)]),
        ('[{"id": "\\ud83d", "messages": []}, ROW]', 1, [("undecodable_text", 1)]),
        ("[ROW, LONG, ROW]", 2, [("line_too_long", 2)]),
        ("[ROW, HUGE, ROW, HUGE]", 2, [("line_too_long", 2), ("line_too_long", 4)]),
        ('{"rows": [ROW, HUGE, ROW], "more": 1}', 2, [("line_too_long", 2)]),
        ("[ROW, " + "9" * 5_000 + ", ROW]", 2, [("malformed_json", 2)]),
        (
            '[ROW, {"a": 1 "],}": [2]}, ROW, "a\tb", ROW]',
            3,
            [("malformed_json", 2), ("malformed_json", 4)],
        ),
        ("[ROW, " + "[" * 100_000 + "]" * 100_000 + ", ROW]", 2, [("line_too_long", 2)]),
        ("[ROW, " + "[" * 9_000 + "]" * 9_000 + ", ROW]", 2, [("malformed_json", 2)]),
        ("[ROW, " + "[" * 100_000, 1, [("truncated_file", 2)]),
        ("[ROW, ROW", 2, [("truncated_file", 3)]),
        ("[ROW,", 1, [("truncated_file", 2)]),
        ('[ROW, {"id": "c', 1, [("truncated_file", 2)]),
        ('[ROW, {"id": "' + "x" * 300_000, 1, [("truncated_file", 2)]),
        ('{"rows": [ROW, ROW]', 2, [("truncated_file", 3)]),
        ("[ROW,, ROW]", 1, [("malformed_json", 2)]),
        ("[ROW ROW]", 1, [("malformed_json", 2)]),
        ("[ROW] ROW", 1, [("malformed_json", 2)]),
        ('{"rows": [ROW, ROW], "n": 2} 5', 2, [("malformed_json", 3)]),
        ("[ROW, \udcff]", 0, [("undecodable_line", 1)]),
        ("[1]\nROW\n", 1, [("not_an_object", 1)]),
        ("{\n5}\nROW\n", 1, [("malformed_json", 1)]),
    ],
)
def test_a_document_is_read_up_to_where_it_breaks(
    ingest: Callable, row: Callable, text: str, accepted: int, rejected: list[tuple[str, int]]
) -> None:
    long = json.dumps(row(id="long", padding="x" * 150_000))
    for number in range(text.count("ROW")):
        text = text.replace("ROW", json.dumps(row(id=f"c{number}")), 1)
    text = text.replace("HUGE", json.dumps({'\\"': [']}\\",' * 200_000]}))
    content = text.replace("LONG", long).encode("utf-8", "surrogateescape")
    found = ingest(content, format_name="generic", max_line_bytes=100_000)
    assert (found.conversations.height, found.rejected) == (accepted, rejected)


def test_a_document_of_many_chunks_equals_its_lines(ingest: Callable, row: Callable) -> None:
    rows = [row(id=f"c{n}", padding="ä" * (n % 3_000)) for n in range(300)]
    found = ingest(json.dumps(rows, ensure_ascii=False).encode())
    assert found.conversations.equals(ingest(rows).conversations)
    assert found.messages.equals(ingest(rows).messages)


@pytest.mark.parametrize(
    ("head", "tail"), [(b'{"messages": "', b'"}'), (b'[{"messages": "', b'"}]'), (b"", b"")]
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_line_of_50_megabytes_is_never_held(
    tmp_path: Path, row: Callable, head: bytes, tail: bytes, is_packed: bool
) -> None:
    path = tmp_path / "log.jsonl"
    with gzip.open(path, "wb", 1) if is_packed else path.open("wb") as stream:
        stream.write(head)
        for _ in range(50):
            stream.write(b"x" * MIB)
        stream.write(tail + b"\n" + json.dumps(row()).encode())
    settings = load_settings(ingest={"max_line_bytes": MIB}).ingest
    tracemalloc.start()
    found = list(read_records([path], format_name="generic", settings=settings))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * MIB
    assert getattr(found[0], "rule", None) == "line_too_long"
    assert len(found) == 2


def test_a_corrupted_part_of_a_parquet_file_costs_its_own_rows(
    tmp_path: Path, ingest: Callable, row: Callable
) -> None:
    rows = [row(id=f"c{n}", user=str(n * 7919)) for n in range(4_000)]
    path = tmp_path / "log.parquet"
    pl.DataFrame(rows).write_parquet(path, row_group_size=1_000, compression="uncompressed")
    content = bytearray(path.read_bytes())
    place = content.index(b"c1500")
    content[place - 4_000 : place] = b"\xff" * 4_000
    path.write_bytes(content)
    found = ingest(path)
    assert found.accepted[:1_000] == [f"c{n}" for n in range(1_000)]
    assert found.accepted[-2_000:] == [f"c{n}" for n in range(2_000, 4_000)]
    assert found.row_count == 4_000
    assert found.rejects.height > 0


def test_a_page_that_claims_exabytes_costs_the_file_and_not_the_run(
    tmp_path: Path, ingest: Callable
) -> None:
    turns = [{"role": "user", "content": "Sort this."}, {"role": "assistant", "content": "Ok."}]
    rows = [
        {"id": f"c{n}", "user": "u", "created": "2026-02-03", "messages": turns} for n in range(50)
    ]
    path = tmp_path / "log.parquet"
    pl.DataFrame(rows).write_parquet(path, row_group_size=10)
    assert len(ingest(path).accepted) == 50
    content = bytearray(path.read_bytes())
    content[189] = 127  # how many values the second page says it has: decoding it aborts polars
    path.write_bytes(content)
    found = ingest(path)
    assert found.accepted == []
    assert found.rejects["rule"].cast(pl.String).to_list() == ["undecodable_file"]


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_parquet_time_is_read_in_its_zone_and_unit(
    tmp_path: Path, ingest: Callable, row: Callable, zone: str | None, unit: str
) -> None:
    instant = pl.lit(datetime(2026, 2, 3, 4, 5, 6, 7_000, UTC))
    time = instant.dt.convert_time_zone(zone) if zone else instant.dt.replace_time_zone(None)
    path = tmp_path / "log.parquet"
    far = pl.lit(10**17).cast(pl.Datetime("us", zone))  # no Python datetime holds the year 5138
    frame = pl.DataFrame([row(id="near"), row(id="far")]).with_columns(
        created=pl.when(pl.col("id") == "near").then(time.dt.cast_time_unit(unit)).otherwise(far)
    )
    frame.write_parquet(path)
    found = ingest(path)
    assert (
        found.conversations["started_at"].to_list()[0].isoformat()
        == "2026-02-03T04:05:06.007000+00:00"
    )
    assert found.rejected == [("impossible_time", 2)]


def test_columns_that_no_format_reads_are_left_alone(
    tmp_path: Path, ingest: Callable, row: Callable
) -> None:
    path = tmp_path / "log.parquet"
    pl.DataFrame([row()]).with_columns(blob=pl.lit(b"\xff")).write_parquet(path)
    assert ingest(path).accepted == ["c1"]
    path.unlink()
    pl.DataFrame({"text": ["x", "y"]}).write_parquet(path)
    assert ingest(path, format_name="generic").rejected == [
        ("empty_conversation", 1), ("empty_conversation", 2)
    ]  # fmt: skip


def test_a_file_name_with_marks_of_a_pattern_is_one_file(
    tmp_path: Path, ingest: Callable, row: Callable
) -> None:
    path = tmp_path / "log[1]*.parquet"
    pl.DataFrame([row()]).write_parquet(path)
    assert ingest(path).accepted == ["c1"]


def test_a_parquet_date_and_the_time_of_a_turn_are_read(
    tmp_path: Path, ingest: Callable, row: Callable
) -> None:
    path = tmp_path / "log.parquet"
    instant = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    pl.DataFrame([row(created=instant.date())]).write_parquet(path)
    assert ingest(path).conversations["started_at"].to_list() == [
        instant.replace(hour=0, minute=0, second=0)
    ]
    turns = [{"role": "user", "content": "x", "timestamp": instant}]
    pl.DataFrame(
        {"conversation_hash": ["c"], "hashed_ip": ["u"], "conversation": [turns]}
    ).write_parquet(path)
    assert ingest(path).conversations["started_at"].to_list() == [instant]
