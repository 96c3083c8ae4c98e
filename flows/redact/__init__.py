"""Redaction: finds personal data and secrets in messages and replaces them by placeholders."""

from presidio_analyzer import AnalyzerEngine

from flows.redact.engine import build_analyzer
from flows.redact.stage import Redacted, redact_messages

__all__ = ["AnalyzerEngine", "Redacted", "build_analyzer", "redact_messages"]
