import random
from collections import Counter, defaultdict
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
from tests.conftest import named_hash

MINOR = {"15": "15-1200", "27": "27-3000", "43": "43-9000"}
NAME = {letter: f"{ord(letter):x}".ljust(32, "0") for letter in "abcdefgxyz"}
KEYS = ["unit_level", "unit_id", "allocation_rule", "pattern"]
FIGURES = [
    "usage",
    "conversation_count",
    "distinct_conversation_count",
    "account_count",
    "largest_account_count",
    "second_account_count",
]

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
WHO = "observation_id, account_id, copy_id, source_id"
SQL = f"""
WITH seen AS (SELECT * FROM read_parquet($path)),
matched AS (SELECT * FROM seen WHERE outcome = 'matched'),
units AS (
    SELECT *, {CASE} AS unit_id
    FROM matched, (VALUES ('major'), ('minor'), ('broad'), ('occupation')) AS levels (unit_level)
),
allocated AS (
    SELECT unit_level, unit_id, 'split' AS allocation_rule, pattern, {WHO}, usage * weight AS usage
    FROM units
    UNION ALL
    SELECT DISTINCT unit_level, unit_id, 'full', pattern, {WHO}, usage FROM units
    UNION ALL
    SELECT DISTINCT 'task', task_id::VARCHAR, 'split', pattern, {WHO}, usage FROM matched
),
rows AS (
    FROM allocated
    UNION ALL SELECT * REPLACE ('all' AS unit_id) FROM allocated
    UNION ALL SELECT DISTINCT 'all', 'all', 'split', pattern, {WHO}, usage FROM seen
    UNION ALL SELECT 'all', outcome, 'split', pattern, {WHO}, usage
    FROM seen WHERE outcome <> 'matched'
),
together AS (
    FROM rows
    UNION ALL SELECT * REPLACE ('all' AS pattern) FROM rows
    UNION ALL SELECT * REPLACE (CASE WHEN pattern IN ('directive', 'feedback_loop')
                                THEN 'automation' ELSE 'augmentation' END AS pattern)
    FROM rows WHERE pattern NOT IN ('none', 'not_classified')
),
by_source AS (
    SELECT unit_level, unit_id, allocation_rule, pattern, count(DISTINCT observation_id) AS own
    FROM together WHERE source_id IS NOT NULL
    GROUP BY unit_level, unit_id, allocation_rule, pattern, source_id
),
sources AS (
    SELECT unit_level, unit_id, allocation_rule, pattern, list_reverse_sort(list(own)) AS own
    FROM by_source GROUP BY ALL
)
SELECT unit_level, unit_id, allocation_rule, pattern, sum(usage), count(DISTINCT observation_id),
       count(DISTINCT copy_id),
       CASE WHEN any_value(own) IS NOT NULL
            THEN least(len(any_value(own)), count(DISTINCT account_id)) END,
       any_value(own)[1],
       CASE WHEN any_value(own) IS NOT NULL THEN coalesce(any_value(own)[2], 0) END
FROM together LEFT JOIN sources USING (unit_level, unit_id, allocation_rule, pattern)
GROUP BY ALL
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
def copies(conversations):
    """Copy and source of each conversation: every account copies itself, and some each other."""
    draw = random.Random(6)
    found = {}
    for name, account, *_ in conversations:
        kind = draw.random()
        if kind < 0.1:  # a text that everybody sends
            found[name] = ("text", "text")
        elif kind < 0.3:
            shared = draw.choice("uvw")
            found[name] = (shared, shared)
        elif kind < 0.5 and account:
            found[name] = (f"own {account}", account)
        else:
            found[name] = (name, account)
    return found


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


def brute_force(conversations, holders, copies):
    usage, rows = defaultdict(Fraction), defaultdict(set)
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
                rows[*unit, each].add((name, account))
    return {cell: (float(usage[cell]), *counts_of(rows[cell], copies)) for cell in usage}


def counts_of(rows, copies):
    """Conversations, distinct ones, accounts, and the conversations of the two largest."""
    of_source = Counter(copies[name][1] for name, _ in rows if copies[name][1])
    distinct = len({copies[name][0] for name, _ in rows})
    if not of_source:
        return (len(rows), distinct, None, None, None)
    accounts = {account for _, account in rows if account}
    largest, second, *_ = [*(count for _, count in of_source.most_common()), 0]
    return (len(rows), distinct, min(len(of_source), len(accounts)), largest, second)


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for cell, (usage, *counts) in expected.items():
        assert list(found[cell][1:]) == counts, cell
        assert found[cell][0] == pytest.approx(usage, abs=1e-9), cell


def as_sources(copies):
    """The table of sources, as the stage before hands it on."""
    return pl.DataFrame(
        [(named_hash(name), *each) for name, each in copies.items()],
        {"conversation_id": pl.String, "copy_id": pl.String, "source_id": pl.String},
        orient="row",
    )


def test_the_cube_equals_one_counted_by_hand(conversations, copies, observed, holders):
    cells = aggregate_cells(observed(conversations), quarter="2026Q1", sources=as_sources(copies))
    expected = brute_force(conversations, holders, copies)
    assert len(expected) > 200
    assert_same(as_dict(cells), expected)


def test_without_sources_every_conversation_and_account_is_its_own(
    conversations, observed, holders
):
    cells = aggregate_cells(observed(conversations), quarter="2026Q1")
    alone = {name: (name, account) for name, account, *_ in conversations}
    assert_same(as_dict(cells), brute_force(conversations, holders, alone))


def test_the_cube_equals_one_counted_by_sql(conversations, copies, observed, tmp_path: Path):
    observations, sources = observed(conversations), as_sources(copies)
    path = tmp_path / "observations.parquet"
    observations.with_columns(pl.col(pl.Enum).cast(pl.String)).join(
        sources, left_on="observation_id", right_on="conversation_id", how="left"
    ).write_parquet(path)
    counted = duckdb.execute(SQL, {"path": str(path)}).fetchall()
    found = as_dict(aggregate_cells(observations, quarter="2026Q1", sources=sources))
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
    used, conversations, distinct, accounts, *_ = cells[unit]
    assert (used, conversations, accounts) == expected
    assert distinct == conversations


@pytest.mark.parametrize(
    ("shared", "expected"),
    [  # of a, b of account x; c of account y; d of account z; e without an account
        ({}, (5, 5, 3, 2, 1)),
        ({"a": ("t", "x"), "b": ("t", "x")}, (5, 4, 3, 2, 1)),
        ({"c": ("t", "t"), "d": ("t", "t")}, (5, 4, 2, 2, 2)),
        ({"b": ("t", "t"), "c": ("t", "t"), "d": ("t", "t")}, (5, 3, 2, 3, 1)),
        # e has no account of its own, but is not another one's either
        ({"d": ("t", "t"), "c": ("t", "t"), "e": ("t", "t")}, (5, 3, 2, 3, 2)),
        # three texts that accounts y and z share are of two accounts, not of three
        ({"c": ("s", "s"), "d": ("t", "t"), "e": ("u", "u")}, (5, 5, 3, 2, 1)),
        (dict.fromkeys("abcde", ("t", "t")), (5, 1, 1, 5, 0)),
    ],
    ids=["no copies", "own copies", "two accounts", "three accounts", "with an unknown account",
         "more texts than accounts", "one text"],
)  # fmt: skip
def test_copies_count_once_and_those_who_send_them_too(shared, expected, observed):
    owners = {"a": "x", "b": "x", "c": "y", "d": "z", "e": None}
    rows = [(name, account, 1, "directive") for name, account in owners.items()]
    copies = {name: (name, account) for name, account in owners.items()} | shared
    cells = aggregate_cells(observed(rows), quarter="2026Q1", sources=as_sources(copies))
    assert as_dict(cells)["task", "1", "split", "all"] == (5.0, *expected)


def test_a_shared_task_makes_no_conversation_two(observed):
    """Counts are of conversations, though a task of three occupations has three rows of each."""
    rows = [(name, name, 2, "directive") for name in "abc"]
    cells = as_dict(aggregate_cells(observed(rows), quarter="2026Q1"))
    assert cells["major", "15-0000", "split", "all"][1:] == (3, 3, 3, 1, 1)
    assert cells["occupation", "all", "full", "all"][1:] == (3, 3, 3, 1, 1)


def test_usage_that_is_of_no_pattern_is_of_no_mode(usage, observed):
    cells = as_dict(aggregate_cells(observed(usage()), quarter="2026Q1"))
    for outcome in ("none", "not_classified"):
        found = {pattern for _, unit, _, pattern in cells if unit == outcome}
        assert found == {outcome, "all"}


def test_unknown_accounts_are_null_and_not_zero(usage, observed):
    cells = aggregate_cells(observed(usage(known=False)), quarter="2026Q1")
    counts = cells.select("account_count", "largest_account_count", "second_account_count")
    assert counts.null_count().row(0) == (cells.height,) * 3


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


def assigned_to(**clusters):
    """The cluster of each conversation."""
    rows = [(NAME[name], cluster, 1.0) for name, cluster in clusters.items()]
    schema = ClusterAssignments.create_empty().schema
    return ClusterAssignments.validate(pl.DataFrame(rows, schema, orient="row"))


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (PEOPLE, [(0, None, 2, 2, 1, 2, 0), (0, 2, 1, 1, 1, 1, 0),
                  (1, None, 1, 1, None, None, None)]),
        (conversations_of(("a", "x"), ("b", "y"), ("c", "y")),
         [(0, None, 2, 2, 2, 1, 1), (0, 2, 1, 1, 1, 1, 0), (1, None, 1, 1, 1, 1, 0)]),
        (conversations_of(("a", None), ("b", None), ("c", None)),
         [(0, None, 2, 2, None, None, None), (0, 2, 1, 1, None, None, None),
          (1, None, 1, 1, None, None, None)]),
    ],
    ids=["one account in a cluster, and a conversation without", "two accounts", "unknown"],
)  # fmt: skip
def test_a_cluster_counts_conversations_and_accounts_by_task(people, expected):
    cells = aggregate_clusters(people, assigned_to(a=0, b=0, c=1), MATCHES)
    assert cells.rows() == expected


def test_copies_in_a_cluster_count_once():
    people = conversations_of(("a", "x"), ("b", "y"), ("c", "z"))
    sources = pl.DataFrame(
        {
            "conversation_id": [NAME[name] for name in "abc"],
            "copy_id": ["t", "t", "c"],
            "source_id": ["t", "t", "z"],
        }
    )
    cells = aggregate_clusters(people, assigned_to(a=0, b=0, c=0), MATCHES, sources=sources)
    assert cells.rows() == [(0, None, 3, 2, 2, 2, 1), (0, 2, 1, 1, 1, 1, 0)]


def test_a_cluster_counts_only_the_conversations_that_count():
    """Those over the limits of their account are not handed over."""
    people = conversations_of(("a", "x"), ("c", "y"))
    cells = aggregate_clusters(people, assigned_to(a=0, b=0, c=1), MATCHES)
    assert cells.select("cluster_id", "task_id", "conversation_count").rows() == [
        (0, None, 1),
        (0, 2, 1),
        (1, None, 1),
    ]


def test_noise_is_in_no_cluster():
    noise = assigned_to(a=None, b=None, c=None)
    assert aggregate_clusters(PEOPLE, noise, MATCHES).height == 0
