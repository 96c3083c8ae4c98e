import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest

from flows import store
from flows.store import (
    Manifest,
    code_version,
    find_step,
    make_private_directory,
    private_files,
    purge_steps,
    staging_directory,
    step_key,
    temporary_files_in,
    tidy_work,
    write_private_file,
    write_step,
)

TABLES = {"lamps": pl.DataFrame({"lamp": ["a", "b"]}), "rejects": pl.DataFrame({"line": [1]})}
COUNTS = {"rows_in": 3, "rows_out": 2}
KEY = step_key("ingest", "source", "2026Q1")


@pytest.fixture
def written(tmp_path) -> Manifest:
    return write_step(tmp_path, "ingest", KEY, TABLES, COUNTS)


def files_of(work):
    return sorted(path.relative_to(work).as_posix() for path in work.rglob("*") if path.is_file())


def mode_of(path):
    return stat.S_IMODE(Path(path).stat().st_mode)


def test_a_step_is_found_as_it_was_written(written, tmp_path):
    found = find_step(tmp_path, "ingest", KEY)
    assert found == written
    assert found.counts == COUNTS
    assert {name: table.row_count for name, table in found.tables.items()} == {
        "lamps": 2,
        "rejects": 1,
    }
    assert all(found.read(name).equals(TABLES[name]) for name in TABLES)


@pytest.mark.parametrize(("stage", "key"), [("redact", KEY), ("ingest", step_key("ingest"))])
def test_another_step_is_not_found(stage, key, written, tmp_path):
    assert find_step(tmp_path, stage, key) is None


def change_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("lamps.parquet", change_byte),
        ("rejects.parquet", change_byte),
        ("lamps.parquet", Path.unlink),
        ("lamps.parquet", lambda path: path.write_bytes(b"")),
        ("manifest.json", Path.unlink),
        ("manifest.json", lambda path: path.write_text("")),
        ("manifest.json", lambda path: path.write_text('{"stage": "ing')),
        ("manifest.json", lambda path: path.write_text("{}")),
        ("manifest.json", lambda path: path.write_text("[]")),
        ("manifest.json", lambda path: path.write_bytes(b"\xff\xfe")),
    ],
)
def test_a_damaged_step_is_not_found_and_can_be_written_again(name, damage, written, tmp_path):
    directory = Path(written.tables["lamps"].path).parent
    damage(directory / name)
    assert find_step(tmp_path, "ingest", KEY) is None
    assert write_step(tmp_path, "ingest", KEY, TABLES, COUNTS) == written
    assert find_step(tmp_path, "ingest", KEY) == written


