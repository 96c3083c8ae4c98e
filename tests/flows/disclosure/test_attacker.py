from itertools import product

import numpy as np
import pytest
from scipy import sparse

from flows.disclosure.attacker import (
    InfeasibleError,
    Knowledge,
    _Search,
    bound_figures,
    widen_figures,
)
from flows.disclosure.suppression import complement


def sums_of(rows: int, columns: int) -> np.ndarray:
    """Figures of a table: its cells, row totals, column totals and the grand total."""
    cells = np.eye(rows * columns)
    by_row = [cells[row * columns : (row + 1) * columns].sum(0) for row in range(rows)]
    by_column = [cells[column::columns].sum(0) for column in range(columns)]
    return np.vstack([cells, by_row, by_column, cells.sum(0)])


def exactly(sums: np.ndarray, base: np.ndarray, is_shown: np.ndarray) -> Knowledge:
    figures = (sums @ base)[is_shown]
    return Knowledge(sparse.csr_array(sums[is_shown]), figures, figures)


# Two are withheld in every row and column but one of each, where there are three; still one of them
# is exact: the withheld cells make two cycles, and 4 x 4's (0, 2) is the bridge between them.
WITHHELD = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3), (0, 2)]
TABLE = np.array([[7, 8, 3, 40], [9, 6, 50, 60], [70, 80, 5, 4], [90, 55, 2, 9]], dtype=float)


def test_two_withheld_in_every_row_and_column_do_not_protect():
    sums, base = sums_of(4, 4), TABLE.ravel()
    is_shown = np.ones(len(sums), dtype=bool)
    is_shown[[4 * row + column for row, column in WITHHELD]] = False
    targets = sparse.csr_array(sums[~is_shown])
    least, most = bound_figures(exactly(sums, base, is_shown), targets)
    width = dict(zip(sorted(WITHHELD), most - least, strict=True))
    assert width[0, 2] == pytest.approx(0)
    assert all(each > 5 for cell, each in width.items() if cell != (0, 2))


def test_complementary_suppression_repairs_what_the_attack_found():
    sums, base = sums_of(4, 4), TABLE.ravel()
    is_shown = np.ones(len(sums), dtype=bool)
    is_shown[[4 * row + column for row, column in WITHHELD]] = False
    nothing, prices = np.full(len(sums), np.inf), sums @ base + 1
    extra = complement(sparse.csr_array(sums), is_shown, nothing, prices, base, sums[2], width=9.0)
    assert len(extra)
    assert is_shown[extra].all()
    is_shown[extra] = False
    least, most = bound_figures(exactly(sums, base, is_shown), sparse.csr_array(sums[[2]]))
    assert most[0] - least[0] >= 9.0


def test_what_is_withheld_to_protect_others_stays_over_the_floor_that_it_is_known_to_pass():
    """Of 3 + 20 + 30 with a floor of 15, the 20 can fall by 5 only: the 30 has to go as well."""
    sums = sparse.csr_array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    base, is_shown = np.array([3.0, 20, 30]), np.array([False, False, True, True])
    floor = np.array([0.0, 15, 15, 15])
    target = np.array([1.0, 0, 0])
    figures = sums @ base
    known = np.where(floor > 0, figures - floor, np.inf)
    for room, withheld in ((np.full(4, np.inf), []), (known, [2])):
        found = complement(sums, is_shown, room, figures, base, target, width=9.0)
        assert found.tolist() == withheld


def test_what_is_wide_already_costs_nothing():
    sums, base = sums_of(4, 4), TABLE.ravel()
    is_shown = np.ones(len(sums), dtype=bool)
    is_shown[:16] = False
    nothing, prices = np.full(len(sums), np.inf), sums @ base + 1
    found = complement(sparse.csr_array(sums), is_shown, nothing, prices, base, sums[5], width=9.0)
    assert not len(found)


