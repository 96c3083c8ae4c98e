"""Correction for misclassification, against brute force and against simulated samples."""

from itertools import product

import numpy as np
import pytest

from flows.evaluation.correction import (
    draw_matrices,
    draw_shares,
    misclassification,
    pool_classes,
    solve_shares,
)


@pytest.mark.parametrize(
    ("counts", "expected"),  # P(judged | labeled) by hand: one more, 0.8 + 0.2 / J on the diagonal
    [
        ([[3, 1], [0, 0]], [[3.9 / 5, 0.1], [1.1 / 5, 0.9]]),
        (
            [[6, 3, 0], [0, 0, 0]],
            [[6.86667 / 10, 0.06667], [3.06667 / 10, 0.86667], [0.06667 / 10, 0.06667]],
        ),
    ],
)  # fmt: skip
def test_the_matrix_is_counts_and_one_conversation_more_a_class(counts, expected):
    np.testing.assert_allclose(misclassification(np.array(counts, float)), expected, atol=1e-5)


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_corrected_shares_are_the_best_point_of_a_grid_on_the_simplex(labels, seed):
    generator = np.random.default_rng(seed)
    matrix = generator.dirichlet(np.full(labels + 1, 0.7), size=labels).T
    judged = generator.dirichlet(np.full(labels + 1, 0.7))  # often of no p on the simplex
    steps = 200
    grid = [
        np.array([*point, steps - sum(point)]) / steps
        for point in product(range(steps + 1), repeat=labels - 1)
        if sum(point) <= steps
    ]
    best = min(grid, key=lambda p: np.linalg.norm(matrix @ p - judged))
    found = solve_shares(matrix, judged)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    distance = np.linalg.norm(matrix @ found - judged)
    assert distance <= np.linalg.norm(matrix @ best - judged) + 1e-6
    np.testing.assert_allclose(found, best, atol=0.1)  # flat where classes are hard to tell apart


def test_known_errors_are_undone_exactly_and_none_are_left_alone():
    matrix = np.array([[0.9, 0.2, 0.1], [0.05, 0.7, 0.1], [0.0, 0.1, 0.6], [0.05, 0.0, 0.2]])
    shares = np.array([0.5, 0.1, 0.4])
    np.testing.assert_allclose(solve_shares(matrix, matrix @ shares), shares, atol=1e-9)
    np.testing.assert_allclose(solve_shares(np.eye(3), shares), shares, atol=1e-9)


def test_a_class_without_labels_keeps_about_the_share_it_was_judged_to_have():
    counts = np.array([[40.0, 0, 0], [0, 30, 0], [0, 0, 0]])
    corrected = solve_shares(misclassification(counts), np.array([0.5, 0.4, 0.1]))
    assert corrected[2] == pytest.approx(0.1, abs=0.02)


def test_pooled_counts_are_sums():
    counts = np.arange(12.0).reshape(3, 4)
    pooled = pool_classes(counts, [[0], [1, 2]], [[0], [1, 2], [3]])
    assert pooled.tolist() == [[0, 3, 3], [12, 30, 18]]


@pytest.mark.parametrize(
    ("shares", "labels", "usage"),
    [((0.42, 0.58), 200, 3_000), ((0.3, 0.3, 0.4), 300, 500), ((0.1, 0.2, 0.7), 150, 2_000)],
)
def test_the_interval_holds_the_truth_in_95_of_100_samples(shares, labels, usage):
    shares = np.array(shares)
    generator = np.random.default_rng(5)
    errors = generator.dirichlet(np.ones(len(shares) + 1), size=len(shares)) * 0.3
    errors[:, : len(shares)] += 0.7 * np.eye(len(shares))
    inside = np.zeros(len(shares))
    for sample in range(200):
        truth = generator.multinomial(labels, shares)
        counts = np.array(
            [generator.multinomial(n, row) for n, row in zip(truth, errors, strict=True)]
        )
        judged = generator.multinomial(usage, shares @ errors) / usage
        drawn = zip(
            draw_matrices(counts, 1.0, 200, sample),
            draw_shares(judged, usage, 200, sample),
            strict=True,
        )
        corrected = np.array([solve_shares(matrix, q) for matrix, q in drawn])
        low, high = np.quantile(corrected, (0.025, 0.975), axis=0)
        inside += (low <= shares) & (shares <= high)
    assert (inside / 200 >= 0.90).all()
    assert (inside / 200 <= 0.99).all()


def test_fewer_labels_in_effect_make_the_draws_wider():
    counts = np.array([[80.0, 20.0], [10.0, 90.0]])
    alone, alike = (draw_matrices(counts, share, 500, 1)[:, 0, 0].std() for share in (1.0, 0.25))
    assert alike == pytest.approx(2 * alone, rel=0.1)
