"""Decides what multiple of the base each shown figure becomes: additive controlled rounding.

Each figure goes to one of the two multiples next to it, and those that add up before add up after
(Cox 1987, Journal of the American Statistical Association 82:520). Which of the two is drawn with a
secret key, up with probability (figure modulo base) / base: the nearest multiple would tell anyone
who knows the method that the figure lies within half a base of it. The draw depends on the figure's
name alone, so that the same counts are rounded the same way again.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

Floats = NDArray[np.float64]
_TOLERANCE = 1e-6
_GAP = 0.01  # of the objective: which of two multiples a few figures get is no matter
_FAR = 10.0  # what a multiple that is not next to the figure costs, in draws


class RoundingError(Exception):
    """No rounding within two bases of every figure adds up."""


@dataclass(frozen=True)
class Rounded:
    """Figures after rounding.

    Attributes:
        figures: Multiples of the base where a figure is shown; elsewhere what is left, not to be
            shown.
        reach: A figure is less than `reach` away from what it became: the base, or twice the base
            where no rounding to the multiples next to all figures adds up.
    """

    figures: Floats
    reach: float


def round_figures(
    figures: Floats,
    is_shown: NDArray[np.bool_],
    equations: sparse.csr_array,
    *,
    base: int,
    draws: Floats,
    least: Floats | float = 0.0,
) -> Rounded:
    """Rounds the shown figures so that equations @ figures stays 0 and nothing becomes negative.

    Args:
        figures: Non-negative, of length n, with equations @ figures = 0.
        is_shown: Of length n; the others are free as long as they are not negative.
        equations: m x n.
        base: At least 1.
        draws: Of length n, from [0, 1), as `keyed_draws` makes them.
        least: What shown figures may become at least, of each one or of all; none is less now.

    Raises:
        RoundingError: There is none.
    """
    quotients = np.round(figures / base, 9)
    for width in (0, 1):
        result = _solve(quotients, is_shown, equations, draws, least / base, width)
        if result is not None:
            rounded = np.where(is_shown, np.round(result), result) * base
            return Rounded(np.maximum(rounded, 0.0), float(base * (1 + width)))
    raise RoundingError


def keyed_draws(key: bytes, names: Iterable[str]) -> Floats:
    """A number from [0, 1) for each name: the first 53 bits of its HMAC-SHA256."""
    digests = (hmac.digest(key, name.encode(), hashlib.sha256) for name in names)
    return np.array([(int.from_bytes(digest[:8], "big") >> 11) * 2.0**-53 for digest in digests])


def _solve(
    quotients: Floats,
    is_shown: NDArray[np.bool_],
    equations: sparse.csr_array,
    draws: Floats,
    least: Floats | float,
    width: int,
) -> Floats | None:
    """One integer program; `width` is how many multiples beyond the next ones are allowed.

    Variables are the multiples, and for each figure how far it is beyond the next multiple.
    """
    count = len(quotients)
    below = np.where(is_shown, np.floor(quotients + _TOLERANCE), 0.0)
    share = np.where(is_shown, np.maximum(quotients - below, 0.0), 0.0)
    above = np.where(is_shown, below + (share > _TOLERANCE), np.inf)
    # up where draw < share; the nearer the draw is to the share, the cheaper is the other one
    cost = np.where(above - below == 1.0, draws - share, 0.0)
    nothing = sparse.csr_array(equations.shape)
    identity = sparse.eye_array(count)
    constraints = [
        optimize.LinearConstraint(sparse.hstack([equations, nothing]), 0.0, 0.0),
        optimize.LinearConstraint(sparse.hstack([identity, identity]), below, np.inf),
        optimize.LinearConstraint(sparse.hstack([identity, -identity]), -np.inf, above),
    ]
    result = optimize.milp(
        np.concatenate([cost, np.full(count, _FAR)]),
        integrality=np.concatenate([is_shown, np.zeros(count)]),
        bounds=optimize.Bounds(
            np.concatenate([np.maximum(below - width, least), np.zeros(count)]),
            np.concatenate([above + width, np.full(count, float(width))]),
        ),
        constraints=constraints if width else constraints[:1],
        options={"mip_rel_gap": _GAP, "presolve": False},
    )
    return None if result.x is None else result.x[:count]
