"""Files as libraries write them: tables, databases, names."""

import gzip
import os
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from flows.traces import files, find_traces, spell

NAME, MAIL = "Zoë Lampwright", "zoe.lamp.9x2k1@fog.example.org"
CANARIES = spell([NAME, MAIL])


def traces_in(root: Path, **named):
    return find_traces(CANARIES, root, sorted(root.rglob("*")), **named)


@pytest.mark.parametrize("compression", ["uncompressed", "zstd", "snappy", "lz4", "gzip", "brotli"])
@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["fog", None, NAME] * 300),
        pl.Series(["fog", NAME] * 300, dtype=pl.Categorical),
        pl.Series(["fog", NAME] * 300, dtype=pl.Enum(["fog", NAME])),
        pl.Series([b"\xff", NAME.encode()] * 300),
        pl.Series([["fog", NAME]] * 300),
        pl.Series([{"a": {"b": ["fog", NAME]}}] * 300),
        pl.Series([NAME.encode().hex()] * 300),
    ],
    ids=["text", "categories", "enumeration", "bytes", "lists", "structs", "encoded"],
)
def test_a_canary_in_a_column_is_found(compression: str, column: pl.Series, tmp_path: Path) -> None:
    pl.DataFrame({"n": range(len(column)), "text": column}).write_parquet(
        tmp_path / "lamps.parquet", compression=compression
    )
    found = traces_in(tmp_path)
    assert found.found == {"*.parquet": {0}}
    assert found.unread == 0


def test_names_of_columns_and_rows_after_the_first_slice_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_SLICE_ROWS", 7)
    frame = pl.DataFrame({MAIL: [1] * 20, "text": ["fog"] * 19 + [NAME]})
    frame.write_parquet(tmp_path / "lamps.parquet")
    assert traces_in(tmp_path).canaries() == {0, 1}


def test_a_value_that_sqlite_spreads_over_pages_is_found_also_in_the_log(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "lamps.db")
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("CREATE TABLE lamps (text TEXT, data BLOB)")
    connection.execute("INSERT INTO lamps VALUES (?, ?)", ("x" * 4_000 + NAME + "x" * 9_000, None))
    connection.execute("INSERT INTO lamps VALUES (?, ?)", (None, gzip.compress(MAIL.encode())))
    connection.commit()
    for start in range(3_900, 4_100):  # one of them lies on the edge of a page
        connection.execute(
            "INSERT INTO lamps VALUES (?, NULL)", ("y" * start + NAME + "y" * 5_000,)
        )
    connection.commit()
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("lamps.db*"))
    assert 0 < raw.count(NAME.encode()) < 201 * 2
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    found = traces_in(tmp_path)
    assert found.found["*.db"] == {0, 1}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    connection.close()


def test_names_of_files_directories_and_links_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "zoë-lampwright.txt").touch()
    assert traces_in(tmp_path).found == {"names of files": {0}}
    (tmp_path / "steps" / "zoë-lampwright.txt").unlink()
    (tmp_path / MAIL).mkdir()
    assert traces_in(tmp_path).found == {"names of files": {1}}
    (tmp_path / MAIL).rmdir()
    (tmp_path / "link").symlink_to(f"/nowhere/{NAME}")
    assert traces_in(tmp_path).found == {"names of files": {0}}


def test_kinds_of_files_name_only_what_a_run_names(tmp_path: Path) -> None:
    path = tmp_path / "steps" / "redact" / NAME / f"x.{MAIL}"
    path.parent.mkdir(parents=True)
    path.write_text(NAME)
    assert set(traces_in(tmp_path).found) == {"steps/redact/*", "names of files"}


def test_what_cannot_be_read_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn" + NAME.encode())
    (tmp_path / "torn.db").write_bytes(b"SQLite format 3\0" + b"x" * 5_000)
    os.mkfifo(tmp_path / "pipe")  # nothing is in it
    found = traces_in(tmp_path)
    assert (found.unread, found.canaries()) == (2, {0})
    monkeypatch.setattr(files, "_content", lambda path, effort: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        traces_in(tmp_path)


def test_a_file_that_hides_more_than_it_may_cost_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FILE_EFFORT", 1 << 16)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(1 << 24)))
    assert traces_in(tmp_path).unread == 1


@pytest.mark.parametrize(("size", "unread"), [(1 << 24, 1), (1 << 10, 0)])
def test_a_value_that_hides_more_than_it_may_cost_is_counted(
    size: int, unread: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FILE_EFFORT", 1 << 16)
    assert traces_in(tmp_path, values=[gzip.compress(bytes(size))]).unread == unread


def test_a_name_that_hides_more_than_it_may_cost_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FILE_EFFORT", 1)
    monkeypatch.setattr(files, "_EFFORT_PER_BYTE", 0)
    (tmp_path / NAME.encode().hex()).mkdir()
    assert traces_in(tmp_path).unread == 1


def test_values_that_another_library_decoded_are_looked_at(tmp_path: Path) -> None:
    found = traces_in(tmp_path, values=[b"fog", NAME.encode().hex().encode()])
    assert found.found == {"values of the database": {0}}


def test_small_files_are_searched_together_and_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH", 300)
    for number in range(50):
        (tmp_path / f"{number:02}.json").write_text(f"fog {number}")
    (tmp_path / "31.json").write_text(MAIL)
    assert traces_in(tmp_path).found == {"*.json": {1}}
