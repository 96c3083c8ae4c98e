import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from flows.disclosure.rounding import RoundingError, keyed_draws, round_figures

BASE = 10


def two_way(rows: int, columns: int) -> sparse.csr_array:
    """Equations of a table with margins: cells, then row totals, column totals, grand total."""
    cells = rows * columns
    count = cells + rows + columns + 1
    equations = []
    for row in range(rows):
        equation = np.zeros(count)
        equation[row * columns : (row + 1) * columns] = 1
        equation[cells + row] = -1
        equations.append(equation)
    for column in range(columns):
        equation = np.zeros(count)
        equation[column:cells:columns] = 1
        equation[cells + rows + column] = -1
        equations.append(equation)
    for margin in (slice(cells, cells + rows), slice(cells + rows, count - 1)):
        equation = np.zeros(count)
        equation[margin] = 1
        equation[-1] = -1
        equations.append(equation)
    return sparse.csr_array(np.array(equations))


def with_margins(table: np.ndarray) -> np.ndarray:
    return np.concatenate([table.ravel(), table.sum(1), table.sum(0), [table.sum()]]).astype(float)


@settings(max_examples=150)
@given(st.data())
def test_what_adds_up_before_adds_up_after(data):
    rows, columns = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    seed = data.draw(st.integers(0, 10**6))
    random = np.random.default_rng(seed)
    table = random.integers(0, data.draw(st.sampled_from([5, 40, 300])), (rows, columns))
    values, equations = with_margins(table), two_way(rows, columns)
    rounded = round_figures(
        values,
        np.ones(len(values), dtype=bool),
        equations,
        base=BASE,
        draws=random.random(len(values)),
    )
    assert rounded.reach == BASE  # a two-way table always has such a rounding
    assert not (equations @ rounded.figures).any()
    assert not (rounded.figures % BASE).any()
    assert (np.abs(rounded.figures - values) < BASE).all()
    assert (rounded.figures >= 0).all()
    whole = values % BASE == 0
    assert (rounded.figures[whole] == values[whole]).all()


@pytest.mark.parametrize(
    ("value", "draw", "expected"),
    [(23, 0.29, 30), (23, 0.31, 20), (20, 0.0, 20), (0, 0.0, 0), (9, 0.89, 10), (1, 0.11, 0)],
)
def test_a_figure_alone_goes_up_where_its_draw_is_below_its_share_of_the_base(
    value, draw, expected
):
    nothing = sparse.csr_array((1, 1))
    rounded = round_figures(
        np.array([float(value)]), np.array([True]), nothing, base=BASE, draws=np.array([draw])
    )
    assert rounded.figures[0] == expected


def test_rounding_is_unbiased():
    values = np.full(20_000, 23.0)
    draws = keyed_draws(b"k" * 32, (str(n) for n in range(len(values))))
    nothing = sparse.csr_array((1, len(values)))
    rounded = round_figures(
        values, np.ones(len(values), dtype=bool), nothing, base=BASE, draws=draws
    )
    assert rounded.figures.mean() == pytest.approx(23.0, abs=0.2)  # six standard errors


def test_what_is_not_shown_takes_up_the_rest_and_is_not_negative():
    equations = sparse.csr_array(np.array([[1.0, 1.0, 1.0, -1.0]]))
    values = np.array([25.0, 27.0, 2.0, 54.0])
    is_shown = np.array([True, True, False, True])
    for seed in range(50):
        draws = np.random.default_rng(seed).random(4)
        rounded = round_figures(values, is_shown, equations, base=BASE, draws=draws)
        assert rounded.figures[2] >= 0
        assert abs(equations @ rounded.figures).max() < 1e-6


def test_where_the_next_multiples_do_not_add_up_those_beyond_are_allowed():
    # two sums of the same three figures, one counted twice: 5 + 5 = 10 and 5 + 2 * 5 = 15
    equations = sparse.csr_array(
        np.array([[1.0, 1.0, 0, -1.0, 0, 0], [1.0, 0, 1.0, 0, -1.0, 0], [0, 1.0, 1.0, 0, 0, -1.0]])
    )
    values = np.array([5.0, 5.0, 5.0, 10.0, 10.0, 10.0])
    rounded = round_figures(
        values, np.ones(6, dtype=bool), equations, base=BASE, draws=np.full(6, 0.5)
    )
    assert rounded.reach == 2 * BASE  # each pair would need one up, one down: three cannot
    assert not (equations @ rounded.figures).any()
    assert (np.abs(rounded.figures - values) < rounded.reach).all()


@pytest.mark.parametrize(("least", "lowest"), [(0.0, 10.0), (20.0, 20.0)])
def test_no_multiple_beyond_is_below_the_least_of_its_figure(least, lowest):
    """As above, twice, with 20 in each sum: 10 for it, and 30 for all others, would cost least."""
    pairs = np.kron(np.eye(2), [[1.0, 1.0, 0], [1.0, 0, 1.0], [0, 1.0, 1.0]])
    equations = sparse.csr_array(np.hstack([np.ones((6, 1)), pairs, -np.eye(6)]))
    values = np.array([20.0, *[25.0] * 6, *[70.0] * 6])
    rounded = round_figures(
        values,
        np.ones(13, dtype=bool),
        equations,
        base=BASE,
        draws=np.zeros(13),
        least=np.array([least, *[0.0] * 12]),
    )
    assert rounded.figures.min() == lowest
    assert not (equations @ rounded.figures).any()


def test_figures_that_cannot_add_up_are_refused():
    equations = sparse.csr_array(np.array([[1.0, -1.0]]))
    with pytest.raises(RoundingError):
        round_figures(
            np.array([0.0, 90.0]),
            np.ones(2, dtype=bool),
            equations,
            base=BASE,
            draws=np.zeros(2),
        )


def test_draws_depend_on_key_and_name_alone():
    first = keyed_draws(b"a" * 32, ["x", "y"])
    assert (first == keyed_draws(b"a" * 32, ["x", "y"])).all()
    assert first[0] != keyed_draws(b"b" * 32, ["x"])[0]
    assert first[0] != first[1]
    assert ((first >= 0) & (first < 1)).all()
