"""Differential privacy as it is wired into the line: from conversations to the database."""

import shutil
from collections.abc import Callable
from math import log
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from scipy.stats import beta

from flows import release, release_steps, steps
from flows.audit import audit
from flows.confine import ContractError, PrivacyGateError
from flows.disclosure import budget, differential_privacy
from flows.disclosure.contributions import ContributionLimits
from flows.disclosure.hierarchy import UNITS
from flows.disclosure.ledger import ledger_of
from flows.request import RunRequest
from flows.settings import SettingsError, load_settings
from reports.quarterly import render_report
from tests import from_cube
from tests.from_cube import HELD, ROWS, TASK_IDS, ask, crowd, disclose, publish

DP = {"mode": "dp", "epsilon_per_quarter": 2.0, "epsilon_total": 6.0, "account_task_limit": 2}


def request_in(place: Path, quarter="2026Q1", **disclosure) -> RunRequest:
    return from_cube.request_in(place, quarter, **(DP | disclosure))


@pytest.fixture
def request_of(tmp_path) -> Callable[..., RunRequest]:
    return lambda *arguments, **disclosure: request_in(tmp_path, *arguments, **disclosure)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    return publish(request_in(tmp_path_factory.mktemp("noisy")))


def failed(database: Path) -> dict[str, int]:
    return {
        check["name"]: check["figure"]
        for check in audit(database, None)["checks"]
        if not check["passed"]
    }


# --- the release ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_release_with_noise_tells_its_mode_its_cost_and_nothing_without_noise(
    published, tmp_path
):
    database = published
    ((mode, *figures),) = ask(
        database,
        "SELECT disclosure_mode, epsilon, epsilon_spent, epsilon_total, account_floor,"
        " rounding_base, account_conversation_limit, account_task_limit FROM releases",
    )
    assert (mode, figures) == ("dp", [2.0, 2.0, 6.0, None, 1, 2, 2])
    assert ask(database, "SELECT count(*) FROM clusters") == [(0,)]
    told = {name for (name,) in ask(database, "SELECT DISTINCT measure FROM coverage")}
    assert told == {"counted", "none", "released_cells", "withheld_cells", "withheld_usage"}
    assert ask(database, "SELECT count(*) FROM task_shares") == [(len(TASK_IDS),)]
    words = {name for (name,) in ask(database, "SELECT DISTINCT suppression FROM task_shares")}
    assert words == {"none", "too_noisy"}
    ((usage, lower, share, upper),) = ask(
        database,
        "SELECT base_usage, share_lower, share, share_upper FROM collaboration_shares"
        " WHERE unit_level = 'all' AND pattern_base = 'all' AND pattern = 'none'",
    )
    assert usage == pytest.approx(2_000, abs=100)
    assert usage != round(usage)
    assert lower < share < upper
    assert failed(database) == {}
    page = render_report(database, quarter="2026Q1", out=tmp_path).privacy.read_text("utf-8")
    assert "7.4 times as likely" in page
    assert "Rounding" not in page


@pytest.mark.slow
def test_the_same_conversations_give_the_identical_release_and_others_spend_again(request_of):
    database = publish(request_of())
    first = database.read_bytes()
    publish(request_of("2026Q2"))
    publish(request_of())
    spent = "SELECT quarter, epsilon_spent FROM releases ORDER BY quarter"
    assert ask(database, spent) == [("2026Q1", 2.0), ("2026Q2", 4.0)]
    database.unlink()
    publish(request_of())
    assert database.read_bytes() == first
    publish(request_of(), ROWS[1:])
    assert ask(database, spent) == [("2026Q1", 6.0)]
    with pytest.raises(PrivacyGateError, match=r"come to 8, and .* is 6"):
        publish(request_of("2026Q3"))
    assert ask(database, spent) == [("2026Q1", 6.0)]


def test_without_the_ledger_the_same_conversations_get_other_noise(request_of, monkeypatch):
    first = disclose(request_of(), ROWS).read("released_cells")
    assert disclose(request_of(), ROWS).read("released_cells").equals(first)
    monkeypatch.setattr(budget, "_read_draws", lambda directory: [])
    monkeypatch.setattr(budget, "_record", lambda directory, draws: None)
    assert not disclose(request_of(), ROWS).read("released_cells").equals(first)


