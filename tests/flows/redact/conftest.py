import pytest

from flows.redact import Analyzer, build_analyzer
from flows.settings import RedactSettings, load_settings


@pytest.fixture(scope="session")
def settings() -> RedactSettings:
    return load_settings().redact


@pytest.fixture(scope="session")
def analyzer(settings: RedactSettings) -> Analyzer:
    return build_analyzer(settings)
