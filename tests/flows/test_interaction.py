"""How the turns of a conversation are described."""

from typing import Any

import polars as pl
import pytest

from flows.interaction import describe_turns
from flows.tables import RedactedMessages


def describe(*turns: str) -> dict[str, Any]:
    """User turns; what starts with '>' is the assistant's."""
    rows = [
        ("0" * 32, index, "assistant" if text.startswith(">") else "user", text.removeprefix(">"))
        for index, text in enumerate(turns)
    ]
    schema = RedactedMessages.create_empty().schema
    frame = RedactedMessages.validate(pl.DataFrame(rows, schema=schema, orient="row"))
    return describe_turns(frame).row(0, named=True)


@pytest.mark.parametrize(
    ("turns", "figure", "value"),
    [
        (["write a poem"], "opening_orders", 1),
        (["write a poem"], "opening_question", 0),
        (["why is the sky blue?"], "opening_asks", 1),
        (["why is the sky blue?"], "opening_ends_in_question", 1),
        (["is this correct: 2 + 2 = 5"], "opening_checks", 1),
        (["hello"], "opening_greets", 1),
        (["fix:\n```\nx = 1\n```"], "opening_code", 1),
        (["a", "shorter please, make it shorter", "next one"], "follow_up_steers", 0.5),
        (["a", "shorter please, make it shorter", "thanks, next"], "follow_up_thanks", 0.5),
        (["a", "it still fails with the same error", "error 404 again"], "follow_up_reports", 1),
        (["a", ">does it still fail? error!"], "follow_up_reports", 0),
        (["a", "next one", "next one"], "follow_up_repeats", 0.5),
        (["summarize: one", "summarize: one more"], "follow_up_repeats_opening", 1),
        (["a"], "follow_up_repeats", 0),
        (["a"], "count", 0),
    ],
)
def test_a_figure_of_the_turns(turns: list[str], figure: str, value: float) -> None:
    assert describe(*turns)[f"turn_{figure}"] == pytest.approx(value)


def test_figures_are_finite_and_about_one_also_for_odd_turns() -> None:
    for turns in (["", ""], ["?" * 5_000], ["a", " ", "\n"], ["😀", "😀"]):
        figures = {k: v for k, v in describe(*turns).items() if k.startswith("turn_")}
        assert all(0 <= value <= 2.5 for value in figures.values()), turns


def test_follow_ups_are_joined_and_told_from_none() -> None:
    assert describe("a", ">b", "c", "d")["follow_ups"] == "c\nd"
    assert describe("a", ">b", "c")["has_follow_ups"]
    assert not describe("a", ">b")["has_follow_ups"]


def test_greetings_thanks_and_go_on_decide_nothing_beside_a_request() -> None:
    turns = describe("hi there", ">Hello!", "write a poem", ">…", "continue", ">…", "thanks a lot!")
    assert turns["opening"] == "write a poem"
    assert not turns["has_follow_ups"]
    assert turns == describe("write a poem")


def test_small_talk_alone_is_described_as_it_is() -> None:
    turns = describe("hi", ">Hello!", "thanks, bye")
    assert (turns["opening"], turns["follow_ups"]) == ("hi", "thanks, bye")
