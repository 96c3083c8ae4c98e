"""Decides the noisy counts of the differential privacy mode: the one place where noise is added.

What is guaranteed: with or without the conversations of any one account within one quarter, every
outcome is at most e^epsilon times as likely, provided that the account's conversations were bounded
before, and that each conversation is judged by itself. What is not: epsilons of quarters add up,
and so do those of several accounts of one person. What other people's conversations tell about
somebody stays told, such as those of a team that does the same work: accounts are protected one by
one, not the habits they share. The settings are not covered where somebody chose them by looking at
the conversations.
"""

import math

import dataframely as dy
import numpy as np
import polars as pl
from opendp.domains import atom_domain, vector_domain
from opendp.measurements import make_laplace
from opendp.metrics import l1_distance
from opendp.mod import enable_features

from flows.confine import ContractError
from flows.disclosure.hierarchy import KEYS_WITHOUT_TASK, UNITS, Hierarchy, Integers
from flows.tables import Cells
from taxonomy.patterns import PATTERNS

# parts of the budget by level, pairs last; powers of 2, so that floats add up to epsilon exactly
BUDGET_SHARES = (0.25, 0.25, 0.25, 0.25)
_MOST_CONVERSATIONS = 2**63 // UNITS - 1  # 5e11: sums of more units would overflow
_SCALE_SLACK = 1e-12  # a quotient of floats may be rounded down, and OpenDP rounds losses up


def key_counts(cells: dy.DataFrame[Cells]) -> pl.DataFrame:
    """Conversations of each key (a task, or an outcome without one) and pattern, from the cube.

    Raises:
        ContractError: Conversations are in several keys, so that an account could move more counts
            than its limit says.
    """
    plain = cells.with_columns(pl.col("unit_level", "pattern").cast(pl.String))
    is_task = (pl.col("unit_level") == "task") & (pl.col("unit_id") != "all")
    is_outcome = (pl.col("unit_level") == "all") & pl.col("unit_id").is_in(KEYS_WITHOUT_TASK)
    counts = plain.filter(is_task | is_outcome, pl.col("pattern").is_in(PATTERNS)).select(
        "pattern", "conversation_count", key="unit_id"
    )
    whole = plain.filter(unit_level="all", unit_id="all", pattern="all")["conversation_count"]
    if counts["conversation_count"].sum() != whole.sum():
        raise ContractError("disclose: conversations are counted in no key or in several")
    return counts.sort("key", "pattern")


def measure_counts(
    counts: pl.DataFrame, hierarchy: Hierarchy, *, epsilon: float, account_limit: int
) -> list[Integers]:
    """Adds noise to the counts of every key that there can be, whether or not it holds usage.

    Four levels are measured by the Laplace mechanism, each with its part of epsilon: matched, none
    and not classified; SOC major groups; occupations; pairs of task and occupation, all by pattern.
    A key without a task is a group of its own at every level, which costs nothing: its
    conversations are in no other cell of the level. Losses of the levels add up to epsilon: Dwork
    and Roth (2014), "The Algorithmic Foundations of Differential Privacy", 3.3 and 3.5.

    The noise is OpenDP's own and takes no seed: whoever knew a seed could take the noise off.

    Args:
        counts: `key` (a task id, none or not_classified), `pattern`, `conversation_count`; a row
            per cell that holds any. Accounts must have been bounded to `account_limit`
            conversations, at most one per key and pattern: counts cannot tell.
        hierarchy: Of the taxonomy.
        epsilon: The privacy loss of all of it.
        account_limit: Conversations of one account, all keys and patterns together.

    Returns:
        For each level, from the top, its nodes by pattern, in `UNITS` of a conversation.

    Raises:
        ValueError: A setting is out of range, or rows of the counts are outside the keys, repeated
            or no counts; only their number is told.
        RuntimeError: OpenDP claims a privacy loss above the budget.
    """
    if not (math.isfinite(epsilon) and epsilon > 0):
        raise ValueError("differential privacy: epsilon must be finite and above 0")
    if account_limit < 1:
        raise ValueError("differential privacy: the account limit must be at least 1")
    levels = hierarchy.sum_up(_pair_units(counts, hierarchy.pairs))
    return [
        _measure(units, epsilon=epsilon * share, account_limit=account_limit)
        for units, share in zip(levels, BUDGET_SHARES, strict=True)
    ]


def _pair_units(counts: pl.DataFrame, pairs: pl.DataFrame) -> Integers:
    """Units of the counts by pair and pattern, zeros where there are no counts."""
    _refuse_counts(counts, pairs)
    patterns = pl.col("pattern").cast(pl.Enum(PATTERNS)).to_physical()
    held = pairs.with_row_index("pair").join(
        counts.with_columns(pattern_position=patterns), on="key", how="inner", validate="m:m"
    )
    units = np.zeros((pairs.height, len(PATTERNS)), dtype=np.int64)
    units[held["pair"].to_numpy(), held["pattern_position"].to_numpy()] = (
        held["units"] * held["conversation_count"]
    ).to_numpy()
    return units


def _refuse_counts(counts: pl.DataFrame, pairs: pl.DataFrame) -> None:
    """Raises ValueError where counts break the contract, without telling any of their values."""
    is_fixed = pl.col("key").is_in(pairs["key"].unique().implode()) & pl.col("pattern").is_in(
        PATTERNS
    )
    rules = {
        "have a key or pattern outside the fixed ones": ~is_fixed.fill_null(False),
        "repeat a key and pattern": pl.struct("key", "pattern").is_duplicated(),
        "hold no count": (pl.col("conversation_count") < 0).fill_null(True),
    }
    for statement, broken in rules.items():
        rows = counts.filter(broken).height
        if rows:
            raise ValueError(f"differential privacy: {rows} rows of the counts {statement}")
    if counts["conversation_count"].cast(pl.Float64).sum() > _MOST_CONVERSATIONS:
        raise ValueError("differential privacy: the counts add up to more than 500 billion")


def _measure(units: Integers, *, epsilon: float, account_limit: int) -> Integers:
    """Laplace noise on every cell, for accounts of up to `account_limit` times `UNITS` in all.

    Integers: OpenDP draws their noise four times as fast as that of floats.

    Raises:
        RuntimeError: OpenDP claims a privacy loss above epsilon.
    """
    sensitivity = account_limit * UNITS
    enable_features("contrib")  # OpenDP offers no noise without it
    laplace = make_laplace(
        vector_domain(atom_domain(T="i64")),
        l1_distance(T="i64"),
        scale=sensitivity / epsilon * (1 + _SCALE_SLACK),
    )
    if not laplace.check(sensitivity, epsilon):
        raise RuntimeError("differential privacy: the privacy loss is above the budget")
    noisy: Integers = np.array(laplace(units.ravel().tolist()), dtype=np.int64)
    return noisy.reshape(units.shape)
