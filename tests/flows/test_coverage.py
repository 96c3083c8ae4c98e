import polars as pl
import pytest

from flows.aggregate import aggregate_cells
from flows.coverage import count_coverage
from flows.disclosure.thresholds import Floors, withhold_cells
from flows.tables import (
    Cells,
    Classifications,
    ClusterAssignments,
    Rejects,
    ReleasedCells,
    TaskMatches,
)

CODER = "15-1252.00"


def hashes(count):
    return [f"{number:032x}" for number in range(count)]


def table_of(schema, rows):
    return schema.validate(pl.DataFrame(rows, schema.create_empty().schema, orient="row"))


REJECTS = [
    ("ingest", "malformed_json", None, "a.jsonl", 3),
    ("ingest", "malformed_json", None, "a.jsonl", 4),
    ("ingest", "outside_quarter", None, "b.jsonl", 1),
    ("redact", "redaction_timeout", hashes(1)[0], "b.jsonl", None),
]
JUDGED = [  # is_occupational, pattern, cluster, outcome
    (True, "directive", 0, "matched"),
    (True, "learning", None, "matched"),
    (True, "not_classified", 0, "not_classified"),
    (False, "none", None, "none"),
    (None, "none", 1, "not_classified"),
    (False, "directive", 1, "none"),
]


@pytest.fixture(scope="module")
def covered(usage, observed):
    names = hashes(len(JUDGED))
    cells = aggregate_cells(observed(usage()), quarter="2026Q1")
    table = count_coverage(
        quarter="2026Q1",
        row_counts={"rows_in": 10, "accepted": 6},
        rejects=table_of(Rejects, REJECTS),
        assignments=table_of(
            ClusterAssignments,
            [(name, row[2], 0.5) for name, row in zip(names, JUDGED, strict=True)],
        ),
        classifications=table_of(
            Classifications,
            [
                (name, "en", row[0], 0.5, None, 0.5, row[1], 0.5, None, 0.5)
                for name, row in zip(names, JUDGED, strict=True)
            ],
        ),
        task_matches=table_of(
            TaskMatches,
            [
                (name, row[3], *((1, code, 0.5) if code else (None, None, None)), 1 / len(codes))
                for name, row in zip(names, JUDGED, strict=True)
                for codes in [[CODER, "15-1253.00"] if row[3] == "matched" else [None]]
                for code in codes
            ],
        ),
        cells=cells,
        released=withhold_cells(cells, Floors(15, 5)),
    )
    return {row[1:4]: row[4:] for row in table.with_columns(pl.col(pl.Enum).cast(pl.String)).rows()}


@pytest.mark.parametrize(
    ("row", "value", "base"),
    [
        (("ingest", "rows_in", "rows of the sources"), 10, None),
        (("ingest", "rejected", "malformed_json"), 2, 10),
        (("ingest", "rejected", "outside_quarter"), 1, 10),
        (("redact", "rejected", "redaction_timeout"), 1, 10),
        (("redact", "accepted", "conversations"), 6, 10),
        (("cluster", "unclustered", "conversations"), 2, 6),
        (("classify", "not_classified", "occupational"), 1, 6),
        (("classify", "not_classified", "pattern"), 1, 6),
        (("classify", "none", "pattern"), 2, 6),
        (("match", "none", "task: not occupational"), 2, 6),
        (("match", "not_classified", "task"), 2, 6),
        (("aggregate", "accounts", "distinct accounts"), 6, None),
        # all, none, not_classified have 1 + 7 patterns + 2 modes, 1 + 1, 1 + 1 cells. Released:
        # all, both modes, both patterns of automation; validation makes augmentation incomplete
        (("disclose", "released_cells", "level: all"), 5, None),
        (("disclose", "withheld_cells", "level: all"), 9, None),
        # tasks 1, 2 and 3 and a mode of each; the one pattern of tasks 1 and 2 is rolled up, and
        # of task 3 too, with 14 of feedback_loop and so of automation; 4 and 5 have three each
        (("disclose", "released_cells", "level: task"), 6, None),
        (("disclose", "withheld_cells", "level: task"), 11, None),
        # by rule: coder 3 of 7, tester 2 of 3, writer 3 of 6, clerk 0 of 3
        (("disclose", "released_cells", "level: occupation"), 16, None),
        (("disclose", "withheld_cells", "level: occupation"), 22, None),
        (("disclose", "withheld_usage", "level: task"), 19, 86),
        (("disclose", "withheld_usage", "level: occupation"), 3, 86),
        (("disclose", "withheld_usage", "level: major"), 3, 86),
    ],
)
def test_what_is_not_shown_is_counted(row, value, base, covered):
    share = None if base is None else pytest.approx(value / base)
    assert covered[row] == (value, base, share)


def test_rows_in_are_those_accepted_and_those_rejected(covered):
    values = {row: figures[0] for row, figures in covered.items()}
    rejected = sum(value for (_, measure, _), value in values.items() if measure == "rejected")
    accepted = values["redact", "accepted", "conversations"]
    assert values["ingest", "rows_in", "rows of the sources"] == accepted + rejected


@pytest.mark.parametrize(
    ("blocks", "known"),
    [([(1, "directive", 14, 9)], True), ([(1, "directive", 40, 4)], True),
     ([(1, "directive", 80, 1)], False)],
    ids=["too few conversations", "too few accounts", "accounts unknown"],
)  # fmt: skip
def test_accounts_are_counted_only_where_their_count_is_released(blocks, known, usage, observed):
    cells = aggregate_cells(observed(usage(blocks, known=known)), quarter="2026Q1")
    table = count_coverage(
        quarter="2026Q1",
        row_counts={"rows_in": 80, "accepted": 80},
        rejects=Rejects.create_empty(),
        assignments=ClusterAssignments.create_empty(),
        classifications=Classifications.create_empty(),
        task_matches=TaskMatches.create_empty(),
        cells=cells,
        released=withhold_cells(cells, Floors(15, 5) if known else Floors(75, None)),
    )
    assert "accounts" not in table["measure"]


def test_a_quarter_without_conversations_has_no_shares():
    table = count_coverage(
        quarter="2026Q1",
        row_counts={"rows_in": 0, "accepted": 0},
        rejects=Rejects.create_empty(),
        assignments=ClusterAssignments.create_empty(),
        classifications=Classifications.create_empty(),
        task_matches=TaskMatches.create_empty(),
        cells=Cells.create_empty(),
        released=ReleasedCells.create_empty(),
    )
    assert table["value"].to_list() == [0] * 8
    assert table["share"].null_count() == 8
