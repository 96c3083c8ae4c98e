"""Decides what is asked: how usage spreads over occupations, tasks and collaboration patterns.

Shaped after what Handa et al. (2025), arXiv 2503.04761, publish: the shares of the major groups and
patterns lie near theirs, and within a group usage falls off as in Zipf's law. The shares move a
little from quarter to quarter, so that there is something to see. Nothing of it is an estimate.
"""

import random
from collections import defaultdict
from dataclasses import dataclass

from flows.ingest.quarters import Quarter
from flows.sample.bank import OPENERS, Bank, Request, read_table
from flows.sample.draw import Weighted, zipf_weights

NON_OCCUPATIONAL_SHARE = 0.14
PATTERN_SHARES = {  # of occupational conversations; chats bring more learning, and `none`
    "directive": 0.29,
    "feedback_loop": 0.15,
    "task_iteration": 0.32,
    "learning": 0.20,
    "validation": 0.04,
}
PATTERN_DRIFT = {"directive": 0.01, "task_iteration": -0.01}  # a quarter
AFFINITIES = {  # how much more likely than elsewhere a pattern is
    ("code", "feedback_loop"): 1.6,
    ("document", "feedback_loop"): 0.7,
    ("document", "task_iteration"): 1.3,
    ("media", "task_iteration"): 1.5,
    ("explanation", "feedback_loop"): 0.6,
    ("explanation", "learning"): 1.5,
    ("calculation", "validation"): 1.5,
    ("translation", "directive"): 1.5,
}
POPULAR = (  # the most used occupation of a group, where one stands out
    "15-1252.00",
    "27-3043.00",
    "25-2031.00",
    "43-4051.00",
    "13-2011.00",
    "19-3011.00",
)
OCCUPATION_EXPONENT = 0.8
TASK_EXPONENT = 0.7
LEAST_GROUP_SHARE = 0.2
BASE_YEAR = 2026  # its first quarter has the shares of the table
MOST_DRIFT = 4  # quarters before or after, from where on the shares stay


@dataclass(frozen=True, slots=True)
class Usage:
    """What is asked in one quarter; requests are grouped by pattern and language or occupation."""

    patterns: Weighted[str]
    occupations: Weighted[str]
    _of_language: dict[tuple[str, str], Weighted[Request]]
    _of_occupation: dict[tuple[str, str], Weighted[Request]]

    def draw(
        self, rng: random.Random, language: str, occupation: str | None
    ) -> tuple[str, Request]:
        """A pattern, and a request that opens it.

        Args:
            rng: Where the chance comes from.
            language: Of the request; patterns that have no opener in it do not occur.
            occupation: Narrows English requests to one O*NET-SOC code where it has such openers.
        """
        pattern = self.patterns.draw(rng.random())
        while (pattern, language) not in self._of_language:
            pattern = self.patterns.draw(rng.random())
        requests = self._of_language[pattern, language]
        if occupation is not None and language == "en":
            requests = self._of_occupation.get((pattern, occupation), requests)
        return pattern, requests.draw(rng.random())


def plan_usage(bank: Bank, quarter: Quarter, seed: int) -> Usage:
    """The usage of a quarter; which tasks are popular depends on the seed, not on the quarter."""
    drift = _quarters_since_base(quarter)
    task_weights, occupation_weights = _weigh_tasks(bank, drift, seed)
    openers: dict[tuple[int, str, str], list[Request]] = defaultdict(list)
    for request in bank.requests:
        openers[request.task_id, request.language, request.pattern].append(request)
    of_language: dict[tuple[str, str], list[tuple[Request, float]]] = defaultdict(list)
    of_occupation: dict[tuple[str, str], list[tuple[Request, float]]] = defaultdict(list)
    for (task_id, language, kind), requests in openers.items():
        for pattern in (name for name, opener in OPENERS.items() if opener == kind):
            affinity = AFFINITIES.get((requests[0].artefact, pattern), 1.0)
            weight = task_weights[task_id] * affinity / len(requests)
            weighted = [(request, weight) for request in requests]
            of_language[pattern, language] += weighted
            if language == "en":
                of_occupation[pattern, requests[0].onet_soc_code] += weighted
    return Usage(
        Weighted(_drifted(PATTERN_SHARES, PATTERN_DRIFT, drift).items()),
        Weighted(occupation_weights.items()),
        {key: Weighted(weighted) for key, weighted in of_language.items()},
        {key: Weighted(weighted) for key, weighted in of_occupation.items()},
    )


def _quarters_since_base(quarter: Quarter) -> int:
    quarters = (quarter.start.year - BASE_YEAR) * 4 + (quarter.start.month - 1) // 3
    return max(-MOST_DRIFT, min(MOST_DRIFT, quarters))


def _drifted(shares: dict[str, float], drifts: dict[str, float], quarters: int) -> dict[str, float]:
    return {name: share + drifts.get(name, 0.0) * quarters for name, share in shares.items()}


def _weigh_tasks(bank: Bank, drift: int, seed: int) -> tuple[dict[int, float], dict[str, float]]:
    """Weights of the tasks and of the occupations; each sum to the shares of the groups."""
    rng = random.Random(f"{seed}|popularity")  # noqa: S311  # a sample, no secret
    task_ids: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for request in bank.requests:
        code = request.onet_soc_code
        known = task_ids[code[:2]].setdefault(code, [])
        if request.task_id not in known:
            known.append(request.task_id)
    task_weights: dict[int, float] = {}
    occupation_weights: dict[str, float] = {}
    for row in read_table("group_shares"):
        group = max(LEAST_GROUP_SHARE, float(row["share"]) + float(row["drift"]) * drift)
        occupations = task_ids[row["soc_major"]]
        ranked = sorted(occupations, key=lambda code: (code not in POPULAR, rng.random()))
        of_group = zipf_weights(len(ranked), OCCUPATION_EXPONENT)
        for code, occupation in zip(ranked, of_group, strict=True):
            occupation_weights[code] = group * occupation
            ids = rng.sample(occupations[code], len(occupations[code]))
            of_occupation = zipf_weights(len(ids), TASK_EXPONENT)
            for task_id, task in zip(ids, of_occupation, strict=True):
                task_weights[task_id] = group * occupation * task
    return task_weights, occupation_weights
