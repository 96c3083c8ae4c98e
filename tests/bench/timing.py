"""How long something takes on a machine that is shared."""

import time
from collections.abc import Callable

_REPEATS = 3


def least_seconds(run: Callable[[], object]) -> float:
    """The least of three runs."""
    taken = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken)
