"""Decides what may be set, and its bounds: frozen models over the committed defaults."""

import hashlib
import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.disclosure.floors import (
    ACCOUNT_FLOOR,
    CONVERSATION_FLOOR,
    UNKNOWN_ACCOUNT_CONVERSATION_FLOOR,
)


class SettingsError(Exception):
    """Wrong settings or arguments; raised before any data is read (exit code 2)."""


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IngestSettings(_Group):
    """What is accepted."""

    account_unit: Literal["account", "unknown"]
    assume_quarter: bool
    partition_conversations: int = Field(ge=1, le=100_000)
    max_line_bytes: int = Field(ge=1_000)
    max_messages: int = Field(ge=1)
    max_message_characters: int = Field(ge=100)
    reject_share_limit: float = Field(ge=0.0, le=1.0)


class RedactSettings(_Group):
    """What is looked for in messages, and how long."""

    entity_types: tuple[str, ...] = Field(min_length=1)
    score_threshold: float = Field(ge=0.0, le=1.0)
    phone_regions: tuple[str, ...]
    timeout_seconds: float = Field(gt=0.0, le=10.0)
    workers: int = Field(ge=1, le=64)


class EmbedSettings(_Group):
    """Which encoder, over what text."""

    model: str
    model_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    max_turn_characters: int = Field(ge=20)
    batch_size: int = Field(ge=1)


class ClusterSettings(_Group):
    """UMAP and hdbscan, with fixed seed."""

    neighbors: int = Field(ge=2)
    components: int = Field(ge=2)
    min_cluster_size: int = Field(ge=2)
    min_samples: int = Field(ge=1)
    seed: int = Field(ge=0)


class ClassifySettings(_Group):
    """Thresholds of the judgement."""

    occupational_margin: float = Field(ge=-2.0, le=2.0)
    abstain_below: float = Field(ge=0.0, le=1.0)


class MatchSettings(_Group):
    """Task search."""

    candidates: int = Field(ge=1, le=200)
    vote_temperature: float = Field(gt=0.0, le=1.0)
    min_score: float = Field(ge=-1.0, le=1.0)


class DisclosureSettings(_Group):
    """Floors of a released cell; they can be raised, never lowered."""

    conversation_floor: int = Field(ge=CONVERSATION_FLOOR)
    account_floor: int = Field(ge=ACCOUNT_FLOOR)
    unknown_account_conversation_floor: int = Field(ge=UNKNOWN_ACCOUNT_CONVERSATION_FLOOR)


class PublishSettings(_Group):
    """The released database, and what stays behind."""

    platform_and_product: str = Field(min_length=1, max_length=100)
    keep_work: bool


class Settings(_Group):
    """All settings of a run."""

    ingest: IngestSettings
    redact: RedactSettings
    embed: EmbedSettings
    cluster: ClusterSettings
    classify: ClassifySettings
    match: MatchSettings
    disclosure: DisclosureSettings
    publish: PublishSettings

    def canonical_json(self) -> str:
        """The settings as JSON with sorted keys, the form that is hashed and released."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)

    def sha256(self) -> str:
        """Hash of `canonical_json`, 64 hexadecimal digits."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


def load_settings(path: Path | None = None, **overrides: dict[str, Any]) -> Settings:
    """Reads the committed defaults, lays the file at `path` over them, then `overrides`.

    Args:
        path: A TOML file with any of the sections and names of `settings.toml`.
        overrides: Values by section, such as `ingest={"assume_quarter": True}`.

    Raises:
        SettingsError: The file cannot be read, or a name or value is not allowed.
    """
    values = tomllib.loads(files("flows").joinpath("settings.toml").read_text("utf-8"))
    layers = [_read_toml(path)] if path else []
    for layer in [*layers, overrides]:
        for section, names in layer.items():
            if not isinstance(names, dict):
                raise SettingsError(f"settings: '{section}' must be a section")
            values.setdefault(section, {}).update(names)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors()
        )
        raise SettingsError(f"settings: {problems}") from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"settings: cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SettingsError(f"settings: {path} is not valid TOML") from None
