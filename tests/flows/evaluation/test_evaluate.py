import json
import math
import os
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from flows.evaluation.evaluate import evaluate_labels, render_table
from flows.evaluation.judged import Judged
from flows.evaluation.scores import METRICS, Metric
from flows.label_file import Label, Labels, read_labels
from flows.settings import SettingsError

DWAS = {1: frozenset("x"), 2: frozenset("xy"), 3: frozenset("z")}  # task 4 has none


def labels_of(*rows) -> Labels:
    return Labels(tuple(Label.model_validate(row) for row in rows), 0)


def predict(conversation_id="a", tasks=(), **judgements):
    return {
        "conversation_id": conversation_id,
        "language": None,
        "occupational": None,
        "use_case": None,
        "pattern": None,
        "soc_major": None,
        "tasks": [{"task_id": task, "onet_soc_code": "", "score": 0.5} for task in tasks],
    } | judgements


def evaluate(predictions, labels, accounts=None, **options):
    judged = [
        Judged(row, account=(accounts or {}).get(row["conversation_id"])) for row in predictions
    ]
    return evaluate_labels(
        judged, labels, **({"task_dwas": DWAS, "seed": 1, "share_resamples": 10} | options)
    )


@pytest.mark.parametrize(
    ("label", "prediction", "expected"),
    [
        ({"occupational": True}, {"occupational": True}, {"occupational_accuracy": 1}),
        ({"occupational": False}, {"occupational": False}, {"occupational_accuracy": 1}),
        ({"occupational": False}, {"occupational": True}, {"occupational_accuracy": 0}),
        ({"occupational": False}, {}, {"occupational_accuracy": 0, "occupational_coverage": 0}),
        ({"use_case": "work"}, {"use_case": "work"}, {"use_case_accuracy": 1}),
        ({"use_case": "work"}, {}, {"use_case_accuracy": 0, "use_case_coverage": 0}),
        (
            {"pattern": "learning", "pattern_alt": "directive"},
            {"pattern": "directive"},
            {"pattern_acceptable": 1, "pattern_exact": 0, "pattern_coverage": 1},
        ),
        (
            {"pattern": "none"},
            {"pattern": "none"},
            {"pattern_acceptable": 1, "pattern_exact": 1, "pattern_coverage": 1},
        ),
        (
            {"pattern": "learning"},
            {},
            {"pattern_acceptable": 0, "pattern_exact": 0, "pattern_coverage": 0},
        ),
        (
            {"occupational": True, "soc_major": "15", "soc_majors": ["15", "27"]},
            {"occupational": True, "soc_major": "27"},
            {
                "occupational_accuracy": 1,
                "soc_major_acceptable": 1,
                "soc_major_exact": 0,
                "soc_major_coverage": 1,
            },
        ),
        (
            {"soc_major": "15", "soc_majors": ["15"]},
            {"soc_major": "none"},
            {"soc_major_acceptable": 0, "soc_major_exact": 0, "soc_major_coverage": 1},
        ),
        (
            {"soc_major": "15", "soc_majors": ["15"]},
            {},
            {"soc_major_acceptable": 0, "soc_major_exact": 0, "soc_major_coverage": 0},
        ),
        # groups and tasks of what is labeled as no occupation's are not judged
        (
            {"occupational": False, "soc_major": "15", "soc_majors": ["15"], "tasks": [1]},
            {"occupational": False, "soc_major": "none"},
            {"occupational_accuracy": 1},
        ),
        ({"soc_major": "none", "soc_majors": ["none"], "tasks": [1]}, {}, {}),
        (
            {"tasks": [1, 9]},
            {"tasks": [1]},
            {
                "task_acceptable_at_1": 1,
                "task_acceptable_at_5": 1,
                "task_acceptable_at_10": 1,
                "task_acceptable_at_20": 1,
                "task_dwa_acceptable_at_1": 1,
                "task_coverage": 1,
            },
        ),
        (
            {"tasks": [1, 9]},
            {"tasks": [2, 3, 1]},  # 2 shares a DWA with 1
            {
                "task_acceptable_at_1": 0,
                "task_acceptable_at_5": 1,
                "task_acceptable_at_10": 1,
                "task_acceptable_at_20": 1,
                "task_dwa_acceptable_at_1": 1,
                "task_coverage": 1,
            },
        ),
        (
            {"tasks": [4]},
            {"tasks": [4]},  # acceptable, though it has no DWA
            {
                "task_acceptable_at_1": 1,
                "task_acceptable_at_5": 1,
                "task_acceptable_at_10": 1,
                "task_acceptable_at_20": 1,
                "task_dwa_acceptable_at_1": 1,
                "task_coverage": 1,
            },
        ),
        (
            {"tasks": [1]},
            {"tasks": [3, *range(100, 119), 1]},  # the 21st
            {
                "task_acceptable_at_1": 0,
                "task_acceptable_at_5": 0,
                "task_acceptable_at_10": 0,
                "task_acceptable_at_20": 0,
                "task_dwa_acceptable_at_1": 0,
                "task_coverage": 1,
            },
        ),
        (
            {"occupational": True, "tasks": [1]},
            {"occupational": False, "soc_major": "none"},
            {
                "occupational_accuracy": 0,
                "task_acceptable_at_1": 0,
                "task_acceptable_at_5": 0,
                "task_acceptable_at_10": 0,
                "task_acceptable_at_20": 0,
                "task_dwa_acceptable_at_1": 0,
                "task_coverage": 0,
            },
        ),
    ],
)
def test_a_conversation_is_judged_by_what_is_labeled_of_it(label, prediction, expected):
    evaluation = evaluate([predict(**prediction)], labels_of({"conversation_id": "a"} | label))
    found = {name: metric.value for name, metric in evaluation.metrics.items() if metric.n}
    answered = {name.replace("accuracy", "coverage"): 1 for name in expected if "accuracy" in name}
    assert found == answered | expected
    assert tuple(evaluation.metrics) == METRICS
    unlabeled = {metric for metric in evaluation.metrics.values() if not metric.n}
    assert unlabeled == {Metric(None, None, None, 0)}


