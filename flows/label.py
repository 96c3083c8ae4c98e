"""Decides what the owner sees of each own conversation: its judgements and up to 20 task rows."""

from collections.abc import Iterator, Mapping
from typing import Any

import dataframely as dy
import polars as pl

from flows.settings import MatchSettings
from flows.tables import NO_SUBJECT, Classifications, RankedTasks
from taxonomy.patterns import NOT_CLASSIFIED

MAX_TASKS = 20
_ROWS_AT_FIRST = 2
_NO_GROUP = "none"  # of a conversation that is no occupation's
_UNDETERMINED = "und"  # ISO 639-2


def to_label_rows(
    own_ids: Mapping[str, str],
    classifications: dy.DataFrame[Classifications],
    ranked: dy.DataFrame[RankedTasks],
    task_rows: pl.DataFrame,
    *,
    settings: MatchSettings,
) -> Iterator[dict[str, Any]]:
    """The JSON objects of `worktally label`, in the order of `own_ids`.

    Null is an abstention. Group and tasks abstain where `match_tasks` does: without a judgement of
    the occupation, or with a best group under `min_probability`. A conversation that is not
    occupational has the group `none` and no tasks; one without user text has nulls throughout.

    Args:
        own_ids: The owner's id of each conversation, by its keyed hash.
        classifications: Own ids 1:0..1 classifications.
        ranked: As `rank_tasks` gives it; conversations 1:n.
        task_rows: As `onet.weights.task_rows` gives it: each task's rows, in the order in which
            they are listed.
        settings: The least probability of a match.
    """
    rows = (
        _ids(own_ids)
        .join(_judgements(classifications), on="conversation_id", how="left", validate="1:1")
        .join(_groups(ranked, settings), on="conversation_id", how="left", validate="1:1")
        .join(_tasks(ranked, task_rows), on="conversation_id", how="left", validate="1:1")
        .sort("position")
    )
    is_matched = pl.col("occupational") & pl.col("soc_major").is_not_null()
    labeled = rows.select(
        pl.col("own_id").alias("conversation_id"),
        "language",
        "occupational",
        "use_case",
        "pattern",
        soc_major=pl.when(is_matched)
        .then("soc_major")
        .when(~pl.col("occupational"))
        .then(pl.lit(_NO_GROUP)),
        tasks=pl.when(is_matched).then("tasks"),
        sensitive=pl.col("sensitive_subject") != NO_SUBJECT,
        sensitive_subject="sensitive_subject",
    ).with_columns(pl.col("tasks").fill_null([]))
    yield from labeled.collect().iter_rows(named=True)


def _ids(own_ids: Mapping[str, str]) -> pl.LazyFrame:
    schema = {"conversation_id": pl.String, "own_id": pl.String}
    return pl.LazyFrame(list(own_ids.items()), schema, orient="row").with_row_index("position")


def _judgements(classifications: dy.DataFrame[Classifications]) -> pl.LazyFrame:
    return classifications.lazy().select(
        "conversation_id",
        language=_null_where(pl.col("language"), _UNDETERMINED),
        occupational="is_occupational",
        use_case=pl.col("use_case").cast(pl.String),
        pattern=_null_where(pl.col("pattern").cast(pl.String), NOT_CLASSIFIED),
        sensitive_subject=pl.col("sensitive_subject").cast(pl.String),
    )


def _null_where(column: pl.Expr, abstention: str) -> pl.Expr:
    return pl.when(column != abstention).then(column)


def _groups(ranked: dy.DataFrame[RankedTasks], settings: MatchSettings) -> pl.LazyFrame:
    return (
        ranked.lazy()
        .filter(
            pl.col("rank") == 1,
            pl.col("soc_major_probability") > 0.0,
            pl.col("soc_major_probability") >= settings.min_probability,
        )
        .select("conversation_id", soc_major=pl.col("soc_major").str.head(2))
    )


def _tasks(ranked: dy.DataFrame[RankedTasks], task_rows: pl.DataFrame) -> pl.LazyFrame:
    """The first task rows of each conversation, as a list of objects.

    A task of many occupations has many rows: after its first two the next tasks have their turn.
    """
    task = pl.struct(task_id="row_task_id", onet_soc_code="onet_soc_code", score="score")
    rows = task_rows.lazy().with_columns(place=pl.int_range(pl.len()).over("task_id"))
    return (
        ranked.lazy()
        .filter(pl.col("rank") <= MAX_TASKS)
        .join(rows, on="task_id", how="inner", validate="m:m")
        .with_columns(is_further=pl.col("place") >= _ROWS_AT_FIRST)
        .sort("conversation_id", "is_further", "rank", "place")
        .group_by("conversation_id", maintain_order=True)
        .agg(tasks=task.head(MAX_TASKS))
    )
