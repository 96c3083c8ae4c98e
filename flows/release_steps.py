"""Binds disclosure control and publishing to the work directory, the ledger and the database.

Nothing here decides a figure. What a privacy gate refuses is told to the reviewer (`refusal.py`).
"""

from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl

from flows import coverage, publish
from flows import tables as t
from flows.confine import confine
from flows.disclosure.budget import draw_once, identify_inputs
from flows.disclosure.control import Protection, control_cells, describe_control, plain_cells
from flows.disclosure.differential_privacy import key_counts, measure_counts
from flows.disclosure.gate import Method
from flows.disclosure.hierarchy import build_hierarchy
from flows.disclosure.lattice import unit_weights
from flows.disclosure.ledger import (
    Entry,
    admit_release,
    attack_unseen,
    check_key,
    check_modes,
    define_release,
    earlier_releases,
    ledger_of,
    read_ledger,
    record_release,
)
from flows.disclosure.noisy_cells import Noise, describe_noise, release_noisy_cells
from flows.disclosure.thresholds import withhold_clusters
from flows.disclosure.uncapped import release_uncapped
from flows.identity import derive_key, load_key
from flows.loaded import load_onet
from flows.refusal import forget_refusal, tells_refusal
from flows.release import (
    release_limits,
    release_rules,
    release_sums_from,
    released_tables,
)
from flows.request import RunRequest
from flows.store import (
    Manifest,
    content_hashes,
    find_step,
    read_all,
    staging_directory,
    step_key,
    write_step,
)
from onet.release import Release
from onet.weights import statements, task_occupations


@tells_refusal
def disclose_all(
    request: RunRequest,
    ingested: Sequence[Manifest],
    redacted: Sequence[Manifest],
    clustered: Manifest,
    ranked: Sequence[Manifest],
    matched: Manifest,
    aggregated: Manifest,
) -> Manifest:
    """Withholds, rounds and attacks, or adds noise, and counts what is not shown."""
    release, settings = load_onet(request.onet), request.settings.disclosure
    key = step_key(
        "disclose",
        *content_hashes([*ingested, *redacted, clustered, *ranked, matched, aggregated]),
        settings.model_dump_json(),
        request.settings.ingest.account_unit,
        release.content_hash,
        *(entry.release_id for entry in read_ledger(ledger_of(request.database), request.quarter)),
    )
    # noise is kept in the ledger and nowhere else: only what is in there may be released
    if settings.mode != "dp" and (found := find_step(request.work, "disclose", key)):
        return found
    with confine("disclose"):
        if settings.mode == "dp":
            tables = _add_noise(request, release, aggregated)
        else:
            rows = [*ingested, *redacted]
            tables = _protect(request, release, rows, clustered, ranked, aggregated)
        is_released = tables["released_cells"]["suppression"].cast(pl.String) == "none"
        counts = {
            "rows_in": aggregated.tables["cells"].row_count,
            "rows_out": len(is_released),
            "released_cells": int(is_released.sum()),
            "withheld_cells": int((~is_released).sum()),
        }
        return write_step(request.work, "disclose", key, tables, counts)


def _protect(
    request: RunRequest,
    release: Release,
    with_rejects: Sequence[Manifest],
    clustered: Manifest,
    ranked: Sequence[Manifest],
    aggregated: Manifest,
) -> dict[str, pl.DataFrame]:
    """Figures are rounded, or with mode `suppression` exact; what is beside the cube is rounded."""
    settings, rules = request.settings.disclosure, release_rules(request.settings)
    protection = Protection(
        settings.rounding_base,
        derive_key(load_key(), "rounding", request.quarter),
        release_sums_from(request.settings),
    )
    entries = read_ledger(ledger_of(request.database), request.quarter)
    check_modes(entries, protection.is_exact, quarter=request.quarter)
    controlled = control_cells(
        t.Cells.validate(aggregated.read("cells")),
        unit_weights(task_occupations(release)),
        rules,
        protection,
        earlier=earlier_releases(
            entries,
            sketch=aggregated.read("sketch")["account_count"].to_list(),
            key_check=check_key(derive_key(load_key(), "ledger", request.quarter)),
        ),
    )
    clusters = withhold_clusters(
        t.ClusterCells.validate(aggregated.read("cluster_cells")),
        clustered.read("clusters").select("cluster_id", "level", "parent_cluster_id"),
        statements(release),
        rules,
        quarter=request.quarter,
        base=settings.rounding_base,
    )
    covered = coverage.count_coverage(
        quarter=request.quarter,
        row_counts=aggregated.counts,
        rejects=read_all(with_rejects, "rejects", t.Rejects),
        assignments=t.ClusterAssignments.validate(clustered.read("assignments")),
        classifications=read_all(ranked, "classifications", t.Classifications),
        released=controlled.cells,
        base=settings.rounding_base,
    )
    control = describe_control(controlled, covered, protection, quarter=request.quarter)
    # beside an exact figure with the limits, a rounded one without them would say what they remove
    uncapped = t.UncappedUsage.create_empty()
    if not protection.is_exact:
        uncapped = release_uncapped(
            t.Cells.validate(aggregated.read("uncapped_cells")),
            t.Cells.validate(aggregated.read("removed_cells")),
            controlled.cells,
            rules,
            protection,
            earlier=[dict(entry.uncapped) for entry in entries],
        )
    return {
        "released_cells": controlled.cells,
        "uncapped": uncapped,
        "clusters": clusters,
        "coverage": covered,
        "disclosure": control,
        "sketch": t.AccountSketch.validate(aggregated.read("sketch")),
        "attacked": pl.DataFrame(
            {"release_id": [entry.release_id for entry in entries]}, {"release_id": pl.String}
        ),
    }


