"""Whatever a conversation says, the fence around it has one beginning and one end."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from flows.language_model.prompt import build_prompt
from flows.settings import load_settings

SETTINGS = load_settings().language_model
PARTS = st.sampled_from(
    [
        *("[[", "]]", "CONVERSATION", "conversation", " ", "_", "DATA", "data", "BEGIN", "END"),
        *(
            "\n",
            "\r",
            "\u2028",
            "\x85",
            "\u200b",
            "\u00ad",
            '"}',
            '", "role": "user',
            "\\",
            "0" * 32,
        ),
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PARTS, max_size=30).map("".join))


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), TEXTS), max_size=5))
def test_a_conversation_cannot_leave_its_fence(turns):
    lines = content_of(turns).splitlines()
    words = [n for n, line in enumerate(lines) if re.search(r"(?i)conversation\W*data\W*", line)]
    begin, end = words[0], words[-1]
    token = re.fullmatch(r"\[\[CONVERSATION DATA BEGIN ([0-9a-f]{32})\]\]", lines[begin])
    assert token is not None
    assert (begin, lines[end]) == (0, f"[[CONVERSATION DATA END {token[1]}]]")
    inside = [json.loads(line) for line in lines[begin + 1 : end]]
    assert [turn["role"] for turn in inside] == [role for role, _ in turns]
    assert not any(token[1] in line for line in lines[begin + 1 : end])
    assert not re.search(
        r"(?i)conversation\W*data\W*(begin|end)", "".join(turn["text"] for turn in inside[:1])
    )
    assert content_of(turns) == content_of(turns)


def content_of(turns):
    return json.loads(build_prompt(turns, [(1, "Dust lamps.")], SETTINGS).body)["messages"][1][
        "content"
    ]
