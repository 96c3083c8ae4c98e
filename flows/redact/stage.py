"""Decides what of a conversation goes on: its messages with every entity replaced, or nothing."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

import dataframely as dy
import polars as pl

from flows.redact.detect import Span, find_entities, replace_entities
from flows.redact.engine import Analyzer
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
    """What one text came to: its entities or the rule it failed, and how long that took."""

    seconds: float
    spans: list[Span] = field(default_factory=list)
    rule: str | None = None


class _OutOfTimeError(Exception):
    """The text has used up the time of its conversation."""


def redact_messages(
    messages: dy.DataFrame[Messages],
    *,
    analyzer: Analyzer,
    settings: RedactSettings,
    clock: Callable[[], float],
) -> Redacted:
    """Replaces every entity by `<ENTITY_TYPE>`, or rejects the whole conversation.

    A conversation is rejected when reading its messages fails or takes too long. What becomes of
    it does not depend on other conversations or on their order. Redacting a redacted message
    changes nothing.

    Args:
        messages: As ingested.
        analyzer: From `build_analyzer`, with the same settings.
        settings: Entity types, score threshold and seconds per conversation.
        clock: Seconds, such as `time.monotonic`; asked between pieces of a text.
    """
    rows = messages.select("conversation_id", "text").sort("conversation_id").iter_rows()
    readings, rules = _read_all(rows, analyzer, settings, clock)
    rejects = _tabulate_rejects(rules)
    accepted = (
        messages.lazy()
        .join(rejects.lazy(), left_on="conversation_id", right_on="row_hash", how="anti")
        .join(_tabulate(readings).lazy(), on="text", how="left", validate="m:1")
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
) -> tuple[dict[str, _Reading], dict[str, str]]:
    """Reads each text once; the rows are sorted by conversation.

    A text costs every conversation that holds it the same seconds, whether it was read for this
    one or not: otherwise the order would decide who runs out of time.
    """
    readings: dict[str, _Reading] = {}
    seconds: dict[str, float] = {}
    rules: dict[str, str] = {}
    for conversation_id, text in rows:
        if conversation_id in rules:
            continue
        if text not in readings:
            readings[text] = _read(text, analyzer, settings, clock)
        seconds[conversation_id] = seconds.get(conversation_id, 0.0) + readings[text].seconds
        rule = readings[text].rule
        if rule is None and seconds[conversation_id] > settings.timeout_seconds:
            rule = TIMED_OUT
        if rule is not None:
            rules[conversation_id] = rule
    return readings, rules


def _read(
    text: str,
    analyzer: Analyzer,
    settings: RedactSettings,
    clock: Callable[[], float],
) -> _Reading:
    begin = clock()

    def check_time() -> None:
        if clock() - begin > settings.timeout_seconds:
            raise _OutOfTimeError

    try:
        spans = find_entities(text, analyzer, check_time)
    except _OutOfTimeError:
        return _Reading(clock() - begin, rule=TIMED_OUT)
    except Exception:  # whatever it is may quote the text: only the fact is kept
        return _Reading(clock() - begin, rule=FAILED)
    return _Reading(clock() - begin, spans)


def _tabulate(readings: dict[str, _Reading]) -> pl.DataFrame:
    span = pl.Struct(
        {"start": pl.Int64, "end": pl.Int64, "entity_type": pl.String, "score": pl.Float64}
    )
    spans = {text: reading.spans for text, reading in readings.items() if reading.rule is None}
    return pl.DataFrame(
        {
            "text": list(spans),
            "redacted": [replace_entities(text, found) for text, found in spans.items()],
            "spans": [[asdict(one) for one in found] for found in spans.values()],
        },
        schema={"text": pl.String, "redacted": pl.String, "spans": pl.List(span)},
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
