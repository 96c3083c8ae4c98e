"""Shares as labeled, as classified and corrected: by hand, and where the errors are known."""

import random

import pytest

from flows.evaluation.judged import Judged
from flows.evaluation.shares import count_misclassification, estimate_shares
from flows.label_file import Label


def judged(own_id, pattern, account=None, soc_major=None):
    row = {"conversation_id": own_id, "pattern": pattern, "soc_major": soc_major}
    return Judged(row, account=account)


def pairs(seed, count, unlabeled=0):
    """Directive in 3 of 10, learning in the others; a third of the directive taken for learning."""
    generator = random.Random(seed)
    found = []
    for number in range(count + unlabeled):
        truth = "directive" if generator.random() < 0.3 else "learning"
        is_missed = truth == "directive" and generator.random() < 1 / 3
        answer = "learning" if is_missed else truth
        label = Label(conversation_id=str(number), pattern=truth) if number < count else None
        found.append((judged(str(number), answer), label))
    return found


def test_classified_shares_are_off_and_corrected_ones_are_not():
    estimates = [
        estimate_shares(pairs(seed, 400, 1_600), seed=1, resamples=60)["automation"]["five"]
        for seed in range(5)
    ]
    for found in (estimate["automation"] for estimate in estimates):
        assert found.classified.value < found.labeled.value - 0.05
        assert found.corrected.value == pytest.approx(found.labeled.value, abs=0.02)
        assert found.source_classified.value == pytest.approx(0.2, abs=0.03)
        assert found.source_corrected.value == pytest.approx(0.3, abs=0.05)
        assert found.corrected.low <= found.corrected.value <= found.corrected.high
        assert (found.labeled.n, found.source_corrected.n) == (400, 2_000)
        width = found.source_corrected.high - found.source_corrected.low
        assert width > found.source_classified.high - found.source_classified.low


def test_shares_are_of_their_base():
    rows = [("directive", "directive"), ("learning", "directive"), ("none", None), ("none", "none")]
    conversations = [
        (judged(str(at), answer), Label(conversation_id=str(at), pattern=truth))
        for at, (truth, answer) in enumerate(rows)
    ]
    shares = estimate_shares(conversations, seed=1, resamples=5)["pattern"]
    found = {
        base: {
            name: (estimate.labeled.value, estimate.classified.value)
            for name, estimate in classes.items()
            if estimate.labeled.value or estimate.classified.value
        }
        for base, classes in shares.items()
    }
    assert found == {
        "five": {"directive": (0.5, 1.0), "learning": (0.5, 0.0)},
        "six": {
            "directive": (0.25, pytest.approx(2 / 3)),
            "learning": (0.25, 0.0),
            "none": (0.5, pytest.approx(1 / 3)),
        },
        "all": {
            "directive": (0.25, 0.5),
            "learning": (0.25, 0.0),
            "none": (0.5, 0.25),
            "not_classified": (0.0, 0.25),
        },
    }
    assert shares["all"]["not_classified"].corrected.value is None
    assert all(estimate.source_corrected.n == 0 for estimate in shares["five"].values())


def test_groups_are_of_what_is_occupational():
    labels = [
        Label(conversation_id="0", soc_major="15", occupational=True),
        Label(conversation_id="1", soc_major="27", occupational=True),
        Label(conversation_id="2", occupational=False),
        Label(conversation_id="3", occupational=False),
    ]
    answers = ["15", "15", "15", "none"]
    conversations = [
        (judged(label.conversation_id, None, soc_major=answer), label)
        for label, answer in zip(labels, answers, strict=True)
    ]
    groups = estimate_shares(conversations, seed=1, resamples=5)["soc_major"]["occupational"]
    values = {name: (e.labeled.value, e.classified.value) for name, e in groups.items()}
    assert values == {"15": (0.5, 1.0), "27": (0.5, 0.0)}
    counts = count_misclassification(conversations, "soc_major")
    assert counts.labels == ("15", "27", "none")
    assert counts.answers == ("15", "27", "none", "not_classified")
    assert counts.counts == ((1, 0, 0, 0), (1, 0, 0, 0), (1, 0, 1, 0))


def test_labels_of_what_is_not_occupational_alone_say_nothing_of_groups():
    label = Label(conversation_id="0", occupational=False, pattern="none")
    conversations = [(judged("0", "none", soc_major="15"), label)]
    assert count_misclassification(conversations, "soc_major") is None
    assert "soc_major" not in estimate_shares(conversations, seed=1, resamples=5)


@pytest.mark.parametrize(
    ("accounts", "expected"), [("abcd", 1.0), ("aabb", 0.5), ("aaaa", 0.25), ("aaab", 16 / 10 / 4)]
)
def test_labels_of_one_account_are_fewer_in_effect(accounts, expected):
    conversations = [
        (judged(str(at), "none", name), Label(conversation_id=str(at), pattern="none"))
        for at, name in enumerate(accounts)
    ]
    counts = count_misclassification(conversations, "pattern")
    assert counts.effective_share == pytest.approx(expected)


def test_without_labels_there_are_no_shares_and_nothing_to_correct_by():
    conversations = [(judged("0", "none"), None)]
    assert estimate_shares(conversations, seed=1, resamples=5) == {}
    assert count_misclassification(conversations, "pattern") is None
