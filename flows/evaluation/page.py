"""Writes an evaluation down: its JSON, and a page for people; neither holds a text or an id."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows.evaluation.charts import (
    KINDS,
    draw_depths,
    draw_reliability,
    draw_risk,
    draw_shares,
    share_axis,
)
from flows.evaluation.classes import Confusion
from flows.evaluation.evaluate import Evaluation
from flows.evaluation.judged import JUDGEMENTS
from flows.evaluation.scores import METRICS, Metric
from flows.evaluation.shares import GROUP_BASE, ShareEstimate
from flows.evaluation.writing import (
    NOTHING,
    WrittenEvaluation,
    interval,
    percent,
    render_template,
    with_interval,
    write_files,
)
from taxonomy.soc import soc_groups

NAMES = {
    "occupational": "Occupational or not",
    "use_case": "Use case",
    "pattern": "Collaboration pattern",
    "soc_major": "SOC major group",
}
_MOST_IN_A_CHART = 8
_CLASS_NAMES = {"true": "yes", "false": "no", "not_classified": "abstained"}


def write_evaluation(evaluation: Evaluation, out: Path) -> WrittenEvaluation:
    """Writes `evaluation.json` and `evaluation.html` into `out`, which is made where missing."""
    return write_files("evaluation", evaluation.to_dict(), render_page(evaluation), out)


def render_page(evaluation: Evaluation) -> str:
    """One page without scripts and without anything from elsewhere."""
    asked = [name for name in JUDGEMENTS if evaluation.confusion[name]]
    return render_template(
        "evaluation.html",
        evaluation=evaluation,
        metrics=[(name, _words(name), *_cells(evaluation.metrics[name])) for name in METRICS],
        languages=_languages(evaluation),
        language_rows=_language_rows(evaluation),
        judgements=[_judgement(evaluation, name) for name in asked],
        depths=_depths(evaluation),
        shares=_share_charts(evaluation),
        share_rows=_share_rows(evaluation),
        automation=_automation(evaluation),
        kinds=[(color, _KIND_WORDS[kind]) for kind, color in KINDS],
    )


_KIND_WORDS = {
    "labeled": "by the labels",
    "classified": "as classified",
    "corrected": "corrected",
}


def _judgement(evaluation: Evaluation, name: str) -> dict[str, Any]:
    calibration, risk = evaluation.calibration[name], evaluation.risk_coverage[name]
    title = NAMES[name]
    return {
        "anchor": name,
        "title": title,
        "calibration": calibration,
        "risk": risk,
        "error": _number(calibration.expected_calibration_error),
        "brier": _number(calibration.brier_score),
        "area": _number(risk.area),
        "reliability_chart": draw_reliability(calibration, title) if calibration.n else "",
        "risk_chart": draw_risk(risk, title) if risk.n else "",
        "classes": [
            (
                _class_name(label, name),
                percent(score.precision),
                percent(score.recall),
                percent(score.f1),
                score.count,
                score.judged_count,
            )
            for label, score in evaluation.classes[name].items()
        ],
        "heat": _heat(evaluation.confusion[name], name),
    }


def _heat(confusion: Confusion, judgement: str) -> dict[str, Any]:
    """Counts, and how dark: the share of the labeled class that was judged so."""
    found = {answer for answers in confusion.values() for answer in answers} | set(confusion)
    order = sorted(found, key=lambda name: (name == "not_classified", name == "none", name))
    rows = []
    for truth in (name for name in order if name in confusion):
        total = sum(confusion[truth].values())
        cells = [
            (
                confusion[truth].get(answer, 0),
                confusion[truth].get(answer, 0) / total,
                answer == truth,
            )
            for answer in order
        ]
        rows.append((_class_name(truth, judgement), cells))
    return {"columns": [_short_name(name) for name in order], "rows": rows}


def _class_name(name: str, judgement: str) -> str:
    if judgement == "soc_major" and name in (titles := _group_titles()):
        return f"{name} {titles[name]}"
    return _short_name(name)


def _short_name(name: str) -> str:
    return _CLASS_NAMES.get(name, name.replace("_", " "))


def _group_titles() -> dict[str, str]:
    rows = soc_groups().filter(soc_level="major").select("soc_code", "soc_title").rows()
    return {code[:2]: title.removesuffix(" Occupations") for code, title in rows}


def _depths(evaluation: Evaluation) -> str:
    if not any(metric.n for metric in evaluation.task_acceptable.values()):
        return ""
    return draw_depths(
        evaluation.task_acceptable, "Share with an acceptable task among the first k"
    )


def _share_charts(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Caption and chart of each measure that is labeled."""
    charts = []
    for measure, base, caption in (
        ("automation", "five", "Automation share, base five"),
        ("pattern", "five", "Patterns, base five"),
        ("soc_major", GROUP_BASE, "SOC major groups, of what is occupational"),
    ):
        estimates = evaluation.shares.get(measure, {}).get(base, {})
        shown = [(_class_name(n, measure), e) for n, e in estimates.items() if _is_found(e)]
        half_count = -(-len(shown) // 2)
        halves = [shown[:half_count], shown[half_count:]]
        halves = halves if len(shown) > _MOST_IN_A_CHART else [shown]
        most = share_axis([estimate for _, estimate in shown])
        charts += [(caption, draw_shares(half, caption, most)) for half in halves if half]
    return charts


def _share_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    return [
        (
            _class_name(name, measure),
            base,
            *(with_interval(metric) for metric in (e.labeled, e.classified, e.corrected)),
            *(with_interval(metric) for metric in (e.source_classified, e.source_corrected)),
        )
        for measure in ("automation", "pattern", "soc_major")
        for base, estimates in evaluation.shares.get(measure, {}).items()
        for name, e in estimates.items()
        if _is_found(e)
    ]


def _is_found(estimate: ShareEstimate) -> bool:
    return any(
        metric.value
        for metric in (estimate.labeled, estimate.classified, estimate.source_classified)
    )


def _automation(evaluation: Evaluation) -> tuple[str, str] | None:
    classified, corrected = (evaluation.automation_error[k] for k in ("classified", "corrected"))
    if classified is None or corrected is None:
        return None
    return f"{classified * 100:.1f}", f"{corrected * 100:.1f}"


def _languages(evaluation: Evaluation) -> list[tuple[str, int]]:
    return [(language, scores.n) for language, scores in evaluation.by_language.items()]


def _language_rows(evaluation: Evaluation) -> list[tuple[str, list[str]]]:
    return [
        (
            _words(name),
            [_value_and_interval(s.metrics[name]) for s in evaluation.by_language.values()],
        )
        for name in METRICS
        if any(s.metrics[name].n for s in evaluation.by_language.values())
    ]


def _words(name: str) -> str:
    return name.replace("soc_major", "SOC major group").replace("dwa", "DWA").replace("_", " ")


def _cells(metric: Metric) -> Sequence[str]:
    return percent(metric.value), interval(metric), f"{metric.n:,}"


def _value_and_interval(metric: Metric) -> str:
    return f"{with_interval(metric)}, n {metric.n:,}" if metric.n else NOTHING


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"
