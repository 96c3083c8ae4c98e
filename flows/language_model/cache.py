"""Decides whether a request was answered before: answers by the hash of what was asked."""

import hashlib
import tempfile
from collections.abc import Collection
from pathlib import Path

from flows.language_model.answer import Answer, parse_answer
from flows.store import make_private_directory


def cache_key(url: str, body: str) -> str:
    """sha256 of address and request; the request holds model, messages and schema."""
    return hashlib.sha256(f"{url}\0{body}".encode()).hexdigest()


def read_cached(directory: Path, key: str, candidates: Collection[int]) -> Answer | None:
    """The answer kept under the key; None where there is none, or not one that could be given."""
    try:
        return parse_answer(_path(directory, key).read_bytes(), candidates)
    except FileNotFoundError:
        return None


def write_cached(directory: Path, key: str, answer: Answer) -> None:
    """Keeps an answer, which holds labels and task ids only; whole or not at all."""
    path = _path(directory, key)
    make_private_directory(path.parent)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:  # mode 0600
        file.write(answer.model_dump_json().encode())
    Path(file.name).replace(path)


def _path(directory: Path, key: str) -> Path:
    return directory / key[:2] / f"{key}.json"
