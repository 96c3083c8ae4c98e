"""Keeps conversation text out of errors, states and logs."""

import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import dataframely as dy

from flows.settings import SettingsError


class StageError(Exception):
    """A stage failed; the message names stage, kind of error and place in the code, no data."""


class ContractError(Exception):
    """A contract between stages is broken; nothing is published (exit code 4)."""


class RejectLimitError(Exception):
    """More input was rejected than the settings allow (exit code 3)."""


GateRule = Literal[
    "figures_can_be_found_out",
    "nothing_left_to_withhold",
    "no_rounding_adds_up",
    "same_release_came_out_different",
    "contradicts_an_earlier_release",
    "too_few_accounts_apart",
    "released_with_another_key",
    "unknown_to_the_ledger",
    "ledger_cannot_be_read",
    "released_in_another_mode",
    "exact_figures_are_released_once",
    "released_without_noise",
    "budget_exceeded",
    "two_runs_at_once",
]
"""By what a privacy gate refuses; `flows.refusal.ADVICE` says what to do."""


@dataclass(frozen=True)
class RefusedCell:
    """A figure that a privacy gate did not find safe, by id: no count, no bound.

    Attributes:
        unit_level: Of the unit; None where what is refused is in no unit that has a name.
        unit_id: O*NET-SOC code, group code, task id, outcome or "all".
        allocation_rule: By which usage is in the unit.
        pattern: Of `FIGURE_PATTERNS`.
        is_remainder: It is not the unit that is refused, but what is left without its shown parts.
        width: Of the interval that can be found out; None where intervals are not why.
        wanted_width: The least that would have passed.
    """

    unit_level: str | None
    unit_id: str | None
    allocation_rule: str | None
    pattern: str | None
    is_remainder: bool = False
    width: float | None = None
    wanted_width: float | None = None


class PrivacyGateError(Exception):
    """A privacy gate refused the release (exit code 5).

    Attributes:
        rule: By which, where a release was refused.
        cells: What was refused, or the first of it: for the reviewer's report, never for a message.
        cell_count: How many cells were refused in all.
    """

    def __init__(
        self,
        message: str,
        *,
        rule: GateRule | None = None,
        cells: Sequence[RefusedCell] = (),
        cell_count: int | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.cells = tuple(cells)
        self.cell_count = len(cells) if cell_count is None else cell_count


_SPEAKABLE = (StageError, ContractError, SettingsError, RejectLimitError, PrivacyGateError)


@contextmanager
def confine(stage: str) -> Iterator[None]:
    """Lets only errors out whose message cannot quote data.

    polars, DuckDB and pydantic quote values in their messages, and whoever logs an error also logs
    what it was chained to. So everything else is replaced, and the chain is cut.

    Raises:
        ContractError: A table broke its schema; names the rules and how many rows broke them.
        StageError: Anything else; names the kind of error and the line of our code.
    """
    try:
        yield
    except Exception as error:
        speakable = _speakable(stage, error)
        try:
            raise speakable
        finally:  # `from None` would hide the chain, and some who log would still follow it
            speakable.__cause__ = speakable.__context__ = None


def speak(error: BaseException) -> str:
    """What may be told of an error: its message if it cannot quote data, else its description."""
    return str(error) if isinstance(error, _SPEAKABLE) else describe(error)


def describe(error: BaseException) -> str:
    """The kind of an error and the line of our code it came through: nothing that holds data."""
    kind = type(error).__name__
    if isinstance(error, OSError) and error.errno:
        kind = f"{kind}, {os.strerror(error.errno)}"  # the system's own words, such as a full disk
    return f"{kind} ({_place(error)})"


def _speakable(stage: str, error: Exception) -> Exception:
    if isinstance(error, _SPEAKABLE):
        return error
    if isinstance(error, dy.exc.ValidationError | dy.exc.SchemaError):
        return ContractError(f"{stage}: {_broken_rules(error)} ({_place(error)})")
    return StageError(f"{stage}: {describe(error)}")


def _broken_rules(error: Exception) -> str:
    # dataframely's own message holds rule names and counts only, because tables.py pins
    # set_max_failure_examples(0); a schema error names columns and types.
    return " ".join(str(error).split())


def _place(error: BaseException) -> str:
    ours = Path(__file__).parent.parent
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if ours in Path(frame.filename).parents and ".venv" not in Path(frame.filename).parts
    ]
    if not frames:
        return "outside our code"
    return f"{Path(frames[-1].filename).relative_to(ours)}:{frames[-1].lineno}"
