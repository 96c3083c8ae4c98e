from statistics import NormalDist

import polars as pl
import pytest
from scipy.stats import binomtest

from flows.aggregate import aggregate_cells
from flows.disclosure.thresholds import PrimaryRules
from flows.shares import (
    Taxonomy,
    collaboration_shares,
    occupation_shares,
    soc_group_shares,
    task_depth,
    task_shares,
)
from flows.tables import ReleasedCells
from taxonomy.patterns import MODES, PATTERN_BASES
from tests.exact import withhold_cells

CODER, TESTER, WRITER, CLERK = "15-1252.00", "15-1253.00", "27-3042.00", "43-9061.00"
WITHHELD_COLUMNS = ["usage", "conversation_count", "share", "share_lower", "share_upper"]


@pytest.fixture(scope="module")
def released(usage, observed):
    def release(blocks=None, floors=PrimaryRules(15, 5)):  # noqa: B008
        cells = aggregate_cells(observed(usage(blocks)), quarter="2026Q1")
        return withhold_cells(cells, floors)

    return release


@pytest.fixture(scope="module")
def usual(released, mini_taxonomy):
    """The tables of the usual quarter, by the function that makes them."""
    makers = (occupation_shares, soc_group_shares, task_shares, collaboration_shares)
    tables = {make: make(released(), mini_taxonomy) for make in makers}
    return tables | {task_depth: task_depth(released(), mini_taxonomy, quarter="2026Q1")}


def plain(frame):
    return frame.with_columns(pl.col(pl.Enum).cast(pl.String))


def pick(frame, columns, **values):
    """Rows of some columns, where other columns have the values given."""
    return plain(frame).filter(**values).select(columns).rows()


@pytest.mark.parametrize(
    ("code", "rule", "part", "base", "share", "task_equal", "suppression"),
    [
        (CODER, "split", 40.5, 86.0, 40.5 / 86, 11 / 18, "none"),
        (TESTER, "split", 6.0, 86.0, 6 / 86, 1 / 9, "none"),
        (WRITER, "split", 36.5, 86.0, 36.5 / 86, 5 / 18, "none"),
        (CLERK, "split", None, 86.0, None, None, "primary"),
        (CODER, "full", 67.0, 151.0, 67 / 151, 1 / 2, "none"),
        (TESTER, "full", 18.0, 151.0, 18 / 151, 1 / 6, "none"),
        (WRITER, "full", 63.0, 151.0, 63 / 151, 1 / 3, "none"),
        (CLERK, "full", None, 151.0, None, None, "primary"),
    ],
)
def test_occupations_share_the_matched_usage(
    code, rule, part, base, share, task_equal, suppression, usual
):
    columns = ["usage", "base_usage", "share", "task_equal_share", "suppression"]
    table = usual[occupation_shares]
    (row,) = pick(table, columns, onet_soc_code=code, allocation_rule=rule)
    expected = (part, base, share, task_equal)
    assert row == (*(each and pytest.approx(each, abs=1e-8) for each in expected), suppression)


@pytest.mark.parametrize(
    ("level", "code", "rule", "share", "task_equal"),
    [
        ("major", "15-0000", "split", 46.5 / 86, 13 / 18),
        ("major", "15-0000", "full", 67 / 133, 3 / 5),
        ("major", "27-0000", "split", 36.5 / 86, 5 / 18),
        ("major", "27-0000", "full", 63 / 133, 2 / 5),
        ("major", "43-0000", "full", None, None),
        ("minor", "15-1200", "split", 46.5 / 86, 13 / 18),
        ("broad", "15-1250", "full", 67 / 133, 3 / 5),
        ("broad", "27-3040", "split", 36.5 / 86, 5 / 18),
    ],
)
def test_groups_share_the_matched_usage(level, code, rule, share, task_equal, usual):
    table = usual[soc_group_shares]
    (row,) = pick(table, ["share", "task_equal_share"],
                  soc_level=level, soc_code=code, allocation_rule=rule)  # fmt: skip
    assert row == (share and pytest.approx(share), task_equal and pytest.approx(task_equal))


