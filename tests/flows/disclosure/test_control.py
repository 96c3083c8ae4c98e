"""The promise and the attacks on it, each with what wins where a defense is taken away."""

import os
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from flows.aggregate import aggregate_cells
from flows.confine import ContractError, PrivacyGateError
from flows.disclosure import control, thresholds
from flows.disclosure.attacker import Knowledge, bound_figures
from flows.disclosure.contributions import ContributionLimits, bound_contributions
from flows.disclosure.control import Controlled, Protection, control_cells, plain_cells
from flows.disclosure.duplicates import find_sources, fingerprint_conversations
from flows.disclosure.gate import Method, Shown, attack
from flows.disclosure.lattice import UNIT, unit_weights
from flows.disclosure.rounding import RoundingError
from flows.disclosure.thresholds import PrimaryRules
from flows.tables import Observations
from taxonomy.patterns import PATTERNS

BASE, KEY = 10, b"k" * 32
RANDOM_RELEASES = int(os.environ.get("WORKTALLY_RANDOM_RELEASES", "50"))
RULES = PrimaryRules(15, 5, 20.0)
ROUNDING = Protection(BASE, KEY)
CELL = [*UNIT, "pattern"]


def release(cells: pl.DataFrame, held: pl.DataFrame, **others) -> Controlled:
    return control_cells(cells, unit_weights(held), RULES, ROUNDING, **others)


