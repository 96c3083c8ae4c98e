import os
import re
from collections import defaultdict
from math import ceil
from pathlib import Path

import polars as pl
import pytest

from onet.release import Release, load_release
from taxonomy.soc import group_code, soc_groups

RELEASE = Path("onet", "30.1")
LEAST_SIMILARITY = 0.8  # Jaccard of the words, from where on two statements are called the same
STARTER = Path(__file__).parents[2] / "data" / "starter"


@pytest.fixture(scope="module")
def starter() -> Release:
    return load_release("starter")


@pytest.fixture(scope="module")
def official() -> Release:
    given = os.environ.get("WORKTALLY_TEST_DATA")
    data = Path(given) if given else Path(__file__).parents[3] / "shared" / "data"
    if not (data / RELEASE).is_dir():
        pytest.skip(f"needs {RELEASE} in ../shared/data or WORKTALLY_TEST_DATA")
    return load_release(data / RELEASE)


def test_the_starter_names_itself_and_covers_every_civilian_major_group(starter: Release) -> None:
    assert (starter.name, starter.is_starter) == ("starter-1", True)
    groups = starter.tasks.select(code=group_code(pl.col("onet_soc_code"), "major"))
    majors = soc_groups().filter(soc_groups()["soc_level"] == "major")["soc_code"]
    assert set(groups["code"]) == set(majors)
    assert set(starter.tasks["onet_soc_code"]) == set(starter.occupations["onet_soc_code"])


def test_statements_are_unique_and_each_has_activities_of_known_title(starter: Release) -> None:
    statements = starter.tasks["statement"].str.to_lowercase()
    assert statements.is_duplicated().sum() == 0
    assert set(starter.task_dwas["task_id"]) == set(starter.tasks["task_id"])
    assert starter.task_dwas["dwa_title"].null_count() == 0
    lines = (STARTER / "IWA Reference.txt").read_text("utf-8").splitlines()[1:]
    iwas = {line.split("\t")[1] for line in lines}
    assert set(starter.task_dwas["dwa_id"].str.head(-4)) == iwas
    assert all(".S" in iwa for iwa in iwas)


def test_codes_and_titles_are_official(starter: Release, official: Release) -> None:
    titles = dict(official.occupations.iter_rows())
    assert {code: titles.get(code) for code, _ in starter.occupations.iter_rows()} == dict(
        starter.occupations.iter_rows()
    )


def test_no_statement_is_taken_from_the_official_release(
    starter: Release, official: Release
) -> None:
    ours, theirs = starter.tasks["statement"].to_list(), official.tasks["statement"].to_list()
    assert _near_copies(ours, theirs) == []
    assert _near_copies([theirs[0].lower().rstrip(".")], theirs) == [0]


def _near_copies(ours: list[str], theirs: list[str]) -> list[int]:
    """Positions of our texts that share four fifths of the words with one of theirs.

    Such a text has one of its rarest words, a fifth and one more, in common with the other.
    """
    words = [_words(text) for text in theirs]
    holders = defaultdict(list)
    for position, held in enumerate(words):
        for word in held:
            holders[word].append(position)
    copies = []
    for position, text in enumerate(ours):
        own = _words(text)
        count = len(own) - ceil(LEAST_SIMILARITY * len(own)) + 1
        rarest = sorted(own, key=lambda word: len(holders[word]))[:count]
        candidates = {holder for word in rarest for holder in holders[word]}
        if any(
            len(own & words[other]) >= LEAST_SIMILARITY * len(own | words[other])
            for other in candidates
        ):
            copies.append(position)
    return copies


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9']+", text.lower()))
