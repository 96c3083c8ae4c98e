"""Decides what of the cube may leave, and in what form: primary rules, protection, release gate.

Cells that are sensitive by themselves are withheld; their usage stays in the units and totals above
them. What is shown is rounded so that it still adds up, or left exact. Then the release is
attacked: what can still be narrowed down costs neighboring figures, few where figures are rounded
and many where they are exact, and where that does not help nothing is released.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.confine import PrivacyGateError
from flows.disclosure.cube import Cube, place_cells
from flows.disclosure.gate import Method, Shown, Verdict, attack
from flows.disclosure.lattice import FIGURE_PATTERNS, UNIT, Lattice, build_lattice
from flows.disclosure.refused import name_narrow
from flows.disclosure.rounding import Rounded, RoundingError, keyed_draws, round_figures
from flows.disclosure.suppression import complement
from flows.disclosure.thresholds import PrimaryRules, judge_cells
from flows.tables import Cells, Disclosure, ReleasedCells

Floats = NDArray[np.float64]
_REPAIRS = 12
_PRICE_OF_TOTALS = 1_000.0  # beside a unit's: without its total, no share of anything is told
_SUMS = "What holds all of a figure that passes, and so many conversations, may be known"
_DETECTION = "Probability that one conversation more or less changes a given shown figure"


@dataclass(frozen=True)
class Protection:
    """How what is shown protects what is not.

    Attributes:
        base: Of the rounding; withheld figures stay uncertain by base - 1.
        key: Secret of the rounding.
        sums_from: None, and figures are rounded to multiples of the base. Otherwise to whole
            numbers, which leaves counts exact, and so many are withheld that the others say as
            little; what may be known of them, `gate.Method` says.
    """

    base: int
    key: bytes
    sums_from: float | None = None

    @property
    def is_exact(self) -> bool:
        """Whether counts are shown as they are."""
        return self.sums_from is not None

    @property
    def wanted(self) -> float:
        """Least width of the interval of what is withheld."""
        return self.base - 1.0

    @property
    def step(self) -> int:
        """Shown figures are multiples of it, if they are counts."""
        return 1 if self.is_exact else self.base


@dataclass(frozen=True)
class Controlled:
    """Cells as they may leave, and what the attack on them found.

    Attributes:
        cells: Every cell, withheld ones without figures.
        verdict: Of the last attack; nothing is narrow in it.
        method: What the attacker knows of how they were made.
    """

    cells: dy.DataFrame[ReleasedCells]
    verdict: Verdict
    method: Method


def control_cells(
    cells: dy.DataFrame[Cells],
    weights: pl.DataFrame,
    rules: PrimaryRules,
    protection: Protection,
    *,
    earlier: Sequence[Shown] = (),
) -> Controlled:
    """Withholds, protects, attacks.

    Args:
        cells: The cube of one quarter.
        weights: As `lattice.unit_weights` says, of its taxonomy.
        rules: What a cell has to meet to be shown.
        protection: How the others are protected.
        earlier: What was released before of the same conversations.

    Raises:
        PrivacyGateError: What is withheld could still be found out.
    """
    wanted, judged = protection.wanted, judge_cells(cells, rules)
    for _ in range(_REPAIRS):
        try:
            judged, cube, rounded = _protect(judged, weights, rules, protection)
        except RoundingError:
            raise PrivacyGateError(
                "disclose: no rounding of what is shown adds up", rule="no_rounding_adds_up"
            ) from None
        released = _release(judged, cube, rounded.figures)
        method = Method(protection.step, rounded.reach, rules.conversations, protection.sums_from)
        shown = Shown(plain_cells(released), method)
        verdict = attack(weights, [shown, *earlier], wanted=wanted)
        if not len(verdict.narrow):
            return Controlled(released, verdict, method)
        # the intervals of rounding move with what else is withheld
        width = wanted if protection.is_exact else 2.0 * wanted
        judged = _withhold_more(judged, verdict, method, wanted=wanted, width=width)
    raise PrivacyGateError(
        f"disclose: {len(verdict.narrow)} of {verdict.targets.height} withheld figures could be"
        " found out to less than the rounding base; raise disclosure.conversation_floor",
        rule="figures_can_be_found_out",
        cells=name_narrow(verdict, wanted=wanted),
        cell_count=len(verdict.narrow),
    )


def plain_cells(released: pl.DataFrame) -> pl.DataFrame:
    """What an attacker sees of released cells, as `gate.Shown` has it.

    Of other withheld counts nothing is known: accounts or copies can be why, however high they are.
    """
    names = [pl.col(name).cast(pl.String) for name in (*UNIT, "pattern")]
    tells = pl.col("suppression").cast(pl.String).is_in(["none", "complementary"])
    return released.filter(tells).select(*names, "usage")


def describe_control(
    controlled: Controlled, coverage: pl.DataFrame, protection: Protection, *, quarter: str
) -> dy.DataFrame[Disclosure]:
    """What disclosure control did, in released figures only.

    Args:
        controlled: The cells, and the attack on them.
        coverage: As released.
        protection: How what is withheld was protected.
        quarter: Such as 2026Q1.
    """
    removed = coverage.filter(pl.col("measure") == "removed").row(0, named=True)
    complementary = controlled.cells["suppression"].cast(pl.String) == "complementary"
    verdict, method = controlled.verdict, controlled.method
    rows = [
        ("attacked_figures", verdict.targets.height, "Withheld figures that were attacked"),
        ("wanted_interval", protection.wanted, "Least width of an interval that passes"),
        (
            "narrowest_interval",
            verdict.narrowest or protection.wanted,
            "Narrowest interval that was found, as far as looked",
        ),
        ("rounding_reach", method.reach, "The truth is less than this away from a shown figure"),
        ("one_account_detection", 1 / method.base, _DETECTION),
        ("removed_conversations", removed["value"], "Over the limits of their accounts"),
        ("removed_share", removed["share"] or 0.0, "Of the accepted conversations"),
        ("complementary_cells", int(complementary.sum()), "Withheld to protect other cells"),
    ]
    if method.sums_from is not None:
        rows.append(("sums_known_from", method.sums_from, _SUMS))
    return Disclosure.validate(
        pl.DataFrame(
            [(quarter, name, round(float(value), 6), words) for name, value, words in rows],
            schema=Disclosure.create_empty().schema,
            orient="row",
        ).sort("measure")
    )


def _protect(
    judged: pl.DataFrame, weights: pl.DataFrame, rules: PrimaryRules, protection: Protection
) -> tuple[pl.DataFrame, Cube, Rounded]:
    """Rounds what is shown, and withholds the counts that this takes below the floor.

    They are between the floor and the multiple of the base above it. As they are rounded together
    with all others, what is left adds up once they are withheld, and is right on average.
    """
    step, shown_from = protection.step, rules.shown_from(protection.step)
    is_whole = (pl.col("pattern") == "all") & (pl.col("suppression") == "none")
    cube = place_cells(judged, build_lattice(weights, judged.filter(is_whole)))
    try:
        least = shown_from if shown_from == rules.conversations else shown_from - step
        rounded = _round(cube, protection, least)
    except RoundingError:  # those near the floor do not add up with all others
        judged, cube = _withhold_below(judged, cube, cube.figures, shown_from)
        rounded = _round(cube, protection, shown_from)
    judged, cube = _withhold_below(judged, cube, rounded.figures, shown_from)
    return judged, cube, rounded


def _withhold_below(
    judged: pl.DataFrame, cube: Cube, figures: Floats, least: int
) -> tuple[pl.DataFrame, Cube]:
    is_low = cube.is_shown & cube.lattice.is_count & (figures < least)
    judged = _withhold(judged, cube.lattice, np.flatnonzero(is_low), "primary")
    return judged, place_cells(judged, cube.lattice)


def _round(cube: Cube, protection: Protection, least: int) -> Rounded:
    """Rounds what is shown, counts to `least` or more."""
    if not cube.is_shown.any():
        return Rounded(cube.figures, float(protection.step))
    named = cube.lattice.figures.unique("figure", keep="first", maintain_order=True)
    names = dict(named.select("figure", pl.concat_str(*UNIT, "pattern", separator="|")).rows())
    draws = keyed_draws(protection.key, (names.get(n, "") for n in range(len(cube.figures))))
    return round_figures(
        cube.figures,
        cube.is_shown,
        cube.lattice.equations,
        base=protection.step,
        draws=draws,
        least=np.where(cube.lattice.is_count & cube.is_shown, float(least), 0.0),
    )


def _withhold_more(
    judged: pl.DataFrame, verdict: Verdict, method: Method, *, wanted: float, width: float
) -> pl.DataFrame:
    """Withholds shown figures, the cheapest first, until what is narrow can move by `width`."""
    lattice, cube = verdict.lattice, place_cells(judged, verdict.lattice)
    passing = judged.filter(pl.col("suppression").is_in(["none", "complementary"]))
    passes = lattice.figures.join(passing, on=[*UNIT, "pattern"], how="semi")["figure"].to_numpy()
    passes = passes[lattice.is_count[passes]]
    room = np.full(len(cube.figures), np.inf)
    room[passes] = np.maximum(cube.figures[passes] - method.floor, 0.0)
    prices = _prices(lattice, cube, method)
    is_shown = cube.is_shown.copy()
    for target in verdict.narrow:
        row = verdict.weights[[target]].toarray().ravel()
        lost = complement(lattice.sums, is_shown, room, prices, cube.base, row, width=width)
        is_shown[lost] = False
    lost = np.flatnonzero(cube.is_shown & ~is_shown)
    if not len(lost):
        raise PrivacyGateError(
            "disclose: a withheld figure can be found out, with nothing to spare",
            rule="nothing_left_to_withhold",
            cells=name_narrow(verdict, wanted=wanted),
            cell_count=len(verdict.narrow),
        )
    return _withhold(judged, lattice, lost, "complementary")


def _withhold(
    judged: pl.DataFrame, lattice: Lattice, lost: NDArray[np.int64], why: str
) -> pl.DataFrame:
    """The cells without these figures, and without what is not told where they are not."""
    named = lattice.figures.filter(pl.col("figure").is_in(lost.tolist()))
    whole = named.filter(pl.col("pattern") == "all").select(UNIT)
    units = whole.join(pl.DataFrame({"pattern": FIGURE_PATTERNS}), how="cross")
    lost_cells = pl.concat([named.select(*UNIT, "pattern"), units])
    # a unit's conversations are its usage by rule full: without it, there is nothing to show
    both = lost_cells.filter(pl.col("allocation_rule") == "full").with_columns(
        allocation_rule=pl.lit("split")
    )
    lost_cells = pl.concat([lost_cells, both]).unique()
    return (
        judged.join(lost_cells.with_columns(is_lost=True), on=[*UNIT, "pattern"], how="left")
        .with_columns(
            suppression=pl.when("is_lost", pl.col("suppression") == "none")
            .then(pl.lit(why))
            .otherwise("suppression")
        )
        .drop("is_lost")
    )


def _prices(lattice: Lattice, cube: Cube, method: Method) -> Floats:
    """What it costs to withhold figures: their usage.

    Where figures are exact and so many go, the number of all conversations is kept.
    """
    figures, totals = cube.figures, lattice.figures.filter(pl.col("unit_id") == "all")
    prices = np.maximum(figures, 1.0)
    prices[totals["figure"].unique().to_numpy()] *= _PRICE_OF_TOTALS
    if method.is_exact:
        everything = totals.filter(pl.col("unit_level") == "all", pl.col("pattern") == "all")
        prices[everything["figure"].to_numpy()] = np.inf
    return prices


def _release(judged: pl.DataFrame, cube: Cube, figures: Floats) -> dy.DataFrame[ReleasedCells]:
    """Puts figures on cells; the conversations of a unit are its usage by rule `full`.

    Where a unit shows none of its patterns, all of them are `rolled_up` into it: the reason of each
    would tell something of it, most of all that the whole unit lies in one mode.
    """
    shown = np.flatnonzero(cube.is_shown)
    values = cube.lattice.figures.join(
        pl.DataFrame({"figure": shown, "value": figures[shown]}), on="figure", validate="m:1"
    ).drop("figure")
    is_all, is_part = pl.col("unit_id") == "all", pl.col("pattern") != "all"
    is_group = ~pl.col("unit_level").is_in(["all", "task"])
    counts = values.rename({"value": "count"})
    keyed = judged.with_columns(
        count_level=pl.when(is_all & is_group).then(pl.lit("task")).otherwise("unit_level"),
        count_rule=pl.when(~is_all & is_group).then(pl.lit("full")).otherwise(pl.lit("split")),
    )
    return (
        keyed.drop("usage", "conversation_count")
        .join(values, on=[*UNIT, "pattern"], how="left", validate="1:1")
        .join(
            counts,
            left_on=["count_level", "unit_id", "count_rule", "pattern"],
            right_on=[*UNIT, "pattern"],
            how="left",
            validate="m:1",
        )
        .with_columns(is_shown=pl.col("value").is_not_null() & pl.col("count").is_not_null())
        .with_columns(has_parts=(pl.col("is_shown") & is_part).any().over(UNIT))
        .with_columns(
            usage=pl.when("is_shown").then("value"),
            conversation_count=pl.when("is_shown").then(pl.col("count").round().cast(pl.Int64)),
            suppression=pl.when("is_shown")
            .then(pl.lit("none"))
            .when(is_part & ~pl.col("has_parts"))
            .then(pl.lit("rolled_up"))
            .when(pl.col("suppression") == "none")
            .then(pl.lit("complementary"))
            .otherwise("suppression"),
            usage_lower=pl.lit(None, pl.Float64),
            usage_upper=pl.lit(None, pl.Float64),
        )
        .select(ReleasedCells.column_names())
        .pipe(ReleasedCells.validate, cast=True)
    )
