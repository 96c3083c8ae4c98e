import hashlib
import hmac
from collections import Counter, defaultdict
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.aggregate import aggregate_cells
from flows.disclosure import contributions
from flows.disclosure.contributions import ContributionLimits, bound_contributions
from flows.tables import Observations
from taxonomy.patterns import PATTERNS

KEY, OTHER_KEY = b"0123456789abcdef" * 2, b"fedcba9876543210" * 2
LIMITS = ContributionLimits(
    conversations_per_account=20, conversations_per_cell=3, tasks_per_account=5
)
SORTING = ["observation_id", "task_id", "onet_soc_code"]
CODES = ["11-1011.00", "11-2021.00", "13-2011.00", "15-1252.00", "27-3042.00", "43-9061.00"]
MOST_OCCUPATIONS = 3

outcomes = st.sampled_from(["none", "not_classified"])
tasks = st.frozensets(st.integers(1, 6), min_size=1, max_size=3)
usages = st.lists(
    st.tuples(
        st.sampled_from([None, *"ppqqr"]),
        outcomes | tasks,
        st.sampled_from(["directive", "learning"]),
    ),
    min_size=10,  # shorter ones are seldom above a limit
    max_size=40,
)
some_limits = st.tuples(st.integers(1, 4), st.integers(0, 8), st.integers(1, 5)).map(
    lambda drawn: ContributionLimits(drawn[0] + drawn[1], drawn[0], drawn[2])
)


def rows_of(usage):
    """A row per conversation and task; the names of the conversations are their numbers."""
    return [
        (f"c{number}", account, task, pattern)
        for number, (account, work, pattern) in enumerate(usage)
        for task in ([work] if isinstance(work, str) else sorted(work))
    ]


def as_rows(frame):
    return frame.with_columns(pl.col(pl.Enum).cast(pl.String)).rows()


def work_of(frame):
    """Account, set of (task or outcome, pattern) of every conversation that has an account."""
    found = defaultdict(set)
    for row in frame.filter(pl.col("account_id").is_not_null()).iter_rows(named=True):
        cell = (row["task_id"] or row["outcome"], row["pattern"])
        found[row["account_id"], row["observation_id"]].add(cell)
    return found


def broken_limits(frame, limits):
    """The names of the limits that some account is above."""
    conversations, cells, tasks_held = Counter(), Counter(), defaultdict(set)
    for (account, _), work in work_of(frame).items():
        conversations[account] += 1
        for task, pattern in work:
            cells[account, task, pattern] += 1
            tasks_held[account] |= {task} - {"none", "not_classified"}
    most = {
        "conversations_per_account": max(conversations.values(), default=0),
        "conversations_per_cell": max(cells.values(), default=0),
        "tasks_per_account": max(map(len, tasks_held.values()), default=0),
    }
    return {name for name, found in most.items() if found > getattr(limits, name)}


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def brute_force(frame, limits, key):
    """Ids of the conversations that stay: counted one by one, in the order of their digests."""
    kept = set(frame.filter(pl.col("account_id").is_null())["observation_id"])
    by_account = defaultdict(dict)
    for (account, name), work in work_of(frame).items():
        by_account[account][name] = work
    for account, own in by_account.items():
        kept |= set(brute_force_account(account, own, limits, key))
    return kept


def brute_force_account(account, own, limits, key):
    held = {task for work in own.values() for task, _ in work if isinstance(task, int)}
    in_order = sorted(held, key=lambda task: digest(key, f"{account}|{task}"))
    dropped = set(in_order[limits.tasks_per_account :])
    before, kept = Counter(), []
    for name in sorted(own, key=lambda name: digest(key, name)):
        if not dropped & {task for task, _ in own[name]}:
            if all(before[cell] < limits.conversations_per_cell for cell in own[name]):
                kept.append(name)
            before.update(own[name])
    return kept[: limits.conversations_per_account]


