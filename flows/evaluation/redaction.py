"""Decides how good redaction is: what of the labeled spans is left, and what else is masked."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from typing import Any

from flows.evaluation.entity_types import PERSON, STRUCTURED
from flows.evaluation.labeled_text import LabeledConversation, LabeledTexts, TypedSpan
from flows.evaluation.scores import Metric, wilson

FORMAT = "1"
OVER_MASKED, FALSE_HITS = "over_masked_per_1000_words", "false_hits_per_1000_words"
TOTALS = (
    "recall_structured",
    "recall_person",
    "recall_all",
    "partly_all",
    "right_type_all",
    "precision_all",
    "leak_rate",
    "leak_rate_of_labeled",
    "rejected_rate",
    OVER_MASKED,
    FALSE_HITS,
)
# Words as between spaces, with a letter or digit; where no spaces are written, each character.
_CHARACTER_WORD = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CHARACTER_WORD}]|[^\s{_CHARACTER_WORD}]+")


@dataclass(frozen=True, slots=True)
class Masked:
    """What redaction did to one conversation: the spans it replaced, or why it rejected it.

    No two of the spans overlap.
    """

    spans: tuple[TypedSpan, ...] = ()
    rejected_by: str | None = None


@dataclass(frozen=True, slots=True)
class Miss:
    """A labeled span of which a letter or digit is left: where, never what."""

    source: str
    row: int
    message_index: int
    start: int
    end: int
    entity_type: str
    is_partly_masked: bool


@dataclass(frozen=True)
class RedactionEvaluation:
    """The quality of redaction.

    Attributes:
        n: Labeled conversations, rejected ones included.
        metrics: Shares with their Wilson interval, by name: of labeled spans wholly masked
            (`recall_TYPE`), masked in part only (`partly_TYPE`), masked as what they are
            (`right_type_TYPE`); of masked spans, those that touch a labeled one
            (`precision_TYPE`); of conversations that went on, those with a labeled span not wholly
            masked (`leak_rate`), and the same of those that have labeled spans; of conversations,
            those that redaction rejected. Per 1,000 words: words masked outside labeled spans, and
            masked spans that touch none. `NAME_language_xx` is the same of one language.
        types: Labeled spans of types that redaction knows, by type; the totals are over these.
        not_looked_for: Labeled spans of other types.
        languages: Conversations by labeled language.
        rejected: Conversations that redaction rejected, by rule: nothing of them goes on, and they
            are in no other figure.
        malformed: Rows of the file that could not be used, by rule.
    """

    n: int
    metrics: dict[str, Metric]
    types: dict[str, int]
    not_looked_for: dict[str, int]
    languages: dict[str, int]
    rejected: dict[str, int]
    malformed: dict[str, int]
    format: str = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: `n`, `metrics` and the other attributes, by name; no text."""
        return asdict(self)


@dataclass
class _Tally:
    """Hits and trials of every share."""

    hits: Counter[str] = field(default_factory=Counter)
    trials: Counter[str] = field(default_factory=Counter)

    def add(self, verdicts: Iterable[tuple[str, bool]]) -> None:
        for name, is_hit in verdicts:
            self.hits[name] += is_hit
            self.trials[name] += 1


def evaluate_redaction(
    texts: LabeledTexts, masked: Sequence[Masked], *, known_types: AbstractSet[str]
) -> tuple[RedactionEvaluation, list[Miss]]:
    """Compares what redaction masked with what is labeled, and lists what it missed.

    A labeled span is found when all of its letters and digits are masked, by spans of whatever
    type: what matters is that nothing is left. Precision says something only of texts that are
    labeled in full.

    Args:
        texts: As `read_labeled_texts` gives them.
        masked: What became of each conversation, in the same order.
        known_types: Entity types that redaction has recognizers for, in use or not.
    """
    everything, by_language = _Tally(), dict[str, _Tally]()
    misses: list[Miss] = []
    pairs = list(zip(texts.conversations, masked, strict=True))
    for conversation, mask in pairs:
        tallies = [everything]
        if conversation.language:
            tallies.append(by_language.setdefault(conversation.language, _Tally()))
        verdicts, missed = _judge(conversation, mask, known_types)
        misses += missed
        for tally in tallies:
            tally.add(verdicts)
    metrics = _metrics(everything)
    for language, tally in sorted(by_language.items()):
        metrics |= {f"{name}_language_{language}": m for name, m in _metrics(tally).items() if m.n}
    labeled = Counter(s.entity_type for one in texts.conversations for s in one.spans)
    evaluation = RedactionEvaluation(
        n=len(pairs),
        metrics=metrics,
        types={name: labeled[name] for name in sorted(labeled) if name in known_types},
        not_looked_for={name: labeled[name] for name in sorted(labeled) if name not in known_types},
        languages=_count(conversation.language for conversation, _ in pairs),
        rejected=_count(mask.rejected_by for _, mask in pairs),
        malformed=texts.malformed,
    )
    return evaluation, misses


