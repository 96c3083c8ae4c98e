"""Decides what of a conversation goes on: its messages with every entity replaced, or nothing."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import itemgetter

import dataframely as dy
import polars as pl
from threadpoolctl import threadpool_limits

from flows.redact.detect import Span, find_entities, merge_overlaps, replace_entities
from flows.redact.engine import Analyzer
from flows.redact.repeats import Value, carried_values, find_repeats
from flows.settings import RedactSettings
from flows.tables import STAGES, Messages, RedactedMessages, Redactions, Rejects

TIMED_OUT = "redaction_timeout"
FAILED = "redaction_failed"


@dataclass(frozen=True)
class Redacted:
    """What goes on, where something was replaced, and which conversations stay behind."""

    messages: dy.DataFrame[RedactedMessages]
    redactions: dy.DataFrame[Redactions]
    rejects: dy.DataFrame[Rejects]


@dataclass(frozen=True)
class _Reading:
    """What one text came to: its entities, None where time ran out, and how long that took."""

    seconds: float
    spans: list[Span] | None = None


class _OutOfTimeError(Exception):
    """The text has used up the time of its conversation."""


def redact_messages(
    messages: dy.DataFrame[Messages],
    *,
    analyzer: Analyzer,
    settings: RedactSettings,
    clock: Callable[[], float] = time.thread_time,
) -> Redacted:
    """Replaces every entity by `<ENTITY_TYPE>`, or rejects the whole conversation.

    A conversation is rejected when reading its messages fails or takes too long. What becomes of
    it does not depend on other conversations or on their order. Redacting a redacted message
    changes nothing.

    Args:
        messages: As ingested.
        analyzer: From `build_analyzer`, with the same settings.
        settings: Entity types, score threshold and seconds per conversation.
        clock: Seconds, asked between pieces of a text. Those that this thread computes: how busy
            the machine is shall not decide who is rejected.
    """
    ordered = messages.sort("conversation_id", "message_index")
    rows = ordered.select("conversation_id", "text").iter_rows()
    # names multiply so little at a time that threads would wait for each other
    with threadpool_limits(limits=1, user_api="blas"):
        found, rules = _read_all(rows, analyzer, settings, clock)
    rejects = _tabulate_rejects(rules)
    accepted = (
        messages.lazy()
        .join(rejects.lazy(), left_on="conversation_id", right_on="row_hash", how="anti")
        .join(_tabulate(found).lazy(), on=["conversation_id", "text"], how="left", validate="m:1")
        .sort("conversation_id", "message_index")
    )
    redacted = accepted.select(
        "conversation_id", "message_index", "role", pl.col("redacted").alias("text")
    )
    redactions = (
        accepted.select("conversation_id", "message_index", "spans")
        .explode("spans", empty_as_null=False)
        .unnest("spans")
        .select(Redactions.column_names())
    )
    return Redacted(
        messages=RedactedMessages.validate(redacted.collect()),
        redactions=Redactions.validate(redactions.collect()),
        rejects=Rejects.validate(rejects),
    )


def _read_all(
    rows: Iterable[tuple[str, str]],
    analyzer: Analyzer,
    settings: RedactSettings,
    clock: Callable[[], float],
) -> tuple[dict[tuple[str, str], list[Span]], dict[str, str]]:
    """The entities by conversation and text, and the rules that conversations failed.

    Each text is read once, and once more for each set of entities that are known beforehand; the
    rows are sorted by conversation. A text costs every conversation that holds it the same seconds,
    whether it was read for this one or not: otherwise the order would decide who runs out of time.
    """
    readings: dict[tuple[str, tuple[Span, ...]], _Reading] = {}

    def read(text: str, known: tuple[Span, ...]) -> _Reading:
        if (text, known) not in readings:
            readings[text, known] = _read(text, known, analyzer, settings, clock)
        return readings[text, known]

    spans: dict[tuple[str, str], list[Span]] = {}
    rules: dict[str, str] = {}
    for conversation_id, of_conversation in groupby(rows, key=itemgetter(0)):
        texts = list(dict.fromkeys(text for _, text in of_conversation))
        try:
            found = _read_conversation(texts, read, settings.timeout_seconds, clock)
        except Exception:  # whatever it is may quote the text: only the fact is kept
            found = FAILED
        if isinstance(found, str):
            rules[conversation_id] = found
        else:
            spans |= {(conversation_id, text): found[text] for text in texts}
    return spans, rules


def _read_conversation(
    texts: Sequence[str],
    read: Callable[[str, tuple[Span, ...]], _Reading],
    limit: float,
    clock: Callable[[], float],
) -> dict[str, list[Span]] | str:
    """The entities of each text, or the rule that the conversation failed.

    What was found in one text is looked for in the others, until there is no more of it.
    """
    seconds = 0.0
    known: dict[str, tuple[Span, ...]] = dict.fromkeys(texts, ())
    found: dict[str, list[Span]] = {}
    values: dict[Value, str] = {}
    new: dict[str, list[Span]] = {}
    stale = list(texts)
    while stale:
        for text in stale:
            reading = read(text, known[text])
            seconds += reading.seconds
            if reading.spans is None or seconds > limit:
                return TIMED_OUT
            found[text] = reading.spans
            values |= carried_values(text, reading.spans)
        for text in texts:
            begin = clock()
            new[text] = find_repeats(text, values, found[text])
            seconds += clock() - begin
            if seconds > limit:
                return TIMED_OUT
        stale = [text for text in texts if new[text]]
        # what was found stays found: next to a replaced name another might be seen no more
        known |= {text: tuple(merge_overlaps([*found[text], *new[text]])) for text in stale}
    return found


def _read(
    text: str,
    known: tuple[Span, ...],
    analyzer: Analyzer,
    settings: RedactSettings,
    clock: Callable[[], float],
) -> _Reading:
    begin = clock()

    def check_time() -> None:
        if clock() - begin > settings.timeout_seconds:
            raise _OutOfTimeError

    try:
        spans = find_entities(text, analyzer, check_time, known)
    except _OutOfTimeError:
        return _Reading(clock() - begin)
    return _Reading(clock() - begin, spans)


def _tabulate(found: Mapping[tuple[str, str], list[Span]]) -> pl.DataFrame:
    span = pl.Struct(
        {"start": pl.Int64, "end": pl.Int64, "entity_type": pl.String, "score": pl.Float64}
    )
    return pl.DataFrame(
        {
            "conversation_id": [conversation_id for conversation_id, _ in found],
            "text": [text for _, text in found],
            "redacted": [replace_entities(text, spans) for (_, text), spans in found.items()],
            "spans": [[asdict(one) for one in spans] for spans in found.values()],
        },
        schema={
            "conversation_id": pl.String,
            "text": pl.String,
            "redacted": pl.String,
            "spans": pl.List(span),
        },
    )


def _tabulate_rejects(rules: dict[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"row_hash": list(rules), "rule": list(rules.values())},
        schema={"row_hash": pl.String, "rule": pl.String},
    ).select(
        pl.lit("redact", dtype=pl.Enum(STAGES)).alias("stage"),
        "rule",
        "row_hash",
        pl.lit("redact").alias("source_file"),
        pl.lit(None, dtype=pl.Int64).alias("line"),
    )