def heavy_usage(conversations, account, tasks=200):
    """Conversations of one account, over tasks of 1 to 3 occupations and all patterns."""
    flat = []
    for number in range(conversations):
        task, pattern = number % tasks + 1, PATTERNS[number // 7 % len(PATTERNS)]
        who = (f"{account}-{number}", account)
        if task % 20 == 0:
            outcome = "none" if task % 40 else "not_classified"
            flat.append((*who, outcome, None, None, 1.0, pattern, 1.0))
            continue
        count = task % MOST_OCCUPATIONS + 1
        codes = [CODES[(task + each * 2) % len(CODES)] for each in range(count)]
        flat += [(*who, "matched", task, code, 1 / count, pattern, 1.0) for code in codes]
    return pl.DataFrame(flat, Observations.create_empty().schema, orient="row")


@pytest.fixture(scope="module")
def heavy():
    return heavy_usage(10_000, "heavy")


@pytest.fixture(scope="module")
def others():
    return pl.concat([heavy_usage(5, f"other{number}") for number in range(30)])


def bounded(frame, limits, key=KEY):
    return bound_contributions(Observations.validate(frame, cast=True), limits, key)


def moves(others, heavy, limits):
    """What the heavy account moves in every cell: usage and conversations, without their sign."""
    keys = ["unit_level", "unit_id", "allocation_rule", "pattern"]
    figures = pl.col("usage", "conversation_count")
    together, without = (
        aggregate_cells(bounded(frame, limits), quarter="2026Q1").select(*keys, figures * sign)
        for frame, sign in ((pl.concat([others, heavy]), 1), (others, -1))
    )
    return (
        pl.concat([together, without])
        .group_by(keys)
        .agg(figures.sum().abs())
        .with_columns(pl.col(pl.Enum).cast(pl.String))
    )


def cells_moved_too_far(moved, limits):
    """Cells above the limit of the account, and of task and pattern above the limit of a cell.

    The base of a level under `full` holds a conversation once per unit that holds its task.
    """
    is_base = (pl.col("unit_id") == "all") & (pl.col("allocation_rule") == "full")
    is_cell = pl.col("pattern").is_in(PATTERNS) & (
        ((pl.col("unit_level") == "task") & (pl.col("unit_id") != "all"))
        | pl.col("unit_id").is_in(["none", "not_classified"])
    )
    most = (
        pl.when(is_cell)
        .then(limits.conversations_per_cell)
        .otherwise(limits.conversations_per_account)
    )
    most_usage = most * pl.when(is_base).then(MOST_OCCUPATIONS).otherwise(1)
    return moved.filter(
        (pl.col("conversation_count") > most) | (pl.col("usage") > most_usage + 1e-6)
    )


def total_moved(moved):
    everything = [pl.col(name) == "all" for name in ("unit_level", "unit_id", "pattern")]
    return moved.filter(*everything)["conversation_count"].item()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ((0, 1, 1), "conversations_per_account must be at least 1"),
        ((1, 0, 1), "conversations_per_cell must be at least 1"),
        ((1, 1, 0), "tasks_per_account must be at least 1"),
        ((-5, 1, 1), "conversations_per_account must be at least 1"),
        ((4, 5, 1), "conversations_per_cell must not exceed conversations_per_account"),
    ],
)
def test_limits_out_of_range_are_refused(limits, message):
    with pytest.raises(ValueError, match=f"^contributions: {message}$"):
        ContributionLimits(*limits)


@pytest.mark.parametrize("limits", [(1, 1, 1), (5, 5, 1), (5, 4, 9)])
def test_limits_in_range_are_taken(limits):
    assert ContributionLimits(*limits).conversations_per_account == limits[0]


