import json
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.confine import PrivacyGateError
from flows.disclosure.gate import Method
from flows.disclosure.ledger import (
    BUCKETS,
    Entry,
    admit_release,
    check_key,
    define_release,
    earlier_releases,
    read_ledger,
    record_release,
    sketch_accounts,
)
from flows.tables import Observations

KEY = b"k" * 32
NOBODY = (0,) * BUCKETS
ENTRY = Entry(
    quarter="2026Q1",
    definition="d" * 64,
    key_check=check_key(KEY),
    sketch=NOBODY,
    release_id="0123456789abcdef",
    method=Method(10, 10.0, 20),
    cells=(("all", "all", "split", "all", 120.0),),
    uncapped=(("15-0000", 730.0),),
)


TOO_FEW = r"needed: 5 that changed, or 10 that came or went"


def came(count: int) -> tuple[int, ...]:
    """The sketch after `count` accounts came, each into a bucket of its own."""
    return tuple(int(bucket < count) for bucket in range(BUCKETS))


def changed(count: int) -> tuple[int, ...]:
    """The sketch after `count` accounts did something else."""
    return came(2 * count)


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (ENTRY, None),
        (replace(ENTRY, definition="e" * 64, release_id="other"), None),
        (replace(ENTRY, release_id="other"), "came out different"),
        (replace(ENTRY, sketch=changed(1), release_id="other"), TOO_FEW),
        (replace(ENTRY, sketch=changed(4), release_id="other"), TOO_FEW),
        (replace(ENTRY, sketch=changed(5), release_id="other"), None),
        (replace(ENTRY, sketch=came(9), release_id="other"), TOO_FEW),
        (replace(ENTRY, sketch=came(10), release_id="other"), None),
        (replace(ENTRY, key_check="0" * 16), "another key"),
        (replace(ENTRY, sketch=came(10), release_id="other", uncapped=()), None),
        (
            replace(ENTRY, sketch=came(10), release_id="other", uncapped=(("15-0000", 760.0),)),
            "other usage without limits",
        ),
        (
            replace(
                ENTRY,
                sketch=came(10),
                release_id="other",
                uncapped=(*ENTRY.uncapped, ("25-0000", 40.0)),
            ),
            "other usage without limits",
        ),
    ],
)
def test_a_quarter_is_released_again_unchanged_or_with_enough_accounts_changed(candidate, reason):
    def admit() -> None:
        admit_release([ENTRY], candidate, least_accounts=5, is_published=True)

    if reason is None:
        admit()
    else:
        with pytest.raises(PrivacyGateError, match=reason):
            admit()


def test_cells_are_named_where_accounts_are_the_same_and_not_where_few_changed():
    cells = (*ENTRY.cells, ("task", "1", "split", "all", 20.0))
    for sketch, named in ((NOBODY, ["1"]), (changed(1), [])):
        other = replace(ENTRY, release_id="other", cells=cells, sketch=sketch)
        with pytest.raises(PrivacyGateError) as caught:
            admit_release([ENTRY], other, least_accounts=5, is_published=True)
        assert [cell.unit_id for cell in caught.value.cells] == named


def test_a_published_quarter_that_the_ledger_does_not_know_is_not_released_again():
    admit_release([], ENTRY, least_accounts=5, is_published=False)
    with pytest.raises(PrivacyGateError, match="the ledger does not know it"):
        admit_release([], ENTRY, least_accounts=5, is_published=True)


def test_what_is_written_down_is_read_again_by_its_owner_only(tmp_path: Path):
    for entry in (ENTRY, replace(ENTRY, method=Method(10, 10.0, 80), release_id="b")):
        record_release(tmp_path / "ledger", entry)
        record_release(tmp_path / "ledger", entry)
    assert read_ledger(tmp_path / "ledger", "2026Q1")[0] == ENTRY
    assert len(read_ledger(tmp_path / "ledger", "2026Q1")) == 2
    assert read_ledger(tmp_path / "ledger", "2026Q2") == []
    assert stat.S_IMODE((tmp_path / "ledger").stat().st_mode) == 0o700
    for path in (tmp_path / "ledger").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_entry_of_an_earlier_version_is_read(tmp_path: Path):
    record_release(tmp_path, ENTRY)
    (path,) = tmp_path.iterdir()
    values = json.loads(path.read_text("utf-8"))
    values["method"]["withheld_below"] = 20.0
    path.write_text(json.dumps(values), "utf-8")
    assert read_ledger(tmp_path, "2026Q1") == [ENTRY]


def test_a_ledger_that_cannot_be_read_stops_the_release(tmp_path: Path):
    (tmp_path / "2026Q1-torn.json").write_text('{"quarter": "2026Q1"')
    with pytest.raises(PrivacyGateError, match="cannot be read"):
        read_ledger(tmp_path, "2026Q1")


def test_only_releases_of_the_same_conversations_are_attacked_together():
    others = [replace(ENTRY, sketch=changed(9)), replace(ENTRY, key_check="0" * 16)]
    found = earlier_releases([ENTRY, *others], sketch=NOBODY, key_check=ENTRY.key_check)
    assert [shown.cells.row(0) for shown in found] == [ENTRY.cells[0]]


def test_a_sketch_differs_by_as_many_accounts_as_changed(starter_tasks, invent_usage):
    usage = invent_usage(starter_tasks, conversations=900, accounts=300)

    def sketch(rows, key=KEY) -> np.ndarray:
        return sketch_accounts(Observations.validate(rows), key)["account_count"].to_numpy()

    accounts = usage["account_id"].unique().sort()
    assert sketch(usage).sum() == len(accounts)
    assert (sketch(usage) == sketch(usage.sample(fraction=1, shuffle=True, seed=1))).all()
    gone = usage.filter(~usage["account_id"].is_in(accounts[:3].implode()))
    assert np.abs(sketch(usage) - sketch(gone)).sum() == 3
    first = usage.filter(usage["account_id"] == accounts[0])["observation_id"][0]
    less = usage.filter(usage["observation_id"] != first)
    assert np.abs(sketch(usage) - sketch(less)).sum() in (1, 2)
    assert np.abs(sketch(usage) - sketch(usage, b"o" * 32)).sum() > 300


def test_settings_that_are_not_released_are_part_of_the_definition():
    row = {"quarter": "2026Q1", "release_id": "a"}
    first = define_release(row, {"dominance_percent": 20})
    assert first == define_release({**row, "release_id": "b"}, {"dominance_percent": 20})
    assert first != define_release(row, {"dominance_percent": 30})
    assert first != define_release({**row, "quarter": "2026Q2"}, {"dominance_percent": 20})
