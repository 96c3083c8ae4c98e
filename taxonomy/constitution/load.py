"""Decides what every label means, and refuses a constitution that contradicts itself."""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, TypeVar

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from taxonomy.soc import soc_groups

JUDGEMENTS = (
    "occupational",
    "use_case",
    "pattern",
    "major_group",
    "minor_group",
    "sensitive_subject",
)
"""What is judged of a conversation, in the order of the page."""

NO_GROUP = "none"
"""The label beside the SOC groups: no occupation is asked for."""

_SOC_LEVELS = {"major_group": "major", "minor_group": "minor"}
_VERSION_DIGITS = 12
_CLOSED = ConfigDict(extra="forbid")

_Text = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$")]
_Name = Annotated[str, StringConstraints(pattern=r"^([a-z]+(_[a-z]+)*|\d\d-\d{4})$")]
_RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$")]
_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True, config=_CLOSED)
class Borderline:
    """A hard case: which label of the judgement wins, and why."""

    case: _Text
    label: _Name
    reason: _Text


@dataclass(frozen=True, config=_CLOSED)
class Rule:
    """One kind of conversation that has the label; written examples name it `label.rule`."""

    id: _RuleId
    text: _Text


@dataclass(frozen=True, config=_CLOSED)
class Label:
    """One value of a judgement, in plain language.

    Attributes:
        name: Such as `directive`; the SOC code for groups.
        definition: What it means, in one or two sentences.
        includes: Kinds of conversation that have it.
        excludes: What looks like it and goes elsewhere, with the place.
        borderline: Hard cases with the winner.
        rules: The kinds that written examples refer to.
    """

    name: _Name
    definition: _Text
    includes: Annotated[tuple[_Text, ...], Field(min_length=2, max_length=5)]
    excludes: Annotated[tuple[_Text, ...], Field(min_length=1)]
    borderline: Annotated[tuple[Borderline, ...], Field(max_length=5)]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, config=_CLOSED)
class Judgement:
    """A question that is asked of every conversation, with its possible answers.

    Attributes:
        question: What is decided.
        principles: What holds for all its labels, ties included.
        labels: The answers, in the order of the file.
    """

    question: _Text
    principles: Annotated[tuple[_Text, ...], Field(min_length=1)]
    labels: Annotated[tuple[Label, ...], Field(min_length=2)]


@cache
def judgement(name: str) -> Judgement:
    """The judgement of that name, as committed.

    Raises:
        ValueError: There is no such judgement, or its file contradicts itself.
    """
    if name not in JUDGEMENTS:
        raise ValueError(f"judgement must be one of {', '.join(JUDGEMENTS)}")
    return parse_judgement(name, _committed(name))


def labels(judgement_name: str) -> tuple[Label, ...]:
    """The labels of a judgement, in the order of its file."""
    return judgement(judgement_name).labels


def rule_ids(judgement_name: str) -> frozenset[str]:
    """Every `label.rule` of a judgement."""
    return frozenset(
        f"{label.name}.{rule.id}" for label in labels(judgement_name) for rule in label.rules
    )


def constitution_version() -> str:
    """12 hexadecimal digits of the sha256 of the files, released beside the figures."""
    return version_of(_committed(name) for name in sorted(JUDGEMENTS))


def version_of(contents: Iterable[bytes]) -> str:
    """The version of files with these bytes, taken in this order."""
    return hashlib.sha256(b"".join(contents)).hexdigest()[:_VERSION_DIGITS]


def parse_judgement(name: str, content: bytes) -> Judgement:
    """Reads the file of a judgement.

    Raises:
        ValueError: The content breaks a rule; the message names the file and the label.
    """
    file = f"{name}.toml"
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: not valid TOML: {error}") from None
    entries = values.pop("label", [])
    if not isinstance(entries, list) or "labels" in values:
        raise ValueError(f"{file}: labels are written as [[label]]")
    parsed = tuple(_parse(Label, entry, f"{file}: label {_name_of(entry)}") for entry in entries)
    whole = _parse(Judgement, {**values, "labels": parsed}, file)
    _refuse_contradictions(name, whole.labels)
    return whole


def _committed(name: str) -> bytes:
    return files("taxonomy.constitution").joinpath(f"{name}.toml").read_bytes()


def _name_of(entry: object) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else "without a name"


def _parse(kind: type[_Parsed], value: object, place: str) -> _Parsed:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ValueError(f"{place}: {problems}") from None


def _refuse_contradictions(judgement_name: str, labels: Sequence[Label]) -> None:
    file = f"{judgement_name}.toml"
    names = [label.name for label in labels]
    if twice := _repeated(names):
        raise ValueError(f"{file}: label {twice[0]}: defined twice")
    allowed = _allowed_names(judgement_name)
    for label in labels:
        place = f"{file}: label {label.name}"
        if allowed is not None and label.name not in allowed:
            raise ValueError(f"{place}: no such group in soc_groups.tsv")
        if twice := _repeated([rule.id for rule in label.rules]):
            raise ValueError(f"{place}: rule {twice[0]} is written twice")
        for hard in label.borderline:
            if hard.label not in names:
                raise ValueError(f"{place}: a borderline case names the unknown label {hard.label}")


def _allowed_names(judgement_name: str) -> frozenset[str] | None:
    """The names that a judgement of groups may use; null for the other judgements."""
    if judgement_name not in _SOC_LEVELS:
        return None
    groups = soc_groups()
    codes = frozenset(groups.filter(groups["soc_level"] == _SOC_LEVELS[judgement_name])["soc_code"])
    return codes | {NO_GROUP} if judgement_name == "major_group" else codes


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]
