"""Decides what a sample is: a log a quarter, and the truth about every line in a folder beside.

The logs lie in the directory itself, where ingestion looks for them; the truth lies in `truth/`,
where it does not. The same arguments give the same bytes.
"""

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from flows.ingest.quarters import Quarter
from flows.sample.bank import load_bank
from flows.sample.rows import FAULTS_WITHOUT_ID, FAULTS_WITHOUT_TEXT, encode_line
from flows.sample.stream import REJECT_RULES, Conversation, stream_conversations
from flows.settings import SettingsError
from flows.store import private_files

LEAST_CONVERSATIONS = 100
MOST_CONVERSATIONS = 1_000_000
YEARS = range(2016, 2100)  # ingestion takes no times much before or after
TRUTH_DIRECTORY = "truth"
_COMPRESSION = 4  # 6 makes files smaller by a twentieth and takes twice the time


@dataclass(frozen=True)
class QuarterSample:
    """The sample of one quarter.

    Attributes:
        quarter: Such as 2026Q1.
        log: Path of the log.
        truth: Path of the truth, line by line.
        row_count: Lines of the log.
        fault_counts: Planted faults: rules of ingestion that reject a row, and near_duplicate,
            exact_duplicate and quarter_edge, which it accepts.
        accepted_count: Rows that ingestion has to accept.
    """

    quarter: str
    log: Path
    truth: Path
    row_count: int
    fault_counts: dict[str, int]
    accepted_count: int


@dataclass(frozen=True)
class SampleSummary:
    """What was written, a quarter at a time."""

    quarters: tuple[QuarterSample, ...]


def write_sample(
    *,
    conversation_count: int,
    quarters: Sequence[str],
    seed: int,
    out: Path,
    canary_share: float = 0.0,
) -> SampleSummary:
    """Writes a log and its truth for every quarter, as a stream.

    Args:
        conversation_count: Lines of each log, 100 to 1,000,000, the faulty ones included.
        quarters: Such as 2026Q1, each once, from 2016 to 2099.
        seed: Decides everything else: people, tasks, texts and faults.
        out: A directory that is empty or does not exist yet.
        canary_share: Share of conversations that carry a canary for `worktally audit`; those of a
            quarter, and the ids of the conversations that carry one, are listed beside its truth.

    Raises:
        SettingsError: An argument is out of bounds, or `out` cannot be written to or is not empty.
    """
    if not LEAST_CONVERSATIONS <= conversation_count <= MOST_CONVERSATIONS:
        raise SettingsError(
            f"sample: conversations must be {LEAST_CONVERSATIONS:,} to {MOST_CONVERSATIONS:,}"
        )
    if not 0.0 <= canary_share <= 1.0:
        raise SettingsError("sample: the share of canaries must be 0 to 1")
    wanted = [Quarter.parse(name) for name in quarters]
    if not wanted or len(set(wanted)) < len(wanted):
        raise SettingsError("sample: name one or more quarters, each once")
    if any(quarter.start.year not in YEARS for quarter in wanted):
        raise SettingsError(f"sample: quarters must lie in {YEARS[0]} to {YEARS[-1]}")
    try:
        with private_files():
            out.mkdir(parents=True, exist_ok=True)
            if any(out.iterdir()):
                raise SettingsError(f"sample: {out} is not empty; name a new directory")
            (out / TRUTH_DIRECTORY).mkdir()
    except OSError as error:
        raise SettingsError(f"sample: cannot write to {out}: {error.strerror}") from None
    bank = load_bank()
    with private_files():
        written = [
            _write_quarter(
                quarter,
                stream_conversations(bank, quarter, conversation_count, seed, canary_share),
                seed,
                out,
            )
            for quarter in wanted
        ]
    return SampleSummary(tuple(written))


def _write_quarter(
    quarter: Quarter, conversations: Iterable[Conversation], seed: int, out: Path
) -> QuarterSample:
    log = out / f"conversations-{quarter.name}.jsonl.gz"
    truth = out / TRUTH_DIRECTORY / f"truth-{quarter.name}.jsonl.gz"
    rng = random.Random(f"{seed}|{quarter.name}|rows")  # noqa: S311  # a sample, no secret
    faults: Counter[str] = Counter()
    canaries: dict[str, None] = {}
    row_count = 0
    with _open_gzip(log) as log_stream, _open_gzip(truth) as truth_stream:
        for row_count, conversation in enumerate(conversations, start=1):
            log_stream.write(encode_line(conversation, rng) + b"\n")
            facts = json.dumps(
                _state_truth(conversation, row_count), ensure_ascii=False, separators=(",", ":")
            )
            truth_stream.write(facts.encode() + b"\n")
            if conversation.fault is not None:
                faults[conversation.fault] += 1
            if found := conversation.dialogue.canaries:
                ids = (conversation.own_id, conversation.account.own_id)
                canaries |= dict.fromkeys((*found, *ids))
    if canaries:
        listed = out / TRUTH_DIRECTORY / f"canaries-{quarter.name}.txt"
        listed.write_text("\n".join(canaries) + "\n", "utf-8")
    rejected = sum(count for rule, count in faults.items() if rule in REJECT_RULES)
    return QuarterSample(
        quarter=quarter.name,
        log=log,
        truth=truth,
        row_count=row_count,
        fault_counts=dict(sorted(faults.items())),
        accepted_count=row_count - rejected,
    )


@contextmanager
def _open_gzip(path: Path) -> Iterator[gzip.GzipFile]:
    """Without name and time in the header, so that the same rows are the same bytes."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=_COMPRESSION, fileobj=raw, mtime=0) as stream,
    ):
        yield stream


def _state_truth(conversation: Conversation, line: int) -> dict[str, Any]:
    dialogue, fault = conversation.dialogue, conversation.fault
    started_at = conversation.started_at.astimezone(UTC).isoformat(timespec="microseconds")
    planted = () if fault in FAULTS_WITHOUT_TEXT else dialogue.planted
    return {
        "line": line,
        "id": None if fault in FAULTS_WITHOUT_ID else conversation.own_id,
        "account": conversation.account.own_id,
        "quarter": conversation.quarter,
        "task_id": dialogue.task_id,
        "onet_soc_code": dialogue.onet_soc_code,
        "occupational": dialogue.task_id is not None,
        "use_case": dialogue.use_case,
        "pattern": dialogue.pattern,
        "language": dialogue.language,
        "country": conversation.account.country,
        "started_at": started_at.replace("+00:00", "Z"),
        "planted": [asdict(entity) for entity in planted],
        "fault": fault,
    }
