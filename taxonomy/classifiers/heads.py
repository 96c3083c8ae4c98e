"""Decides what a judgement's probabilities are: linear heads on features, calibrated, from a file.

A head is a multinomial logistic regression; its scores are divided by a temperature that was fitted
on conversations it had not seen (Guo et al. 2017, arXiv 1706.04599).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

Floats = NDArray[np.float32]
FORMAT = "1"


class ClassifierError(Exception):
    """The classifiers cannot be used: missing, damaged, or trained on another encoder."""


@dataclass(frozen=True)
class Head:
    """One judgement's classifier.

    Attributes:
        labels: What it tells apart, in the order of the rows of `weight`.
        blocks: Names and widths of the feature blocks, in the order of the columns of `weight`.
        weight: float32, shape (labels, features).
        bias: float32, shape (labels,).
        temperature: Scores are divided by it.
        abstain_below: By label: where the best label is less probable than this, the head abstains.
    """

    labels: tuple[str, ...]
    blocks: tuple[tuple[str, int], ...]
    weight: Floats
    bias: Floats
    temperature: float
    abstain_below: tuple[float, ...]


@dataclass(frozen=True)
class Classifiers:
    """All heads, what they were trained on, and their file's hash.

    Attributes:
        heads: By name.
        ranker: The weight of each feature of a candidate task, by name.
        encoder_sha256: Of the encoder whose vectors they read.
        constitution_version: Of the labels' definitions.
        sha256: Of the file.
    """

    heads: Mapping[str, Head]
    ranker: Mapping[str, float]
    encoder_sha256: str
    constitution_version: str
    sha256: str


def head_probabilities(head: Head, features: Mapping[str, Any]) -> NDArray[np.float64]:
    """Calibrated probabilities of each label, shape (n, labels).

    Args:
        head: The classifier.
        features: A block by name: a dense or scipy sparse matrix of shape (n, width).

    Raises:
        ClassifierError: A block is missing or has another width.
    """
    scores: Any = head.bias[np.newaxis, :].astype(np.float64)
    start = 0
    for name, width in head.blocks:
        block = features.get(name)
        if block is None or block.shape[1] != width:
            raise ClassifierError(f"classifiers: feature block {name} must have {width} columns")
        scores = scores + block @ head.weight[:, start : start + width].T
        start += width
    scores = np.asarray(scores) / head.temperature
    scores -= scores.max(axis=1, keepdims=True)
    exponents = np.exp(scores)
    probabilities: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
    return probabilities


def decide(
    head: Head, probabilities: NDArray[np.float64], *, against: str | None = None
) -> tuple[list[str | None], NDArray[np.float64]]:
    """The most probable label of each row, or None where it is less probable than its threshold.

    Args:
        head: Its labels and thresholds.
        probabilities: As `head_probabilities` gives them.
        against: A label that all others together are weighed against: the most probable of them is
            named where together they reach its threshold, else `against`, and no row is None.

    Returns:
        Labels, and the probability of each; with `against`, of all others together.
    """
    if against is None:
        best, probability = probabilities.argmax(axis=1), probabilities.max(axis=1)
    else:
        place = head.labels.index(against)
        probability = 1.0 - probabilities[:, place]
        best = np.delete(probabilities, place, axis=1).argmax(axis=1)
        best += best >= place
    is_said = probability >= np.array(head.abstain_below)[best]
    labels = [
        head.labels[label] if said else against for label, said in zip(best, is_said, strict=True)
    ]
    return labels, probability


def save_classifiers(
    path: Path,
    heads: Mapping[str, Head],
    ranker: Mapping[str, float],
    *,
    encoder_sha256: str,
    constitution_version: str,
) -> None:
    """Writes the heads as safetensors, weights in half precision; same heads, same bytes."""
    tensors = {}
    described = {}
    for name, head in heads.items():
        tensors[f"{name}.weight"] = head.weight.astype(np.float16)
        tensors[f"{name}.bias"] = head.bias.astype(np.float32)
        described[name] = {
            "labels": head.labels,
            "blocks": head.blocks,
            "temperature": head.temperature,
            "abstain_below": head.abstain_below,
        }
    metadata = {
        "format": FORMAT,
        "heads": described,
        "ranker": dict(ranker),
        "encoder_sha256": encoder_sha256,
        "constitution_version": constitution_version,
    }
    # under one name: safetensors writes several in an order that changes from run to run
    save_file(tensors, path, {"worktally": json.dumps(metadata, sort_keys=True)})


def load_classifiers(path: Path, *, encoder_sha256: str) -> Classifiers:
    """Reads the heads and refuses those that were trained on another encoder's vectors.

    Raises:
        ClassifierError: The file is missing or damaged, or belongs to another encoder.
    """
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with safe_open(path, framework="numpy") as file:
            metadata = json.loads(file.metadata()["worktally"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        heads = {
            name: Head(
                labels=tuple(head["labels"]),
                blocks=tuple((block, int(width)) for block, width in head["blocks"]),
                weight=tensors[f"{name}.weight"].astype(np.float32),
                bias=tensors[f"{name}.bias"].astype(np.float32),
                temperature=float(head["temperature"]),
                abstain_below=tuple(float(least) for least in head["abstain_below"]),
            )
            for name, head in metadata["heads"].items()
        }
        if metadata["format"] != FORMAT:
            raise ValueError("another format")
        for head in heads.values():
            width = sum(block_width for _, block_width in head.blocks)
            if head.weight.shape != (len(head.labels), width):
                raise ValueError("weights of another shape")
            if not len(head.labels) == len(head.bias) == len(head.abstain_below):
                raise ValueError("labels of another number")
        trained_on = metadata["encoder_sha256"]
        version = metadata["constitution_version"]
        ranker = {name: float(value) for name, value in metadata["ranker"].items()}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ClassifierError(
            f"classifiers: {path.name} is missing or damaged ({type(error).__name__});"
            " rebuild it with: make train"
        ) from None
    if trained_on != encoder_sha256:
        raise ClassifierError(
            "classifiers: trained on the vectors of another encoder; set embed.model back, or"
            " retrain with: make train"
        )
    return Classifiers(heads, ranker, trained_on, version, digest)
