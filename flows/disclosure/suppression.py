"""Decides what else to withhold so that what is withheld cannot be computed: complementary cells.

For a withheld figure that the attacker can narrow down too far, a linear program finds the cheapest
change of the truth, among the cells around it, that moves it far enough; every shown figure that
the change touches is withheld as well (Kelly, Golden and Assad 1992, Networks 22:397; Fischetti and
Salazar 2001, Management Science 47:1008, without their integer program).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

Floats = NDArray[np.float64]
_TOLERANCE = 1e-6
_REACH = 200  # base cells before and after the target's first that may change with it


def complement(
    sums: sparse.csr_array,
    is_shown: NDArray[np.bool_],
    base: Floats,
    target: Floats,
    *,
    width: float,
) -> NDArray[np.int64]:
    """The shown figures to withhold so that a target's interval becomes at least `width` wide.

    Args:
        sums: Figures x base cells.
        is_shown: Per figure.
        base: The truth: conversations of each base cell.
        target: Weights of the base cells in the figure to protect.
        width: How far it must be able to move, up and down together.

    Returns:
        Positions of figures; empty where the target moves as it is.
    """
    shown = np.flatnonzero(is_shown)
    near, whole_base = _nearby(target), base
    base, target = base[near], target[near]
    seen = sums[shown][:, near]
    shown, seen = shown[np.diff(seen.indptr) > 0], seen[np.diff(seen.indptr) > 0]
    value = float(target @ base)
    prices = np.maximum(sums[shown] @ whole_base, 1.0)
    down = min(value, width / 2.0)
    touched = np.zeros(len(shown), dtype=bool)
    for move in (width - down, -down):
        if move:
            touched |= _touched(seen, prices, base, target, move, touched)
    extra: NDArray[np.int64] = shown[touched]
    return extra


def _nearby(target: Floats) -> NDArray[np.int64]:
    """Base cells around those of the target: the others are held, or programs would be large."""
    cells = np.flatnonzero(target)
    first = max(int(cells[0]) - _REACH, 0)
    window = np.arange(first, min(first + 2 * _REACH, len(target)))
    return np.union1d(window, cells).astype(np.int64)


def _touched(
    seen: sparse.csr_array,
    prices: Floats,
    base: Floats,
    target: Floats,
    move: float,
    is_free: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """The cheapest change: min sum(prices |seen @ change|), target @ change = move, base >= 0."""
    figure_count, cell_count = seen.shape
    paid = np.where(is_free, 0.0, prices)
    identity = sparse.eye_array(figure_count)
    balance = sparse.hstack([seen, -identity, identity])
    moves = sparse.csr_array(np.concatenate([target, np.zeros(2 * figure_count)])[None, :])
    result = optimize.linprog(
        np.concatenate([np.full(cell_count, 0.0), paid, paid]),
        A_eq=sparse.vstack([balance, moves]),
        b_eq=np.concatenate([np.zeros(figure_count), [move]]),
        bounds=np.column_stack(
            [
                np.concatenate([-base, np.zeros(2 * figure_count)]),
                np.full(cell_count + 2 * figure_count, np.inf),
            ]
        ),
        method="highs",
    )
    if result.x is None:  # cannot be: more conversations of any kind are always possible
        raise ArithmeticError(result.message)
    change: NDArray[np.bool_] = np.abs(seen @ result.x[:cell_count]) > _TOLERANCE
    return change & ~is_free
