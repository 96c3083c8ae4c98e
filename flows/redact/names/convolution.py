"""Runs the recognizer's layers on numpy: the same figures as spaCy's, several times as fast.

A word's vector depends on the word alone, so it is computed once, by spaCy; and a word's tags
depend on `DEPTH` words to either side alone, so only what bears on words that are asked for is
computed, layer by layer. That, and numpy without layers of calls, is the difference.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from flows.redact.names.lexicon import Lexicon
from flows.redact.names.pipeline import COMPONENT, DEPTH, TAGS, make_doc

Floats = NDArray[np.float32]
Window = tuple[str, ...]
"""A token and `DEPTH` ones to either side."""

_AROUND = (-1, 0, 1)
_WINDOW = len(_AROUND)
_NO_WORD = ""
_PADDING = (_NO_WORD,) * DEPTH
_MOST_WORDS = 100_000  # remembered; then forgotten, all at once


class Memory:
    """Probabilities of a text's windows: it is read again wherever something in it is replaced."""

    def __init__(self) -> None:
        self.rows: dict[Window, int] = {}
        self.probabilities = np.empty((0, len(TAGS)), dtype=np.float32)


class Convolution:
    """The layers of a trained pipeline, and the words it has seen."""

    def __init__(self, nlp: Language, lexicon: Lexicon) -> None:
        tok2vec, output = nlp.get_pipe(COMPONENT).model.layers
        embed, encode = tok2vec.layers
        self._nlp, self._lexicon, self._embed = nlp, lexicon, embed
        self._layers = [_Layer(node) for node in encode.walk() if node.name == "maxout"]
        norms = [node for node in encode.walk() if node.name == "layernorm"]
        for layer, norm in zip(self._layers, norms, strict=True):
            layer.scale, layer.shift = norm.get_param("G"), norm.get_param("b")
        softmax = next(node for node in output.walk() if node.has_param("W"))
        self._weights = np.ascontiguousarray(softmax.get_param("W").T)
        self._bias = softmax.get_param("b")
        self._may_name: dict[str, bool] = {}
        self._forget(_MOST_WORDS)

    def _forget(self, room: int) -> None:
        self._rows = {_NO_WORD: 0}
        self._vectors = np.zeros((1 + room, self._weights.shape[0]), dtype=np.float32)

    def candidates(self, tokens: Sequence[str]) -> NDArray[np.int64]:
        """Positions of the tokens that may name something by themselves, ascending."""
        known = self._may_name
        if len(known) > _MOST_WORDS:
            known.clear()
        for token in tokens:
            if token not in known:
                known[token] = token[0].isalpha() and self._lexicon.may_name(token)
        return np.array([place for place, token in enumerate(tokens) if known[token]], np.int64)

    def probabilities(
        self, tokens: Sequence[str], places: NDArray[np.int64], memory: Memory
    ) -> Floats:
        """The probabilities of `pipeline.TAGS` at some of the tokens of a text.

        Args:
            tokens: Of the whole text.
            places: Positions in it, ascending, shape (n,), not empty.
            memory: Of the same text; filled.

        Returns:
            Shape (n, tags).
        """
        # as spaCy has it, words of zeros stand before the first and behind the last
        padded = (*_PADDING, *tokens, *_PADDING)
        windows = [padded[place : place + 2 * DEPTH + 1] for place in places.tolist()]
        new: list[int] = []
        for window, place in zip(windows, places.tolist(), strict=True):
            if window not in memory.rows:
                memory.rows[window] = len(memory.rows)
                new.append(place + DEPTH)
        if new:
            found = self._compute(padded, new)
            memory.probabilities = np.concatenate([memory.probabilities, found])
        return memory.probabilities.take([memory.rows[window] for window in windows], axis=0)

    def _compute(self, padded: Sequence[str], places: list[int]) -> Floats:
        outputs = [places]
        for _ in self._layers:
            outputs.append(_spread(outputs[-1]))
        inputs = outputs.pop()
        rows = self._look_up([padded[place] for place in inputs])
        vectors = self._vectors.take(rows, axis=0)
        for layer in self._layers:
            row_of = {place: row for row, place in enumerate(inputs)}
            inputs = outputs.pop()
            around = [row_of[place + step] for place in inputs for step in _AROUND]
            vectors = layer.apply(vectors.take(around, axis=0))
        scores = vectors @ self._weights + self._bias
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: Floats = scores / scores.sum(axis=1, keepdims=True)
        return found

    def _look_up(self, tokens: Sequence[str]) -> list[int]:
        new = [token for token in dict.fromkeys(tokens) if token not in self._rows]
        if len(self._rows) + len(new) > len(self._vectors):
            new = [token for token in dict.fromkeys(tokens) if token != _NO_WORD]
            self._forget(max(len(new), _MOST_WORDS))
        if new:
            known, all_known = len(self._rows), len(self._rows) + len(new)
            [self._vectors[known:all_known]] = self._embed.predict([make_doc(self._nlp, new)])
            self._rows.update({token: place for place, token in enumerate(new, known)})
        rows = self._rows
        return [rows[token] for token in tokens]


class _Layer:
    """Maxout over a word and its neighbors, normalized: thinc's, written out."""

    scale: Floats
    shift: Floats

    def __init__(self, maxout: Any) -> None:
        weights = maxout.get_param("W")  # outputs, pieces, inputs
        outputs, pieces, inputs = weights.shape
        # pieces first: their maximum is then one of long arrays
        self._weights = np.ascontiguousarray(weights.transpose(2, 1, 0).reshape(inputs, -1))
        self._bias = np.ascontiguousarray(maxout.get_param("b").T).reshape(-1)
        self._pieces = [slice(piece * outputs, (piece + 1) * outputs) for piece in range(pieces)]

    def apply(self, around: Floats) -> Floats:
        """From words with their neighbors, three rows each, to words, one row each."""
        windows = around.reshape(-1, _WINDOW * around.shape[1])
        all_pieces = windows @ self._weights
        all_pieces += self._bias
        found: Floats = reduce(np.maximum, (all_pieces[:, piece] for piece in self._pieces))
        found -= np.add.reduce(found, axis=1, keepdims=True) / found.shape[1]
        variance = np.vecdot(found, found)[:, None] / found.shape[1]
        found *= self.scale / np.sqrt(variance + 1e-8)
        found += self.shift
        found += around[1::_WINDOW]
        return found


def _spread(places: list[int]) -> list[int]:
    """The positions and those next to them, ascending."""
    return sorted({place + step for place in places for step in _AROUND})