def test_bounds_equal_those_of_trying_every_table():
    random = np.random.default_rng(1)
    for _ in range(40):
        rows, columns, most_count = 2, int(random.integers(2, 4)), 5
        base = random.integers(0, most_count, rows * columns).astype(float)
        sums = sums_of(rows, columns)
        is_shown = random.random(len(sums)) < 0.6
        is_shown[-1] = True
        reach = random.integers(0, 3)
        figures = (sums @ base)[is_shown]
        rounded = np.maximum(figures + random.integers(-reach, reach + 1, len(figures)), 0)
        known = Knowledge(sparse.csr_array(sums[is_shown]), rounded - reach, rounded + reach)
        if ((figures < known.lower) | (figures > known.upper)).any():
            continue
        total = int(rounded[-1] + reach)
        tables = np.array(
            [
                table
                for table in product(range(total + 1), repeat=rows * columns)
                if sum(table) <= total
            ]
        )
        seen = tables @ sums[is_shown].T
        possible = tables[((seen >= known.lower) & (seen <= known.upper)).all(1)] @ sums.T
        least, most = bound_figures(known, sparse.csr_array(sums))
        assert least == pytest.approx(possible.min(0))
        assert most == pytest.approx(possible.max(0))


@pytest.mark.parametrize("strata", [None, np.tile(np.arange(4), 3)])
@pytest.mark.parametrize("wanted", [1.0, 6.0, 30.0])
def test_the_search_finds_every_interval_as_wide_as_wanted_or_its_exact_bounds(wanted, strata):
    random = np.random.default_rng(2)
    for seed in range(10):
        base = random.integers(0, 30, 12).astype(float)
        sums = sums_of(3, 4)
        figures, is_shown = sums @ base, random.random(len(sums)) < 0.7
        known = Knowledge(
            sparse.csr_array(sums[is_shown]), figures[is_shown] - 4, figures[is_shown] + 4
        )
        targets = sparse.csr_array(sums)
        least, most = bound_figures(known, targets)
        low, high = widen_figures(
            known, targets, wanted=np.full(len(sums), wanted), strata=strata, seed=seed
        )
        is_narrow = high - low < wanted - 1e-6
        assert low[is_narrow] == pytest.approx(least[is_narrow], abs=1e-5)
        assert high[is_narrow] == pytest.approx(most[is_narrow], abs=1e-5)
        assert (low >= least - 1e-5).all()
        assert (high <= most + 1e-5).all()
        assert (is_narrow == (most - least < wanted - 1e-5)).all()


def test_a_point_that_contradicts_what_is_known_proves_nothing():
    sums = sparse.csr_array(np.array([[1.0, 1.0], [1.0, 0.0]]))
    known = Knowledge(sums, np.array([20.0, 5.0]), np.array([22.0, 6.0]))
    search = _Search(known, sparse.csr_array(np.eye(2)), np.ones(2), np.random.default_rng(1))
    before = search.least.copy(), search.most.copy()
    search._arrive(np.array([0, 1]), np.array([50.0, -1.0]))
    assert (search.least == before[0]).all()
    assert (search.most == before[1]).all()


def test_figures_of_millions_contradict_nothing():
    sums = np.array([[1.0, 1.0], [1.0, 0.0]])
    figures = np.array([9e6, 7e6])
    known = Knowledge(sparse.csr_array(sums), figures - 9, figures + 9)
    least, most = bound_figures(known, sparse.csr_array(np.array([[0.0, 1.0]])))
    assert (least[0], most[0]) == (pytest.approx(2e6 - 18), pytest.approx(2e6 + 18))


def test_figures_that_contradict_each_other_are_told():
    sums = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    known = Knowledge(
        sparse.csr_array(sums), np.array([10.0, 1.0, 1.0]), np.array([10.0, 2.0, 2.0])
    )
    with pytest.raises(InfeasibleError):
        widen_figures(known, sparse.csr_array(np.eye(2)), wanted=np.ones(2))
