import random
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import duckdb
import polars as pl
import pytest

from flows.aggregate import aggregate_cells, aggregate_clusters, observe
from flows.tables import (
    Classifications,
    ClusterAssignments,
    Conversations,
    Observations,
    TaskMatches,
)
from taxonomy.patterns import FIVE_PATTERNS, PATTERNS

MINOR = {"15": "15-1200", "27": "27-3000", "43": "43-9000"}
NAME = {letter: f"{ord(letter):x}".ljust(32, "0") for letter in "abcdefgxyz"}
KEYS = ["unit_level", "unit_id", "allocation_rule", "pattern"]
FIGURES = ["usage", "conversation_count", "account_count"]

MODE = {
    "directive": "automation",
    "feedback_loop": "automation",
    "task_iteration": "augmentation",
    "learning": "augmentation",
    "validation": "augmentation",
}

CASE = """
    CASE unit_level
        WHEN 'major' THEN left(onet_soc_code, 2) || '-0000'
        WHEN 'minor' THEN CASE left(onet_soc_code, 2)
            WHEN '15' THEN '15-1200' WHEN '27' THEN '27-3000' ELSE '43-9000' END
        WHEN 'broad' THEN left(onet_soc_code, 6) || '0'
        WHEN 'occupation' THEN onet_soc_code
    END
"""
SQL = f"""
WITH seen AS (SELECT * FROM read_parquet($path)),
matched AS (SELECT * FROM seen WHERE outcome = 'matched'),
units AS (
    SELECT *, {CASE} AS unit_id
    FROM matched, (VALUES ('major'), ('minor'), ('broad'), ('occupation')) AS levels (unit_level)
),
allocated AS (
    SELECT unit_level, unit_id, 'split' AS allocation_rule, pattern, observation_id, account_id,
           usage * weight AS usage FROM units
    UNION ALL
    SELECT DISTINCT unit_level, unit_id, 'full', pattern, observation_id, account_id, usage
    FROM units
    UNION ALL
    SELECT DISTINCT 'task', task_id::VARCHAR, 'split', pattern, observation_id, account_id, usage
    FROM matched
),
rows AS (
    FROM allocated
    UNION ALL SELECT * REPLACE ('all' AS unit_id) FROM allocated
    UNION ALL SELECT DISTINCT 'all', 'all', 'split', pattern, observation_id, account_id, usage
    FROM seen
    UNION ALL SELECT 'all', outcome, 'split', pattern, observation_id, account_id, usage
    FROM seen WHERE outcome <> 'matched'
),
by_mode AS (
    SELECT * REPLACE (CASE WHEN pattern IN ('directive', 'feedback_loop') THEN 'automation'
                           ELSE 'augmentation' END AS pattern)
    FROM rows WHERE pattern NOT IN ('none', 'not_classified')
)
SELECT unit_level, unit_id, allocation_rule, COALESCE(by_pattern, 'all') AS pattern, sum(usage),
       count(DISTINCT observation_id), nullif(count(DISTINCT account_id), 0)
FROM (SELECT * EXCLUDE (pattern), pattern AS by_pattern FROM rows)
GROUP BY GROUPING SETS ((unit_level, unit_id, allocation_rule, by_pattern),
                        (unit_level, unit_id, allocation_rule))
UNION ALL
SELECT unit_level, unit_id, allocation_rule, pattern, sum(usage),
       count(DISTINCT observation_id), nullif(count(DISTINCT account_id), 0)
FROM by_mode GROUP BY ALL
"""


@pytest.fixture(scope="module")
def conversations():
    """400 of them, so that every task, outcome and pattern occurs; a tenth have no account."""
    draw = random.Random(5)
    return [
        (
            f"c{number}",
            None if draw.random() < 0.1 else f"a{draw.randrange(12)}",
            draw.choice([1, 1, 2, 2, 3, 4, 5, 6, "none", "not_classified"]),
            draw.choice(PATTERNS),
        )
        for number in range(400)
    ]


@pytest.fixture(scope="module")
def holders(mini_taxonomy):
    found = defaultdict(list)
    for task, code in mini_taxonomy.task_occupations.select("task_id", "onet_soc_code").rows():
        found[task].append(code)
    return found


