"""Unit-level results on one's own data: own ids, in order, spans in the original text."""

import json
from pathlib import Path

import pytest

from flows.own_data import Source, cluster_rows, label_rows, redact_rows
from flows.settings import load_settings

TEXTS = ["Mail me at lena.k@lampworks.io please", "Write a press release about our new van"]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "own.jsonl"
    rows = [
        {"id": f"mine-{number}", "messages": [{"role": "user", "content": text}]}
        for number, text in enumerate(TEXTS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Source([path], None, load_settings(), tmp_path / "work")


def test_redaction_gives_spans_of_the_original_text(source: Source) -> None:
    first, second = redact_rows(source)
    assert (first["conversation_id"], second["conversation_id"]) == ("mine-0", "mine-1")
    (message,) = first["messages"]
    (span,) = message["spans"]
    assert TEXTS[0][span["start"] : span["end"]] == "lena.k@lampworks.io"
    assert message["text"] == "Mail me at <EMAIL_ADDRESS> please"
    assert second["messages"] == [{"role": "user", "text": TEXTS[1], "spans": []}]


def test_a_source_without_conversations_gives_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text("not json\n")
    source = Source([path], "generic", load_settings(), tmp_path / "work")
    assert list(redact_rows(source)) == []
    assert list(cluster_rows(source)) == []


@pytest.mark.slow
def test_labels_and_clusters_carry_the_own_ids_in_order(source: Source) -> None:
    labels = list(label_rows(source, "starter"))
    assert [row["conversation_id"] for row in labels] == ["mine-0", "mine-1"]
    assert labels[1]["occupational"] is True
    assert len(labels[1]["tasks"]) == 20
    assert list(cluster_rows(source)) == [
        {"conversation_id": "mine-0", "cluster_id": None},
        {"conversation_id": "mine-1", "cluster_id": None},
    ]
