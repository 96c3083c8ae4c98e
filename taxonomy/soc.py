"""Decides which major, minor and broad group of the SOC 2018 an occupation belongs to.

Source: U.S. Bureau of Labor Statistics, 2018 Standard Occupational Classification System;
military occupations (55-0000) are left out.
"""

from functools import cache
from importlib.resources import files
from io import StringIO

import polars as pl

GROUP_LEVELS = ("major", "minor", "broad")
_SOC_CODE = r"^\d\d-\d{4}(\.\d\d)?$"
_KEPT_DIGITS = {"major": (3, "0000"), "minor": (4, "000"), "broad": (6, "0")}
_TENS = 6  # characters of a code without its last digit: no group divides the codes any finer


def soc_groups() -> pl.DataFrame:
    """The civilian groups: `soc_level` (major, minor, broad), `soc_code`, `soc_title`, by code."""
    return _table().select("soc_level", "soc_code", "soc_title")


def group_code(code: pl.Expr, level: str) -> pl.Expr:
    """The SOC code of the group that an occupation belongs to.

    The hierarchy decides where the digits would mislead: 15-1252 belongs to the minor group
    15-1200, 29-1221 to the broad group 29-1210. A code that SOC 2018 does not know, such as one of
    SOC 2010, gets the group that its digits name, which need not be in `soc_groups`.

    Args:
        code: O*NET-SOC codes (15-1252.00) or detailed SOC codes (15-1252).
        level: major, minor or broad.

    Returns:
        Codes such as 15-0000; null where `code` is null or not such a code.

    Raises:
        ValueError: The level is none of the three.
    """
    if level not in GROUP_LEVELS:
        raise ValueError(f"SOC level must be one of {', '.join(GROUP_LEVELS)}")
    members = _members(level)
    kept, zeros = _KEPT_DIGITS[level]
    by_digits = pl.concat_str(code.str.slice(0, kept), pl.lit(zeros))
    by_hierarchy = code.str.slice(0, _TENS).replace_strict(
        members["tens"], members["soc_code"], default=by_digits, return_dtype=pl.String
    )
    return pl.when(code.str.contains(_SOC_CODE)).then(by_hierarchy)


@cache
def _table() -> pl.DataFrame:
    """The groups, and the first and last detailed occupation of each, in `soc_groups.tsv`."""
    text = files("taxonomy").joinpath("soc_groups.tsv").read_text("utf-8")
    return pl.read_csv(StringIO(text), separator="\t", quote_char=None, infer_schema=False)


@cache
def _members(level: str) -> pl.DataFrame:
    """A row per ten of detailed codes (15-125_) that lies in a group of the level."""
    first, last = (
        pl.col(name).str.replace("-", "").str.head(_TENS - 1).cast(pl.Int64)
        for name in ("first_code", "last_code")
    )
    tens = pl.col("tens").cast(pl.String)
    return (
        _table()
        .lazy()
        .filter(pl.col("soc_level") == level)
        .select("soc_code", tens=pl.int_ranges(first, last + 1))
        .explode("tens")
        .with_columns(tens=tens.str.head(2) + "-" + tens.str.slice(2))
        .collect()
    )
