from statistics import NormalDist

import polars as pl
import pytest
from scipy.stats import binomtest

from flows.aggregate import aggregate_cells
from flows.disclosure.thresholds import Floors, withhold_cells
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

CODER, TESTER, WRITER, CLERK = "15-1252.00", "15-1253.00", "27-3042.00", "43-9061.00"
WITHHELD_COLUMNS = ["usage", "conversation_count", "account_count", "share", "share_lower",
                    "share_upper"]  # fmt: skip


@pytest.fixture(scope="module")
def released(usage, observed):
    def release(blocks=None, floors=Floors(15, 5)):  # noqa: B008
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
    assert withheld.select(WITHHELD_COLUMNS).null_count().row(0) == (withheld.height,) * 6
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
    assert rows.select(*WITHHELD_COLUMNS, "base_usage").null_count().row(0) == (rows.height,) * 7


def cells_of(usage, base_usage, base_count):
    """One occupation and the base of its level, as published tables can have them."""
    rows = [
        ("2026Q1", "occupation", CODER, "split", "all", usage, base_count, None, "none"),
        ("2026Q1", "occupation", "all", "split", "all", base_usage, base_count, None, "none"),
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


PATTERN_SHARES = [  # base, pattern, usage of the pattern, of the base, patterns withheld
    ("five", "directive", 34, 67, 2),
    ("five", "feedback_loop", None, 67, 2),
    ("five", "task_iteration", 18, 67, 2),
    ("five", "learning", 15, 67, 2),
    ("five", "automation", 34, 67, 2),
    ("five", "augmentation", 33, 67, 2),
    ("six", "directive", 34, 67, 3),
    ("six", "none", None, 67, 3),
    ("six", "augmentation", 33, 67, 3),
    ("all", "directive", 34, 100, 4),
    ("all", "not_classified", None, 100, 4),
    ("all", "automation", 34, 100, 4),
    ("all", "augmentation", 33, 100, 4),
]


@pytest.mark.parametrize(("base", "pattern", "part", "whole", "withheld"), PATTERN_SHARES)
def test_patterns_and_modes_have_the_denominator_that_their_base_names(
    base, pattern, part, whole, withheld, usual
):
    columns = ["share", "base_usage", "withheld_pattern_count", "account_count"]
    table = usual[collaboration_shares]
    (row,) = pick(table, columns, unit_level="all", pattern_base=base, pattern=pattern)
    assert row[:3] == (part and pytest.approx(part / whole), whole, withheld)
    assert (row[3] is None) == (part is None or pattern in MODES)


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
def test_the_modes_of_an_occupation_follow_the_allocation(
    unit, rule, expected, usage, observed, mini_taxonomy
):
    cells = aggregate_cells(observed(usage()), quarter="2026Q1")
    everything = ReleasedCells.validate(cells.with_columns(suppression=pl.lit("none")), cast=True)
    table = plain(collaboration_shares(everything, mini_taxonomy)).filter(
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
