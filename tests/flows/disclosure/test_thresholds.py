from itertools import product

import polars as pl
import pytest

from flows.disclosure import thresholds
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


# --- patterns of a mode, together or not at all --------------------------------------------------

AUTOMATION = ("directive", "feedback_loop")
AUGMENTATION = ("task_iteration", "learning", "validation")
UNIT = ("2026Q1", "task", "1", "split")
COMPLETE = {  # pattern or mode: conversations, accounts
    "directive": (20, 6),
    "feedback_loop": (15, 5),
    "automation": (35, 8),
    "task_iteration": (15, 5),
    "learning": (30, 7),
    "validation": (16, 5),
    "augmentation": (61, 9),
    "none": (15, 5),
    "not_classified": (15, 5),
    "all": (126, 9),
}


def cells_of(units):
    """Cells of units (quarter, level, id, rule), each with counts by pattern or mode."""
    rows = [
        (*unit, pattern, conversations / 2, conversations, accounts)
        for unit, counts in units.items()
        for pattern, (conversations, accounts) in counts.items()
    ]
    return Cells.validate(pl.DataFrame(rows, Cells.create_empty().schema, orient="row"))


def withheld_of(units, floors=KNOWN):
    """Suppression by pattern of every unit; figures are either all as they were, or all null."""
    found = {unit: {} for unit in units}
    table = withhold_cells(cells_of(units), floors).with_columns(pl.col(pl.Enum).cast(pl.String))
    for *unit, pattern, usage, conversations, accounts, suppression in table.rows():
        counts = units[tuple(unit)][pattern]
        kept = (counts[0] / 2, *counts) if suppression == "none" else (None, None, None)
        assert (usage, conversations, accounts) == kept
        found[tuple(unit)][pattern] = suppression
    return found


@pytest.mark.parametrize(
    ("changed", "rolled_up", "primary"),
    [
        ({}, [], []),
        ({"feedback_loop": (14, 5), "automation": (34, 8)}, ["directive"], ["feedback_loop"]),
        ({"directive": (14, 5), "automation": (29, 8)}, ["feedback_loop"], ["directive"]),
        ({"feedback_loop": (15, 4)}, ["directive"], ["feedback_loop"]),
        ({"feedback_loop": None, "automation": (20, 6)}, ["directive"], []),
        (
            {"validation": (14, 5), "augmentation": (59, 9)},
            ["task_iteration", "learning"],
            ["validation"],
        ),
        (
            {"validation": (14, 5), "learning": (1, 1), "augmentation": (30, 9)},
            ["task_iteration"],
            ["validation", "learning"],
        ),
        ({"learning": None, "augmentation": (31, 9)}, ["task_iteration", "validation"], []),
        (
            {"directive": (14, 5), "feedback_loop": (14, 5), "automation": (28, 6)},
            [],
            ["directive", "feedback_loop"],
        ),
        (
            {"directive": (7, 5), "feedback_loop": (7, 5), "automation": (14, 5)},
            [],
            ["directive", "feedback_loop", "automation"],
        ),
        (
            {"feedback_loop": (3, 3), "learning": (3, 3)},
            ["directive", "task_iteration", "validation"],
            ["feedback_loop", "learning"],
        ),
        ({"none": (14, 5)}, [], ["none"]),
        ({"not_classified": (14, 5), "none": None}, [], ["not_classified"]),
        (
            dict.fromkeys((*AUTOMATION, *AUGMENTATION, "automation", "augmentation"), (9, 5)),
            [],
            [*AUTOMATION, *AUGMENTATION, "automation", "augmentation"],
        ),
        (dict.fromkeys((*AUTOMATION, *AUGMENTATION, "automation", "augmentation")), [], []),
    ],
    ids=[
        "all pass", "14 of feedback_loop", "14 of directive", "four accounts", "one of two absent",
        "one of three under", "two of three under", "one of three absent", "both under",
        "mode under too", "both modes incomplete", "none under", "not_classified under",
        "nothing of either mode passes", "no usage of either mode",
    ],
)  # fmt: skip
def test_patterns_of_a_mode_are_released_together_or_not_at_all(changed, rolled_up, primary):
    counts = {name: each for name, each in (COMPLETE | changed).items() if each is not None}
    expected = dict.fromkeys(counts, "none") | dict.fromkeys(rolled_up, "rolled_up")
    assert withheld_of({UNIT: counts}) == {UNIT: expected | dict.fromkeys(primary, "primary")}


