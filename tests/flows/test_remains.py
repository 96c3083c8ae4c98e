"""A run of thousands of canaries leaves none of them; with a protection off, each audit is red."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import steps
from flows.audit import audit
from flows.intake import ingest_sources
from flows.redact import Redacted
from flows.request import RunRequest
from flows.sample import write_sample
from flows.settings import load_settings
from flows.tables import RedactedMessages, Redactions, Rejects
from flows.traces import find_traces, read_canaries, spell
from tests.flows.test_run import environment_in, temporary_files, worktally

RELEASED, LEFT = "canaries in what is released", "canaries in what the run left"
QUARTER = "2026Q1"
QUICK = """
[embed]  # what is judged is of no matter here
max_opening_characters = 40
max_turn_characters = 20
max_follow_ups = 2
[publish]
keep_work = {keep_work}
"""


def write_canaries(out: Path, *, conversations: int) -> Path:
    """Conversations of which 60 % carry one of their own; returns the file that lists them."""
    write_sample(conversation_count=conversations, quarters=[QUARTER], seed=11, out=out,
                 canary_share=0.62)  # fmt: skip
    return out / "truth" / f"canaries-{QUARTER}.txt"


def figures(result: dict[str, Any]) -> dict[str, int]:
    return {check["name"]: check["figure"] for check in result["checks"]}


def audited(place: Path, canaries: Path) -> tuple[int, dict[str, int], str]:
    """Exit code, figures, and everything that was said."""
    finished = worktally("audit", "--canaries", str(canaries), "--json", cwd=place)
    return (
        finished.returncode,
        figures(json.loads(finished.stdout)),
        finished.stdout + finished.stderr,
    )


def run(place: Path, logs: Path, *, keep_work: bool) -> None:
    (place / "quick.toml").write_text(QUICK.format(keep_work=str(keep_work).lower()))
    finished = worktally(
        "run", str(logs), "--quarter", QUARTER, "--settings", "quick.toml", cwd=place
    )
    assert finished.returncode == 0, finished.stderr
    (place / f"said-{keep_work}").write_text(finished.stdout + finished.stderr)


@pytest.mark.slow
def test_of_thousands_of_canaries_none_is_released_and_none_outlives_the_purge(
    tmp_path: Path,
) -> None:
    place = tmp_path / "run"
    place.mkdir()
    canaries = write_canaries(tmp_path / "logs", conversations=3_000)
    wanted = read_canaries(canaries)
    planted = [text for text in wanted if not text.startswith(("conv-", "user-"))]
    assert len(planted) >= 1_800  # one in each of the conversations that carry one

    run(place, tmp_path / "logs", keep_work=True)
    code, found, said = audited(place, canaries)
    assert code == 5  # the purge is off: the audit sees it
    assert found[RELEASED] == 0
    assert found[f"{LEFT}: steps/ingest/*.parquet"] > 1_700  # some were in rows that were rejected
    assert found["work directory purged"] > 20
    assert found["files readable by others"] == 0
    assert not any(text in said for text in planted)

    run(place, tmp_path / "logs", keep_work=False)
    code, found, said = audited(place, canaries)
    assert (code, found[RELEASED], found[LEFT]) == (0, 0, 0)
    assert set(found.values()) == {0}
    everything = find_traces(spell(wanted), place, place.rglob("*"))  # also what the audit skips
    assert (everything.found, everything.unread) == ({}, 0)
    assert temporary_files(place) == []


# --- redaction off --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Logs, and the file of their canaries."""
    logs = tmp_path_factory.mktemp("few") / "logs"
    return logs, write_canaries(logs, conversations=150)


def hand_through(messages: Any, **named: Any) -> Redacted:
    """What redaction would be if it found nothing."""
    return Redacted(
        RedactedMessages.validate(messages.select(RedactedMessages.column_names())),
        Redactions.create_empty(),
        Rejects.create_empty(),
    )


@pytest.fixture
def redacted_canaries(few: tuple[Path, Path], tmp_path: Path) -> Callable[[], set[str]]:
    """Runs the stages up to what the encoder reads, and tells which canaries stand in it."""
    logs, canaries = few

    def find() -> set[str]:
        request = RunRequest(
            sources=(logs,),
            quarter=QUARTER,
            format_name=None,
            onet="starter",
            settings=load_settings(),
            work=tmp_path / "work",
            database=tmp_path / "lamps.duckdb",
            report_directory=tmp_path,
        )
        for part in ingest_sources(request):
            steps.redact_partition(request, part)
        wanted = read_canaries(canaries)
        result = figures(audit(None, tmp_path / "work", wanted))
        kept = tmp_path / "work" / "steps" / "redact"
        found = find_traces(spell(wanted), kept, kept.rglob("*")).canaries()
        assert result.get(f"{LEFT}: steps/redact/*.parquet", 0) == len(found)
        return {wanted[number] for number in found}

    return find


@pytest.mark.slow
def test_what_redaction_knows_is_not_in_what_the_encoder_reads(redacted_canaries) -> None:
    found = redacted_canaries()
    assert [text for text in found if "@" in text] == []
    assert [text for text in found if text.startswith(("sk-", "ghp_", "glpat-", "hf_"))] == []


@pytest.mark.slow
def test_with_redaction_off_the_audit_finds_canaries_in_what_the_encoder_reads(
    redacted_canaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "redact_messages", hand_through)
    found = redacted_canaries()
    assert len([text for text in found if "@" in text]) >= 10
    assert len([text for text in found if text.startswith(("sk-", "ghp_", "glpat-", "hf_"))]) >= 10
    assert len(found) >= 80


# --- confinement off ------------------------------------------------------------------------------

QUOTE = """
import contextlib, os, sys
import flows.confine
if os.environ["CONFINED"] == "no":
    flows.confine.confine = lambda stage: contextlib.nullcontext()
import flows.steps
def quote(settings):
    raise ValueError(f"cannot embed {sys.stdin.read()!r}")
flows.steps.load_encoder = quote
from flows.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("confined", ["yes", "no"])
def test_text_in_an_error_is_found_unless_it_is_confined(
    confined: str, few: tuple[Path, Path], tmp_path: Path
) -> None:
    logs, canaries = few
    text = next(text for text in read_canaries(canaries) if "@" in text)
    finished = subprocess.run(
        [sys.executable, "-c", QUOTE, "run", str(logs), "--quarter", QUARTER],
        cwd=tmp_path,
        env={**environment_in(tmp_path), "CONFINED": confined},
        input=text,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 4, finished.stderr
    assert text not in finished.stdout + finished.stderr  # our own exit quotes no error
    code, found, _ = audited(tmp_path, canaries)
    assert code == 5  # a run that failed keeps its work
    in_prefect = {name: figure for name, figure in found.items() if "prefect/" in name}
    assert in_prefect == ({} if confined == "yes" else {
        f"{LEFT}: prefect/*.db": 1,
        f"{LEFT}: prefect/storage/*": 1,
    } | {name: 1 for name in in_prefect if "db-" in name})  # fmt: skip
