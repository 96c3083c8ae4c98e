"""Decides how much of one account's usage is counted, before anything is counted.

Where an account is above its limits, chance decides what stays: the smallest keyed hashes. How much
of each task an account did plays no part, nor what other accounts did, and the same conversations
stay whenever the quarter is counted again. Source: Wilson et al. (2020), "Differentially Private
SQL with Bounded User Contribution", PoPETs 2020(2):230.
"""

import hmac
from dataclasses import dataclass, fields

import dataframely as dy
import polars as pl

from flows.tables import Observations

_CELL = ("account_id", "outcome", "task_id", "pattern")


@dataclass(frozen=True)
class ContributionLimits:
    """The most that is counted of one account.

    Attributes:
        conversations_per_account: Conversations in all.
        conversations_per_cell: Conversations of one task, or of one outcome without a task, and
            one pattern; at most `conversations_per_account`.
        tasks_per_account: Distinct tasks; `none` and `not_classified` are no tasks.

    Raises:
        ValueError: A limit is below 1, or that of a cell above that of the account.
    """

    conversations_per_account: int
    conversations_per_cell: int
    tasks_per_account: int

    def __post_init__(self) -> None:
        """Refuses limits out of range."""
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"contributions: {field.name} must be at least 1")
        if self.conversations_per_cell > self.conversations_per_account:
            raise ValueError(
                "contributions: conversations_per_cell must not exceed conversations_per_account"
            )


def bound_contributions(
    observations: dy.DataFrame[Observations], limits: ContributionLimits, key: bytes
) -> dy.DataFrame[Observations]:
    """Keeps of every account no more than its limits, whole conversations at a time.

    First come the tasks, those of the smallest HMAC-SHA256(key, account_id|task_id); of their
    conversations, those of the smallest HMAC-SHA256(key, observation_id) stay, in each cell and
    then in all. A conversation of several tasks counts for each, and stays only where all of them
    are within the limits.

    No account then moves any count of conversations by more than `conversations_per_account`, nor
    that of a task and pattern by more than `conversations_per_cell`. Usage moves as little where a
    conversation has one task of usage 1, but for the base of a level under the rule `full`: that
    holds a conversation as often as units of the level hold its task.

    Conversations without an account all stay: nothing can be bounded where accounts are unknown.
    Nor are several accounts of one person bounded together.

    Args:
        observations: Rows of conversations by task and occupation.
        limits: The same for all accounts.
        key: Secret: whoever knew it could tell which conversations are counted.

    Returns:
        Rows of `observations`, unchanged, by conversation, task and occupation.
    """
    has_account = pl.col("account_id").is_not_null()
    bounded = (
        _draw(observations.filter(has_account), key)
        .pipe(_keep_first, "task_draw", limits.tasks_per_account, ("account_id",))
        .pipe(_keep_first, "conversation_draw", limits.conversations_per_cell, _CELL)
        .pipe(_keep_first, "conversation_draw", limits.conversations_per_account, ("account_id",))
        .select(Observations.column_names())
    )
    return (
        pl.concat([bounded, observations.lazy().filter(~has_account)])
        .sort("observation_id", "task_id", "onet_soc_code")
        .collect()
        .pipe(Observations.validate, cast=True)
    )


def _draw(rows: pl.DataFrame, key: bytes) -> pl.LazyFrame:
    """Adds `conversation_draw` and `task_draw`, which is null where there is no task."""
    named = rows.with_columns(task_name=pl.concat_str("account_id", "task_id", separator="|"))
    conversations = _positions(named["observation_id"], "conversation_draw", key)
    tasks = _positions(named["task_name"], "task_draw", key)
    return (
        named.lazy()
        .join(conversations, on="observation_id", how="left", validate="m:1")
        .join(tasks, on="task_name", how="left", validate="m:1")
    )


def _positions(names: pl.Series, draw: str, key: bytes) -> pl.LazyFrame:
    """The distinct names and, in column `draw`, their positions when sorted by HMAC-SHA256."""
    distinct = names.drop_nulls().unique().to_list()
    # positions, not digests: they order alike, and nothing made of the key is in any table
    in_order = sorted(distinct, key=lambda name: hmac.digest(key, name.encode(), "sha256"))
    return pl.LazyFrame({names.name: in_order}, {names.name: pl.String}).with_row_index(draw)


def _keep_first(rows: pl.LazyFrame, draw: str, limit: int, group: tuple[str, ...]) -> pl.LazyFrame:
    """Keeps conversations whose draws are all among the `limit` smallest ones of their group."""
    is_within = (pl.col(draw).rank("dense").over(group) <= limit).fill_null(True)
    is_whole = pl.col("is_within").all().over("account_id", "observation_id")
    return rows.with_columns(is_within=is_within).filter(is_whole).drop("is_within")
