"""The optional language model: any OpenAI-compatible endpoint may judge redacted conversations."""

from flows.language_model.answer import Ask
from flows.language_model.ask import build_ask
from flows.language_model.judge import Judged, judge_conversations

__all__ = ["Ask", "Judged", "build_ask", "judge_conversations"]
