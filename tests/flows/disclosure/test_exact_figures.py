"""Mode suppression: figures are exact, and so many of them withheld that the rest say as little."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from flows.confine import PrivacyGateError
from flows.disclosure import control
from flows.disclosure.attacker import Knowledge, bound_figures
from flows.disclosure.control import Controlled, Protection, control_cells
from flows.disclosure.lattice import FIGURE_PATTERNS, UNIT, build_lattice, unit_weights
from flows.disclosure.thresholds import PrimaryRules

CELL = [*UNIT, "pattern"]
RULES = PrimaryRules(15, 5, 20.0)
SEEDS = 5


def release(cells: pl.DataFrame, held: pl.DataFrame) -> Controlled:
    protection = Protection(10, b"k" * 32, RULES.sure_from(10))
    return control_cells(cells, unit_weights(held), RULES, protection)


def beside_truth(controlled: Controlled, cells: pl.DataFrame) -> pl.DataFrame:
    truth = cells.select(
        *(pl.col(name).cast(pl.String) for name in CELL), true="usage",
        true_count="conversation_count", true_accounts="account_count",
    )  # fmt: skip
    return controlled.cells.with_columns(pl.col(pl.Enum).cast(pl.String)).join(truth, on=CELL)


@pytest.fixture(params=range(SEEDS))
def quarter(request, link_tasks, invent_cells) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cells of a small hierarchy with linked tasks, and its taxonomy."""
    held = link_tasks(request.param)
    random = np.random.default_rng(request.param)
    size = {"conversations": int(random.integers(200, 900)), "accounts": 200}
    return invent_cells(held, **size, seed=request.param), held


def known_of(controlled: Controlled, held: pl.DataFrame) -> pl.DataFrame:
    """Every figure of a unit that any word is told of, with its exact bounds; built by itself."""
    cells = controlled.cells.with_columns(pl.col(pl.Enum).cast(pl.String))
    told = cells.filter(pl.col("suppression").is_in(["none", "complementary"]))
    lattice = build_lattice(unit_weights(held), told.filter(pl.col("pattern") == "all"))
    seen = lattice.figures.join(told, on=CELL).sort("figure")
    rows, is_shown = seen["figure"].to_numpy(), (seen["suppression"] == "none").to_numpy()
    usage = seen["usage"].fill_null(0.0).to_numpy()
    floor = np.where(lattice.is_count[rows], float(RULES.conversations), 0.0)
    reach = np.where(lattice.is_count[rows], 0.0, 1.0)
    known = Knowledge(
        lattice.sums[rows],
        np.where(is_shown, np.maximum(usage - reach, 0.0), floor),
        np.where(is_shown, usage + reach, np.inf),
    )
    named = lattice.figures.join(cells, on=CELL, how="left").sort("figure", *CELL)
    least, most = bound_figures(known, lattice.sums[named["figure"].to_numpy()])
    return named.with_columns(least=pl.Series(least), most=pl.Series(most))


def test_figures_are_exact_and_nothing_is_shown_under_the_floors(quarter):
    cells, held = quarter
    table = beside_truth(release(cells, held), cells)
    shown = table.filter(suppression="none")
    assert shown["conversation_count"].equals(shown["true_count"])
    assert ((shown["usage"] - shown["true"]).abs() < 1.0).all()  # thirds of a task are rounded
    assert (shown["usage"] % 1 == 0).all()
    assert shown["true_count"].min() >= RULES.conversations
    assert shown["true_accounts"].min() >= RULES.accounts
    spared = table.filter(suppression="complementary")
    assert (spared["true_count"] >= RULES.conversations).all()


def test_no_figure_that_is_withheld_for_its_own_sake_can_be_narrowed_down(quarter):
    """By two exact linear programs for each, of knowledge put together without the gate."""
    cells, held = quarter
    controlled = release(cells, held)
    figures = known_of(controlled, held)
    sensitive = figures.filter(
        ~pl.col("suppression").fill_null("primary").is_in(["none", "complementary"])
    )
    # of the same sum as one that passes, under another name
    of_passing = figures.filter(pl.col("suppression").is_in(["none", "complementary"]))["figure"]
    sensitive = sensitive.filter(~pl.col("figure").is_in(of_passing.implode()))
    truth = cells.select(
        *(pl.col(name).cast(pl.String) for name in CELL), true_count="conversation_count",
        true_accounts="account_count",
    )  # fmt: skip
    passes = (pl.col("true_count") >= RULES.conversations) & (
        pl.col("true_accounts") >= RULES.accounts
    )
    # rolled up with its unit, it may pass the rules itself
    sensitive = sensitive.join(truth, on=CELL, how="left").filter(~passes.fill_null(False))
    assert sensitive.height
    assert (sensitive["most"] - sensitive["least"] >= 9.0 - 1e-5).all()


