"""Decides what a release consists of: its floors, its tables and the account of how it was made."""

import importlib.metadata
import json
from pathlib import Path

import dataframely as dy
import polars as pl

from flows import shares
from flows import tables as t
from flows.disclosure.thresholds import Floors
from flows.loaded import load_taxonomy
from flows.request import RunRequest
from flows.settings import Settings
from flows.store import code_version
from onet.release import Release
from taxonomy.reference import reference_shares

_PACKAGES_THAT_MOVE_FIGURES = (
    "dataframely",
    "duckdb",
    "hdbscan",
    "numpy",
    "polars",
    "presidio-analyzer",
    "scikit-learn",
    "sentence-transformers",
    "torch",
    "transformers",
    "umap-learn",
)


def release_floors(settings: Settings) -> Floors:
    """The floors of a release: many more conversations where accounts are unknown."""
    disclosure = settings.disclosure
    if settings.ingest.account_unit == "unknown":
        return Floors(
            max(disclosure.unknown_account_conversation_floor, disclosure.conversation_floor), None
        )
    return Floors(disclosure.conversation_floor, disclosure.account_floor)


def released_tables(
    request: RunRequest,
    release: Release,
    released: dy.DataFrame[t.ReleasedCells],
    clusters: pl.DataFrame,
    coverage: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """Every table of a release but the data dictionary, from released cells alone."""
    taxonomy = load_taxonomy(release)
    return {
        "occupation_shares": shares.occupation_shares(released, taxonomy),
        "soc_group_shares": shares.soc_group_shares(released, taxonomy),
        "task_shares": shares.task_shares(released, taxonomy),
        "collaboration_shares": shares.collaboration_shares(released, taxonomy),
        "task_depth": shares.task_depth(released, taxonomy, quarter=request.quarter),
        "clusters": clusters,
        "coverage": coverage,
        "releases": describe_release(request, release),
        "reference_task_occupations": taxonomy.task_occupations.with_columns(
            onet_release=pl.lit(release.name)
        ),
        "reference_shares": reference_shares(),
    }


def describe_release(request: RunRequest, release: Release) -> dy.DataFrame[t.Releases]:
    """By which rules, code, models and packages the release is made; no clock, no path."""
    floors = release_floors(request.settings)
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES_THAT_MOVE_FIGURES}
    model = request.settings.embed.model
    public_settings = request.settings.model_dump(mode="json")
    public_settings["embed"]["model"] = Path(model).name
    row = {
        "quarter": request.quarter,
        "release_id": "",
        "platform_and_product": request.settings.publish.platform_and_product,
        "onet_release": release.name,
        "taxonomy_notice": release.notice,
        "account_unit": request.settings.ingest.account_unit,
        "time_basis": "assumed" if request.settings.ingest.assume_quarter else "started_at",
        "conversation_floor": floors.conversations,
        "account_floor": floors.accounts,
        "settings_hash": request.settings.sha256(),
        "settings_json": json.dumps(public_settings, sort_keys=True),
        "code_version": f"{importlib.metadata.version('worktally')}+{code_version()[:12]}",
        "model_name": "all-MiniLM-L6-v2" if model == "packaged" else Path(model).name,
        "model_hash": request.settings.embed.model_sha256,
        "package_versions": json.dumps(versions, sort_keys=True),
    }
    return t.Releases.validate(pl.DataFrame([row], schema=t.Releases.create_empty().schema))
