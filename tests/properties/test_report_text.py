import html
import re

from hypothesis import given
from hypothesis import strategies as st

from reports.figures import percent
from reports.markdown import escape_markdown


@given(st.text())
def test_escaped_markdown_reads_as_the_text_with_single_blanks(text: str) -> None:
    escaped = str(escape_markdown(text))
    assert not re.search(r"[<>\n]", escaped)
    assert not re.search(r"(?<!\\)(?:\\\\)*[|*_`\[\]]", escaped)
    unescaped = re.sub(r"\\([\\`*_{}\[\]|~#!$+.)-])", r"\1", escaped)
    assert html.unescape(unescaped) == " ".join(text.split())


@given(st.floats(0, 1), st.integers(0, 3))
def test_a_share_is_written_as_zero_only_when_it_is_zero(share: float, decimals: int) -> None:
    written = percent(share, decimals)
    assert (float(written.lstrip("<").rstrip("%")) == 0) == (share == 0)
