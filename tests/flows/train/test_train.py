"""Training: what is fitted does what it says, on small invented examples."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from flows.train.encoder import FROZEN_LAYERS, Pairs, adapt_encoder
from flows.train.heads import Task, fit_head, fit_temperature, softmax
from flows.train.ranker import fit_ranker
from flows.train.report import judge_quality
from onet.search import FEATURES
from taxonomy.classifiers import head_probabilities

RANDOM = np.random.default_rng(3)


def test_a_head_learns_what_can_be_learned_and_is_weighed_to_the_prior() -> None:
    answers = RANDOM.choice(["yes", "no"], size=400, p=[0.8, 0.2]).tolist()
    blocks = RANDOM.normal(size=(400, 3))
    blocks[:, 0] += np.array([2.0 if answer == "yes" else -2.0 for answer in answers])
    task = Task(("no", "yes"), ("turns",), {"no": 0.5, "yes": 0.5})
    fitted = fit_head(task, {"turns": blocks}, answers, np.ones(400), np.arange(400))
    found = head_probabilities(fitted.head, {"turns": blocks})
    right = [
        fitted.head.labels[k] == answer for k, answer in zip(found.argmax(1), answers, strict=True)
    ]
    assert np.mean(right) > 0.95
    nothing = head_probabilities(fitted.head, {"turns": np.zeros((1, 3))})
    assert nothing[0] == pytest.approx([0.5, 0.5], abs=0.2)
    assert fitted.out_of_fold.sum(axis=1) == pytest.approx(np.ones(400))


def test_a_label_without_examples_is_never_said() -> None:
    answers = ["a", "b"] * 50
    blocks = np.array([[1.0], [-1.0]] * 50)
    fitted = fit_head(Task(("a", "b", "c"), ("turns",)), {"turns": blocks}, answers, np.ones(100),
                      np.arange(100))  # fmt: skip
    assert head_probabilities(fitted.head, {"turns": blocks})[:, 2].max() < 1e-6


def test_a_label_that_is_mostly_wrong_when_unsure_abstains() -> None:
    answers = RANDOM.choice(list("abcdefghijkl"), size=1_800).tolist()
    task = Task(tuple("abcdefghijkl"), ("turns",))
    noise = RANDOM.normal(size=(1_800, 2))
    fitted = fit_head(task, {"turns": noise}, answers, np.ones(1_800), np.arange(1_800))
    assert max(fitted.head.abstain_below) >= 0.1


def test_the_temperature_of_scores_that_are_too_sure_is_found() -> None:
    scores = RANDOM.normal(size=(5_000, 3))
    target = np.array([RANDOM.choice(3, p=row) for row in softmax(scores)])
    found = fit_temperature(scores * 4.0, target, np.ones(len(target)))
    assert found == pytest.approx(4.0, rel=0.1)


def test_quality_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.35, 0.65], [0.65, 0.35]])
    quality = judge_quality(("x", "y"), probabilities, ["x", "y", "y", "x"])
    assert quality.accuracy == 0.75
    (low, high) = quality.reliability
    assert low == pytest.approx((0.65, 1.0, 2))
    assert high == pytest.approx((0.95, 0.5, 2))
    assert quality.calibration_error == pytest.approx((0.35 * 2 + 0.45 * 2) / 4)
    assert quality.recalls == {"x": (1.0, 2), "y": (0.5, 2)}


def test_the_ranker_finds_the_feature_that_tells() -> None:
    features = {name: RANDOM.normal(size=(200, 30)).astype(np.float32) for name in FEATURES}
    tasks = np.array([row.argmax() for row in features["activity"]])
    weights = fit_ranker(features, tasks)
    assert max(weights, key=lambda name: weights[name]) == "activity"
    others = [abs(weight) for name, weight in weights.items() if name != "activity"]
    assert weights["activity"] > 5 * max(others)


class _Words:
    """A tokenizer of invented words."""

    def __call__(self, texts, **_):
        return {"input_ids": [[1, *(int(word) for word in text.split()), 2] for text in texts]}


def test_the_upper_layers_learn_to_bring_pairs_together_and_the_lower_stay(monkeypatch) -> None:
    torch.manual_seed(0)
    config = BertConfig(vocab_size=60, hidden_size=32, num_hidden_layers=5, num_attention_heads=2,
                        intermediate_size=64, hidden_dropout_prob=0.0)  # fmt: skip
    model = BertModel(config)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    requests = [f"{10 + k} {10 + k} {3 + k % 5}" for k in range(20)]
    statements = [f"{35 + k} {35 + k}" for k in range(20)]
    pairs = Pairs(requests, np.arange(20), statements, np.arange(20, dtype=np.int64) % 4, 4)

    def hits() -> float:
        def vectors(texts):
            rows = [torch.tensor([[1, *map(int, text.split()), 2]]) for text in texts]
            with torch.no_grad():
                states = [model(row).last_hidden_state.mean(1)[0] for row in rows]
            return torch.nn.functional.normalize(torch.stack(states), dim=-1)

        nearest = (vectors(requests[:20]) @ vectors(statements).T).argmax(1)
        return float((nearest == torch.arange(20)).float().mean())

    untrained = hits()
    for name, value in {"_EPOCHS": 40, "_BATCH": 20, "_LEARNING_RATE": 3e-3}.items():
        monkeypatch.setattr(f"flows.train.encoder.{name}", value)
    adapt_encoder(model, _Words(), pairs, seed=1)
    assert hits() > untrained + 0.3
    changed = {
        int(name.split(".")[2])
        for name, value in model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed == set(range(FROZEN_LAYERS, 5))