@pytest.mark.parametrize(
    ("task", "part", "share", "suppression"),
    [
        (1, 20.0, 20 / 86, "none"),
        (3, 29.0, 29 / 86, "none"),
        (4, None, None, "primary"),  # sixteen conversations of four accounts
        (5, None, None, "primary"),
        (6, None, None, "primary"),  # never used: told apart from withheld by nobody
    ],
)
def test_tasks_share_the_matched_usage(task, part, share, suppression, usual):
    table = usual[task_shares]
    (row,) = pick(table, ["usage", "share", "suppression"], task_id=task)
    assert row == (part, share and pytest.approx(share), suppression)


@pytest.mark.parametrize("table", [occupation_shares, soc_group_shares, task_shares])
def test_a_withheld_row_has_no_figure_and_every_unit_a_row(table, usual):
    rows = usual[table]
    withheld = rows.filter(pl.col("suppression").cast(pl.String) != "none")
    assert withheld.height > 0
    assert withheld.select(WITHHELD_COLUMNS).null_count().row(0) == (withheld.height,) * 5
    expected = {occupation_shares: 4 * 2, soc_group_shares: 9 * 2, task_shares: 6}
    assert rows.height == expected[table]


@pytest.mark.parametrize("table", [occupation_shares, soc_group_shares, task_shares])
@pytest.mark.parametrize(
    "blocks",
    [[("none", "directive", 40, 8)], [("none", "directive", 40, 8), (1, "directive", 3, 3)]],
    ids=["no usage matched", "too little usage matched"],
)
def test_without_a_released_base_every_unit_has_a_row_without_share(
    table, blocks, usual, released, mini_taxonomy
):
    rows = table(released(blocks), mini_taxonomy)
    assert rows.height == usual[table].height
    assert rows.select(*WITHHELD_COLUMNS, "base_usage").null_count().row(0) == (rows.height,) * 6


def cells_of(usage, base_usage, base_count):
    """One occupation and the base of its level, as published tables can have them."""
    rows = [
        ("2026Q1", "occupation", CODER, "split", "all", usage, base_count, None, None, "none"),
        ("2026Q1", "occupation", "all", "split", "all", base_usage, base_count, None, None, "none"),
    ]
    schema = ReleasedCells.create_empty().schema
    return ReleasedCells.validate(pl.DataFrame(rows, schema, orient="row"))


@pytest.mark.parametrize(("base_usage", "base_count"), [(0.0, 0), (0.0, 9), (4.0, 0)])
def test_a_share_of_nothing_is_null(base_usage, base_count, mini_taxonomy):
    table = occupation_shares(cells_of(0.0, base_usage, base_count), mini_taxonomy)
    columns = ["usage", "share", "share_lower", "share_upper"]
    assert pick(table, columns, onet_soc_code=CODER, allocation_rule="split") == [
        (0.0, None, None, None)
    ]


@pytest.mark.parametrize("base_count", [1, 15, 46, 67, 86, 1000, 3514])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_none_or_all_is_the_end_of_its_interval(share, base_count, mini_taxonomy):
    """Where rounding alone would leave it outside."""
    table = occupation_shares(cells_of(share * 2.5, 2.5, base_count), mini_taxonomy)
    ((lower, middle, upper),) = pick(
        table, ["share_lower", "share", "share_upper"], onet_soc_code=CODER, allocation_rule="split"
    )
    assert middle == share
    assert lower == 0.0 < upper if share == 0.0 else lower < 1.0 == upper


PATTERN_SHARES = [  # base, pattern, part, whole, patterns withheld, suppression
    ("five", "directive", 20, 86, 1, "none"),
    ("five", "feedback_loop", 30, 86, 1, "none"),
    ("five", "task_iteration", 18, 86, 1, "none"),
    ("five", "learning", 15, 86, 1, "none"),
    ("five", "validation", None, 86, 1, "primary"),
    ("five", "automation", 50, 86, 1, "none"),
    ("five", "augmentation", 36, 86, 1, "none"),  # holds what is withheld of validation
    ("six", "directive", 20, None, 2, "none"),  # of a base with ten conversations withheld
    ("six", "learning", 15, None, 2, "none"),
    ("six", "none", None, None, 2, "primary"),
    ("six", "automation", 50, None, 2, "none"),
    ("all", "directive", 20, 100, 3, "none"),
    ("all", "learning", 15, 100, 3, "none"),
    ("all", "not_classified", None, 100, 3, "primary"),
    ("all", "automation", 50, 100, 3, "none"),
    ("all", "augmentation", 36, 100, 3, "none"),
]
COLLABORATION = ["usage", "base_usage", "share", "withheld_pattern_count", "suppression"]


