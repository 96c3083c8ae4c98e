import json
import random
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flows.evaluation.evaluate import evaluate_labels
from flows.evaluation.judged import Judged
from flows.evaluation.scores import METRICS
from flows.label_file import Label, Labels, read_labels
from flows.settings import SettingsError
from flows.tables import USE_CASES
from taxonomy.patterns import FIVE_PATTERNS

PATTERNS = (*FIVE_PATTERNS, "none")
GROUPS = ("11", "15", "27")
DWAS = {task: frozenset(str(task % 3)) for task in range(1, 8)}

task_lists = st.lists(st.integers(1, 9), max_size=25)


def answers(own_id):
    return st.fixed_dictionaries(
        {
            "conversation_id": st.just(own_id),
            "occupational": st.sampled_from([None, True, False]),
            "use_case": st.sampled_from([None, *USE_CASES]),
            "pattern": st.sampled_from([None, *PATTERNS]),
            "soc_major": st.sampled_from([None, "none", *GROUPS]),
            "tasks": task_lists.map(lambda ids: [{"task_id": task} for task in ids]),
        }
    )


def labels(own_id):
    return st.builds(
        Label,
        conversation_id=st.just(own_id),
        language=st.sampled_from([None, "en", "fi"]),
        occupational=st.sampled_from([None, True, False]),
        use_case=st.sampled_from([None, *USE_CASES]),
        pattern=st.sampled_from(PATTERNS),
        pattern_alt=st.sampled_from([None, *PATTERNS]),
        soc_major=st.sampled_from(["none", *GROUPS]),
        soc_majors=st.frozensets(st.sampled_from(GROUPS)),
        tasks=st.frozensets(st.integers(1, 9)),
    ).map(
        lambda label: label.model_copy(update={"soc_majors": label.soc_majors | {label.soc_major}})
    )


def evaluate(predictions, rows, accounts=None):
    return evaluate_labels(
        [Judged(row, account=(accounts or {}).get(row["conversation_id"])) for row in predictions],
        Labels(tuple(rows), 0),
        task_dwas=DWAS,
        seed=3,
        resamples=500,
        share_resamples=10,
    )


names = st.lists(st.sampled_from("abcdefghijkl"), unique=True, max_size=12)
answer_sets = names.flatmap(lambda ids: st.tuples(*map(answers, ids))).map(list)
label_sets = names.flatmap(lambda ids: st.tuples(*map(labels, ids))).map(list)
account_maps = st.none() | st.dictionaries(st.sampled_from("abcdefghijkl"), st.sampled_from("pqr"))


@given(answer_sets, label_sets, account_maps)
def test_every_share_lies_in_its_interval_and_the_counts_add_up(predictions, rows, accounts):
    evaluation = evaluate(predictions, rows, accounts)
    predicted = {row["conversation_id"] for row in predictions}
    labeled = {row.conversation_id for row in rows}
    assert evaluation.n == len(predicted & labeled)
    assert evaluation.unmatched_labels == len(labeled - predicted)
    assert evaluation.unlabeled_conversations == len(predicted - labeled)
    for scores in (evaluation, *evaluation.by_language.values()):
        for metric in scores.metrics.values():
            assert metric.n <= scores.n
            if metric.n:
                assert 0 <= metric.low <= metric.value <= metric.high <= 1
    metrics = evaluation.metrics
    for name in ("pattern", "soc_major"):
        exact, confusion = metrics[f"{name}_exact"], evaluation.confusion[name]
        counts = [count for row in confusion.values() for count in row.values()]
        assert sum(counts) == exact.n
        right = sum(row.get(labeled, 0) for labeled, row in confusion.items())
        assert not exact.n or exact.value == right / exact.n
    for smaller, larger in (
        ("pattern_exact", "pattern_acceptable"),
        ("pattern_acceptable", "pattern_coverage"),
        ("soc_major_exact", "soc_major_acceptable"),
        ("soc_major_acceptable", "soc_major_coverage"),
        ("task_acceptable_at_1", "task_acceptable_at_20"),
        ("task_acceptable_at_20", "task_coverage"),
        ("task_acceptable_at_1", "task_dwa_acceptable_at_1"),
        ("task_dwa_acceptable_at_1", "task_coverage"),
    ):
        if metrics[larger].n:
            assert metrics[smaller].value <= metrics[larger].value


@given(answer_sets, label_sets, account_maps, st.randoms(use_true_random=False))
def test_the_order_of_conversations_and_labels_changes_nothing(
    predictions, rows, accounts, shuffler: random.Random
):
    before = evaluate(predictions, rows, accounts)
    shuffler.shuffle(predictions)
    shuffler.shuffle(rows)
    assert evaluate(predictions, rows, accounts).to_dict() == before.to_dict()


@given(label_sets, st.booleans())
def test_what_agrees_with_every_label_is_perfect_and_silence_is_worth_nothing(rows, is_silent):
    predictions = [
        {
            "conversation_id": row.conversation_id,
            "occupational": None if is_silent else row.occupational,
            "use_case": None if is_silent else row.use_case,
            "pattern": None if is_silent else row.pattern,
            "soc_major": None if is_silent else row.soc_major,
            "tasks": [] if is_silent else [{"task_id": task} for task in sorted(row.tasks)],
        }
        for row in rows
    ]
    evaluation = evaluate(predictions, rows)
    perfect = 0.0 if is_silent else 1.0
    for metric in evaluation.metrics.values():
        assert not metric.n or (metric.value, metric.low, metric.high) == (perfect,) * 3
    assert set(evaluation.metrics) == set(METRICS)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["15", "none", "1;2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("task_id"), inner),
    max_leaves=4,
)
NAMES = ("id", "conversation_id", "mode", "soc_major", "soc_major_ok", "tasks", "occupational")
json_lines = st.lists(st.dictionaries(st.sampled_from(NAMES), json_values).map(json.dumps))


@given(st.text() | json_lines.map("\n".join))
def test_any_text_is_labels_or_a_wrong_argument(text):
    with tempfile.TemporaryDirectory() as directory, suppress(SettingsError):
        path = Path(directory) / "labels"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        assert read_labels(path).rows
