import polars as pl
import pytest

from flows.aggregate import aggregate_cells
from flows.coverage import count_coverage
from flows.disclosure.thresholds import PrimaryRules
from flows.tables import Classifications, ClusterAssignments, Rejects, ReleasedCells
from tests.exact import withhold_cells

EVERYTHING = ("all", "all", "split", "all")
REJECTS = [
    ("ingest", "malformed_json", None, "a.jsonl", 3),
    ("ingest", "malformed_json", None, "a.jsonl", 4),
    ("ingest", "outside_quarter", None, "b.jsonl", 1),
    ("redact", "redaction_timeout", f"{0:032x}", "b.jsonl", None),
]


def table_of(schema, rows):
    return schema.validate(pl.DataFrame(rows, schema.create_empty().schema, orient="row"))


def released_of(*rows):
    """Rows of unit level, unit, rule, pattern, and a figure; withheld where it is None."""
    return table_of(
        ReleasedCells,
        [
            ("2026Q1", *cell, None if figure is None else float(figure), figure,
             None, None, "primary" if figure is None else "none")
            for *cell, figure in rows
        ],
    )  # fmt: skip


def rejected_of(**counts):
    rows = [(rule, number) for rule, count in counts.items() for number in range(1, count + 1)]
    return table_of(
        Rejects, [("ingest", rule, None, "a.jsonl", number) for rule, number in rows]
    )  # fmt: skip


def judged_of(undecided, unclustered, count=100):
    """Classifications and clusters of some conversations, the first ones without."""
    names = [f"{number:032x}" for number in range(count)]
    return {
        "classifications": table_of(
            Classifications,
            [
                (name, "en", None if number < undecided else True, 0.5, None, 0.5, "none", 0.5,
                 None, 0.5)
                for number, name in enumerate(names)
            ],
        ),
        "assignments": table_of(
            ClusterAssignments,
            [
                (name, None if number < unclustered else 0, 0.5)
                for number, name in enumerate(names)
            ],
        ),
    }  # fmt: skip


def cover(released, *, removed=0, accounts=0, rejects=None, undecided=0, unclustered=0, base=10):
    """Value and base value by stage, measure and detail."""
    table = count_coverage(
        quarter="2026Q1",
        row_counts={"removed": removed, "accounts": accounts},
        rejects=Rejects.create_empty() if rejects is None else rejects,
        released=released,
        base=base,
        **judged_of(undecided, unclustered),
    )
    assert set(table["quarter"]) == {"2026Q1"}
    return {row[1:4]: row[4:] for row in table.with_columns(pl.col(pl.Enum).cast(pl.String)).rows()}


@pytest.fixture(scope="module")
def covered(usage, observed):
    """The usual quarter in exact figures: all that is counted can be seen."""
    cells = aggregate_cells(observed(usage()), quarter="2026Q1")
    return cover(
        withhold_cells(cells, PrimaryRules(15, 5)),
        removed=7,
        accounts=6,
        rejects=table_of(Rejects, REJECTS),
        undecided=4,
        unclustered=59,
        base=1,
    )


@pytest.mark.parametrize(
    ("row", "value", "base"),
    [
        (("ingest", "rows_in", "rows of the sources"), 111, None),
        (("ingest", "rejected", "malformed_json"), 2, 111),
        (("ingest", "rejected", "outside_quarter"), 1, 111),
        (("redact", "rejected", "redaction_timeout"), 1, 111),
        (("redact", "accepted", "conversations"), 107, 111),
        (("cluster", "unclustered", "conversations"), 59, 107),
        (("aggregate", "removed", "over the limits of their account"), 7, 107),
        (("aggregate", "counted", "conversations"), 100, 107),
        (("aggregate", "accounts", "distinct accounts, at least"), 6, None),
        # all, none, not_classified have 1 + 7 patterns + 2 modes, 1 + 1, 1 + 1 cells. Released:
        # all, both modes, and four patterns
        (("disclose", "released_cells", "level: all"), 7, None),
        (("disclose", "withheld_cells", "level: all"), 7, None),
        # tasks 1 and 2 without their one pattern and its mode; task 3 without 14 of feedback_loop,
        # and so of automation; tasks 4 and 5 have three each
        (("disclose", "released_cells", "level: task"), 5, None),
        (("disclose", "withheld_cells", "level: task"), 12, None),
        # by rule: coder 6 of 7, tester 1 of 3, writer 6 of 6, clerk 0 of 3
        (("disclose", "released_cells", "level: occupation"), 26, None),
        (("disclose", "withheld_cells", "level: occupation"), 12, None),
        (("disclose", "withheld_usage", "level: task"), 19, 86),
        (("disclose", "withheld_usage", "level: occupation"), 3, 86),
        (("disclose", "withheld_usage", "level: major"), 3, 86),
    ],
)
def test_what_is_not_shown_is_counted(row, value, base, covered):
    share = None if base is None else round(value / base, len(str(base - 1)))
    assert covered[row] == (value, base, share)