@pytest.mark.slow
def test_a_quarter_is_released_rounded_or_with_noise_and_never_both(request_of):
    publish(request_of())
    with pytest.raises(PrivacyGateError, match="the ledger does not know it"):
        publish(request_of(mode="rounding"))
    publish(request_of("2026Q2", mode="rounding"))
    with pytest.raises(PrivacyGateError, match="released without noise"):
        publish(request_of("2026Q2"))
    assert failed(request_of().database) == {}
    assert len(list(ledger_of(request_of().database).glob("noise-*"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "check"),
    [
        ("UPDATE releases SET epsilon_total = 1.5", "releases over their budget of privacy"),
        ("UPDATE releases SET epsilon = NULL", "releases over their budget of privacy"),
        ("UPDATE releases SET epsilon = 3", "releases that tell less than they spent"),
        ("DELETE FROM task_shares WHERE suppression = 'too_noisy' AND task_id % 2 = 0",
         "2026Q1: units of the taxonomy without a row"),
        ("DELETE FROM occupation_shares WHERE allocation_rule = 'full'",
         "2026Q1: units of the taxonomy without a row"),
        ("UPDATE task_shares SET usage = round(usage)", "2026Q1: figures that are whole numbers"),
        ("UPDATE coverage SET measure = 'rejected' WHERE measure = 'counted'",
         "2026Q1: rows about what was given no noise"),
        ("UPDATE coverage SET stage = 'classify', detail = 'occupational' WHERE stage = 'match'",
         "2026Q1: rows about what was given no noise"),
        ("INSERT INTO clusters VALUES ('2026Q1', 0, 0, NULL, NULL, NULL, 40, 'none')",
         "2026Q1: rows about what was given no noise"),
        ("UPDATE releases SET disclosure_mode = 'rounding'",
         "releases that do not say how they were rounded"),
    ],
)  # fmt: skip
def test_what_was_changed_in_a_release_with_noise_is_found(sql, check, published, tmp_path):
    database = Path(shutil.copy(published, tmp_path / "copy.duckdb"))
    with duckdb.connect(str(database)) as connection:
        connection.execute(sql)
    assert check in failed(database)


# --- the privacy loss -----------------------------------------------------------------------------

HEAVY = [  # very many conversations of one account, which lie close together
    ("heavy", task, "directive") for task in [*TASK_IDS[:8], "none"] for _ in range(40)
]
OTHERS = crowd(30)


def wired_draws(request, rows, monkeypatch, repetitions):
    """What the line would measure of the conversations, many times over: units of all levels."""
    wanted = {}

    def capture(directory, *, measure, **order):
        wanted.update(order, measure=measure)
        raise ContractError("captured")

    few = HELD.filter(pl.col("task_id").is_in(TASK_IDS[:8]))
    with monkeypatch.context() as patch:
        patch.setattr(release_steps, "task_occupations", lambda release: few)
        patch.setattr(release_steps, "draw_once", capture)
        with pytest.raises(ContractError, match="captured"):
            disclose(request, rows)
    return [
        np.concatenate([level.ravel() for level in wanted["measure"]()]) / UNITS
        for _ in range(repetitions)
    ], wanted


def truth_of(request, rows, monkeypatch):
    """The same without noise, and what every cell was given of the budget."""
    order = []

    def exact(units, *, epsilon, account_limit):
        order.append(np.full(units.size, epsilon / account_limit))
        return units

    with monkeypatch.context() as patch:
        patch.setattr(differential_privacy, "_measure", exact)
        (truth,), _ = wired_draws(request, rows, patch, 1)
    return truth, np.concatenate(order)


def proven_loss(first, second, error=1e-4):
    """The loss that outcomes of two neighbors prove: Clopper and Pearson's bounds of two events.

    The events are looked for in one half of the outcomes and counted in the other.
    """

    def bound(one, other, threshold):
        hits, misses = int((one >= threshold).sum()), int((other >= threshold).sum())
        least = beta.ppf(error, hits, len(one) - hits + 1) if hits else 0.0
        most = beta.ppf(1 - error, misses + 1, len(other) - misses) if misses < len(other) else 1.0
        return log(least / most) if least else 0.0

    losses = []
    for one, other in ((-first, -second), (second, first)):
        looked, seen = one[::2], other[::2]
        threshold = max(looked, key=lambda at: bound(looked, seen, at))
        losses.append(bound(one[1::2], other[1::2], threshold))
    return max(losses)


def measured_loss(request, monkeypatch, repetitions=500):
    """By the sum of log likelihood ratios, which tells the two neighbors apart the best."""
    truths, outcomes = [], []
    for rows in (OTHERS, [*OTHERS, *HEAVY]):
        truth, weights = truth_of(request, rows, monkeypatch)
        truths.append(truth)
        outcomes.append(wired_draws(request, rows, monkeypatch, repetitions)[0])
    without, with_account = truths
    lean = [
        np.array([(weights * (np.abs(o - without) - np.abs(o - with_account))).sum() for o in each])
        for each in outcomes
    ]
    moved = float((weights * np.abs(with_account - without)).sum())
    return proven_loss(*lean), moved


@pytest.mark.slow
@pytest.mark.parametrize("task_limit", [1, 2, 8])
def test_an_account_with_very_many_conversations_costs_no_more_than_epsilon(
    task_limit, request_of, monkeypatch
):
    proven, moved = measured_loss(request_of(account_task_limit=task_limit), monkeypatch)
    assert proven <= 2.0
    assert moved == pytest.approx(2.0)  # by the whole of epsilon: it has the most that is counted


def with_the_limits_of_rounding(monkeypatch):
    whole = steps.bound_contributions
    limits = ContributionLimits(10, 10, 10)
    monkeypatch.setattr(steps, "bound_contributions", lambda rows, _, key: whole(rows, limits, key))


def with_no_limits(monkeypatch):
    monkeypatch.setattr(steps, "bound_contributions", lambda rows, limits, key: rows)


def with_noise_for_a_single_conversation(monkeypatch):
    whole = release_steps.Noise
    monkeypatch.setattr(release_steps, "Noise", lambda epsilon, limit: whole(epsilon, 1))


def with_the_whole_budget_for_every_level(monkeypatch):
    monkeypatch.setattr(differential_privacy, "BUDGET_SHARES", (1.0, 1.0, 1.0, 1.0))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "task_limit"),
    [
        (with_the_limits_of_rounding, 1),
        (with_no_limits, 1),
        (with_noise_for_a_single_conversation, 8),
        (with_the_whole_budget_for_every_level, 1),
    ],
)
def test_a_gate_that_is_switched_off_costs_more_than_epsilon(
    fault, task_limit, request_of, monkeypatch
):
    fault(monkeypatch)
    proven, moved = measured_loss(request_of(account_task_limit=task_limit), monkeypatch)
    assert moved > 2.1
    assert proven > 2.0


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, ContributionLimits(2, 1, 2)),
        ({"account_task_limit": 30}, ContributionLimits(10, 1, 30)),
        ({"account_conversation_limit": 1}, ContributionLimits(1, 1, 2)),
        ({"mode": "rounding"}, ContributionLimits(10, 10, 2)),
    ],
)
def test_with_noise_an_account_has_one_conversation_in_a_cell(limits, expected, request_of):
    assert release.release_limits(request_of(**limits).settings) == expected