def test_without_dwas_their_metric_is_null_and_not_that_of_equal_tasks():
    labels = labels_of({"conversation_id": "a", "tasks": [1]})
    metrics = evaluate([predict(tasks=[1])], labels, task_dwas={}).metrics
    assert metrics["task_dwa_acceptable_at_1"] == Metric(None, None, None, 0)
    assert metrics["task_acceptable_at_1"] == Metric(1.0, 1.0, 1.0, 1)


HAND_MADE = labels_of(
    {"conversation_id": "a", "language": "en", "pattern": "learning", "soc_major": "15",
     "soc_majors": ["15"]},
    {"conversation_id": "b", "language": "fi", "pattern": "learning", "soc_major": "15",
     "soc_majors": ["15"], "occupational": False},
    {"conversation_id": "c", "language": "en", "pattern": "directive"},
    {"conversation_id": "e", "pattern": "directive"},
    {"conversation_id": "lost", "pattern": "directive"},
)  # fmt: skip
HAND_MADE_PREDICTIONS = [
    predict("e", pattern="directive"),
    predict("d", pattern="directive"),
    predict("a", pattern="learning"),
    predict("b", pattern="validation", soc_major="15"),
    predict("c"),
]


def test_a_hand_made_table_gives_its_known_result():
    evaluation = evaluate(HAND_MADE_PREDICTIONS, HAND_MADE)
    as_json = json.loads(json.dumps(evaluation.to_dict()))
    assert as_json["n"] == 4
    assert evaluation.metrics["pattern_exact"].value == 0.5
    assert evaluation.metrics["pattern_coverage"].value == 0.75
    assert as_json["confusion"] == {
        "occupational": {"false": {"not_classified": 1}},
        "use_case": {},
        "pattern": {
            "directive": {"directive": 1, "not_classified": 1},
            "learning": {"learning": 1, "validation": 1},
        },
        "soc_major": {"15": {"not_classified": 1}},  # b is labeled as no occupation's
    }
    languages = {
        language: (scores["n"], scores["metrics"]["pattern_exact"]["value"])
        for language, scores in as_json["by_language"].items()
    }
    assert languages == {"en": (2, 0.5), "fi": (1, 0.0)}
    assert evaluation.unmatched_labels == 1
    assert evaluation.unlabeled_conversations == 1
    assert evaluation.malformed_labels == 0


@pytest.mark.parametrize(
    ("label", "prediction", "expected"),
    [
        ({"sensitive": True}, {"sensitive": True}, {"sensitive_recall": 1}),
        ({"sensitive": True}, {"sensitive": None}, {"sensitive_recall": 0}),
        ({"sensitive": False}, {"sensitive": True}, {"sensitive_false_alarms": 1}),
        ({"sensitive": False}, {"sensitive": None}, {"sensitive_false_alarms": 0}),
        ({"sensitive": False}, {"sensitive": False}, {"sensitive_false_alarms": 0}),
        ({"sensitive_subject": "health"}, {"sensitive": False}, {"sensitive_recall": 0}),
        ({"sensitive_subject": "none"}, {"sensitive": True}, {"sensitive_false_alarms": 1}),
        ({"sensitive": True, "sensitive_subject": "none"}, {}, {"sensitive_recall": 0}),
    ],
)
def test_sensitive_conversations_are_missed_or_flagged_for_nothing(label, prediction, expected):
    labels = labels_of({"conversation_id": "a"} | label)
    metrics = evaluate([predict(**prediction)], labels).metrics
    assert {name: metric.value for name, metric in metrics.items() if metric.n} == expected


