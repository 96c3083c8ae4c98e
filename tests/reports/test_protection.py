from typing import Any

import pytest

from reports.sections import protection

RELEASE = {
    "account_unit": "account",
    "conversation_floor": 15,
    "account_floor": 5,
    "rounding_base": 10,
    "account_conversation_limit": 10,
    "account_task_limit": 1,
    "disclosure_mode": "rounding",
}
UNKNOWN = {"account_unit": "unknown", "account_floor": None, "conversation_floor": 75}
FOUND = {
    "attacked_figures": 5_212.0,
    "wanted_interval": 9.0,
    "narrowest_interval": 9.28,
    "rounding_reach": 10.0,
    "removed_conversations": 230.0,
    "removed_share": 0.04,
    "complementary_cells": 1.0,
}


def answers(found: dict[str, float], **release: Any) -> dict[str, list[dict[str, Any]]]:
    rows = [{"measure": name, "value": value} for name, value in found.items()]
    return {"releases": [RELEASE | release], "disclosure": rows}


@pytest.mark.parametrize(
    ("floor", "base", "multiple", "is_drawn"),
    [
        (15, 10, 20, True),
        (20, 10, 20, False),
        (21, 10, 30, True),
        (15, 25, 25, True),
        (15, 1, 15, False),
    ],
)
def test_the_floor_is_told_and_what_the_rounding_does_above_it(
    floor: int, base: int, multiple: int, is_drawn: bool
) -> None:
    words = protection.floor_words(RELEASE | {"conversation_floor": floor, "rounding_base": base})
    assert f"shown from {floor} conversations on" in words
    of_draw = f"under {multiple}, the next multiple of {base}, a draw with a secret key"
    assert (of_draw in words) == is_drawn
    assert "at least 5 accounts" in words
    told = answers(FOUND, conversation_floor=floor, rounding_base=base)
    assert f"no cluster is shown that is of fewer than {multiple}" in protection.rounding_words(
        told
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "230 conversations were over the limits and not counted: 4.0%"),
        ({"removed_conversations": 0.0}, "Rounded, no conversation was over the limits."),
        ({"removed_share": 0.0001}, "<0.1%"),
    ],
)
def test_what_the_limits_removed_is_told(changed: dict[str, float], expected: str) -> None:
    words = protection.limit_words(answers(FOUND | changed))
    assert words.startswith("Of one account, 10 conversations of 1 task are counted at most")
    assert expected in words


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "5,212 figures were attacked. The narrowest interval is 9.2 conversations wide"),
        ({}, "1 cell is withheld to protect others."),
        ({"attacked_figures": 1.0}, "1 figure was attacked."),
        ({"complementary_cells": 12.0}, "12 cells are withheld to protect others."),
    ],
)
def test_what_the_attack_found_is_told(changed: dict[str, float], expected: str) -> None:
    assert expected in protection.found_words(answers(FOUND | changed))


def test_no_interval_is_told_where_nothing_was_attacked() -> None:
    words = protection.found_words(answers(FOUND | {"attacked_figures": 0.0}))
    assert "0 figures were attacked." in words
    assert "narrowest" not in words


def test_what_is_attacked_and_what_that_promises_is_told() -> None:
    told = answers(FOUND)
    assert "each withheld unit that is made of such groups" in protection.attack_words(told)
    promised = dict(protection.promises(told))["No subtraction"]
    assert promised.endswith("counts for less than one where others share its task.")


def test_exact_figures_are_told_as_such() -> None:
    told = answers(FOUND | {"sums_known_from": 50.0}, disclosure_mode="suppression")
    assert "are exact" in protection.rounding_words(told)
    assert "50 conversations or more" in protection.attack_words(told)
    assert "shown from 15 conversations on." in protection.floor_words(told["releases"][0])
    assert "without the limits" not in protection.limit_words(told)
    promised, gaps = dict(protection.promises(told)), dict(protection.gaps(told))
    assert "No figure of the taxonomy that is withheld for its own" in promised["No subtraction"]
    assert "without limits" not in promised["No heavy user"]
    assert gaps["One conversation more"].startswith("Exact figures do not hide")


def test_nothing_is_claimed_that_a_release_does_not_say() -> None:
    silent = answers({})
    assert protection.found_words(silent).endswith("does not say what the attack found.")
    assert "over the limits" not in protection.limit_words(silent)
    assert "away from what is shown" not in protection.rounding_words(silent)
    assert "No subtraction" not in dict(protection.promises(silent))


def test_unknown_accounts_are_promised_nothing_about_accounts() -> None:
    unknown = answers(FOUND, **UNKNOWN)
    assert "nothing could be limited" in protection.limit_words(unknown)
    assert protection.rule_words(RELEASE | UNKNOWN) == protection.floor_words(RELEASE | UNKNOWN)
    promised = dict(protection.promises(unknown))
    assert "No heavy user" not in promised
    assert promised["No small figure"].endswith("fewer than 75 conversations.")
    assert "nobody knows how few people" in dict(protection.gaps(unknown))["Several accounts"]


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ({"rounding_base": 25}, "of 1 in 25, and for an account with several in it with as many"),
        ({"rounding_base": 25}, "as many times that. A conversation"),
        ({"rounding_base": 10}, "as many times that: with 10 it is certain. A conversation"),
        (UNKNOWN, "of 1 in 10. A conversation"),
    ],
)
def test_rounding_is_said_not_to_hide_one_conversation(
    release: dict[str, Any], expected: str
) -> None:
    gaps = dict(protection.gaps(answers(FOUND, **release)))
    assert expected in gaps["One conversation more"]
    assert "not differential privacy" in gaps["Differential privacy"]