def test_the_noise_is_drawn_for_what_is_counted_of_an_account(request_of, monkeypatch):
    _, order = wired_draws(request_of(), OTHERS, monkeypatch, 0)
    assert (order["noise"].epsilon, order["noise"].account_limit) == (2.0, 2)
    assert order["budget"] == 6.0


# --- the settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sections", "word"),
    [
        ({"ingest": {"account_unit": "unknown"}}, "account_unit = 'account'"),
        ({"match": {"mode": "cluster"}}, "match.mode = 'conversation'"),
        ({"match": {"mode": "combined"}}, "match.mode = 'conversation'"),
        ({"publish": {"evaluation": "evaluation.json"}}, "no publish.evaluation"),
        ({"language_model": {"enabled": True, "url": "https://lamp", "model": "lamp"}},
         "language_model.enabled = false"),
        ({"disclosure": {"epsilon_per_quarter": 6.1}}, "must not exceed epsilon_total"),
        ({"disclosure": {"epsilon_per_quarter": 10.1, "epsilon_total": 20.0}}, "or equal to 10"),
        ({"disclosure": {"epsilon_per_quarter": 0.0}}, "greater than 0"),
        ({"disclosure": {"epsilon_per_quarter": float("nan")}}, "epsilon_per_quarter"),
        ({"disclosure": {"mode": "laplace"}}, "'suppression' or 'dp'"),
    ],
)  # fmt: skip
def test_what_would_break_the_promise_is_refused_before_any_data_is_read(sections, word):
    allowed = {"disclosure": DP}
    load_settings(**allowed)
    wanted = {name: allowed.get(name, {}) | values for name, values in sections.items()}
    with pytest.raises(SettingsError, match=word):
        load_settings(**(allowed | wanted))
