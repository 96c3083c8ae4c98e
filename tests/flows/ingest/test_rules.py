import json
from collections.abc import Callable
from typing import Any

import pytest

USER = {"role": "user", "content": "Sort this list."}
NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, None),
        ({"messages": "Sort this list."}, "wrong_type"),
        ({"messages": {"role": "user", "content": "x"}}, "wrong_type"),
        ({"messages": [USER, "x"]}, "wrong_type"),
        ({"messages": [USER, {"content": "x"}]}, "wrong_type"),
        ({"messages": [USER, {"role": 1, "content": "x"}]}, "wrong_type"),
        ({"messages": [USER, {"role": "user", "content": 5}]}, "wrong_type"),
        ({"messages": [USER, {"role": "user", "content": None}]}, "wrong_type"),
        ({"messages": [{"role": "user", "content": [5]}]}, "wrong_type"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "wrong_type"),
        ({"id": True}, "wrong_type"),
        ({"id": ["c1"]}, "wrong_type"),
        ({"user": {"name": "x"}}, "wrong_type"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "unknown_role"),
        ({"messages": []}, "empty_conversation"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "empty_conversation"),
        (
            {"messages": [{"role": "user", "content": " \n\t\u200b\u00ad\ufeff"}]},
            "empty_conversation",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "empty_conversation",
        ),
        ({"messages": [{"role": "user", "content": "\ud83d"}]}, "undecodable_text"),
        ({"messages": [{"role": "user", "content": "a\0b"}]}, "undecodable_text"),
        ({"id": "\udc00"}, "undecodable_text"),
        ({"user": "a\0b"}, "undecodable_text"),
        ({"id": None}, "missing_id"),
        ({"id": "  "}, "missing_id"),
        ({"user": None}, "missing_account"),
        ({"user": ""}, "missing_account"),
        ({"created": None}, "missing_time"),
        ({"created": " "}, "missing_time"),
        ({"created": "yesterday"}, "impossible_time"),
        ({"created": "2026-02-30"}, "impossible_time"),
        ({"created": "2014-12-31T23:59:59Z"}, "impossible_time"),
        ({"created": "2101-01-01T00:00:00Z"}, "impossible_time"),
        ({"created": "0001-01-01T00:00:00+14:00"}, "impossible_time"),
        ({"created": NAN}, "impossible_time"),
        ({"created": INFINITY}, "impossible_time"),
        ({"created": True}, "impossible_time"),
        ({"created": 10**400}, "impossible_time"),
        ({"created": 1_770_000_000_000_000}, "impossible_time"),  # microseconds
        ({"created": [2026]}, "impossible_time"),
        ({"created": "2015-01-01T00:00:00Z"}, "outside_quarter"),
        ({"created": "2100-12-31T23:59:59Z"}, "outside_quarter"),
        ({"created": "2026-04-01T00:00:00Z"}, "outside_quarter"),
        ({"messages": [USER] * 3}, None),
        ({"messages": [USER] * 4}, "too_many_messages"),
        ({"messages": [{"role": "user", "content": "x" * 100}]}, None),
        ({"messages": [{"role": "user", "content": "x" * 101}]}, "message_too_long"),
    ],
)
def test_a_row_is_rejected_by_its_rule_and_keeps_its_place(
    ingest: Callable, row: Callable, changes: dict[str, Any], rule: str | None
) -> None:
    rows = [row(id="before"), row(**changes) if changes != {"messages": []} else row() | changes]
    found = ingest(rows, max_messages=3, max_message_characters=100)
    assert found.rejected == ([] if rule is None else [(rule, 2)])
    assert (found.row_count, found.conversations.height) == (2, 2 if rule is None else 1)