@pytest.mark.parametrize("interrupt", [OSError("no space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("moment", ["_write_table", "write_private_file"])
def test_a_write_that_is_cut_off_leaves_nothing(moment, interrupt, monkeypatch, tmp_path):
    whole, calls = getattr(store, moment), []

    def fail_at_the_end(*arguments):
        whole(*arguments)
        calls.append(arguments)
        if moment == "write_private_file" or len(calls) == len(TABLES):
            raise interrupt

    monkeypatch.setattr(store, moment, fail_at_the_end)
    with pytest.raises(type(interrupt)):
        write_step(tmp_path, "ingest", KEY, TABLES, COUNTS)
    assert files_of(tmp_path) == []
    assert find_step(tmp_path, "ingest", KEY) is None


def test_a_process_killed_before_the_last_move_leaves_a_step_that_is_not_found(
    monkeypatch, tmp_path
):
    """As after kill -9: nothing is tidied up, and what lies there has no valid name."""
    monkeypatch.setattr(Path, "rename", lambda self, target: pytest.fail("killed"))
    monkeypatch.setattr(shutil, "rmtree", lambda path, ignore_errors: None)
    with pytest.raises(pytest.fail.Exception):
        write_step(tmp_path, "ingest", KEY, TABLES, COUNTS)
    assert any("/.writing-" in f"/{name}" for name in files_of(tmp_path))
    assert find_step(tmp_path, "ingest", KEY) is None


def test_what_a_step_holds_is_its_owners_alone(written, tmp_path):
    directory = Path(written.tables["lamps"].path).parent
    assert mode_of(directory) == mode_of(directory.parent) == 0o700
    assert {mode_of(path) for path in directory.iterdir()} == {0o600}


def test_a_manifest_holds_no_text(written):
    path = Path(written.tables["lamps"].path).with_name("manifest.json")
    values = json.loads(path.read_text())
    assert set(values) == {"stage", "key", "tables", "counts"}
    assert set(values["tables"]["lamps"]) == {"name", "path", "sha256", "row_count"}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (("ingest", "a", "b"), ("ingest", "a", "b"), True),
        (("ingest", "a", "b"), ("ingest", "b", "a"), False),
        (("ingest", "a", "b"), ("ingest", "ab"), False),
        (("ingest", "a"), ("redact", "a"), False),
        (("ingest", "a"), ("ingest", "a", ""), False),
    ],
)
def test_a_key_stands_for_everything_a_step_depends_on(one, other, is_same):
    assert (step_key(*one) == step_key(*other)) is is_same


def test_a_key_depends_on_the_code(monkeypatch):
    assert re.fullmatch("[0-9a-f]{64}", code_version())
    monkeypatch.setattr(store, "code_version", lambda: "0" * 64)
    assert step_key("ingest", "source", "2026Q1") != KEY


def test_the_content_hash_depends_on_the_tables_and_on_nothing_else(written, tmp_path):
    elsewhere = write_step(tmp_path / "else", "redact", "0" * 64, TABLES, {})
    assert elsewhere.content_hash() == written.content_hash()
    fewer = write_step(tmp_path / "else", "ingest", KEY, {"lamps": TABLES["lamps"]}, {})
    assert fewer.content_hash() != written.content_hash()


def test_a_purge_leaves_no_step(written, tmp_path):
    (tmp_path / "summary.json").write_text("{}")
    purge_steps(tmp_path)
    assert files_of(tmp_path) == ["summary.json"]
    purge_steps(tmp_path)  # nothing left to purge


def test_a_purge_that_fails_says_so(written, tmp_path, monkeypatch):
    def refuse(path, *arguments, **named):
        raise PermissionError("not yours")

    monkeypatch.setattr("os.unlink", refuse)
    with pytest.raises(PermissionError):
        purge_steps(tmp_path)


def test_a_private_file_is_replaced_whole(tmp_path):
    path = tmp_path / "key"
    path.write_text("long before")
    path.chmod(0o644)
    write_private_file(path, "now")
    assert (path.read_text(), mode_of(path), files_of(tmp_path)) == ("now", 0o600, ["key"])


def test_a_private_directory_is_closed_though_it_was_open(tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    assert mode_of(make_private_directory(tmp_path / "open")) == 0o700
    assert mode_of(make_private_directory(tmp_path / "new" / "inner")) == 0o700
    assert mode_of(tmp_path / "new") == 0o700


# --- after kill -9 --------------------------------------------------------------------------------


def test_what_a_killed_process_was_writing_is_removed_and_the_rest_closed(written, tmp_path):
    before = files_of(tmp_path)
    step = tmp_path / "steps" / "ingest" / ".writing-x"
    step.mkdir(mode=0o755)
    for path in (step / "lamps.parquet", tmp_path / ".summary.json.writing"):
        path.write_text("{}")
    (tmp_path / "steps").chmod(0o755)
    (tmp_path / "link").symlink_to(tmp_path.parent)
    tidy_work(tmp_path)
    (tmp_path / "link").unlink()
    assert files_of(tmp_path) == before
    assert not step.exists()
    assert find_step(tmp_path, "ingest", KEY) == written
    assert {mode_of(path) & 0o077 for path in tmp_path.rglob("*")} == {0}


def test_files_that_libraries_make_are_their_owners_alone_for_as_long(tmp_path):
    with private_files():
        (tmp_path / "a").touch()
        subprocess.run(["touch", str(tmp_path / "b")], check=True)
    (tmp_path / "c").touch()
    assert [mode_of(tmp_path / name) & 0o077 for name in "ab"] == [0, 0]
    assert mode_of(tmp_path / "c") & 0o077


def test_temporary_files_lie_where_they_are_removed_also_if_a_killed_process_made_them(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", "/somewhere")
    place = tmp_path / "tmp"
    place.mkdir()
    (place / "stale").touch()
    with temporary_files_in(place):
        assert files_of(place) == []
        assert mode_of(place) == 0o700
        assert Path(tempfile.mkdtemp()).parent == place
        child = subprocess.run(["mktemp"], check=True, capture_output=True, text=True)
        assert Path(child.stdout.strip()).parent == place
    assert not place.exists()
    assert os.environ["TMPDIR"] == "/somewhere"


def test_a_staging_directory_is_empty_private_and_gone_afterwards(tmp_path):
    staging = tmp_path / "new" / ".lamps.publishing"
    with staging_directory(staging):
        assert mode_of(staging) == mode_of(staging.parent) == 0o700
        (staging / "a").touch()
    with staging_directory(staging):
        assert list(staging.iterdir()) == []
    assert list(staging.parent.iterdir()) == []


STAGE = """
import os, signal, sys, time
from pathlib import Path
from flows.store import staging_directory
with staging_directory(Path(sys.argv[1])):
    Path(sys.argv[1], "half").touch()
    print("in", flush=True)
    sys.stdin.read()
    print("out", flush=True)
"""


def start_staging(staging):
    return subprocess.Popen([sys.executable, "-c", STAGE, str(staging)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)  # fmt: skip


def test_what_a_killed_process_staged_is_removed(tmp_path):
    staging = tmp_path / ".lamps.publishing"
    process = start_staging(staging)
    assert process.stdout.readline() == "in\n"
    process.kill()
    process.communicate()
    assert files_of(tmp_path) == [".lamps.publishing.lock", ".lamps.publishing/half"]
    with staging_directory(staging):
        assert list(staging.iterdir()) == []
    assert files_of(tmp_path) == []


def test_a_lock_that_goes_between_two_looks_at_it_is_made_anew(tmp_path, monkeypatch):
    lock = tmp_path / ".lamps.publishing.lock"
    waits = []

    def wait(*_):
        waits.append(lock)
        if len(waits) == 1:
            lock.unlink()

    monkeypatch.setattr(store.fcntl, "flock", wait)
    monkeypatch.setattr(Path, "exists", lambda path: True)  # as of a moment before
    with staging_directory(tmp_path / ".lamps.publishing"):
        assert len(waits) == 2


def test_two_processes_stage_one_after_the_other(tmp_path):
    staging = tmp_path / ".lamps.publishing"
    processes = [start_staging(staging) for _ in range(3)]
    for process in processes:
        process.stdin.close()
        process.stdin = None
    assert [process.communicate()[0] for process in processes] == ["in\nout\n"] * 3
    assert [process.returncode for process in processes] == [0] * 3
    assert files_of(tmp_path) == []
