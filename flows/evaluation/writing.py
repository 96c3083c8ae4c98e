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
from flows.store import write_private_file

NOTHING = "–"
PERCENT, PER_1000 = ".1%", ".2f"


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
        write_private_file(written.json, text)
        write_private_file(written.html, page)
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
    return figure(share)


def figure(value: float | None, form: str = PERCENT) -> str:
    """A figure in a form: `PERCENT` or `PER_1000`."""
    return NOTHING if value is None else format(value, form)


def interval(metric: Metric, form: str = PERCENT) -> str:
    """The interval of a figure."""
    if metric.low is None or metric.high is None:
        return NOTHING
    return f"{format(metric.low, form).rstrip('%')}–{format(metric.high, form)}"


def with_interval(metric: Metric, form: str = PERCENT) -> str:
    """A figure and its interval."""
    if metric.value is None:
        return NOTHING
    whole = interval(metric, form).replace("–", "–\u2060")  # a line breaks before it, not in it
    return f"{figure(metric.value, form)} ({whole})"
