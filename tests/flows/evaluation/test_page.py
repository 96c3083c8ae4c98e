"""What an evaluation writes down: figures for people and programs, and nobody's words."""

import json
import random
import re
from html.parser import HTMLParser

import pytest

from flows.evaluation.evaluate import evaluate_labels
from flows.evaluation.judged import Judged
from flows.evaluation.page import write_evaluation
from flows.label_file import Label, Labels
from flows.settings import SettingsError

SECRET = "the-text-of-a-conversation"
PATTERNS = ("directive", "learning", "validation", "none")


@pytest.fixture(scope="module")
def evaluation():
    generator = random.Random(1)
    conversations, labels = [], []
    for number in range(80):
        own_id = f"{SECRET}-{number}"
        pattern, group = generator.choice(PATTERNS), generator.choice(["15", "27", "43"])
        is_right = generator.random() < 0.8
        row = {
            "conversation_id": own_id, "occupational": generator.random() < 0.8, "use_case": "work",
            "pattern": pattern if is_right else None, "soc_major": group, "sensitive": None,
            "tasks": [{"task_id": generator.randrange(9)}],
        }  # fmt: skip
        certainty = dict.fromkeys(("occupational", "use_case", "pattern", "soc_major"), 0.6)
        conversations.append(Judged(row, certainty, account=f"{SECRET}-{number % 9}"))
        labels.append(
            Label(
                conversation_id=own_id, language="en" if number % 2 else "fi", occupational=True,
                use_case="work", pattern=pattern, soc_major="15", soc_majors=frozenset({"15"}),
                tasks=frozenset({1, 2}), sensitive=False,
            )
        )  # fmt: skip
    return evaluate_labels(
        conversations, Labels(tuple(labels[:60]), 0), task_dwas={}, seed=1, resamples=50,
        share_resamples=20, judges={"classifiers": "0123456789abcdef" * 4},
    )  # fmt: skip


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_runs_nothing_loads_nothing_and_holds_no_words(evaluation, tmp_path):
    written = write_evaluation(evaluation, tmp_path / "new" / "place")
    page = written.html.read_text("utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert {"script", "iframe", "object", "embed", "img", "link", "form"}.isdisjoint(tags.seen)
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    links = [value for name, value in tags.attributes if name in ("href", "src", "xlink:href")]
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"url\((?!#)|@import", page)
    assert "default-src 'none'" in page
    assert tags.seen.count("svg") == 4 * 2 + 3 + 1  # certainty, shares, depth
    assert SECRET not in page
    assert SECRET not in written.json.read_text("utf-8")
    assert sorted(path.name for path in written.html.parent.iterdir()) == [
        "evaluation.html", "evaluation.json",
    ]  # fmt: skip


def test_the_file_says_everything_and_the_page_the_same_figures(evaluation, tmp_path):
    written = write_evaluation(evaluation, tmp_path)
    found = json.loads(written.json.read_text("utf-8"))
    assert found == json.loads(json.dumps(evaluation.to_dict()))
    page = written.html.read_text("utf-8")
    for metric in found["metrics"].values():
        if metric["n"]:
            assert f"{metric['value'] * 100:.1f}%" in page
            assert f"{metric['low'] * 100:.1f}–{metric['high'] * 100:.1f}%" in page
    assert write_evaluation(evaluation, tmp_path).html.read_text("utf-8") == page


def test_without_a_label_there_is_a_page_all_the_same(tmp_path):
    nothing = evaluate_labels([], Labels((), 0), task_dwas={}, seed=1)
    page = write_evaluation(nothing, tmp_path).html.read_text("utf-8")
    assert "<svg" not in page
    assert "not recorded" in page


def test_a_place_that_cannot_be_written_to_is_a_wrong_argument(evaluation, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot write"):
        write_evaluation(evaluation, tmp_path / "file" / "below")
