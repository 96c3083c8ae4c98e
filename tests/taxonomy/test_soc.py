import os
from pathlib import Path

import polars as pl
import pytest

from flows.tables import ReferenceShares
from taxonomy.patterns import FIVE_PATTERNS, MODES
from taxonomy.soc import group_code, soc_groups

LEVELS = ("major", "minor", "broad")


@pytest.fixture
def soc_2018() -> pl.DataFrame:
    root = Path(__file__).resolve().parents[3] / "shared" / "data"
    path = Path(os.environ.get("WORKTALLY_TEST_DATA", root)) / "soc" / "soc2018_all.csv"
    if not path.is_file():
        pytest.skip("neither ../shared/data nor WORKTALLY_TEST_DATA exists")
    return pl.read_csv(path, infer_schema=False, null_values="NA")


def codes_of(code: str | None) -> tuple[str | None, ...]:
    frame = pl.DataFrame({"code": [code]}, schema={"code": pl.String})
    return frame.select(group_code(pl.col("code"), level).alias(level) for level in LEVELS).row(0)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("11-1011.03", ("11-0000", "11-1000", "11-1010")),
        ("15-1252.00", ("15-0000", "15-1200", "15-1250")),
        ("15-1299.08", ("15-0000", "15-1200", "15-1290")),
        ("15-2051.01", ("15-0000", "15-2000", "15-2050")),
        ("29-1218.00", ("29-0000", "29-1000", "29-1210")),
        ("29-1229.02", ("29-0000", "29-1000", "29-1210")),
        ("29-1241.00", ("29-0000", "29-1000", "29-1240")),
        ("29-1299.01", ("29-0000", "29-1000", "29-1290")),
        ("31-1131.00", ("31-0000", "31-1100", "31-1130")),
        ("31-2011.00", ("31-0000", "31-2000", "31-2010")),
        ("51-5113.00", ("51-0000", "51-5100", "51-5110")),
        ("53-3032", ("53-0000", "53-3000", "53-3030")),
        # older than SOC 2018: by the digits
        ("15-1131.00", ("15-0000", "15-1000", "15-1130")),
        ("29-1062.00", ("29-0000", "29-1000", "29-1060")),
        ("31-1011.00", ("31-0000", "31-1000", "31-1010")),
        ("55-1011.00", ("55-0000", "55-1000", "55-1010")),
        # no occupation
        (None, (None, None, None)),
        ("none", (None, None, None)),
        ("not_classified", (None, None, None)),
        ("15-1252.0", (None, None, None)),
    ],
)
def test_an_occupation_belongs_to_its_groups(code, expected):
    assert codes_of(code) == expected


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="SOC level must be one of"):
        group_code(pl.col("code"), "detailed")


def test_groups_are_complete_and_sorted():
    groups = soc_groups()
    counts = dict(groups["soc_level"].value_counts().rows())
    assert counts == {"major": 22, "minor": 95, "broad": 456}
    assert groups["soc_code"].is_unique().all()
    assert groups["soc_code"].is_sorted()
    assert groups.columns == ["soc_level", "soc_code", "soc_title"]


def test_groups_are_those_of_soc_2018_without_the_military(soc_2018):
    expected = (
        soc_2018.filter(
            pl.col("Hierarchical_structure") != "Detailed", ~pl.col("code").str.starts_with("55")
        )
        .select(pl.col("Hierarchical_structure").str.to_lowercase(), "code", "title")
        .sort("code")
    )
    assert soc_groups().rows() == expected.rows()


def test_every_detailed_occupation_of_soc_2018_lies_where_its_hierarchy_says(soc_2018):
    parent = dict(soc_2018.select("code", "parent").rows())
    detailed = soc_2018.filter(
        pl.col("Hierarchical_structure") == "Detailed", ~pl.col("code").str.starts_with("55")
    )
    found = detailed.select(
        "code", *(group_code(pl.col("code") + ".00", level).alias(level) for level in LEVELS)
    )
    expected = [
        (code, parent[parent[parent[code]]], parent[parent[code]], parent[code])
        for code in detailed["code"]
    ]
    assert len(expected) == 848  # 867 less 19 military ones
    assert found.rows() == expected
    assert set(found["broad"]) | set(found["minor"]) | set(found["major"]) == set(
        soc_groups()["soc_code"]
    )


def test_reference_shares_are_consistent():
    path = Path(__file__).resolve().parents[2] / "taxonomy" / "reference_shares.tsv"
    shares = ReferenceShares.validate(pl.read_csv(path, separator="\t"))
    of_index = dict(
        shares.filter(pl.col("source") == "Economic Index 2025-02-10").select("id", "share").rows()
    )
    assert sum(of_index[pattern] for pattern in FIVE_PATTERNS) == pytest.approx(1.0, abs=1e-4)
    for mode, patterns in MODES.items():
        assert of_index[mode] == pytest.approx(sum(of_index[p] for p in patterns), abs=1e-4)
    majors = shares.filter(pl.col("measure") == "soc_major")["id"]
    assert majors.is_in(soc_groups()["soc_code"].to_list()).all()