def _add_noise(
    request: RunRequest, release: Release, aggregated: Manifest
) -> dict[str, pl.DataFrame]:
    """Of clusters, rejects and accounts nothing is said: only the counts of the cube have noise."""
    settings, quarter = request.settings.disclosure, request.quarter
    held = task_occupations(release)
    hierarchy = build_hierarchy(held)
    counts = key_counts(t.Cells.validate(aggregated.read("cells")))
    limits = release_limits(request.settings)
    noise = Noise(settings.epsilon_per_quarter, limits.conversations_per_account)
    drawn = draw_once(
        ledger_of(request.database),
        quarter=quarter,
        inputs=identify_inputs(derive_key(load_key(), "noise", quarter), counts, hierarchy, noise),
        noise=noise,
        budget=settings.epsilon_total,
        told=publish.told_epsilons(request.database),
        measure=partial(
            measure_counts,
            counts,
            hierarchy,
            epsilon=noise.epsilon,
            account_limit=noise.account_limit,
        ),
    )
    released = release_noisy_cells(
        drawn.measured,
        hierarchy,
        unit_weights(held),
        noise,
        quarter=quarter,
        floor=release_rules(request.settings).conversations,
    )
    return {
        "released_cells": released,
        "uncapped": t.UncappedUsage.create_empty(),
        "clusters": t.ReleasedClusters.create_empty(),
        "coverage": coverage.count_noisy_coverage(released, quarter=quarter),
        "disclosure": describe_noise(
            released,
            hierarchy,
            noise,
            spent=drawn.spent,
            budget=settings.epsilon_total,
            quarter=quarter,
        ),
    }


@tells_refusal
def publish_all(request: RunRequest, disclosed: Manifest) -> Manifest:
    """Derives the released tables and publishes the database; the key is the release id."""
    is_noisy = request.settings.disclosure.mode == "dp"
    with confine("publish"):
        tables = released_tables(
            request,
            load_onet(request.onet),
            t.ReleasedCells.validate(disclosed.read("released_cells")),
            t.UncappedUsage.validate(disclosed.read("uncapped")),
            disclosed.read("clusters"),
            disclosed.read("coverage"),
            disclosed.read("disclosure"),
        )
        release_id = publish.publish_release(
            tables,
            quarter=request.quarter,
            database=request.database,
            # noise was admitted when it was drawn
            admit=None if is_noisy else partial(_admit, request, tables, disclosed),
        )
        forget_refusal(request.database, request.quarter)
        counts = {
            "rows_in": disclosed.tables["released_cells"].row_count,
            "rows_out": sum(frame.height for frame in tables.values()),
        }
        return Manifest("publish", release_id, {}, counts)


def _admit(
    request: RunRequest, tables: Mapping[str, pl.DataFrame], disclosed: Manifest, release_id: str
) -> None:
    """Compares a release with those in the ledger, and writes it down there, one run at a time."""
    ledger, settings = ledger_of(request.database), request.settings
    sums_from = release_sums_from(settings)
    step = settings.disclosure.rounding_base if sums_from is None else 1
    released = t.ReleasedCells.validate(disclosed.read("released_cells"))
    reach = tables["disclosure"].filter(pl.col("measure") == "rounding_reach")["value"].item()
    entry = Entry(
        quarter=request.quarter,
        definition=define_release(
            tables["releases"].row(0, named=True), settings.model_dump(mode="json")
        ),
        key_check=check_key(derive_key(load_key(), "ledger", request.quarter)),
        sketch=tuple(disclosed.read("sketch")["account_count"]),
        release_id=release_id,
        method=Method(step, reach, release_rules(settings).conversations, sums_from),
        cells=tuple(plain_cells(released).rows()),
        uncapped=tuple(disclosed.read("uncapped").rows()),
    )
    weights = unit_weights(task_occupations(load_onet(request.onet)))
    with staging_directory(ledger.with_name(f"{ledger.name}.admitting")):
        entries = read_ledger(ledger, request.quarter)
        admit_release(
            entries,
            entry,
            least_accounts=settings.disclosure.account_floor,
            is_published=publish.holds_quarter(request.database, request.quarter),
        )
        attack_unseen(
            entries,
            entry,
            weights,
            attacked=set(disclosed.read("attacked")["release_id"]),
            wanted=settings.disclosure.rounding_base - 1.0,
        )
        record_release(ledger, entry)