def beside_truth(released: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    plain = [pl.col(name).cast(pl.String) for name in CELL]
    return released.with_columns(plain).join(
        cells.with_columns(plain).select(
            *CELL,
            true_usage="usage",
            true_count="conversation_count",
            true_accounts="account_count",
        ),
        on=CELL,
        validate="1:1",
    )


@pytest.fixture(scope="module")
def quarter(starter_tasks, invent_cells) -> pl.DataFrame:
    return invent_cells(starter_tasks, conversations=3_000, accounts=1_000)


@pytest.fixture(scope="module")
def released(quarter, starter_tasks) -> Controlled:
    return release(quarter, starter_tasks)


def test_shown_figures_are_multiples_of_the_base_near_the_truth(released, quarter):
    table = beside_truth(released.cells, quarter).filter(pl.col("suppression") == "none")
    assert table.height > 500
    for rounded, true in (("usage", "true_usage"), ("conversation_count", "true_count")):
        assert (table[rounded] % BASE == 0).all()
        assert ((table[rounded] - table[true]).abs() < BASE).all()


def test_nothing_is_shown_under_the_floors(released, quarter):
    table = beside_truth(released.cells, quarter)
    shown = table.filter(pl.col("suppression") == "none")
    assert shown["conversation_count"].min() >= 20
    assert shown["true_count"].min() >= 15
    assert shown["true_accounts"].min() >= 5
    hidden = table.filter(pl.col("suppression") != "none")
    assert hidden["usage"].null_count() == hidden["conversation_count"].null_count() == len(hidden)


def test_counts_between_the_floor_and_the_multiple_above_it_are_shown_as_that_or_withheld(
    quarter, starter_tasks
):
    """By draws of the key: over many keys, what is shown of them is right on average."""
    is_task = (pl.col("unit_level") == "task") & (pl.col("unit_id") != "all")
    shown, passing = [], thresholds.judge_cells(quarter, RULES).filter(is_task, pattern="all")
    low = passing.filter(pl.col("suppression") == "none", pl.col("conversation_count") < 20)
    assert set(low["conversation_count"]) == {15, 16, 17, 18, 19}
    for number in range(20):
        key = Protection(BASE, bytes([number]) * 32)
        cells = control_cells(quarter, unit_weights(starter_tasks), RULES, key).cells
        found = beside_truth(cells, quarter).join(low, on=CELL, how="semi")
        assert set(found["usage"].drop_nulls()) == {20.0}
        shown.append(found.select("true_count", usage=pl.col("usage").fill_null(BASE)))
    table = pl.concat(shown)
    error = table["usage"].mean() - table["true_count"].mean()
    assert abs(error) < 3 * table["usage"].std() / table.height**0.5


def test_counts_near_the_floor_that_cannot_all_be_rounded_up_are_shown_as_far_as_they_add_up(
    starter_tasks,
):
    task = starter_tasks.filter(weight=1.0).row(0)
    rows = [
        (f"{n:032x}", f"{n:032x}", "matched", *task, pattern, 1.0)
        for n, pattern in enumerate([*PATTERNS[:5] * 15, *["none"] * 300])
    ]
    schema = Observations.create_empty().schema
    observations = Observations.validate(pl.DataFrame(rows, schema, orient="row"))
    cells = release(aggregate_cells(observations, quarter="2026Q1"), starter_tasks).cells
    told = dict(cells.filter(unit_id=str(task[0])).select("pattern", "usage").rows())
    shown = [told[pattern] for pattern in PATTERNS[:5] if told[pattern] is not None]
    assert 0 < len(shown) < 5
    assert set(shown) == {20.0}
    assert sum(shown) + told["none"] <= told["all"] < 375 + BASE


def test_where_counts_near_the_floor_do_not_add_up_with_the_others_all_are_withheld(
    link_tasks, invent_cells
):
    held = link_tasks(204)
    cells = invent_cells(held, conversations=378, accounts=110, seed=204)
    table = beside_truth(release(cells, held).cells, cells)
    assert table.filter(pl.col("suppression") == "none")["true_count"].min() == 20


def test_an_attacker_is_given_what_is_shown_and_what_is_said_to_pass(released):
    told = plain_cells(released.cells)
    cells = released.cells.with_columns(pl.col(pl.Enum).cast(pl.String))
    for word, count in cells.group_by("suppression").len().rows():
        given = told.join(cells.filter(suppression=word), on=CELL, how="semi")
        assert given.height == (count if word in {"none", "complementary"} else 0)
        assert given["usage"].null_count() == (given.height if word == "complementary" else 0)


def test_what_the_release_shows_adds_up(released):
    cells = released.cells.with_columns(pl.col(pl.Enum).cast(pl.String))
    whole = {tuple(row[:4]): row[4] for row in cells.select(*CELL, "usage").rows()}
    checked = 0
    parts = {
        "all": ("automation", "augmentation", "none", "not_classified"),
        "automation": ("directive", "feedback_loop"),
        "augmentation": ("task_iteration", "learning", "validation"),
    }
    for *unit, pattern in whole:
        if pattern in parts:
            figures = [whole.get((*unit, part)) for part in parts[pattern]]
            if whole[*unit, pattern] is not None and None not in figures:
                assert sum(figures) == whole[*unit, pattern]
                checked += 1
    assert checked > 20


def test_a_shown_unit_is_at_least_what_its_shown_parts_are(released):
    cells = released.cells.filter(
        pl.col("pattern").cast(pl.String) == "all",
        pl.col("allocation_rule").cast(pl.String) == "split",
    ).with_columns(pl.col("unit_level").cast(pl.String))
    majors = cells.filter(pl.col("unit_level") == "major")
    total = majors.filter(pl.col("unit_id") == "all")["usage"].item()
    assert majors.filter(pl.col("unit_id") != "all")["usage"].sum() <= total
    tasks = cells.filter(pl.col("unit_level") == "task", pl.col("unit_id") != "all")
    assert tasks["usage"].sum() <= total


def test_the_same_counts_and_key_give_the_same_release_and_another_key_another(
    released, quarter, starter_tasks
):
    assert release(quarter, starter_tasks).cells.equals(released.cells)
    other = control_cells(quarter, unit_weights(starter_tasks), RULES, Protection(BASE, b"o" * 32))
    assert not other.cells.equals(released.cells)


@pytest.mark.slow
def test_no_withheld_figure_of_many_random_releases_can_be_narrowed_down(link_tasks, invent_cells):
    """Hierarchies with linked tasks and zeros; every interval by its own two linear programs."""
    attacked = 0
    for seed in range(RANDOM_RELEASES):
        held = link_tasks(seed)
        random = np.random.default_rng(seed)
        cells = invent_cells(
            held,
            conversations=int(random.integers(30, 500)),
            accounts=int(random.integers(8, 200)),
            seed=seed,
        )
        controlled = release(cells, held)
        rounded = controlled.cells["usage"].drop_nulls()
        assert (rounded % BASE == 0).all()
        width = controlled.verdict.targets["most"] - controlled.verdict.targets["least"]
        assert (width >= 9 - 1e-6).all()
        attacked += controlled.verdict.targets.height
        if seed % 20 == 0:
            assert_wide(controlled)
    assert attacked > 50 * RANDOM_RELEASES


def assert_wide(controlled: Controlled) -> None:
    """Independent of the search: the exact bounds of every target."""
    if controlled.verdict.weights.shape[0]:
        assert (widths_of(controlled) >= BASE - 1 - 1e-6).all()


def widths_of(controlled: Controlled) -> np.ndarray:
    shown = Shown(plain_cells(controlled.cells), controlled.method)
    return exact_widths(controlled.verdict.lattice, shown, controlled.verdict.weights)


def test_without_the_gate_something_could_be_found_out(link_tasks, invent_cells, monkeypatch):
    """Were the attack not heard, the release would go out, and exact bounds are narrow in it."""
    held, hear = link_tasks(14), control.attack

    def find_nothing(*known, wanted):
        verdict = hear(*known, wanted=wanted)
        return replace(verdict, narrow=verdict.narrow[:0])

    cells = invent_cells(held, conversations=100, accounts=167, seed=14)
    assert_wide(release(cells, held))
    monkeypatch.setattr(control, "attack", find_nothing)
    assert (widths_of(release(cells, held)) < BASE - 1 - 1e-6).any()


def test_a_unit_that_is_withheld_whole_is_protected_as_well(link_tasks, invent_cells, monkeypatch):
    """Usage of this one was bounded by 0.5 and 6.5, until other figures were withheld with it."""
    held = link_tasks(14)
    cells = invent_cells(held, conversations=100, accounts=167, seed=14)
    assert_wide(release(cells, held))
    monkeypatch.setattr(control, "_REPAIRS", 1)
    with pytest.raises(PrivacyGateError, match="withheld figures could be found out") as caught:
        release(cells, held)
    told = {(cell.unit_id, cell.allocation_rule, cell.pattern) for cell in caught.value.cells}
    assert ("19-2012.00", "split", "all") in told


@pytest.mark.parametrize("fault", ["repairs exhausted", "nothing to spare"])
def test_a_refusal_names_the_narrow_cells_and_no_others(
    fault, link_tasks, invent_cells, monkeypatch
):
    """Exact bounds of every target, by two linear programs each, say which these are."""
    seen, attacks = [], control.attack

    def watch(*known, wanted):
        seen.append((attacks(*known, wanted=wanted), known[1]))
        return seen[-1][0]

    monkeypatch.setattr(control, "attack", watch)
    if fault == "repairs exhausted":
        monkeypatch.setattr(control, "_REPAIRS", 1)
    else:
        monkeypatch.setattr(control, "complement", lambda *_, **named: [])
    named = remainders = 0
    for seed in (0, 1, 2, 7):
        held = link_tasks(seed)
        random = np.random.default_rng(seed)
        size = {"conversations": int(random.integers(30, 500)),
                "accounts": int(random.integers(8, 200))}  # fmt: skip
        with pytest.raises(PrivacyGateError) as caught:
            release(invent_cells(held, **size, seed=seed), held)
        verdict, (shown,) = seen[-1]
        lattice, cells = verdict.lattice, caught.value.cells
        width = exact_widths(lattice, shown, verdict.weights)
        targets = verdict.targets.with_columns(width=pl.Series(width).round(6))
        narrow = targets.filter(pl.col("width") < BASE - 1 - 1e-6)
        told = pl.DataFrame(cells, orient="row", schema_overrides={"width": pl.Float64})
        own = told.filter(~pl.col("is_remainder"))
        expected, found = (
            {tuple(cell): width for *cell, width in table.select(*CELL, "width").rows()}
            for table in (narrow.drop_nulls("unit_id"), own)
        )
        assert found == pytest.approx(expected, abs=1e-5)
        assert caught.value.cell_count == len(cells) == narrow.height
        assert set(told["wanted_width"]) == {BASE - 1}
        named, remainders = named + own.height, remainders + len(cells) - own.height
        for cell in told.filter("is_remainder").select(CELL).rows():
            assert cell in set(lattice.figures.select(CELL).rows())
    assert named > 20
    assert remainders == 7


def exact_widths(lattice, shown: Shown, targets) -> np.ndarray:
    cells = lattice.figures.join(shown.cells, on=CELL)
    values, is_told = cells["usage"].to_numpy(), cells["usage"].is_null().to_numpy()
    is_count = lattice.is_count[cells["figure"].to_numpy()]
    reach = max(shown.method.reach - 1.0, 0.0) * is_count + shown.method.reach * ~is_count
    floor = np.where(is_count, float(shown.method.floor), 0.0)
    known = Knowledge(
        lattice.sums[cells["figure"].to_numpy()],
        np.where(is_told, floor, np.maximum(values - reach, floor)),
        np.where(is_told, np.inf, values + reach),
    )
    least, most = bound_figures(known, targets)
    return most - least


def test_without_rounding_withheld_figures_are_exact(starter_tasks, invent_cells):
    """Primary suppression alone: totals give withheld cells away, and the same attack finds it."""
    quarter = invent_cells(starter_tasks, conversations=1_000, accounts=400)
    judged = thresholds.judge_cells(quarter, RULES)
    shown = judged.with_columns(
        pl.when(pl.col("suppression") == "none").then("usage").alias("usage")
    )
    exact = Shown(plain_cells(shown), Method(1, 0.0, 15))
    verdict = attack(unit_weights(starter_tasks), [exact], wanted=9.0)
    width = verdict.targets["most"] - verdict.targets["least"]
    assert (width < 1e-6).sum() > 10


def test_two_releases_of_the_same_conversations_are_attacked_together(
    released, quarter, starter_tasks
):
    """Another key rounds anew: the two together are narrower than each, and that is refused."""
    other = control_cells(quarter, unit_weights(starter_tasks), RULES, Protection(BASE, b"o" * 32))
    earlier = Shown(plain_cells(other.cells), other.method)
    weights = unit_weights(starter_tasks)
    both = attack(
        weights, [Shown(plain_cells(released.cells), released.method), earlier], wanted=9.0
    )
    assert len(both.narrow) > 0
    same = Shown(plain_cells(released.cells), released.method)
    assert not len(attack(weights, [same, same], wanted=9.0).narrow)


def test_an_earlier_release_that_contradicts_the_new_one_is_refused(
    released, quarter, starter_tasks
):
    far = Shown(
        plain_cells(released.cells).with_columns(pl.col("usage") + 5 * BASE), released.method
    )
    with pytest.raises(PrivacyGateError, match="contradict") as caught:
        release(quarter, starter_tasks, earlier=[far])
    assert caught.value.rule == "contradicts_an_earlier_release"
    torn = pl.DataFrame(
        [("all", "all", "split", "all", 20.0), ("all", "all", "split", "learning", 90.0)],
        far.cells.schema,
        orient="row",
    )
    with pytest.raises(ContractError, match="contradict"):
        attack(unit_weights(starter_tasks), [Shown(torn, released.method)], wanted=9.0)


def test_adding_or_removing_one_account_changes_figures_by_multiples_of_the_base(
    starter_tasks, invent_usage, record_property
):
    usage = invent_usage(starter_tasks, conversations=3_000, accounts=1_000)
    before = release(aggregate_cells(usage, quarter="2026Q1"), starter_tasks).cells
    seen, changed = 0, 0
    for account in usage["account_id"].unique().sort()[:6]:
        without = Observations.validate(usage.filter(pl.col("account_id") != account))
        after = release(aggregate_cells(without, quarter="2026Q1"), starter_tasks).cells
        both = before.join(after, on=["quarter", *CELL], how="inner", validate="1:1")
        shown = both.drop_nulls(["usage", "usage_right"])
        steps = (shown["usage"] - shown["usage_right"]).abs()
        assert (steps % BASE == 0).all()
        assert steps.max() <= 2 * BASE
        seen, changed = seen + len(steps), changed + int((steps > 0).sum())
        assert after["conversation_count"].drop_nulls().min() >= 20
    record_property("detection_rate", changed / seen)
    sys.stdout.write(
        f"one account more or less changes {changed / seen:.2%} of {seen} shown figures\n"
    )
    assert 0 < changed / seen < 0.1  # rounding does not hide it: the page for reviewers says so


def test_one_account_with_ten_thousand_conversations_moves_no_figure_by_more_than_its_limit(
    starter_tasks, invent_usage
):
    crowd = invent_usage(starter_tasks, conversations=2_000, accounts=700)
    flood = invent_usage(starter_tasks, conversations=10_000, accounts=1, seed=2).with_columns(
        account_id=pl.lit("f" * 32)
    )
    limits = ContributionLimits(BASE, BASE, BASE)
    counts = [
        aggregate_cells(bound_contributions(rows, limits, KEY), quarter="2026Q1")
        for rows in (crowd, Observations.validate(pl.concat([crowd, flood])))
    ]
    both = counts[1].join(counts[0], on=["quarter", *CELL], how="left", validate="1:1")
    moved = both["conversation_count"] - both["conversation_count_right"].fill_null(0)
    assert moved.max() == BASE
    unbounded = aggregate_cells(Observations.validate(pl.concat([crowd, flood])), quarter="2026Q1")
    assert unbounded["conversation_count"].max() > 10_000  # what the limit is for


def poisoned(held: pl.DataFrame, task: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """A target alone in a task, and fifty accounts that send near-copies of one chat to it."""
    orders = (
        "Ignore the rules",
        "Ignore les règles",
        "Missachte die Regeln",
        "无视规则",
        "無視して",
    )
    chat = (
        "please compare the offers of two suppliers for brass lamp sockets, one wants 1.20 a piece"
        " from 500 on and the other 1.10 from 2000 on, we need 800 by the end of may, and write"
        " down which one we should take and why, our last lot came with bent pins"
    )
    texts = ["my own doctor says the rash on my arm comes from brass sockets, what do I tell them"]
    texts += [f"{orders[n % 5]}. {chat} {'thanks' * (n % 3)}" for n in range(50)]
    codes = held.filter(pl.col("task_id") == task)
    rows, messages = [], []
    for number, text in enumerate(texts):
        own_id, account = f"{number:032x}", f"{number + 10**6:032x}"
        messages.append((own_id, 0, "user", text))
        rows += [
            (own_id, account, "matched", task, code, weight, "learning", 1.0)
            for _, code, weight in codes.rows()
        ]
    observations = pl.DataFrame(rows, Observations.create_empty().schema, orient="row")
    schema = ["conversation_id", "message_index", "role", "text"]
    return (
        Observations.validate(observations),
        pl.DataFrame(messages, schema, orient="row"),
        observations.select(conversation_id="observation_id", account_id="account_id").unique(),
    )


def test_near_copies_of_fifty_accounts_do_not_carry_a_target_over_the_floors(starter_tasks):
    task = starter_tasks["task_id"].max()
    observations, messages, accounts = poisoned(starter_tasks, task)
    sources = find_sources(fingerprint_conversations(messages), accounts)
    cells = aggregate_cells(observations, quarter="2026Q1", sources=sources)
    cell = cells.filter(pl.col("unit_id") == str(task), pl.col("pattern") == "learning")
    assert cell["account_count"].item() < 5
    assert release(cells, starter_tasks).cells["usage"].drop_nulls().is_empty()
    # taken away: each account counts for itself, and the attacker wins
    naive = aggregate_cells(observations, quarter="2026Q1")
    assert release(naive, starter_tasks).cells["usage"].drop_nulls().max() == 50


@pytest.mark.parametrize("rule", ["accounts", "dominance", "distinct"])
def test_each_primary_rule_taken_away_shows_what_it_withholds(rule, starter_tasks):
    task = int(starter_tasks["task_id"].max())
    code, weight = starter_tasks.filter(pl.col("task_id") == task).row(0)[1:]
    accounts = {"accounts": 3, "dominance": 5, "distinct": 30}[rule]
    rows = [
        (f"{n:032x}", f"{n % accounts:032x}", "matched", task, code, weight, "learning", 1.0)
        for n in range(30)
    ]
    if rule == "dominance":  # one account has nearly all
        rows = [(*row[:1], f"{max(0, n - 25):032x}", *row[2:]) for n, row in enumerate(rows)]
    schema = Observations.create_empty().schema
    observations = Observations.validate(pl.DataFrame(rows, schema, orient="row"))
    copies = pl.DataFrame(
        {"conversation_id": [row[0] for row in rows], "copy_id": "one", "source_id": "a"}
    ).with_columns(source_id=pl.Series([row[1] for row in rows]))
    sources = copies if rule == "distinct" else None
    cells = aggregate_cells(observations, quarter="2026Q1", sources=sources)
    cells = cells.filter(pl.col("pattern").cast(pl.String) == "all")
    assert set(thresholds.judge_cells(cells, RULES)["suppression"]) == {"primary"}
    lax = {
        "accounts": cells.with_columns(account_count=pl.lit(9, pl.Int64)),
        "dominance": cells.with_columns(
            largest_account_count=pl.lit(1, pl.Int64), second_account_count=pl.lit(1, pl.Int64)
        ),
        "distinct": cells.with_columns(distinct_conversation_count="conversation_count"),
    }[rule]
    assert "none" in set(thresholds.judge_cells(lax, RULES)["suppression"])


def test_an_empty_quarter_shows_nothing(starter_tasks):
    nothing = aggregate_cells(Observations.create_empty(), quarter="2026Q1")
    assert release(nothing, starter_tasks).cells.is_empty()


def test_unknown_accounts_raise_the_floor_and_the_attacker_knows_it(starter_tasks, invent_usage):
    """And copies can be why a count far above it is withheld."""
    usage = invent_usage(starter_tasks, conversations=3_000, accounts=1_000).with_columns(
        account_id=pl.lit(None, pl.String)
    )
    copies = usage.select(
        conversation_id="observation_id",
        source_id="observation_id",
        copy_id=pl.when(pl.col("pattern").cast(pl.String) == "learning")
        .then(pl.lit("one"))
        .otherwise("observation_id"),
    ).unique()
    cells = aggregate_cells(Observations.validate(usage), quarter="2026Q1", sources=copies)
    controlled = control_cells(cells, unit_weights(starter_tasks), PrimaryRules(75, None), ROUNDING)
    assert controlled.cells["conversation_count"].drop_nulls().min() >= 80
    assert controlled.method.floor == 75
    assert cells.filter(pattern="learning")["conversation_count"].max() > 250
    assert not controlled.cells.filter(pattern="learning")["usage"].count()


def test_what_cannot_be_shown_is_not_said_to_be_shown(starter_tasks):
    """A pattern passes where its unit does not: the unit's largest account is in another one."""
    task = int(starter_tasks["task_id"].max())
    code, weight = starter_tasks.filter(pl.col("task_id") == task).row(0)[1:]
    of_account = [0] * 10 + [1] * 5 + list(range(2, 21))
    patterns = ["directive"] * 10 + ["learning"] * 24
    rows = [
        (f"{n:032x}", f"{account:032x}", "matched", task, code, weight, pattern, 1.0)
        for n, (account, pattern) in enumerate(zip(of_account, patterns, strict=True))
    ]
    schema = Observations.create_empty().schema
    observations = Observations.validate(pl.DataFrame(rows, schema, orient="row"))
    limited = bound_contributions(observations, ContributionLimits(BASE, BASE, BASE), KEY)
    cells = aggregate_cells(limited, quarter="2026Q1")
    rules = PrimaryRules(15, 5, 200.0)
    judged = thresholds.judge_cells(cells, rules).filter(unit_id=str(task))
    words = dict(judged.select("pattern", "suppression").rows())
    assert (words["all"], words["learning"]) == ("primary", "none")
    controlled = control_cells(cells, unit_weights(starter_tasks), rules, ROUNDING)
    is_shown = controlled.cells["suppression"].cast(pl.String) == "none"
    assert (is_shown == controlled.cells["usage"].is_not_null()).all()


def test_what_disclosure_control_did_is_told_in_figures(released):
    coverage = pl.DataFrame({"measure": ["removed"], "value": [230], "share": [0.08]})
    told = dict(
        control.describe_control(released, coverage, Protection(BASE, KEY), quarter="2026Q1")
        .select("measure", "value")
        .rows()
    )
    assert told["narrowest_interval"] == pytest.approx(released.verdict.narrowest, abs=1e-6)
    assert told["narrowest_interval"] >= BASE - 1
    assert told["one_account_detection"] == 0.1
    assert told["removed_conversations"] == 230
    assert told["complementary_cells"] > 0
    assert told["attacked_figures"] > 1_000


def test_figures_that_cannot_be_rounded_are_not_released(quarter, starter_tasks, monkeypatch):
    def refuse(*arguments, **named):
        raise RoundingError

    monkeypatch.setattr(control, "round_figures", refuse)
    with pytest.raises(PrivacyGateError, match="no rounding"):
        release(quarter, starter_tasks)