def as_dict(cells):
    return {row[:4]: row[4:] for row in cells.with_columns(pl.col(pl.Enum).cast(pl.String))
            .select(*KEYS, *FIGURES).rows()}  # fmt: skip


def units_of(codes):
    """What one conversation about a task adds to which unit, as exact fractions."""
    added = defaultdict(Fraction)
    for level in ("major", "minor", "broad", "occupation"):
        named = [
            {"major": f"{code[:2]}-0000", "minor": MINOR[code[:2]], "broad": f"{code[:6]}0"}.get(
                level, code
            )
            for code in codes
        ]
        for unit in named:
            added[level, unit, "split"] += Fraction(1, len(codes))
        for unit in set(named):
            added[level, unit, "full"] += 1
    return added


def brute_force(conversations, holders):
    usage, people, names = defaultdict(Fraction), defaultdict(set), defaultdict(set)
    for name, account, task, pattern in conversations:
        added = defaultdict(Fraction, {("all", "all", "split"): Fraction(1)})
        if isinstance(task, str):
            added["all", task, "split"] += 1
        else:
            for (level, unit, rule), part in units_of(holders[task]).items():
                added[level, unit, rule] += part
                added[level, "all", rule] += part
            added["task", str(task), "split"] += 1
            added["task", "all", "split"] += 1
        for unit, part in added.items():
            for each in {pattern, MODE.get(pattern, "all"), "all"}:
                usage[*unit, each] += part
                names[*unit, each].add(name)
                people[*unit, each] |= {account} - {None}
    return {
        cell: (float(usage[cell]), len(names[cell]), len(people[cell]) or None) for cell in usage
    }


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for cell, (usage, *counts) in expected.items():
        assert list(found[cell][1:]) == counts, cell
        assert found[cell][0] == pytest.approx(usage, abs=1e-9), cell


def test_the_cube_equals_one_counted_by_hand(conversations, observed, holders):
    cells = aggregate_cells(observed(conversations), quarter="2026Q1")
    expected = brute_force(conversations, holders)
    assert len(expected) > 200
    assert_same(as_dict(cells), expected)


def test_the_cube_equals_one_counted_by_sql(conversations, observed, tmp_path: Path):
    observations = observed(conversations)
    path = tmp_path / "observations.parquet"
    observations.with_columns(pl.col(pl.Enum).cast(pl.String)).write_parquet(path)
    counted = duckdb.execute(SQL, {"path": str(path)}).fetchall()
    found = as_dict(aggregate_cells(observations, quarter="2026Q1"))
    assert_same(found, {row[:4]: row[4:] for row in counted})


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (("all", "all", "split", "all"), (100.0, 100, 6)),
        (("all", "all", "split", "directive"), (20.0, 20, 6)),
        (("all", "all", "split", "feedback_loop"), (30.0, 30, 5)),
        (("all", "all", "split", "automation"), (50.0, 50, 6)),  # their accounts overlap
        (("all", "all", "split", "augmentation"), (36.0, 36, 6)),
        (("all", "none", "split", "all"), (10.0, 10, 5)),
        (("all", "not_classified", "split", "not_classified"), (4.0, 4, 4)),
        (("major", "all", "split", "all"), (86.0, 86, 6)),
        (("major", "all", "full", "all"), (133.0, 86, 6)),
        (("major", "15-0000", "split", "all"), (46.5, 67, 6)),
        (("major", "15-0000", "full", "all"), (67.0, 67, 6)),
        (("occupation", "all", "full", "all"), (151.0, 86, 6)),
        (("occupation", "15-1252.00", "split", "all"), (40.5, 67, 6)),
        (("occupation", "15-1253.00", "split", "all"), (6.0, 18, 6)),
        (("task", "all", "split", "all"), (86.0, 86, 6)),
        (("task", "3", "split", "all"), (29.0, 29, 5)),
        (("task", "4", "split", "feedback_loop"), (16.0, 16, 4)),
        (("task", "4", "split", "automation"), (16.0, 16, 4)),
        (("occupation", "15-1252.00", "split", "automation"), (27.0, 34, 6)),
        (("occupation", "27-3042.00", "full", "augmentation"), (33.0, 33, 6)),
        (("major", "15-0000", "split", "augmentation"), (19.5, 33, 6)),
    ],
)
def test_a_cell_of_the_usual_quarter_has_its_counts(unit, expected, usage, observed):
    cells = as_dict(aggregate_cells(observed(usage()), quarter="2026Q1"))
    assert cells[unit] == expected