def test_with_unknown_accounts_patterns_are_rolled_up_at_the_higher_floor():
    counts = {"directive": (75, None), "feedback_loop": (74, None), "automation": (149, None)}
    assert withheld_of({UNIT: counts}, UNKNOWN) == {
        UNIT: {"directive": "rolled_up", "feedback_loop": "primary", "automation": "none"}
    }


@pytest.mark.parametrize(
    "other",
    [
        ("2026Q2", "task", "1", "split"),
        ("2026Q1", "occupation", "1", "split"),
        ("2026Q1", "task", "2", "split"),
        ("2026Q1", "task", "1", "full"),
    ],
)
def test_a_mode_is_complete_or_not_in_each_unit_by_itself(other):
    """Patterns are counted by quarter, level, unit and rule."""
    directive = {"directive": (20, 6), "automation": (20, 6)}
    feedback = {"feedback_loop": (20, 6), "automation": (20, 6)}
    assert withheld_of({UNIT: directive, other: feedback}) == {
        UNIT: {"directive": "rolled_up", "automation": "none"},
        other: {"feedback_loop": "rolled_up", "automation": "none"},
    }
    assert withheld_of({UNIT: COMPLETE, other: directive})[UNIT] == dict.fromkeys(COMPLETE, "none")


def every_combination():
    """A unit for each way in which the five patterns can be absent, under or over the floors."""
    units = {}
    options = [None, (14, 5), (15, 4), (15, 5), (40, 8)]
    for number, drawn in enumerate(product(options, repeat=5)):
        counts = dict(zip((*AUTOMATION, *AUGMENTATION), drawn, strict=True))
        counts = {pattern: each for pattern, each in counts.items() if each is not None}
        for mode, patterns in (("automation", AUTOMATION), ("augmentation", AUGMENTATION)):
            parts = [counts[pattern] for pattern in patterns if pattern in counts]
            if parts:  # accounts of patterns overlap as far as they can
                people = max(accounts for _, accounts in parts)
                counts[mode] = (sum(conversations for conversations, _ in parts), people)
        units["2026Q1", "task", str(number), "split"] = counts
    return units


def given_away(units, found):
    """Modes of units, released, from which the released patterns leave what was withheld.

    That is the one withheld pattern, or an empty one; or several of fewer than 15 conversations.
    """
    leaks = []
    for unit, suppressions in found.items():
        for mode, patterns in (("automation", AUTOMATION), ("augmentation", AUGMENTATION)):
            shown = [pattern for pattern in patterns if suppressions.get(pattern) == "none"]
            if suppressions.get(mode) != "none" or len(shown) == len(patterns):
                continue
            left = units[unit][mode][0] - sum(units[unit][pattern][0] for pattern in shown)
            if len(patterns) - len(shown) == 1 or left < 15:
                leaks.append((unit, mode, left))
    return leaks


def test_no_withheld_pattern_is_its_mode_less_the_released_ones():
    units = every_combination()
    found = withheld_of(units)
    assert given_away(units, found) == []
    for mode, patterns in (("automation", AUTOMATION), ("augmentation", AUGMENTATION)):
        kinds = {  # what is released of the patterns of a released mode: all of them, or nothing
            sum(each.get(pattern) == "none" for pattern in patterns)
            for each in found.values()
            if each.get(mode) == "none"
        }
        assert kinds == {0, len(patterns)}


@pytest.mark.parametrize(
    ("name", "value", "modes"),
    [
        ("_PATTERN_COUNTS", {"": 0}, {"automation", "augmentation"}),
        ("MODE_OF_PATTERN", {"": ""}, {"automation", "augmentation"}),
        ("_PATTERN_COUNTS", {"automation": 2, "augmentation": 2}, {"augmentation"}),
        ("_PATTERN_COUNTS", {"automation": 1, "augmentation": 3}, {"automation"}),
        (
            "MODE_OF_PATTERN",
            {"directive": "automation", "feedback_loop": "automation"},
            {"augmentation"},
        ),
    ],
    ids=["no counts", "no modes", "two of three suffice", "one of two suffices", "one mode only"],
)
def test_without_the_roll_up_withheld_patterns_are_given_away(name, value, modes, monkeypatch):
    """The check above would notice."""
    monkeypatch.setattr(thresholds, name, value)
    units = every_combination()
    leaks = given_away(units, withheld_of(units))
    assert {mode for _, mode, _ in leaks} == modes


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