@pytest.mark.parametrize(
    ("work", "limits", "kept"),
    [
        ([(1, "directive", 2)], (9, 3, 9), 2),
        ([(1, "directive", 3)], (9, 3, 9), 3),
        ([(1, "directive", 4)], (9, 3, 9), 3),
        ([(1, "directive", 4), (1, "learning", 4)], (9, 3, 9), 6),
        ([(1, "directive", 4), (2, "directive", 4)], (9, 3, 9), 6),
        ([("none", "none", 4)], (9, 3, 9), 3),
        ([("none", "none", 4), ("not_classified", "none", 4)], (9, 3, 9), 6),
        ([(task, "directive", 1) for task in (1, 2, 3)], (9, 3, 4), 3),
        ([(task, "directive", 1) for task in (1, 2, 3, 4)], (9, 3, 4), 4),
        ([(task, "directive", 1) for task in (1, 2, 3, 4, 5)], (9, 3, 4), 4),
        ([(1, "directive", 1), ("none", "none", 1)], (9, 3, 1), 2),  # an outcome is no task
        ([(task, "directive", 2) for task in (1, 2, 3, 4)], (9, 3, 9), 8),
        ([(task, "directive", 3) for task in (1, 2, 3)], (9, 3, 9), 9),
        ([(task, "directive", 3) for task in (1, 2, 3, 4)], (9, 3, 9), 9),
        ([(1, "directive", 30), ("none", "none", 30)], (1, 1, 1), 1),
    ],
)
def test_up_to_each_limit_an_account_is_counted(observed, work, limits, kept):
    usage = [
        (account, task, pattern)
        for account in "pq"
        for task, pattern, conversations in work
        for task in [task if isinstance(task, str) else {task}] * conversations
    ]
    found = bounded(observed(rows_of(usage)), ContributionLimits(*limits))
    counts = found.group_by("account_id").agg(pl.col("observation_id").n_unique())
    assert counts["observation_id"].to_list() == [kept, kept]


@settings(max_examples=25)
@given(usage=usages, limits=some_limits)
def test_no_account_is_above_a_limit(observed, usage, limits):
    assert not broken_limits(bounded(observed(rows_of(usage)), limits), limits)


@settings(max_examples=60)
@given(usage=usages, limits=some_limits)
def test_the_smallest_digests_stay_whole_and_unchanged(observed, usage, limits):
    frame = observed(rows_of(usage))
    kept = brute_force(frame, limits, KEY)
    expected = frame.filter(pl.col("observation_id").is_in(list(kept))).sort(SORTING)
    assert as_rows(bounded(frame, limits)) == as_rows(expected)


@settings(max_examples=25)
@given(usage=usages, limits=some_limits, leaver=st.sampled_from("pqr"))
def test_an_account_that_comes_or_goes_changes_nothing_of_others(observed, usage, limits, leaver):
    frame = observed(rows_of(usage))
    is_other = pl.col("account_id").ne_missing(leaver.encode().hex().ljust(32, "0"))
    with_all = bounded(frame, limits).filter(is_other)
    assert as_rows(with_all) == as_rows(bounded(frame.filter(is_other), limits))


@settings(max_examples=25)
@given(usage=usages, limits=some_limits, data=st.data())
def test_the_order_of_the_rows_decides_nothing(observed, usage, limits, data):
    frame = observed(rows_of(usage))
    order = data.draw(st.permutations(range(frame.height)))
    assert as_rows(bounded(frame[order], limits)) == as_rows(bounded(frame, limits))


@settings(max_examples=25)
@given(usage=usages)
def test_below_the_limits_nothing_is_dropped(observed, usage):
    frame = observed(rows_of(usage))
    limits = ContributionLimits(40, 40, 6)
    assert as_rows(bounded(frame, limits)) == as_rows(frame.sort(SORTING))


@settings(max_examples=25)
@given(usage=usages, limits=some_limits)
def test_where_accounts_are_unknown_nothing_is_dropped(observed, usage, limits):
    frame = observed(rows_of([(None, work, pattern) for _, work, pattern in usage]))
    assert as_rows(bounded(frame, limits)) == as_rows(frame.sort(SORTING))


@pytest.mark.parametrize("favorite", range(1, 7))
def test_which_tasks_stay_does_not_depend_on_how_much_they_were_used(observed, favorite):
    limits = ContributionLimits(100, 100, 3)
    once = [("p", {task}, "directive") for task in range(1, 7)]
    kept, kept_of_more = (
        set(bounded(observed(rows_of(usage)), limits)["task_id"])
        for usage in (once, once + 50 * [("p", {favorite}, "directive")])
    )
    assert len(kept) == 3
    assert kept_of_more == kept


