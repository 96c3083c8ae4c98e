"""Decides how many decimals a share has: as many as its denominator can tell apart."""

from typing import Literal

import polars as pl

_MOST = 12  # decimals of any share
_EXACT = 1e-6  # of the last decimal: so much may be the error of a multiplication
Toward = Literal["nearest", "lower", "upper"]


def cut_decimals(share: pl.Expr, denominator: pl.Expr, toward: Toward = "nearest") -> pl.Expr:
    """Rounds a share of N to as many decimals as N - 1 has digits.

    With fewer, two counts could have one share, and more would say nothing.

    Args:
        share: 0 to 1.
        denominator: N.
        toward: `nearest`; or `lower` and `upper`, for the bounds of an interval.
    """
    digits = (denominator.ceil() - 1).clip(1.0).cast(pl.Int64).cast(pl.String).str.len_chars()
    scale = pl.lit(10.0).pow(digits)
    scaled = share * scale
    if toward == "lower":
        scaled = (scaled + _EXACT).floor()
    elif toward == "upper":
        scaled = (scaled - _EXACT).ceil()
    # polars may multiply by the inverse instead, which is off by the last bit; that is mended
    return (scaled.round() / scale).clip(0.0, 1.0).round(_MOST)
