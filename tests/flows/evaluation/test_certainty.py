"""Calibration and risk-coverage, against the definitions in plain Python."""

import random

import pytest

from flows.evaluation.certainty import calibrate, weigh_risk
from flows.evaluation.judged import Judged, Labeled
from flows.label_file import Label


def answer(certainty, is_right, pattern="learning"):
    row = {"conversation_id": "a", "pattern": pattern if is_right else "directive"}
    known = {} if certainty is None else {"pattern": certainty}
    return Labeled(Judged(row, known), Label(conversation_id="a", pattern="learning"), {})


ABSTAINED = Labeled(
    Judged({"conversation_id": "a", "pattern": None}, {"pattern": 0.3}),
    Label(conversation_id="a", pattern="learning"),
    {},
)


def drawn(seed, levels):
    generator = random.Random(seed)
    answers = [(generator.randrange(1, levels) / levels, generator.random()) for _ in range(60)]
    return [(certainty, luck < certainty) for certainty, luck in answers]


@pytest.mark.parametrize(("seed", "levels"), [(1, 1_000), (2, 10), (3, 4)])
def test_calibration_agrees_with_its_definition(seed, levels):
    answers = drawn(seed, levels)
    found = calibrate([answer(*pair) for pair in answers], "pattern")
    error = 0.0
    for number in range(10):
        inside = [pair for pair in answers if number <= pair[0] * 10 < number + 1]
        if inside:
            certainty = sum(c for c, _ in inside) / len(inside)
            accuracy = sum(right for _, right in inside) / len(inside)
            error += abs(certainty - accuracy) * len(inside) / 60
            (shown,) = (b for b in found.bins if b.low == number / 10)
            assert (shown.count, shown.certainty) == (len(inside), pytest.approx(certainty))
            assert shown.accuracy == pytest.approx(accuracy)
    assert found.n == sum(b.count for b in found.bins) == 60
    assert found.expected_calibration_error == pytest.approx(error)
    brier = sum((certainty - right) ** 2 for certainty, right in answers) / 60
    assert found.brier_score == pytest.approx(brier)


def test_area_under_risk_and_coverage_agrees_with_its_definition():
    answers = sorted(drawn(1, 100_000), reverse=True)
    found = weigh_risk([answer(*pair) for pair in reversed(answers)] + [ABSTAINED] * 20, "pattern")
    errors = [
        sum(not right for _, right in answers[:kept]) / kept for kept in range(1, len(answers) + 1)
    ]
    assert found.area == pytest.approx(sum(errors) / len(errors))
    assert [point.error for point in found.points] == pytest.approx(errors)
    coverages = [kept / 80 for kept in range(1, 61)]
    assert [point.coverage for point in found.points] == pytest.approx(coverages)


def test_answers_of_equal_certainty_count_with_the_mean_over_their_orders():
    answers = [(0.9, True), (0.5, True), (0.5, False), (0.5, True), (0.2, False)]
    areas = []
    for seed in range(4_000):
        order = list(answers)
        random.Random(seed).shuffle(order)
        order.sort(key=lambda pair: -pair[0])
        errors = [sum(not r for _, r in order[:kept]) / kept for kept in range(1, 6)]
        areas.append(sum(errors) / 5)
    found = weigh_risk([answer(*pair) for pair in answers], "pattern")
    assert found.area == pytest.approx(sum(areas) / len(areas), abs=0.005)
    assert [point.coverage for point in found.points] == [0.2, 0.8, 1.0]


def test_many_answers_are_shown_by_a_hundred_points_with_both_ends():
    pairs = [(number / 1_000, number % 3 == 0) for number in range(1, 501)]
    points = weigh_risk([answer(*pair) for pair in pairs], "pattern").points
    assert (len(points), points[0].certainty, points[-1].coverage) == (100, 0.5, 1.0)


def test_abstentions_and_unknown_certainties_are_no_answers():
    rows = [ABSTAINED, answer(None, True)]
    assert (calibrate(rows, "pattern").n, weigh_risk(rows, "pattern").area) == (0, None)
    assert calibrate([*rows, answer(1.0, True)], "pattern").bins[0].low == 0.9
