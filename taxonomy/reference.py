"""Shares that others have published, as facts to compare a release with."""

from importlib.resources import files
from io import StringIO

import polars as pl


def reference_shares() -> pl.DataFrame:
    """`source`, `measure` (pattern, mode, soc_major), `id`, `base`, `share` (0 to 1).

    Source: the Anthropic Economic Index (arXiv 2503.04761 and its data releases).
    """
    text = files("taxonomy").joinpath("reference_shares.tsv").read_text("utf-8")
    return pl.read_csv(StringIO(text), separator="\t", schema_overrides={"share": pl.Float64})
