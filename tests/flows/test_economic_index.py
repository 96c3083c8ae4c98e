import csv
from collections import defaultdict
from pathlib import Path

import pytest

from flows.economic_index import compute_index, read_index
from flows.settings import SettingsError
from taxonomy.patterns import AUTOMATION, FIVE_PATTERNS

RELEASES = ("2025-02-10", "2025-03-27")


@pytest.fixture(scope="module")
def folder(shared_data) -> Path:
    return shared_data / "economic_index"


@pytest.fixture(scope="module")
def computed(folder):
    return {release: compute_index(read_index(folder / release)) for release in RELEASES}


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def follow(figures, path):
    for name in path.split("."):
        figures = figures[name]
    return figures


PRINTED = [  # in percent, with half of the last digit as a fraction
    ("automation_share.five", 42.55, 5e-5),
    ("augmentation_share.five", 57.45, 5e-5),
    ("pattern_shares.directive", 27.750, 5e-6),
    ("pattern_shares.feedback_loop", 14.803, 5e-6),
    ("pattern_shares.task_iteration", 31.333, 5e-6),
    ("pattern_shares.learning", 23.267, 5e-6),
    ("pattern_shares.validation", 2.846, 5e-6),
    ("soc_major_shares.split.15", 37.2249, 5e-7),
    ("soc_major_shares.split.27", 10.2774, 5e-7),
    ("soc_major_shares.split.25", 9.3288, 5e-7),
    ("soc_major_shares.split.43", 7.8668, 5e-7),
    ("soc_major_shares.split.19", 6.3784, 5e-7),
    ("soc_major_shares.split.13", 5.9279, 5e-7),
    ("soc_major_task_equal_shares.15", 10.9, 5e-4),
]


@pytest.mark.parametrize(("path", "percent", "precision"), PRINTED)
def test_the_first_release_gives_the_printed_figure(path, percent, precision, computed):
    found = follow(computed["2025-02-10"], path)
    assert found == pytest.approx(percent / 100, abs=precision)


def test_the_first_release_gives_the_printed_depth(computed):
    figures = computed["2025-02-10"]
    assert figures["depth"] == {"0.75": 40, "0.5": 112, "0.25": 353, "0.1": 557}
    assert figures["occupation_count"] == 974
    assert figures["depth"]["0.25"] / figures["occupation_count"] == pytest.approx(0.362, abs=5e-4)
    assert not {"soc_major_automation_share", "occupation_pattern_shares"} & set(figures)


@pytest.mark.parametrize("release", RELEASES)
def test_shares_are_of_a_whole(release, computed):
    figures = computed[release]
    wholes = [
        figures["pattern_shares"],
        figures["soc_major_shares"]["split"],
        figures["soc_major_shares"]["full"],
        figures["soc_major_task_equal_shares"],
        *figures.get("occupation_pattern_shares", {}).values(),
    ]
    assert all(sum(whole.values()) == pytest.approx(1.0) for whole in wholes)
    assert all(0.0 <= share <= 1.0 for whole in wholes for share in whole.values())
    assert set(figures["pattern_shares"]) == set(FIVE_PATTERNS)
    assert figures["automation_share"]["five"] + figures["augmentation_share"]["five"] == (
        pytest.approx(1.0)
    )
    for mode in ("automation_share", "augmentation_share"):
        assert figures[mode]["five"] >= figures[mode]["six"] >= figures[mode]["all"] - 1e-9


# --- the same figures in plain Python, from the files -----------------------------------------


@pytest.fixture(scope="module")
def holders(folder):
    """For each statement the titles that hold it, and the code of each title."""
    found = defaultdict(dict)
    for row in rows_of(folder / "2025-02-10" / "onet_task_statements.csv"):
        found[row["Task"].strip().lower()][row["Title"]] = row["O*NET-SOC Code"]
    return found


@pytest.fixture(scope="module")
def percentages(folder):
    names = {"2025-02-10": "onet_task_mappings.csv", "2025-03-27": "task_pct_v2.csv"}
    return {
        release: {row["task_name"]: float(row["pct"]) for row in rows_of(folder / release / name)}
        for release, name in names.items()
    }


@pytest.fixture(scope="module")
def fractions(folder):
    by_task = rows_of(folder / "2025-03-27" / "automation_vs_augmentation_by_task.csv")
    return {
        row.pop("task_name"): {pattern: float(value) for pattern, value in row.items()}
        for row in by_task
    }


def normalized(sums):
    whole = sum(sums.values())
    return {key: value / whole for key, value in sums.items()}


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(expected[key], abs=1e-9) for key in expected)


@pytest.mark.parametrize("release", RELEASES)
def test_major_groups_equal_those_counted_in_plain_python(release, computed, holders, percentages):
    sums = {name: defaultdict(float) for name in ("split", "full", "equal")}
    for task, percent in percentages[release].items():
        titles = holders.get(task, {})
        for code in titles.values():
            sums["split"][code[:2]] += percent / len(titles)
            sums["equal"][code[:2]] += 1 / len(titles)
        for major in {code[:2] for code in titles.values()}:
            sums["full"][major] += percent
    figures = computed[release]
    assert_close(figures["soc_major_shares"]["split"], normalized(sums["split"]))
    assert_close(figures["soc_major_shares"]["full"], normalized(sums["full"]))
    assert_close(figures["soc_major_task_equal_shares"], normalized(sums["equal"]))


