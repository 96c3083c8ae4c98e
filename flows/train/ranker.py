"""Weighs the features of task search by what ranks the written task first."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray

from onet.search import FEATURES, Floats

_SHRINKAGE = 1e-4


def fit_ranker(
    features: Mapping[str, Floats], accepted: NDArray[np.bool_], weights: NDArray[np.float64]
) -> dict[str, float]:
    """Coefficients of a conditional logit: maximum likelihood of an accepted task among all tasks.

    Args:
        features: As `onet.search.task_features` gives them, each of shape (n, tasks).
        accepted: Which tasks describe each request, shape (n, tasks); at least one.
        weights: How much each request counts, shape (n,).
    """
    stacked = torch.tensor(np.stack([features[name] for name in FEATURES], axis=-1))
    refused = torch.tensor(~accepted)
    share = torch.tensor(weights / weights.sum(), dtype=torch.float32)
    coefficients = torch.zeros(len(FEATURES), requires_grad=True)
    with torch.no_grad():
        coefficients[FEATURES.index("statement")] = 10.0
    optimizer = torch.optim.LBFGS([coefficients], max_iter=60)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        said = F.log_softmax(stacked @ coefficients, dim=1).masked_fill(refused, -torch.inf)
        loss = _SHRINKAGE * (coefficients**2).sum() - share @ said.logsumexp(dim=1)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return dict(zip(FEATURES, coefficients.detach().tolist(), strict=True))
