"""Decides what anyone can find out from a release: the narrowest interval of every figure.

The attacker knows the method, the base, the floors and every released figure, and solves linear
programs for the least and the most that a withheld figure can be (Hundepool et al. 2012,
Statistical Disclosure Control, 4.3.1). Whatever satisfies the constraints could be the truth, so
two solutions that are far apart prove that an interval is at least as wide.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
TOLERANCE = 1e-6
MOST = 1e6  # conversations of a base cell that nothing is known of, or more where figures are
BLOCK_SIZES = (350,) * 12 + (1_400,) * 8  # base cells that are moved at a time
STRETCHES = (150, 500)  # base cells to each side of a narrow target


class InfeasibleError(Exception):
    """No truth fits: the released figures contradict each other."""


@dataclass(frozen=True)
class Knowledge:
    """What the attacker knows: no base cell is negative, and lower <= sums @ base <= upper.

    Attributes:
        sums: Known figures x base cells.
        lower: Least of each known figure.
        upper: Most of each known figure; inf where nothing is known.
    """

    sums: sparse.csr_array
    lower: Floats
    upper: Floats


def bound_figures(known: Knowledge, targets: sparse.csr_array) -> tuple[Floats, Floats]:
    """The least and the most that each target can be, exactly: two linear programs each.

    Args:
        known: What the attacker knows.
        targets: Targets x base cells; a target is targets @ base.

    Raises:
        InfeasibleError: What is known contradicts itself.
    """
    program = _Program(known)
    least = [row @ program.solve(row) for row in _rows(targets)]
    most = [row @ program.solve(-row) for row in _rows(targets)]
    return np.array(least), np.array(most)


def widen_figures(
    known: Knowledge,
    targets: sparse.csr_array,
    *,
    wanted: Floats,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """As `bound_figures`, but looks no further at targets that are found as wide as wanted.

    Any two points of the polytope prove an interval at least as wide as they are apart. They are
    looked for by moving a few hundred base cells at a time, in random directions; only targets
    that stay narrow are solved for.

    Args:
        known: What the attacker knows.
        targets: Targets x base cells.
        wanted: Width of each target that is enough.
        seed: Of the directions.

    Returns:
        Least and most reached: exact wherever they are less than `wanted` apart.

    Raises:
        InfeasibleError: What is known contradicts itself.
    """
    search = _Search(known, targets, wanted, np.random.default_rng(seed))
    for block_size in BLOCK_SIZES:
        search.walk(block_size)
    search.stretch()
    search.solve_narrow()
    return search.least, search.most


class _Search:
    """A walk through the polytope that keeps the least and the most of every target."""

    def __init__(
        self,
        known: Knowledge,
        targets: sparse.csr_array,
        wanted: Floats,
        random: np.random.Generator,
    ) -> None:
        self.known, self.targets, self.wanted, self.random = known, targets, wanted, random
        self.columns, self.target_columns = known.sums.tocsc(), targets.tocsc()
        count = targets.shape[1]
        self.base = _Program(known).solve(np.zeros(count))
        self.figures = known.sums @ self.base
        self.reached = targets @ self.base
        self.least, self.most = self.reached.copy(), self.reached.copy()

    def narrow(self) -> NDArray[np.bool_]:
        is_narrow: NDArray[np.bool_] = self.most - self.least < self.wanted - TOLERANCE
        return is_narrow

    def walk(self, block_size: int) -> None:
        """Moves one block of base cells after the other, the rest held, to and fro."""
        count = len(self.base)
        offset = int(self.random.integers(block_size))
        for start in range(offset - block_size, count, block_size):
            block = np.arange(max(start, 0), min(start + block_size, count))
            touched = self.target_columns[:, block].tocsr()
            rows = np.flatnonzero(np.diff(touched.indptr))
            rows = rows[self.narrow()[rows]]
            if len(block) and len(rows):
                self._move(block, touched[rows].T @ self.random.choice([-1.0, 1.0], len(rows)))

    def stretch(self) -> None:
        """Moves each narrow target as far as the base cells around its own can."""
        for target in np.flatnonzero(self.narrow()):
            row = self.targets[[target]]
            for reach in STRETCHES:
                around = row.indices[:: max(len(row.indices) // 3, 1)]
                window = np.add.outer(around, np.arange(-reach, reach)).ravel()
                block = np.union1d(row.indices, np.clip(window, 0, len(self.base) - 1))
                if self.narrow()[target]:
                    self._move(block, self.target_columns[:, block].tocsr()[[target]].toarray()[0])

    def solve_narrow(self) -> None:
        """Solves for each target that is still narrow, with everything free."""
        if not self.narrow().any():
            return
        program, everything = _Program(self.known), np.arange(len(self.base))
        for target in np.flatnonzero(self.narrow()):
            row = self.targets[[target]].toarray().ravel()
            for sign in (1.0, -1.0):
                if self.narrow()[target]:
                    self._arrive(everything, program.solve(sign * row))

    def _move(self, block: NDArray[np.int64], direction: Floats) -> None:
        part = self.columns[:, block].tocsr()
        rows = np.flatnonzero(np.diff(part.indptr))
        part = part[rows]
        now = self.figures[rows]
        held = now - part @ self.base[block]
        lower = np.minimum(self.known.lower[rows], now) - held
        upper = np.maximum(self.known.upper[rows], now) - held
        program = _Program(Knowledge(part, lower, upper))
        with suppress(InfeasibleError):  # by the last digits: where it stands is possible
            for sign in (1.0, -1.0):
                self._arrive(block, program.solve(sign * direction))

    def _arrive(self, block: NDArray[np.int64], base: Floats) -> None:
        step = np.maximum(base, 0.0) - self.base[block]
        self.base[block] += step
        self.figures += self.columns[:, block] @ step
        self.reached += self.target_columns[:, block] @ step
        np.minimum(self.least, self.reached, out=self.least)
        np.maximum(self.most, self.reached, out=self.most)


class _Program:
    """One polytope, many directions: each solution starts from the last one (HiGHS, simplex)."""

    def __init__(self, known: Knowledge) -> None:
        columns = known.sums.tocsc()
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = columns.shape
        model.col_cost_ = np.zeros(columns.shape[1])
        model.col_lower_ = np.zeros(columns.shape[1])
        most = 2.0 * np.max(known.upper[np.isfinite(known.upper)], initial=MOST)
        model.col_upper_ = np.full(columns.shape[1], most)
        model.row_lower_ = known.lower
        model.row_upper_ = np.where(np.isinf(known.upper), highspy.kHighsInf, known.upper)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = columns.indptr
        model.a_matrix_.index_ = columns.indices
        model.a_matrix_.value_ = columns.data
        self._solver = highspy.Highs()  # type: ignore[no-untyped-call]
        self._solver.silent()
        self._solver.passModel(model)
        self._count = columns.shape[1]

    def solve(self, direction: Floats) -> Floats:
        """A point where direction @ base is least."""
        solver, everything = self._solver, np.arange(self._count, dtype=np.int32)
        solver.changeColsCost(self._count, everything, direction.astype(np.float64))
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise InfeasibleError
        if status != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"linear program: {solver.modelStatusToString(status)}")
        return np.asarray(solver.getSolution().col_value)


def _rows(matrix: sparse.csr_array) -> Iterator[Floats]:
    return (matrix[[row]].toarray().ravel() for row in range(matrix.shape[0]))
