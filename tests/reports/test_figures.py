from typing import Any

import pytest

from reports.figures import (
    count,
    interval,
    lines,
    months,
    percent,
    points,
    published,
    relative_change,
    task_equal,
    width,
)
from reports.markdown import escape_markdown


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.42551), "42.6%"),
        (percent(0.42551, 2), "42.55%"),
        (percent(0.0), "0.0%"),
        (percent(0.0004), "<0.1%"),
        (percent(0.00004, 2), "<0.01%"),
        (percent(0.0005), "0.1%"),
        (percent(1.0), "100.0%"),
        (percent(None), "withheld"),
        (interval(0.1, 0.25), "10.0–25.0%"),
        (interval(None, 0.25), "withheld"),
        (count(1234567), "1,234,567"),
        (count(1234.6), "1,235"),
        (count(None), "withheld"),
        (width(9.0), "9"),
        (width(8.9999999), "9"),
        (width(8.96), "8.9"),
        (width(9.06), "9"),
        (width(1234.5), "1,234.5"),
        (points(1.44), "+1.4"),
        (points(-1.44), "−1.4"),
        (points(-0.04), "0.0"),
        (points(0.04), "0.0"),
        (points(None), "withheld"),
        (relative_change(6000, 7000), "+1,000 (+16.7%)"),
        (relative_change(7000, 6000), "−1,000 (−14.3%)"),
        (relative_change(0, 6), "+6"),
        (relative_change(None, 6), "withheld"),
        (task_equal(0.0), "no task released"),
        (task_equal(0.5), "50.0%"),
        (task_equal(None), "withheld"),
        (published(None), "–"),
        (published(0.5), "50.0%"),
        (months("2026Q1"), "January to March 2026"),
        (months("2027Q4"), "October to December 2027"),
        (lines("Count the lamps of a street", 15), "Count the lamps\nof a street"),
        (lines("Count the lamps of a street", 15, 1), "Count the lamp…"),
        (lines("", 15), ""),
    ],
)  # fmt: skip
def test_a_figure_is_written_as_people_read_it(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Plain words", "Plain words"),
        ("a|b", r"a\|b"),
        ("*bold* _lean_ `code`", r"\*bold\* \_lean\_ \`code\`"),
        ("<script>&", "&lt;script&gt;&amp;"),
        ("[a](b)", r"\[a\](b)"),
        ("back\\slash", r"back\\slash"),
        ("two\n\n# lines", r"two \# lines"),
        ("- item", r"\- item"),
        ("12. item", r"12\. item"),
        ("12.5%", "12.5%"),
        ("-1.4", "-1.4"),
        (12, 12),
    ],
)
def test_markdown_means_nothing_in_a_value(value: Any, expected: Any) -> None:
    assert escape_markdown(value) == expected
