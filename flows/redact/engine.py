"""Decides which recognizers look for the entity types of the settings; none uses the network."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from presidio_analyzer import EntityRecognizer, RecognizerResult

from flows.redact.names.convolution import Memory
from flows.redact.names.pipeline import TYPES
from flows.redact.names.recognizer import NameRecognizer, build_name_recognizer
from flows.redact.patterns.births import find_birth_dates
from flows.redact.patterns.coordinates import find_coordinates
from flows.redact.patterns.devices import find_device_numbers
from flows.redact.patterns.emails import find_emails
from flows.redact.patterns.handles import find_usernames
from flows.redact.patterns.hosts import find_urls
from flows.redact.patterns.identifiers import find_id_numbers, find_told_national_ids
from flows.redact.patterns.ips import find_ips
from flows.redact.patterns.national import find_dea_numbers, find_national_ids, find_ssns
from flows.redact.patterns.payments import find_cards, find_ibans, find_wallets
from flows.redact.patterns.phones import phone_finder
from flows.redact.patterns.places import find_addresses
from flows.redact.patterns.plates import find_plates
from flows.redact.patterns.secrets import find_secrets
from flows.redact.recognizers import LinearRecognizer, load_names_model
from flows.settings import RedactSettings, SettingsError

NAME_TYPES = tuple(TYPES.values())

_RECOGNIZERS: dict[str, Callable[[RedactSettings], list[EntityRecognizer]]] = {
    "EMAIL_ADDRESS": lambda _: [LinearRecognizer("EMAIL_ADDRESS", find_emails, 1.0)],
    "PHONE_NUMBER": lambda settings: [
        LinearRecognizer("PHONE_NUMBER", phone_finder(settings.phone_regions), 0.7)
    ],
    "CREDIT_CARD": lambda _: [LinearRecognizer("CREDIT_CARD", find_cards, 1.0)],
    "IBAN_CODE": lambda _: [LinearRecognizer("IBAN_CODE", find_ibans, 1.0)],
    "IP_ADDRESS": lambda _: [LinearRecognizer("IP_ADDRESS", find_ips, 0.8)],
    "URL": lambda _: [LinearRecognizer("URL", find_urls, 0.9)],
    "US_SSN": lambda _: [LinearRecognizer("US_SSN", find_ssns, 0.85)],
    "CRYPTO": lambda _: [LinearRecognizer("CRYPTO", find_wallets, 1.0)],
    "MEDICAL_LICENSE": lambda _: [LinearRecognizer("MEDICAL_LICENSE", find_dea_numbers, 1.0)],
    "SECRET": lambda _: [LinearRecognizer("SECRET", find_secrets, 0.95)],
    "ADDRESS": lambda _: [LinearRecognizer("ADDRESS", find_addresses, 0.7)],
    "COORDINATES": lambda _: [LinearRecognizer("COORDINATES", find_coordinates, 0.8)],
    "USERNAME": lambda _: [LinearRecognizer("USERNAME", find_usernames, 0.6)],
    "LICENSE_PLATE": lambda _: [LinearRecognizer("LICENSE_PLATE", find_plates, 0.7)],
    "DATE_OF_BIRTH": lambda _: [LinearRecognizer("DATE_OF_BIRTH", find_birth_dates, 0.9)],
    "NATIONAL_ID": lambda _: [
        LinearRecognizer("NATIONAL_ID", find_national_ids, 0.85),
        LinearRecognizer("NATIONAL_ID", find_told_national_ids, 0.8),
    ],
    "ID_NUMBER": lambda _: [
        LinearRecognizer("ID_NUMBER", find_id_numbers, 0.75),
        LinearRecognizer("ID_NUMBER", find_device_numbers, 0.8),
    ],
}
ENTITY_TYPES = (*_RECOGNIZERS, *NAME_TYPES)


@dataclass(frozen=True)
class Analyzer:
    """Presidio's recognizers, asked one after the other.

    Presidio's own engine around them takes longer than ours do, for language artifacts, context
    words and explanations that none of them uses.
    """

    recognizers: tuple[EntityRecognizer, ...]
    score_threshold: float

    def analyze(self, text: str, memory: Memory) -> Iterator[RecognizerResult]:
        """What they find, from the threshold on; spans may overlap.

        The packaged recognizer of names has decided by its operating point already; the memory
        is of the same text, which is read several times.
        """
        for recognizer in self.recognizers:
            if isinstance(recognizer, NameRecognizer):
                yield from recognizer.analyze(text, recognizer.supported_entities, memory)
                continue
            for result in recognizer.analyze(text, recognizer.supported_entities, None):
                if result.score >= self.score_threshold:
                    yield result


def build_analyzer(settings: RedactSettings) -> Analyzer:
    """A recognizer for each entity type of the settings, and no others.

    Takes some milliseconds, and a second with names; importing presidio takes seconds. Build one
    per process: it need not be pickled.

    Raises:
        SettingsError: An entity type is unknown, or the model of names is not installed.
    """
    unknown = sorted(set(settings.entity_types) - set(ENTITY_TYPES))
    if unknown:
        raise SettingsError(
            f"redact.entity_types: unknown {', '.join(unknown)}; known: {', '.join(ENTITY_TYPES)}"
        )
    _silence_presidio()
    wanted = dict.fromkeys(settings.entity_types)
    recognizers = [
        recognizer
        for entity_type in wanted
        if entity_type in _RECOGNIZERS
        for recognizer in _RECOGNIZERS[entity_type](settings)
    ]
    names = [entity_type for entity_type in wanted if entity_type in NAME_TYPES]
    if names and settings.names_model == "packaged":
        recognizers.append(build_name_recognizer(settings.names, names))
    elif names:
        recognizers.append(load_names_model(settings.names_model, names))
    return Analyzer(tuple(recognizers), settings.score_threshold)


def _silence_presidio() -> None:
    # Its messages can quote the text, at error level too. A filter holds whatever level the
    # program that calls us sets.
    for name in ("presidio-analyzer", "decision_process"):
        logger = logging.getLogger(name)
        if _drop not in logger.filters:
            logger.addFilter(_drop)


def _drop(record: logging.LogRecord) -> bool:  # noqa: ARG001
    return False