def test_what_is_withheld_of_the_cells_is_not_said_here(covered):
    """Ten conversations of no pattern, four that were not classified: both under the floors."""
    rows = {(stage, measure) for stage, measure, _ in covered if stage in ("classify", "match")}
    assert not rows


@pytest.mark.parametrize(
    ("unit", "pattern", "row"),
    [
        ("all", "not_classified", ("classify", "not_classified", "pattern")),
        ("all", "none", ("classify", "none", "pattern")),
        ("none", "all", ("match", "none", "task: not occupational")),
        ("not_classified", "all", ("match", "not_classified", "task")),
    ],
)
@pytest.mark.parametrize("figure", [None, 40])
def test_a_count_that_a_cell_holds_is_taken_from_it(unit, pattern, row, figure):
    released = released_of((*EVERYTHING, 200), ("all", unit, "split", pattern, figure))
    found = cover(released).get(row)
    assert found == (None if figure is None else (40, 200, 0.2))


@pytest.mark.parametrize(
    ("count", "rounded"),
    [(0, 0), (1, 0), (4, 0), (5, 10), (6, 10), (10, 10), (14, 10), (15, 20), (16, 20)],
)
def test_what_no_cell_holds_is_rounded_to_the_nearest_multiple(count, rounded):
    everything = released_of((*EVERYTHING, 100), ("all", "not_classified", "split", "all", 40))
    found = cover(everything, removed=count, undecided=count, unclustered=count)
    assert found["aggregate", "removed", "over the limits of their account"][0] == rounded
    assert found["cluster", "unclustered", "conversations"][0] == rounded
    assert found["classify", "not_classified", "occupational"][0] == rounded


@pytest.mark.parametrize("count", [1, 4, 5, 6, 14, 15])
def test_rejected_rows_are_in_no_cell_and_counted_exactly(count):
    found = cover(released_of((*EVERYTHING, 100)), rejects=rejected_of(malformed_json=count))
    whole = 100 + count
    assert found["ingest", "rows_in", "rows of the sources"] == (whole, None, None)
    assert found["ingest", "rejected", "malformed_json"] == (count, whole, round(count / whole, 3))
    assert found["redact", "accepted", "conversations"] == (100, whole, round(100 / whole, 3))


@pytest.mark.parametrize("base", [1, 10, 25])
def test_totals_are_sums_of_what_is_said_here(base):
    """A total rounded by itself would narrow its parts down."""
    found = cover(
        released_of((*EVERYTHING, 100)),
        removed=17,
        rejects=rejected_of(malformed_json=14, outside_quarter=6, unknown_format=88),
        base=base,
    )
    values = {row[:2]: figures[0] for row, figures in found.items()}
    rejected = sum(found[row][0] for row in found if row[1] == "rejected")
    accepted, removed = values["redact", "accepted"], values["aggregate", "removed"]
    assert values["aggregate", "counted"] == 100
    assert accepted == 100 + removed
    assert values["ingest", "rows_in"] == accepted + rejected
    assert {base_value for row, (_, base_value, _) in found.items() if row[1] == "rejected"} == {
        accepted + rejected
    }
    assert rejected == 108
    assert removed % base == 0


