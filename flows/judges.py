"""Decides what has to be the same for two runs to have judged alike, as hashes."""

import hashlib
from dataclasses import replace
from pathlib import Path

from flows.evaluation.release import Correction, read_correction
from flows.loaded import load_heads, load_onet
from flows.settings import Settings, SettingsError


def judges(onet: str, settings: Settings) -> dict[str, str]:
    """Hashes of what judges, by name; without the language model, which only a run may ask."""
    speed = {"workers", "timeout_seconds"}
    return {
        "classifiers": load_heads(settings.embed).sha256,
        "embedding": _hash(settings.embed.model_dump_json(exclude={"model", "batch_size"})),
        "taxonomy": load_onet(onet).content_hash,
        "matching": _hash(settings.match.model_dump_json()),
        "redaction": _hash(settings.redact.model_dump_json(exclude=speed)),
    }


def load_correction(onet: str, settings: Settings) -> Correction | None:
    """The evaluation that `publish.evaluation` names, if it names one.

    Groups are left uncorrected where clusters speak as well: an evaluation has no clusters.

    Raises:
        SettingsError: It cannot be read, or was made of other judges than those of the run.
    """
    if not settings.publish.evaluation:
        return None
    if settings.language_model.enabled:
        raise SettingsError(
            "publish.evaluation: `worktally evaluate` never asks a language model, so it says"
            " nothing of a run that does; switch language_model.enabled off, or take"
            " publish.evaluation out"
        )
    correction = read_correction(Path(settings.publish.evaluation))
    wanted = judges(onet, settings)
    differing = sorted(
        name
        for name in wanted.keys() | correction.judges.keys()
        if wanted.get(name) != correction.judges.get(name)
    )
    if differing:
        raise SettingsError(
            f"publish.evaluation: made with other {', '.join(differing)} than this run's; evaluate"
            " again with: worktally evaluate SOURCE --labels FILE --out DIR, with the same --onet"
            " and --settings"
        )
    if settings.match.mode != "conversation":
        return replace(correction, soc_major=None)
    return correction


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
