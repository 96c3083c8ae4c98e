import polars as pl
import pytest

from flows.disclosure.floors import (
    ACCOUNT_FLOOR,
    CONVERSATION_FLOOR,
    UNKNOWN_ACCOUNT_CONVERSATION_FLOOR,
)
from flows.disclosure.thresholds import Floors, withhold_cells, withhold_clusters
from flows.tables import Cells, ClusterCells

KNOWN, UNKNOWN, RAISED = Floors(15, 5), Floors(75, None), Floors(30, 10)
STATEMENTS = pl.DataFrame({"task_id": [1, 2, 3], "statement": ["Program.", "Test.", "Describe."]})


def test_the_floors_are_those_of_the_method():
    found = (CONVERSATION_FLOOR, ACCOUNT_FLOOR, UNKNOWN_ACCOUNT_CONVERSATION_FLOOR)
    assert found == (15, 5, 75)


@pytest.mark.parametrize(
    ("floors", "conversations", "accounts", "suppression"),
    [
        (KNOWN, 14, 5, "primary"),
        (KNOWN, 15, 5, "none"),
        (KNOWN, 16, 5, "none"),
        (KNOWN, 15, 4, "primary"),
        (KNOWN, 15, 6, "none"),
        (KNOWN, 10_000, 1, "primary"),  # one account cannot fill a cell
        (KNOWN, 10_000, None, "primary"),
        (KNOWN, 0, 0, "primary"),
        (UNKNOWN, 74, None, "primary"),
        (UNKNOWN, 75, None, "none"),
        (UNKNOWN, 76, None, "none"),
        (RAISED, 29, 10, "primary"),
        (RAISED, 30, 9, "primary"),
        (RAISED, 30, 10, "none"),
    ],
)
def test_a_cell_is_released_from_the_floors_on(floors, conversations, accounts, suppression):
    row = ("2026Q1", "task", "1", "split", "all", 2.5, conversations, accounts)
    cells = Cells.validate(pl.DataFrame([row], Cells.create_empty().schema, orient="row"))
    *_, usage, counted, people, reason = withhold_cells(cells, floors).row(0)
    assert reason == suppression
    figures = (2.5, conversations, accounts) if reason == "none" else (None, None, None)
    assert (usage, counted, people) == figures


@pytest.mark.parametrize(
    ("floors", "missing"),
    [(KNOWN, "conversation_count"), (KNOWN, "account_count"), (UNKNOWN, "conversation_count")],
)
def test_a_missing_count_fails(floors, missing):
    counts = pl.DataFrame({"conversation_count": [99], "account_count": [99]})
    unknown = counts.with_columns(pl.lit(None, pl.Int64).alias(missing))
    assert counts.select(floors.passed()).item() is True
    assert unknown.select(floors.passed()).item() is False


@pytest.mark.parametrize(
    ("conversations", "accounts", "message"),
    [
        (14, 5, "conversation floor 14 lies below 15"),
        (15, 4, "account floor 4 lies below 5"),
        (15, 0, "account floor 0 lies below 5"),
        (74, None, "conversation floor 74 lies below 75"),
        (15, None, "conversation floor 15 lies below 75"),
    ],
)
def test_floors_cannot_be_lowered(conversations, accounts, message):
    with pytest.raises(ValueError, match=message):
        Floors(conversations, accounts)


def test_floors_cannot_be_changed_once_made():
    with pytest.raises(AttributeError):
        KNOWN.conversations = 1  # type: ignore[misc]


CLUSTER_CELLS = [  # cluster, task, conversations, accounts
    (0, None, 60, 9),
    (0, 1, 16, 5),
    (0, 2, 30, 4),  # the most frequent, of too few accounts
    (0, 3, 16, 7),  # as frequent as task 1
    (1, None, 20, 5),
    (1, 2, 14, 5),
    (2, None, 15, 4),
    (2, 3, 15, 4),
    (3, None, 40, 8),
]


@pytest.mark.parametrize(
    ("cluster", "label", "task", "share", "counts", "suppression"),
    [
        (0, "Program.", 1, 16 / 60, (60, 9), "none"),
        (1, None, None, None, (20, 5), "none"),
        (2, None, None, None, (None, None), "primary"),
        (3, None, None, None, (40, 8), "none"),
    ],
)
def test_a_cluster_is_labeled_only_by_a_task_that_passes_in_it(
    cluster, label, task, share, counts, suppression
):
    schema = ClusterCells.create_empty().schema
    cells = ClusterCells.validate(pl.DataFrame(CLUSTER_CELLS, schema, orient="row"))
    clusters = pl.DataFrame(
        {"cluster_id": range(4), "level": [0] * 4, "parent_cluster_id": [None] * 4},
        schema_overrides={"level": pl.Int64, "parent_cluster_id": pl.Int64},
    )
    table = withhold_clusters(cells, clusters, STATEMENTS, KNOWN, quarter="2026Q1")
    assert table.height == 4
    row = table.row(cluster, named=True)
    found = (row["label"], row["label_task_id"], row["label_share"])
    assert found == (label, task, share and pytest.approx(share))
    assert (row["conversation_count"], row["account_count"]) == counts
    assert row["suppression"] == suppression
