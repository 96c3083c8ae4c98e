"""Decides how shares are drawn: horizontal bars and points in SVG, the same for the same rows.

Labels are placed by us, not by a layout that measures text: fonts differ between machines.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import altair as alt
import vl_convert

from reports.database import Row
from reports.figures import lines, percent

ACCENT = "#2f7f9e"
SECOND = "#98a3ad"
_INK = "#39444d"  # the page's style sheet recolors text, rules and grid by the names of the marks
_HEADROOM = 1.16  # of the longest bar, for the figure written behind it


@dataclass(frozen=True)
class Layout:
    """Where labels go and how wide all is, in pixels; without label column they go on top."""

    width: int
    label_column: int
    label_characters: int
    pitch: int
    bar: int
    font: int


WIDE = Layout(width=880, label_column=330, label_characters=40, pitch=34, bar=14, font=13)
NARROW = Layout(width=350, label_column=0, label_characters=50, pitch=46, bar=12, font=12)
_SHORT_LABELS = 130  # pixels
_RIGHT = 16
_AXIS = 26


def draw_occupations(rows: Sequence[Row], layout: Layout) -> str:
    """Bars with intervals, a row an occupation, in the order given."""
    bars = [
        _bar(row, row["occupation_title"], "share", ACCENT, at, layout)
        for at, row in enumerate(rows)
    ]
    return _draw(bars, len(rows), layout, "Usage share of the leading occupations")


def draw_major_groups(rows: Sequence[Row], layout: Layout) -> str:
    """Two bars a group: usage-weighted above task-equal."""
    half = layout.bar * 0.75
    bars = []
    for at, row in enumerate(rows):
        weighted = _bar(row, _short(row["soc_title"]), "share", ACCENT, at, layout, height=half)
        bars.append(_moved(weighted, -half / 2 - 0.5))
        if row["task_equal_share"]:
            equal = _bar(row, "", "task_equal_share", SECOND, at, layout, height=half)
            bars.append(_moved(equal, half / 2 + 0.5))
    return _draw(bars, len(rows), layout, "Usage-weighted and task-equal share of SOC major groups")


def draw_patterns(rows: Sequence[Row], references: dict[str, float], layout: Layout) -> str:
    """Bars with intervals, a row a pattern; a mark where the reference lies.

    Args:
        rows: `title`, `pattern`, `is_automation` and the share with its interval.
        references: Published share by pattern; may be empty.
        layout: Wide or narrow.
    """
    layout = replace(layout, label_column=min(layout.label_column, _SHORT_LABELS))
    bars = []
    for at, row in enumerate(rows):
        color = ACCENT if row["is_automation"] else SECOND
        bar = _bar(row, row["title"], "share", color, at, layout)
        reference = references.get(row["pattern"])
        bar["figure_x"] = max(bar["figure_x"], reference or 0.0)
        bars.append(bar | {"reference": reference})
    return _draw(bars, len(rows), layout, "Share of the collaboration patterns")


def draw_automation(rows: Sequence[Row], overall: float | None, layout: Layout) -> str:
    """Bars with intervals, a row a group; a line where all usage together lies.

    The figures stand in a column of their own, so that the line crosses none.
    """
    bars = [
        _bar(row, _short(row["soc_title"]), "share", ACCENT, at, layout)
        for at, row in enumerate(rows)
    ]
    column = max((bar["figure_x"] for bar in bars), default=0.0)
    bars = [bar | {"figure_x": column} for bar in bars]
    return _draw(bars, len(rows), layout, "Automation share by SOC major group", overall)


def _short(group: str) -> str:
    return group.removesuffix(" Occupations")


def _bar(
    row: Row, title: str, share: str, color: str, at: int, layout: Layout, height: float = 0.0
) -> Row:
    """One bar in pixels from the top; the label beside or above it."""
    label_room = 0 if layout.label_column else layout.pitch - layout.bar - 8
    label = lines(title, layout.label_characters, 2 if layout.label_column else 1)
    middle = at * layout.pitch + label_room + (layout.pitch - label_room) / 2
    extent = (height or layout.bar) / 2
    upper = row["share_upper"] if share == "share" else None
    return {
        "label": label,
        # Vega hangs further lines below the first, wherever that one is aligned
        "label_y": middle - label.count("\n") * (layout.font + 2) / 2
        if layout.label_column
        else at * layout.pitch + label_room - 4,
        "zero": 0.0,
        "share": row[share],
        "top": middle - extent,
        "middle": middle,
        "bottom": middle + extent,
        "lower": row["share_lower"] if share == "share" else None,
        "upper": upper,
        "figure": percent(row[share]),
        "figure_x": max(value for value in (row[share], upper) if value is not None),
        "color": color,
        "reference": None,
    }


def _moved(bar: Row, by: float) -> Row:
    return bar | {name: bar[name] + by for name in ("top", "middle", "bottom")}


def _draw(
    bars: list[Row], count: int, layout: Layout, title: str, vertical: float | None = None
) -> str:
    height = count * layout.pitch
    marks = [bar[name] for bar in bars for name in ("figure_x", "reference")] + [vertical]
    most = max((mark for mark in marks if mark is not None), default=1.0) or 1.0
    plot = layout.width - layout.label_column - _RIGHT
    room = _HEADROOM if layout.label_column else _HEADROOM + 0.06
    chart = (
        alt.layer(*_layers(bars, most * room, height, layout, vertical))
        .properties(
            width=plot,
            height=height,
            padding={"left": layout.label_column, "right": _RIGHT, "top": 4, "bottom": _AXIS},
            autosize=alt.AutoSizeParams(type="none"),
        )
        .configure(aria=False, background="#ffffff00", font="sans-serif")
        .configure_view(stroke=None)
    )
    svg = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
    return _as_image(svg, layout.width, height + 4 + _AXIS, _spoken(title, bars))


def _layers(
    bars: list[Row], most: float, height: int, layout: Layout, vertical: float | None
) -> list[alt.Chart]:
    y_scale = alt.Scale(domain=[0, height], reverse=True, nice=False, zero=False)
    axis = alt.Axis(
        format="~%", tickCount=5, labelOverlap=False, domain=False, ticks=False, title=None,
        gridColor=_INK, labelColor=_INK, labelFontSize=layout.font - 1,
        # the room for a figure beside a long bar is no share of more than all
        gridOpacity=alt.condition("datum.value > 1", alt.value(0), alt.value(0.15)),
        labelExpr="datum.value > 1 ? '' : datum.label",
    )  # fmt: skip

    def x(name: str) -> alt.X:
        return alt.X(f"{name}:Q", axis=axis, scale=alt.Scale(domain=[0, most], nice=False))

    def y(name: str) -> alt.Y:
        return alt.Y(f"{name}:Q", axis=None, scale=y_scale)

    def chart(name: str, rows: list[Row]) -> alt.Chart:
        return alt.Chart(alt.Data(values=rows), name=name)

    text = {"color": _INK, "fontSize": layout.font, "lineBreak": "\n", "baseline": "middle"}
    beside = {"align": "right", "dx": -10} if layout.label_column else {"align": "left"}
    drawn = [
        chart("bar", bars)
        .mark_rect()
        .encode(
            x=x("zero"), x2="share:Q", y=y("top"), y2="bottom:Q",
            color=alt.Color("color:N", scale=None),
        ),
        chart("label", [bar for bar in bars if bar["label"]])
        .mark_text(**{**text, "baseline": "middle" if layout.label_column else "bottom"}, **beside)
        .encode(x=x("zero"), y=y("label_y"), text="label:N"),
        chart("figure", bars)
        .mark_text(**{**text, "fontSize": layout.font - 1}, align="left", dx=6)
        .encode(x=x("figure_x"), y=y("middle"), text="figure:N"),
    ]  # fmt: skip
    if ranged := [bar for bar in bars if bar["lower"] is not None]:
        interval = chart("interval", ranged).mark_rule(color=_INK, strokeWidth=1.5)
        drawn.append(interval.encode(x=x("lower"), x2="upper:Q", y=y("middle")))
    if referenced := [bar for bar in bars if bar["reference"] is not None]:
        mark = chart("reference", referenced).mark_rule(color=_INK, strokeWidth=2)
        longer = [bar | {"top": bar["top"] - 4, "bottom": bar["bottom"] + 4} for bar in referenced]
        mark.data = alt.Data(values=longer)
        drawn.append(mark.encode(x=x("reference"), y=y("top"), y2="bottom:Q"))
    if vertical is not None:
        line = chart("reference", [{"x": vertical, "top": 0, "bottom": height}])
        dashed = line.mark_rule(color=_INK, strokeDash=[4, 3], strokeWidth=1.5)
        drawn.append(dashed.encode(x=x("x"), y=y("top"), y2="bottom:Q"))
    return drawn


def _spoken(title: str, bars: Sequence[dict[str, Any]]) -> str:
    named = [bar for bar in bars if bar["label"]]
    if not named:
        return title
    first, last = named[0], named[-1]
    ends = (f"{' '.join(bar['label'].split())} {bar['figure']}" for bar in (first, last))
    return f"Bar chart. {title}: from {' to '.join(ends)}."


def _as_image(svg: str, width: int, height: int, label: str) -> str:
    """Gives the drawing a scaling root that a screen reader reads as one image."""
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" role="img" aria-label="{escape(label)}">'
    )
    return re.sub(r"^<svg[^>]*>", lambda _: root, svg, count=1)
