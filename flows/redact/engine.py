"""Decides which recognizers look for the entity types of the settings, without network or model."""

import logging
from collections.abc import Callable, Sequence

from presidio_analyzer import (
    AnalyzerEngine,
    EntityRecognizer,
    Pattern,
    RecognizerRegistry,
    RecognizerResult,
    pattern_recognizer,
)
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NoOpNlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    CryptoRecognizer,
    MedicalLicenseRecognizer,
    UsSsnRecognizer,
)

from flows.redact.recognizers import (
    AnyCaseIbanRecognizer,
    DigitGuardedPhoneRecognizer,
    LinearRecognizer,
    find_emails,
    find_ips,
    find_phone_shapes,
    find_urls,
)
from flows.redact.secrets import find_secrets
from flows.settings import RedactSettings, SettingsError

LANGUAGE = "en"  # one name for all texts: no recognizer here depends on the language
CONTEXT_CHARACTERS = 60

# Presidio's pattern also matches inside hashes, where every tenth hit passes the checksum.
_DEA_NUMBER = Pattern(
    "DEA certificate number",
    r"(?<![a-z0-9])[abcdefghjklmprstux][a-z9][0-9]{7}(?![a-z0-9])",
    0.4,
)
_RECOGNIZERS: dict[str, Callable[[RedactSettings], list[EntityRecognizer]]] = {
    "EMAIL_ADDRESS": lambda _: [LinearRecognizer("EMAIL_ADDRESS", find_emails, 1.0)],
    "PHONE_NUMBER": lambda settings: [
        DigitGuardedPhoneRecognizer(supported_regions=settings.phone_regions),
        LinearRecognizer("PHONE_NUMBER", find_phone_shapes, 0.7),
    ],
    "CREDIT_CARD": lambda _: [CreditCardRecognizer()],
    "IBAN_CODE": lambda _: [AnyCaseIbanRecognizer()],
    "IP_ADDRESS": lambda _: [LinearRecognizer("IP_ADDRESS", find_ips, 0.8)],
    "URL": lambda _: [LinearRecognizer("URL", find_urls, 0.9)],
    "US_SSN": lambda _: [UsSsnRecognizer()],
    "CRYPTO": lambda _: [CryptoRecognizer()],
    "MEDICAL_LICENSE": lambda _: [MedicalLicenseRecognizer(patterns=[_DEA_NUMBER])],
    "SECRET": lambda _: [LinearRecognizer("SECRET", find_secrets, 0.95)],
}
ENTITY_TYPES = tuple(_RECOGNIZERS)


class NearbyWordEnhancer(ContextAwareEnhancer):  # type: ignore[misc]  # presidio has no types
    """Raises the score of a result that follows one of its recognizer's context words.

    Presidio's own enhancer walks through all tokens for every result, which is quadratic.
    """

    def __init__(self) -> None:
        super().__init__(
            context_similarity_factor=0.35,  # presidio's default, as is the next
            min_score_with_context_similarity=0.4,
            context_prefix_count=0,  # counts words; here characters decide
            context_suffix_count=0,
        )

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: object,  # noqa: ARG002
        recognizers: Sequence[EntityRecognizer],
        context: list[str] | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Looks at the 60 characters before each result."""
        words = {
            recognizer.id: tuple(word.lower() for word in recognizer.context or ())
            for recognizer in recognizers
        }
        for result in raw_results:
            before = text[max(0, result.start - CONTEXT_CHARACTERS) : result.start].lower()
            recognizer_id = result.recognition_metadata["recognizer_identifier"]
            if any(word in before for word in words.get(recognizer_id, ())):
                raised = result.score + self.context_similarity_factor
                result.score = min(1.0, max(raised, self.min_score_with_context_similarity))
        return raw_results


def build_analyzer(settings: RedactSettings) -> AnalyzerEngine:
    """Presidio's analyzer with a recognizer for each entity type of the settings, and no others.

    There is no language model, no download and no use of the network. Takes some milliseconds;
    importing presidio takes seconds. Build one per process: it need not be pickled.

    Raises:
        SettingsError: An entity type is unknown, or a variable of the environment lets presidio
            skip a slow pattern before the conversation is out of time.
    """
    unknown = sorted(set(settings.entity_types) - set(ENTITY_TYPES))
    if unknown:
        raise SettingsError(
            f"redact.entity_types: unknown {', '.join(unknown)}; known: {', '.join(ENTITY_TYPES)}"
        )
    if settings.timeout_seconds >= pattern_recognizer.REGEX_TIMEOUT_SECONDS:
        raise SettingsError(
            "REGEX_TIMEOUT_SECONDS must be above redact.timeout_seconds: presidio skips a pattern"
            " that runs into it; unset the variable"
        )
    _silence_presidio()
    nlp_engine = NoOpNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": "none"}])
    recognizers = [
        recognizer
        for entity_type in dict.fromkeys(settings.entity_types)
        for recognizer in _RECOGNIZERS[entity_type](settings)
    ]
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers, supported_languages=[LANGUAGE]),
        nlp_engine=nlp_engine,
        supported_languages=[LANGUAGE],
        context_aware_enhancer=NearbyWordEnhancer(),
        default_score_threshold=settings.score_threshold,
    )


def _silence_presidio() -> None:
    # Its messages can quote the text, at error level too. A filter holds whatever level the
    # program that calls us sets.
    for name in ("presidio-analyzer", "decision_process"):
        logger = logging.getLogger(name)
        if _drop not in logger.filters:
            logger.addFilter(_drop)


def _drop(record: logging.LogRecord) -> bool:  # noqa: ARG001
    return False
