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
    room: Floats,
    prices: Floats,
    base: Floats,
    target: Floats,
    *,
    width: float,
) -> NDArray[np.int64]:
    """The shown figures to withhold so that a target's interval becomes at least `width` wide.

    Args:
        sums: Figures x base cells.
        is_shown: Per figure.
        room: Per figure how far it is above what anyone knows it to be at least, shown or not; inf
            where nothing is known.
        prices: Per figure what it costs to withhold it; inf where it must not be.
        base: The truth: conversations of each base cell.
        target: Weights of the base cells in the figure to protect.
        width: How far it must be able to move, up and down together.

    Returns:
        Positions of figures; empty where the target moves as it is.
    """
    near = _nearby(target)
    base, target = base[near], target[near]
    told = np.flatnonzero(is_shown | np.isfinite(room))
    seen = sums[told][:, near]
    told, seen = told[np.diff(seen.indptr) > 0], seen[np.diff(seen.indptr) > 0]
    room, prices = room[told], np.where(is_shown[told], prices[told], 0.0)
    down = min(float(target @ base), width / 2.0)
    lowered = _touched(seen, prices, room, base, target, -down)
    if lowered is None:  # what is known leaves no room below
        down, lowered = 0.0, np.zeros(len(told), dtype=bool)
    prices = np.where(lowered, 0.0, prices)
    raised = _touched(seen, prices, room, base, target, width - down)
    if raised is None:  # what must be shown leaves no room above
        return np.array([], dtype=np.int64)
    extra: NDArray[np.int64] = told[(lowered | raised) & is_shown[told]]
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
    room: Floats,
    base: Floats,
    target: Floats,
    move: float,
) -> NDArray[np.bool_] | None:
    """The cheapest change: min sum(prices |seen @ change|), target @ change = move, base >= 0.

    No figure falls by more than its room. None where there is no such change.
    """
    figure_count, cell_count = seen.shape
    identity = sparse.eye_array(figure_count)
    balance = sparse.hstack([seen, -identity, identity])
    moves = sparse.csr_array(np.concatenate([target, np.zeros(2 * figure_count)])[None, :])
    is_fixed = np.isinf(prices)
    prices, most = np.where(is_fixed, 0.0, prices), np.where(is_fixed, 0.0, np.inf)
    result = optimize.linprog(
        np.concatenate([np.zeros(cell_count), prices, prices]),
        A_eq=sparse.vstack([balance, moves]),
        b_eq=np.concatenate([np.zeros(figure_count), [move]]),
        bounds=np.column_stack(
            [
                np.concatenate([-base, np.zeros(2 * figure_count)]),
                np.concatenate([np.full(cell_count, np.inf), most, np.minimum(room, most)]),
            ]
        ),
        method="highs",
    )
    if result.x is None:
        return None
    change: NDArray[np.bool_] = np.abs(seen @ result.x[:cell_count]) > _TOLERANCE
    return change
