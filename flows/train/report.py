"""Says how good the classifiers are on examples they had not seen, and how diverse these are."""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taxonomy.classifiers import Head, decide
from taxonomy.constitution import constitution_version
from taxonomy.training import SETS, Written

_BINS = 10
_SHINGLE = 3  # words
_SIGNATURE = 64  # hash functions of the near-duplicate search
_NEAR = 0.5  # estimated Jaccard similarity from which two texts are near-duplicates
_WORD = re.compile(r"\w+")
_CLASSES_SHOWN = 12
_BUCKET = 200  # texts of one bucket that are compared with each other


@dataclass(frozen=True)
class HeadQuality:
    """How a head did on examples it had not seen.

    Attributes:
        count: Examples.
        accuracy: Weighed share whose most probable label is right.
        calibration_error: Expected calibration error over ten bins (Naeini et al. 2015), weighed.
        reliability: By bin of the best probability: mean probability, accuracy (both weighed), and
            how many there were.
        recalls: By label: share found without abstaining, and how many there were.
    """

    count: int
    accuracy: float
    calibration_error: float
    reliability: tuple[tuple[float, float, int], ...]
    recalls: Mapping[str, tuple[float, int]]


def judge_quality(
    head: Head,
    probabilities: NDArray[np.float64],
    answers: Sequence[str],
    weight: NDArray[np.float64],
    *,
    against: str | None = None,
) -> HeadQuality:
    """Compares probabilities, shape (n, labels), with the answers, which count by `weight`.

    `against` as in `taxonomy.classifiers.decide`.
    """
    best = probabilities.argmax(axis=1)
    certainty = probabilities.max(axis=1)
    target = np.array([head.labels.index(answer) for answer in answers])
    right = best == target
    said = np.array(decide(head, probabilities, against=against)[0])
    bins = np.minimum((certainty * _BINS).astype(int), _BINS - 1)
    reliability = tuple(
        (
            float(np.average(certainty[inside], weights=weight[inside])),
            float(np.average(right[inside], weights=weight[inside])),
            int(inside.sum()),
        )
        for inside in (bins == number for number in range(_BINS))
        if inside.any()
    )
    mass = np.bincount(bins, weight, minlength=_BINS)
    gaps = np.abs([mean - share for mean, share, _ in reliability])
    error = float(np.average(gaps, weights=mass[mass > 0.0]))
    recalls = {
        label: (float((said == label)[target == number].mean()), int((target == number).sum()))
        for number, label in enumerate(head.labels)
        if (target == number).any()
    }
    accuracy = float(np.average(right, weights=weight))
    return HeadQuality(len(target), accuracy, error, reliability, recalls)