@pytest.mark.parametrize(
    ("base", "pattern", "part", "whole", "withheld", "suppression"), PATTERN_SHARES
)
def test_patterns_and_modes_have_the_denominator_that_their_base_names(
    base, pattern, part, whole, withheld, suppression, usual
):
    table = usual[collaboration_shares]
    (row,) = pick(table, COLLABORATION, unit_level="all", pattern_base=base, pattern=pattern)
    share = None if part is None or whole is None else pytest.approx(part / whole)
    assert row == (part, whole, share, withheld, suppression)


WHOLE = [
    (1, "directive", 20, 6),
    (1, "feedback_loop", 15, 5),
    (2, "learning", 25, 5),
    ("none", "none", 40, 8),
    ("not_classified", "not_classified", 3, 3),
]


@pytest.mark.parametrize(
    ("base", "pattern", "part", "whole", "withheld", "suppression"),
    [
        ("five", "feedback_loop", 15, 60, 2, "none"),
        ("five", "learning", 25, 60, 2, "none"),
        ("five", "validation", None, 60, 2, "primary"),  # empty looks like withheld
        ("five", "augmentation", 25, 60, 2, "none"),
        ("six", "feedback_loop", 15, 100, 2, "none"),
        ("six", "none", 40, 100, 2, "none"),
        ("six", "automation", 35, 100, 2, "none"),
        ("six", "augmentation", 25, 100, 2, "none"),
        ("all", "none", 40, 103, 3, "none"),
        ("all", "automation", 35, 103, 3, "none"),
    ],
)
def test_base_six_has_shares_where_none_is_released_too(
    base, pattern, part, whole, withheld, suppression, released, mini_taxonomy
):
    table = collaboration_shares(released(WHOLE), mini_taxonomy)
    (row,) = pick(table, COLLABORATION, unit_level="all", pattern_base=base, pattern=pattern)
    share = None if part is None else pytest.approx(part / whole)
    assert row == (part, whole, share, withheld, suppression)


ONE_SIDED = [  # augmentation: 14 conversations
    (1, "directive", 58, 9),
    (1, "feedback_loop", 7, 7),
    (2, "task_iteration", 8, 5),
    (2, "learning", 3, 3),
    (3, "validation", 3, 3),
    ("none", "none", 10, 5),
]


def test_automation_is_never_all_of_a_base_whose_augmentation_is_withheld(released, mini_taxonomy):
    table = plain(collaboration_shares(released(ONE_SIDED), mini_taxonomy))
    for base in ("five", "six"):  # of every unit
        rows = table.filter(pattern_base=base)
        assert set(rows["unit_level"]) >= {"all", "major", "occupation", "task"}
        columns = ["base_usage", "share", "share_lower", "share_upper"]
        assert rows.select(columns).null_count().row(0) == (rows.height,) * 4

    everything = {
        pattern: pick(table, COLLABORATION, unit_level="all", pattern_base="five", pattern=pattern)
        for pattern in (*PATTERN_BASES["five"], *MODES)
    }
    assert everything == {
        "directive": [(58.0, None, None, 4, "none")],
        "feedback_loop": [(None, None, None, 4, "primary")],
        "task_iteration": [(None, None, None, 4, "primary")],
        "learning": [(None, None, None, 4, "primary")],
        "validation": [(None, None, None, 4, "primary")],
        "automation": [(65.0, None, None, 4, "none")],
        "augmentation": [(None, None, None, 4, "primary")],
    }
    of_all = pick(table, ["share"], unit_level="all", pattern_base="all", pattern="automation")
    assert of_all == [(pytest.approx(65 / 89),)]


@pytest.mark.parametrize("unit", ["1", "2", TESTER])
def test_a_unit_that_lies_in_one_pattern_has_no_share_of_any(unit, usual):
    """All of task 1 is directive: a share, or a denominator, of 100 % would say so of everyone."""
    rows = plain(usual[collaboration_shares]).filter(unit_id=unit)
    assert set(rows["pattern_base"]) == set(PATTERN_BASES)
    assert rows.select(WITHHELD_COLUMNS).null_count().row(0) == (rows.height,) * 5
    assert "none" not in set(rows["suppression"])
    of_modes = rows.filter(pl.col("pattern_base").is_in(["five", "six"]))
    assert of_modes["base_usage"].null_count() == of_modes.height


