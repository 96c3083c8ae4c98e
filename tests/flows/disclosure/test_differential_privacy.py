from itertools import product
from math import fsum, log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from flows.disclosure import differential_privacy
from flows.disclosure.differential_privacy import BUDGET_SHARES, measure_counts
from flows.disclosure.hierarchy import UNITS, Hierarchy, build_hierarchy, make_consistent
from taxonomy.patterns import PATTERNS

CODER, TESTER, WRITER = "15-1252.00", "15-1253.00", "27-3042.00"
OCCUPATIONS = {
    1: (CODER,),
    2: (CODER, TESTER, WRITER),
    3: (CODER, WRITER),
    10: (WRITER,),
    11: (TESTER,),
}
KEYS = [*map(str, OCCUPATIONS), "none", "not_classified"]
CELLS = list(product(KEYS, PATTERNS))
NODES = [3, 4, 5, 10]  # by level; the two keys without a task are a node of each
EPSILON, ACCOUNT_LIMIT = 1.0, 5
few = settings(max_examples=25)


def taxonomy(occupations=OCCUPATIONS):
    rows = [(task, code, 1 / len(codes)) for task, codes in occupations.items() for code in codes]
    return pl.DataFrame(rows, ["task_id", "onet_soc_code", "weight"], orient="row")


def table(counts):
    rows = [(key, pattern, count) for (key, pattern), count in counts.items()]
    schema = {"key": pl.String, "pattern": pl.String, "conversation_count": pl.Int64}
    return pl.DataFrame(rows, schema, orient="row")


def measure(counts, *, epsilon=EPSILON, account_limit=ACCOUNT_LIMIT):
    return measure_counts(
        table(counts), build_hierarchy(taxonomy()), epsilon=epsilon, account_limit=account_limit
    )


def privatize(counts, **settings):
    """Usage by key and pattern, as the release fits it to what was measured."""
    hierarchy = build_hierarchy(taxonomy())
    noisy = [level / UNITS for level in measure(counts, **settings)]
    pairs = make_consistent(noisy, hierarchy, [share**-2 for share in BUDGET_SHARES])
    patterns = differential_privacy.PATTERNS
    return (
        pl.DataFrame(pairs, schema=dict.fromkeys(patterns, pl.Float64))
        .with_columns(hierarchy.pairs["key"])
        .group_by("key")
        .sum()
        .unpivot(index="key", variable_name="pattern", value_name="usage")
        .sort("key", "pattern")
    )


