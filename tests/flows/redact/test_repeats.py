"""What was found once in a conversation is found wherever it stands in it."""

import time

import pytest
from presidio_analyzer import RecognizerResult

from flows.redact import Redacted, redact_messages
from flows.redact.detect import Span
from flows.redact.repeats import carried_values, find_repeats
from tests.flows.redact.test_stage import messages_of


@pytest.mark.parametrize(
    ("value", "entity_type", "carried"),
    [
        ("Tomasz Wrzeszcz", "PERSON", {"Tomasz": "PERSON", "Wrzeszcz": "PERSON"}),
        ("Tomasz", "PERSON", {"Tomasz": "PERSON"}),  # in a list of names
        ("Zworxel", "PERSON", {}),  # in none, and alone
        ("Mark Will", "PERSON", {}),  # common words
        ("NCA-204417", "ID_NUMBER", {"NCA-204417": "ID_NUMBER"}),
        ("A-12", "ID_NUMBER", {}),
        ("a@b.io", "EMAIL_ADDRESS", {}),  # found everywhere anyway
    ],
)
def test_values_that_are_looked_for_elsewhere(value, entity_type, carried):
    assert carried_values(f"x {value} y", [Span(2, 2 + len(value), entity_type, 1.0)]) == carried


def test_repeats_are_whole_words_in_any_letters_outside_of_what_is_known():
    text = "tomasz, Tomaszek and TOMASZ; Tomasz!"
    found = find_repeats(text, {"Tomasz": "PERSON"}, [Span(29, 35, "PERSON", 1.0)])
    assert [text[span.start : span.end] for span in found] == ["tomasz", "TOMASZ"]
    assert find_repeats(text, {}, []) == []
    assert find_repeats("x (a.b*c) y", {"(a.b*c)": "USERNAME"}, [])[0].start == 2


@pytest.fixture
def redact(analyzer, settings):
    def one(*texts: str) -> Redacted:
        return redact_messages(
            messages_of({1: list(texts)}),
            analyzer=analyzer,
            settings=settings,
            clock=time.monotonic,
        )

    return one


def test_a_badge_that_is_just_mentioned_later_is_masked_too(redact):
    texts = redact("my badge is NCA-204417, ok?", "so NCA-204417 it is").messages["text"]
    assert texts.to_list() == ["my badge is <ID_NUMBER>, ok?", "so <ID_NUMBER> it is"]


def test_repeats_carry_the_same_entity_once_more_in_neither_direction(redact):
    redacted = redact("so NCA-204417 it is", "my badge is NCA-204417, ok?", "nca-204417")
    assert "204417" not in "".join(redacted.messages["text"])
    again = redact(*redacted.messages["text"])
    assert again.messages["text"].to_list() == redacted.messages["text"].to_list()
    assert again.redactions.is_empty()


def test_offsets_of_repeats_are_those_of_the_original(redact):
    texts = ["badge NCA-204417", "ＮＣＡ, caf\u00e9 NCA-204417."]
    redacted = redact(*texts)
    spans = redacted.redactions.filter(redacted.redactions["message_index"] == 1)
    assert [texts[1][row["start"] : row["end"]] for row in spans.to_dicts()] == ["NCA-204417"]


def test_other_conversations_are_not_told(analyzer, settings):
    redacted = redact_messages(
        messages_of({1: ["my badge is NCA-204417"], 2: ["so NCA-204417 it is"]}),
        analyzer=analyzer,
        settings=settings,
        clock=time.monotonic,
    )
    assert redacted.messages["text"].to_list()[1] == "so NCA-204417 it is"


class _Needy:
    """Finds a name behind its title only, and a date behind the name only."""

    def analyze(self, text: str):
        for word, before, entity_type in (
            ("Tomasz", "Mr ", "PERSON"),
            ("1/2/1990", "Tomasz ", "DATE_OF_BIRTH"),
        ):
            at = text.find(before + word)
            if at >= 0:
                start = at + len(before)
                yield RecognizerResult(entity_type, start, start + len(word), 1.0)


def test_what_was_found_beside_a_repeat_stays_found(settings):
    redacted = redact_messages(
        messages_of({1: ["Mr Tomasz", "Tomasz 1/2/1990"]}),
        analyzer=_Needy(),
        settings=settings,
        clock=time.monotonic,
    )
    assert redacted.messages["text"].to_list() == ["Mr <PERSON>", "<PERSON> <DATE_OF_BIRTH>"]
