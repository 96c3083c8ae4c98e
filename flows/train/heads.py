"""Fits the heads: logistic regressions, weighed to a plausible prior, calibrated out of fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, hstack, issparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from taxonomy.classifiers import Head

# how strongly a block may speak: unit vectors and hashed words are short, figures are not
_SCALES = {"opening": 3.0, "follow_up": 3.0, "conversation": 10.0, "opening_terms": 2.0,
           "follow_up_terms": 4.0, "turns": 1.0}  # fmt: skip
_FOLDS = 5
_LEAST_PRECISION = 0.2
_LEAST_EXAMPLES = 50  # fewer say little of how often a label is right
_BIN = 0.1


@dataclass(frozen=True)
class Task:
    """What one head is to learn.

    Attributes:
        labels: In the order of the head.
        blocks: Names of the feature blocks it reads.
        prior: Share of each label that the training examples are weighed to; None keeps theirs.
        regularization: Inverse strength (scikit-learn's C). Real conversations are less clear than
            written ones: strong ones carry over best.
        set_weights: How much an example of a set counts, before the prior; 1 where not named.
        iterations: Of the solver, at most.
    """

    labels: tuple[str, ...]
    blocks: tuple[str, ...]
    prior: Mapping[str, float] | None = None
    regularization: float = 1.0
    set_weights: Mapping[str, float] = field(default_factory=dict)
    iterations: int = 400


@dataclass(frozen=True)
class Fitted:
    """A head, and what it said of examples it had not seen: probabilities (n, labels).

    `weight` is what each of these examples counts, shape (n,).
    """

    head: Head
    out_of_fold: NDArray[np.float64]
    weight: NDArray[np.float64]


def fit_head(
    task: Task,
    features: Mapping[str, Any],
    answers: Sequence[str],
    weights: NDArray[np.float64],
    groups: NDArray[np.int64],
) -> Fitted:
    """Fits one head; examples of one group (a task, a text) are never split over folds."""
    matrix = stack_blocks(task.blocks, features)
    target = np.array([task.labels.index(answer) for answer in answers])
    weight = _weigh(target, weights, task)
    scores = np.zeros((len(target), len(task.labels)))
    for fitted_on, judged in GroupKFold(_FOLDS).split(matrix, target, groups):
        coefficients, bias = _fit(task, matrix[fitted_on], target[fitted_on], weight[fitted_on])
        scores[judged] = matrix[judged] @ coefficients.T + bias
    temperature = fit_temperature(scores, target, weight)
    out_of_fold = softmax(scores / temperature)
    coefficients, bias = _fit(task, matrix, target, weight)
    head = make_head(task, features, coefficients, bias, temperature)
    return Fitted(with_thresholds(head, out_of_fold, target, weight), out_of_fold, weight)


def fit_head_once(
    task: Task,
    features: Mapping[str, Any],
    answers: Sequence[str],
    weights: NDArray[np.float64],
    unseen: tuple[Mapping[str, Any], Sequence[str]],
) -> Fitted:
    """Fits one head without folds, calibrated on `unseen` features and answers: many labels."""
    target = np.array([task.labels.index(answer) for answer in answers])
    coefficients, bias = _fit(task, stack_blocks(task.blocks, features), target, weights)
    others, other_answers = unseen
    scores = stack_blocks(task.blocks, others) @ coefficients.T + bias
    wanted = np.array([task.labels.index(answer) for answer in other_answers])
    temperature = fit_temperature(scores, wanted, np.ones(len(wanted)))
    head = make_head(task, features, coefficients, bias, temperature)
    return Fitted(head, softmax(scores / temperature), np.ones(len(wanted)))


def stack_blocks(blocks: Sequence[str], features: Mapping[str, Any]) -> Any:
    """The scaled blocks side by side: dense, or a scipy sparse matrix where one of them is."""
    if not any(issparse(features[name]) for name in blocks):
        return np.hstack([features[name] * np.float32(_SCALES[name]) for name in blocks])
    return hstack([csr_matrix(features[name]) * _SCALES[name] for name in blocks]).tocsr()


def make_head(
    task: Task,
    features: Mapping[str, Any],
    coefficients: NDArray[np.float64],
    bias: NDArray[np.float64],
    temperature: float,
) -> Head:
    """A head that reads unscaled blocks and never abstains."""
    widths = [(name, int(features[name].shape[1])) for name in task.blocks]
    scales = np.concatenate([np.full(width, _SCALES[name]) for name, width in widths])
    return Head(
        labels=task.labels,
        blocks=tuple(widths),
        weight=(coefficients * scales).astype(np.float32),
        bias=bias.astype(np.float32),
        temperature=temperature,
        abstain_below=(0.0,) * len(task.labels),
    )


def with_thresholds(
    head: Head,
    out_of_fold: NDArray[np.float64],
    target: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> Head:
    """Lets each label abstain below the probability at which it is right in less than 20 %."""
    best = out_of_fold.argmax(axis=1)
    probability = out_of_fold.max(axis=1)
    thresholds = []
    for label in range(len(head.labels)):
        mine = best == label
        threshold = 0.0
        for low in np.arange(0.0, 0.6, 0.05):
            inside = mine & (probability >= low) & (probability < low + _BIN)
            right = target[inside] == label
            enough = inside.sum() >= _LEAST_EXAMPLES
            if enough and np.average(right, weights=weight[inside]) < _LEAST_PRECISION:
                threshold = float(low + 0.05)
        thresholds.append(round(threshold, 2))
    return replace(head, abstain_below=tuple(thresholds))


def fit_temperature(
    scores: NDArray[np.float64], target: NDArray[np.int64], weight: NDArray[np.float64]
) -> float:
    """The temperature with the least weighed negative log-likelihood (Guo et al. 2017)."""

    def loss(log_temperature: float) -> float:
        probabilities = softmax(scores / np.exp(log_temperature))
        own = np.clip(probabilities[np.arange(len(target)), target], 1e-12, None)
        return float(-(weight * np.log(own)).sum() / weight.sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 3.0), method="bounded").x))


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Along the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    exponents = np.exp(shifted)
    probabilities: NDArray[np.float64] = exponents / exponents.sum(axis=-1, keepdims=True)
    return probabilities


def _weigh(
    target: NDArray[np.int64], weights: NDArray[np.float64], task: Task
) -> NDArray[np.float64]:
    """Weights whose sums by label follow the prior, and whose mean is 1."""
    if task.prior is None:
        return weights
    sums = np.bincount(target, weights, minlength=len(task.labels))
    prior = np.array([task.prior[label] for label in task.labels])
    weighed = weights * (prior / np.maximum(sums, 1e-9))[target]
    scaled: NDArray[np.float64] = weighed / weighed.mean()
    return scaled


def _fit(
    task: Task, matrix: Any, target: NDArray[np.int64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients (labels, features) and bias (labels,); no examples of a label: never said."""
    model = LogisticRegression(C=task.regularization, max_iter=task.iterations)
    # more threads cost more than they bring in products this small: minutes instead of seconds
    with threadpool_limits(limits=1, user_api="blas"):
        model.fit(matrix, target, sample_weight=weight)
    coefficients = np.zeros((len(task.labels), matrix.shape[1]))
    bias = np.full(len(task.labels), -30.0)
    if len(model.classes_) == 2:  # scikit-learn keeps one row for two classes
        coefficients[model.classes_[1]], bias[model.classes_[0]] = model.coef_[0], 0.0
        bias[model.classes_[1]] = model.intercept_[0]
    else:
        coefficients[model.classes_] = model.coef_
        bias[model.classes_] = model.intercept_
    return coefficients, bias
