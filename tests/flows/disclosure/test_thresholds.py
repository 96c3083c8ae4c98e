from fractions import Fraction
from itertools import product

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.disclosure import thresholds
from flows.disclosure.floors import (
    ACCOUNT_FLOOR,
    CONVERSATION_FLOOR,
    ROUNDING_BASE,
    UNKNOWN_ACCOUNT_CONVERSATION_FLOOR,
)
from flows.disclosure.thresholds import PrimaryRules, judge_cells, withhold_clusters
from flows.tables import Cells, ClusterCells
from taxonomy.patterns import MODE_OF_PATTERN, MODES, PATTERNS

KNOWN, UNKNOWN, RAISED = PrimaryRules(15, 5), PrimaryRules(75, None), PrimaryRules(30, 10)
DOMINANCE = PrimaryRules(15, 5, 20.0)
UNIT = ("2026Q1", "task", "1", "split")
STATEMENTS = pl.DataFrame({"task_id": [1, 2, 3], "statement": ["Program.", "Test.", "Describe."]})


def table_of(schema, rows):
    return schema.validate(pl.DataFrame(rows, schema.create_empty().schema, orient="row"))


def judge_one(rules, counts):
    """Suppression of a lone cell: conversations, distinct, accounts, largest, second."""
    cells = table_of(Cells, [(*UNIT, "all", counts[0] / 2, *counts)])
    return judge_cells(cells, rules)["suppression"].item()


def evenly(conversations, accounts):
    """Counts of a cell to which every account brings as much as every other, without copies."""
    if accounts is None:
        return (conversations, conversations, None, None, None)
    shares = [conversations // max(accounts, 1)] * min(accounts, 2) + [0, 0]
    return (conversations, conversations, accounts, shares[0], shares[1])


# --- floors --------------------------------------------------------------------------------------


def test_the_floors_are_those_of_the_method():
    found = (CONVERSATION_FLOOR, ACCOUNT_FLOOR, UNKNOWN_ACCOUNT_CONVERSATION_FLOOR, ROUNDING_BASE)
    assert found == (15, 5, 75, 10)


@pytest.mark.parametrize(
    ("rules", "conversations", "accounts", "suppression"),
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
        (RAISED, 31, 11, "none"),
    ],
)
def test_a_cell_is_shown_from_the_floors_on(rules, conversations, accounts, suppression):
    assert judge_one(rules, evenly(conversations, accounts)) == suppression


@pytest.mark.parametrize(
    ("conversations", "base", "least"),
    [
        (15, 1, 15), (15, 10, 20), (15, 15, 15), (15, 16, 16), (15, 1000, 1000),
        (20, 10, 20), (21, 10, 30), (19, 20, 20), (75, 10, 80), (75, 25, 75), (76, 25, 100),
    ],
)  # fmt: skip
def test_the_floor_is_the_next_multiple_of_the_base(conversations, base, least):
    rules = PrimaryRules(conversations, 5)
    assert rules.shown_from(base) == least
    assert least % base == 0
    assert least - base < conversations <= least  # the multiple below lies under the floor


@pytest.mark.parametrize(
    ("rules", "distinct", "suppression"),
    [
        (KNOWN, 14, "primary"),
        (KNOWN, 15, "none"),
        (KNOWN, 16, "none"),
        (KNOWN, 1, "primary"),  # one prompt that forty people paste
        (RAISED, 29, "primary"),
        (RAISED, 30, "none"),
        (UNKNOWN, 74, "primary"),
        (UNKNOWN, 75, "none"),
    ],
)
def test_copies_of_a_conversation_count_once(rules, distinct, suppression):
    accounts = None if rules.accounts is None else 40
    conversations, _, *people = evenly(400, accounts)
    assert judge_one(rules, (conversations, distinct, *people)) == suppression


