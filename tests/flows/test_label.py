import polars as pl
import pytest

from flows.label import to_label_rows
from flows.settings import load_settings
from flows.tables import Classifications, RankedTasks
from onet.release import Release
from onet.weights import task_rows

SETTINGS = load_settings(match={"min_probability": 0.2}).match
LAMP, FOG, DESK = "15-9991.00", "27-9992.00", "43-9993.00"
TASK_ROWS = pl.DataFrame(
    [(1, 1, LAMP), (2, 7, FOG), (2, 2, LAMP), (3, 3, DESK)],
    ["task_id", "row_task_id", "onet_soc_code"],
    orient="row",
)


def hash_of(name: str) -> str:
    return name.encode().hex().ljust(32, "0")


def classifications(*rows):
    """Rows of name, language, is_occupational, use_case, pattern."""
    names = ["conversation_id", "language", "is_occupational", "use_case", "pattern"]
    frame = pl.DataFrame([(hash_of(row[0]), *row[1:]) for row in rows], names, orient="row")
    judgements = ("occupational", "use_case", "pattern", "sensitive")
    return Classifications.validate(
        frame.with_columns(
            *(pl.lit(0.5).alias(f"{name}_probability") for name in judgements),
            sensitive_subject=pl.when(pl.col("is_occupational").is_not_null()).then(
                pl.when(pl.col("is_occupational").cast(pl.Boolean))
                .then(pl.lit("none"))
                .otherwise(pl.lit("health"))
            ),
        ),
        cast=True,
    )


def ranked(*rows):
    """Rows of name, rank, task_id, score, soc_major; the group is as probable as the first task."""
    certainty = {row[0]: row[3] for row in reversed(rows)}
    return RankedTasks.validate(
        pl.DataFrame(
            [(hash_of(row[0]), *row[1:], certainty[row[0]]) for row in rows],
            schema=RankedTasks.create_empty().schema,
            orient="row",
        )
    )


def label(own_ids, judged, candidates, rows=TASK_ROWS):
    return list(to_label_rows(own_ids, judged, candidates, rows, settings=SETTINGS))


WORK = ("en", True, "work", "directive")
FOUND = [("a", 1, 2, 0.6, "27-0000"), ("a", 2, 1, 0.1, "27-0000")]
TASKS = [(7, FOG, 0.6), (2, LAMP, 0.6), (1, LAMP, 0.1)]
EDGE = [(7, FOG, 0.2), (2, LAMP, 0.2)]


@pytest.mark.parametrize(
    ("judged", "candidates", "language", "occupational", "use_case", "pattern", "group", "tasks"),
    [
        (WORK, FOUND, "en", True, "work", "directive", "27", TASKS),
        (("und", True, None, "not_classified"), FOUND, None, True, None, None, "27", TASKS),
        (("en", True, "work", "none"), FOUND, "en", True, "work", "none", "27", TASKS),
        (("en", False, "personal", "none"), FOUND, "en", False, "personal", "none", "none", []),
        (("en", None, "work", "none"), FOUND, "en", None, "work", "none", None, []),
        (WORK, [("a", 1, 2, 0.2, "27-0000")], "en", True, "work", "directive", "27", EDGE),
        (WORK, [("a", 1, 2, 0.19, "27-0000")], "en", True, "work", "directive", None, []),
        (WORK, [], "en", True, "work", "directive", None, []),
        (None, [], None, None, None, None, None, []),
    ],
    ids=[
        "judged",
        "abstentions are null",
        "no pattern is a judgement",
        "not occupational",
        "occupation undecided",
        "at the least probability",
        "under the least probability",
        "without candidates",
        "without user text",
    ],
)
def test_a_row_says_what_was_judged_and_is_null_where_it_abstains(
    judged, candidates, language, occupational, use_case, pattern, group, tasks
):
    classified = classifications(("a", *judged)) if judged else Classifications.create_empty()
    (row,) = label({hash_of("a"): "own-1"}, classified, ranked(*candidates))
    assert row == {
        "conversation_id": "own-1",
        "language": language,
        "occupational": occupational,
        "use_case": use_case,
        "pattern": pattern,
        "soc_major": group,
        "tasks": [
            {"task_id": task, "onet_soc_code": code, "score": score} for task, code, score in tasks
        ],
        "sensitive": None if occupational is None else not occupational,
        "sensitive_subject": {None: None, True: "none", False: "health"}[occupational],
    }


def test_rows_come_in_the_order_of_the_source_and_keep_the_owners_ids():
    names = ["m", "c", "x", "a"]
    own_ids = {hash_of(name): f"own {name}" for name in names}
    judged = classifications(*((name, *WORK) for name in sorted(names)))
    candidates = ranked(*((name, 1, 3, 0.5, "43-0000") for name in sorted(names)))
    rows = label(own_ids, judged, candidates)
    assert [row["conversation_id"] for row in rows] == [f"own {name}" for name in names]
    assert label({}, Classifications.create_empty(), ranked()) == []


def test_a_task_of_many_occupations_cannot_make_the_list_longer_than_twenty():
    rows = pl.DataFrame(
        [(1, 100 - n, f"15-{9000 + n}.00") for n in range(15)]
        + [(2, 200 + n, f"27-{9000 + n}.00") for n in range(15)],
        ["task_id", "row_task_id", "onet_soc_code"],
        orient="row",
    )
    candidates = ranked(("a", 1, 1, 0.5, "15-0000"), ("a", 2, 2, 0.4, "15-0000"))
    (row,) = label({hash_of("a"): "a"}, classifications(("a", *WORK)), candidates, rows)
    expected = [100, 99, 200, 201, *range(98, 85, -1), *range(202, 205)]
    assert [task["task_id"] for task in row["tasks"]] == expected


def test_rows_of_a_task_come_by_relevance_times_importance_then_by_code():
    tasks = [
        (5, FOG, "Count lamps.", None, None),
        (4, DESK, " count LAMPS. ", 50.0, 4.0),
        (3, DESK, "Count lamps.", 90.0, 4.0),
        (6, LAMP, "Count lamps.", None, 5.0),
        (9, LAMP, "Measure fog.", None, None),
    ]
    names = ["task_id", "onet_soc_code", "statement", "relevance", "importance"]
    release = Release(
        name="99.1",
        notice="",
        is_starter=False,
        content_hash="",
        occupations=pl.DataFrame(
            {"onet_soc_code": [LAMP, FOG, DESK], "occupation_title": ["A", "B", "C"]}
        ),
        tasks=pl.DataFrame(tasks, names, orient="row"),
        task_dwas=pl.DataFrame(),
    )
    assert task_rows(release).rows() == [
        (3, 3, DESK),
        (3, 4, DESK),
        (3, 6, LAMP),
        (3, 5, FOG),
        (9, 9, LAMP),
    ]
