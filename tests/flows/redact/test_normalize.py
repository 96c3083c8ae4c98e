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
        ("100%25 %2B49%20170 %E4%BD%A0", "100% +49 170 你"),
        ("50% of %d, %zz, %E4%BD, %ad%41, %00", "50% of %d, %zz, %E4%BD, %adA, %00"),
        (r"\u0040 \ud83d\ude00 \ud83d \u00 \new", r"@ 😀 \ud83d \u00 \new"),
        ("x%C2%A0y a%E2%80%8Bb a%C2%ADb", "x y ab ab"),
        ("&lt%3B%2540", "&lt;%40"),  # once
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
        ("%E4%BD%A0%40b", "@", "%40"),
        ("%E4%BD%A0%40b", "你@", "%E4%BD%A0%40"),
        (r"a\ud83d\ude00\u0040", "@", r"\u0040"),
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