@pytest.mark.parametrize("fault", ["no attack", "no complement"])
def test_without_attack_or_complement_the_withheld_can_be_found_out(
    fault, link_tasks, invent_cells, monkeypatch
):
    held = link_tasks(3)
    cells = invent_cells(held, conversations=500, accounts=200, seed=3)
    assert (release(cells, held).cells["suppression"] == "none").any()
    if fault == "no complement":
        monkeypatch.setattr(control, "complement", lambda *_, **named: [])
        with pytest.raises(PrivacyGateError, match="nothing to spare"):
            release(cells, held)
        return
    hear = control.attack

    def find_nothing(*known, wanted):
        verdict = hear(*known, wanted=wanted)
        return replace(verdict, narrow=verdict.narrow[:0])

    monkeypatch.setattr(control, "attack", find_nothing)
    figures = known_of(release(cells, held), held)
    hidden = figures.filter(suppression="primary")
    assert (hidden["most"] - hidden["least"] < 1e-6).any()


def test_a_large_remainder_that_is_one_small_figure_is_not_known(invent_cells):
    """60 near-copies and three conversations of somebody else: one source and three."""
    held = pl.DataFrame(
        [(task, f"{11 + 2 * task}-1011.00", 1.0) for task in (1, 2, 3, 4)],
        ["task_id", "onet_soc_code", "weight"],
        orient="row",
    )
    cells = invent_cells(held, conversations=400, accounts=300, seed=1)
    is_fourth = (pl.col("unit_id") == "4") | pl.col("unit_id").str.starts_with("19-")
    copied = cells.with_columns(
        distinct_conversation_count=pl.when(is_fourth)
        .then(pl.min_horizontal(4, "distinct_conversation_count"))
        .otherwise("distinct_conversation_count")
    )
    for of, is_known in ((cells, True), (copied, False)):
        table = beside_truth(release(of, held), of).filter(pattern="all", allocation_rule="split")
        tasks = table.filter(unit_level="task")
        total = tasks.filter(unit_id="all")["usage"].item()
        shown = tasks.filter(pl.col("unit_id") != "all", suppression="none")
        fourth = tasks.filter(unit_id="4")
        assert (fourth["suppression"].item() == "none") == is_known
        left = None if total is None else total - shown["usage"].sum()
        assert (left == 0.0) if is_known else (left is None or left > fourth["true"].item())


@pytest.mark.parametrize(
    ("seed", "conversations", "accounts"), [(1, 252, 106), (16, 283, 116), (25, 267, 38)]
)
def test_the_number_of_conversations_is_kept_where_withholding_it_would_be_enough(
    seed, conversations, accounts, link_tasks, invent_cells
):
    held = link_tasks(seed)
    cells = invent_cells(held, conversations=conversations, accounts=accounts, seed=seed)
    table = beside_truth(release(cells, held), cells)
    assert table.filter(unit_id="all", unit_level="all", pattern="all")["usage"].item() == (
        conversations
    )


def test_all_patterns_of_a_unit_that_shows_none_are_rolled_up(quarter):
    """Whatever the reasons: that all of it lies in one mode is not told."""
    cells, held = quarter
    released = release(cells, held).cells.with_columns(pl.col(pl.Enum).cast(pl.String))
    parts = released.filter(pl.col("pattern") != "all")
    assert set(parts["pattern"]) <= set(FIGURE_PATTERNS)
    words = parts.group_by(UNIT).agg(
        shows=(pl.col("suppression") == "none").any(),
        words=pl.col("suppression").unique(),
    )
    for shows, found in words.select("shows", "words").rows():
        assert ("rolled_up" in found) != shows
        assert shows or found == ["rolled_up"]
