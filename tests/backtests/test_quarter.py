"""An invented quarter in, the exact release out.

A hundred conversations of a few accounts over four invented occupations (see `tests/conftest.py`):
tasks 2 and 3 are shared, task 4 has too few accounts, task 5 too few conversations, task 6 none.
Figures are exact: of disclosure control only the primary rules are applied, not the rounding.
The bounds are the Wilson score interval as computed by scipy and by hand, to four decimals.
"""

import duckdb
import polars as pl
import pytest

from flows import tables as t
from flows.aggregate import aggregate_cells, aggregate_clusters, observe
from flows.coverage import count_coverage
from flows.disclosure.thresholds import PrimaryRules, withhold_clusters
from flows.identity import keyed_hash
from flows.publish import publish_release
from flows.shares import (
    collaboration_shares,
    occupation_shares,
    soc_group_shares,
    task_depth,
    task_shares,
)
from tests.exact import withhold_cells

QUARTER = "2026Q1"
CODER, TESTER, WRITER, CLERK = "15-1252.00", "15-1253.00", "27-3042.00", "43-9061.00"
CLUSTER_OF_TASK = {1: 0, 2: 0, 5: 1}
REJECTS = [
    ("ingest", "malformed_json", None, "lamps.jsonl", 4),
    ("ingest", "malformed_json", None, "lamps.jsonl", 9),
    ("ingest", "outside_quarter", None, "lamps.jsonl", 12),
]


def validated(schema, rows):
    frame = pl.DataFrame(rows, schema.create_empty().schema, orient="row")
    return schema.validate(frame)


@pytest.fixture(scope="module")
def quarter(usage, mini_taxonomy, invented_key):
    """The unit tables of the quarter, as the stages before the cube hand them on."""
    hashed = keyed_hash(invented_key.encode(), QUARTER)
    held = dict(
        mini_taxonomy.task_occupations.group_by("task_id")
        .agg(pl.col("onet_soc_code").sort())
        .rows()
    )
    conversations, judged, matches, assigned = [], [], [], []
    for name, account, task, pattern in usage():
        own, who = hashed(f"conversation:{name}"), hashed(f"account:{account}")
        is_occupational = None if task == "not_classified" else task != "none"
        cluster = CLUSTER_OF_TASK.get(task)
        conversations.append((own, who, None, "lamps.jsonl", "en", None, None, 2))
        judged.append((own, "en", is_occupational, 0.9, "work", 0.9, pattern, 0.9, "none", 0.1))
        assigned.append((own, cluster, 0.0 if cluster is None else 0.8))
        codes = held.get(task, [None])
        matches += [
            (own, task, None, None, None, 1.0)
            if code is None
            else (own, "matched", task, code, 0.5, 1 / len(codes))
            for code in codes
        ]
    return {
        "conversations": validated(t.Conversations, conversations),
        "classifications": validated(t.Classifications, judged),
        "task_matches": validated(t.TaskMatches, matches),
        "assignments": validated(t.ClusterAssignments, assigned),
    }


@pytest.fixture(scope="module")
def database(quarter, mini_taxonomy, release_tables, tmp_path_factory):
    floors = PrimaryRules(15, 5)
    observations = observe(
        quarter["conversations"], quarter["classifications"], quarter["task_matches"]
    )
    cells = aggregate_cells(observations, quarter=QUARTER)
    released = withhold_cells(cells, floors)
    cluster_cells = aggregate_clusters(
        quarter["conversations"], quarter["assignments"], quarter["task_matches"]
    )
    clusters = pl.DataFrame(
        [(0, 0, None), (1, 0, None)],
        {"cluster_id": pl.Int64, "level": pl.Int64, "parent_cluster_id": pl.Int64},
        orient="row",
    )
    covered = count_coverage(
        quarter=QUARTER,
        row_counts={"removed": 0, "accounts": 6},
        rejects=validated(t.Rejects, REJECTS),
        assignments=quarter["assignments"],
        classifications=quarter["classifications"],
        released=released,
        base=1,
    )
    path = tmp_path_factory.mktemp("quarter") / "lamps.duckdb"
    tables = release_tables(QUARTER) | {  # the release's own row and the references
        "occupation_shares": occupation_shares(released, mini_taxonomy),
        "soc_group_shares": soc_group_shares(released, mini_taxonomy),
        "task_shares": task_shares(released, mini_taxonomy),
        "collaboration_shares": collaboration_shares(released, mini_taxonomy),
        "task_depth": task_depth(released, mini_taxonomy, quarter=QUARTER),
        "clusters": withhold_clusters(
            cluster_cells, clusters, mini_taxonomy.statements, floors, quarter=QUARTER
        ),
        "coverage": covered,
    }
    publish_release(tables, quarter=QUARTER, database=path)
    return path