@pytest.mark.parametrize(
    "missing", ["account_count", "largest_account_count", "second_account_count"]
)
@pytest.mark.parametrize("percent", [0.0, 20.0])
def test_a_missing_count_fails(missing, percent):
    cells = table_of(Cells, [(*UNIT, "all", 99.0, *evenly(99, 9))])
    unknown = Cells.validate(cells.with_columns(pl.lit(None, pl.Int64).alias(missing)))
    rules = PrimaryRules(15, 5, percent)
    assert judge_cells(cells, rules)["suppression"].item() == "none"
    assert judge_cells(unknown, rules)["suppression"].item() == "primary"
    assert judge_cells(unknown, UNKNOWN)["suppression"].item() == "none"


@pytest.mark.parametrize(
    ("conversations", "accounts", "percent", "message"),
    [
        (14, 5, 0.0, "conversation floor 14 lies below 15"),
        (15, 4, 0.0, "account floor 4 lies below 5"),
        (15, 0, 0.0, "account floor 0 lies below 5"),
        (74, None, 0.0, "conversation floor 74 lies below 75"),
        (15, None, 0.0, "conversation floor 15 lies below 75"),
        (15, 5, -0.1, "dominance_percent must not be negative"),
        (15, 5, float("nan"), "dominance_percent must not be negative"),
    ],
)
def test_rules_cannot_be_lowered(conversations, accounts, percent, message):
    with pytest.raises(ValueError, match=message):
        PrimaryRules(conversations, accounts, percent)


def test_rules_cannot_be_changed_once_made():
    with pytest.raises(AttributeError):
        KNOWN.conversations = 1  # type: ignore[misc]


# --- dominance -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "conversations", "largest", "second", "suppression"),
    [  # others: conversations - largest - second, wanted: a fifth of the largest
        (20.0, 99, 50, 40, "primary"),
        (20.0, 100, 50, 40, "none"),
        (20.0, 101, 50, 40, "none"),
        (20.0, 108, 50, 48, "none"),
        (20.0, 107, 50, 48, "primary"),
        (20.0, 22, 10, 10, "none"),
        (20.0, 22, 11, 8, "none"),
        (20.0, 22, 18, 1, "primary"),
        (20.0, 22, 15, 4, "none"),
        (20.0, 22, 15, 5, "primary"),
        (0.0, 22, 18, 4, "none"),  # switched off
        (0.0, 22, 11, 11, "none"),
        (100.0, 29, 10, 10, "primary"),
        (100.0, 30, 10, 10, "none"),
        (100.0, 31, 10, 10, "none"),
        (150.0, 34, 10, 10, "primary"),
        (150.0, 35, 10, 10, "none"),
    ],
)
def test_the_rest_must_be_p_percent_of_the_largest(
    percent, conversations, largest, second, suppression
):
    counts = (conversations, conversations, 9, largest, second)
    assert judge_one(PrimaryRules(15, 5, percent), counts) == suppression


def test_dominance_is_of_figures_before_rounding():
    counts = (100, 100, 9, 50, 40)
    assert judge_one(DOMINANCE, counts) == "none"
    counts = (109, 109, 9, 60, 38)
    assert judge_one(DOMINANCE, counts) == "primary"


def test_where_accounts_are_unknown_nobody_is_known_to_dominate():
    assert judge_one(PrimaryRules(75, None, 900.0), (80, 80, None, None, None)) == "none"


@given(
    st.lists(st.integers(1, 12), min_size=5, max_size=9),
    st.sampled_from([0.0, 12.5, 25.0, 50.0, 100.0, 400.0]),
)
@example([8, 8, 1, 1, 1], 25.0)
@example([12, 1, 1, 1, 1], 25.0)
@example([12, 12, 1, 1, 1], 25.0)
def test_the_second_account_cannot_tell_the_largest_to_within_p_percent(brought, percent):
    """What it can do: take its own part off the total, which bounds the largest from above."""
    largest, second, *_ = sorted(brought, reverse=True)
    estimate = sum(brought) - second
    is_close = (estimate - largest) * 100 < Fraction(percent) * largest
    counts = (sum(brought), sum(brought), len(brought), largest, second)
    is_withheld = judge_one(PrimaryRules(15, 5, percent), counts) == "primary"
    assert is_withheld == (is_close or sum(brought) < 15)


