"""Trains the recognizer of names on our marked texts: `make train-names`."""

import importlib
import inspect
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import regex
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

import flows.redact.names.model
from flows.redact.names.lexicon import build_lexicon, fold, load_lexicon
from flows.redact.names.pipeline import COMPONENT, build_pipeline, make_doc, tokenize
from flows.train.marked import Marked, tag, vary, written_texts
from flows.train.names_report import describe_names
from taxonomy.training import written_conversations

_SEED = 3
_EPOCHS = 14
_BATCH = 32
_LEARNING_RATE = 2e-3
_LEAST_LEARNING_RATE = 1e-4
_DROPOUT = 0.15
_REQUESTS = 3_000  # in each epoch, beside the marked texts: no names are in them
_PARAGRAPHS = 1_800  # of documentation, likewise
_LONGEST = 800  # characters of a request
_COMMON = 2  # how often our texts have a common word in small letters, at least
_COMMON_NAME = 10  # and one that is a given name as well
_WORD = regex.compile(r"[\p{L}\p{M}]{2,}")
_DOCUMENTED = (
    *("argparse", "asyncio", "collections", "concurrent.futures", "configparser", "contextlib"),
    *("csv", "datetime", "decimal", "difflib", "email.message", "functools", "gzip", "hashlib"),
    *("heapq", "http.client", "inspect", "io", "itertools", "json", "logging", "multiprocessing"),
    *("os", "pathlib", "pickle", "platform", "random", "re", "shutil", "socket", "sqlite3", "ssl"),
    *("statistics", "string", "subprocess", "tarfile", "tempfile", "threading", "turtle", "typing"),
    *("unittest", "unittest.mock", "urllib.request", "uuid", "xml.etree.ElementTree", "zipfile"),
    *("altair", "click", "duckdb", "httpx", "jinja2", "polars", "prefect", "pydantic", "rich"),
    *("scipy.optimize", "scipy.stats", "sqlalchemy", "torch.nn", "typer"),
)
_NAMES_SOMEBODY = regex.compile(r"\b(?:named?|called|name is|name's|i'm|i am|this is) \p{Lu}")
_CREDITS = regex.compile(
    r"author|reference|et al|copyright|@|contributed|written|thanks|due to|\bby [A-Z]",
    regex.IGNORECASE,
)


def main() -> None:
    """Rebuilds flows/redact/names/model."""
    directory = Path(flows.redact.names.model.__file__).parent
    written = written_conversations()
    words = common_words(turn for one in written for turn in one.turns)
    (directory / "common_words.txt").write_text("\n".join(words) + "\n", "utf-8")
    marked = list(written_texts())
    nlp = train_names(
        [one for one in marked if not one.is_held_out],
        [
            turn[:_LONGEST]
            for one in written
            for turn in one.user_turns
            if not _NAMES_SOMEBODY.search(turn)
        ],
        sorted(set(_documentation())),
        epochs=_EPOCHS,
        say=sys.stderr.write,
    )
    shutil.rmtree(directory / "pipeline", ignore_errors=True)
    nlp.to_disk(directory / "pipeline", exclude=["vocab", "tokenizer"])
    (directory / "README.md").write_text(describe_names(marked), "utf-8")


def common_words(texts: Iterable[str]) -> list[str]:
    """The words that stand in small letters in the texts more than once, sorted.

    Given names are written so as well: they are common words only where they are much more often.
    """
    counts = Counter(word for text in texts for word in _WORD.findall(text) if word == fold(word))
    given = build_lexicon(()).given
    return sorted(
        word
        for word, count in counts.items()
        if count >= (_COMMON_NAME if word in given else _COMMON)
    )


def train_names(
    marked: Sequence[Marked],
    requests: Sequence[str],
    paragraphs: Sequence[str],
    *,
    epochs: int,
    say: Callable[[str], object],
) -> Language:
    """Fits a pipeline; each epoch varies the texts anew.

    Args:
        marked: Texts with names, or written to be without.
        requests: Texts without names, in the voices of users.
        paragraphs: Of documentation, without names.
        epochs: How often the marked texts are read.
        say: Told the loss of every epoch.
    """
    spacy.util.fix_random_seed(_SEED)
    draw = random.Random(_SEED)  # noqa: S311  # no secret
    nlp = build_pipeline(load_lexicon())
    nlp.initialize(lambda: [_example(nlp, one) for one in marked[:50]])
    optimizer = nlp.create_optimizer()
    for epoch in range(epochs):
        optimizer.learn_rate = _LEARNING_RATE * (1 - epoch / epochs) + _LEAST_LEARNING_RATE
        texts = [vary(one, draw) for one in marked]
        texts += [
            vary(Marked(text, (), "none", "en"), draw)
            for some, count in ((requests, _REQUESTS), (paragraphs, _PARAGRAPHS))
            for text in draw.sample(some, min(count, len(some)))
        ]
        losses: dict[str, float] = {}
        for batch in _batches(texts, draw):
            examples = [_example(nlp, one) for one in batch if tokenize(one.text)]
            nlp.update(examples, sgd=optimizer, drop=_DROPOUT, losses=losses)
        say(f"names: epoch {epoch + 1} of {epochs}: loss {losses[COMPONENT]:.0f}\n")
    return nlp


def _example(nlp: Language, marked: Marked) -> Example:
    tokens = tokenize(marked.text)
    spaces = [True] * len(tokens)
    right = Doc(nlp.vocab, tokens, spaces, tags=tag(tokens, marked))
    return Example(make_doc(nlp, tokens), right)


def _batches(texts: list[Marked], draw: random.Random) -> Iterator[list[Marked]]:
    """In random order, texts of about the same length together."""
    draw.shuffle(texts)
    texts.sort(key=lambda one: len(one.text) // 200)
    batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
    draw.shuffle(batches)
    yield from batches


def _documentation() -> Iterator[str]:
    """Paragraphs of the documentation of installed libraries, those without people in them."""
    for name in _DOCUMENTED:
        module = importlib.import_module(name)
        for _, member in [("", module), *sorted(vars(module).items())]:
            if inspect.ismodule(member) and member is not module:
                continue
            for text in (inspect.getdoc(member), *_method_texts(member)):
                for paragraph in (text or "").split("\n\n"):
                    is_prose = 6 <= len(paragraph.split()) <= 120
                    if is_prose and not _CREDITS.search(paragraph):
                        yield paragraph


def _method_texts(member: object) -> Iterator[str | None]:
    if inspect.isclass(member):
        for method in vars(member).values():
            if inspect.isroutine(method):
                yield inspect.getdoc(method)


if __name__ == "__main__":
    main()
