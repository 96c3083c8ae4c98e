"""Decides what may be set, and its bounds: frozen models over the committed defaults."""

import hashlib
import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flows.disclosure.floors import (
    ACCOUNT_FLOOR,
    CONVERSATION_FLOOR,
    EPSILON_LIMIT,
    ROUNDING_BASE,
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
    names: Literal["balanced", "strict"]
    names_model: str
    timeout_seconds: float = Field(gt=0.0, le=10.0)
    workers: int = Field(ge=1, le=64)


class EmbedSettings(_Group):
    """Which encoder, over what text."""

    model: str
    model_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    adapted: bool
    max_opening_characters: int = Field(ge=20)
    max_turn_characters: int = Field(ge=20)
    max_follow_ups: int = Field(ge=2)
    batch_size: int = Field(ge=1)


class ClusterSettings(_Group):
    """UMAP and hdbscan, with fixed seed."""

    neighbors: int = Field(ge=2)
    components: int = Field(ge=2)
    min_cluster_size: int = Field(ge=2)
    min_samples: int = Field(ge=1)
    seed: int = Field(ge=0)


class MatchSettings(_Group):
    """Task search."""

    mode: Literal["conversation", "cluster", "combined"]
    cluster_weight: float = Field(gt=0.0, lt=1.0)
    candidates: int = Field(ge=1, le=200)
    min_probability: float = Field(ge=0.0, le=1.0)


class LanguageModelSettings(_Group):
    """An endpoint that judges redacted conversations after the classifiers; off by default."""

    enabled: bool
    url: str = Field(max_length=500)
    model: str = Field(max_length=200)
    key_variable: str = Field(pattern=r"^[A-Z_][A-Z0-9_]*$")
    timeout_seconds: float = Field(gt=0.0, le=600.0)
    max_attempts: int = Field(ge=1, le=10)
    workers: int = Field(ge=1, le=64)
    consecutive_failures: int = Field(ge=1)
    candidates: int = Field(ge=1, le=200)
    max_characters: int = Field(ge=200)
    max_turn_characters: int = Field(ge=100)
    max_reply_characters: int = Field(ge=100)
    max_output_tokens: int = Field(ge=50)
    max_spend_usd: float = Field(ge=0.0, le=1_000_000.0)
    input_usd_per_million: float = Field(ge=0.0, le=1_000_000.0)
    output_usd_per_million: float = Field(ge=0.0, le=1_000_000.0)

    @model_validator(mode="after")
    def _know_whom_to_ask(self) -> Self:
        if self.enabled and not (self.url and self.model):
            raise ValueError("enabled requires url and model")
        if self.max_characters < self.max_turn_characters + 100:
            raise ValueError("max_characters must exceed max_turn_characters by 100")
        if self.max_reply_characters > self.max_turn_characters:
            raise ValueError("max_reply_characters must not exceed max_turn_characters")
        return self


class DisclosureSettings(_Group):
    """Floors of a released cell, which can be raised, never lowered; and the budget of noise."""

    mode: Literal["rounding", "suppression", "dp"]
    epsilon_per_quarter: float = Field(gt=0.0, le=EPSILON_LIMIT)
    epsilon_total: float = Field(gt=0.0, le=100.0)
    conversation_floor: int = Field(ge=CONVERSATION_FLOOR)
    account_floor: int = Field(ge=ACCOUNT_FLOOR)
    unknown_account_conversation_floor: int = Field(ge=UNKNOWN_ACCOUNT_CONVERSATION_FLOOR)
    rounding_base: int = Field(ge=ROUNDING_BASE, le=1_000)
    account_conversation_limit: int = Field(ge=1)
    account_task_limit: int = Field(ge=1)
    dominance_percent: float = Field(ge=0.0, le=1_000.0)

    @model_validator(mode="after")
    def _hide_one_account_in_the_rounding(self) -> Self:
        if self.account_conversation_limit > self.rounding_base:
            raise ValueError("account_conversation_limit must not exceed rounding_base")
        if self.epsilon_per_quarter > self.epsilon_total:
            raise ValueError("epsilon_per_quarter must not exceed epsilon_total")
        return self


class PublishSettings(_Group):
    """The released database, and what stays behind."""

    platform_and_product: str = Field(min_length=1, max_length=100)
    evaluation: str
    keep_work: bool


class Settings(_Group):
    """All settings of a run."""

    ingest: IngestSettings
    redact: RedactSettings
    embed: EmbedSettings
    cluster: ClusterSettings
    match: MatchSettings
    language_model: LanguageModelSettings
    disclosure: DisclosureSettings
    publish: PublishSettings

    @model_validator(mode="after")
    def _judge_conversations_one_by_one(self) -> Self:
        """Noise hides one account; so none may move how those of others are judged or bounded."""
        needed = {
            "ingest.account_unit = 'account'": self.ingest.account_unit == "account",
            "match.mode = 'conversation'": self.match.mode == "conversation",
            "language_model.enabled = false": not self.language_model.enabled,
            "no publish.evaluation": not self.publish.evaluation,
        }
        missing = [setting for setting, is_kept in needed.items() if not is_kept]
        if self.disclosure.mode == "dp" and missing:
            raise ValueError(f"disclosure.mode = 'dp' needs {', '.join(missing)}")
        return self

    def public(self) -> dict[str, Any]:
        """The settings that may be told: all but the parameter of the dominance rule.

        Who knows it can work backwards from what was withheld; a hash over it could be tried out.
        """
        values = self.model_dump(mode="json")
        del values["disclosure"]["dominance_percent"]
        return values

    def canonical_json(self) -> str:
        """The public settings as JSON with sorted keys, the form that is hashed and released."""
        return json.dumps(self.public(), sort_keys=True)

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
