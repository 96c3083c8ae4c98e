"""Decides which records are counted in a quarter, and hands them on under keyed hashes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import dataframely as dy
import polars as pl

from flows.confine import ContractError
from flows.ingest.quarters import Quarter
from flows.ingest.records import Record, Rejected
from flows.settings import IngestSettings
from flows.tables import Conversations, Messages, Rejects

MAX_LANGUAGE_CHARACTERS = 35  # of a BCP 47 tag, RFC 5646 section 4.4.1
PARTITION_CHARACTERS = 50_000_000  # keeps a partition of very long conversations in memory
PARTITION_REJECTS = 100_000


@dataclass(frozen=True)
class Partition:
    """Some of the rows of a source, in input order.

    `own_ids` maps the keyed hash of each accepted conversation to the owner's id.
    """

    conversations: dy.DataFrame[Conversations]
    messages: dy.DataFrame[Messages]
    rejects: dy.DataFrame[Rejects]
    row_count: int
    own_ids: dict[str, str]


@dataclass
class _Rows:
    """Rows of the tables of one partition, as they come in."""

    conversations: list[tuple[Any, ...]] = field(default_factory=list)
    messages: list[tuple[Any, ...]] = field(default_factory=list)
    rejects: list[tuple[Any, ...]] = field(default_factory=list)
    own_ids: dict[str, str] = field(default_factory=dict)
    row_count: int = 0
    character_count: int = 0


def accept_records(
    records: Iterable[Record | Rejected],
    *,
    quarter: str | None,
    keyed_hash: Callable[[str], str],
    settings: IngestSettings,
) -> Iterator[Partition]:
    """Accepts or rejects every record, and cuts the accepted ones into partitions.

    Args:
        records: As `read_records` streams them.
        quarter: Such as 2026Q1. None is for the unit-level commands on one's own data: neither
            time nor account is asked for, and a conversation without id is named by its place.
        keyed_hash: Maps a text to 32 hexadecimal digits.
        settings: What is accepted, and how many conversations a partition has at most.

    Raises:
        SettingsError: The quarter is not written like 2026Q1.
        ContractError: The rows of a partition are not the accepted ones and the rejects.
    """
    wanted = None if quarter is None else Quarter.parse(quarter)
    return _cut_partitions(records, wanted, keyed_hash, settings)


def _cut_partitions(
    records: Iterable[Record | Rejected],
    quarter: Quarter | None,
    keyed_hash: Callable[[str], str],
    settings: IngestSettings,
) -> Iterator[Partition]:
    seen: set[str] = set()
    rows = _Rows()
    for record in records:
        rows.row_count += 1
        own_id = _name(record) if quarter is None else record.own_id
        row_hash = None if own_id is None else keyed_hash(f"conversation:{own_id}")
        rule = _broken_rule(record, row_hash, seen, quarter, settings)
        if isinstance(record, Rejected) or own_id is None or row_hash is None or rule is not None:
            reject = ("ingest", rule, row_hash, record.source_file, record.line)
            rows.rejects.append(reject)
        else:
            seen.add(row_hash)
            rows.own_ids[row_hash] = own_id
            _add_conversation(rows, record, row_hash, keyed_hash, settings)
        if _is_full(rows, settings):
            yield _build_partition(rows)
            rows = _Rows()
    if rows.row_count:
        yield _build_partition(rows)


def _name(record: Record | Rejected) -> str | None:
    """The owner's id, or the place of a conversation that has none."""
    if record.own_id is not None or isinstance(record, Rejected):
        return record.own_id
    return f"line:{record.source_file}:{record.line}"


def _broken_rule(
    record: Record | Rejected,
    row_hash: str | None,
    seen: set[str],
    quarter: Quarter | None,
    settings: IngestSettings,
) -> str | None:
    """The first rule that the record breaks, in the order that `flows.ingest.records` gives."""
    if isinstance(record, Rejected):
        return record.rule
    if len(record.messages) > settings.max_messages:
        return "too_many_messages"
    if any(len(message.text) > settings.max_message_characters for message in record.messages):
        return "message_too_long"
    if not any(message.role == "user" and _is_visible(message.text) for message in record.messages):
        return "empty_conversation"
    if row_hash is None:
        return "missing_id"
    if quarter is not None and (rule := _broken_quarter_rule(record, quarter, settings)):
        return rule
    return "duplicate_id" if row_hash in seen else None


def _is_visible(text: str) -> bool:
    """Whether anything shows: neither blanks nor zero-width or control characters do."""
    return any(character.isprintable() and not character.isspace() for character in text)


def _broken_quarter_rule(record: Record, quarter: Quarter, settings: IngestSettings) -> str | None:
    if record.started_at is None and not settings.assume_quarter:
        return "missing_time"
    if record.started_at is not None and not quarter.contains(record.started_at):
        return "outside_quarter"
    if record.own_account is None and settings.account_unit == "account":
        return "missing_account"
    return None


def _add_conversation(
    rows: _Rows,
    record: Record,
    conversation_id: str,
    keyed_hash: Callable[[str], str],
    settings: IngestSettings,
) -> None:
    account = record.own_account if settings.account_unit == "account" else None
    rows.conversations.append(
        (
            conversation_id,
            None if account is None else keyed_hash(f"account:{account}"),
            record.started_at,
            record.source,
            record.language,
            record.country,
            record.model,
            len(record.messages),
        )
    )
    for index, message in enumerate(record.messages):
        rows.messages.append((conversation_id, index, message.role, message.text))
        rows.character_count += len(message.text)


def _is_full(rows: _Rows, settings: IngestSettings) -> bool:
    return (
        len(rows.conversations) >= settings.partition_conversations
        or rows.character_count >= PARTITION_CHARACTERS
        or len(rows.rejects) >= PARTITION_REJECTS
    )


def _build_partition(rows: _Rows) -> Partition:
    conversations = _frame(rows.conversations, Conversations).with_columns(
        language=pl.when(pl.col("language").str.len_chars() <= MAX_LANGUAGE_CHARACTERS).then(
            pl.col("language").str.to_lowercase()
        ),
        country=pl.when(pl.col("country").str.contains("^[A-Z]{2}$")).then(pl.col("country")),
    )
    partition = Partition(
        conversations=Conversations.validate(conversations),
        messages=Messages.validate(_frame(rows.messages, Messages)),
        rejects=Rejects.validate(_frame(rows.rejects, Rejects)),
        row_count=rows.row_count,
        own_ids=rows.own_ids,
    )
    accepted, rejected = partition.conversations.height, partition.rejects.height
    if rows.row_count != accepted + rejected:
        raise ContractError(
            f"ingest: {rows.row_count} rows in, but {accepted} accepted + {rejected} rejected"
        )
    return partition


def _frame(rows: list[tuple[Any, ...]], table: type[dy.Schema]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=table.create_empty().schema, orient="row")
