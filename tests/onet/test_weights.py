from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onet.release import Release, load_release, load_task_statements
from onet.weights import statements, task_occupations

CODES = [f"15-99{number}.00" for number in range(10, 16)]
TITLES = dict(zip(CODES, ["A", "B", "C", "D", "E", "E"], strict=True))  # two codes, one title


def release_of(rows: list[tuple[int, str, str]]) -> Release:
    return Release(
        name="99.1",
        notice="",
        is_starter=False,
        content_hash="",
        occupations=pl.DataFrame(
            list(TITLES.items()), ["onet_soc_code", "occupation_title"], orient="row"
        ),
        tasks=pl.DataFrame(rows, ["task_id", "onet_soc_code", "statement"], orient="row"),
        task_dwas=pl.DataFrame(),
    )


def test_equal_statements_are_one_task_that_its_occupations_share():
    release = release_of(
        [
            (9, CODES[0], "Count lamps."),
            (4, CODES[1], " count LAMPS. "),
            (7, CODES[1], "Count lamps."),  # twice in one occupation
            (5, CODES[2], "Count lamps"),
            (2, CODES[4], "Measure fog."),
            (3, CODES[5], "Measure fog."),  # another code of the same title
        ]
    )
    assert task_occupations(release).rows() == [
        (2, CODES[4], 0.5),
        (2, CODES[5], 0.5),
        (4, CODES[0], 0.5),
        (4, CODES[1], 0.5),
        (5, CODES[2], 1.0),
    ]
    assert statements(release).rows() == [
        (2, "Measure fog.", 1),
        (4, " count LAMPS. ", 2),
        (5, "Count lamps", 1),
    ]


task_rows = st.lists(
    st.tuples(
        st.integers(1, 10_000),
        st.sampled_from(CODES),
        st.sampled_from(["Do x", "do X ", "Do y", "Été", "ÉTÉ", "Do z"]),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda row: row[0],
)


@given(task_rows)
def test_weights_agree_with_a_plain_count_and_sum_to_one(rows):
    rows_of = defaultdict(list)
    for row in rows:
        rows_of[row[2].strip().lower()].append(row)
    expected = {}
    for group in rows_of.values():
        codes = {code for _, code, _ in group}
        titles = [TITLES[code] for code in codes]
        for code in codes:
            part = Fraction(1, len(set(titles))) / titles.count(TITLES[code])
            expected[min(group)[0], code] = part
    weights = task_occupations(release_of(rows))
    assert {(task, code): weight for task, code, weight in weights.rows()} == pytest.approx(
        {key: float(part) for key, part in expected.items()}
    )
    sums = weights.group_by("task_id").agg(pl.col("weight").sum())["weight"]
    assert (sums - 1.0).abs().max() < 1e-12
    assert statements(release_of(rows))["task_id"].to_list() == sorted({t for t, _ in expected})


@pytest.mark.parametrize(
    ("path", "statement_count", "shared_count", "most"),
    [
        ("onet/30.1", 17536, 398, 34),
        ("onet/29.0", 17535, 399, 34),
        ("onet/18.1", 18350, 271, 34),
        ("economic_index/2025-02-10/onet_task_statements.csv", 18428, 272, 34),
    ],
)
def test_official_tasks_are_shared_as_often_as_known(
    path, statement_count, shared_count, most, shared_data: Path
):
    source = shared_data / path
    release = load_task_statements(source) if source.is_file() else load_release(source)
    tasks, weights = statements(release), task_occupations(release)
    assert tasks.height == statement_count
    assert (tasks["occupation_count"] > 1).sum() == shared_count
    assert tasks["occupation_count"].max() == most
    sums = weights.group_by("task_id").agg(pl.col("weight").sum())
    assert sums["task_id"].sort().equals(tasks["task_id"])
    assert (sums["weight"] - 1.0).abs().max() < 1e-12


def test_weights_reproduce_the_published_shares_of_major_groups(shared_data: Path):
    """Handa et al. (2025): 37.2249 % of usage in Computer and Mathematical occupations."""
    folder = shared_data / "economic_index" / "2025-02-10"
    release = load_task_statements(folder / "onet_task_statements.csv")
    usage = pl.read_csv(folder / "onet_task_mappings.csv")
    key = pl.col("statement").str.strip_chars().str.to_lowercase()
    shares = (
        usage.join(statements(release).with_columns(task_name=key), on="task_name")
        .join(task_occupations(release), on="task_id")
        .group_by(major=pl.col("onet_soc_code").str.head(2))
        .agg(usage=(pl.col("pct") * pl.col("weight")).sum())
        .with_columns(share=100 * pl.col("usage") / pl.col("usage").sum())
    )
    published = {
        "15": 37.2249,
        "27": 10.2774,
        "25": 9.3288,
        "43": 7.8668,
        "19": 6.3784,
        "13": 5.9279,
    }
    found = dict(shares.select("major", "share").rows())
    assert {major: round(found[major], 4) for major in published} == published
