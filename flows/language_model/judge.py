"""Decides what a language model's answer changes: labels, order of tasks, or that none fits."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import dataframely as dy
import polars as pl

from flows.language_model.answer import ANSWERED, CACHED, FAILURES, NOT_SENT, Ask, Reply
from flows.language_model.prompt import ROLES, Prompt, build_prompt
from flows.settings import LanguageModelSettings
from flows.tables import USE_CASES, Classifications, RankedTasks, RedactedMessages
from taxonomy.constitution import NO_GROUP
from taxonomy.patterns import PATTERNS

JUDGED = 1.0
"""The probability of whatever an answer decides: the model gives none, and it does not abstain."""

_ANSWERS: dict[str, pl.DataType | type[pl.DataType]] = {
    "conversation_id": pl.String,
    "occupational": pl.Boolean,
    "use_case": pl.Enum(USE_CASES),
    "pattern": pl.Enum(PATTERNS),
    "soc_major": pl.String,
    "task_ids": pl.List(pl.Int64),
    "none_fits": pl.Boolean,
}


@dataclass(frozen=True)
class Judged:
    """The judgements after asking.

    Attributes:
        classifications: A row per conversation, as before.
        ranked: The same tasks of each conversation as before, in the order of the answers.
        outcomes: Conversations by outcome: `answered`, `cached` and every failure, which add up to
            all; beside them `asked`, those that a request was sent for.
    """

    classifications: dy.DataFrame[Classifications]
    ranked: dy.DataFrame[RankedTasks]
    outcomes: dict[str, int]


def judge_conversations(
    messages: dy.DataFrame[RedactedMessages],
    classifications: dy.DataFrame[Classifications],
    ranked: dy.DataFrame[RankedTasks],
    statements: pl.DataFrame,
    *,
    ask: Ask,
    settings: LanguageModelSettings,
) -> Judged:
    """Asks about every classified conversation, in order of `conversation_id`.

    A conversation without an answer keeps what the classifiers said. An answer replaces
    `is_occupational`, `use_case` and `pattern`, with probability `JUDGED` (0 for "occupational"
    where it is not). Tasks that it names come first and the others after, in their old order;
    then the first has the score `JUDGED` and those below the conversation's own scores, in
    descending order. `soc_major` follows the answer, with probability `JUDGED`, unless it is
    "none", which a ranked task cannot be of. Where no candidate fits, which wins over tasks named
    beside it, the conversation's scores and the probability of its group are 0.

    Args:
        messages: Redacted; nothing else of a conversation is sent.
        classifications: Those that are asked about.
        ranked: The best of them are the candidates; a conversation may have none.
        statements: `task_id`, `statement`.
        ask: From `build_ask`.
        settings: Model and sizes.
    """
    ids = classifications["conversation_id"].sort().to_list()
    turns = _turns(messages)
    candidates = _candidates(ranked, statements, settings)

    def prompts() -> Iterator[Prompt]:
        for conversation_id in ids:
            shown = turns.get(conversation_id, ()), candidates.get(conversation_id, ())
            yield build_prompt(*shown, settings)

    replies = ask(prompts())
    answers = _tabulate(dict(zip(ids, replies, strict=True)))
    return Judged(
        classifications=_relabel(classifications, answers),
        ranked=_rerank(ranked, answers),
        outcomes=_count(replies),
    )


def _turns(messages: dy.DataFrame[RedactedMessages]) -> Mapping[str, Sequence[tuple[str, str]]]:
    rows = (
        messages.lazy()
        .with_columns(pl.col("role").cast(pl.String))
        .filter(pl.col("role").is_in(ROLES))
        .sort("conversation_id", "message_index")
        .select("conversation_id", "role", "text")
        .collect()
    )
    return rows.rows_by_key("conversation_id")


def _candidates(
    ranked: dy.DataFrame[RankedTasks], statements: pl.DataFrame, settings: LanguageModelSettings
) -> Mapping[str, Sequence[tuple[int, str]]]:
    rows = (
        ranked.lazy()
        .filter(pl.col("rank") <= settings.candidates)
        .join(statements.lazy(), on="task_id", how="inner", validate="m:1")
        .sort("conversation_id", "rank")
        .select("conversation_id", "task_id", "statement")
        .collect()
    )
    return rows.rows_by_key("conversation_id")


def _tabulate(replies: Mapping[str, Reply]) -> pl.LazyFrame:
    rows = [
        {"conversation_id": conversation_id, **reply.answer.model_dump()}
        for conversation_id, reply in replies.items()
        if reply.answer is not None
    ]
    return pl.LazyFrame(rows, schema=_ANSWERS)


def _relabel(
    classifications: dy.DataFrame[Classifications], answers: pl.LazyFrame
) -> dy.DataFrame[Classifications]:
    is_answered = pl.col("occupational").is_not_null()
    judged = pl.when(is_answered).then(JUDGED)
    return (
        classifications.lazy()
        .join(
            answers.select(
                "conversation_id",
                "occupational",
                answered_use_case="use_case",
                answered_pattern="pattern",
            ),
            on="conversation_id",
            how="left",
            validate="1:1",
        )
        .with_columns(
            is_occupational=pl.coalesce("occupational", "is_occupational"),
            occupational_probability=pl.when(is_answered)
            .then(JUDGED * pl.col("occupational").cast(pl.Float64))
            .otherwise("occupational_probability"),
            use_case=pl.coalesce("answered_use_case", "use_case"),
            use_case_probability=judged.otherwise("use_case_probability"),
            pattern=pl.coalesce("answered_pattern", "pattern"),
            pattern_probability=judged.otherwise("pattern_probability"),
        )
        .select(Classifications.column_names())
        .sort("conversation_id")
        .collect()
        .pipe(Classifications.validate)
    )


def _rerank(ranked: dy.DataFrame[RankedTasks], answers: pl.LazyFrame) -> dy.DataFrame[RankedTasks]:
    by_answer = answers.select("conversation_id", "none_fits", answered_group="soc_major")
    named = (
        answers.filter(~pl.col("none_fits"))
        .select("conversation_id", task_id="task_ids")
        .explode("task_id", empty_as_null=False)
        .with_columns(place=pl.int_range(pl.len()).over("conversation_id"))
    )
    is_group = pl.col("answered_group").is_not_null() & (pl.col("answered_group") != NO_GROUP)
    descending = pl.col("score").sort(descending=True).over("conversation_id")
    has_named = pl.col("place").is_not_null().any().over("conversation_id")
    return (
        ranked.lazy()
        .join(by_answer, on="conversation_id", how="left", validate="m:1")
        .join(named, on=["conversation_id", "task_id"], how="left", validate="m:1")
        .sort("conversation_id", "place", "rank", nulls_last=True)
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("conversation_id"))
        .with_columns(
            score=pl.when("none_fits")
            .then(0.0)
            .when(has_named & (pl.col("rank") == 1))
            .then(JUDGED)
            .when(has_named)
            .then(descending)
            .otherwise("score"),
            soc_major=pl.when(is_group).then("answered_group").otherwise("soc_major"),
            soc_major_probability=pl.when("none_fits")
            .then(0.0)
            .when(is_group)
            .then(JUDGED)
            .otherwise("soc_major_probability"),
        )
        .select(RankedTasks.column_names())
        .collect()
        .pipe(RankedTasks.validate)
    )


def _count(replies: Sequence[Reply]) -> dict[str, int]:
    counts = Counter(reply.outcome for reply in replies)
    return {
        "asked": sum(count for outcome, count in counts.items() if outcome not in NOT_SENT),
        **{outcome: counts[outcome] for outcome in (ANSWERED, CACHED, *FAILURES)},
    }
