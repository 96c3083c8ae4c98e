"""Decides which truths fit what is known: points of a polytope, by linear programs (HiGHS)."""

from dataclasses import dataclass
from typing import Literal

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
TOLERANCE = 1e-6
MOST = 1e6  # conversations of a base cell that nothing is known of, or more where figures are
_DUAL, _PRIMAL = 1, 4  # HiGHS's simplex_strategy


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


def find_middle(known: Knowledge, room: float) -> Floats:
    """A point where known figures can rise by `room`, the larger the more important."""
    count = known.sums.shape[1]
    wide = np.clip(known.upper - known.lower, 0.0, room)
    lacking = -sparse.eye_array(len(wide))
    roomy = Knowledge(
        sparse.csr_array(sparse.hstack([known.sums, lacking])), known.lower, known.upper - wide
    )
    cost = np.concatenate([np.zeros(count), np.diff(known.sums.indptr)])
    limit = np.concatenate([np.full(count, np.inf), wide])
    point = Program(roomy, start="inside").solve(cost, limit)
    return np.maximum(point[:count], 0.0)


class Program:
    """One polytope, many directions: each solution starts from the last one (HiGHS, simplex).

    The first starts from any corner, which pays where many follow, or from nowhere; `inside`
    solutions are points inside instead of corners (interior point method).
    """

    def __init__(
        self,
        known: Knowledge,
        least: Floats | None = None,
        *,
        start: Literal["corner", "inside", "nowhere"] = "corner",
    ) -> None:
        columns = known.sums.tocsc()
        self._known = known
        self._count = columns.shape[1]
        self._least = np.zeros(self._count) if least is None else least
        self._most = 2.0 * np.max(known.upper[np.isfinite(known.upper)], initial=MOST)
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = columns.shape
        model.col_cost_ = np.zeros(self._count)
        model.col_lower_ = self._least
        model.col_upper_ = np.full(self._count, self._most)
        model.row_lower_ = known.lower
        model.row_upper_ = np.where(np.isinf(known.upper), highspy.kHighsInf, known.upper)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = columns.indptr
        model.a_matrix_.index_ = columns.indices
        model.a_matrix_.value_ = columns.data
        self._solver = highspy.Highs()  # type: ignore[no-untyped-call]
        self._solver.silent()
        self._solver.passModel(model)
        if start == "inside":  # a point there leaves more room than a corner
            self._solver.setOptionValue("solver", "ipm")
            self._solver.setOptionValue("run_crossover", "off")
            return
        if start == "corner":  # from there it is feasible whatever the direction
            self._solver.run()
            self._solver.setOptionValue("simplex_strategy", _PRIMAL)
        self._solver.setOptionValue("presolve", "off")

    def solve(self, direction: Floats, limit: Floats | None = None) -> Floats:
        """A point where direction @ base is least, no base cell being over its limit."""
        solver, everything = self._solver, np.arange(self._count, dtype=np.int32)
        solver.changeColsCost(self._count, everything, direction.astype(np.float64))
        if limit is not None:
            most = np.minimum(limit, self._most)
            solver.changeColsBounds(self._count, everything, self._least, most)
        solver.run()
        if not self._is_exact():  # rounding errors have added up: the other way mends them
            solver.setOptionValue("solver", "simplex")
            solver.setOptionValue("simplex_strategy", _DUAL)
            solver.run()
            if not self._is_exact():
                solver.clearSolver()
                solver.run()
            solver.setOptionValue("simplex_strategy", _PRIMAL)
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise InfeasibleError
        if status != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"linear program: {solver.modelStatusToString(status)}")
        return np.asarray(solver.getSolution().col_value)

    def prices(self) -> Floats:
        """What the last direction would gain if a known figure could be one more: duals, by row."""
        return np.asarray(self._solver.getSolution().row_dual)

    def _is_exact(self) -> bool:
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return False
        point = np.asarray(self._solver.getSolution().col_value)
        return _excess(self._known, np.maximum(point, self._least)) < TOLERANCE / 2


def _excess(known: Knowledge, base: Floats) -> float:
    """By how much a point is outside of the polytope."""
    figures = known.sums @ base
    over = np.maximum(known.lower - figures, figures - known.upper)
    return float(over.max(initial=0.0))
