"""Decides what a report is made of: sections of paragraphs, key figures, tables and charts."""

from dataclasses import dataclass
from typing import ClassVar

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class KeyFigures:
    """A few numbers to be seen first: label, value and what it is of."""

    items: tuple[tuple[str, str, str], ...]
    kind: ClassVar[str] = "key_figures"


@dataclass(frozen=True)
class Table:
    """Figures that name their base and their allocation rule.

    Attributes:
        caption: What the table shows.
        base: The denominator of its shares.
        rule: The allocation rule.
        columns: Headings; the first `text_columns` of them are of words, the others of figures.
        rows: Cells as they are shown; the first cell names the row.
        text_columns: How many columns hold words.
        notes: What a reader has to know of single figures.
    """

    caption: str
    base: str
    rule: str
    columns: Cells
    rows: tuple[Cells, ...]
    text_columns: int = 1
    notes: tuple[str, ...] = ()
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Chart:
    """A chart drawn twice, for a desk and for a telephone.

    Attributes:
        caption: What the chart shows.
        base: The denominator of its shares.
        rule: The allocation rule.
        wide: SVG for wide pages and print.
        narrow: SVG for narrow pages.
        legend: Color and meaning of each series.
    """

    caption: str
    base: str
    rule: str
    wide: str
    narrow: str
    legend: tuple[tuple[str, str], ...] = ()
    kind: ClassVar[str] = "chart"


@dataclass(frozen=True)
class Definitions:
    """Terms and what they mean."""

    items: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "definitions"


Block = Paragraph | KeyFigures | Table | Chart | Definitions


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; `anchor` is the heading's place in the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
