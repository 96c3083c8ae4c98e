"""Decides, from the probabilities of words and from the lexicon, what is somebody's name.

Once a word is known for a person's name, it is one wherever it stands in the text: a name that is
left out once tells as much as one that is left out always.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from itertools import pairwise

import numpy as np
import regex
from numpy.typing import NDArray
from presidio_analyzer import EntityRecognizer, RecognizerResult

from flows.redact.names.convolution import Convolution, Memory
from flows.redact.names.lexicon import Lexicon, fold, load_lexicon
from flows.redact.names.pipeline import DEPTH, TYPES, load_pipeline, locate, tokenize

_Run = tuple[int, int, str, float]  # first token, the one behind the last, type, probability

_PERSON = "PERSON"
_LEAST_LETTERS = 3  # of a word that is looked for in the rest of the text
# of the scripts in the marked texts; words of others are judged strictly
_LEARNED = regex.compile(
    r"[\p{Latin}\p{Cyrillic}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Arabic}\p{Devanagari}\p{M}]+"
)
_MOST_WORDS = 100_000  # remembered with their threshold
_LEAST_NAME = 2  # letters of a name
_MISSED = 2  # places at which a word may be missed for each at which it is found
_NO_WORD = regex.compile(r"[^\p{L}]+")


@dataclass(frozen=True)
class OperatingPoint:
    """From which probability on a word is part of a name.

    Attributes:
        listed: For a word that is not common, in capital letters, and in a list of given names.
        other: For any other.
        small: For a word in small letters that is in no list.
    """

    listed: float
    other: float
    small: float


OPERATING_POINTS = {
    "balanced": OperatingPoint(listed=0.03, other=0.16, small=0.4),
    "strict": OperatingPoint(listed=0.02, other=0.08, small=0.2),
}
"""Chosen by measurement: README.md of `model` has the trade-off."""


class NameRecognizer(EntityRecognizer):  # type: ignore[misc]  # presidio has no types
    """People, places and small organizations, by our own model."""

    def __init__(
        self,
        convolution: Convolution,
        lexicon: Lexicon,
        point: OperatingPoint,
        types: Sequence[str],
    ) -> None:
        super().__init__(supported_entities=list(types), name="names")
        self._convolution, self._lexicon, self._point = convolution, lexicon, point
        self._thresholds: dict[str, float] = {}

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002
        nlp_artifacts: Memory | None = None,
    ) -> list[RecognizerResult]:
        """Names of the types that are asked for; what is known of the text is its memory."""
        return [
            RecognizerResult(kind, start, end, score)
            for start, end, kind, score in self.find_names(text, nlp_artifacts)
            if kind in self.supported_entities
        ]

    def find_names(
        self, text: str, memory: Memory | None = None
    ) -> list[tuple[int, int, str, float]]:
        """Start, end, entity type and probability of each name, sorted and disjoint."""
        memory = memory or Memory()
        tokens = tokenize(text)
        places = self._convolution.candidates(tokens)
        if not len(places):
            return []
        places = places[self._is_name(tokens, places, memory)[0]]
        if not len(places):
            return []
        places = _around(places, len(tokens))
        is_name, probabilities = self._is_name(tokens, places, memory)
        runs = list(_runs(tokens, places[is_name], probabilities[is_name]))
        runs += self._elsewhere(tokens, runs)
        spans = locate(text, tokens)
        return [
            (spans[first][0], spans[last - 1][1], kind, score)
            for first, last, kind, score in sorted(runs)
        ]

    def _elsewhere(self, tokens: Sequence[str], runs: Sequence[_Run]) -> list[_Run]:
        """The other places of words that were found to be people's names.

        Of words that no list holds, only those that were found at a good part of their places:
        a technical term that was taken for a name once is not to be lost altogether.
        """
        within = np.zeros(len(tokens), dtype=bool)
        people: Counter[str] = Counter()
        for first, last, kind, _ in runs:
            within[first:last] = True
            if kind == _PERSON:
                people.update(fold(token) for token in tokens[first:last] if self._is_rare(token))
        if not people:
            return []
        others = [
            place
            for place, token in enumerate(tokens)
            if not within[place] and fold(token) in people
        ]
        missed = Counter(fold(tokens[place]) for place in others)
        return [
            (place, place + 1, _PERSON, 1.0)
            for place in others
            if self._lexicon.is_listed(tokens[place])
            or missed[fold(tokens[place])] <= _MISSED * people[fold(tokens[place])]
        ]

    def _is_name(
        self, tokens: Sequence[str], places: NDArray[np.int64], memory: Memory
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Which of the words at the places are parts of names, and their probabilities."""
        words = [tokens[place] for place in places.tolist()]
        thresholds = [self._thresholds.get(word) or self._threshold(word) for word in words]
        probabilities = self._convolution.probabilities(tokens, places, memory)
        return 1 - probabilities[:, 0] >= np.array(thresholds), probabilities

    def _threshold(self, token: str) -> float:
        point = self._point
        if token[0].isalpha() and not _LEARNED.fullmatch(token):
            point = OPERATING_POINTS["strict"]
        if self._lexicon.is_given_name(token):
            threshold = point.listed
        elif token.islower() and not self._lexicon.is_listed(token):
            threshold = point.small
        else:
            threshold = point.other
        if len(self._thresholds) > _MOST_WORDS:
            self._thresholds.clear()
        self._thresholds[token] = threshold
        return threshold

    def _is_rare(self, token: str) -> bool:
        return len(token) >= _LEAST_LETTERS and fold(token) not in self._lexicon.common


def build_name_recognizer(point: str, types: Sequence[str]) -> NameRecognizer:
    """The packaged model at one of `OPERATING_POINTS`, loaded once per process."""
    return NameRecognizer(load_convolution(), load_lexicon(), OPERATING_POINTS[point], types)


@cache
def load_convolution() -> Convolution:
    """The layers of the packaged model."""
    lexicon = load_lexicon()
    with as_file(files("flows.redact.names.model").joinpath("pipeline")) as directory:
        return Convolution(load_pipeline(directory, lexicon), lexicon)


def _around(places: NDArray[np.int64], token_count: int) -> NDArray[np.int64]:
    """The positions of names, and of the words around them that may be part of these."""
    steps = np.arange(-DEPTH, DEPTH + 1)
    near = np.unique(places[:, None] + steps)
    return near[(near >= 0) & (near < token_count)]


def _runs(
    tokens: Sequence[str], places: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> Iterator[_Run]:
    """Neighboring name words as one name: first and behind the last, type, mean probability."""
    starts = [
        place
        for place in range(len(places))
        if place == 0
        or places[place] > places[place - 1] + 1
        or (probabilities[place].argmax() % 2 == 1 and tokens[places[place]] != "-")
    ]
    for start, stop in pairwise([*starts, len(places)]):
        inside = [n for n in range(start, stop) if not _NO_WORD.fullmatch(tokens[places[n]])]
        if sum(len(tokens[places[n]]) for n in inside) >= _LEAST_NAME:
            found = probabilities[inside[0] : inside[-1] + 1]
            kinds = found[:, 1:].reshape(len(found), len(TYPES), 2).sum(axis=(0, 2))
            kind = list(TYPES.values())[int(kinds.argmax())]
            yield (
                int(places[inside[0]]),
                int(places[inside[-1]]) + 1,
                kind,
                float(1 - found[:, 0].mean()),
            )