def test_every_base_and_pattern_has_a_row_for_released_units_only(usual):
    table = plain(usual[collaboration_shares])
    per_base = {base: len(patterns) + len(MODES) for base, patterns in PATTERN_BASES.items()}
    counts = table.group_by("unit_level", "unit_id", "allocation_rule", "pattern_base").len()
    assert all(count == per_base[base] for *_, base, count in counts.rows())
    assert {(level, unit) for level, unit, *_ in counts.rows()} == {
        ("all", "all"),
        *(("major", unit) for unit in ("15-0000", "27-0000")),
        *(("minor", unit) for unit in ("15-1200", "27-3000")),
        *(("broad", unit) for unit in ("15-1250", "27-3040")),
        *(("occupation", unit) for unit in (CODER, TESTER, WRITER)),
        *(("task", unit) for unit in ("1", "2", "3")),
    }


@pytest.mark.parametrize(
    ("unit", "rule", "expected"),
    [
        (CODER, "split", [("augmentation", 13.5 / 40.5), ("automation", 27 / 40.5)]),
        (CODER, "full", [("augmentation", 33 / 67), ("automation", 34 / 67)]),
        (WRITER, "split", [("augmentation", 13.5 / 36.5), ("automation", 23 / 36.5)]),
        (WRITER, "full", [("augmentation", 33 / 63), ("automation", 30 / 63)]),
    ],
)
def test_the_modes_of_an_occupation_follow_the_allocation(unit, rule, expected, usual):
    table = plain(usual[collaboration_shares]).filter(
        pl.col("pattern").is_in(list(MODES)),
        unit_id=unit,
        allocation_rule=rule,
        pattern_base="five",
    )
    found = dict(table.select("pattern", "share").rows())
    assert found == {mode: pytest.approx(share) for mode, share in expected}


@pytest.mark.parametrize(
    ("code", "task_count", "used", "depth"),
    [
        (CODER, 3, 3, 1.0),
        (TESTER, 1, 1, 1.0),
        (WRITER, 3, 2, 2 / 3),  # its own task is withheld
        (CLERK, 2, 0, 0.0),
    ],
)
def test_depth_is_the_share_of_tasks_with_released_usage(code, task_count, used, depth, usual):
    table = usual[task_depth]
    found = pick(table, ["task_count", "used_task_count", "depth"], onet_soc_code=code)
    assert found == [(task_count, used, pytest.approx(depth))]


def test_depth_of_a_quarter_without_usage_is_zero_everywhere(mini_taxonomy):
    table = task_depth(ReleasedCells.create_empty(), mini_taxonomy, quarter="2026Q1")
    assert table.select("used_task_count", "depth").rows() == [(0, 0.0)] * 4


def test_bounds_are_those_of_the_wilson_score_interval(usual):
    """Against scipy where usage is whole, against the formula where tasks are split."""
    table = plain(usual[occupation_shares]).filter(suppression="none")
    z, n = NormalDist().inv_cdf(0.975), 86  # distinct conversations that were matched
    for rule, share, lower, upper in table.select(
        "allocation_rule", "share", "share_lower", "share_upper"
    ).rows():
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
        assert (lower, upper) == pytest.approx((middle - half, middle + half)), rule
    whole = plain(usual[task_shares]).filter(suppression="none")
    for count, lower, upper in whole.select("usage", "share_lower", "share_upper").rows():
        interval = binomtest(int(count), n).proportion_ci(method="wilson")
        assert (lower, upper) == pytest.approx((interval.low, interval.high))


def test_groups_that_the_classification_does_not_know_are_named_by_their_code(mini_taxonomy):
    old = Taxonomy(
        "old-1",
        pl.DataFrame({"onet_soc_code": ["15-1131.00"], "occupation_title": ["Lamp Wizards"]}),
        mini_taxonomy.statements,
        mini_taxonomy.task_occupations,
    )
    assert sorted(old.groups().collect().rows()) == [
        ("broad", "15-1130", "SOC 15-1130"),
        ("major", "15-0000", "Computer and Mathematical Occupations"),
        ("minor", "15-1000", "SOC 15-1000"),
    ]