def _judge(
    conversation: LabeledConversation, mask: Masked, known_types: AbstractSet[str]
) -> tuple[list[tuple[str, bool]], list[Miss]]:
    """Every verdict on one conversation, by name, and what was missed of it."""
    verdicts: list[tuple[str, bool]] = [("rejected_rate", mask.rejected_by is not None)]
    misses: list[Miss] = []
    if mask.rejected_by is not None:
        return verdicts, misses
    labels_of, hits_of = _by_message(conversation.spans), _by_message(mask.spans)
    for index, (_, text) in enumerate(conversation.messages):
        labels, hits = labels_of.get(index, []), hits_of.get(index, [])
        is_labeled, is_masked = _cover(text, labels), _cover(text, hits)
        for label in labels:
            is_known, is_left = label.entity_type in known_types, _is_left(text, label, is_masked)
            verdicts += _judge_label(label, is_left, hits, is_known)
            if is_left and is_known:
                misses.append(_miss(conversation, label, 1 in is_masked[label.start : label.end]))
        for hit in hits:
            is_right = 1 in is_labeled[hit.start : hit.end]
            verdicts += [("precision_all", is_right), (f"precision_{hit.entity_type}", is_right)]
        verdicts += _judge_words(text, is_labeled, is_masked)
    verdicts.append(("leak_rate", bool(misses)))
    if any(span.entity_type in known_types for span in conversation.spans):
        verdicts.append(("leak_rate_of_labeled", bool(misses)))
    return verdicts, misses


def _by_message(spans: Iterable[TypedSpan]) -> dict[int, list[TypedSpan]]:
    grouped: dict[int, list[TypedSpan]] = {}
    for span in sorted(spans):
        grouped.setdefault(span.message_index, []).append(span)
    return grouped


def _cover(text: str, spans: Iterable[TypedSpan]) -> bytearray:
    """One for each character that a span holds."""
    covered = bytearray(len(text))
    for span in spans:
        covered[span.start : span.end] = b"\1" * (span.end - span.start)
    return covered


def _is_left(text: str, label: TypedSpan, is_masked: bytearray) -> bool:
    """Whether a letter or digit is not masked; of a label without any, any sign."""
    places = [place for place in range(label.start, label.end) if text[place].isalnum()]
    places = places or [n for n in range(label.start, label.end) if not text[n].isspace()]
    return not all(is_masked[place] for place in places)


def _judge_label(
    label: TypedSpan, is_left: bool, hits: Sequence[TypedSpan], is_known: bool
) -> Iterator[tuple[str, bool]]:
    first = bisect_right(hits, label.start, key=lambda hit: hit.end)
    touching = hits[first : bisect_left(hits, label.end, key=lambda hit: hit.start)]
    verdicts = {
        "recall": not is_left,
        "partly": is_left and bool(touching),
        "right_type": not is_left and any(hit.entity_type == label.entity_type for hit in touching),
    }
    for name, verdict in verdicts.items():
        yield f"{name}_{label.entity_type}", verdict
        if is_known:
            yield f"{name}_all", verdict
    if label.entity_type in STRUCTURED:
        yield "recall_structured", not is_left
    if label.entity_type == PERSON:
        yield "recall_person", not is_left


def _judge_words(
    text: str, is_labeled: bytearray, is_masked: bytearray
) -> Iterator[tuple[str, bool]]:
    for word in _WORD.finditer(text):
        start, end = word.span()
        if any(map(str.isalnum, word[0])):
            is_over = 1 in is_masked[start:end] and 1 not in is_labeled[start:end]
            yield OVER_MASKED, is_over


def _miss(conversation: LabeledConversation, label: TypedSpan, is_partly_masked: bool) -> Miss:
    return Miss(
        source=conversation.source,
        row=conversation.row,
        message_index=label.message_index,
        start=label.start,
        end=label.end,
        entity_type=label.entity_type,
        is_partly_masked=is_partly_masked,
    )


def _metrics(tally: _Tally) -> dict[str, Metric]:
    """The totals, whether or not there is anything to share, then every type."""
    hits, trials = tally.hits.copy(), tally.trials.copy()
    for name in {"precision_all", *trials}:
        if name.startswith("precision_"):
            of = name.removeprefix("precision").removesuffix("_all")
            hits[f"{FALSE_HITS}{of}"] = tally.trials[name] - tally.hits[name]
            trials[f"{FALSE_HITS}{of}"] = tally.trials[OVER_MASKED]
    names = [*TOTALS, *sorted(trials.keys() - set(TOTALS))]
    return {
        name: wilson(hits[name], trials[name], per=1000 if "per_1000" in name else 1)
        for name in names
    }


def _count(names: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(name for name in names if name is not None).items()))
