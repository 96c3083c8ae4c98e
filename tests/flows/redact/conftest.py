from collections.abc import Callable

import pytest

from flows.redact import Analyzer, build_analyzer
from flows.redact.detect import find_entities
from flows.redact.engine import NAME_TYPES
from flows.settings import RedactSettings, load_settings


@pytest.fixture(scope="session")
def settings() -> RedactSettings:
    return load_settings().redact


@pytest.fixture(scope="session")
def analyzer(settings: RedactSettings) -> Analyzer:
    return build_analyzer(settings)


@pytest.fixture(scope="module")
def find(settings: RedactSettings) -> Callable[[str], list[tuple[str, str]]]:
    """What the patterns find, without names: types and texts."""
    types = tuple(one for one in settings.entity_types if one not in NAME_TYPES)
    analyzer = build_analyzer(settings.model_copy(update={"entity_types": types}))

    def entities(text: str) -> list[tuple[str, str]]:
        spans = find_entities(text, analyzer, lambda: None)
        return [(span.entity_type, text[span.start : span.end]) for span in spans]

    return entities
