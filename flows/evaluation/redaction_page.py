"""Writes down how good redaction is: its JSON, a page and a table; none of them holds a text."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from flows.evaluation.entity_types import STRUCTURED
from flows.evaluation.redaction import FALSE_HITS, OVER_MASKED, TOTALS, Miss, RedactionEvaluation
from flows.evaluation.scores import Metric
from flows.evaluation.writing import (
    NOTHING,
    PER_1000,
    PERCENT,
    WrittenEvaluation,
    figure,
    interval,
    render_template,
    with_interval,
    write_files,
)
from flows.settings import SettingsError
from flows.store import write_private_file

# What each total is, and of what.
TOTAL_NAMES = {
    "recall_structured": ("Structured types found", "labeled spans"),
    "recall_person": ("People's names found", "labeled spans"),
    "recall_all": ("All types found", "labeled spans"),
    "partly_all": ("Masked in part only", "labeled spans"),
    "right_type_all": ("Found as what it is", "labeled spans"),
    "precision_all": ("Precision", "masked spans"),
    "leak_rate": ("Leak rate", "conversations that went on"),
    "leak_rate_of_labeled": ("Leak rate where something is labeled", "conversations that went on"),
    "rejected_rate": ("Rejected by redaction", "conversations"),
    OVER_MASKED: ("Over-masked words per 1,000", "words"),
    FALSE_HITS: ("False hits per 1,000 words", "words"),
}
_KEY_FIGURES = ("recall_structured", "recall_person", "leak_rate", OVER_MASKED)
_OF_LANGUAGE = ("recall_structured", "recall_person", "recall_all", "leak_rate", OVER_MASKED)
_UNKNOWN = Metric(None, None, None, 0)


def write_redaction(evaluation: RedactionEvaluation, out: Path) -> WrittenEvaluation:
    """Writes `redaction.json` and `redaction.html` into `out`, which is made where missing."""
    return write_files("redaction", evaluation.to_dict(), render_page(evaluation), out)


def write_misses(misses: Sequence[Miss], path: Path) -> None:
    """Writes where something was missed, a line of JSON each, readable by the owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private_file(path, "".join(json.dumps(asdict(miss)) + "\n" for miss in misses))
    except OSError as error:
        raise SettingsError(f"evaluate: cannot write to {path}: {error.strerror}") from None


def render_page(evaluation: RedactionEvaluation) -> str:
    """One page without scripts and without anything from elsewhere."""
    metrics = evaluation.metrics
    return render_template(
        "redaction.html",
        evaluation=evaluation,
        key_figures=[
            (
                TOTAL_NAMES[name][0],
                figure(metrics[name].value, _form(name)),
                _base(metrics[name], name),
            )
            for name in _KEY_FIGURES
        ],
        totals=[
            (
                *TOTAL_NAMES[name],
                figure(metrics[name].value, _form(name)),
                interval(metrics[name], _form(name)),
                f"{metrics[name].n:,}",
            )
            for name in TOTALS
        ],
        types=type_rows(evaluation),
        not_looked_for=[
            (name, f"{count:,}", whole(evaluation, f"recall_{name}"))
            for name, count in evaluation.not_looked_for.items()
        ],
        languages=[
            (
                language,
                f"{count:,}",
                *(whole(evaluation, f"{name}_language_{language}") for name in _OF_LANGUAGE),
            )
            for language, count in evaluation.languages.items()
        ],
        rejects=_reject_rows(evaluation),
        structured=STRUCTURED,
    )


def render_table(evaluation: RedactionEvaluation) -> Table:
    """The totals and each type as a table for a terminal."""
    others = ", ".join(f"{name} {count:,}" for name, count in evaluation.not_looked_for.items())
    table = Table(
        title=f"Redaction of {evaluation.n:,} labeled conversations",
        caption=f"{sum(evaluation.rejected.values()):,} rejected by redaction;"
        f" {sum(evaluation.malformed.values()):,} rows that could not be used;"
        f" not looked for: {others or 'none of the labels'}",
    )
    table.add_column("figure")
    for heading in ("value", "95 % interval", "n"):
        table.add_column(heading, justify="right")
    of_types = [
        f"{figure}_{name}" for figure in ("recall", "precision") for name in found_types(evaluation)
    ]
    for name in (*TOTALS, *of_types):
        metric = evaluation.metrics.get(name, _UNKNOWN)
        if metric.n or name in TOTALS:
            form = _form(name)
            table.add_row(name, figure(metric.value, form), interval(metric, form), f"{metric.n:,}")
    return table


def type_rows(evaluation: RedactionEvaluation) -> list[tuple[str, ...]]:
    """A row for each type: labeled, found, in part, as what it is, masked, precision, false."""
    rows = []
    for name in found_types(evaluation):
        masked = evaluation.metrics.get(f"precision_{name}", _UNKNOWN).n
        of_labels = (f"recall_{name}", f"partly_{name}", f"right_type_{name}")
        of_masked = (f"precision_{name}", f"{FALSE_HITS}_{name}")
        rows.append(
            (
                name,
                f"{evaluation.types.get(name, 0):,}",
                *(whole(evaluation, figure, with_n=False) for figure in of_labels),
                f"{masked:,}",
                *(whole(evaluation, figure, with_n=False) for figure in of_masked),
            )
        )
    return rows


def found_types(evaluation: RedactionEvaluation) -> list[str]:
    """Every type that redaction knows and that is labeled, or that it found."""
    prefix = "precision_"
    masked = {
        name.removeprefix(prefix)
        for name in evaluation.metrics
        if name.startswith(prefix) and name != "precision_all" and "_language_" not in name
    }
    return sorted(masked | evaluation.types.keys())


def whole(evaluation: RedactionEvaluation, name: str, *, with_n: bool = True) -> str:
    """A figure with its interval, if there is one."""
    metric = evaluation.metrics.get(name, _UNKNOWN)
    shown = with_interval(metric, _form(name))
    return f"{shown}, n\u00a0{metric.n:,}" if with_n and metric.n else shown


def _form(name: str) -> str:
    return PER_1000 if "per_1000" in name else PERCENT


def _base(metric: Metric, name: str) -> str:
    return f"{interval(metric, _form(name))} of {metric.n:,} {TOTAL_NAMES[name][1]}"


def _reject_rows(evaluation: RedactionEvaluation) -> list[tuple[str, str, str]]:
    rows = [
        (what, rule, f"{count:,}")
        for what, counts in (
            ("rejected by redaction", evaluation.rejected),
            ("row that could not be used", evaluation.malformed),
        )
        for rule, count in counts.items()
    ]
    return rows or [("nothing", NOTHING, "0")]
