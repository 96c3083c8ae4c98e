"""Looks for known strings, canaries, in every byte of files, decoding what may hide them."""

from flows.traces.canaries import Canaries, read_canaries, spell
from flows.traces.files import Traces, find_traces

__all__ = ["Canaries", "Traces", "find_traces", "read_canaries", "spell"]
