"""What a process loads once: the encoder, the recognizers, the task taxonomy and its index."""

from functools import cache
from pathlib import Path

from flows import classify, embed, match
from flows.confine import confine
from flows.encoding import Encoder
from flows.redact import AnalyzerEngine, build_analyzer
from flows.settings import EmbedSettings, RedactSettings, SettingsError
from flows.shares import Taxonomy
from flows.store import Manifest, find_step, step_key, write_step
from onet.release import Release, ReleaseError, load_release
from onet.weights import statements, task_occupations


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
    """Embeds the task statements of an O*NET release, once per release and encoder."""
    release = load_onet(onet)
    key = step_key("match", release.content_hash, settings.model_dump_json())
    cache_directory = work / "cache"  # public data: it may outlive the run
    if found := find_step(cache_directory, "match", key):
        return found
    with confine("match"):
        embeddings = match.embed_statements(statements(release), load_encoder(settings).encode)
        return write_step(cache_directory, "match", key, {"task_embeddings": embeddings}, {})


@cache
def task_index(onet: str, settings: EmbedSettings, work: Path) -> match.TaskIndex:
    """The tasks of a release, ready for search."""
    embeddings = index_release(onet, settings, work).read("task_embeddings")
    return match.index_tasks(embeddings, task_occupations(load_onet(onet)))


@cache
def load_encoder(settings: EmbedSettings) -> Encoder:
    """The sentence encoder, verified."""
    return embed.load_encoder(settings)


@cache
def load_prototypes(settings: EmbedSettings) -> classify.Prototypes:
    """The vectors of the labels' prototypes."""
    return classify.embed_prototypes(load_encoder(settings).encode)


@cache
def load_analyzer(settings: RedactSettings) -> AnalyzerEngine:
    """The recognizers of the settings."""
    return build_analyzer(settings)
