import pytest

from flows.economic_index import compute_index, read_index
from flows.tables import ReferenceShares
from taxonomy.patterns import PATTERN_BASES, PATTERNS
from taxonomy.reference import reference_shares
from taxonomy.soc import soc_groups


def test_reference_shares_are_a_released_table():
    shares = ReferenceShares.validate(reference_shares())
    assert shares.height > 0
    assert set(shares["measure"]) == {"pattern", "mode", "soc_major"}


@pytest.mark.parametrize(
    ("measure", "ids"),
    [
        ("pattern", set(PATTERNS)),
        ("mode", {"automation", "augmentation"}),
        ("soc_major", set(soc_groups()["soc_code"])),
    ],
)
def test_reference_shares_name_what_we_name(measure, ids):
    shares = reference_shares().filter(measure=measure)
    assert set(shares["id"]) <= ids


def test_reference_shares_name_their_base():
    bases = set(reference_shares().filter(reference_shares()["measure"] != "soc_major")["base"])
    assert bases <= set(PATTERN_BASES)


def test_reference_shares_are_those_of_the_tables_they_come_from(shared_data):
    figures = compute_index(read_index(shared_data / "economic_index" / "2025-02-10"))
    shares = reference_shares().filter(source="Economic Index 2025-02-10")
    assert shares.height > 0
    for measure, name, base, share in shares.select("measure", "id", "base", "share").rows():
        expected = {
            "pattern": lambda: figures["pattern_shares"][name],  # noqa: B023
            "mode": lambda: figures[f"{name}_share"][base],  # noqa: B023
            "soc_major": lambda: figures["soc_major_shares"]["split"][name[:2]],  # noqa: B023
        }[measure]()
        assert share == pytest.approx(expected, abs=6e-5), name
