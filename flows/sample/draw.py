"""Decides how weighted choices are made: by one bisection, from one uniform number."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Weighted(Generic[Item]):
    """Items that are drawn in proportion to their weights."""

    __slots__ = ("_cumulative", "_items")

    def __init__(self, weighted_items: Iterable[tuple[Item, float]]) -> None:
        pairs = [(item, weight) for item, weight in weighted_items if weight > 0]
        self._items = [item for item, _ in pairs]
        self._cumulative = list(accumulate(weight for _, weight in pairs))

    def draw(self, uniform: float) -> Item:
        """The item at the quantile `uniform`, from 0 to below 1."""
        position = bisect_right(self._cumulative, uniform * self._cumulative[-1])
        return self._items[min(position, len(self._items) - 1)]


def zipf_weights(count: int, exponent: float) -> list[float]:
    """Weights of the ranks 1 to `count`, which sum to 1: rank ** -exponent."""
    weights = [rank**-exponent for rank in range(1, count + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]
