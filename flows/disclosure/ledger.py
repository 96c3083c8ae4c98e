"""Decides whether a quarter may be released again: with enough accounts changed, or with none.

Two releases of one quarter are subtracted by anyone who has both. What lies between them must be
nothing or many accounts, and where it is nothing, both together are attacked as one. The ledger
lies beside the database, readable for its owner only, and is never published; it keeps no account,
but how many accounts fall into each of some thousand buckets by a keyed hash of what they did.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl

from flows.confine import PrivacyGateError, RefusedCell
from flows.disclosure.gate import Method, Shown, attack
from flows.disclosure.refused import name_narrow
from flows.store import make_private_directory, write_private_file
from flows.tables import AccountSketch, Observations

BUCKETS = 4_096


@dataclass(frozen=True)
class Entry:
    """One release.

    Attributes:
        quarter: Such as 2026Q1.
        definition: sha256 of by which rules, code and models it was made.
        key_check: Tells keys apart, and tells nothing of the key.
        sketch: Accounts by bucket, as `sketch_accounts` counts them.
        release_id: Of the released tables.
        method: How its figures were made.
        cells: `UNIT`, `pattern`, `usage`, rows as `gate.Shown` has them.
        uncapped: Major groups whose usage without limits per account is told, and that usage.
    """

    quarter: str
    definition: str
    key_check: str
    sketch: tuple[int, ...]
    release_id: str
    method: Method
    cells: tuple[tuple[str, str, str, str, float | None], ...]
    uncapped: tuple[tuple[str, float], ...] = ()


def sketch_accounts(
    observations: dy.DataFrame[Observations], key: bytes
) -> dy.DataFrame[AccountSketch]:
    """How many accounts fall into each bucket, by a keyed hash of the account and what it did.

    An account that did something else falls into another bucket, so that two sketches differ by at
    most 2 for each account that changed, came or went. Where accounts are unknown, each
    conversation is one.
    """
    did = pl.concat_str("observation_id", "outcome", "task_id", "pattern", ignore_nulls=True)
    accounts = (
        observations.lazy()
        .with_columns(pl.coalesce("account_id", "observation_id").alias("account"), did=did)
        .group_by("account")
        .agg(pl.col("did").unique().sort().str.join("|"))
        .select(pl.concat_str("account", "did", separator="|"))
        .collect()
        .to_series()
    )
    buckets = np.zeros(BUCKETS, dtype=np.int64)
    for text in accounts:
        digest = hmac.digest(key, text.encode(), hashlib.sha256)
        buckets[int.from_bytes(digest[:8], "big") % BUCKETS] += 1
    return AccountSketch.validate(
        pl.DataFrame({"bucket": np.arange(BUCKETS), "account_count": buckets})
    )


def check_key(key: bytes) -> str:
    """16 hexadecimal digits that are the same for the same key."""
    return hmac.digest(key, b"check", hashlib.sha256).hex()[:16]


def define_release(release: Mapping[str, object], settings: Mapping[str, object]) -> str:
    """sha256 of the row of `releases`, without the release id, and of all settings."""
    row = {name: value for name, value in release.items() if name != "release_id"}
    text = json.dumps([row, settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def read_ledger(directory: Path, quarter: str) -> list[Entry]:
    """The releases of a quarter, in the order of their definitions.

    Raises:
        PrivacyGateError: An entry cannot be read: what was released is not known.
    """
    return [_read(path) for path in sorted(directory.glob(f"{quarter}-*.json"))]


def ledger_of(database: Path) -> Path:
    """The directory beside a database where its ledger lies."""
    return database.with_name(f".{database.name}.ledger")


def earlier_releases(
    entries: Sequence[Entry], *, sketch: Sequence[int], key_check: str
) -> list[Shown]:
    """What was released before of the same conversations."""
    schema = ["unit_level", "unit_id", "allocation_rule", "pattern", "usage"]
    types = dict.fromkeys(schema[:4], pl.String) | {"usage": pl.Float64}
    return [
        Shown(pl.DataFrame(entry.cells, types, orient="row"), entry.method)
        for entry in entries
        if entry.key_check == key_check and tuple(sketch) == entry.sketch
    ]


def admit_release(
    entries: Sequence[Entry], candidate: Entry, *, least_accounts: int, is_published: bool
) -> None:
    """Lets a release of a quarter pass, or not.

    Args:
        entries: Of the same quarter.
        candidate: What is to be released.
        least_accounts: So many accounts must have changed between two releases that differ, or
            twice as many come or gone: what did both the sketches cannot tell apart.
        is_published: Whether the database holds the quarter.

    Raises:
        PrivacyGateError: An earlier release is too near, or cannot be compared.
    """
    where = f"ledger: {candidate.quarter}"
    if is_published and not entries:
        raise PrivacyGateError(
            f"{where} is in the database, and the ledger does not know it",
            rule="unknown_to_the_ledger",
        )
    check_modes(entries, candidate.method.is_exact, quarter=candidate.quarter)
    for entry in entries:
        if entry.key_check != candidate.key_check:
            raise PrivacyGateError(
                f"{where} was released with another key: it cannot be compared",
                rule="released_with_another_key",
            )
        changed = sum(
            abs(now - then) for now, then in zip(candidate.sketch, entry.sketch, strict=True)
        )
        is_same = entry.definition == candidate.definition
        if changed == 0 and is_same and entry.release_id != candidate.release_id:
            raise PrivacyGateError(
                f"{where}: the same release came out different",
                rule="same_release_came_out_different",
                cells=_differing(entry, candidate),
            )
        if entry.method.is_exact and entry.release_id != candidate.release_id:
            raise PrivacyGateError(
                f"{where} was released with exact figures: they could be subtracted from others",
                rule="exact_figures_are_released_once",
                cells=_differing(entry, candidate),
            )
        if 0 < changed < 2 * least_accounts:
            raise PrivacyGateError(
                f"{where}: too few accounts lie between this release and an earlier one (needed:"
                f" {least_accounts} that changed, or {2 * least_accounts} that came or went);"
                " subtracting them would show what they did",
                rule="too_few_accounts_apart",  # cells that differ would show it as well
            )
        if not {*candidate.uncapped} <= {*entry.uncapped}:
            raise PrivacyGateError(
                f"{where}: another run has told other usage without limits per account",
                rule="two_runs_at_once",
            )


def check_modes(entries: Sequence[Entry], is_exact: bool, *, quarter: str) -> None:
    """Keeps exact and rounded figures of a quarter apart: the former undo the latter.

    Raises:
        PrivacyGateError: The quarter was released in the other way.
    """
    if any(entry.method.is_exact != is_exact for entry in entries):
        raise PrivacyGateError(
            f"ledger: {quarter} was released with {'rounded' if is_exact else 'exact'} figures"
            " before; rounded and exact ones of a quarter undo each other",
            rule="released_in_another_mode",
        )


def attack_unseen(
    entries: Sequence[Entry],
    candidate: Entry,
    weights: pl.DataFrame,
    *,
    attacked: Collection[str],
    wanted: float,
) -> None:
    """Attacks a release again, where another run released the same conversations after its attack.

    Args:
        entries: Of the same quarter.
        candidate: What is to be released.
        weights: As `lattice.unit_weights` says, of its taxonomy.
        attacked: The ids of the releases that it was attacked together with.
        wanted: Least width of the interval of what is withheld.

    Raises:
        PrivacyGateError: What is withheld could be found out from them together.
    """
    seen = {candidate.release_id, *attacked}
    same = partial(earlier_releases, sketch=candidate.sketch, key_check=candidate.key_check)
    if not same([entry for entry in entries if entry.release_id not in seen]):
        return
    verdict = attack(weights, same([candidate, *entries]), wanted=wanted)
    if len(verdict.narrow):
        raise PrivacyGateError(
            f"ledger: another run has released {candidate.quarter}, and {len(verdict.narrow)}"
            " withheld figures could be found out from both releases together",
            rule="two_runs_at_once",
            cells=name_narrow(verdict, wanted=wanted),
            cell_count=len(verdict.narrow),
        )


def record_release(directory: Path, entry: Entry) -> None:
    """Writes an entry down; the same release again changes nothing."""
    make_private_directory(directory)
    path = directory / f"{entry.quarter}-{entry.definition[:16]}-{entry.release_id}.json"
    write_private_file(path, json.dumps(asdict(entry)))


def _differing(one: Entry, other: Entry) -> list[RefusedCell]:
    """Shown by one of them alone, or with another figure."""
    ids = {
        (level, unit, rule, pattern)
        for level, unit, rule, pattern, _ in {*one.cells} ^ {*other.cells}
    }
    return [RefusedCell(*cell) for cell in sorted(ids)]


def _read(path: Path) -> Entry:
    try:
        values = json.loads(path.read_text("utf-8"))
        values["method"].pop("withheld_below", None)  # of ledgers of earlier versions
        values["method"] = Method(**values["method"])
        values["sketch"] = tuple(values["sketch"])
        values["cells"] = tuple(tuple(cell) for cell in values["cells"])
        values["uncapped"] = tuple(tuple(group) for group in values.get("uncapped", ()))
        return Entry(**values)
    except (OSError, ValueError, KeyError, TypeError):
        raise PrivacyGateError(
            f"ledger: {path.name} cannot be read", rule="ledger_cannot_be_read"
        ) from None