def test_a_field_that_does_not_matter_rejects_nothing(ingest: Callable, row: Callable) -> None:
    odd = {"country": 7, "language": ["en"], "model": "\ud800", "metadata": {"a": [None]}}
    found = ingest([row(**odd)])
    assert found.conversations.select("country", "language", "model").row(0) == (None,) * 3


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"{", "malformed_json"),
        (b'{"id": 1}}', "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "malformed_json"),
        (b"7", "not_an_object"),
        (b"null", "not_an_object"),
        (b'[{"messages": []}]', "not_an_object"),
        (b'{"id": "\xff"}', "undecodable_line"),
        (b'{"id": "\xed\xa0\x80"}', "undecodable_line"),
        (b"{\0}", "undecodable_line"),
        (b'"' + b"x" * 200_000 + b'"', "line_too_long"),
    ],
)
def test_a_bad_line_is_one_reject_and_its_neighbors_are_read(
    ingest: Callable, row: Callable, line: bytes, rule: str
) -> None:
    first, last = (json.dumps(row(id=name)).encode() for name in ("first", "last"))
    found = ingest(b"\n".join([first, b" ", line, b"\t\r", last]), max_line_bytes=150_000)
    assert (found.accepted, found.rejected) == (["first", "last"], [(rule, 3)])


def test_a_line_may_have_exactly_the_longest_length(ingest: Callable, row: Callable) -> None:
    longest = json.dumps(row(padding="x" * 2_000)).encode()
    for limit, accepted in ((len(longest), 2), (len(longest) - 1, 0)):
        content = longest + b"\n" + longest.replace(b"c1", b"c2")
        found = ingest(content, format_name="generic", max_line_bytes=limit)
        assert found.conversations.height == accepted


def test_a_row_with_several_faults_is_rejected_once_by_the_first_rule(
    ingest: Callable, row: Callable
) -> None:
    everything = {"id": None, "user": None, "created": "2020-01-01", "messages": [USER] * 4}
    faults = [
        (everything | {"messages": [{"role": "wizard", "content": "\0"}, 5]}, "wrong_type"),
        (everything | {"messages": [{"role": "wizard", "content": "\0"}]}, "unknown_role"),
        (everything | {"messages": [USER, {"role": "user", "content": "\0"}]}, "undecodable_text"),
        (everything | {"created": "never"}, "impossible_time"),
        (everything, "too_many_messages"),
        (everything | {"messages": [{"role": "tool", "content": "y" * 101}]}, "message_too_long"),
        (everything | {"messages": [{"role": "tool", "content": "y"}]}, "empty_conversation"),
        (everything | {"messages": [USER]}, "missing_id"),
        (everything | {"messages": [USER], "id": "c1", "created": None}, "missing_time"),
        (everything | {"messages": [USER], "id": "c1"}, "outside_quarter"),
        ({"id": "c0", "user": None}, "missing_account"),
        ({"id": "c0"}, "duplicate_id"),
    ]
    found = ingest(
        [row(id="c0"), *[row(**changes) for changes, _ in faults]],
        max_messages=3,
        max_message_characters=100,
    )
    assert [rule for rule, _ in found.rejected] == [rule for _, rule in faults]


def test_a_reject_carries_the_hash_of_its_id_where_it_has_one(
    ingest: Callable, row: Callable, hash_id: Callable[[str], str]
) -> None:
    bad = [
        row(id=7, messages="x"),
        row(id="\0", messages="x"),
        row(id=None),
        5,
        row(id="z", user=0.5),
    ]
    found = ingest([row(), *bad])
    expected = [hash_id("conversation:7"), None, None, None, hash_id("conversation:z")]
    assert found.rejects["row_hash"].to_list() == expected
    assert set(found.rejects["source_file"]) == {"log.jsonl"}
    assert set(found.rejects["stage"]) == {"ingest"}


def test_no_table_of_rejects_holds_a_value_of_the_row(ingest: Callable, row: Callable) -> None:
    found = ingest([row(), row(id="secret-id", user="secret-user", messages="secret-text")])
    assert "secret" not in found.rejects.write_csv()
