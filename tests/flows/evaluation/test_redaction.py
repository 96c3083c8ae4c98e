"""What of labeled spans is left, and what else is masked, counted by hand."""

import time

import pytest
from scipy.stats import binomtest

from flows.evaluation.labeled_text import LabeledConversation, LabeledTexts, TypedSpan
from flows.evaluation.redaction import TOTALS, Masked, Miss, evaluate_redaction
from flows.evaluation.scores import Metric, wilson

KNOWN = frozenset({"PERSON", "EMAIL_ADDRESS", "SECRET"})


def conversation(text, *labels, language=None, row=1):
    return LabeledConversation("f", row, language, (("user", text),), spans(*labels))


def spans(*found):
    return tuple(TypedSpan(0, *one) for one in found)


def evaluate(*pairs):
    """Pairs of a conversation and what is masked of it: spans, or a rule."""
    masked = [Masked(rejected_by=m) if isinstance(m, str) else Masked(spans(*m)) for _, m in pairs]
    texts = LabeledTexts(tuple(one for one, _ in pairs), {"malformed_json": 2})
    return evaluate_redaction(texts, masked, known_types=KNOWN)


def of(metric: Metric):
    return metric.value, metric.n


TEXT = "Ask Ana-Maria Ruiz now"  # the name lies at 4 to 18


@pytest.mark.parametrize(
    ("masked", "found", "partly", "right_type"),
    [
        ([(4, 18, "PERSON")], True, False, True),
        ([(0, 22, "SECRET")], True, False, False),
        ([(4, 7, "PERSON"), (8, 13, "SECRET"), (14, 18, "PERSON")], True, False, True),
        ([(4, 17, "PERSON")], False, True, False),
        ([(7, 8, "PERSON")], False, True, False),
        ([(0, 4, "PERSON"), (18, 22, "PERSON")], False, False, False),
        ([], False, False, False),
    ],
)
def test_a_label_is_found_when_no_letter_or_digit_of_it_is_left(masked, found, partly, right_type):
    evaluation, misses = evaluate((conversation(TEXT, (4, 18, "PERSON")), masked))
    metrics = evaluation.metrics
    for figure, verdict in {"recall": found, "partly": partly, "right_type": right_type}.items():
        assert of(metrics[f"{figure}_PERSON"]) == of(metrics[f"{figure}_all"]) == (verdict, 1)
    assert of(metrics["recall_person"]) == (found, 1)
    assert of(metrics["leak_rate"]) == (not found, 1)
    assert misses == ([] if found else [Miss("f", 1, 0, 4, 18, "PERSON", partly)])


def test_many_labels_and_masked_spans_take_no_time_squared():
    begin = time.monotonic()
    names = [(place, place + 3, "PERSON") for place in range(0, 80_000, 4)]
    evaluation, _ = evaluate((conversation("Ana " * 20_000, *names), names))
    assert of(evaluation.metrics["right_type_PERSON"]) == (1.0, 20_000)
    assert time.monotonic() - begin < 15


def test_a_label_without_letters_or_digits_is_found_when_all_its_signs_are_masked():
    pair = conversation("pin: ***", (5, 8, "SECRET"))
    assert of(evaluate((pair, [(5, 7, "SECRET")]))[0].metrics["recall_SECRET"]) == (0, 1)
    assert of(evaluate((pair, [(5, 8, "SECRET")]))[0].metrics["recall_SECRET"]) == (1, 1)


def test_a_digit_that_is_left_is_a_leak_and_a_bracket_is_not():
    pair = conversation("call (0)30-71", (5, 13, "PERSON"))
    assert of(evaluate((pair, [(5, 12, "PERSON")]))[0].metrics["recall_PERSON"]) == (0, 1)
    assert of(evaluate((pair, [(6, 13, "PERSON")]))[0].metrics["recall_PERSON"]) == (1, 1)


def test_a_masked_span_is_right_when_it_touches_a_label_of_any_type():
    evaluation, _ = evaluate(
        (
            conversation("one two three four", (4, 7, "PERSON"), (8, 13, "TITLE")),
            [(0, 5, "SECRET"), (8, 13, "PERSON"), (14, 18, "PERSON")],
        )
    )
    metrics = evaluation.metrics
    assert of(metrics["precision_PERSON"]) == (0.5, 2)
    assert of(metrics["precision_SECRET"]) == (1.0, 1)
    assert of(metrics["precision_all"]) == (pytest.approx(2 / 3), 3)
    assert of(metrics["false_hits_per_1000_words"]) == (250.0, 4)
    assert of(metrics["false_hits_per_1000_words_PERSON"]) == (250.0, 4)
    assert of(metrics["false_hits_per_1000_words_SECRET"]) == (0.0, 4)