def write_report(
    path: Path,
    written: Sequence[Written],
    heads: Mapping[str, Head],
    quality: Mapping[str, HeadQuality],
    ranker: Mapping[str, float],
) -> None:
    """Writes the page beside the weights."""
    lines = [
        "# The classifiers",
        "",
        "Linear heads on the vectors of the adapted encoder, on figures about the turns and on",
        "hashed words, and the weights of task search. Written by `make train` from the written",
        f"conversations in `../training` and the constitution, version `{constitution_version()}`.",
        "Probabilities are calibrated by temperature; where a label is improbable its head",
        "abstains.",
        "",
        "## On examples not seen in training",
        "",
        "Cross-validated over written conversations (the minor groups: on requests that the",
        "encoder had not seen either). Written conversations are clearer than real ones: measure",
        "on your own with `worktally evaluate`. Examples count as in training; ECE is the expected",
        "calibration error over ten bins; found is the share of a label's examples that the head",
        "names without abstaining.",
        "",
        "| head | labels | examples | right | ECE |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {name} | {len(heads[name].labels)} | {of.count:,} | {of.accuracy:.3f}"
        f" | {of.calibration_error:.3f} |"
        for name, of in quality.items()
    ]
    for name, of in quality.items():
        if len(of.recalls) <= _CLASSES_SHOWN:
            lines += ["", f"### {name}", "", "| label | examples | found | abstains below |"]
            lines += ["|---|--:|--:|--:|"]
            below = dict(zip(heads[name].labels, heads[name].abstain_below, strict=True))
            lines += [
                f"| {label} | {count:,} | {share:.3f} | {below[label]:.2f} |"
                for label, (share, count) in of.recalls.items()
            ]
        lines += ["", f"Reliability of {name}:", "", "| mean probability | right | examples |"]
        lines += ["|--:|--:|--:|"]
        lines += [
            f"| {mean:.2f} | {share:.2f} | {count:,} |" for mean, share, count in of.reliability
        ]
    lines += ["", "## Task search", "", "| feature | weight |", "|---|--:|"]
    lines += [f"| {name} | {weight:.2f} |" for name, weight in ranker.items()]
    lines += ["", *_diversity_lines(written)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _diversity_lines(written: Sequence[Written]) -> list[str]:
    lines = [
        "## The written conversations",
        "",
        "Openings under 12 words; different words per 1,000 (over the first 20,000 words);",
        "openings that begin with the same two words as another; near-duplicates (word",
        f"{_SHINGLE}-gram Jaccard from {_NEAR:.1f}, MinHash) among the English openings.",
        "",
        "| set | conversations | not English | languages | tasks | short | words per 1,000 | same"
        " beginning | near-duplicates |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in SETS:
        of_set = [conversation for conversation in written if conversation.name == name]
        if not of_set:
            continue
        english = [conversation.opening for conversation in of_set if conversation.language == "en"]
        words = [_WORD.findall(text.lower()) for text in english]
        running = [word for text in words for word in text][:20_000]
        beginnings = Counter(tuple(text[:2]) for text in words)
        lines.append(
            f"| {name} | {len(of_set):,} | {1 - len(english) / len(of_set):.1%}"
            f" | {len({conversation.language for conversation in of_set})}"
            f" | {len({conversation.task_id for conversation in of_set} - {None}):,}"
            f" | {sum(len(text) < 12 for text in words) / len(words):.0%}"
            f" | {1000 * len(set(running)) / len(running):.0f}"
            f" | {sum(beginnings[tuple(text[:2])] > 1 for text in words) / len(words):.0%}"
            f" | {len(near_duplicates(english))} |"
        )
    return lines


def near_duplicates(texts: Sequence[str]) -> set[tuple[int, int]]:
    """Pairs of texts that share half of their word 3-grams (MinHash, Broder 1997).

    Candidates agree on one of 16 bands of four hashes; pairs are kept by the share of all 64 hashes
    they agree on. Texts of less than five words are compared as a whole.
    """
    generator = np.random.default_rng(0)
    prime = (1 << 31) - 1
    slopes, shifts = generator.integers(1, prime, size=(2, _SIGNATURE), dtype=np.int64)
    signatures = [
        ((np.array(hashes, dtype=np.int64)[:, None] * slopes + shifts) % prime).min(axis=0)
        for hashes in map(_shingle_hashes, texts)
    ]
    found: set[tuple[int, int]] = set()
    for band in range(0, _SIGNATURE, 4):
        same: dict[bytes, list[int]] = {}
        for place, signature in enumerate(signatures):
            same.setdefault(signature[band : band + 4].tobytes(), []).append(place)
        for places in same.values():
            found.update(_pairs(places, signatures))
    return found


def _pairs(
    places: Sequence[int], signatures: Sequence[NDArray[np.int64]]
) -> Iterable[tuple[int, int]]:
    for first, second in combinations(places[:_BUCKET], 2):
        if (signatures[first] == signatures[second]).mean() >= _NEAR:
            yield first, second


def _shingle_hashes(text: str) -> list[int]:
    words = _WORD.findall(text.lower())
    if len(words) < _SHINGLE + 2:
        shingles = {" ".join(words)}
    else:
        shingles = {" ".join(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1)}
    return [zlib.crc32(shingle.encode()) >> 1 for shingle in sorted(shingles)]