@pytest.mark.parametrize("depth", [1, 5, 10, 20])
def test_a_task_is_acceptable_within_the_depth_and_not_beyond_it(depth):
    labels = labels_of({"conversation_id": "a", "tasks": [1]})
    for place, expected in ((depth, 1.0), (depth + 1, 0.0)):
        tasks = [*range(100, 99 + place), 1]
        found = evaluate([predict(tasks=tasks)], labels).task_acceptable
        assert found[str(depth)].value == expected


def test_labels_of_no_conversation_leave_every_metric_null():
    evaluation = evaluate([predict("z")], HAND_MADE)
    assert (evaluation.n, evaluation.unmatched_labels, evaluation.by_language) == (0, 5, {})
    assert set(evaluation.metrics.values()) == {Metric(None, None, None, 0)}


def test_the_table_shows_every_metric_with_its_interval_or_a_dash():
    stream = StringIO()
    Console(file=stream, width=120).print(render_table(evaluate(HAND_MADE_PREDICTIONS, HAND_MADE)))
    cells = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in stream.getvalue().splitlines()
    ]
    assert ["pattern_exact", "0.500", "0.000", "1.000", "4"] in cells
    assert ["use_case_accuracy", "–", "–", "–", "0"] in cells
    assert "1 labels without a conversation" in " ".join(stream.getvalue().split())


def sample(holds, accounts=None):
    """Labels and predictions of which every `holds[i]` decides whether the pattern is right."""
    ids = [f"{number:04}" for number in range(len(holds))]
    labels = labels_of(*({"conversation_id": own_id, "pattern": "none"} for own_id in ids))
    rows = [predict(o, pattern="none" if h else None) for o, h in zip(ids, holds, strict=True)]
    known = dict(zip(ids, accounts, strict=True)) if accounts is not None else None
    return evaluate(rows, labels, seed=7, accounts=known).metrics["pattern_exact"]


def test_intervals_agree_with_a_loop_over_the_same_draws():
    holds = [number % 3 == 0 for number in range(17)]
    accounts = [f"{number % 5}" for number in range(17)]
    for unit_of, known in ((range(17), None), (range(5), accounts)):
        units = [
            [hold for number, hold in enumerate(holds) if number % len(unit_of) == unit]
            for unit in unit_of
        ]
        generator = np.random.default_rng(7)
        shares = []
        for _ in range(2_000):
            drawn = [units[index] for index in generator.integers(len(units), size=len(units))]
            verdicts = [hold for unit in drawn for hold in unit]
            shares.append(sum(verdicts) / len(verdicts))
        shares.sort()
        metric = sample(holds, known)
        assert metric.value == sum(holds) / 17
        for figure, level in ((metric.low, 0.025), (metric.high, 0.975)):
            assert shares[math.floor(1_999 * level)] <= figure <= shares[math.ceil(1_999 * level)]


@pytest.mark.parametrize(("n", "share"), [(400, 0.5), (400, 0.8), (1_000, 0.1)])
def test_intervals_agree_with_the_normal_approximation(n, share):
    metric = sample([number < n * share for number in range(n)])
    half_width = 1.96 * math.sqrt(share * (1 - share) / n)
    assert metric.value == share
    assert metric.low == pytest.approx(share - half_width, abs=0.12 * half_width)
    assert metric.high == pytest.approx(share + half_width, abs=0.12 * half_width)


