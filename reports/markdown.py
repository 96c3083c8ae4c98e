"""Decides how a value is written in Markdown, so that no title can break a page."""

import re
from typing import Any

from jinja2.filters import do_mark_safe

_SPECIAL = re.compile(r"([\\`*_{}\[\]|~#!$])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_BULLET = re.compile(r"^([-+])(?=\s|$)")
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")


def escape_markdown(value: Any) -> Any:
    """Takes the meaning of Markdown and of HTML out of a text; runs of blanks become one blank.

    Other values, and what a template has marked as safe, stay as they are.
    """
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    text = " ".join(value.split()).translate(_ENTITIES)
    text = _SPECIAL.sub(r"\\\1", text)
    return do_mark_safe(_NUMBERED.sub(r"\1\\\2", _BULLET.sub(r"\\\1", text)))
