"""Decides what a release consists of: its floors, its tables and the account of how it was made."""

import hashlib
import importlib.metadata
import json
from pathlib import Path

import dataframely as dy
import polars as pl

from flows import shares
from flows import tables as t
from flows.disclosure.contributions import ContributionLimits
from flows.disclosure.thresholds import PrimaryRules
from flows.evaluation.release import correct_groups, correct_patterns
from flows.judges import load_correction
from flows.loaded import load_encoder, load_heads, load_taxonomy
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
    "opendp",
    "polars",
    "presidio-analyzer",
    "py3langid",
    "scikit-learn",
    "sentence-transformers",
    "torch",
    "transformers",
    "umap-learn",
)


def release_rules(settings: Settings) -> PrimaryRules:
    """The primary rules of a release: many more conversations where accounts are unknown."""
    disclosure = settings.disclosure
    floor = disclosure.conversation_floor
    if settings.ingest.account_unit == "unknown":
        return PrimaryRules(max(disclosure.unknown_account_conversation_floor, floor), None)
    return PrimaryRules(floor, disclosure.account_floor, disclosure.dominance_percent)


def release_sums_from(settings: Settings) -> float | None:
    """With mode `suppression`, from where on sums of withheld figures may be known."""
    if settings.disclosure.mode != "suppression":
        return None
    limits = release_limits(settings)
    return release_rules(settings).sure_from(limits.conversations_per_account)


def release_limits(settings: Settings) -> ContributionLimits:
    """What is counted of one account: with noise, one conversation of each task and pattern."""
    disclosure = settings.disclosure
    limit, task_limit = disclosure.account_conversation_limit, disclosure.account_task_limit
    if disclosure.mode == "dp":
        return ContributionLimits(min(limit, task_limit), 1, task_limit)
    return ContributionLimits(limit, limit, task_limit)


def released_tables(
    request: RunRequest,
    release: Release,
    released: dy.DataFrame[t.ReleasedCells],
    uncapped: dy.DataFrame[t.UncappedUsage],
    clusters: pl.DataFrame,
    coverage: pl.DataFrame,
    disclosure: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """Every table of a release but the data dictionary, from released cells alone."""
    taxonomy = load_taxonomy(release)
    correction = load_correction(request.onet, request.settings)
    patterns = correct_patterns(shares.collaboration_shares(released, taxonomy), correction)
    groups = shares.add_uncapped(shares.soc_group_shares(released, taxonomy), uncapped)
    corrected = correct_groups(groups, patterns, correction)
    of_usage: dict[str, pl.DataFrame] = {
        "occupation_shares": shares.occupation_shares(released, taxonomy),
        "soc_group_shares": t.SocGroupShares.validate(corrected),
        "task_shares": shares.task_shares(released, taxonomy),
        "collaboration_shares": t.CollaborationShares.validate(patterns),
    }
    return {
        **{name: shares.bound_decimals(table) for name, table in of_usage.items()},
        "task_depth": shares.task_depth(released, taxonomy, quarter=request.quarter),
        "clusters": clusters,
        "coverage": coverage,
        "disclosure": disclosure,
        "releases": describe_release(request, release, disclosure),
        "reference_task_occupations": taxonomy.task_occupations.with_columns(
            onet_release=pl.lit(release.name)
        ),
        "reference_shares": reference_shares(),
    }


def describe_release(
    request: RunRequest, release: Release, control: pl.DataFrame
) -> dy.DataFrame[t.Releases]:
    """By which rules, code, models and packages the release is made; no clock, no path.

    Args:
        request: The run.
        release: Of the task taxonomy.
        control: The table `disclosure`.
    """
    rules, limits = release_rules(request.settings), release_limits(request.settings)
    told = dict(control.select("measure", "value").rows())
    has_noise = request.settings.disclosure.mode == "dp"
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES_THAT_MOVE_FIGURES}
    disclosure, model = request.settings.disclosure, request.settings.embed.model
    encoder = load_encoder(request.settings.embed)
    public_settings = request.settings.public()
    public_settings["embed"]["model"] = Path(model).name
    if path := public_settings["publish"]["evaluation"]:
        content = Path(path).read_bytes()
        public_settings["publish"]["evaluation"] = hashlib.sha256(content).hexdigest()
    asked = public_settings["language_model"]
    asked["model"] = Path(asked["model"]).name if asked["model"].startswith("/") else asked["model"]
    del asked["url"], asked["key_variable"]  # where it runs is nobody's business
    row = {
        "quarter": request.quarter,
        "release_id": "",
        "platform_and_product": request.settings.publish.platform_and_product,
        "onet_release": release.name,
        "taxonomy_notice": release.notice,
        "account_unit": request.settings.ingest.account_unit,
        "time_basis": "assumed" if request.settings.ingest.assume_quarter else "started_at",
        "conversation_floor": rules.conversations,
        "account_floor": None if has_noise else rules.accounts,
        "rounding_base": 1 if has_noise else disclosure.rounding_base,
        "account_conversation_limit": limits.conversations_per_account,
        "account_task_limit": limits.tasks_per_account,
        "disclosure_mode": disclosure.mode,
        **{name: told.get(name) for name in ("epsilon", "epsilon_spent", "epsilon_total")},
        "settings_hash": request.settings.sha256(),
        "settings_json": json.dumps(public_settings, sort_keys=True),
        "code_version": f"{importlib.metadata.version('worktally')}+{code_version()[:12]}",
        "model_name": encoder.name,
        "model_hash": encoder.sha256,
        "classifiers_hash": load_heads(request.settings.embed).sha256,
        "constitution_version": load_heads(request.settings.embed).constitution_version,
        "package_versions": json.dumps(versions, sort_keys=True),
    }
    return t.Releases.validate(pl.DataFrame([row], schema=t.Releases.create_empty().schema))
