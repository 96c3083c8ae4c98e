from typing import Any

import pytest

from reports.sections import noise
from reports.sections.told import is_noisy, tell

RELEASE = {
    "disclosure_mode": "dp",
    "account_unit": "account",
    "conversation_floor": 15,
    "account_floor": None,
    "rounding_base": 1,
    "account_conversation_limit": 2,
    "account_task_limit": 1,
    "epsilon": 1.0,
    "epsilon_spent": 3.0,
    "epsilon_total": 4.0,
}
FOUND = {"measured_cells": 11_487.0, "noise_scale": 8.0}


def answers(**release: Any) -> dict[str, list[dict[str, Any]]]:
    rows = [{"measure": name, "value": value} for name, value in FOUND.items()]
    return {"releases": [RELEASE | release], "disclosure": rows}


def all_words(told: object) -> str:
    return str(vars(told))


@pytest.mark.parametrize(
    ("epsilon", "times", "sure"),
    [(0.1, "1.1 times", "52.498%"), (1.0, "2.7 times", "73.106%"), (10.0, "22,026.5", "99.995%")],
)
def test_epsilon_is_told_as_odds_and_as_how_sure_one_can_become(
    epsilon: float, times: str, sure: str
) -> None:
    presence = dict(noise.promises(answers(epsilon=epsilon)))["Nobody's presence"]
    assert times in presence
    assert sure in presence


def test_the_budget_is_told_with_what_is_spent() -> None:
    assert "cost epsilon 1." in noise.budget_words(RELEASE)
    assert "3 is spent, of 4 at most" in noise.budget_words(RELEASE)
    gaps = dict(noise.gaps(answers()))
    assert "their sum, 3 so far" in gaps["Several quarters"]
    assert "20.1 times as likely" in gaps["Several quarters"]


def test_what_of_an_account_is_counted_is_told() -> None:
    words = noise.limit_words(RELEASE)
    assert "2 conversations of 1 task are counted at most, and one of each task" in words


def test_the_noise_is_told_as_far_as_the_release_says_it() -> None:
    words = noise.noise_words(answers())
    assert "11,487 of them" in words
    assert "of scale 8 conversations" in words
    silent = noise.noise_words(answers() | {"disclosure": []})
    assert "of them" not in silent
    assert "of scale" not in silent


def test_neither_mode_is_told_in_the_words_of_the_other() -> None:
    noisy, rounded = tell(answers()), tell(answers(disclosure_mode="rounding", account_floor=5))
    assert is_noisy(RELEASE)
    assert "multiples" not in all_words(noisy)
    assert "attack" not in all_words(noisy)
    assert "p% rule" not in all_words(noisy)
    assert "have noise" not in all_words(rounded)
    assert "epsilon" not in all_words(rounded)
    assert "not differential privacy" in all_words(rounded)