# --- group disclosure ----------------------------------------------------------------------------


def cells_of(units):
    """Cells of units (quarter, level, id, rule), each with counts by pattern or mode."""
    rows = [
        (*unit, pattern, conversations / 2, *evenly(conversations, accounts))
        for unit, counts in units.items()
        for pattern, (conversations, accounts) in counts.items()
    ]
    return table_of(Cells, rows)


def with_modes(patterns):
    """Counts by pattern, and by mode and `all`; their accounts overlap as far as they can."""
    counts = dict(patterns)
    for name, parts in ({**MODES, "all": PATTERNS}).items():
        held = [patterns[pattern] for pattern in parts if pattern in patterns]
        if held:
            counts[name] = (sum(each for each, _ in held), max(people for _, people in held))
    return counts


def judged_of(units, rules=KNOWN):
    """Suppression by pattern of every unit."""
    found = {unit: {} for unit in units}
    judged = judge_cells(cells_of(units), rules)
    for *unit, pattern, suppression in judged.select(
        "quarter", "unit_level", "unit_id", "allocation_rule", "pattern", "suppression"
    ).rows():
        found[tuple(unit)][pattern] = suppression
    return found


@pytest.mark.parametrize(
    ("patterns", "shown", "rolled_up"),
    [
        ({"directive": (40, 8)}, ["all"], ["directive", "automation"]),
        ({"validation": (20, 5)}, ["all"], ["validation", "augmentation"]),
        ({"none": (40, 8)}, ["all"], ["none"]),
        ({"not_classified": (40, 8)}, ["all"], ["not_classified"]),
        (
            {"directive": (40, 8), "feedback_loop": (20, 5)},  # which of them, but not which mode
            ["all"],
            ["directive", "feedback_loop", "automation"],
        ),
        (
            {"directive": (40, 8), "feedback_loop": (3, 3)},  # the small one is not told apart
            ["all"],
            ["directive", "feedback_loop", "automation"],
        ),
        (
            {"directive": (40, 8), "learning": (0, 0)},
            ["all"],
            ["directive", "automation", "learning", "augmentation"],
        ),
        ({"directive": (40, 8), "learning": (1, 1)}, ["all", "directive", "automation"], []),
        ({"directive": (40, 8), "none": (1, 1)}, ["all", "directive", "automation"], []),
        ({"none": (40, 8), "not_classified": (1, 1)}, ["all", "none"], []),
        (
            {"directive": (40, 8), "feedback_loop": (3, 3), "validation": (14, 5)},
            ["all", "automation", "directive"],
            [],
        ),
        ({"directive": (9, 5), "learning": (9, 5)}, ["all"], []),
    ],
)
def test_patterns_are_rolled_up_where_all_of_their_unit_lies_in_one_mode(
    patterns, shown, rolled_up
):
    counts = with_modes(patterns)
    expected = dict.fromkeys(counts, "primary") | dict.fromkeys(shown, "none")
    assert judged_of({UNIT: counts}) == {UNIT: expected | dict.fromkeys(rolled_up, "rolled_up")}


