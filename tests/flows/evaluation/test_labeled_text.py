"""Which rows of a file are labeled texts, and where their spans lie."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.evaluation.entity_types import our_type
from flows.evaluation.labeled_text import _find_labels, _occurrences, read_labeled_texts
from flows.settings import SettingsError

CANARY = "Quagga Okapi"


@pytest.fixture
def read(tmp_path):
    def read(*rows, as_array=False):
        path = tmp_path / "labeled.jsonl"
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text(f"[{','.join(lines)}]" if as_array else "\n".join(lines))
        return read_labeled_texts([path])

    return read


def spans_of(texts, number=0):
    conversation = texts.conversations[number]
    return [
        (span.message_index, conversation.messages[span.message_index][1][span.start : span.end],
         span.entity_type)
        for span in conversation.spans
    ]  # fmt: skip


def chat(*contents, pii):
    return {"messages": [{"role": "user", "content": text} for text in contents], "pii": pii}


GOOD = chat("hi", pii=[])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"text": "🙂 Ana, a@b.io", "spans": [{"start": 2, "end": 5, "entity_type": "PER"},
                                              {"start": 7, "end": 13, "entity_type": "Email"}]},
         [(0, "Ana", "PERSON"), (0, "a@b.io", "EMAIL_ADDRESS")]),
        ({"text": "Ana", "spans": [{"start": 0, "end": 3, "type": "first name"}] * 2},
         [(0, "Ana", "PERSON")]),
        ({"full_text": "in Oslo", "spans": [{"entity_type": "GPE", "entity_value": "Oslo",
                                             "start_position": 3, "end_position": 7}]},
         [(0, "Oslo", "LOCATION")]),
        (chat("Ana Ruiz? Ana!", "ana, Anatole and Ana", pii=[
            {"text": "Ana", "type": "PERSON"}, {"text": "Ana Ruiz", "type": "PERSON"}]),
         [(0, "Ana Ruiz", "PERSON"), (0, "Ana", "PERSON"), (1, "Ana", "PERSON")]),
        (chat("xAnax", pii=[{"text": "Ana", "type": "PERSON"}]), [(0, "Ana", "PERSON")]),
        (chat("電話は090-1111-2222です。山田さん", pii=[
            {"text": "090-1111-2222", "type": "PHONE_NUMBER"}, {"text": "山田", "type": "PERSON"}]),
         [(0, "090-1111-2222", "PHONE_NUMBER"), (0, "山田", "PERSON")]),
        (chat("aa aaa", pii=[{"text": "aa", "type": "X"}]), [(0, "aa", "X")]),
        (chat(pii=[]), []),
        (GOOD, []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_array", [False, True])
def test_every_form_says_where_its_spans_are(row, expected, as_array, read):
    assert spans_of(read(row, as_array=as_array)) == expected


@given(st.text("ab ", max_size=12), st.sets(st.text("ab", min_size=1, max_size=3), max_size=5))
def test_what_is_left_is_in_no_longer_labeled_string(text, labels):
    labels = {label for label in labels if label in text}
    row = chat(text, text[1:] + "b ab", pii=[{"text": label, "type": "X"} for label in labels])
    messages = [("user", message["content"]) for message in row["messages"]]
    everywhere = [span for label in labels for span in _occurrences(messages, label, "X")]
    assert sorted(_find_labels(messages, row["pii"])) == sorted(
        span for span in everywhere
        if not any(
            (one.message_index, one.start <= span.start, span.end <= one.end)
            == (span.message_index, True, True)
            for one in everywhere if one != span
        )
    )  # fmt: skip


def test_many_occurrences_take_no_time_squared(read):
    begin = time.monotonic()
    labels = [{"text": label, "type": "PERSON"} for label in ("Ana", "Ruiz")]
    texts = read(chat("Ana Ruiz, " * 30_000, pii=labels))
    assert len(texts.conversations[0].spans) == 60_000
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ('{"text": "' + CANARY, "malformed_json"),
        ("null", "malformed_json"),
        (f'"{CANARY}"', "no_object"),
        ({"content": CANARY}, "unknown_form"),
        ({"text": 7, "spans": []}, "malformed_text"),
        ('{"text": "\\ud800", "spans": []}', "undecodable_text"),
        ({"text": CANARY}, "malformed_label"),
        ({"text": CANARY, "spans": [CANARY]}, "malformed_label"),
        ({"text": CANARY, "spans": [{"start": 0, "end": 3}]}, "malformed_label"),
        ({"text": CANARY, "spans": [{"start": 0, "end": 3, "type": "é"}]}, "malformed_label"),
        ({"text": CANARY, "spans": [{"start": "0", "end": 3, "type": "X"}]}, "malformed_label"),
        ({"text": CANARY, "spans": [{"start": False, "end": 3, "type": "X"}]}, "malformed_label"),
        *(({"text": CANARY, "spans": [{"start": start, "end": end, "type": "X"}]}, rule)
          for start, end, rule in [
              (-1, 3, "label_out_of_place"), (3, 3, "label_out_of_place"),
              (0, 13, "label_out_of_place"), (6, 7, "label_out_of_place")]),
        ({"full_text": CANARY, "spans": [{"entity_type": "PERSON", "entity_value": "Okapi",
                                          "start_position": 0, "end_position": 5}]},
         "label_out_of_place"),
        ({"messages": CANARY, "pii": []}, "malformed_message"),
        ({"messages": [{"role": "user", "content": [CANARY]}], "pii": []}, "malformed_text"),
        ({"messages": []}, "malformed_label"),
        (chat(CANARY, pii=[{"text": "okapi", "type": "PERSON"}]), "label_out_of_place"),
        (chat(CANARY, pii=[{"text": " ", "type": "PERSON"}]), "label_out_of_place"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_is_counted_by_rule(row, rule, read):
    texts = read(GOOD, row)
    assert texts.malformed == {rule: 1}
    assert [conversation.row for conversation in texts.conversations] == [1]


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "en"), ("pt-BR", "pt"), ("ZH_Hant", "zh"), (CANARY, None), (7, None), (None, None)],
)
def test_a_language_is_a_code_or_nothing(language, expected, read):
    assert read({**GOOD, "language": language}).conversations[0].language == expected


def test_files_are_read_one_after_the_other_and_directories_by_name(tmp_path):
    for name in ("b.jsonl", "a.json", "notes.txt"):
        (tmp_path / name).write_text(json.dumps(GOOD))
    found = read_labeled_texts([tmp_path, tmp_path / "notes.txt"]).conversations
    assert [one.source for one in found] == ["a.json", "b.jsonl", "notes.txt"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot read"),
        (b"\xff", "not UTF-8"),
        (b"[1", "JSON array"),
        (b"", "no rows"),
        (f'{{"text": "{CANARY}"}}'.encode(), "malformed_label"),
    ],
)
def test_what_holds_no_labeled_text_is_a_wrong_argument(content, problem, tmp_path):
    path = tmp_path / "labeled.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=problem) as raised:
        read_labeled_texts([path])
    assert "Okapi" not in str(raised.value)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("LOCATION_ADDRESS", "ADDRESS"), ("street address", "ADDRESS"), ("API_KEY", "SECRET"),
        ("Password", "SECRET"), ("DOMAIN_NAME", "URL"), ("GPE", "LOCATION"),
        ("ID_NUMBER", "ID_NUMBER"), ("US_DRIVER_LICENSE", "NATIONAL_ID"),
        ("DATE_OF_BIRTH", "DATE_OF_BIRTH"), ("flight-number", "FLIGHT_NUMBER"),
        ("a: b", None), ("x" * 41, None), ("", None),
    ],
)  # fmt: skip
def test_type_names_are_read_as_ours_or_as_they_are(theirs, ours):
    assert our_type(theirs) == ours
