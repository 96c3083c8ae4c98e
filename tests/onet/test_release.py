import csv
import io
from pathlib import Path

import polars as pl
import pytest

from onet.release import ReleaseError, load_release, load_task_statements


def as_csv(text: str) -> str:
    target = io.StringIO()
    csv.writer(target).writerows(line.split("\t") for line in text.splitlines())
    return target.getvalue()


def test_a_release_is_read_from_its_text_files(invented, write_release):
    release = load_release(write_release(invented))
    assert (release.name, release.is_starter) == ("99.1", False)
    assert release.notice.startswith(
        "O*NET 99.1 Database, U.S. Department of Labor/ETA, CC BY 4.0; modified"
    )
    assert release.occupations.rows() == [
        ("15-9991.00", "Lamp Auditors"),
        ("15-9992.00", "Fog Surveyors"),
        ("55-9993.00", "Idle Officers"),
    ]
    assert release.tasks.rows() == [
        (101, "15-9991.00", "Count lamps.", "Core", 4.25, 88.5, 4.0),
        (102, "15-9992.00", "count LAMPS.", "Supplemental", None, None, None),
        (103, "15-9992.00", 'Measure "fog, thick.', None, None, None, None),
    ]
    assert release.task_dwas.rows() == [(101, "4.A.1", "Count things."), (101, "4.A.2", None)]


@pytest.mark.parametrize("change", ["csv", "decimal ids", "bom and crlf", "more columns"])
def test_the_tables_are_the_same_however_they_are_written(change, invented, write_release):
    expected = load_release(write_release(invented, "plain"))
    tables = {name: text for name, text in invented.items() if name != "Read Me.txt"}
    if change == "bom and crlf":
        tables = {n: "\ufeff" + text.replace("\n", "\r\n") for n, text in tables.items()}
    if change == "more columns":
        tables = {n: text.replace("\n", "\tx\n") for n, text in tables.items()}
    if change in ("csv", "decimal ids"):
        tables = {n.replace(" ", "_").replace(".txt", ".csv"): as_csv(t) for n, t in tables.items()}
    if change == "decimal ids":
        tables = {n: t.replace(",101,", ",101.0,") for n, t in tables.items()}
    release = load_release(write_release(tables, "99.1"))
    for table in ("occupations", "tasks", "task_dwas"):
        assert getattr(release, table).equals(getattr(expected, table)), table
    assert release.content_hash != expected.content_hash


def test_optional_files_may_be_absent(invented, write_release):
    needed = ("Occupation Data.txt", "Task Statements.txt")
    release = load_release(write_release({name: invented[name] for name in needed}, "18.1"))
    assert release.name == "18.1"
    assert release.task_dwas.is_empty()
    assert release.task_dwas.columns == ["task_id", "dwa_id", "dwa_title"]
    assert release.tasks.select("importance", "relevance", "frequency").null_count().row(0) == (
        3,
        3,
        3,
    )


@pytest.mark.parametrize(
    ("read_me", "directory", "expected"),
    [
        ("O*NET 30.1 Database\nDecember 2025", "x", "30.1"),
        ("About\nThe O*NET(R) 18.1 Database", "x", "18.1"),
        ("O*NET 30.1 Database", "29.0", "30.1"),
        ("Worktally starter taxonomy 1.0\nThis is not the O*NET 30.1 Database", "x", "starter-1"),
        (None, "29.0", "29.0"),
        (None, "db_30_1_text", "30.1"),
        ("says nothing", "18.1", "18.1"),
        (None, "2025-02-10", None),
        (None, "release", None),
    ],
)
def test_a_release_is_named_by_its_read_me_and_else_by_its_directory(
    read_me, directory, expected, invented, write_release
):
    invented.pop("Read Me.txt")
    files = invented if read_me is None else {**invented, "Read Me.txt": read_me}
    path = write_release(files, directory)
    if expected is None:
        with pytest.raises(ReleaseError, match="does not name the release"):
            load_release(path)
        return
    release = load_release(path)
    assert release.name == expected
    assert release.is_starter == expected.startswith("starter")
    assert (release.notice == "Starter taxonomy, not O*NET") == release.is_starter


