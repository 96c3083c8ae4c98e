"""Decides what shares would be without misclassification, given which class is taken for which.

Adjusted classify and count (Forman 2008, Data Mining and Knowledge Discovery 17:164; of two classes
Rogan and Gladen 1978, American Journal of Epidemiology 107:71): with q the shares as judged and
M[j, k] = P(judged j | labeled k), the corrected shares are the p on the simplex with the least
||M p − q||. M is estimated from n[k, j] labeled conversations as

    M[j, k] = (n[k, j] + s·a[k, j]) / (n[k] + s),   a[k, j] = λ·[j = k] + (1 − λ) / J,

with s = 1 and λ = 0.8: one conversation more a class, mostly on the diagonal, so that a class with
few labels is left nearly as it was judged. What is assumed: M is the same where it is applied.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

PRIOR_COUNT = 1.0
PRIOR_ON_DIAGONAL = 0.8
_SUM_WEIGHT = (
    1e3  # of the equation that the shares add up to 1; they are divided by their sum after
)


@dataclass(frozen=True)
class MisclassificationCounts:
    """Labeled conversations by labeled and judged class.

    Attributes:
        labels: The K classes.
        answers: The J ≥ K judged classes; the first K are the labels.
        counts: n[k][j].
        effective_share: n in effect, as conversations of one account resemble each other, as a
            share of n: Kish's (Σ c)² / Σ c² over n, for c conversations of each account.
    """

    labels: tuple[str, ...]
    answers: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    effective_share: float

    def array(self) -> Floats:
        """The counts, shape (K, J)."""
        return np.array(self.counts, dtype=np.float64).reshape(len(self.labels), len(self.answers))


def misclassification(counts: Floats) -> Floats:
    """P(judged | labeled), shape (…, J, K), of counts of shape (…, K, J)."""
    smoothed = counts + _prior(*counts.shape[-2:])
    return np.swapaxes(smoothed / smoothed.sum(axis=-1, keepdims=True), -1, -2)


def solve_shares(matrix: Floats, judged: Floats) -> Floats:
    """The p on the simplex with the least ||M p − q||; M of shape (J, K), q of shape (J,)."""
    sums = np.full((1, matrix.shape[1]), _SUM_WEIGHT)
    shares, _ = nnls(np.vstack([matrix, sums]), np.append(judged, _SUM_WEIGHT))
    corrected: Floats = shares / shares.sum()
    return corrected


def pool_classes(counts: Floats, groups: list[list[int]], answers: list[list[int]]) -> Floats:
    """Counts of classes taken together: `groups` of rows and `answers` of columns."""
    rows = np.stack([counts[group].sum(axis=0) for group in groups])
    return np.stack([rows[:, answer].sum(axis=1) for answer in answers], axis=1)


def draw_matrices(counts: Floats, effective_share: float, draws: int, seed: int) -> Floats:
    """P(judged | labeled) as other labeled samples of this size would have it, (draws, J, K).

    Each row is drawn from Dirichlet(n[k]·effective share + s·a[k]), the posterior of the estimate:
    unlike drawing the labels again, it leaves a class with one label uncertain.
    """
    generator = np.random.default_rng(seed)
    rows = [
        generator.dirichlet(row, size=draws)
        for row in counts * effective_share + _prior(*counts.shape)
    ]
    return np.stack(rows, axis=-1)


def draw_shares(judged: Floats, usage: float, draws: int, seed: int) -> Floats:
    """Shares as judged, as other samples of `usage` conversations would have them, (draws, J)."""
    size = max(round(usage), 1)
    drawn = np.random.default_rng(seed).multinomial(size, judged / judged.sum(), size=draws)
    return drawn / size


def _prior(labels: int, answers: int) -> Floats:
    spread = np.full((labels, answers), (1.0 - PRIOR_ON_DIAGONAL) / answers)
    spread[np.arange(labels), np.arange(labels)] += PRIOR_ON_DIAGONAL
    return PRIOR_COUNT * spread