@pytest.mark.parametrize(
    ("rules", "directive", "whole"),
    [
        (UNKNOWN, (74, None), "primary"),
        (UNKNOWN, (75, None), "none"),
        (KNOWN, (14, 5), "primary"),
        (KNOWN, (15, 5), "none"),
        (KNOWN, (15, 4), "primary"),
    ],
)
def test_whether_a_unit_is_shown_is_no_matter_of_its_patterns(rules, directive, whole):
    counts = {"directive": directive, "automation": directive, "all": directive}
    assert judged_of({UNIT: counts}, rules) == {
        UNIT: {"directive": "rolled_up", "automation": "rolled_up", "all": whole}
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
def test_patterns_are_those_of_each_unit_by_itself(other):
    """Patterns are counted by quarter, level, unit and rule."""
    directive = with_modes({"directive": (20, 6)})
    learning = with_modes({"learning": (20, 6)})
    assert judged_of({UNIT: directive, other: learning}) == {
        UNIT: {"directive": "rolled_up", "automation": "rolled_up", "all": "none"},
        other: {"learning": "rolled_up", "augmentation": "rolled_up", "all": "none"},
    }
    both = with_modes({"directive": (20, 6), "learning": (20, 6)})
    assert judged_of({UNIT: both, other: directive})[UNIT] == dict.fromkeys(both, "none")


def every_combination():
    """A unit for each way in which five patterns can be absent, under or over the floors."""
    options = [None, (14, 5), (15, 4), (15, 5), (40, 8)]
    chosen = ("directive", "feedback_loop", "task_iteration", "learning", "none")
    units = {}
    for number, drawn in enumerate(product(options, repeat=len(chosen))):
        patterns = zip(chosen, drawn, strict=True)
        counts = with_modes({pattern: each for pattern, each in patterns if each is not None})
        units["2026Q1", "task", str(number), "split"] = counts
    return units


def given_away(units, found):
    """Shown patterns and modes that hold all of their unit."""
    return {
        (unit, pattern)
        for unit, suppressions in found.items()
        for pattern, suppression in suppressions.items()
        if pattern != "all"
        and suppression == "none"
        and units[unit][pattern][0] == units[unit]["all"][0]
    }


def test_no_shown_pattern_holds_all_of_its_unit_and_nothing_else_is_lost():
    units = every_combination()
    found = judged_of(units)
    assert given_away(units, found) == set()
    for unit, counts in units.items():
        modes = {MODE_OF_PATTERN.get(pattern, pattern) for pattern in counts if pattern in PATTERNS}
        for pattern, (conversations, accounts) in counts.items():
            passes = conversations >= 15 and accounts >= 5
            is_rolled_up = pattern != "all" and len(modes) == 1
            assert found[unit][pattern] == (
                "rolled_up" if is_rolled_up else "none" if passes else "primary"
            )


def test_without_the_roll_up_a_unit_gives_its_pattern_away(monkeypatch):
    """The check above would notice."""
    monkeypatch.setattr(thresholds, "_PARTS", ("no such pattern",))
    units = every_combination()
    leaks = given_away(units, judged_of(units))
    assert {pattern for _, pattern in leaks} == {
        "directive", "feedback_loop", "automation", "task_iteration", "learning", "augmentation",
        "none",
    }  # fmt: skip


def test_judged_cells_are_all_cells_as_they_were():
    """Nobody below has to know what was withheld: figures leave in `control.py`."""
    cells = cells_of(every_combination())
    judged = judge_cells(cells, KNOWN)
    as_text = cells.with_columns(pl.col(pl.Enum).cast(pl.String))
    assert judged.drop("suppression").equals(as_text)
    assert judge_cells(Cells.create_empty(), KNOWN).is_empty()


# --- clusters ------------------------------------------------------------------------------------

CLUSTER_CELLS = [  # cluster, task, conversations, distinct, accounts, largest, second
    (0, None, 68, 68, 9, 10, 9),
    (0, 1, 26, 26, 5, 6, 6),
    (0, 2, 30, 30, 4, 8, 8),  # the most frequent, of too few accounts
    (0, 3, 26, 26, 7, 6, 6),  # as frequent as task 1
    (1, None, 20, 20, 5, 4, 4),
    (1, 2, 14, 14, 5, 4, 4),
    (2, None, 15, 15, 4, 5, 5),
    (2, 3, 15, 15, 4, 5, 5),
    (3, None, 49, 49, 8, 9, 9),
    (4, None, 19, 19, 5, 4, 4),
    (4, 1, 19, 19, 5, 4, 4),
    (5, None, 60, 14, 9, 7, 7),  # mostly copies
    (6, None, 60, 60, 9, 40, 13),  # seven left, of the eight that are a fifth of forty
    (7, None, 60, 60, 9, 40, 12),
    (8, None, 39, 39, 9, 5, 5),
    (8, 1, 20, 14, 9, 5, 5),
    (8, 2, 20, 20, 9, 13, 5),
    (8, 3, 19, 19, 9, 5, 5),
]
CLUSTERS = pl.DataFrame(
    {"cluster_id": range(9), "level": [0] * 9, "parent_cluster_id": [None] * 9},
    schema_overrides={"level": pl.Int64, "parent_cluster_id": pl.Int64},
)


@pytest.mark.parametrize(
    ("cluster", "base", "label", "task", "conversations", "suppression"),
    [
        (0, 1, "Program.", 1, 68, "none"),
        (0, 10, "Program.", 1, 60, "none"),
        (1, 1, None, None, 20, "none"),
        (1, 10, None, None, 20, "none"),
        (2, 1, None, None, None, "primary"),
        (2, 10, None, None, None, "primary"),
        (3, 1, None, None, 49, "none"),
        (3, 10, None, None, 40, "none"),
        (4, 1, "Program.", 1, 19, "none"),
        (4, 10, None, None, None, "primary"),
        (5, 1, None, None, None, "primary"),
        (6, 1, None, None, None, "primary"),
        (7, 1, None, None, 60, "none"),
        (8, 1, "Describe.", 3, 39, "none"),  # of the others one is copies, one is dominated
        (8, 10, None, None, 30, "none"),
    ],
)
def test_a_cluster_is_labeled_only_by_a_task_that_passes_in_it(
    cluster, base, label, task, conversations, suppression
):
    cells = table_of(ClusterCells, CLUSTER_CELLS)
    table = withhold_clusters(cells, CLUSTERS, STATEMENTS, DOMINANCE, quarter="2026Q1", base=base)
    assert table["cluster_id"].to_list() == list(range(9))
    row = table.row(cluster, named=True)
    assert (row["label"], row["label_task_id"]) == (label, task)
    assert (row["conversation_count"], row["suppression"]) == (conversations, suppression)


@pytest.mark.parametrize(
    ("conversations", "base", "shown"),
    [
        (14, 1, None), (15, 1, 15), (16, 1, 16),
        (19, 10, None), (20, 10, 20), (21, 10, 20), (29, 10, 20), (30, 10, 30),
        (99, 100, None), (100, 100, 100), (199, 100, 100),
    ],
)  # fmt: skip
def test_clusters_are_rounded_down(conversations, base, shown):
    cells = table_of(ClusterCells, [(0, None, *evenly(conversations, 9))])
    table = withhold_clusters(cells, CLUSTERS, STATEMENTS, KNOWN, quarter="2026Q1", base=base)
    assert table["conversation_count"].to_list() == [shown]


@pytest.mark.parametrize(("conversations", "shown"), [(79, None), (80, 80), (89, 80)])
def test_clusters_of_unknown_accounts_have_the_higher_floor(conversations, shown):
    cells = table_of(ClusterCells, [(0, None, *evenly(conversations, None))])
    table = withhold_clusters(cells, CLUSTERS, STATEMENTS, UNKNOWN, quarter="2026Q1", base=10)
    assert table["conversation_count"].to_list() == [shown]


@pytest.mark.parametrize(
    ("rules", "limit", "expected"),
    [
        (PrimaryRules(15, 5, 20.0), 10, 50),  # five accounts of ten; 30 without the two largest
        (PrimaryRules(60, 5, 20.0), 10, 60),
        (PrimaryRules(15, 5, 300.0), 10, 50),
        (PrimaryRules(15, 5, 301.0), 10, 120),  # in steps, so that p cannot be read off it
        (PrimaryRules(15, 5, 1_000.0), 10, 120),
        (PrimaryRules(15, 5, 20.0), 3, 15),
        (PrimaryRules(75, None), 10, 75),
    ],
)
def test_a_sum_is_sure_to_meet_the_rules_where_any_accounts_of_so_many_conversations_do(
    rules, limit, expected
):
    """At the figure, the fewest and most uneven accounts there can be pass; one less may fail."""
    assert rules.sure_from(limit) == expected
    if rules.accounts is None:
        return
    full, rest = divmod(expected, limit)
    counts = sorted([limit] * full + [rest] * (rest > 0), reverse=True)
    assert judge_one(rules, (expected, expected, len(counts), *counts[:2])) == "none"
