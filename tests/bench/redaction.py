"""How many messages a second redaction reads, beside stock Presidio on the same ones: `make bench`.

The peer is Presidio's `BatchAnalyzerEngine` with its own patterns for the same entity types and no
language model, on the same texts in the same run. One process each, timed three times; the least
counts, since machines are shared.
"""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import typer
from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NoOpNlpEngine
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from flows.ingest.read import read_records
from flows.redact import Analyzer, build_analyzer
from flows.redact.detect import find_entities
from flows.sample import write_sample
from flows.settings import RedactSettings, load_settings
from tests.bench.timing import least_seconds

SAME_TYPES = (
    *("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "URL", "US_SSN"),
    *("CRYPTO", "MEDICAL_LICENSE"),
)


def main(conversations: int = 300) -> None:
    """Prints messages per second, and each as a multiple of the peer."""
    texts = _sample_texts(conversations)
    settings = load_settings().redact
    same = settings.model_copy(update={"entity_types": SAME_TYPES})
    nlp = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=nlp)
    stock = BatchAnalyzerEngine(
        AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
    )
    runs: dict[str, Callable[[], object]] = {
        "stock Presidio, patterns": lambda: list(
            stock.analyze_iterator(texts, language="en", entities=list(SAME_TYPES))
        ),
        "the same types": _reading(texts, build_analyzer(same)),
        "all types, with names": _reading(texts, build_analyzer(settings)),
    }
    seconds = {name: least_seconds(run) for name, run in runs.items()}
    parts = [texts[part::8] for part in range(8)]
    for workers in (1, 2):
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            read = partial(_read_all, settings=settings)
            list(pool.map(read, [texts[:2]] * 2 * workers))  # they start and load
            seconds[f"all types, {workers} workers"] = least_seconds(
                partial(_share, pool, read, parts)
            )
    peer = seconds["stock Presidio, patterns"]
    table = Table("", "messages/s", "of the peer", title=f"{len(texts):,} messages")
    for name, taken in seconds.items():
        table.add_row(name, f"{len(texts) / taken:,.0f}", f"{peer / taken:.2f}")
    Console().print(table)


def _sample_texts(conversations: int) -> list[str]:
    settings = load_settings()
    with tempfile.TemporaryDirectory() as directory:
        sample = write_sample(
            conversation_count=conversations, quarters=["2026Q1"], seed=1, out=Path(directory)
        )
        records = read_records([sample.quarters[0].log], format_name=None, settings=settings.ingest)
        return [
            message.text
            for record in records
            for message in getattr(record, "messages", ())
            if message.text
        ]


_ANALYZERS: dict[RedactSettings, Analyzer] = {}


def _read_all(texts: Sequence[str], settings: RedactSettings) -> int:
    if settings not in _ANALYZERS:
        _ANALYZERS[settings] = build_analyzer(settings)
    with threadpool_limits(limits=1, user_api="blas"):  # as in a run
        return sum(len(find_entities(text, _ANALYZERS[settings], lambda: None)) for text in texts)


def _share(
    pool: ProcessPoolExecutor, read: Callable[[Sequence[str]], int], parts: Sequence[Sequence[str]]
) -> int:
    return sum(pool.map(read, parts))


def _reading(texts: Sequence[str], analyzer: Analyzer) -> Callable[[], object]:
    def read() -> None:
        with threadpool_limits(limits=1, user_api="blas"):  # as in a run
            for text in texts:
                find_entities(text, analyzer, lambda: None)

    return read


if __name__ == "__main__":
    typer.run(main)
