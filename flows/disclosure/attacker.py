"""Decides what anyone can find out from a release: the narrowest interval of every figure.

The attacker knows the method, the base, the floors and every released figure, and solves linear
programs for the least and the most that a withheld figure can be (Hundepool et al. 2012,
Statistical Disclosure Control, 4.3.1). Whatever satisfies the constraints could be the truth, so
two solutions that are far apart prove that an interval is at least as wide.
"""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from flows.disclosure.polytope import (
    MOST,
    TOLERANCE,
    Floats,
    InfeasibleError,
    Knowledge,
    Program,
    find_middle,
)

__all__ = ["TOLERANCE", "InfeasibleError", "Knowledge", "bound_figures", "widen_figures"]

Places = NDArray[np.int64]
BATCHES = 1_000_000_000, 100, 20, 5  # how many targets of a stratum are moved at once
HELPERS = 60, 1.2  # base cells let into a program at first, and how many more each time


def bound_figures(known: Knowledge, targets: sparse.csr_array) -> tuple[Floats, Floats]:
    """The least and the most that each target can be, exactly: two linear programs each.

    Args:
        known: What the attacker knows.
        targets: Targets x base cells; a target is targets @ base.

    Raises:
        InfeasibleError: What is known contradicts itself.
    """
    program = Program(known)
    least = [row @ program.solve(row) for row in _rows(targets)]
    most = [row @ program.solve(-row) for row in _rows(targets)]
    return np.array(least), np.array(most)


