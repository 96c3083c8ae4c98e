"""Decides how the figures of an evaluation are written, and writes its page and its JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows.evaluation.scores import Metric
from flows.settings import SettingsError

NOTHING = "–"


@dataclass(frozen=True)
class WrittenEvaluation:
    """The files of an evaluation."""

    json: Path
    html: Path


def write_files(name: str, figures: Mapping[str, Any], page: str, out: Path) -> WrittenEvaluation:
    """Writes `name.json` and `name.html` into `out`, which is made where missing."""
    written = WrittenEvaluation(out / f"{name}.json", out / f"{name}.html")
    text = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write_whole(written.json, text)
        _write_whole(written.html, page)
    except OSError as error:
        raise SettingsError(f"evaluate: cannot write to {out}: {error.strerror}") from None
    return written


def render_template(name: str, **values: Any) -> str:
    """One page without scripts and without anything from elsewhere."""
    loader = FileSystemLoader(
        [str(files("flows.evaluation")), str(files("reports"))]  # the report's style sheet
    )
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(**values)


def percent(share: float | None) -> str:
    """A share in percent."""
    return NOTHING if share is None else f"{share * 100:.1f}%"


def interval(metric: Metric) -> str:
    """The interval of a share, in percent."""
    if metric.low is None or metric.high is None:
        return NOTHING
    return f"{metric.low * 100:.1f}–{metric.high * 100:.1f}%"


def with_interval(metric: Metric) -> str:
    """A share and its interval, in percent."""
    if metric.value is None:
        return NOTHING
    whole = interval(metric).replace("–", "–\u2060")  # a line breaks before an interval, not in it
    return f"{percent(metric.value)} ({whole})"


def _write_whole(path: Path, text: str) -> None:
    """A reader finds the old file or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.writing")  # a later one takes it over
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            temporary.chmod(0o600)
            file.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
