"""What a process loads once: encoder, classifiers, recognizers, task taxonomy and its index."""

import os
from functools import cache
from pathlib import Path

import polars as pl

from flows import embed, match
from flows.confine import confine
from flows.encoding import Encoder
from flows.language_model import Ask, build_ask
from flows.redact import Analyzer, build_analyzer
from flows.settings import EmbedSettings, LanguageModelSettings, RedactSettings, SettingsError
from flows.shares import Taxonomy
from flows.store import Manifest, find_step, step_key, write_step
from onet.release import Release, ReleaseError, load_release
from onet.search import TaskIndex, index_tasks
from onet.weights import statements, task_activities, task_occupations, task_rows
from taxonomy.classifiers import HEADS_FILE, ClassifierError, Classifiers, load_classifiers
from taxonomy.training import written_requests


@cache
def load_onet(onet: str) -> Release:
    """The task taxonomy: a directory with an O*NET release, or `starter`."""
    try:
        return load_release("starter" if onet == "starter" else Path(onet))
    except ReleaseError as error:
        raise SettingsError(f"onet: {error}") from None


def load_taxonomy(release: Release) -> Taxonomy:
    """What shares need of a release: its occupations with tasks, statements and weights."""
    weights = task_occupations(release)
    return Taxonomy(
        onet_release=release.name,
        occupations=release.occupations.join(weights, on="onet_soc_code", how="semi"),
        statements=statements(release),
        task_occupations=weights,
    )


@cache
def index_release(onet: str, settings: EmbedSettings, work: Path) -> Manifest:
    """Embeds the statements of an O*NET release and the requests written for its tasks.

    Done once per release, requests and encoder: public texts, so the index may outlive the run.
    """
    release = load_onet(onet)
    encoder = load_encoder(settings)
    key = step_key("index", release.content_hash, encoder.sha256)
    cache_directory = work / "cache"
    if found := find_step(cache_directory, "index", key):
        return found
    with confine("match"):
        tables = {
            "statements": match.embed_texts(statements(release), "statement", encoder.encode),
            "requests": match.embed_texts(_requests_of(release), "text", encoder.encode),
        }
        return write_step(cache_directory, "index", key, tables, {})


@cache
def task_index(onet: str, settings: EmbedSettings, work: Path) -> TaskIndex:
    """The tasks of a release, ready for search."""
    release = load_onet(onet)
    indexed = index_release(onet, settings, work)
    return index_tasks(
        indexed.read("statements"),
        indexed.read("requests"),
        task_occupations(release),
        task_activities(release),
    )


def _requests_of(release: Release) -> pl.DataFrame:
    """The written requests whose task rows the release has, by task; none for the starter."""
    rows = task_rows(release).select("task_id", "row_task_id")
    return (
        written_requests()
        .rename({"task_id": "row_task_id"})
        .join(rows, on="row_task_id", how="inner", validate="m:1")
        .select("task_id", "text")
        .sort("task_id", "text")
    )


@cache
def load_encoder(settings: EmbedSettings) -> Encoder:
    """The sentence encoder, verified."""
    return embed.load_encoder(settings)


@cache
def load_heads(settings: EmbedSettings) -> Classifiers:
    """The classifiers, refused where they were trained on another encoder."""
    try:
        return load_classifiers(HEADS_FILE, encoder_sha256=load_encoder(settings).sha256)
    except ClassifierError as error:
        raise SettingsError(str(error)) from None


@cache
def load_ask(settings: LanguageModelSettings, answers: Path) -> Ask:
    """The language model's endpoint: one for the whole run, so that its cap and breaker hold."""
    return build_ask(settings, answers, os.environ)


@cache
def load_analyzer(settings: RedactSettings) -> Analyzer:
    """The recognizers of the settings."""
    return build_analyzer(settings)
