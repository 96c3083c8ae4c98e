import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from reports.charts import (
    ACCENT,
    NARROW,
    SECOND,
    WIDE,
    Layout,
    draw_automation,
    draw_major_groups,
    draw_occupations,
    draw_patterns,
)

SVG = "{http://www.w3.org/2000/svg}"
TITLES = ["Lamp Auditors", "<script>alert(1)</script> & *Fog* | Surveyors", "Chimney Critics"]
SHARES = [0.4, 0.2, 0.1]


def _rows(title: str) -> list[dict[str, Any]]:
    return [
        {
            title: name,
            "pattern": name,
            "is_automation": name == TITLES[0],
            "share": share,
            "share_lower": share - 0.05,
            "share_upper": share + 0.05,
            "task_equal_share": share / 2,
        }
        for name, share in zip(TITLES, SHARES, strict=True)
    ]


DRAWINGS: list[tuple[str, Callable[[Layout], str], dict[str, list[float]]]] = [
    (
        "occupations",
        lambda layout: draw_occupations(_rows("occupation_title"), layout),
        {ACCENT: SHARES},
    ),
    (
        "major groups",
        lambda layout: draw_major_groups(_rows("soc_title"), layout),
        {ACCENT: SHARES, SECOND: [share / 2 for share in SHARES]},
    ),
    (
        "patterns",
        lambda layout: draw_patterns(_rows("title"), {TITLES[1]: 0.3}, layout),
        {ACCENT: SHARES[:1], SECOND: SHARES[1:]},
    ),
    (
        "automation",
        lambda layout: draw_automation(_rows("soc_title"), 0.25, layout),
        {ACCENT: SHARES},
    ),
]


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize(("name", "draw", "expected"), DRAWINGS, ids=[d[0] for d in DRAWINGS])
def test_bars_are_as_long_as_their_shares(
    name: str, draw: Callable[[Layout], str], expected: dict[str, list[float]], layout: Layout
) -> None:
    drawing = ElementTree.fromstring(draw(layout))
    for color, shares in expected.items():
        paths = [
            path.get("d", "") for path in drawing.iter(f"{SVG}path") if path.get("fill") == color
        ]
        lengths = [float(re.match(r"M[^h]*h([\d.]+)", path)[1]) for path in paths]  # type: ignore[index]
        assert lengths == pytest.approx(
            [share * lengths[0] / shares[0] for share in shares], rel=1e-3
        )


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("draw", [drawing[1] for drawing in DRAWINGS])
def test_a_drawing_is_one_labeled_image_that_loads_and_runs_nothing(
    draw: Callable[[Layout], str], layout: Layout
) -> None:
    svg = draw(layout)
    drawing = ElementTree.fromstring(svg)
    assert drawing.get("role") == "img"
    assert TITLES[0] in drawing.get("aria-label", "")
    assert "40.0%" in "".join(drawing.itertext())
    assert {element.tag.removeprefix(SVG) for element in drawing.iter()} <= {
        "svg", "g", "path", "line", "text", "tspan", "rect",
    }  # fmt: skip
    assert "http" not in svg.replace('xmlns="http://www.w3.org/2000/svg"', "").replace(
        'xmlns:xlink="http://www.w3.org/1999/xlink"', ""
    )


@pytest.mark.parametrize(("longest", "last"), [(0.4, "40%"), (0.95, "100%"), (1.0, "100%")])
def test_an_axis_ends_at_all(longest: float, last: str) -> None:
    bounds = {"share": longest, "share_lower": longest, "share_upper": longest}
    rows = [_rows("soc_title")[0] | bounds]
    texts = list(ElementTree.fromstring(draw_automation(rows, None, NARROW)).itertext())
    ticks = [text for text in texts if re.fullmatch(r"\d+%", text)]
    assert ticks[-1] == last


def test_the_same_rows_give_the_same_drawing() -> None:
    assert draw_occupations(_rows("occupation_title"), WIDE) == draw_occupations(
        _rows("occupation_title"), WIDE
    )


def test_a_group_without_released_task_has_no_task_equal_bar() -> None:
    rows = [row | {"task_equal_share": 0.0} for row in _rows("soc_title")]
    assert SECOND not in draw_major_groups(rows, WIDE)
