"""Decides how an evaluation is drawn: small SVG charts in the colors of the quarterly report.

Each is drawn once, narrow enough for a telephone; on a desk they stand beside each other.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import altair as alt
import vl_convert

from flows.evaluation.certainty import Calibration, RiskCoverage
from flows.evaluation.scores import Metric
from flows.evaluation.shares import ShareEstimate

LABELED, CLASSIFIED, CORRECTED = "#39444d", "#98a3ad", "#2f7f9e"
KINDS = (("labeled", LABELED), ("classified", CLASSIFIED), ("corrected", CORRECTED))
WIDTH = 350
_HEIGHT = 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 16, 8, 40
_PITCH, _LABEL_ROOM, _STEP = 58, 18, 11  # pixels of a row of shares, its label, and its marks
_INK = "#39444d"  # the style sheet recolors text, rules and grid by the names of the marks

Row = dict[str, Any]


def draw_reliability(calibration: Calibration, title: str) -> str:
    """Accuracy by certainty, larger points for more answers; on the line both are the same."""
    most = max((found.count for found in calibration.bins), default=1)
    points = [
        {"x": found.certainty, "y": found.accuracy, "size": 20 + 180 * found.count / most}
        for found in calibration.bins
    ]
    x, y = _axis("x", "certainty"), _axis("y", "accuracy")
    ideal = _chart("reference", [{"x": 0, "y": 0}, {"x": 1, "y": 1}])
    layers = [
        ideal.mark_line(color=_INK, strokeDash=[4, 3], strokeWidth=1.5).encode(x=x, y=y),
        _chart("bar", points).mark_line(color=CORRECTED, strokeWidth=1.5).encode(x=x, y=y),
        _chart("point", points)
        .mark_circle(color=CORRECTED, opacity=0.9)
        .encode(x=x, y=y, size=alt.Size("size:Q", scale=None)),
    ]
    return _draw(layers, WIDTH, _HEIGHT, f"Reliability diagram. {title}")


def draw_risk(curve: RiskCoverage, title: str) -> str:
    """Error by coverage."""
    points = [{"x": point.coverage, "y": point.error} for point in curve.points]
    most = max((point.error for point in curve.points), default=0.0)
    x, y = _axis("x", "coverage"), _axis("y", "error", max(most * 1.1, 0.05))
    layers = [
        _chart("bar", points)
        .mark_line(color=CORRECTED, strokeWidth=2, point={"size": 12, "color": CORRECTED})
        .encode(x=x, y=y)
    ]
    return _draw(layers, WIDTH, _HEIGHT, f"Risk-coverage curve. {title}")


def draw_depths(metrics: Mapping[str, Metric], title: str) -> str:
    """The share with an acceptable task among the first k."""
    points = [
        {"x": int(depth), "y": metric.value, "low": metric.low, "high": metric.high}
        for depth, metric in metrics.items()
        if metric.n
    ]
    deepest = max(map(int, metrics), default=1)
    x, y = _axis("x", "tasks looked at", deepest, "d"), _axis("y", "acceptable")
    layers = [
        _chart("interval", points).mark_rule(color=_INK).encode(x=x, y=_plain("low"), y2="high:Q"),
        _chart("bar", points)
        .mark_line(color=CORRECTED, strokeWidth=2, point={"size": 40, "color": CORRECTED})
        .encode(x=x, y=y),
    ]
    return _draw(layers, WIDTH, _HEIGHT, title)


def share_axis(estimates: Sequence[ShareEstimate]) -> float:
    """Where an axis ends that shows all of them."""
    most = max((getattr(e, kind).high or 0.0 for e in estimates for kind, _ in KINDS), default=0.0)
    return min(most * 1.05, 1.0) or 1.0


def draw_shares(estimates: Sequence[tuple[str, ShareEstimate]], title: str, most: float) -> str:
    """A point with its interval for each kind of share, under the name of its class."""
    marks = [
        {"x": metric.value, "low": metric.low, "high": metric.high, "color": color, "y": y}
        for at, (_, estimate) in enumerate(estimates)
        for number, (kind, color) in enumerate(KINDS)
        for metric in [getattr(estimate, kind)]
        for y in [at * _PITCH + _LABEL_ROOM + (number + 0.5) * _STEP]
        if metric.high is not None
    ]
    names = [
        {"x": 0, "y": at * _PITCH + _LABEL_ROOM - 4, "name": name}
        for at, (name, _) in enumerate(estimates)
    ]
    height = len(estimates) * _PITCH
    x = _axis("x", None, most)
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, height], reverse=True, nice=False))
    color = alt.Color("color:N", scale=None)
    low = alt.X("low:Q", scale=alt.Scale(domain=[0, most], nice=False))
    layers = [
        _chart("whisker", marks)
        .mark_rule(strokeWidth=2)
        .encode(x=low, x2="high:Q", y=y, color=color),
        _chart("point", marks).mark_circle(size=50, opacity=1).encode(x=x, y=y, color=color),
        _chart("label", names)
        .mark_text(align="left", baseline="bottom", color=_INK, fontSize=12)
        .encode(x=alt.X("x:Q"), y=y, text="name:N"),
    ]
    return _draw(layers, WIDTH, height, title, left=8, bottom=24)


def _axis(channel: str, title: str | None, most: float = 1.0, form: str = "~%") -> Any:
    axis = alt.Axis(
        format=form, tickCount=5, domain=False, ticks=False, title=title, labelColor=_INK,
        gridColor=_INK, gridOpacity=0.15, labelFontSize=11, titleColor=_INK, titleFontSize=11,
        titleFontWeight="normal",
    )  # fmt: skip
    encoding = alt.X if channel == "x" else alt.Y
    scale = alt.Scale(domain=[0, most], nice=False)
    return encoding(f"{channel}:Q", axis=axis, scale=scale)


def _plain(name: str) -> Any:
    return alt.Y(f"{name}:Q", scale=alt.Scale(domain=[0, 1], nice=False))


def _chart(name: str, rows: list[Row]) -> Any:
    return alt.Chart(alt.Data(values=rows), name=name)


def _draw(
    layers: Sequence[Any], width: int, height: int, title: str, left: int = _LEFT,
    bottom: int = _BOTTOM,
) -> str:  # fmt: skip
    chart = (
        alt.layer(*layers)
        .properties(
            width=width - left - _RIGHT,
            height=height,
            padding={"left": left, "right": _RIGHT, "top": _TOP, "bottom": bottom},
            autosize=alt.AutoSizeParams(type="none"),
        )
        .configure(aria=False, background="#ffffff00", font="sans-serif")
        .configure_view(stroke=None)
    )
    svg = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
    # a scaling root that a screen reader reads as one image
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + _TOP + bottom}"'
        f' width="{width}" role="img" aria-label="{escape(title)}">'
    )
    return re.sub(r"^<svg[^>]*>", lambda _: root, svg, count=1)