def test_conversations_of_one_account_that_agree_count_as_one():
    holds = [number // 10 % 2 == 0 for number in range(400)]
    accounts = [str(number // 10) for number in range(400)]
    by_account, by_conversation = sample(holds, accounts), sample(holds)
    half_width = 1.96 * math.sqrt(0.25 / 40)
    assert by_account.high - by_account.low == pytest.approx(2 * half_width, rel=0.12)
    assert by_conversation.high - by_conversation.low < half_width  # the account makes it wider


def test_many_accounts_are_drawn_in_blocks(monkeypatch):
    holds = [number % 2 == 0 for number in range(30)]
    whole = sample(holds)
    monkeypatch.setattr("flows.evaluation.scores._BLOCK", 100)
    assert sample(holds) == whole


FULL = Label(
    conversation_id="1",
    language="en",
    occupational=True,
    use_case="work",
    pattern="learning",
    pattern_alt="none",
    soc_major="15",
    soc_majors=frozenset({"15", "27"}),
    tasks=frozenset({4, 5}),
    sensitive=True,
    sensitive_subject="health",
)
GUIDE_ROW = {
    "id": "1", "language": "en", "occupational": True, "use_case": "work", "mode": "learning",
    "mode_alt": "none", "soc_major": "15", "soc_major_ok": ["15", "27"], "task_best": 4,
    "tasks_ok": [4, 5], "sensitive": True, "sensitive_subject": "health", "topic": "ignored",
}  # fmt: skip
HEADER = (
    "conversation_id,language,occupational,use_case,pattern,pattern_alt,soc_major,soc_major_ok,"
    "sensitive,sensitive_subject"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps(GUIDE_ROW), FULL),
        ("\ufeff\n" + json.dumps(GUIDE_ROW) + "\r\n\r\n", FULL),
        (f"{HEADER},tasks\n1,en,true,work,learning,none,15,15;27,true,health,4;5\n", FULL),
        (
            f"{HEADER},tasks\n1,EN,Yes,Work, Learning,none,15-1252.00,15-0000 | 27,1,Health,4|5",
            FULL,
        ),
        (
            '{"id": 1, "task_id": 7, "soc_major": 15, "mode": "learning", "messages": []}',
            Label(
                conversation_id="1",
                pattern="learning",
                soc_major="15",
                soc_majors=frozenset({"15"}),
                tasks=frozenset({7}),
            ),
        ),
        (
            '{"conversation_id": "1", "pattern": null, "soc_major": "none", "tasks":'
            ' [{"task_id": 9, "onet_soc_code": "15-9991.00", "score": 0.4}]}',
            Label(
                conversation_id="1",
                soc_major="none",
                soc_majors=frozenset({"none"}),
                tasks=frozenset({9}),
            ),
        ),
        ("id,use_case,tasks\n1,work\n", Label(conversation_id="1", use_case="work")),
        (
            '{"id": "1", "use_case": "work", "topic": "a\u2028b"}',
            Label(conversation_id="1", use_case="work"),
        ),
    ],
    ids=[
        "guide",
        "blank lines",
        "csv",
        "csv, loosely",
        "written",
        "as labeled",
        "short row",
        "line separator in a text",
    ],
)
def test_labels_are_read_by_any_usual_name(text, expected, tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(text.encode())
    assert read_labels(path) == Labels((expected,), 0)


MALFORMED = [
    "{",
    "[1]",
    '{"mode": "learning"}',
    '{"id": "x"}',
    '{"id": "x", "mode": "secret"}',
    '{"id": "x", "use_case": "secret"}',
    '{"id": "x", "occupational": "secret"}',
    '{"id": "x", "soc_major": "153"}',
    '{"id": "x", "tasks": ["secret"]}',
    '{"id": "x", "sensitive": "secret"}',
    '{"id": "x", "sensitive_subject": "secret"}',
    '{"id": "x", "tasks": [{"secret": 1}]}',
    '{"id": "x", "soc_major_ok": [["15"]]}',
    '{"id": ["x"], "mode": "learning"}',
    '{"id": "good", "mode": "directive"}',  # a second label of the same conversation
    "[" * 100_000,
]


def test_malformed_rows_are_counted_and_the_others_are_used(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(['{"id": "good", "mode": "learning"}', *MALFORMED]))
    labels = read_labels(path)
    assert labels == Labels((Label(conversation_id="good", pattern="learning"),), len(MALFORMED))
    assert evaluate([predict("good")], labels).malformed_labels == len(MALFORMED)
    path.write_text("id,mode\ngood,learning\nx,learning,more\n,learning\nx,\n")
    assert read_labels(path).malformed_count == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read"),
        (b"", "none of the 0 rows"),
        (b'{"id": "x", "mode": "secret"}', "none of the 1 rows"),
        (b"secret,mode\nx,learning\n", "none of the 1 rows"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_file_without_a_usable_label_is_a_wrong_argument(content, message, tmp_path):
    path = tmp_path / "labels"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as caught:
        read_labels(path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "count", "language_count"),
    [("wildchat_dev_labels.jsonl", 120, 0), ("synthetic_dev.jsonl", 230, 12)],
)
def test_every_label_of_the_development_set_is_used(name, count, language_count):
    default = Path(__file__).resolve().parents[4] / "shared" / "data"
    path = Path(os.environ.get("WORKTALLY_TEST_DATA", default)) / "labels" / name
    if not path.is_file():
        pytest.skip("neither ../shared/data nor WORKTALLY_TEST_DATA exists")
    labels = read_labels(path)
    assert (len(labels.rows), labels.malformed_count) == (count, 0)
    assert len({label.language for label in labels.rows} - {None}) == language_count
    assert all(label.pattern and label.soc_major in label.soc_majors for label in labels.rows)
