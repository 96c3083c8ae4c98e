import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from flows.disclosure.hierarchy import (
    UNITS,
    Hierarchy,
    _project,
    build_hierarchy,
    least_squares,
    make_consistent,
)

CODER, WRITER = "15-1252.00", "27-3042.00"
COLUMNS = ["task_id", "onet_soc_code", "weight"]
few = settings(max_examples=25)


def forest(sizes, seed):
    """Parents of a random tree for each of the first level's nodes: every node has a child."""
    random = np.random.default_rng(seed)
    parents = []
    for above, extra in zip(sizes, np.diff(sizes), strict=False):
        parents.append(np.sort(np.append(np.arange(above), random.integers(above, size=extra))))
    return parents


def leaf_sums(parents, leaf_count):
    """For each level, a matrix that adds the leaves up to its nodes."""
    sums = [np.eye(leaf_count)]
    for parent in reversed(parents):
        is_child = np.arange(parent.max() + 1)[:, np.newaxis] == parent
        sums.insert(0, is_child @ sums[0])
    return sums


sizes = st.lists(st.integers(1, 9), min_size=2, max_size=5).map(sorted)
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("occupation_count", [1, 2, 3, 7, 41, 999])
def test_the_parts_of_a_task_add_up_to_its_units(occupation_count):
    codes = tuple(f"15-{number:04}.00" for number in range(1001, 1001 + occupation_count))
    rows = [(1, code, 1 / occupation_count) for code in codes]
    pairs = build_hierarchy(pl.DataFrame(rows, COLUMNS, orient="row")).pairs.filter(key="1")
    assert pairs["units"].sum() == UNITS
    assert pairs["units"].to_numpy() == pytest.approx(UNITS / occupation_count, abs=1)


@few
@given(sizes=sizes, seed=seeds)
def test_two_passes_are_weighted_least_squares(sizes, seed):
    random, parents = np.random.default_rng(seed), forest(sizes, seed)
    noisy = [random.normal(5, 20, size=(size, 2)) for size in sizes]
    variances = random.uniform(0.1, 10, size=len(sizes))
    sums = leaf_sums(parents, sizes[-1])
    root_weights = np.repeat(variances**-0.5, sizes)[:, np.newaxis]
    leaves, *_ = np.linalg.lstsq(np.vstack(sums) * root_weights, np.vstack(noisy) * root_weights)
    found = least_squares(noisy, parents, list(variances))
    for level, matrix in zip(found, sums, strict=True):
        assert level == pytest.approx(matrix @ leaves, rel=1e-8, abs=1e-8)


@few
@given(sizes=sizes, seed=seeds)
def test_usage_is_not_negative_and_keeps_the_totals_of_the_top(sizes, seed):
    random, parents = np.random.default_rng(seed), forest(sizes, seed)
    noisy = [random.normal(5, 20, size=(size, 2)) for size in sizes]
    variances = [1.0] * len(sizes)
    found = make_consistent(noisy, Hierarchy(pl.DataFrame(), tuple(parents)), variances)
    top = least_squares(noisy, parents, variances)[0].clip(min=0)
    assert (found >= 0).all()
    assert leaf_sums(parents, sizes[-1])[0] @ found == pytest.approx(top)


@pytest.mark.parametrize(
    ("total", "children", "expected"),
    [
        (10, [4, 6], [4, 6]),
        (10, [14, -4], [10, 0]),
        (10, [6, 14, -10], [1, 9, 0]),  # 5 less for each that has something
        (9, [-1, 0, -3], [3 + 1 / 3, 4 + 1 / 3, 1 + 1 / 3]),
        (10, [7], [10]),
        (10, [-7], [10]),
        (0, [5, 5], [0, 0]),
        (0, [-5, 5], [0, 0]),
    ],
)
def test_a_parent_hands_on_its_total(total, children, expected):
    values = np.array([[float(value)] for value in children])
    parent = np.zeros(len(children), dtype=np.int64)
    found = _project(values, parent, np.array([[float(total)]]))
    assert found.ravel().tolist() == pytest.approx(expected, abs=1e-12)


@few
@given(seed=seeds)
def test_the_projection_is_the_nearest_one(seed):
    random = np.random.default_rng(seed)
    parent = np.sort(np.append(np.arange(3), random.integers(3, size=6)))
    values, totals = random.normal(3, 10, size=(9, 2)), random.uniform(0, 30, size=(3, 2))
    found = _project(values, parent, totals)
    for pattern in range(2):
        for node in range(3):
            own = values[parent == node, pattern]
            nearest = optimize.minimize(
                lambda x, own=own: ((x - own) ** 2).sum(),
                np.full(len(own), totals[node, pattern] / len(own)),
                jac=lambda x, own=own: 2 * (x - own),
                bounds=[(0, None)] * len(own),
                constraints={
                    "type": "eq",
                    "fun": lambda x, node=node, pattern=pattern: x.sum() - totals[node, pattern],
                },
                options={"ftol": 1e-12, "maxiter": 1_000},
            )
            assert found[parent == node, pattern] == pytest.approx(nearest.x, abs=1e-4)


def test_the_projection_takes_less_from_the_large_than_clipping_and_scaling_would():
    random = np.random.default_rng(1)
    truth = np.append([500.0, 300.0], np.zeros(98))[:, np.newaxis]
    noisy = truth + random.laplace(scale=20, size=(100, 1_000))
    parent, totals = np.zeros(100, dtype=np.int64), np.full((1, 1_000), truth.sum())
    clipped = noisy.clip(min=0)
    scaled = clipped * (truth.sum() / clipped.sum(axis=0))
    bias = {
        name: np.abs(found.mean(axis=1)[:2] - truth[:2, 0]).max()
        for name, found in {"projected": _project(noisy, parent, totals), "scaled": scaled}.items()
    }
    assert bias["projected"] < bias["scaled"] / 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(1, CODER, 0.5)], "1 rows of task_occupations"),
        ([(1, CODER, 0.5), (1, WRITER, 0.4)], "2 rows of task_occupations"),
        ([(1, CODER, 1.5), (1, WRITER, -0.5)], "1 rows of task_occupations"),
        ([(1, CODER, 0.5), (1, CODER, 0.5)], "2 rows of task_occupations"),
        ([(1, "coder", 1.0), (2, WRITER, 1.0)], "1 rows of task_occupations"),
        ([(1, None, 1.0), (2, WRITER, 1.0)], "1 rows of task_occupations"),
        ([(None, CODER, 1.0)], "1 rows of task_occupations"),
        ([(1, CODER, None)], "1 rows of task_occupations"),
    ],
)
def test_a_table_that_is_no_taxonomy_is_refused(rows, message):
    schema = dict(zip(COLUMNS, (pl.Int64, pl.String, pl.Float64), strict=True))
    with pytest.raises(ValueError, match=message):
        build_hierarchy(pl.DataFrame(rows, schema, orient="row"))