def widen_figures(
    known: Knowledge,
    targets: sparse.csr_array,
    *,
    wanted: Floats,
    strata: Places | None = None,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """As `bound_figures`, but looks no further at targets that are found as wide as wanted.

    Any two points of the polytope prove an interval at least as wide as they are apart. They are
    looked for around its middle, where most known figures leave room: by one base cell alone, and
    by those of one stratum, for fewer and fewer targets at once. Only targets that stay narrow are
    solved for.

    Args:
        known: What the attacker knows.
        targets: Targets x base cells.
        wanted: Width of each target that is enough.
        strata: Of each base cell its stratum: those that add up most with each other. By default
            all are in one.
        seed: Of the order and the directions.

    Returns:
        Least and most reached: exact wherever they are less than `wanted` apart.

    Raises:
        InfeasibleError: What is known contradicts itself.
    """
    search = _Search(known, targets, wanted, np.random.default_rng(seed))
    strata = np.zeros(targets.shape[1], dtype=np.int64) if strata is None else strata
    for batch in BATCHES:
        for stratum in np.unique(strata):
            search.push(np.flatnonzero(strata == stratum), batch)
    search.solve_narrow()
    return search.least, search.most


class _Search:
    """Points of the polytope around its middle, and the least and the most of every target."""

    def __init__(
        self,
        known: Knowledge,
        targets: sparse.csr_array,
        wanted: Floats,
        random: np.random.Generator,
    ) -> None:
        self.known, self.targets, self.wanted, self.random = known, targets, wanted, random
        self.columns, self.target_columns = known.sums.tocsc(), targets.tocsc()
        self.least = np.full(targets.shape[0], np.inf)
        self.most = np.full(targets.shape[0], -np.inf)
        self.room = float(wanted.max(initial=0.0))
        self.base = find_middle(known, self.room)
        self.lowest = self.base.copy()
        self.figures, self.reached = known.sums @ self.base, targets @ self.base
        self._arrive(np.arange(len(self.base)), np.zeros(len(self.base)))

    def narrow(self) -> NDArray[np.bool_]:
        is_narrow: NDArray[np.bool_] = self.most - self.least < self.wanted - TOLERANCE
        return is_narrow

    def push(self, block: Places, batch: int) -> None:
        """Moves a block of base cells, the rest held: narrow targets down and up, some at a time.

        Up by no more than wanted, which leaves room for others.
        """
        touched = self.target_columns[:, block].tocsr()
        left = np.flatnonzero(self.narrow() & (np.diff(touched.indptr) > 0))
        if not len(left):
            return
        known, _ = self._around(block)
        program = Program(known, -self.base[block])
        left = self.random.permutation(left)
        for start in range(0, len(left), batch):
            for sign in (1.0, -1.0):
                some = left[start : start + batch]
                part = touched[some[self.narrow()[some]]]
                if not part.shape[0]:
                    continue
                cells, limit = np.unique(part.indices), np.full(len(block), np.inf)
                limit[cells] = np.maximum(self._enough(block[cells]) - self.base[block[cells]], 0.0)
                with suppress(InfeasibleError, RuntimeError):  # then there is no proof in it
                    self._arrive(block, program.solve(sign * part.sum(axis=0), limit))

    def solve_narrow(self) -> None:
        """Solves for each target that is still narrow, with everything free."""
        for target in np.flatnonzero(self.narrow()):
            for sign in (1.0, -1.0):
                self._solve(target, sign)

    def _solve(self, target: np.int64, sign: float) -> None:
        """Moves one target as far down (1) or up (-1) as it goes, or as is wanted.

        By column generation (Gilmore and Gomory 1961, Operations Research 9:849): the program of
        the target's own base cells prices the known figures, and by these prices the other base
        cells that would help are let in, until none would. Then it is solved with all of them.
        """
        row = self.targets[[target]]
        direction = np.zeros(len(self.base))
        direction[row.indices] = sign * row.data
        block, count = np.sort(row.indices), float(HELPERS[0])
        while self._is_open(target, sign):
            known, rows = self._around(block)
            program = Program(known, -self.base[block], start="nowhere")
            self._arrive(block, program.solve(direction[block]))
            gain = direction - self.known.sums[rows].T @ program.prices()
            gain[block] = 0.0
            gain = np.where((gain < 0.0) | (self.base > TOLERANCE), np.abs(gain), 0.0)
            helpers = np.flatnonzero(gain > TOLERANCE)
            if not len(helpers):
                return
            best = np.argsort(-gain[helpers], kind="stable")[: int(count)]
            block, count = np.union1d(block, helpers[best]), HELPERS[1] * count

    def _is_open(self, target: np.int64, sign: float) -> bool:
        is_narrow = self.most[target] - self.least[target] < self.wanted[target] - TOLERANCE
        return bool(is_narrow and (sign < 0.0 or self.least[target] > TOLERANCE))

    def _enough(self, cells: Places) -> Floats:
        """Values of base cells that are as far from their lowest ones as any target has to go."""
        enough: Floats = self.lowest[cells] + self.room + 1e-3
        return enough

    def _around(self, block: Places) -> tuple[Knowledge, Places]:
        """What is known of steps of base cells from the middle, and the figures that these move."""
        part = self.columns[:, block].tocsr()
        rows = np.flatnonzero(np.diff(part.indptr))
        now = self.figures[rows]
        lower = np.minimum(self.known.lower[rows] - now, 0.0)
        upper = np.maximum(self.known.upper[rows] - now, 0.0)
        return Knowledge(part[rows], lower, upper), rows

    def _arrive(self, block: Places, step: Floats) -> None:
        """Notes what a step from the middle reaches, and what base cells reach alone from there."""
        part, touched = self.columns[:, block], self.target_columns[:, block]
        base = np.maximum(self.base[block] + step, 0.0)
        figures = self.figures + part @ (base - self.base[block])
        above, below = self.known.upper - figures, figures - self.known.lower
        if min(above.min(initial=0.0), below.min(initial=0.0)) < -TOLERANCE:
            return  # not a point of the polytope
        down, up = np.minimum(_steps(part, below), base), _steps(part, above)
        reached = self.reached + touched @ (base - self.base[block])
        np.minimum(self.least, reached, out=self.least)
        np.maximum(self.most, reached, out=self.most)
        cells = np.repeat(np.arange(len(block)), np.diff(touched.indptr))
        now = reached[touched.indices]
        np.minimum.at(self.least, touched.indices, now - touched.data * down[cells])
        np.maximum.at(self.most, touched.indices, now + touched.data * up[cells])
        self.lowest[block] = np.minimum(self.lowest[block], base - down)


def _steps(columns: sparse.csc_array, room: Floats) -> Floats:
    """How far each column can go alone until a row has no room left."""
    steps = np.full(columns.shape[1], MOST)
    is_in = np.diff(columns.indptr) > 0
    if is_in.any():
        ratios = np.maximum(room, 0.0)[columns.indices] / columns.data
        steps[is_in] = np.minimum.reduceat(ratios, columns.indptr[:-1][is_in])
    return np.minimum(steps, MOST)


def _rows(matrix: sparse.csr_array) -> Iterator[Floats]:
    return (matrix[[row]].toarray().ravel() for row in range(matrix.shape[0]))
