"""Decides a task's importance, relevance and frequency from the ratings of O*NET's incumbents."""

import polars as pl

from onet.text_table import TableFile, decimals, parse_table, refuse, require_values, whole_numbers

_COLUMNS = ("Task ID", "Scale ID", "Category", "Data Value")
_SCALES = {"importance": "IM", "relevance": "RT"}
_FREQUENCY = "FT"


def rate_tasks(tasks: pl.DataFrame, file: TableFile | None) -> pl.DataFrame:
    """Adds `importance`, `relevance` and `frequency`; null where there are no ratings.

    Importance is the mean on O*NET's scale of 1 to 5, relevance a percentage. Frequency is the
    expected category, the mean of categories 1 (yearly or less) to 7 (hourly or more) weighted
    with the percentage of incumbents that chose it.

    Raises:
        ReleaseError: A column is missing or malformed, or a rated task is unknown.
    """
    if file is None:
        unrated = pl.lit(None, pl.Float64)
        return tasks.with_columns(importance=unrated, relevance=unrated, frequency=unrated)
    ratings = _read(file, tasks)
    measures = [_of_scale(scale).alias(name) for name, scale in _SCALES.items()]
    by_task = ratings.lazy().group_by("task_id").agg(*measures, frequency=_expected_category())
    rated = tasks.lazy().join(by_task, on="task_id", how="left", validate="1:1")
    return rated.sort("task_id").collect()


def _read(file: TableFile, tasks: pl.DataFrame) -> pl.DataFrame:
    table = parse_table(file, _COLUMNS)
    require_values(file, table, "Scale ID")
    is_known_scale = table["Scale ID"].is_in([_FREQUENCY, *_SCALES.values()])
    refuse(file, "Scale ID", ~is_known_scale, "scales other than FT, IM and RT")
    is_frequency = table["Scale ID"] == _FREQUENCY
    categories = whole_numbers(file, table.filter(is_frequency), "Category")
    refuse(file, "Category", ~categories.is_between(1, 7), "categories outside 1 to 7")
    ratings = table.select(
        whole_numbers(file, table, "Task ID").alias("task_id"),
        pl.when(is_frequency).then(pl.col("Category").cast(pl.Float64)).alias("category"),
        decimals(file, table, "Data Value").alias("value"),
        scale="Scale ID",
    )
    is_known = ratings["task_id"].is_in(tasks["task_id"].to_list())
    refuse(file, "Task ID", ~is_known, "ids of unknown tasks")
    refuse(file, "Data Value", ratings["value"] < 0, "negative values")
    repeated = ratings.select("task_id", "scale", "category").is_duplicated()
    refuse(file, "Task ID", repeated, "rows with the same task, scale and category")
    return ratings


def _of_scale(scale: str) -> pl.Expr:
    return pl.col("value").filter(pl.col("scale") == scale).first()


def _expected_category() -> pl.Expr:
    is_frequency = (pl.col("scale") == _FREQUENCY) & pl.col("value").is_not_null()
    total = pl.col("value").filter(is_frequency).sum()
    weighted = (pl.col("category") * pl.col("value")).filter(is_frequency).sum()
    return pl.when(total > 0).then(weighted / total)