def measured(counts, *, epsilon=EPSILON):
    """What `measure_counts` measures of the counts: units of each level, and each's budget."""
    measure_level, calls = differential_privacy._measure, []

    def spy(units, **settings):
        calls.append((units, settings))
        return measure_level(units, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(differential_privacy, "_measure", spy)
        measure(counts, epsilon=epsilon)
    return calls


some_counts = st.dictionaries(st.sampled_from(CELLS), st.integers(0, 10**6), max_size=20)


# --- the result


@few
@given(counts=some_counts, epsilon=st.floats(1e-3, 1e3), account_limit=st.integers(1, 100))
def test_every_fixed_key_gets_a_usage_that_is_not_negative(counts, epsilon, account_limit):
    found = privatize(counts, epsilon=epsilon, account_limit=account_limit)
    assert found.schema == {"key": pl.String, "pattern": pl.String, "usage": pl.Float64}
    assert found.select("key", "pattern").rows() == sorted(CELLS)
    assert found["usage"].is_finite().all()
    assert (found["usage"] >= 0).all()


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {("2", "directive"): 1},
        {("2", "directive"): 7, ("3", "directive"): 1_000_000, ("none", "learning"): 12},
        {cell: 1 + index for index, cell in enumerate(CELLS)},
    ],
)
def test_a_huge_epsilon_gives_back_the_counts(counts):
    found = privatize(counts, epsilon=1e9)
    expected = [counts.get(cell, 0) for cell in sorted(CELLS)]
    assert found["usage"].to_list() == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_the_total_of_a_tree_is_unbiased():
    tree_count, usage = 20_000, 1000
    parents = (np.repeat(np.arange(tree_count), 2), np.repeat(np.arange(2 * tree_count), 2))
    trees = Hierarchy(pl.DataFrame(), parents)
    leaves = np.full((4 * tree_count, 1), usage // 4 * UNITS)
    noisy = [
        differential_privacy._measure(units, epsilon=1, account_limit=1) / UNITS
        for units in trees.sum_up(leaves)
    ]
    found = make_consistent(noisy, trees, [1, 1, 1])
    totals = found.reshape(tree_count, 4).sum(axis=1)
    standard_error = 2**0.5 / tree_count**0.5  # at most that of the measured total alone
    assert abs(totals.mean() - usage) < 6 * standard_error  # fails by chance once in 5e8 runs
    assert totals.std() < 2**0.5  # levels below have made it more exact


# --- what is measured


@pytest.mark.parametrize("counts", [{}, {("2", "directive"): 9}, dict.fromkeys(CELLS, 3)])
def test_the_same_cells_are_measured_whichever_hold_usage(counts):
    assert [units.shape for units, _ in measured(counts)] == [
        (nodes, len(PATTERNS)) for nodes in NODES
    ]


def test_cells_without_usage_get_noise_too():
    empty = np.zeros((100, len(PATTERNS)), dtype=np.int64)
    noisy = differential_privacy._measure(empty, epsilon=1, account_limit=100)
    assert (noisy != 0).all()  # fails by chance once in 5e6 runs


@few
@given(
    counts=some_counts,
    account=st.lists(st.sampled_from(CELLS), max_size=ACCOUNT_LIMIT, unique=True),
    epsilon=st.floats(1e-3, 1e3),
)
def test_an_account_moves_each_level_by_no_more_than_its_sensitivity(counts, account, epsilon):
    neighbor = {cell: counts.get(cell, 0) + (cell in account) for cell in {*counts, *account}}
    without, with_account = measured(counts, epsilon=epsilon), measured(neighbor, epsilon=epsilon)
    for (first, settings_of_first), (second, _) in zip(without, with_account, strict=True):
        assert settings_of_first["account_limit"] == ACCOUNT_LIMIT
        assert np.abs(second - first).sum() == len(account) * UNITS
    assert fsum(settings_of_level["epsilon"] for _, settings_of_level in without) == epsilon


# --- wrong inputs


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        *(({"epsilon": value}, "epsilon") for value in (0, -1, float("nan"), float("inf"))),
        *(({"account_limit": value}, "account limit") for value in (0, -1)),
    ],
)
def test_settings_out_of_range_are_refused(wrong, word):
    with pytest.raises(ValueError, match=word):
        measure({}, **wrong)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("77", "directive", 5)], "1 rows of the counts have a key or pattern outside"),
        ([("77", "directive", 5), ("78", "none", 5)], "2 rows of the counts have a key or pattern"),
        ([("1", "automation", 5)], "1 rows of the counts have a key or pattern outside"),
        ([(None, "directive", 5)], "1 rows of the counts have a key or pattern outside"),
        ([("1", None, 5)], "1 rows of the counts have a key or pattern outside"),
        ([("1", "none", 5), ("1", "none", 6)], "2 rows of the counts repeat a key and pattern"),
        ([("1", "directive", -5)], "1 rows of the counts hold no count"),
        ([("1", "directive", None)], "1 rows of the counts hold no count"),
        ([("1", "none", 2**39), ("1", "learning", 2**39)], "more than 500 billion"),
    ],
)
def test_counts_that_break_the_contract_are_refused_without_their_values(rows, message):
    counts = pl.DataFrame(rows, table({}).schema, orient="row")
    with pytest.raises(ValueError, match=message) as refusal:
        measure_counts(
            counts, build_hierarchy(taxonomy()), epsilon=EPSILON, account_limit=ACCOUNT_LIMIT
        )
    assert not any(value in str(refusal.value) for value in ("77", "78", "automation"))


def test_noise_too_small_for_the_budget_is_refused(monkeypatch):
    monkeypatch.setattr(differential_privacy, "_SCALE_SLACK", -1e-6)
    with pytest.raises(RuntimeError, match="above the budget"):
        measure({})


# --- the privacy loss itself


def proven_loss(first, second, thresholds, *, error=1e-9):
    """A privacy loss that the outcomes of neighbors prove, at the least.

    For each threshold, the outcomes above it and those below are an event each. Bounds of its two
    probabilities are Clopper and Pearson's, each wrong with probability `error`; all of them hold
    but for 8 times that by threshold. Thresholds must be fixed before the outcomes are seen.
    """
    losses = []
    for one, other in ((first, second), (second, first)):
        for threshold, sign in product(thresholds, (1, -1)):
            hits = np.sum(sign * one > sign * threshold)
            other_hits = np.sum(sign * other > sign * threshold)
            least = beta.ppf(error, hits, len(one) - hits + 1) if hits else 0.0
            most = (
                beta.ppf(1 - error, other_hits + 1, len(other) - other_hits)
                if other_hits < len(other)
                else 1.0
            )
            losses.append(log(least / most) if least else 0.0)
    return max(losses)


