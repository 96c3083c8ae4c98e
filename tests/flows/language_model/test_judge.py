import polars as pl
import pytest

from flows.language_model.answer import Answer, Reply
from flows.language_model.judge import judge_conversations
from flows.tables import PATTERNS, USE_CASES
from taxonomy.constitution import labels

OLD_RANKS = [(1, 1, 0.3), (2, 2, 0.4), (3, 3, 0.2), (4, 4, 0.05)]


def judged(work, settings, **answer):
    """Conversation 0 gets the answer; conversation 1 fails and keeps what the classifiers said."""
    whole = {
        "occupational": True,
        "use_case": "work",
        "pattern": "learning",
        "soc_major": "27-0000",
        "task_ids": [],
        "none_fits": False,
        **answer,
    }
    replies = [Reply("answered", Answer.model_validate(whole)), Reply("malformed")]
    frames = (work.messages, work.classifications, work.ranked, work.statements)
    return judge_conversations(
        *frames, ask=lambda prompts: replies[: len(list(prompts))], settings=settings
    )


def rows_of(frame, number):
    return frame.filter(pl.col("conversation_id") == f"{number:032x}")


def ranks_of(frame, number):
    return rows_of(frame, number).select("rank", "task_id", "score").rows()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, (True, 1.0, "work", 1.0, "learning", 1.0)),
        (
            {"occupational": False, "use_case": "coursework", "pattern": "none"},
            (False, 0.0, "coursework", 1.0, "none", 1.0),
        ),
    ],
)
def test_an_answer_replaces_the_labels_with_certainty(answer, expected, work, settings):
    found = judged(work("a", "b"), settings(), **answer).classifications
    columns = ["is_occupational", "occupational_probability", "use_case", "use_case_probability"]
    columns += ["pattern", "pattern_probability"]
    assert rows_of(found, 0).select(columns).row(0) == expected
    assert rows_of(found, 0).select("language", "sensitive_subject").row(0) == ("en", "none")


@pytest.mark.parametrize(
    ("answer", "ranks", "group"),
    [
        ({}, OLD_RANKS, ("27-0000", 1.0)),
        (
            {"task_ids": [3]},
            [(1, 3, 1.0), (2, 1, 0.3), (3, 2, 0.2), (4, 4, 0.05)],
            ("27-0000", 1.0),
        ),
        (
            {"task_ids": [4, 2, 4]},
            [(1, 4, 1.0), (2, 2, 0.3), (3, 1, 0.2), (4, 3, 0.05)],
            ("27-0000", 1.0),
        ),
        ({"soc_major": "none", "occupational": False}, OLD_RANKS, ("15-0000", 0.7)),
        ({"none_fits": True}, [(rank, rank, 0.0) for rank in range(1, 5)], ("27-0000", 0.0)),
        (
            {"none_fits": True, "task_ids": [4]},
            [(rank, rank, 0.0) for rank in range(1, 5)],
            ("27-0000", 0.0),
        ),
    ],
)
def test_named_tasks_come_first_and_scores_stay_in_order(answer, ranks, group, work, settings):
    found = judged(work("a", "b"), settings(), **answer).ranked
    assert ranks_of(found, 0) == ranks
    assert set(rows_of(found, 0).select("soc_major", "soc_major_probability").rows()) == {group}


def test_a_conversation_without_an_answer_keeps_what_the_classifiers_said(work, settings):
    old = work("a", "b")
    new = judged(old, settings(), task_ids=[3])
    assert rows_of(new.classifications, 1).equals(rows_of(old.classifications, 1))
    assert rows_of(new.ranked, 1).equals(rows_of(old.ranked, 1))


def test_a_conversation_that_the_classifiers_cannot_read_is_asked_about_without_candidates(
    work, settings, server, judge, complete
):
    found = judge(work("Hallo", unread=(0,)), settings())
    assert found.classifications["pattern"].to_list() == ["learning"]
    assert found.classifications["is_occupational"].to_list() == [True]
    assert found.ranked.is_empty()
    schema = server.requests[0][2]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["task_ids"]["items"] == {"type": "integer"}


def test_no_more_candidates_are_shown_than_the_settings_say(work, settings, server, judge):
    judge(work("a"), settings(candidates=2))
    body = server.requests[0][2]
    items = body["response_format"]["json_schema"]["schema"]["properties"]["task_ids"]["items"]
    assert items["enum"] == [1, 2]
    assert "Lamp b." in body["messages"][1]["content"]
    assert "Lamp c." not in body["messages"][1]["content"]


def test_nothing_classified_is_nothing_asked(work, settings, judge, server, outcomes):
    found = judge(work(), settings())
    assert (found.classifications.height, found.outcomes) == (0, outcomes())
    assert server.requests == []


def test_the_labels_of_the_constitution_are_those_of_the_tables():
    assert {label.name for label in labels("use_case")} == set(USE_CASES)
    assert {label.name for label in labels("pattern")} == set(PATTERNS) - {"not_classified"}