@pytest.mark.parametrize(
    ("accounts", "conversations", "base", "said"),
    [
        (0, 100, 10, None),  # unknown
        (9, 100, 10, None),
        (10, 100, 10, 10),
        (11, 100, 10, 10),
        (19, 100, 10, 10),
        (20, 100, 10, 20),
        (89, 100, 10, 80),
        (90, 100, 10, 90),
        (99, 100, 10, 90),
        (100, 100, 10, 90),  # a conversation each: not more than a base below their count
        (130, 100, 10, 90),  # of whom some are over their limits
        (10, 20, 10, 10),
        (20, 20, 10, 10),
        (75, None, 10, None),
        (6, 100, 1, 6),
        (100, 100, 1, 99),
    ],
)
def test_accounts_are_rounded_down_and_say_no_more_than_conversations(
    accounts, conversations, base, said
):
    found = cover(released_of((*EVERYTHING, conversations)), accounts=accounts, base=base)
    row = found.get(("aggregate", "accounts", "distinct accounts, at least"))
    assert row == (None if said is None else (said, None, None))


@pytest.mark.parametrize(
    ("withheld", "base", "said"),
    [(0, 10, 0), (1, 10, 10), (9, 10, 10), (10, 10, 10), (11, 10, 20), (1, 1, 1), (11, 1, 11)],
)
def test_withheld_cells_are_rounded_up(withheld, base, said):
    """An empty cell is none of them: how many there are says which are empty."""
    tasks = [("task", str(number), "split", "all") for number in range(withheld + 3)]
    figures = [None] * withheld + [40] * 3
    cells = [(*task, figure) for task, figure in zip(tasks, figures, strict=True)]
    found = cover(released_of(*cells), base=base)
    assert found["disclose", "withheld_cells", "level: task"] == (said, None, None)
    assert found["disclose", "released_cells", "level: task"] == (3, None, None)


@pytest.mark.parametrize(
    ("total", "shown", "expected"),
    [
        (200, [100, 60], (40, 200, 0.2)),
        (200, [100, 100], (0, 200, 0.0)),
        (200, [120, 110], (0, 200, 0.0)),  # rounded up, both of them
        (200, [None, None], (200, 200, 1.0)),
        (200, [], None),
        (None, [100, 60], None),
    ],
)
def test_withheld_usage_is_what_the_released_figures_leave(total, shown, expected):
    tasks = [("task", str(number), "split", "all", figure) for number, figure in enumerate(shown)]
    found = cover(released_of(("task", "all", "split", "all", total), *tasks))
    assert found.get(("disclose", "withheld_usage", "level: task")) == expected


def test_where_the_count_of_all_is_withheld_nothing_is_counted():
    found = cover(released_of((*EVERYTHING, None)), removed=12, undecided=30, unclustered=40)
    assert found["aggregate", "counted", "conversations"] == (0, 10, 0.0)
    assert found["redact", "accepted", "conversations"] == (10, 10, 1.0)
    # no more of them than were accepted, as far as said
    assert found["cluster", "unclustered", "conversations"] == (10, 10, 1.0)
    assert ("classify", "not_classified", "occupational") not in found


def test_the_undecided_are_not_told_where_those_without_a_task_for_that_reason_are_withheld():
    """Nearly all of them are: the one would narrow the other down."""
    for figure in (None, 40):
        outcome = ("all", "not_classified", "split", "all", figure)
        found = cover(released_of((*EVERYTHING, 100), outcome), undecided=30)
        told = found.get(("classify", "not_classified", "occupational"))
        assert told == (None if figure is None else (30, 100, 0.3))


def test_a_quarter_without_conversations_has_no_shares():
    table = count_coverage(
        quarter="2026Q1",
        row_counts={"removed": 0, "accounts": 0},
        rejects=Rejects.create_empty(),
        assignments=ClusterAssignments.create_empty(),
        classifications=Classifications.create_empty(),
        released=ReleasedCells.create_empty(),
        base=10,
    )
    assert table["value"].to_list() == [0] * 5
    assert table["share"].null_count() == 5
