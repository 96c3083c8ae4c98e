"""Training: what is fitted does what it says, on small invented examples."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.sparse import csr_matrix
from transformers import BertConfig, BertModel

from flows.train import encoder
from flows.train.encoder import Pairs, adapt_encoder, save_layers
from flows.train.examples import is_held_out
from flows.train.heads import Task, fit_head, fit_head_once, fit_temperature, softmax
from flows.train.ranker import fit_ranker
from flows.train.report import judge_quality
from onet.search import FEATURES
from taxonomy.classifiers import Head, head_probabilities
from taxonomy.training import written_conversations

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


def test_a_head_of_many_labels_is_calibrated_on_what_it_has_not_seen() -> None:
    vectors = RANDOM.normal(size=(600, 3)).astype(np.float32)
    answers = [f"g{row.argmax()}" for row in vectors]
    noisy = [RANDOM.choice(["g0", "g1", "g2"]) if RANDOM.random() < 0.5 else a for a in answers]
    task = Task(("g0", "g1", "g2"), ("turns",), regularization=100.0)
    fitted = fit_head_once(
        task,
        {"turns": vectors[:400]},
        answers[:400],
        np.ones(400),
        ({"turns": vectors[400:]}, noisy[400:]),
    )
    assert fitted.out_of_fold.shape == (200, 3)
    sure = fitted.out_of_fold.max(axis=1)
    assert sure.mean() == pytest.approx(2 / 3, abs=0.1)  # a third of the noisy ones is right


def test_the_held_out_tenth_is_the_same_in_every_build() -> None:
    share = np.mean([is_held_out(written) for written in written_conversations()[:5_000]])
    assert 0.08 < share < 0.12
    first = written_conversations()[0]
    assert is_held_out(first) == is_held_out(replace(first, rule="another"))


def test_the_temperature_of_scores_that_are_too_sure_is_found() -> None:
    scores = RANDOM.normal(size=(5_000, 3))
    target = np.array([RANDOM.choice(3, p=row) for row in softmax(scores)])
    found = fit_temperature(scores * 4.0, target, np.ones(len(target)))
    assert found == pytest.approx(4.0, rel=0.1)


def test_quality_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.35, 0.65], [0.65, 0.35]])
    head = Head(
        ("x", "y"), (), np.zeros((2, 0), np.float32), np.zeros(2, np.float32), 1.0, (0.7, 0)
    )
    quality = judge_quality(head, probabilities, ["x", "y", "y", "x"], np.ones(4))
    assert quality.accuracy == 0.75
    (low, high) = quality.reliability
    assert low == pytest.approx((0.65, 1.0, 2))
    assert high == pytest.approx((0.95, 0.5, 2))
    assert quality.calibration_error == pytest.approx((0.35 * 2 + 0.45 * 2) / 4)
    assert quality.recalls == {"x": (0.5, 2), "y": (0.5, 2)}  # the last is below its threshold
    against = judge_quality(head, probabilities, ["x", "y", "y", "x"], np.ones(4), against="y")
    assert against.recalls == {"x": (0.5, 2), "y": (0.5, 2)}
    rest = judge_quality(head, probabilities, ["x", "y", "y", "x"], np.ones(4), against="x")
    assert rest.recalls == {"x": (0.0, 2), "y": (1.0, 2)}  # y is said from 0 on
    weighed = judge_quality(head, probabilities, ["x", "y", "y", "x"], np.array([3.0, 1, 1, 1]))
    assert weighed.accuracy == pytest.approx(5 / 6)
    assert weighed.calibration_error == pytest.approx((0.2 * 4 + 0.35 * 2) / 6)


def test_the_ranker_finds_the_feature_that_tells() -> None:
    features = {name: RANDOM.normal(size=(200, 30)).astype(np.float32) for name in FEATURES}
    accepted = features["activity"] == features["activity"].max(axis=1, keepdims=True)
    weights = fit_ranker(features, accepted, np.ones(200))
    assert max(weights, key=lambda name: weights[name]) == "activity"
    others = [abs(weight) for name, weight in weights.items() if name != "activity"]
    assert weights["activity"] > 5 * max(others)


def test_the_ranker_takes_any_accepted_task_and_heeds_weights() -> None:
    features = {name: RANDOM.normal(size=(200, 30)).astype(np.float32) for name in FEATURES}
    by = {name: values == values.max(axis=1, keepdims=True) for name, values in features.items()}
    heavy = np.where(np.arange(200) < 100, 1.0, 1e-6)
    of_half = np.where(heavy[:, np.newaxis] == 1.0, by["minor"], by["request"])
    weights = fit_ranker(features, of_half, heavy)
    assert max(weights, key=lambda name: weights[name]) == "minor"
    either = fit_ranker(features, by["minor"] | by["request"], np.ones(200))
    assert max(either, key=lambda name: either[name]) in {"minor", "request"}


class _Words:
    """A tokenizer of invented words."""

    def __call__(self, texts, **_):
        return {"input_ids": [[1, *(int(word) for word in text.split()), 2] for text in texts]}


def test_what_else_describes_a_request_is_no_negative_of_it(monkeypatch) -> None:
    vectors = {"asked": [1.0, 0.0], "own": [0.6, 0.8], "other": [0.8, 0.6]}
    monkeypatch.setattr(
        encoder, "_unit_vectors", lambda _, rows: torch.tensor([vectors[row] for row in rows])
    )
    silent = torch.nn.ModuleDict({name: torch.nn.Linear(2, 2) for name in ("group", "activity")})
    for parameter in silent.parameters():
        torch.nn.init.zeros_(parameter)

    def loss(accepted: list[list[bool]]) -> float:
        requests, statements = ["asked", "asked"], ["own", "other"]
        pairs = Pairs(requests, np.arange(2), csr_matrix(accepted), statements, np.zeros(2, int),
                      2, csr_matrix(np.eye(2)))  # fmt: skip
        with torch.no_grad():
            return float(encoder._loss(None, silent, requests, statements, pairs, np.arange(2)))

    alone = loss([[True, False], [False, True]])
    both = loss([[True, True], [True, True]])
    # the first request is nearer to the other statement, by 0.2 / 0.05
    negatives = np.log1p(np.exp(4.0)) / 2 + np.log1p(np.exp(-4.0)) / 2
    assert alone - both == pytest.approx(negatives, rel=1e-4)


def test_the_layers_learn_to_bring_pairs_together_and_words_stay(tmp_path, monkeypatch) -> None:
    torch.manual_seed(0)
    config = BertConfig(vocab_size=60, hidden_size=32, num_hidden_layers=5, num_attention_heads=2,
                        intermediate_size=64, hidden_dropout_prob=0.0)  # fmt: skip
    model = BertModel(config)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    requests = [f"{10 + k} {10 + k} {3 + k % 5}" for k in range(20)]
    statements = [f"{35 + k} {35 + k}" for k in range(20)]
    activities = csr_matrix(np.eye(10)[np.arange(20) // 2])
    own = csr_matrix(np.eye(20, dtype=bool))
    pairs = Pairs(requests, np.arange(20), own, statements, np.arange(20) % 4, 4, activities)

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
        name for name, value in model.state_dict().items() if not torch.equal(value, before[name])
    }
    assert changed
    assert all(name.startswith("encoder.layer.") for name in changed)
    save_layers(model, tmp_path / "layers.safetensors", base_sha256="ab" * 32)
    assert set(load_file(tmp_path / "layers.safetensors")) >= changed
