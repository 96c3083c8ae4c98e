"""What an evaluation of redaction writes down: figures, and none of the words it read."""

import json
import re

import pytest
from typer.testing import CliRunner

from flows import cli
from flows.settings import SettingsError

CANARY = "Zwetschgenkoenig"
ROWS = [
    {"text": f"Mail {CANARY}@lampworks.io or {CANARY}, flat 9", "language": "en",
     "spans": [{"start": 5, "end": 34, "entity_type": "EMAIL_ADDRESS"},
               {"start": 38, "end": 54, "entity_type": "LAMP_NAME"}]},
    {"messages": [{"role": "user", "content": "hello"},
                  {"role": "tool", "content": f"I am {CANARY.lower()} at lampworks"}],
     "pii": [{"text": f"{CANARY.lower()} at lampworks", "type": "EMAIL_ADDRESS"}],
     "language": "fi"},
    {"full_text": f"pay by 4111 1111 1111 1111, {CANARY}", "spans": [
        {"entity_type": "CREDIT_CARD", "entity_value": "4111 1111 1111 1111",
         "start_position": 7, "end_position": 26}]},
    {"text": CANARY, "spans": [{"start": 0, "end": 99, "entity_type": CANARY}], "x": CANARY},
    {"text": "the manual of lamps", "spans": [], "language": CANARY},
]  # fmt: skip


@pytest.fixture
def labeled(tmp_path):
    path = tmp_path / "labeled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def evaluate(*arguments):
    return CliRunner().invoke(cli.app, ["evaluate", *map(str, arguments)])


def test_no_word_of_the_input_is_in_what_is_written(labeled, tmp_path):
    out, misses = tmp_path / "new" / "quality", tmp_path / "private" / "misses.jsonl"
    told = [
        evaluate(labeled, "--redaction", "--out", out, "--misses", misses, "--json"),
        evaluate("--redaction", labeled),
    ]
    assert [result.exit_code for result in told] == [0, 0]
    assert sorted(path.name for path in out.iterdir()) == ["redaction.html", "redaction.json"]
    written = [path.read_text("utf-8") for path in (*out.iterdir(), misses)]
    for text in (*written, *(result.output for result in told)):
        assert "lampworks" not in text
        assert CANARY.lower() not in text.lower()
    assert misses.stat().st_mode & 0o777 == 0o600
    (miss,) = map(json.loads, misses.read_text().splitlines())
    assert miss == {
        "source": "labeled.jsonl", "row": 2, "message_index": 1, "start": 5, "end": 34,
        "entity_type": "EMAIL_ADDRESS", "is_partly_masked": False,
    }  # fmt: skip


def test_the_figures_are_those_of_a_run(labeled, tmp_path):
    result = evaluate(labeled, "--redaction", "--json", "--out", tmp_path)
    figures = json.loads(result.stdout)
    assert figures == json.loads((tmp_path / "redaction.json").read_text("utf-8"))
    assert figures["n"] == 4
    assert figures["malformed"] == {"label_out_of_place": 1}
    assert figures["not_looked_for"] == {"LAMP_NAME": 1}
    shares = {name: (m["value"], m["n"]) for name, m in figures["metrics"].items()}
    assert shares["recall_EMAIL_ADDRESS"] == (0.5, 2)
    assert shares["recall_EMAIL_ADDRESS_language_fi"] == (0.0, 1)
    assert shares["recall_CREDIT_CARD"] == shares["precision_CREDIT_CARD"] == (1.0, 1)
    assert shares["recall_structured"] == (pytest.approx(2 / 3), 3)
    assert shares["leak_rate"] == (0.25, 4)
    assert shares["rejected_rate"] == (0.0, 4)
    page = (tmp_path / "redaction.html").read_text("utf-8")
    for name in ("recall_structured", "leak_rate"):
        metric = figures["metrics"][name]
        assert f"{metric['value'] * 100:.1f}%" in page
        assert f"{metric['low'] * 100:.1f}–{metric['high'] * 100:.1f}%" in page
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|img|link|iframe|form)|url\((?!#)|@import|https?://", page)


def test_a_conversation_out_of_time_is_rejected_and_leaks_nothing(labeled, tmp_path):
    settings = tmp_path / "hasty.toml"
    settings.write_text("[redact]\ntimeout_seconds = 1e-9\n")
    result = evaluate(labeled, "--redaction", "--json", "--settings", settings)
    figures = json.loads(result.stdout)
    assert figures["rejected"] == {"redaction_timeout": 4}
    assert figures["metrics"]["rejected_rate"]["value"] == 1.0
    assert figures["metrics"]["leak_rate"] == {"value": None, "low": None, "high": None, "n": 0}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--redaction", "--labels", "labels.jsonl"],
        ["--redaction", "--format", "generic"],
        ["--misses", "misses.jsonl", "--labels", "labels.jsonl"],
        [],
        ["--redaction", "--misses", "/dev/null/x"],
        ["--redaction", "--out", "/dev/null/x"],
    ],
)
def test_arguments_that_do_not_belong_together_are_refused(arguments, labeled):
    assert isinstance(evaluate(labeled, *arguments).exception, SettingsError)
