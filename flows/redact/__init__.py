"""Redaction: finds personal data and secrets in messages and replaces them by placeholders."""

from flows.redact.engine import Analyzer, build_analyzer
from flows.redact.stage import Redacted, redact_messages

__all__ = ["Analyzer", "Redacted", "build_analyzer", "redact_messages"]
