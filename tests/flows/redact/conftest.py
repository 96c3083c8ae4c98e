import pytest
from presidio_analyzer import AnalyzerEngine

from flows.redact import build_analyzer
from flows.settings import RedactSettings, load_settings


@pytest.fixture(scope="session")
def settings() -> RedactSettings:
    return load_settings().redact


@pytest.fixture(scope="session")
def analyzer(settings: RedactSettings) -> AnalyzerEngine:
    return build_analyzer(settings)
