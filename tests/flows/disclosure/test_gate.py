"""What is withheld whole is attacked as well, where it is a sum of what the shown units tell apart.

Each target beside exact bounds of its own linear programs, which know nothing of the gate.
"""

import numpy as np
import polars as pl
import pytest

from flows.disclosure.attacker import Knowledge, bound_figures
from flows.disclosure.gate import Method, Shown, Verdict, attack
from flows.disclosure.lattice import UNIT, unit_weights

EXACT = Method(1, 0.0, 0)
CELL = [*UNIT, "pattern"]
HOLDERS = {1: "FWG", 2: "FW", 3: "FH", 4: "GH", 5: "H"}
CODES = {"F": "11-1011.00", "W": "13-1011.00", "G": "15-1011.00", "H": "17-1011.00"}


def attack_shown(holders: dict[int, str], figures: list[tuple[str, str, str, float]]) -> Verdict:
    held = pl.DataFrame(
        [(task, CODES[each], 1 / len(names)) for task, names in holders.items() for each in names],
        ["task_id", "onet_soc_code", "weight"],
        orient="row",
    )
    rows = [
        (level, CODES.get(unit, unit), rule, "all", usage) for level, unit, rule, usage in figures
    ]
    cells = pl.DataFrame(rows, [*CELL, "usage"], orient="row")
    return attack(unit_weights(held), [Shown(cells, EXACT)], wanted=9.0)


def narrow(verdict: Verdict) -> list[str]:
    """Units, by the first of their names: of those that are the same sum, one is attacked."""
    targets = verdict.targets[verdict.narrow].filter(pattern="all", allocation_rule="full")
    return targets["unit_id"].to_list()


ALL = ("all", "all", "split", 300.0)
PINNED = [ALL, ("occupation", "F", "full", 80.0), ("task", "3", "split", 30.0),
          ("occupation", "G", "full", 90.0)]  # fmt: skip


@pytest.mark.parametrize(
    ("holders", "figures", "expected"),
    [
        # tasks 1 and 2 are free, and their sum is 80 - 30
        (HOLDERS, PINNED, ["13-1010"]),
        # task 6 is told apart by nothing, and W could hold any part of what is not shown
        (HOLDERS | {6: "W", 7: "H"}, PINNED, []),
        # where all conversations are withheld, nothing is known of task 6
        (HOLDERS | {6: "W"}, PINNED[1:], []),
        # without task 3, nothing is pinned
        (HOLDERS, [*PINNED[:2], PINNED[3]], []),
    ],
)
def test_a_withheld_unit_that_is_pinned_while_its_parts_are_free_is_found(
    holders, figures, expected
):
    assert narrow(attack_shown(holders, figures)) == expected


def test_a_unit_that_is_the_same_sum_as_another_target_is_attacked_once():
    verdict = attack_shown(HOLDERS, PINNED)
    rows = [row.tobytes() for row in verdict.weights.toarray()]
    assert len(rows) == len(set(rows))
    assert verdict.targets.height == len(rows)


def test_targets_are_bounded_as_exact_programs_bound_them():
    verdict = attack_shown(HOLDERS, PINNED)
    lattice = verdict.lattice
    known = lattice.figures.join(
        pl.DataFrame(
            [(level, CODES.get(unit, unit), rule, "all", usage)
             for level, unit, rule, usage in PINNED],
            [*CELL, "usage"],
            orient="row",
        ),
        on=CELL,
    )  # fmt: skip
    values = known["usage"].to_numpy()
    least, most = bound_figures(
        Knowledge(lattice.sums[known["figure"].to_numpy()], values, values), verdict.weights
    )
    is_narrow = np.zeros(verdict.targets.height, dtype=bool)
    is_narrow[verdict.narrow] = True
    assert (is_narrow == (most - least < 9 - 1e-6)).all()


@pytest.mark.parametrize(
    ("total", "told", "found"),
    [
        (24.0, True, [(0.0, 8.0), (16.0, 24.0)]),  # what the floor of 16 leaves
        (25.0, True, []),
        (24.0, False, []),
    ],
)
def test_what_is_withheld_to_protect_others_is_known_to_pass_the_floor(total, told, found):
    """Two occupations of a task each: one is said to be withheld for the other's sake."""
    held = pl.DataFrame(
        [(1, CODES["F"], 1.0), (2, CODES["W"], 1.0)],
        ["task_id", "onet_soc_code", "weight"],
        orient="row",
    )
    rows = [("occupation", "all", "split", "all", total)]
    rows += [("occupation", CODES["F"], rule, "all", None) for rule in ("split", "full") if told]
    cells = pl.DataFrame(rows, [*CELL, "usage"], orient="row")
    verdict = attack(unit_weights(held), [Shown(cells, Method(1, 0.0, 16))], wanted=9.0)
    narrow = verdict.targets[verdict.narrow].filter(pattern="all")
    assert sorted(narrow.select("least", "most").unique().rows()) == found


@pytest.mark.parametrize(
    ("shown", "sums_from", "told", "found"),
    [
        (30.0, None, True, 1),  # what is not shown is 70
        (30.0, 70.0, True, 0),  # and may be known: a task in it passes the rules
        (31.0, 70.0, True, 1),  # 69 are not enough
        (30.0, 70.0, False, 1),  # nothing says that a part of it passes
    ],
)
def test_what_holds_all_of_a_passing_figure_may_be_known_where_figures_are_exact(
    shown, sums_from, told, found
):
    """Two tasks of one occupation are withheld, and the only other occupation is shown."""
    held = pl.DataFrame(
        [(1, CODES["F"], 1.0), (2, CODES["F"], 1.0), (3, CODES["G"], 1.0)],
        ["task_id", "onet_soc_code", "weight"],
        orient="row",
    )
    rows = [("occupation", "all", "split", "all", 100.0),
            ("occupation", CODES["G"], "split", "all", shown)]  # fmt: skip
    rows += [("task", "1", "split", "all", None) for _ in range(told)]
    cells = pl.DataFrame(rows, [*CELL, "usage"], orient="row")
    released = Shown(cells, Method(1, 0.0, 15, sums_from))
    verdict = attack(unit_weights(held), [released], wanted=9.0)
    assert verdict.targets[verdict.narrow].filter(pattern="all").height == found
