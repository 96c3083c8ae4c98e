import pytest

from flows.redact.normalize import MASK, collapse, normalize, original_span


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("plain, 123", "plain, 123"),
        ("ＡＢ１２", "AB12"),
        ("a\u200bb\u00adc\ufe0fd\u034f", "abcd"),
        ("a\u00a0b\u2003c", "a b c"),
        ("1\u20132\u22123", "1-2-3"),
        ("٣४", "34"),
        ("ﬁ…", "fi..."),
        ("a%40b &#64;&#x40;&commat;&amp;lt; &unknown; &", "a@b @@@&lt; &unknown; &"),
        ("x <URL> <NAME>＜URL＞", f"x {MASK} <NAME>{MASK}"),
    ],
)
def test_a_text_is_read_in_its_plain_form(text, read):
    assert normalize(text, ["<URL>"]).text == read


@pytest.mark.parametrize(
    ("text", "read", "covered"),
    [
        ("xx ab", "ab", "ab"),
        ("xx a\u200bb\u200b", "ab", "a\u200bb"),
        ("&lt;&#64;&gt;", "@", "&#64;"),
        ("＜ﬁ＞", "i", "ﬁ"),
        ("<URL>ab<URL>c", "c", "c"),
    ],
)
def test_a_span_of_the_view_covers_what_it_was_read_from(text, read, covered):
    view = normalize(text, ["<URL>"])
    found = view.text.index(read)
    start, end = original_span(view, found, found + len(read))
    assert text[start:end] == covered


def test_a_replaced_span_takes_the_whole_of_a_character():
    view = collapse(normalize("aﬁb"), [(0, 2), (2, 3)])
    assert (view.text, [*view.starts], [*view.ends]) == (f"{MASK}b", [0, 2], [2, 3])
