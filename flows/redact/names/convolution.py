"""Runs the recognizer's layers on numpy: the same figures as spaCy's, several times as fast.

A word's vector depends on the word alone, so it is computed once, by spaCy; and a word's tags
depend on the words next to it alone, so only the neighborhoods of words that may name somebody are
read. That, and numpy without layers of calls, is the difference.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from threadpoolctl import ThreadpoolController

from flows.redact.names.lexicon import Lexicon
from flows.redact.names.pipeline import COMPONENT, DEPTH, TAGS, make_doc

Floats = NDArray[np.float32]
_MOST_WORDS = 100_000  # remembered; then forgotten, all at once


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
        self._threads = ThreadpoolController()
        self._forget()

    def _forget(self, room: int = 0) -> None:
        room = max(room, _MOST_WORDS)
        self._places: dict[str, int] = {}
        self._vectors = np.empty((room, self._weights.shape[0]), dtype=np.float32)
        self._may_name = np.empty(room, dtype=bool)

    def probabilities(self, tokens: Sequence[str]) -> tuple[NDArray[np.int64], Floats]:
        """Which tokens may be part of a name, and their probabilities of `names.TAGS`.

        Returns:
            Positions, ascending, shape (n,), and probabilities, shape (n, tags): of every word
            that may name something and of the `DEPTH` tokens to either side.
        """
        places = self._look_up(tokens)
        keep = _spread(self._may_name[places], 2 * DEPTH)
        near = _spread(self._may_name[places], DEPTH)
        kept = np.flatnonzero(keep)
        if not len(kept):
            return kept, np.zeros((0, len(TAGS)), dtype=np.float32)
        # as spaCy has it, there is nothing before the first token and behind the last
        vectors = np.zeros((len(kept) + 2 * DEPTH, self._vectors.shape[1]), dtype=np.float32)
        vectors[DEPTH:-DEPTH] = self._vectors[places[kept]]
        # so little is to be multiplied that threads would wait for each other all the time
        with self._threads.limit(limits=1, user_api="blas"):
            for layer in self._layers:
                vectors = vectors + layer.apply(vectors)
        vectors = vectors[DEPTH:-DEPTH]
        scores = vectors @ self._weights + self._bias
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        inside = near[kept]
        return kept[inside], (scores / scores.sum(axis=1, keepdims=True))[inside]

    def _look_up(self, tokens: Sequence[str]) -> NDArray[np.int64]:
        new = [token for token in dict.fromkeys(tokens) if token not in self._places]
        if len(self._places) + len(new) > len(self._vectors):
            new = list(dict.fromkeys(tokens))
            self._forget(len(new))
        if new:
            known, all_known = len(self._places), len(self._places) + len(new)
            [self._vectors[known:all_known]] = self._embed.predict([make_doc(self._nlp, new)])
            self._may_name[known:all_known] = [
                token[0].isalpha() and self._lexicon.may_name(token) for token in new
            ]
            self._places.update({token: place for place, token in enumerate(new, known)})
        places = self._places
        return np.array([places[token] for token in tokens], dtype=np.int64)


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

    def apply(self, vectors: Floats) -> Floats:
        width = vectors.shape[1]
        window = np.zeros((len(vectors), 3 * width), dtype=np.float32)
        window[1:, :width] = vectors[:-1]
        window[:, width : 2 * width] = vectors
        window[:-1, 2 * width :] = vectors[1:]
        all_pieces = window @ self._weights
        all_pieces += self._bias
        found: Floats = reduce(np.maximum, (all_pieces[:, piece] for piece in self._pieces))
        found -= np.add.reduce(found, axis=1, keepdims=True) / width
        variance = np.einsum("ij,ij->i", found, found)[:, None] / width
        found *= self.scale / np.sqrt(variance + 1e-8)
        found += self.shift
        return found


def _spread(flags: NDArray[np.bool_], distance: int) -> NDArray[np.bool_]:
    """True at most `distance` places away from a true one."""
    spread = flags.copy()
    for step in range(1, distance + 1):
        spread[step:] |= flags[:-step]
        spread[:-step] |= flags[step:]
    return spread
