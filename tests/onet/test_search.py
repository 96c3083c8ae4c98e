"""Features of task search, against plain Python."""

import math

import numpy as np
import polars as pl
import pytest

from onet.search import FEATURES, index_tasks, task_features

TASKS = [11, 12, 13, 14]
OCCUPATIONS = {11: ["15-1252.00"], 12: ["15-1252.00", "13-2011.00"], 13: ["25-2021.00"],
               14: ["99-1011.00"]}  # fmt: skip
DWAS = {11: ["a"], 12: ["a", "b"], 13: ["b"]}
REQUESTS = [12, 12, 13, 77]  # the last is for a task of another release
MINOR = ["13-2000", "15-1200", "25-2000"]


def unit(count: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def table(task_ids: list[int], vectors: np.ndarray) -> pl.DataFrame:
    embedding = pl.Series("embedding", vectors, dtype=pl.Array(pl.Float32, 6))
    return pl.DataFrame({"task_id": task_ids}, schema={"task_id": pl.Int64}).with_columns(embedding)


STATEMENTS, ASKED, SAID = unit(4, 1), unit(5, 2), unit(4, 3)
HELD = pl.DataFrame(
    [(task, code, 1 / len(codes)) for task, codes in OCCUPATIONS.items() for code in codes],
    ["task_id", "onet_soc_code", "weight"],
    orient="row",
)
LINKS = pl.DataFrame(
    [(task, dwa) for task, dwas in DWAS.items() for dwa in dwas],
    ["task_id", "dwa_id"],
    orient="row",
)
INDEX = index_tasks(table(TASKS, STATEMENTS), table(REQUESTS, SAID), HELD, LINKS)
PROBABILITIES = np.array([[0.2, 0.5, 0.3]] * 5, dtype=np.float32)


def expected(vector: np.ndarray, task: int) -> dict[str, float]:
    own = TASKS.index(task)

    def near(tasks: set[int]) -> float:
        said = [vector @ SAID[k] for k, other in enumerate(REQUESTS) if other in tasks]
        return max([*said, *(vector @ STATEMENTS[TASKS.index(other)] for other in tasks)])

    requests = [vector @ SAID[k] for k, other in enumerate(REQUESTS) if other == task]
    dwas = DWAS.get(task, [])
    together = {other for other in TASKS for dwa in DWAS.get(other, []) if dwa in dwas}
    colleagues = {other for other in TASKS if set(OCCUPATIONS[other]) & set(OCCUPATIONS[task])}
    minor = {11: 0.5, 12: 0.2, 13: 0.3, 14: 1e-4}[task]
    return {
        "statement": vector @ STATEMENTS[own],
        "request": max(requests, default=0.0),
        "activity": near(together) if together else 0.0,
        "occupation": near(colleagues),
        "minor": math.log(minor),
        "major": math.log(minor),
    }


def test_features_are_those_of_plain_python() -> None:
    found = task_features(ASKED, PROBABILITIES, MINOR, INDEX)
    assert set(found) == set(FEATURES)
    for row, vector in enumerate(ASKED):
        for column, task in enumerate(TASKS):
            values = {name: float(feature[row, column]) for name, feature in found.items()}
            assert values == pytest.approx(expected(vector, task), rel=1e-5)


def test_a_release_without_requests_or_activities_is_searched_by_statements() -> None:
    nothing = table([], np.zeros((0, 6), dtype=np.float32))
    bare = index_tasks(table(TASKS, STATEMENTS), nothing, HELD, LINKS.clear())
    found = task_features(ASKED, PROBABILITIES, MINOR, bare)
    assert found["statement"] == pytest.approx(ASKED @ STATEMENTS.T)
    assert not found["request"].any()
    assert not found["activity"].any()


def test_a_task_on_a_tie_belongs_to_the_lowest_minor_group() -> None:
    assert INDEX.minor_codes.tolist() == ["15-1200", "13-2000", "25-2000", "99-1000"]
    assert INDEX.major_codes.tolist() == ["15-0000", "13-0000", "25-0000", "99-0000"]
