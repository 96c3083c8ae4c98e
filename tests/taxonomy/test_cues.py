import polars as pl
import pytest

from taxonomy import cues

CUES = [name for name in dir(cues) if name.isupper()]
TURNS = [  # cue, turn, whether it speaks
    ("VALIDATION_OPENING", "Please proofread my cover letter", True),
    ("VALIDATION_OPENING", "Is this correct: 7 x 8 = 54", True),
    ("VALIDATION_OPENING", "any mistakes in here?", True),
    ("VALIDATION_OPENING", "Write a poem about lamps", False),
    ("LEARNING_OPENING", "What is a lamp made of", True),
    ("LEARNING_OPENING", "  ...how do lamps work", True),
    ("LEARNING_OPENING", "Explain lamps to me", True),
    ("LEARNING_OPENING", "Write what a lamp is", False),
    ("FEEDBACK_TURN", "it still doesn't work", True),
    ("FEEDBACK_TURN", "TypeError: exception in line 3", True),
    ("FEEDBACK_TURN", "the client said no", True),
    ("FEEDBACK_TURN", "make it shorter", False),
    ("ITERATION_TURN", "make it shorter", True),
    ("ITERATION_TURN", "Add a title, and use lamp instead", True),
    ("ITERATION_TURN", "thanks", False),
    ("LEARNING_TURN", "why is that?", True),
    ("LEARNING_TURN", "ok so it glows?", True),
    ("LEARNING_TURN", "shorter please", False),
    ("VALIDATION_TURN", "Here's my second draft", True),
    ("VALIDATION_TURN", "is it better now?", True),
    ("VALIDATION_TURN", "next chapter", False),
    ("PHATIC", "Hello!", True),
    ("PHATIC", "hi there", True),
    ("PHATIC", "hey <PERSON>, how are you doing today?", True),
    ("PHATIC", "ok thank you so much :)", True),
    ("PHATIC", "please continue...", True),
    ("PHATIC", "hello, write a poem", False),
    ("PHATIC", "continue in French", False),
    ("PHATIC", "history", False),
]


@pytest.mark.parametrize(("cue", "turn", "speaks"), TURNS)
def test_a_cue_speaks_for_turns_of_its_kind(cue, turn, speaks):
    assert pl.Series([turn]).str.contains(getattr(cues, cue)).item() is speaks


@pytest.mark.parametrize("cue", CUES)
def test_a_cue_is_an_expression_of_polars_that_nothing_empty_matches(cue):
    assert pl.Series(["", "   "]).str.contains(getattr(cues, cue)).to_list() == [False, False]


def test_every_cue_is_tested():
    assert {cue for cue, *_ in TURNS} == set(CUES)


@pytest.mark.parametrize("cue", CUES)
def test_a_long_turn_takes_no_long_time(cue):
    """The engine is linear: what would take another minutes is done at once."""
    turn = "i don't don't is it it still it now my my review " * 4_000
    assert pl.Series([turn]).str.contains(getattr(cues, cue)).len() == 1
