from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from flows.disclosure.lattice import FIGURE_PATTERNS, UNIT, build_lattice, unit_weights
from taxonomy.patterns import PATTERNS

CODER, TESTER, WRITER = "15-1252.00", "15-1253.00", "27-3042.00"
HELD = pl.DataFrame(
    [(1, CODER, 1.0), (2, CODER, 0.5), (2, WRITER, 0.5), (3, TESTER, 1.0), (4, WRITER, 1.0)],
    ["task_id", "onet_soc_code", "weight"],
    orient="row",
)


def weight(weights: pl.DataFrame, *cell: str) -> float | None:
    found = weights.filter(
        *(pl.col(name) == value for name, value in zip((*UNIT, "key"), cell, strict=True))
    )
    return found["weight"].item() if found.height else None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (("occupation", CODER, "split", "2"), 0.5),
        (("occupation", CODER, "full", "2"), 1.0),
        (("occupation", WRITER, "split", "1"), None),
        (("major", "15-0000", "split", "2"), 0.5),
        (("major", "27-0000", "full", "2"), 1.0),
        (("major", "all", "split", "2"), 1.0),
        (("major", "all", "full", "2"), 2.0),  # in two major groups
        (("task", "2", "split", "2"), 1.0),
        (("all", "all", "split", "none"), 1.0),
        (("all", "none", "split", "none"), 1.0),
        (("task", "all", "split", "none"), None),
    ],
)
def test_a_unit_holds_its_part_of_each_task(cell, expected):
    assert weight(unit_weights(HELD), *cell) == expected


def everything(weights: pl.DataFrame) -> pl.DataFrame:
    return weights.select(UNIT).unique()


def test_figures_are_sums_that_fulfill_the_equations(link_tasks: Callable):
    for seed in range(20):
        weights = unit_weights(link_tasks(seed))
        shown = everything(weights).sample(fraction=0.6, seed=seed)
        lattice = build_lattice(weights, shown)
        assert abs(lattice.equations @ lattice.sums).max() < 1e-8
        assert lattice.figures.height == shown.height * len(FIGURE_PATTERNS)


def test_figures_say_what_the_weights_say(link_tasks: Callable):
    """An independent oracle: each figure as a loop over keys and patterns."""
    weights = unit_weights(link_tasks(3))
    lattice = build_lattice(weights, everything(weights))
    random = np.random.default_rng(0)
    group = dict(lattice.keys.rows())
    usage = {(key, p): int(random.integers(0, 9)) for key in group for p in PATTERNS}
    base = np.zeros(lattice.sums.shape[1])
    for (key, pattern), count in usage.items():
        base[group[key] * len(PATTERNS) + PATTERNS.index(pattern)] += count
    values = lattice.sums @ base
    modes = {
        "automation": ("directive", "feedback_loop"),
        "augmentation": ("task_iteration", "learning", "validation"),
        "all": PATTERNS,
    }
    expected: dict[tuple[str, ...], float] = {}
    for level, unit, rule, key, part in weights.rows():
        for pattern in FIGURE_PATTERNS:
            cell = (level, unit, rule, pattern)
            own = sum(usage[key, p] for p in modes.get(pattern, (pattern,)))
            expected[cell] = expected.get(cell, 0.0) + part * own
    for *cell, figure in lattice.figures.rows():
        assert values[figure] == pytest.approx(expected[tuple(cell)])


def test_units_that_are_the_same_sum_share_a_figure():
    weights = unit_weights(HELD)
    lattice = build_lattice(weights, everything(weights))
    figure = {tuple(cell): row for *cell, row in lattice.figures.rows()}
    assert figure["task", "3", "split", "all"] == figure["occupation", TESTER, "full", "all"]
    assert figure["task", "all", "split", "all"] == figure["major", "all", "split", "all"]
    assert figure["occupation", CODER, "split", "all"] != figure["occupation", CODER, "full", "all"]


def test_tasks_that_no_shown_unit_tells_apart_are_one_group():
    weights = unit_weights(HELD)
    shown = everything(weights).filter(pl.col("unit_level").is_in(["all", "major"]))
    groups = dict(build_lattice(weights, shown).keys.rows())
    assert groups["1"] == groups["3"] != groups["2"]


def test_what_is_left_of_a_unit_is_a_figure_of_no_unit():
    weights = unit_weights(HELD)
    shown = everything(weights).filter(
        pl.col("unit_level").is_in(["all", "major"])
        | ((pl.col("unit_level") == "task") & pl.col("unit_id").is_in(["all", "1"]))
    )
    lattice = build_lattice(weights, shown)
    remainders = set(range(lattice.sums.shape[0])) - set(lattice.figures["figure"])
    left = {tuple(lattice.sums[[row]].toarray().ravel().nonzero()[0]) for row in remainders}
    of_tasks = {
        group * len(PATTERNS) + place
        for key, group in lattice.keys.rows()
        if key in ("2", "3", "4")
        for place in range(len(PATTERNS))
    }
    assert tuple(sorted(of_tasks)) in left


def test_a_figure_that_counts_each_conversation_once_is_a_count():
    weights = unit_weights(HELD)
    lattice = build_lattice(weights, everything(weights))
    is_count = {tuple(cell): bool(lattice.is_count[row]) for *cell, row in lattice.figures.rows()}
    assert is_count["occupation", CODER, "full", "all"]
    assert not is_count["occupation", CODER, "split", "all"]  # half a task
    assert not is_count["major", "all", "full", "all"]  # one task twice
