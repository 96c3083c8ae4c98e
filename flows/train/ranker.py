"""Weighs the features of task search by what ranks the written task first."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray

from onet.search import FEATURES, Floats

_SHRINKAGE = 1e-4


def fit_ranker(features: Mapping[str, Floats], tasks: NDArray[np.int64]) -> dict[str, float]:
    """Weights of a conditional logit: maximum likelihood of the written task among all tasks.

    Args:
        features: As `onet.search.task_features` gives them, each of shape (n, tasks).
        tasks: The column of each request's own task, shape (n,).
    """
    stacked = torch.tensor(np.stack([features[name] for name in FEATURES], axis=-1))
    target = torch.tensor(tasks)
    weights = torch.zeros(len(FEATURES), requires_grad=True)
    with torch.no_grad():
        weights[FEATURES.index("statement")] = 10.0
    optimizer = torch.optim.LBFGS([weights], max_iter=60)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(stacked @ weights, target) + _SHRINKAGE * (weights**2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return dict(zip(FEATURES, weights.detach().tolist(), strict=True))