TASKS, RATINGS, OCCUPATIONS = "Task Statements.txt", "Task Ratings.txt", "Occupation Data.txt"


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (TASKS, None, None, "Task Statements.txt: is missing"),
        (OCCUPATIONS, None, None, "Occupation Data.txt: is missing"),
        (TASKS, "Task ID", "TaskID", "Task Statements.txt: column 'Task ID' is missing"),
        (OCCUPATIONS, "Title", "Name", "Occupation Data.txt: column 'Title' is missing"),
        (RATINGS, "Data Value", "Value", "Task Ratings.txt: column 'Data Value' is missing"),
        ("DWA Reference.txt", "DWA Title", "T", "DWA Reference.txt: column 'DWA Title'"),
        (TASKS, "\t101\t", "\t101.5\t", "'Task ID' has 1 values that are not whole numbers"),
        (TASKS, "\t101\t", "\tsecret\t", "'Task ID' has 1 values that are not whole numbers"),
        (TASKS, "\t101\t", "\t102\t", "'Task ID' has 2 repeated ids"),
        (TASKS, "Count lamps.", " ", "'Task' has 1 empty fields"),
        (TASKS, "Core", "secret", "'Task Type' has 1 values other than"),
        (TASKS, "15-9991.00", "15-9999.00", "'O*NET-SOC Code' has 1 tasks of an unknown"),
        (TASKS, "15-9991.00", "15-9991", "'O*NET-SOC Code' has 1 malformed codes"),
        (TASKS, "15-9991.00", "", "'O*NET-SOC Code' has 1 empty fields"),
        (TASKS, "Core\t", "Core\tsecret\tsecret\t", "is not a tab-separated UTF-8 table"),
        (OCCUPATIONS, "15-9992.00", "15-9991.00", "'O*NET-SOC Code' has 2 titles of codes"),
        (OCCUPATIONS, "Lamp Auditors", "", "'Title' has 1 empty fields"),
        ("Tasks to DWAs.txt", "101\t4.A.1", "999\t4.A.1", "'Task ID' has 1 ids of unknown tasks"),
        (RATINGS, "15-9992.00\t102", "15-9992.00\t999", "'Task ID' has 1 ids of unknown tasks"),
        (RATINGS, "4.25", "secret", "'Data Value' has 1 values that are not numbers"),
        (RATINGS, "4.25", "NaN", "'Data Value' has 1 values that are not numbers"),
        (RATINGS, "4.25", "-4.25", "'Data Value' has 1 negative values"),
        (RATINGS, "FT\t1\t", "FT\t8\t", "'Category' has 1 categories outside 1 to 7"),
        (RATINGS, "FT\t1\t", "FT\tn/a\t", "'Category' has 1 values that are not whole numbers"),
        (RATINGS, "FT\t1\t", "FT\t5\t", "'Task ID' has 2 rows with the same task"),
        (RATINGS, "IM\tn/a\t4.25", "secret\tn/a\t4.25", "'Scale ID' has 1 scales other than"),
    ],
)
def test_a_malformed_file_is_named_with_its_column_and_no_value(
    file, old, new, message, invented, write_release
):
    if old is None:
        invented.pop(file)
    else:
        assert old in invented[file]
        invented[file] = invented[file].replace(old, new, 1)
    with pytest.raises(ReleaseError) as caught:
        load_release(write_release(invented))
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"O*NET-SOC Code\tTitle\n", "has no rows"),
        (b"O*NET-SOC Code\tTitle\n15-9991.00\t\xff\xfe\n", "UTF-8"),
    ],
)
def test_an_empty_or_undecodable_table_is_refused(content, message, invented, write_release):
    with pytest.raises(ReleaseError, match=f"Occupation Data.txt: .*{message}"):
        load_release(write_release({**invented, "Occupation Data.txt": content}))


def test_a_source_that_is_no_directory_is_refused(tmp_path):
    with pytest.raises(ReleaseError, match="is not a directory"):
        load_release(tmp_path / "absent")


def test_the_content_hash_follows_the_content_only(invented, write_release):
    first, again = (load_release(write_release(invented, name)) for name in ("a", "b"))
    other = {**invented, "Task Statements.txt": invented["Task Statements.txt"] + "\n"}
    assert first.content_hash == again.content_hash
    assert first.content_hash != load_release(write_release(other, "c")).content_hash
    unused = load_release(write_release({**invented, "Skills.txt": "x"}, "d"))
    assert first.content_hash == unused.content_hash


def test_the_starter_is_a_release_that_says_it_is_not_onet():
    release = load_release("starter")
    assert (release.name, release.is_starter) == ("starter-1", True)
    assert release.notice == "Starter taxonomy, not O*NET"
    assert release.task_dwas["dwa_title"].null_count() == 0


@pytest.mark.parametrize(
    ("name", "occupations", "tasks", "with_tasks", "task_dwas", "titled"),
    [
        ("30.1", 1016, 18796, 923, 23850, True),
        ("29.0", 1016, 18796, 923, 23233, False),
        ("18.1", 1110, 19450, 974, 0, False),
    ],
)
def test_official_releases_have_their_documented_counts(
    name, occupations, tasks, with_tasks, task_dwas, titled, shared_data: Path
):
    release = load_release(shared_data / "onet" / name)
    assert release.name == name
    assert release.occupations.height == occupations
    assert release.tasks.height == tasks
    assert release.tasks["onet_soc_code"].n_unique() == with_tasks
    assert release.task_dwas.height == task_dwas
    assert release.task_dwas["dwa_title"].is_not_null().sum() == (task_dwas if titled else 0)


def test_a_single_file_of_task_statements_brings_its_titles(tmp_path):
    path = tmp_path / "onet_task_statements.csv"
    path.write_text(
        "O*NET-SOC Code,Title,Task ID,Task,Task Type\n"
        '15-9991.00,Lamp Auditors,2.0,"Count lamps, twice.",Core\n'
        "15-9991.00,Lamp Auditors,1,Count lamps.,\n"
    )
    release = load_task_statements(path)
    assert release.name == f"task-statements-{release.content_hash[:8]}"
    assert release.occupations.rows() == [("15-9991.00", "Lamp Auditors")]
    assert release.tasks.select("task_id", "statement", "task_type").rows() == [
        (1, "Count lamps.", None),
        (2, "Count lamps, twice.", "Core"),
    ]
    assert release.tasks["importance"].dtype == pl.Float64
    with pytest.raises(ReleaseError, match="cannot be read"):
        load_task_statements(tmp_path / "absent.csv")
