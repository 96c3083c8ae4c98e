"""Decides what the labels of a conversation mean: definitions and prototypes, from labels.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Label:
    """One value of a judgement.

    Attributes:
        name: Such as `directive`.
        definition: What it means, for a reader of the report.
        prototypes: Requests of this kind, in our words.
    """

    name: str
    definition: str
    prototypes: tuple[str, ...]


@cache
def labels(judgement: str) -> tuple[Label, ...]:
    """The labels of `occupational`, `use_case` or `pattern`."""
    values = tomllib.loads(files("taxonomy").joinpath("labels.toml").read_text("utf-8"))
    return tuple(
        Label(name, str(entry["definition"]), tuple(entry["prototypes"]))
        for name, entry in values[judgement].items()
    )