def test_the_proof_of_a_loss_knows_a_loss():
    normal = np.random.default_rng(0).normal(size=20_000)
    assert proven_loss(normal, normal[::-1], [0, 1, 2]) <= 0
    assert 1 < proven_loss(normal, normal + 2, [0, 1, 2]) < 5


LEVEL_CHANGES = {"five conversations in a cell": [5], "one conversation in each of five": [1] * 5}


def measured_outcomes(change, *, account_limit):
    """For two neighbors, how far the noisy units lean to the second, in many repetitions at once.

    Noise is drawn cell by cell, so that each repetition is a measurement of its own. The sum of
    measurements clipped to where the two likelihoods differ tells neighbors apart the best.
    """
    outcomes = []
    for counts in (np.zeros_like(change), np.array(change)):
        units = np.tile(counts, (30_000 // len(change), 1)) * UNITS
        noisy = differential_privacy._measure(units, epsilon=1, account_limit=account_limit)
        outcomes.append((noisy / UNITS).clip(0, change).sum(axis=1))
    return outcomes


@pytest.mark.parametrize("change", LEVEL_CHANGES.values(), ids=LEVEL_CHANGES.keys())
def test_a_measurement_loses_no_more_than_its_budget(change):
    thresholds = np.array([0, 1, 2, 3, 4, 4.5]) + 1e-9
    right = measured_outcomes(change, account_limit=5)
    assert proven_loss(*right, thresholds) <= 1
    too_low = measured_outcomes(change, account_limit=1)  # the test finds a wrong sensitivity
    assert proven_loss(*too_low, thresholds) > 1.5


CLAIMED_LOSS = 2.5  # the faults below then prove at least 3, give or take 0.1
THRESHOLDS = np.array([0, 2.5, 5, 7.5, 10, 15, 20, 30]) + 1e-9


def usage_with_and_without_an_account(monkeypatch, repetitions=4000):
    """Usage of all tasks, with the one account there is and without it, many times over.

    Each pattern is a repetition: noise is drawn cell by cell, and patterns are consistent each for
    itself, so that what one of them gives away is what all of its measurements together do.
    """
    patterns = [f"pattern_{number:05}" for number in range(repetitions)]
    monkeypatch.setattr(differential_privacy, "PATTERNS", patterns)
    outcomes = []
    for counts in ({}, dict.fromkeys(product(map(str, OCCUPATIONS), patterns), 1)):
        of_tasks = privatize(counts, epsilon=CLAIMED_LOSS).filter(
            pl.col("key").is_in(list(map(str, OCCUPATIONS)))
        )
        usage = of_tasks.group_by("pattern", maintain_order=True).agg(pl.col("usage").sum())
        outcomes.append(usage["usage"].to_numpy())
    return outcomes


def with_a_fifth_of_the_sensitivity(monkeypatch):
    measure_level = differential_privacy._measure
    monkeypatch.setattr(
        differential_privacy,
        "_measure",
        lambda units, epsilon, account_limit: measure_level(
            units, epsilon=epsilon, account_limit=account_limit // 5
        ),
    )


def with_the_whole_budget_for_every_level(monkeypatch):
    monkeypatch.setattr(differential_privacy, "BUDGET_SHARES", (1.0, 1.0, 1.0, 1.0))


def with_noise_on_cells_with_usage_only(monkeypatch):
    measure_level = differential_privacy._measure
    monkeypatch.setattr(
        differential_privacy,
        "_measure",
        lambda units, **settings: np.where(units == 0, 0, measure_level(units, **settings)),
    )


def test_an_account_changes_no_outcome_by_more_than_epsilon(monkeypatch):
    outcomes = usage_with_and_without_an_account(monkeypatch)
    assert proven_loss(*outcomes, THRESHOLDS) <= CLAIMED_LOSS


@pytest.mark.parametrize(
    "fault",
    [
        with_a_fifth_of_the_sensitivity,
        with_the_whole_budget_for_every_level,
        with_noise_on_cells_with_usage_only,
    ],
)
def test_an_account_that_changes_an_outcome_by_more_is_found(fault, monkeypatch):
    fault(monkeypatch)
    outcomes = usage_with_and_without_an_account(monkeypatch)
    assert proven_loss(*outcomes, THRESHOLDS) > CLAIMED_LOSS
