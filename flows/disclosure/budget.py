"""Decides whether noise may be drawn: once for the same counts, and within the database's budget.

Every draw of noise spends its epsilon, and what is drawn is kept in the ledger beside the database.
The same counts are given the same noise again, which costs nothing: a second draw would let anyone
average the noise away. Changed counts of a quarter are a new draw, which spends again.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import fsum
from pathlib import Path

import numpy as np
import polars as pl

from flows.confine import PrivacyGateError
from flows.disclosure.hierarchy import Hierarchy, Integers
from flows.disclosure.ledger import read_ledger
from flows.disclosure.noisy_cells import Noise
from flows.store import make_private_directory, write_private_file


@dataclass(frozen=True)
class Draw:
    """One draw of noise.

    Attributes:
        quarter: Such as 2026Q1.
        inputs: Of what, as `identify_inputs` says.
        epsilon: What it spent.
        measured: As `measure_counts` returns it, as lists.
    """

    quarter: str
    inputs: str
    epsilon: float
    measured: list[list[list[int]]]


@dataclass(frozen=True)
class Drawn:
    """Noisy counts, and what all draws up to theirs have spent."""

    measured: list[Integers]
    spent: float


def identify_inputs(key: bytes, counts: pl.DataFrame, hierarchy: Hierarchy, noise: Noise) -> str:
    """HMAC-SHA256 of everything that noise is drawn for, 64 hexadecimal digits."""
    text = "\n".join(
        [counts.sort("key", "pattern").write_csv(), hierarchy.pairs.write_csv(), repr(noise)]
    )
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def draw_once(
    directory: Path,
    *,
    quarter: str,
    inputs: str,
    noise: Noise,
    budget: float,
    told: Mapping[str, float | None],
    measure: Callable[[], Sequence[Integers]],
) -> Drawn:
    """The noisy counts of the ledger, or new ones, which are in the ledger before they are used.

    Args:
        directory: The ledger.
        quarter: Such as 2026Q1.
        inputs: As `identify_inputs` says.
        noise: To be drawn.
        budget: The most that all draws may spend.
        told: What the database tells to have been spent up to each of its quarters; None for one
            that was released without noise.
        measure: Draws the noise.

    Raises:
        PrivacyGateError: The budget would be exceeded, the quarter was released without noise, or
            the ledger cannot be read or is not whole.
    """
    _refuse_unprotected(directory, quarter, told)
    draws = _read_draws(directory)
    if fsum(draw.epsilon for draw in draws) < max(filter(None, told.values()), default=0.0):
        raise PrivacyGateError(
            "ledger: the database tells of noise that the ledger does not know",
            rule="unknown_to_the_ledger",
        )
    same = [number for number, draw in enumerate(draws) if draw.inputs == inputs]
    if not same:
        spent = fsum([*(draw.epsilon for draw in draws), noise.epsilon])
        _refuse_overspending(spent, budget)
        draws.append(Draw(quarter, inputs, noise.epsilon, [level.tolist() for level in measure()]))
        _record(directory, draws)
        same = [len(draws) - 1]
    spent = fsum(draw.epsilon for draw in draws[: same[0] + 1])
    _refuse_overspending(spent, budget)
    return Drawn([np.array(level, dtype=np.int64) for level in draws[same[0]].measured], spent)


def _refuse_unprotected(directory: Path, quarter: str, told: Mapping[str, float | None]) -> None:
    if read_ledger(directory, quarter) or (quarter in told and told[quarter] is None):
        raise PrivacyGateError(
            f"ledger: {quarter} was released without noise, which noise cannot take back",
            rule="released_without_noise",
        )


def _refuse_overspending(spent: float, budget: float) -> None:
    if spent > budget:
        raise PrivacyGateError(
            f"ledger: the privacy losses of this database would come to {spent:g}, and"
            f" disclosure.epsilon_total is {budget:g}",
            rule="budget_exceeded",
        )


def _read_draws(directory: Path) -> list[Draw]:
    """Draws in their order.

    Raises:
        PrivacyGateError: One is missing or cannot be read: what was spent is not known.
    """
    paths = sorted(directory.glob("noise-*.json"))
    if [path.name for path in paths] != [_name(number) for number in range(len(paths))]:
        raise PrivacyGateError(
            "ledger: a draw of noise is missing: what was spent is not known",
            rule="ledger_cannot_be_read",
        )
    try:
        return [Draw(**json.loads(path.read_text("utf-8"))) for path in paths]
    except (OSError, ValueError, TypeError):
        raise PrivacyGateError(
            "ledger: a draw of noise cannot be read", rule="ledger_cannot_be_read"
        ) from None


def _record(directory: Path, draws: Sequence[Draw]) -> None:
    """Writes the last draw down; of two runs that draw at the same time, one is refused."""
    make_private_directory(directory)
    path = directory / _name(len(draws) - 1)
    new = directory / f".{path.stem}-{os.getpid()}"
    write_private_file(new, json.dumps(asdict(draws[-1])))
    try:
        os.link(new, path)
    except FileExistsError:
        raise PrivacyGateError(
            "ledger: another run draws noise for this database", rule="two_runs_at_once"
        ) from None
    finally:
        new.unlink()


def _name(number: int) -> str:
    return f"noise-{number:04}.json"
