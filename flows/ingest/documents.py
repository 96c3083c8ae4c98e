"""Streams the rows of one JSON document: of its array, of its one list, or its values in turn.

Not through a streaming parser: ijson's C backend dies (SIGSEGV) on an integer of more than 4,300
digits and turns half a surrogate pair into a question mark, and all its backends stop at NaN. The
standard library reads all three, and the rows come out as they would from lines of JSON.
"""

import codecs
import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from flows.ingest.records import RowError

CHUNK_BYTES = 1 << 16
LONGEST_MARK = len("-Infinity")
MARKS = re.compile(r'\\.|["{}\[\],]', re.DOTALL)


def read_array(stream: BinaryIO, max_row: int) -> Iterator[Any]:
    """The elements of a top-level array; one longer than `max_row` characters is a RowError.

    Raises:
        RowError: The document is broken, so that nothing more can be read from it.
    """
    window = _Window(stream, max_row)
    yield from _elements(window)
    _expect_end(window)


def read_member(stream: BinaryIO, max_row: int, name: str) -> Iterator[Any]:
    """Like `read_array`, for the list that a top-level object holds under `name`."""
    window = _Window(stream, max_row)
    for key in _keys(window):
        if key == name and window.peek() == "[":
            yield from _elements(window)
        else:
            window.take_value()
    _expect_end(window)


def read_values(stream: BinaryIO, max_row: int) -> Iterator[Any]:
    """Like `read_array`, for values that follow each other, on as many lines as they like."""
    window = _Window(stream, max_row)
    while window.peek():
        yield window.take_value()


def find_list(stream: BinaryIO, max_row: int, is_row: Callable[[Any], bool]) -> str | None:
    """Under which name a top-level object holds a list whose first element is a row."""
    window = _Window(stream, max_row)
    try:
        for key in _keys(window):
            if window.peek() != "[":
                window.take_value()
                continue
            elements = _elements(window)
            first = next(elements, None)
            if isinstance(first, Mapping) and is_row(first):
                return str(key)
            deque(elements, maxlen=0)  # moves past a list of something else
    except RowError:
        return None
    return None


class _Window:
    """The part of a JSON text around the next value; grows until the value is complete."""

    def __init__(self, stream: BinaryIO, max_value: int) -> None:
        self._stream = stream
        self._max_value = max_value
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._start = 0

    def peek(self) -> str:
        """The next character that is no blank, or nothing at the end."""
        while True:
            while self._start < len(self._text) and self._text[self._start] in " \t\r\n":
                self._start += 1
            if self._start < len(self._text):
                return self._text[self._start]
            if not self._grow():
                return ""

    def take(self, mark: str) -> None:
        """Moves past a mark that must come next."""
        found = self.peek()
        if found != mark:
            raise RowError("malformed_json" if found else "truncated_file")
        self._start += 1

    def take_value(self) -> Any:
        """Moves past a value, which is a RowError when it is malformed or too long."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self._text, self._start)
            except RecursionError:
                return self._skip_value()
            except ValueError as error:
                if self._may_go_on(error) and self._grow():
                    continue
                return self._skip_value()
            length = end - self._start
            if len(self._text) - end <= len("e+") and self._grow():
                continue  # a number may go on: 1 may become 1e+6
            self._start += length
            return value if length <= self._max_value else RowError("line_too_long")

    def _may_go_on(self, error: ValueError) -> bool:
        """Whether the value only looks malformed because its end has not been read yet."""
        if len(self._text) - self._start > self._max_value:
            return False
        if not isinstance(error, json.JSONDecodeError):
            return False  # a number of too many digits
        is_near_end = error.pos >= len(self._text) - LONGEST_MARK
        return is_near_end or error.msg.startswith("Unterminated string")

    def _skip_value(self) -> RowError:
        """Moves past a value that cannot be read, without holding it, and says what it was."""
        depth, length, is_in_string = 0, 0, False
        while True:
            end = self._start
            for mark in MARKS.finditer(self._text, self._start):
                end, sign = mark.end(), mark[0]
                if sign == '"':
                    is_in_string = not is_in_string
                elif is_in_string or sign[0] == "\\":
                    continue
                elif sign in "{[":
                    depth += 1
                elif depth and sign in "}]":
                    depth -= 1
                elif not depth:  # belongs to what holds the value
                    return self._stop_skipping(mark.start(), length)
                if not depth and not is_in_string and sign != ",":
                    return self._stop_skipping(end, length)
            is_cut = self._text.endswith("\\") and end < len(self._text)  # amid an escape
            length += len(self._text) - is_cut - self._start
            self._start = len(self._text) - is_cut
            if not self._grow():
                raise RowError("truncated_file")

    def _stop_skipping(self, end: int, length: int) -> RowError:
        length += end - self._start
        self._start = end
        if not length:
            raise RowError("malformed_json")
        return RowError("line_too_long" if length > self._max_value else "malformed_json")

    def _grow(self) -> bool:
        rest = self._text[self._start :]
        chunk = self._stream.read(max(CHUNK_BYTES, min(len(rest), self._max_value)))
        try:
            self._text = rest + self._decode(chunk, not chunk)
        except UnicodeDecodeError:
            raise RowError("undecodable_line") from None
        self._start = 0
        return bool(chunk)


def _elements(window: _Window) -> Iterator[Any]:
    window.take("[")
    if window.peek() != "]":
        yield window.take_value()
        while window.peek() != "]":
            window.take(",")
            yield window.take_value()
    window.take("]")


def _keys(window: _Window) -> Iterator[Any]:
    """The names of an object; whoever iterates takes the value in between."""
    window.take("{")
    if window.peek() != "}":
        yield _take_key(window)
        while window.peek() != "}":
            window.take(",")
            yield _take_key(window)
    window.take("}")


def _take_key(window: _Window) -> Any:
    key = window.take_value()
    window.take(":")
    return key


def _expect_end(window: _Window) -> None:
    if window.peek():
        raise RowError("malformed_json")