def test_usage_that_is_of_no_pattern_is_of_no_mode(usage, observed):
    cells = as_dict(aggregate_cells(observed(usage()), quarter="2026Q1"))
    for outcome in ("none", "not_classified"):
        found = {pattern for _, unit, _, pattern in cells if unit == outcome}
        assert found == {outcome, "all"}


def test_unknown_accounts_are_null_and_not_zero(usage, observed):
    cells = aggregate_cells(observed(usage(known=False)), quarter="2026Q1")
    assert cells["account_count"].null_count() == cells.height


def test_a_quarter_without_conversations_has_no_cells():
    empty = Observations.create_empty()
    assert aggregate_cells(empty, quarter="2026Q1").height == 0


def conversations_of(*rows):
    """Rows of name and account."""
    schema = Conversations.create_empty().schema
    values = [
        (NAME[name], account and NAME[account], None, "s", "en", None, None, 1)
        for name, account in rows
    ]
    return Conversations.validate(pl.DataFrame(values, schema, orient="row"))


def matches_of(*rows):
    """Rows of name, outcome, task, occupation, weight."""
    values = [
        (NAME[name], outcome, task, code, 0.5 if task else None, weight)
        for name, outcome, task, code, weight in rows
    ]
    schema = TaskMatches.create_empty().schema
    return TaskMatches.validate(pl.DataFrame(values, schema, orient="row"))


MATCHES = matches_of(
    ("a", "matched", 2, "15-1253.00", 0.5),
    ("a", "matched", 2, "15-1252.00", 0.5),
    ("b", "none", None, None, 1.0),
    ("c", "not_classified", None, None, 1.0),
)
PEOPLE = conversations_of(("a", "x"), ("b", "x"), ("c", None))


def test_an_observation_joins_who_how_and_what():
    judged = [
        (NAME[name], "en", True, 1.0, "work", 1.0, pattern, 1.0, "none", 0.0)
        for name, pattern in zip("abc", FIVE_PATTERNS[:3], strict=True)
    ]
    schema = Classifications.create_empty().schema
    found = observe(PEOPLE, Classifications.validate(pl.DataFrame(judged, schema, orient="row")),
                    MATCHES)  # fmt: skip
    assert found.with_columns(pl.col(pl.Enum).cast(pl.String)).rows() == [
        (NAME["a"], NAME["x"], "matched", 2, "15-1252.00", 0.5, "directive", 1.0),
        (NAME["a"], NAME["x"], "matched", 2, "15-1253.00", 0.5, "directive", 1.0),
        (NAME["b"], NAME["x"], "none", None, None, 1.0, "feedback_loop", 1.0),
        (NAME["c"], None, "not_classified", None, None, 1.0, "task_iteration", 1.0),
    ]


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (PEOPLE, [(0, None, 2, 1), (0, 2, 1, 1), (1, None, 1, None)]),
        (conversations_of(("a", "x"), ("b", "y"), ("c", "y")),
         [(0, None, 2, 2), (0, 2, 1, 1), (1, None, 1, 1)]),
        (conversations_of(("a", None), ("b", None), ("c", None)),
         [(0, None, 2, None), (0, 2, 1, None), (1, None, 1, None)]),
    ],
    ids=["one account in a cluster, and a conversation without", "two accounts", "unknown"],
)  # fmt: skip
def test_a_cluster_counts_conversations_and_accounts_by_task(people, expected):
    assigned = pl.DataFrame(
        [(NAME["a"], 0, 1.0), (NAME["b"], 0, 1.0), (NAME["c"], 1, 1.0)],
        ClusterAssignments.create_empty().schema,
        orient="row",
    )
    cells = aggregate_clusters(people, ClusterAssignments.validate(assigned), MATCHES)
    assert cells.rows() == expected


def test_noise_is_in_no_cluster():
    schema = ClusterAssignments.create_empty().schema
    noise = pl.DataFrame([(NAME[name], None, 0.0) for name in "abc"], schema, orient="row")
    assert aggregate_clusters(PEOPLE, ClusterAssignments.validate(noise), MATCHES).height == 0
