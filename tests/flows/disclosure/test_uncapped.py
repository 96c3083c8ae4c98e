"""Usage without limits per account: told where many accounts are beyond them, and only there."""

import polars as pl
import pytest

from flows.aggregate import aggregate_cells, aggregate_major_groups
from flows.disclosure.contributions import ContributionLimits, bound_contributions
from flows.disclosure.control import Protection, control_cells
from flows.disclosure.lattice import unit_weights
from flows.disclosure.thresholds import PrimaryRules
from flows.disclosure.uncapped import release_uncapped
from flows.shares import Taxonomy, add_uncapped, soc_group_shares
from flows.tables import Observations

LIMITS, BASE = ContributionLimits(10, 10, 10), 10
RULES = PrimaryRules(15, 5, 20.0)
PROTECTION = Protection(BASE, b"k" * 32)
CODER, CLERK, COOK = "15-1252.00", "43-9061.00", "35-2014.00"
HELD = pl.DataFrame(
    [(1, CODER, 1.0), (2, CODER, 0.5), (2, CLERK, 0.5), (3, CLERK, 1.0), (4, COOK, 1.0)],
    ["task_id", "onet_soc_code", "weight"],
    orient="row",
)


def usage_of(*accounts: tuple[str, int, int]) -> pl.DataFrame:
    """Of each account so many conversations of a task."""
    rows = [
        (f"{account}-{task}-{n}", account, "matched", task, code, weight, "directive", 1.0)
        for account, task, count in accounts
        for n in range(count)
        for code, weight in HELD.filter(pl.col("task_id") == task)
        .select("onet_soc_code", "weight")
        .rows()
    ]
    hashed = pl.DataFrame(rows, Observations.create_empty().schema, orient="row").with_columns(
        pl.col(name).hash(seed=1).map_elements(lambda n: f"{n:032x}", pl.String)
        for name in ("observation_id", "account_id")
    )
    return Observations.validate(hashed.sort("observation_id", "task_id", "onet_soc_code"))


def parts(usage):
    """All, and what the limits leave and remove."""
    kept = bound_contributions(usage, LIMITS, b"c" * 32)
    removed = Observations.validate(usage.join(kept, on="observation_id", how="anti"))
    return usage, kept, removed


def released(usage, protection=PROTECTION):
    everything, kept, removed = parts(usage)
    controlled = control_cells(
        aggregate_cells(kept, quarter="2026Q1"), unit_weights(HELD), RULES, protection
    )
    groups = (aggregate_major_groups(rows, quarter="2026Q1") for rows in (everything, removed))
    told = release_uncapped(*groups, controlled.cells, RULES, protection)
    return controlled.cells, dict(told.rows())


CROWD = [(f"a{n}", task, 3) for task in (1, 3, 4) for n in range(40)]
MANY = [(f"m{n}", 1, 16) for n in range(30)]  # six beyond the limit each


def test_usage_is_told_where_many_accounts_are_beyond_the_limits():
    cells, told = released(usage_of(*CROWD, *MANY))
    assert set(told) == {"15-0000"}  # nobody is beyond them elsewhere
    true = 40 * 3 + 30 * 16
    assert told["15-0000"] % BASE == 0
    assert abs(told["15-0000"] - true) < BASE
    within = cells.filter(
        pl.col("unit_id") == "15-0000",
        pl.col("pattern").cast(pl.String) == "all",
        pl.col("allocation_rule").cast(pl.String) == "split",
    )["usage"].item()
    assert abs(within - (40 * 3 + 30 * 10)) < BASE


@pytest.mark.parametrize(
    "beyond",
    [
        [("heavy", 1, 400)],  # one account
        [(f"h{n}", 1, 40) for n in range(4)],  # four
        [("heavy", 1, 400), *((f"h{n}", 1, 14) for n in range(5))],  # one has nearly all
        [(f"h{n}", 1, 12) for n in range(6)],  # twelve conversations in all
    ],
)
def test_usage_is_not_told_where_few_accounts_are_beyond_the_limits(beyond):
    assert released(usage_of(*CROWD, *beyond))[1] == {}


