"""Properties of redaction, over texts in which entities, parts of them and odd signs mix."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.redact import build_analyzer
from flows.redact.detect import find_entities, replace_entities
from flows.redact.normalize import normalize, original_span
from flows.settings import load_settings

PARTS = st.sampled_from(
    [
        "john@mail.com",
        "http://a.b/c",
        "www.a.de",
        "212-555-0123",
        "+44 7700 900123",
        "10.20.30.40",
        "4111 1111 1111 1111",
        "DE89 3704 0044 0532 0130 00",
        "password='abc'",
        "ssn 536228741",
        "<URL>",
        "<EMAIL_ADDRESS>",
        "<PHONE",
        "URL>",
        "＜URL＞",
        "&lt;",
        "&#64;",
        "%40",
        "%E4",
        "%BD%A0",
        "%",
        "\\u0040",
        "\\ud83d",
        "\\ude00",
        "acct 51-20386",
        "lives at 27 Oak Street, ",
        "born 10/08/1993",
        "my pw is ",
        "jane (at) mail (dot) com",
        "@jane_doe",
        "48.85837, 2.29448",
        "PESEL 44051401359",
        "@",
        "://",
        "::",
        "x",
        " ",
        "\n",
        ".",
        "-",
        "1",
        "12",
        "0131",
        "ﬁ",
        "…",
        "ﷺ",
        "\u200b",
        "\u00ad",
        "\ufffc",
        "é",
        "密码",
        "eyJabcdefghi.",
        "-----BEGIN PRIVATE KEY-----",
        "token: ",
        "phone ",
        "bearer ",
        '"',
        "'",
    ]
)
MIXED = st.lists(PARTS | st.text(max_size=4), max_size=14).map("".join)


@cache
def tools():
    redact_settings = load_settings().redact
    return build_analyzer(redact_settings), redact_settings


def entities(text):
    return find_entities(text, tools()[0], lambda: None)


@given(MIXED)
@settings(max_examples=300)
def test_redacting_a_redacted_text_changes_nothing(text):
    redacted = replace_entities(text, entities(text))
    assert entities(redacted) == []


@given(MIXED)
@settings(max_examples=200)
def test_spans_are_sorted_disjoint_inside_the_text_and_leave_placeholders_alone(text):
    spans = entities(text)
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(0.0 <= span.score <= 1.0 for span in spans)
    assert not [span for span in spans if "<URL>" in text[span.start : span.end]]


@given(MIXED, st.data())
@settings(max_examples=300)
def test_the_original_of_a_span_reads_as_the_span(text, data):
    view = normalize(text)
    assert len(view.text) == len(view.starts) == len(view.ends)
    assert [*view.starts] == sorted(view.starts)
    if not view.text:
        return
    start = data.draw(st.integers(0, len(view.text) - 1))
    end = data.draw(st.integers(start + 1, len(view.text)))
    first, last = original_span(view, start, end)
    assert 0 <= first < last <= len(text)
    assert view.text[start:end] in normalize(text[first:last]).text
