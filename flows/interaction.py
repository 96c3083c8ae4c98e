"""Decides how the turns of a conversation are described: who asks, pastes, reports or steers.

The figures say nothing about the subject. Cues are those of `taxonomy/cues.py`.
"""

import dataframely as dy
import polars as pl
from polars.lazyframe.group_by import LazyGroupBy

from flows.tables import RedactedMessages
from taxonomy import cues

_OPENING_CHARACTERS = 2_000
_FOLLOW_UP_CHARACTERS = 600
_CODE = (
    r"```|[;{}]\s*(\n|$)|</?\w+>|\bdef \w+\(|\bimport \w+|#include|\bfunction\b.*\(|=>"
    r"|SELECT .* FROM"
)
_LINES = r"\n.*\n"
_QUESTION = r"\?"
_ENDS_IN_QUESTION = r"\?\W*$"
_THANKS = r"(?i)\b(thanks?|thank you|thx|great|perfect|nice|awesome|cool|good one)\b"
_IMPERATIVE = (
    r"(?i)^\W*(please |pls |can you |could you |now |ok(ay)? )*(write|make|create|give|draft"
    r"|generate|list|summari[sz]e|translate|rewrite|rephrase|convert|calculate|solve|find|build|design|plan"
    r"|turn|put|fix|add|code|compose|extract|help me (write|make|with)|act as|i want you to act)\b"
)
_OWN_WORK = r"(?i)\b(my|i wrote|i made|i got|i have written|here is what|here'?s what|i did|mine)\b"
_FIRST_WORDS = r"^\W*(\w+(?:\W+\w+)?)"


def user_turns(messages: dy.DataFrame[RedactedMessages]) -> LazyGroupBy:
    """The user's turns by conversation, in order of conversation and turn.

    Blank ones, greetings, thanks and "go on" decide nothing (`taxonomy/constitution`): they are
    left out where there are others, so that the opening is the first request.
    """
    says = pl.col("text").str.contains(r"\S") & ~pl.col("text").str.contains(cues.PHATIC)
    return (
        messages.lazy()
        .filter(pl.col("role").cast(pl.String) == "user")
        .filter(says | ~says.any().over("conversation_id"))
        .sort("conversation_id", "message_index")
        .group_by("conversation_id", maintain_order=True)
    )


def describe_turns(messages: dy.DataFrame[RedactedMessages]) -> pl.DataFrame:
    """Figures on the user's turns of every conversation that has one.

    The assistant's turns are left out: how long they are depends on the assistant.

    Returns:
        `conversation_id`, `opening` and `follow_ups` (the user's texts, cut), `has_follow_ups`, and
        `turn_*`: Float32 figures, shares of the follow-ups or logarithms of lengths, mostly from 0
        to 1; sorted by conversation.
    """
    user = user_turns(messages).agg(
        opening=pl.col("text").first().str.slice(0, _OPENING_CHARACTERS),
        turns=pl.col("text").slice(1).str.slice(0, _FOLLOW_UP_CHARACTERS),
    )
    follow_up_count = pl.col("turns").list.len()
    return (
        user.select(
            "conversation_id",
            "opening",
            follow_ups=pl.col("turns").list.join("\n"),
            has_follow_ups=follow_up_count > 0,
            turn_count=follow_up_count.log1p() / 3,
            **{f"turn_opening_{name}": value for name, value in _opening_figures().items()},
            **{f"turn_follow_up_{name}": value for name, value in _follow_up_figures().items()},
        )
        .with_columns(pl.col(r"^turn_.*$").cast(pl.Float32))
        .sort("conversation_id")
        .collect()
    )


def _opening_figures() -> dict[str, pl.Expr]:
    opening = pl.col("opening")
    found = {
        name: opening.str.contains(pattern)
        for name, pattern in {
            "checks": cues.VALIDATION_OPENING,
            "asks": cues.LEARNING_OPENING,
            "greets": cues.PHATIC,
            "orders": _IMPERATIVE,
            "code": _CODE,
            "lines": _LINES,
            "question": _QUESTION,
            "ends_in_question": _ENDS_IN_QUESTION,
            "own_work": _OWN_WORK,
        }.items()
    }
    digits = opening.str.count_matches(r"\d") / opening.str.len_chars().clip(1)
    return {**found, "length": opening.str.len_chars().log1p() / 8, "digits": digits}


def _follow_up_figures() -> dict[str, pl.Expr]:
    """Shares of the follow-ups in which something is found; 0 without follow-ups."""
    turn = pl.element()
    turns = pl.col("turns")
    checks = {
        "reports": turn.str.contains(cues.FEEDBACK_TURN),
        "steers": turn.str.contains(cues.ITERATION_TURN),
        "asks": turn.str.contains(cues.LEARNING_TURN),
        "checks": turn.str.contains(cues.VALIDATION_TURN),
        "orders": turn.str.contains(_IMPERATIVE),
        "question": turn.str.contains(_QUESTION),
        "ends_in_question": turn.str.contains(_ENDS_IN_QUESTION),
        "code": turn.str.contains(_CODE),
        "lines": turn.str.contains(_LINES),
        "own_work": turn.str.contains(_OWN_WORK),
        "thanks": turn.str.contains(_THANKS),
        "digits": turn.str.contains(r"\d"),
        "short": turn.str.len_chars() < 40,
        "long": turn.str.len_chars() > 300,
    }
    shares = {
        name: turns.list.eval(check.cast(pl.Float32)).list.mean().fill_null(0.0)
        for name, check in checks.items()
    }
    lengths = turns.list.eval(turn.str.len_chars().log1p()).list.mean().fill_null(0.0) / 8
    first_words = turns.list.eval(turn.str.extract(_FIRST_WORDS).str.to_lowercase())
    different = first_words.list.n_unique() / first_words.list.len()
    opening_words = pl.col("opening").str.extract(_FIRST_WORDS).str.to_lowercase()
    return {
        **shares,
        "length": lengths,
        "repeats": (1.0 - different).fill_nan(0.0),
        "repeats_opening": first_words.list.contains(opening_words).fill_null(value=False),
        "length_to_opening": (lengths * 8) / pl.col("opening").str.len_chars().log1p().clip(1) / 2,
    }
