"""What was found once in a conversation is found wherever it stands in it."""

import pytest
from presidio_analyzer import RecognizerResult

from flows.redact import Redacted, redact_messages
from flows.redact.detect import Span
from flows.redact.repeats import carried_values, find_repeats
from tests.flows.redact.test_stage import messages_of


@pytest.mark.parametrize(
    ("value", "entity_type", "carried"),
    [
        ("Tomasz Wrzeszcz", "PERSON", ["tomasz", "wrzeszcz"]),
        ("Tomasz", "PERSON", ["tomasz"]),  # in a list of names
        ("Zworxel", "PERSON", []),  # in none, and alone
        ("Catherine Zworxel", "PERSON", ["catherine", "zworxel"]),
        ("Mark Will", "PERSON", []),  # common words
        ("Zwo Xu", "PERSON", ["zwo"]),  # two letters are too few
        ("王小明", "PERSON", ["王 小 明"]),
        ("小明", "PERSON", []),
        ("김민준", "PERSON", ["김 민 준"]),
        ("NCA-204417", "ID_NUMBER", ["nca - 204417"]),
        ("A-123", "ID_NUMBER", ["a - 123"]),
        ("A-12", "ID_NUMBER", []),
        ("Ｑ７７１２", "NATIONAL_ID", ["q7712"]),
        ("zwo.rx", "USERNAME", ["zwo . rx"]),
        ("manager", "USERNAME", []),  # a common word
        ("address", "SECRET", []),
        ("KA-ZX 12", "LICENSE_PLATE", ["ka - zx 12"]),
        ("a@b.io", "EMAIL_ADDRESS", []),  # found everywhere anyway
    ],
)
def test_values_that_are_looked_for_elsewhere(value, entity_type, carried):
    found = carried_values(f"x {value} y", [Span(2, 2 + len(value), entity_type, 1.0)])
    assert found == {tuple(words.split()): entity_type for words in carried}


def repeats(text: str, *values: str, known: tuple[Span, ...] = ()) -> list[str]:
    found = find_repeats(text, {tuple(value.split()): "SECRET" for value in values}, known)
    return [text[span.start : span.end] for span in found]


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("tomasz, Tomaszek, xTomasz and TOMASZ", "tomasz", ["tomasz", "TOMASZ"]),
        ("x (a.b*c) y", "( a . b * c )", ["(a.b*c)"]),
        ("so NCA\u2011204417, NCA\u2013204417 and ＮＣＡ-204417", "nca - 204417", 3),
        ("Ｔｏｍａｓｚ, To\u200bmasz, To&shy;masz", "tomasz", 3),
        ("Jose\u0301 and Jos\xe9", "jos\xe9", 2),
        ("İBRAHIM moved", "ibrahim", ["İBRAHIM"]),
        ("我是王小明吗", "王 小 明", ["王小明"]),
        ("저는 김민준입니다", "김 민 준", ["김민준"]),
        ("lives at <ADDRESS>; hello <PERSON>", "address", []),
        ("hello person", "person", ["person"]),
    ],
)
def test_a_value_is_found_however_it_is_written(text, value, found):
    assert len(repeats(text, value)) == (found if isinstance(found, int) else len(found))
    if isinstance(found, list):
        assert repeats(text, value) == found


def test_the_longer_value_is_taken_and_what_is_known_is_left_out():
    text = "see NCA-204417-B or NCA-204417"
    assert repeats(text, "nca - 204417", "nca - 204417 - b") == ["NCA-204417-B", "NCA-204417"]
    assert repeats(text, "nca - 204417", known=(Span(4, 8, "URL", 1.0),)) == ["NCA-204417"]
    assert repeats(text, "nca - 204417", known=(Span(15, 19, "URL", 1.0),)) == ["NCA-204417"] * 2
    assert repeats(text) == []


@pytest.fixture
def redact(analyzer, settings):
    def one(*texts: str) -> Redacted:
        return redact_messages(messages_of({1: list(texts)}), analyzer=analyzer, settings=settings)

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


def test_hundreds_of_values_are_all_looked_for(analyzer, settings):
    badges = [f"NCA-{number:06}" for number in range(100_000, 100_600)]
    texts = [*(f"my badge is {badge}" for badge in badges), " and ".join(badges)]
    redacted = redact_messages(
        messages_of({1: texts}), analyzer=analyzer, settings=settings, clock=lambda: 0.0
    )
    assert redacted.rejects.is_empty()
    assert "NCA" not in "".join(redacted.messages["text"])


def test_looking_for_repeats_is_within_the_time_of_a_conversation(analyzer, settings):
    seconds = iter(range(1_000))  # a second passes each time the clock is asked
    redacted = redact_messages(
        messages_of({1: ["my badge is NCA-204417", "so NCA-204417 it is"]}),
        analyzer=_Needy(),
        settings=settings.model_copy(update={"timeout_seconds": 10.0}),
        clock=lambda: float(next(seconds)),
    )
    assert redacted.rejects.is_empty()
    redacted = redact_messages(
        messages_of({1: [f"message {number}" for number in range(4)]}),
        analyzer=_Needy(),
        settings=settings.model_copy(update={"timeout_seconds": 10.0}),
        clock=lambda: float(next(seconds)),
    )
    assert redacted.rejects["rule"].to_list() == ["redaction_timeout"]


def test_offsets_of_repeats_are_those_of_the_original(redact):
    texts = ["badge NCA-204417", "ＮＣＡ, caf\u00e9 ＮＣＡ-204417."]
    redacted = redact(*texts)
    spans = redacted.redactions.filter(redacted.redactions["message_index"] == 1)
    assert [texts[1][row["start"] : row["end"]] for row in spans.to_dicts()] == ["ＮＣＡ-204417"]


def test_other_conversations_are_not_told(analyzer, settings):
    redacted = redact_messages(
        messages_of({1: ["my badge is NCA-204417"], 2: ["so NCA-204417 it is"]}),
        analyzer=analyzer,
        settings=settings,
    )
    assert redacted.messages["text"].to_list()[1] == "so NCA-204417 it is"


class _Needy:
    """Finds a name behind its title only, and a date behind the name only."""

    def analyze(self, text: str, _):
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
        messages_of({1: ["Mr Tomasz", "Tomasz 1/2/1990"]}), analyzer=_Needy(), settings=settings
    )
    assert redacted.messages["text"].to_list() == ["Mr <PERSON>", "<PERSON> <DATE_OF_BIRTH>"]