SPLIT = "usage allocated to tasks, by rule split"
FULL = "usage allocated to tasks, by rule full"
SHOWN, HIDDEN, NO = "none", "primary", None

RELEASED = {
    """
    SELECT onet_soc_code, occupation_title, allocation_rule, usage, conversation_count,
           base, base_usage, round(share, 4), round(share_lower, 4),
           round(share_upper, 4), round(task_equal_share, 4), suppression
    FROM occupation_shares ORDER BY allocation_rule DESC, onet_soc_code
    """: [
        (CODER, "Lamp Coders", "split", 40.5, 67, SPLIT, 86.0,
         0.4709, 0.3690, 0.5754, 0.6111, SHOWN),
        (TESTER, "Lamp Testers", "split", 6.0, 18, SPLIT, 86.0,
         0.0698, 0.0324, 0.1440, 0.1111, SHOWN),
        (WRITER, "Lamp Writers", "split", 36.5, 63, SPLIT, 86.0,
         0.4244, 0.3254, 0.5299, 0.2778, SHOWN),
        (CLERK, "Lamp Clerks", "split", NO, NO, SPLIT, 86.0, NO, NO, NO, NO, HIDDEN),
        (CODER, "Lamp Coders", "full", 67.0, 67, FULL, 151.0,
         0.4437, 0.3434, 0.5489, 0.5000, SHOWN),
        (TESTER, "Lamp Testers", "full", 18.0, 18, FULL, 151.0,
         0.1192, 0.0665, 0.2044, 0.1667, SHOWN),
        (WRITER, "Lamp Writers", "full", 63.0, 63, FULL, 151.0,
         0.4172, 0.3187, 0.5228, 0.3333, SHOWN),
        (CLERK, "Lamp Clerks", "full", NO, NO, FULL, 151.0, NO, NO, NO, NO, HIDDEN),
    ],
    """
    SELECT pattern_base, pattern, usage, conversation_count, base_usage, round(share, 4),
           round(share_lower, 4), round(share_upper, 4), withheld_pattern_count, suppression
    FROM collaboration_shares WHERE unit_level = 'all' ORDER BY pattern_base, pattern
    """: [
        ("all", "augmentation", 36.0, 36, 100.0, 0.3600, 0.2727, 0.4576, 3, SHOWN),
        ("all", "automation", 50.0, 50, 100.0, 0.5000, 0.4038, 0.5962, 3, SHOWN),
        ("all", "directive", 20.0, 20, 100.0, 0.2000, 0.1334, 0.2888, 3, SHOWN),
        ("all", "feedback_loop", 30.0, 30, 100.0, 0.3000, 0.2189, 0.3958, 3, SHOWN),
        ("all", "learning", 15.0, 15, 100.0, 0.1500, 0.0931, 0.2328, 3, SHOWN),
        ("all", "none", NO, NO, 100.0, NO, NO, NO, 3, HIDDEN),
        ("all", "not_classified", NO, NO, 100.0, NO, NO, NO, 3, HIDDEN),
        ("all", "task_iteration", 18.0, 18, 100.0, 0.1800, 0.1170, 0.2667, 3, SHOWN),
        ("all", "validation", NO, NO, 100.0, NO, NO, NO, 3, HIDDEN),
        ("five", "augmentation", 36.0, 36, 86.0, 0.4186, 0.3200, 0.5242, 1, SHOWN),
        ("five", "automation", 50.0, 50, 86.0, 0.5814, 0.4758, 0.6800, 1, SHOWN),
        ("five", "directive", 20.0, 20, 86.0, 0.2326, 0.1559, 0.3321, 1, SHOWN),
        ("five", "feedback_loop", 30.0, 30, 86.0, 0.3488, 0.2565, 0.4541, 1, SHOWN),
        ("five", "learning", 15.0, 15, 86.0, 0.1744, 0.1086, 0.2680, 1, SHOWN),
        ("five", "task_iteration", 18.0, 18, 86.0, 0.2093, 0.1367, 0.3068, 1, SHOWN),
        ("five", "validation", NO, NO, 86.0, NO, NO, NO, 1, HIDDEN),
        ("six", "augmentation", 36.0, 36, NO, NO, NO, NO, 2, SHOWN),
        ("six", "automation", 50.0, 50, NO, NO, NO, NO, 2, SHOWN),
        ("six", "directive", 20.0, 20, NO, NO, NO, NO, 2, SHOWN),
        ("six", "feedback_loop", 30.0, 30, NO, NO, NO, NO, 2, SHOWN),
        ("six", "learning", 15.0, 15, NO, NO, NO, NO, 2, SHOWN),
        ("six", "none", NO, NO, NO, NO, NO, NO, 2, HIDDEN),
        ("six", "task_iteration", 18.0, 18, NO, NO, NO, NO, 2, SHOWN),
        ("six", "validation", NO, NO, NO, NO, NO, NO, 2, HIDDEN),
    ],
    """
    SELECT onet_soc_code, task_count, used_task_count, round(depth, 4)
    FROM task_depth ORDER BY onet_soc_code
    """: [(CODER, 3, 3, 1.0), (TESTER, 1, 1, 1.0), (WRITER, 3, 2, 0.6667), (CLERK, 2, 0, 0.0)],
    """
    SELECT task_id, task_statement, occupation_count, usage, round(share, 4), suppression
    FROM task_shares ORDER BY task_id
    """: [
        (1, "Program lamps.", 1, 20.0, 0.2326, SHOWN),
        (2, "Test lamps.", 3, 18.0, 0.2093, SHOWN),
        (3, "Describe lamps.", 2, 29.0, 0.3372, SHOWN),
        (4, "Tell stories of lamps.", 1, NO, NO, HIDDEN),
        (5, "File forms about lamps.", 1, NO, NO, HIDDEN),
        (6, "Dust lamps.", 1, NO, NO, HIDDEN),
    ],
    """
    SELECT cluster_id, label, label_task_id, conversation_count, suppression
    FROM clusters ORDER BY cluster_id
    """: [(0, "Program lamps.", 1, 38, SHOWN), (1, NO, NO, NO, HIDDEN)],
    """
    SELECT stage, measure, detail, value, base_value, share
    FROM coverage ORDER BY stage, measure, detail
    """: [
        ("aggregate", "accounts", "distinct accounts, at least", 6, NO, NO),
        ("aggregate", "counted", "conversations", 100, 100, 1.0),
        ("aggregate", "removed", "over the limits of their account", 0, 100, 0.0),
        ("cluster", "unclustered", "conversations", 59, 100, 0.59),
        ("disclose", "released_cells", "level: all", 7, NO, NO),
        ("disclose", "released_cells", "level: broad", 24, NO, NO),
        ("disclose", "released_cells", "level: major", 24, NO, NO),
        ("disclose", "released_cells", "level: minor", 24, NO, NO),
        ("disclose", "released_cells", "level: occupation", 26, NO, NO),
        ("disclose", "released_cells", "level: task", 5, NO, NO),
        ("disclose", "withheld_cells", "level: all", 7, NO, NO),
        ("disclose", "withheld_cells", "level: broad", 8, NO, NO),
        ("disclose", "withheld_cells", "level: major", 8, NO, NO),
        ("disclose", "withheld_cells", "level: minor", 8, NO, NO),
        ("disclose", "withheld_cells", "level: occupation", 12, NO, NO),
        ("disclose", "withheld_cells", "level: task", 12, NO, NO),
        ("disclose", "withheld_usage", "level: broad", 3, 86, 0.03),
        ("disclose", "withheld_usage", "level: major", 3, 86, 0.03),
        ("disclose", "withheld_usage", "level: minor", 3, 86, 0.03),
        ("disclose", "withheld_usage", "level: occupation", 3, 86, 0.03),
        ("disclose", "withheld_usage", "level: task", 19, 86, 0.22),
        ("ingest", "rejected", "malformed_json", 2, 103, 0.019),
        ("ingest", "rejected", "outside_quarter", 1, 103, 0.01),
        ("ingest", "rows_in", "rows of the sources", 103, NO, NO),
        ("redact", "accepted", "conversations", 100, 103, 0.971),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "expected"), RELEASED.items(), ids=["occupation_shares", "collaboration_shares",
                                                "task_depth", "task_shares", "clusters", "coverage"]
)  # fmt: skip
def test_the_quarter_gives_this_release(sql, expected, database):
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute(sql).fetchall() == expected


def test_no_hash_of_the_quarter_is_in_the_database(quarter, database):
    content = database.read_bytes()
    hashes = set(quarter["conversations"]["conversation_id"])
    hashes |= set(quarter["conversations"]["account_id"])
    assert len(hashes) == 106
    assert not any(each.encode() in content for each in hashes)
