"""Decides what a reviewer is told of a release that a privacy gate refused, and where it lies.

Beside the database, for its owner only: the rule, what to do, and the refused cells by id. How
narrow a withheld figure is bounded is nothing for a message, which a log or a scheduler may keep.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from flows.confine import GateRule, PrivacyGateError, RefusedCell
from flows.disclosure.refused import MOST_CELLS
from flows.request import RunRequest
from flows.store import make_private_directory, write_private_file

P = ParamSpec("P")
R = TypeVar("R")

NOTICE = (
    "For the reviewer, within the owner's house. How narrowly a withheld figure is bounded helps"
    " whoever looks for it: this file is not for release."
)
_MORE_FLOOR = (
    "Raise disclosure.conversation_floor (disclosure.unknown_account_conversation_floor where"
    " accounts are unknown), so that units around these cells are withheld as well. If the quarter"
    " was released before, use the settings of that release: both are attacked together."
)
ADVICE: dict[GateRule, str] = {
    "figures_can_be_found_out": _MORE_FLOOR,
    "nothing_left_to_withhold": _MORE_FLOOR,
    "no_rounding_adds_up": "Run with another disclosure.rounding_base.",
    "same_release_came_out_different": (
        "Find out what differs: conversations, settings, code and models are said to be the same."
        " Keep the earlier release until it is known."
    ),
    "contradicts_an_earlier_release": (
        "Find out what differs: the conversations are said to be the same, and no counts fit both"
        " releases. Keep the earlier release until it is known."
    ),
    "too_few_accounts_apart": (
        "Keep the earlier release until disclosure.account_floor accounts or more have changed, or"
        " twice as many have come or gone."
    ),
    "released_with_another_key": (
        "Run with the key of the earlier release. Without it, keep the earlier release."
    ),
    "unknown_to_the_ledger": (
        "Put the ledger of this database back beside it, from a copy; or publish to a database of"
        " its own."
    ),
    "ledger_cannot_be_read": (
        "Put the ledger of this database back beside it, from a copy: without it, nobody knows what"
        " was released."
    ),
    "released_in_another_mode": (
        "Run with the disclosure.mode of the earlier release. Without it, keep the earlier release."
    ),
    "exact_figures_are_released_once": (
        "Keep the earlier release. A quarter that will be released again should be rounded."
    ),
    "released_without_noise": (
        'Keep the release, or run with disclosure.mode = "rounding"; noise can protect other'
        " quarters."
    ),
    "budget_exceeded": (
        "Keep what is released. A higher disclosure.epsilon_total, or a lower"
        " disclosure.epsilon_per_quarter where nothing was drawn for the quarter yet, is a decision"
        " of whoever answers for privacy."
    ),
    "two_runs_at_once": "Wait until the other run has ended, and run again.",
}


def tells_refusal(
    step: Callable[Concatenate[RunRequest, P], R],
) -> Callable[Concatenate[RunRequest, P], R]:
    """Makes a step write a report where a privacy gate refuses, and its error name the file.

    The error that leaves the step holds no cells.

    Raises:
        PrivacyGateError: As the step does.
    """

    @wraps(step)
    def told(request: RunRequest, /, *arguments: P.args, **named: P.kwargs) -> R:
        try:
            return step(request, *arguments, **named)
        except PrivacyGateError as error:
            message = f"{error}; {_report(error, request.database, request.quarter)}"
            rule = error.rule
        raise PrivacyGateError(message, rule=rule)

    return told


def forget_refusal(database: Path, quarter: str) -> None:
    """Removes the reports of a quarter that was published after all."""
    for path in _reports(database, quarter):
        path.unlink(missing_ok=True)


def _report(error: PrivacyGateError, database: Path, quarter: str) -> str:
    """Writes both reports, and says where they are; the gate has refused, whatever comes of it."""
    told = _tell(error, quarter)
    data, page = _reports(database, quarter)
    try:
        if not database.parent.exists():
            make_private_directory(database.parent)
        write_private_file(data, json.dumps(told, indent=1))
        write_private_file(page, _render(told, error.cells))
    except OSError:
        return f"its report could not be written to {data}"
    return f"see {page}, or {data.name}"


def _reports(database: Path, quarter: str) -> tuple[Path, Path]:
    name = f"refused-{quarter}"
    return database.with_name(f"{name}.json"), database.with_name(f"{name}.md")


def _tell(error: PrivacyGateError, quarter: str) -> dict[str, object]:
    return {
        "quarter": quarter,
        "notice": NOTICE,
        "rule": error.rule,
        "message": str(error),
        "what_to_do": "" if error.rule is None else ADVICE[error.rule],
        "refused_cell_count": error.cell_count,
        "refused_cells": [asdict(cell) for cell in error.cells[:MOST_CELLS]],
    }


def _render(told: dict[str, object], cells: tuple[RefusedCell, ...]) -> str:
    listed = cells[:MOST_CELLS]
    lines = [
        f"# {told['quarter']}: not published",
        f"{told['notice']}",
        f"**{told['rule']}** — {told['message']}.",
        f"**What to do:** {told['what_to_do']}",
    ]
    if not listed:
        lines.append("The rule is about the release as a whole: it names no cells.")
        return "\n\n".join(lines) + "\n"
    table = [
        "| unit level | unit | allocation rule | pattern | width found | width wanted |",
        "|---|---|---|---|---:|---:|",
        *(_row(cell) for cell in listed),
    ]
    lines += [f"Refused cells: {told['refused_cell_count']:,}; here {len(listed):,}."]
    return "\n\n".join(lines) + "\n\n" + "\n".join(table) + "\n"


def _row(cell: RefusedCell) -> str:
    unit = f"what is left of {cell.unit_id}" if cell.is_remainder else cell.unit_id
    widths = ("" if width is None else f"{width:g}" for width in (cell.width, cell.wanted_width))
    words = (cell.unit_level, unit, cell.allocation_rule, cell.pattern, *widths)
    return f"| {' | '.join('' if word is None else word for word in words)} |"