@pytest.mark.parametrize(
    ("text", "labels", "masked", "over_masked", "words"),
    [
        ("one two -- four", [], [(0, 3, "PERSON")], 1, 3),
        ("one two three", [(0, 3, "PERSON")], [(0, 13, "PERSON")], 2, 3),
        ("Ana's lamp", [(0, 3, "PERSON")], [(0, 5, "PERSON")], 0, 2),
        ("half-masked", [], [(0, 4, "PERSON")], 1, 1),
        ("山田さん", [(0, 2, "PERSON")], [(0, 3, "PERSON")], 1, 4),
        ("", [], [], None, 0),
    ],
)
def test_words_are_over_masked_where_nothing_is_labeled(text, labels, masked, over_masked, words):
    evaluation, _ = evaluate((conversation(text, *labels), masked))
    expected = None if over_masked is None else pytest.approx(over_masked / words * 1000)
    assert of(evaluation.metrics["over_masked_per_1000_words"]) == (expected, words)


def test_types_without_recognizer_are_listed_with_their_recall_and_in_no_total():
    evaluation, misses = evaluate(
        (conversation("Dr Ana", (0, 2, "TITLE"), (3, 6, "PERSON")), [(3, 6, "PERSON")]),
        (conversation("Dr", (0, 2, "TITLE")), []),
    )
    assert (evaluation.types, evaluation.not_looked_for) == ({"PERSON": 1}, {"TITLE": 2})
    assert of(evaluation.metrics["recall_TITLE"]) == (0.0, 2)
    assert of(evaluation.metrics["recall_all"]) == (1.0, 1)
    assert of(evaluation.metrics["leak_rate"]) == (0.0, 2)
    assert of(evaluation.metrics["leak_rate_of_labeled"]) == (0.0, 1)
    assert misses == []


def test_a_rejected_conversation_leaks_nothing_and_is_counted_apart():
    label = (0, 3, "PERSON")
    evaluation, misses = evaluate(
        (conversation("Ana", label), "redaction_timeout"),
        (conversation("Ana", label, row=2), []),
        (conversation("none", row=3), []),
    )
    assert (evaluation.n, evaluation.rejected) == (3, {"redaction_timeout": 1})
    assert evaluation.malformed == {"malformed_json": 2}
    assert of(evaluation.metrics["rejected_rate"]) == (pytest.approx(1 / 3), 3)
    assert of(evaluation.metrics["leak_rate"]) == (0.5, 2)
    assert of(evaluation.metrics["leak_rate_of_labeled"]) == (1.0, 1)
    assert of(evaluation.metrics["recall_PERSON"]) == (0.0, 1)
    assert [miss.row for miss in misses] == [2]


def test_everything_is_told_of_each_language_too():
    mail = (0, 6, "EMAIL_ADDRESS")
    evaluation, _ = evaluate(
        (conversation("a@b.io", mail, language="fi"), [mail]),
        (conversation("a@b.io", mail, language="hi"), []),
        (conversation("a@b.io x", mail), [(7, 8, "SECRET")]),
    )
    metrics = evaluation.metrics
    assert evaluation.languages == {"fi": 1, "hi": 1}
    assert of(metrics["recall_structured"]) == (pytest.approx(1 / 3), 3)
    for language, recall in (("fi", 1.0), ("hi", 0.0)):
        names = ("recall_structured", "recall_EMAIL_ADDRESS", "recall_all")
        assert [of(metrics[f"{name}_language_{language}"]) for name in names] == [(recall, 1)] * 3
        assert of(metrics[f"leak_rate_language_{language}"]) == (1 - recall, 1)
        assert metrics[f"over_masked_per_1000_words_language_{language}"].n == 1
    assert "precision_all_language_hi" not in metrics  # nothing was masked


def test_the_totals_are_there_without_anything_to_share():
    evaluation, _ = evaluate()
    assert evaluation.metrics == dict.fromkeys(TOTALS, Metric(None, None, None, 0))


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (3, 7), (99, 100), (1, 52_369), (5, 5)])
@pytest.mark.parametrize("per", [1, 1000])
def test_intervals_are_those_of_wilson(hits, n, per):
    metric = wilson(hits, n, per)
    interval = binomtest(hits, n).proportion_ci(method="wilson")
    assert (metric.value, metric.n) == (hits / n * per, n)
    assert (metric.low, metric.high) == pytest.approx((interval.low * per, interval.high * per))
    assert metric.low <= metric.value <= metric.high
