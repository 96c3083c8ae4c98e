"""Heads: probabilities by the formula, and files that are refused when they do not fit."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from scipy.sparse import csr_matrix

from taxonomy.classifiers import (
    ENCODER_FILE,
    HEADS_FILE,
    ClassifierError,
    Head,
    decide,
    head_probabilities,
    load_classifiers,
    save_classifiers,
)
from taxonomy.constitution import constitution_version

RANDOM = np.random.default_rng(5)
HEAD = Head(
    labels=("a", "b", "c"),
    blocks=(("dense", 4), ("sparse", 2)),
    weight=RANDOM.normal(size=(3, 6)).astype(np.float16).astype(np.float32),
    bias=RANDOM.normal(size=3).astype(np.float32),
    temperature=1.7,
    abstain_below=(0.0, 0.4, 0.5),
)
FEATURES = {"dense": RANDOM.normal(size=(5, 4)), "sparse": csr_matrix(np.eye(5, 2))}


def test_probabilities_are_the_softmax_of_the_scores_by_temperature() -> None:
    matrix = np.hstack([FEATURES["dense"], FEATURES["sparse"].toarray()])
    for row, found in zip(matrix, head_probabilities(HEAD, FEATURES), strict=True):
        odds = [np.exp((row @ HEAD.weight[k] + HEAD.bias[k]) / 1.7) for k in range(3)]
        assert found == pytest.approx([odd / sum(odds) for odd in odds])


@pytest.mark.parametrize("features", [{}, {"dense": np.zeros((2, 3))}])
def test_a_missing_or_narrow_block_is_refused(features: dict[str, np.ndarray]) -> None:
    with pytest.raises(ClassifierError, match="dense must have 4 columns"):
        head_probabilities(HEAD, features)


CERTAINTIES = np.array([[0.5, 0.3, 0.2], [0.3, 0.39, 0.31], [0.2, 0.2, 0.6], [0.1, 0.42, 0.48]])


def test_the_most_probable_label_is_said_where_it_reaches_its_threshold() -> None:
    labels, probability = decide(HEAD, CERTAINTIES)
    assert labels == ["a", None, "c", None]
    assert probability == pytest.approx([0.5, 0.39, 0.6, 0.48])


def test_against_a_label_all_others_are_weighed_together() -> None:
    labels, probability = decide(HEAD, CERTAINTIES, against="a")
    assert labels == ["b", "b", "c", "c"]
    assert probability == pytest.approx([0.5, 0.7, 0.8, 0.9])
    rare = CERTAINTIES * [1.0, 0.5, 0.5] + [[0.25, 0, 0], [0.35, 0, 0], [0.4, 0, 0], [0.45, 0, 0]]
    assert decide(HEAD, rare, against="a")[0] == ["a", "a", "a", "a"]
    in_the_middle, chances = decide(HEAD, CERTAINTIES, against="b")
    assert in_the_middle == ["a", "c", "c", "c"]
    assert chances == pytest.approx([0.7, 0.61, 0.8, 0.58])


def saved(path: Path) -> Path:
    save_classifiers(
        path,
        {"judge": HEAD},
        {"statement": 2.5},
        encoder_sha256="e" * 64,
        constitution_version="v1",
    )
    return path


def test_what_was_saved_is_read_again_and_the_same_bytes_are_written(tmp_path: Path) -> None:
    first, second = saved(tmp_path / "one"), saved(tmp_path / "two")
    assert first.read_bytes() == second.read_bytes()
    found = load_classifiers(first, encoder_sha256="e" * 64)
    head = found.heads["judge"]
    assert (head.labels, head.blocks) == (HEAD.labels, HEAD.blocks)
    assert (head.temperature, head.abstain_below) == (HEAD.temperature, HEAD.abstain_below)
    assert np.array_equal(head.weight, HEAD.weight)
    assert (found.ranker, found.constitution_version) == ({"statement": 2.5}, "v1")


def test_classifiers_of_another_encoder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClassifierError, match="another encoder"):
        load_classifiers(saved(tmp_path / "heads"), encoder_sha256="f" * 64)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "garbage"])
def test_a_damaged_file_is_refused(damage: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "heads")
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        broken = {"empty": b"", "cut": content[:-7], "garbage": b"\x00" * len(content)}
        path.write_bytes(broken[damage])
    with pytest.raises(ClassifierError, match="missing or damaged"):
        load_classifiers(path, encoder_sha256="e" * 64)


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight": HEAD.weight[:1]},
        {"bias": HEAD.bias[:1]},
        {"abstain_below": (0.0,)},
        {"blocks": (("a", 1),)},
    ],
)
def test_a_head_whose_parts_do_not_fit_is_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "heads"
    save_classifiers(path, {"one": replace(HEAD, **wrong)}, {}, encoder_sha256="e" * 64,
                     constitution_version="v1")  # fmt: skip
    with pytest.raises(ClassifierError, match="missing or damaged"):
        load_classifiers(path, encoder_sha256="e" * 64)


def test_the_committed_classifiers_were_trained_on_the_labels_as_defined_now() -> None:
    with safe_open(HEADS_FILE, framework="numpy") as file:
        trained = json.loads(file.metadata()["worktally"])
    assert trained["constitution_version"] == constitution_version()


def test_the_committed_weights_are_small_and_no_pickles() -> None:
    assert ENCODER_FILE.stat().st_size <= 25_000_000
    assert HEADS_FILE.stat().st_size <= 5_000_000
    assert {path.suffix for path in HEADS_FILE.parent.iterdir() if path.is_file()} == {
        ".py",
        ".md",
        ".safetensors",
    }