def test_usage_of_a_group_that_is_withheld_is_not_told_either(monkeypatch):
    usage = usage_of(*CROWD, *MANY)
    everything, kept, removed = parts(usage)
    cells = control_cells(
        aggregate_cells(kept, quarter="2026Q1"), unit_weights(HELD), RULES, PROTECTION
    ).cells
    hidden = cells.filter(pl.col("unit_id") != "15-0000")
    groups = [aggregate_major_groups(rows, quarter="2026Q1") for rows in (everything, removed)]
    assert release_uncapped(*groups, cells, RULES, PROTECTION).height == 1
    assert release_uncapped(*groups, hidden, RULES, PROTECTION).is_empty()


def test_figures_are_never_below_those_within_the_limits():
    seen = set()
    for key in range(12):
        protection = Protection(BASE, bytes([key]) * 32)
        usage = usage_of(*CROWD, *((f"m{n}", 1, 13) for n in range(7)), ("odd", 2, 7))
        cells, told = released(usage, protection)
        within = cells.filter(
            pl.col("unit_id") == "15-0000",
            pl.col("pattern").cast(pl.String) == "all",
            pl.col("allocation_rule").cast(pl.String) == "split",
        )["usage"].item()
        for figure in told.values():
            assert figure >= within
            assert abs(figure - (120 + 91 + 3.5)) < BASE
            seen.add(figure)
    assert seen == {210.0, 220.0}  # by chance, as the key has it


@pytest.mark.parametrize(
    ("earlier", "is_told"),
    [
        ([], True),
        ([{"15-0000": None}], True),  # as it comes out
        ([{"15-0000": None}, {"15-0000": None}], True),
        ([{"15-0000": 590.0}], False),
        ([{"15-0000": None}, {"15-0000": 590.0}], False),
        ([{"15-0000": None}, {}], False),
        ([{}], False),
    ],
)
def test_usage_is_told_again_unchanged_or_not_at_all(earlier, is_told):
    usage = usage_of(*CROWD, *MANY)
    figure = released(usage)[1]["15-0000"]
    assert figure != 590.0
    before = [{code: usage or figure for code, usage in release.items()} for release in earlier]
    everything, kept, removed = parts(usage)
    cells = control_cells(
        aggregate_cells(kept, quarter="2026Q1"), unit_weights(HELD), RULES, PROTECTION
    ).cells
    groups = [aggregate_major_groups(rows, quarter="2026Q1") for rows in (everything, removed)]
    told = release_uncapped(*groups, cells, RULES, PROTECTION, earlier=before)
    assert told.rows() == ([("15-0000", figure)] if is_told else [])


TAXONOMY = Taxonomy(
    "lamps-1",
    pl.DataFrame({"onet_soc_code": [CODER, CLERK, COOK], "occupation_title": ["a", "b", "c"]}),
    pl.DataFrame(
        {"task_id": [1, 2, 3, 4], "statement": list("abcd"), "occupation_count": [1, 2, 1, 1]}
    ),
    HELD,
)
BUSY = [(f"c{n}", 3, 14) for n in range(20)]


@pytest.mark.parametrize("is_whole", [True, False])
def test_shares_are_told_where_the_usage_of_every_shown_group_is(is_whole):
    cooks = [(f"d{n}", 4, 14) for n in range(20)] if is_whole else []
    everything, kept, removed = parts(usage_of(*CROWD, *MANY, *BUSY, *cooks))
    cells = control_cells(
        aggregate_cells(kept, quarter="2026Q1"), unit_weights(HELD), RULES, PROTECTION
    ).cells
    groups = [aggregate_major_groups(rows, quarter="2026Q1") for rows in (everything, removed)]
    uncapped = release_uncapped(*groups, cells, RULES, PROTECTION)
    codes = {"15-0000", "43-0000"} | ({"35-0000"} if is_whole else set())
    assert set(uncapped["soc_code"]) == codes
    shares = add_uncapped(soc_group_shares(cells, TAXONOMY), uncapped)
    told = shares.drop_nulls("uncapped_usage")
    assert set(told["soc_code"]) == codes
    assert set(told["allocation_rule"].cast(pl.String)) == {"split"}
    if is_whole:
        assert told["uncapped_share"].sum() == pytest.approx(1.0)
        assert set(told["uncapped_base_usage"]) == {uncapped["uncapped_usage"].sum()}
    else:  # that of cooks is not told: of what would a share be?
        assert told["uncapped_share"].null_count() == told.height
        assert told["uncapped_base_usage"].null_count() == told.height
    others = shares.filter(pl.col("uncapped_usage").is_null())
    assert others["uncapped_share"].null_count() == others.height
