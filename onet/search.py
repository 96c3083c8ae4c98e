"""Decides how well each task of a release fits a text: the search index and its features.

A task is found by its statement, by the requests that were written for it (as documents are
expanded by queries: Nogueira et al. 2019, arXiv 1904.08375), by those of its neighbors of the same
detailed work activity (DWA) or occupation, and by how probable its SOC groups are.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onet.weights import task_groups

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

FEATURES = ("statement", "request", "activity", "occupation", "minor", "major")
_ABSENT = 0.0  # similarity where there is nothing to be similar to


@dataclass(frozen=True)
class Grouping:
    """Which members belong together, for a maximum by group.

    Attributes:
        members: Column of each member, groups one after the other.
        starts: Where in `members` each group starts.
        group_of_task: Groups of tasks: an entry for each group of each task that has any.
        tasks: The task of each entry of `group_of_task`, in order of task.
    """

    members: Indices
    starts: Indices
    group_of_task: Indices
    tasks: Indices


@dataclass(frozen=True)
class TaskIndex:
    """The tasks of a release, ready for search.

    Attributes:
        task_ids: Int64, shape (tasks,).
        statements: Unit vectors, float32, shape (tasks, dimensions).
        requests: Unit vectors of written requests, float32, shape (requests, dimensions).
        request_tasks: The task of each request, as index into `task_ids`.
        minor_codes: Minor group of each task by majority of its occupations, such as 15-1200.
        major_codes: Its major group, such as 15-0000.
        by_task: Requests by task.
        by_activity: Requests and statements by DWA.
        by_occupation: Requests and statements by occupation.
        task_occupations: `task_id`, `onet_soc_code`, `weight`.
    """

    task_ids: Indices
    statements: Floats
    requests: Floats
    request_tasks: Indices
    minor_codes: NDArray[np.str_]
    major_codes: NDArray[np.str_]
    by_task: Grouping
    by_activity: Grouping
    by_occupation: Grouping
    task_occupations: pl.DataFrame


def index_tasks(
    statement_vectors: pl.DataFrame,
    request_vectors: pl.DataFrame,
    task_occupations: pl.DataFrame,
    task_dwas: pl.DataFrame,
) -> TaskIndex:
    """Puts vectors and groups side by side, in order of task id.

    Args:
        statement_vectors: `task_id`, `embedding` (array of float32): a row a task.
        request_vectors: `task_id`, `embedding`: a row a written request; requests for tasks that
            are not among the statements are left out.
        task_occupations: As `onet.weights.task_occupations` gives it.
        task_dwas: `task_id`, `dwa_id`.
    """
    tasks = (
        statement_vectors.lazy()
        .join(task_groups(task_occupations).lazy(), on="task_id", how="inner", validate="1:1")
        .sort("task_id")
        .with_row_index("task")
        .with_columns(pl.col("task").cast(pl.Int64))
        .collect()
    )
    place = tasks.select("task_id", "task")
    requests = (
        request_vectors.join(place, on="task_id", how="inner", validate="m:1")
        .sort("task", maintain_order=True)
        .with_row_index("request")
        .with_columns(pl.col("request").cast(pl.Int64))
    )
    own = requests.select("task", member="request")
    # statements come after the requests in the columns that DWAs and occupations look at
    everything = pl.concat([own, place.select("task", member=pl.col("task") + requests.height)])
    dwas = task_dwas.join(place, on="task_id", how="inner").select("task", group="dwa_id").unique()
    occupations = place.join(
        task_occupations.select("task_id", group="onet_soc_code"), on="task_id", how="inner"
    ).select("task", "group")
    return TaskIndex(
        task_ids=tasks["task_id"].to_numpy(),
        statements=tasks["embedding"].to_numpy(),
        requests=_matrix(requests["embedding"], tasks["embedding"].to_numpy().shape[1]),
        request_tasks=requests["task"].to_numpy(),
        minor_codes=tasks["minor"].to_numpy().astype(np.str_),
        major_codes=tasks["major"].to_numpy().astype(np.str_),
        by_task=_group(own, place.select("task", group="task")),
        by_activity=_group(everything, dwas),
        by_occupation=_group(everything, occupations),
        task_occupations=task_occupations,
    )


def task_features(
    vectors: Floats, minor: Floats, minor_codes: list[str], index: TaskIndex
) -> dict[str, Floats]:
    """Every feature of every task, each of shape (n, tasks).

    Args:
        vectors: Unit vectors of n conversations, shape (n, dimensions).
        minor: Probabilities of minor groups, shape (n, groups).
        minor_codes: The minor group of each column of `minor`.
        index: The release.
    """
    # a row a member: maxima over rows are taken for all conversations at once
    count = len(index.requests)
    both = np.empty((count + len(index.statements), len(vectors)), dtype=np.float32)
    to_requests = np.matmul(index.requests, vectors.T, out=both[:count])
    to_statements = np.matmul(index.statements, vectors.T, out=both[count:])
    similarities = {
        "statement": to_statements,
        "request": _maxima(to_requests, index.by_task, len(index.task_ids)),
        "activity": _maxima(both, index.by_activity, len(index.task_ids)),
        "occupation": _maxima(both, index.by_occupation, len(index.task_ids)),
    }
    return {
        **{name: similarity.T for name, similarity in similarities.items()},
        **_group_features(minor, minor_codes, index),
    }


def _matrix(vectors: pl.Series, dimensions: int) -> Floats:
    return np.array(vectors.to_list(), dtype=np.float32).reshape(len(vectors), dimensions)


def _group(members: pl.DataFrame, groups: pl.DataFrame) -> Grouping:
    """Members (`task`, `member`) by the groups (`task`, `group`) of their tasks."""
    linked = members.join(groups, on="task", how="inner").sort("group", "member")
    runs = linked["group"].rle_id()
    codes = linked.select("group", run=runs.cast(pl.Int64)).unique("group")
    of_task = groups.join(codes, on="group", how="inner").sort("task", "run")
    return Grouping(
        members=linked["member"].to_numpy(),
        starts=np.flatnonzero(np.diff(runs.to_numpy().astype(np.int64), prepend=-1)),
        group_of_task=of_task["run"].to_numpy(),
        tasks=of_task["task"].to_numpy(),
    )


def _maxima(similarity: Floats, grouping: Grouping, task_count: int) -> Floats:
    """For each task the greatest similarity among the members of its groups, shape (tasks, n)."""
    maxima = np.full((task_count, similarity.shape[1]), _ABSENT, dtype=np.float32)
    if not len(grouping.members):
        return maxima
    by_group = _segment_maxima(similarity, grouping.members, grouping.starts)
    tasks, firsts = np.unique(grouping.tasks, return_index=True)
    maxima[tasks] = _segment_maxima(by_group, grouping.group_of_task, firsts)
    return maxima


def _segment_maxima(rows: Floats, members: Indices, starts: Indices) -> Floats:
    """The greatest of the rows that each segment of `members` names, column by column.

    All first members, then all second ones and so on, as long as a segment has one: whole rows at
    a time, which numpy's reduceat does not do.
    """
    sizes = np.diff(starts, append=len(members))
    largest_first = np.argsort(-sizes, kind="stable")
    starts, sizes = starts[largest_first], sizes[largest_first]
    maxima = rows[members[starts]]
    for place in range(1, int(sizes[0])):
        count = np.searchsorted(-sizes, -place)
        longer = maxima[:count]
        np.maximum(longer, rows[members[starts[:count] + place]], out=longer)
    ordered = np.empty_like(maxima)
    ordered[largest_first] = maxima
    return ordered


def _group_features(minor: Floats, minor_codes: list[str], index: TaskIndex) -> dict[str, Floats]:
    """Log-probabilities of each task's groups; a group nobody was trained on gets the least."""
    least = 1e-4
    log_minor = np.log(np.maximum(minor, least)).astype(np.float32)
    column_of = {code: column for column, code in enumerate(minor_codes)}
    unknown = len(minor_codes)
    padded = np.pad(log_minor, ((0, 0), (0, 1)), constant_values=np.float32(np.log(least)))
    columns = np.array([column_of.get(code, unknown) for code in index.minor_codes.tolist()])
    majors = sorted({code[:2] for code in minor_codes})
    membership = np.array([[code[:2] == major for major in majors] for code in minor_codes])
    log_major = np.log(np.maximum(minor @ membership, least)).astype(np.float32)
    padded_major = np.pad(log_major, ((0, 0), (0, 1)), constant_values=np.float32(np.log(least)))
    place = {major: column for column, major in enumerate(majors)}
    major_columns = np.array(
        [place.get(code[:2], len(majors)) for code in index.major_codes.tolist()]
    )
    return {"minor": padded[:, columns], "major": padded_major[:, major_columns]}
