"""Decides what is asked which spans of a text are entities: our functions and models of others."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import spacy
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.predefined_recognizers import GLiNERRecognizer, HuggingFaceNerRecognizer

from flows.settings import SettingsError

_SPACY_LABELS = {
    **dict.fromkeys(("PER", "PERSON"), "PERSON"),
    **dict.fromkeys(("GPE", "LOC", "FAC", "LOCATION"), "LOCATION"),
    **dict.fromkeys(("ORG", "ORGANIZATION"), "ORGANIZATION"),
}
_GLINER_LABELS = {"person": "PERSON", "location": "LOCATION", "organization": "ORGANIZATION"}
_SCORE = 0.85  # of spaCy's entities, which have none of their own: Presidio's for them


class LinearRecognizer(EntityRecognizer):  # type: ignore[misc]  # presidio has no types
    """Reports what a function finds as one entity type, always with the same score."""

    def __init__(
        self, entity_type: str, find: Callable[[str], Iterable[tuple[int, int]]], score: float
    ) -> None:
        super().__init__(supported_entities=[entity_type], name=find.__name__)
        self._find = find
        self._score = score

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002
        nlp_artifacts: object = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Runs the function; there are no language artifacts to use."""
        entity_type = self.supported_entities[0]
        spans = self._find(text)
        return [RecognizerResult(entity_type, start, end, self._score) for start, end in spans]


class SpacyNamesRecognizer(EntityRecognizer):  # type: ignore[misc]
    """The names that an installed spaCy pipeline finds."""

    def __init__(self, name: str, types: Sequence[str]) -> None:
        super().__init__(supported_entities=list(types), name="spacy names")
        self._nlp = spacy.load(name)

    def load(self) -> None:
        """Nothing more to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002
        nlp_artifacts: object = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Entities of the types that are asked for."""
        with self._nlp.memory_zone():
            found = [
                (_SPACY_LABELS.get(entity.label_), entity.start_char, entity.end_char)
                for entity in self._nlp(text).ents
            ]
        return [
            RecognizerResult(kind, start, end, _SCORE)
            for kind, start, end in found
            if kind in self.supported_entities
        ]


def load_names_model(named: str, types: Sequence[str]) -> EntityRecognizer:
    """A recognizer of names that is installed, such as `spacy:en_core_web_sm`.

    Args:
        named: `spacy:` and an installed package or directory; `gliner:` or `transformers:` and a
            directory: nothing is downloaded.
        types: Entity types that are wanted.

    Raises:
        SettingsError: The kind is unknown, or the library or model is not installed.
    """
    kind, _, name = named.partition(":")
    if kind not in ("spacy", "gliner", "transformers") or not name:
        raise SettingsError(
            f"redact.names_model: {named} is not packaged, spacy:NAME, gliner:DIRECTORY"
            " or transformers:DIRECTORY"
        )
    if kind != "spacy" and not Path(name).is_dir():
        raise SettingsError(f"redact.names_model: {name} is no directory; nothing is downloaded")
    try:
        if kind == "spacy":
            return SpacyNamesRecognizer(name, types)
        if kind == "gliner":
            mapping = {label: kind for label, kind in _GLINER_LABELS.items() if kind in types}
            recognizer = GLiNERRecognizer(model_name=name, entity_mapping=mapping)
        else:
            recognizer = HuggingFaceNerRecognizer(model_name=name, supported_entities=list(types))
        recognizer.load()
    except (ImportError, OSError, ValueError) as error:
        raise SettingsError(
            f"redact.names_model: {named} cannot be loaded ({type(error).__name__}): install its"
            " library and model"
        ) from None
    return recognizer