def test_each_account_keeps_tasks_of_its_own(observed):
    usage = [(f"a{number}", {task}, "learning") for number, task in product(range(40), range(1, 7))]
    found = bounded(observed(rows_of(usage)), ContributionLimits(6, 6, 3))
    kept = found.group_by("account_id").agg(pl.col("task_id").unique().sort())["task_id"]
    assert len({tuple(each) for each in kept.to_list()}) > 10  # of 20 triples
    accounts = found.group_by("task_id").agg(pl.col("account_id").n_unique())["account_id"]
    assert accounts.len() == 6
    assert accounts.is_between(10, 30).all()  # 20 of 40 expected


@pytest.mark.parametrize(
    ("tasks_per_account", "rows_kept"),
    [(4, {"c0": 6, "c1": 1}), (3, {"c0": 6, "c1": 1}), (2, {"c1": 1}), (1, {"c1": 1})],
)
def test_a_conversation_of_several_tasks_stays_or_goes_whole(
    observed, tasks_per_account, rows_kept
):
    frame = observed(rows_of([("p", {1, 2, 3}, "directive"), ("p", "none", "none")]))
    found = bounded(frame, ContributionLimits(9, 9, tasks_per_account))
    names = [bytes.fromhex(each).rstrip(b"\0").decode() for each in found["observation_id"]]
    assert Counter(names) == rows_kept


def test_another_key_keeps_others(heavy):
    first, again, other = (
        set(bounded(heavy, LIMITS, key)["observation_id"]) for key in (KEY, KEY, OTHER_KEY)
    )
    assert first == again
    assert first != other
    tasks_kept = [
        set(bounded(heavy, ContributionLimits(10**9, 10**9, 5), key)["task_id"].drop_nulls())
        for key in (KEY, OTHER_KEY)
    ]
    assert tasks_kept[0] != tasks_kept[1]


def test_nothing_of_the_key_is_in_what_is_handed_on(heavy):
    found = bounded(heavy, LIMITS)
    assert found.columns == Observations.column_names()
    assert not set(as_rows(found)) - set(as_rows(heavy))


def test_rows_come_sorted(heavy):
    found = bounded(heavy.reverse(), LIMITS)
    assert as_rows(found) == as_rows(found.sort(SORTING))


def test_no_usage_is_no_usage():
    assert bounded(Observations.create_empty(), LIMITS).is_empty()


def test_10_000_conversations_of_one_account_move_no_cell_beyond_its_limits(others, heavy):
    moved = moves(others, heavy, LIMITS)
    assert total_moved(moved) == LIMITS.conversations_per_account
    assert cells_moved_too_far(moved, LIMITS).is_empty()
    assert set(moved["unit_level"]) == {"all", "major", "minor", "broad", "occupation", "task"}


@pytest.mark.parametrize(
    ("unlimited", "moved"),
    [
        ({"conversations_per_account"}, (5 + 2) * 7 * 3),  # tasks, outcomes; patterns; each
        ({"conversations_per_account", "conversations_per_cell", "tasks_per_account"}, 10_000),
    ],
)
def test_without_the_limit_on_the_total_the_10_000_do_move_cells_too_far(
    others, heavy, monkeypatch, unlimited, moved
):
    lift(monkeypatch, unlimited)
    found = moves(others, heavy, LIMITS)
    assert not cells_moved_too_far(found, LIMITS).is_empty()
    assert total_moved(found) == moved


@pytest.mark.parametrize(
    "unlimited", ["conversations_per_account", "conversations_per_cell", "tasks_per_account"]
)
def test_a_limit_that_is_lifted_is_seen_to_be_broken(observed, monkeypatch, unlimited):
    work = [*({task} for task in range(1, 7)), "none", "not_classified"]
    frame = observed(rows_of([("p", each, "directive") for each in work for _ in range(40)]))
    assert not broken_limits(bounded(frame, LIMITS), LIMITS)
    lift(monkeypatch, {unlimited})
    assert broken_limits(bounded(frame, LIMITS), LIMITS) == {unlimited}


def lift(monkeypatch, names):
    """Makes limits infinite behind the function's back."""
    keep_first = contributions._keep_first
    lifted = {getattr(LIMITS, name) for name in names}

    def keep(rows, draw, limit, group):
        return keep_first(rows, draw, 10**9 if limit in lifted else limit, group)

    monkeypatch.setattr(contributions, "_keep_first", keep)