@pytest.mark.parametrize("release", RELEASES)
def test_depth_equals_that_counted_in_plain_python(release, computed, holders, percentages):
    held = defaultdict(list)
    for task, titles in holders.items():
        for title in titles:
            held[title].append(percentages[release].get(task, 0) > 0)
    depths = [sum(used) / len(used) for used in held.values()]
    figures = computed[release]
    assert figures["mean_depth"] == pytest.approx(sum(depths) / len(depths))
    assert figures["depth"] == {
        least: sum(depth >= float(least) for depth in depths)
        for least in ("0.1", "0.25", "0.5", "0.75")
    }


def test_automation_of_groups_leaves_the_withheld_out_of_the_denominator(
    computed, holders, percentages, fractions
):
    automation, five = defaultdict(float), defaultdict(float)
    for task, parts in fractions.items():
        titles = holders.get(task, {})
        for code in titles.values():
            part = percentages["2025-03-27"][task] / len(titles)
            automation[code[:2]] += part * sum(parts[pattern] for pattern in AUTOMATION)
            five[code[:2]] += part * sum(parts[pattern] for pattern in FIVE_PATTERNS)
    expected = {major: automation[major] / five[major] for major in five if five[major] > 0}
    assert_close(computed["2025-03-27"]["soc_major_automation_share"], expected)


def test_patterns_of_occupations_keep_the_withheld_in_the_denominator(
    computed, holders, percentages, fractions
):
    sums = defaultdict(lambda: defaultdict(float))
    for task, parts in fractions.items():
        titles = holders.get(task, {})
        for title in titles:
            for pattern, fraction in parts.items():
                name = "not_classified" if pattern == "filtered" else pattern
                sums[title][name] += percentages["2025-03-27"][task] * fraction / len(titles)
    expected = {title: normalized(whole) for title, whole in sums.items()}
    found = computed["2025-03-27"]["occupation_pattern_shares"]
    assert found.keys() == expected.keys()
    for title, shares in expected.items():
        assert_close(found[title], shares)


# --- an invented release ----------------------------------------------------------------------

INVENTED = {
    "onet_task_mappings.csv": "task_name,pct\ncount lamps.,60\ndescribe fog.,30\nnone,10\n",
    "automation_vs_augmentation.csv": (
        "interaction_type,pct\ndirective,30\nfeedback loop,10\nlearning,20\nnone,40\n"
    ),
    "automation_vs_augmentation_by_task.csv": (
        "task_name,feedback_loop,directive,task_iteration,validation,learning,filtered\n"
        "count lamps.,0.0,0.5,0.0,0.0,0.25,0.25\n"
    ),
    "onet_task_statements.csv": (
        "O*NET-SOC Code,Title,Task ID,Task,Task Type\n"
        "15-1252.00,Lamp Coders,1,Count lamps.,Core\n"
        "43-9061.00,Lamp Clerks,2, COUNT lamps.,Core\n"
        "43-9061.00,Lamp Clerks,3,Describe fog.,Core\n"
        "43-9061.00,Lamp Clerks,4,Dust fog.,Core\n"
    ),
}


@pytest.fixture
def invent(tmp_path):
    def write(**changes):
        (tmp_path / "invented").mkdir()
        for name, text in (INVENTED | changes).items():
            if text is not None:
                (tmp_path / "invented" / name).write_text(text)
        return tmp_path / "invented"

    return write


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("automation_share", {"five": 40 / 60, "six": 0.4, "all": 0.4}),
        ("augmentation_share", {"five": 20 / 60, "six": 0.2, "all": 0.2}),
        ("soc_major_shares.split", {"15": 30 / 90, "43": 60 / 90}),
        ("soc_major_shares.full", {"15": 60 / 150, "43": 90 / 150}),
        ("soc_major_task_equal_shares", {"15": 0.25, "43": 0.75}),
        ("depth", {"0.1": 2, "0.25": 2, "0.5": 2, "0.75": 1}),
        ("soc_major_automation_share", {"15": 2 / 3, "43": 2 / 3}),
        # the task without patterns counts as withheld
        ("occupation_pattern_shares.Lamp Clerks",
         {"directive": 0.25, "learning": 0.125, "not_classified": 0.625}),
    ],
)  # fmt: skip
def test_an_invented_release_gives_figures_computed_by_hand(path, expected, invent):
    found = follow(compute_index(read_index(invent())), path)
    assert {key: share for key, share in found.items() if share > 0} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"onet_task_mappings.csv": None}, "no .*onet_task_mappings.csv found"),
        ({"automation_vs_augmentation.csv": None}, "no .*automation_vs_augmentation.csv found"),
        ({"onet_task_statements.csv": None}, "no onet_task_statements.csv found"),
        ({"onet_task_mappings.csv": "task,pct\na,1\n"}, "lacks the columns task_name"),
        ({"automation_vs_augmentation.csv": "a,b\n1,2\n"}, "lacks the columns interaction_type"),
        ({"automation_vs_augmentation_by_task.csv": "task_name,directive\na,1\n"},
         "automation_vs_augmentation_by_task.csv lacks the columns"),
    ],
)  # fmt: skip
def test_a_release_with_a_table_missing_is_refused(changes, message, invent):
    with pytest.raises(SettingsError, match=message):
        read_index(invent(**changes))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="not a directory"):
        read_index(tmp_path / "missing")
