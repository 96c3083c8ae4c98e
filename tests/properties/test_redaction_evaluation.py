"""Properties of the figures about redaction, against sets of places counted one by one."""

from hypothesis import given
from hypothesis import strategies as st

from flows.evaluation.labeled_text import LabeledConversation, LabeledTexts, TypedSpan
from flows.evaluation.redaction import Masked, evaluate_redaction

TYPES = ("PERSON", "EMAIL_ADDRESS", "TITLE")
KNOWN = frozenset(TYPES[:2])
WORDS = st.lists(st.sampled_from(["Ana", "a@b.io", "--", "7", "x-9"]), max_size=8).map(" ".join)


@st.composite
def labeled_and_masked(draw):
    text = draw(WORDS)
    places = st.integers(0, len(text))
    spans = st.lists(st.tuples(places, places, st.sampled_from(TYPES)), max_size=4)
    labels, masks = ({(a, b, t) for a, b, t in draw(spans) if text[a:b].strip()} for _ in range(2))
    return text, sorted(labels), sorted(masks)


@given(st.lists(labeled_and_masked(), max_size=4))
def test_the_figures_are_those_of_counting_places(cases):
    conversations, masked, found, labeled, leaks, over = [], [], 0, 0, 0, 0
    for text, labels, masks in cases:
        spans = [tuple(TypedSpan(0, *one) for one in of) for of in (labels, masks)]
        conversations.append(LabeledConversation("f", 1, None, (("user", text),), spans[0]))
        masked.append(Masked(spans[1]))
        hidden = {place for a, b, _ in masks for place in range(a, b)}
        marked = {place for a, b, _ in labels for place in range(a, b)}
        left = []
        for a, b, kind in labels:
            telling = {place for place in range(a, b) if text[place].isalnum()}
            telling = telling or {place for place in range(a, b) if text[place] != " "}
            if kind in KNOWN:
                labeled += 1
                left.append(bool(telling - hidden))
        found += len(left) - sum(left)
        leaks += any(left)
        start = 0
        for word in text.split(" "):
            places = set(range(start, start + len(word)))
            start += len(word) + 1
            over += word.strip("-") != "" and bool(places & hidden) and not places & marked
    texts = LabeledTexts(tuple(conversations), {})
    evaluation, misses = evaluate_redaction(texts, masked, known_types=KNOWN)
    metrics = evaluation.metrics
    assert metrics["recall_all"].n == labeled == sum(evaluation.types.values())
    assert round((metrics["recall_all"].value or 0) * labeled) == found == labeled - len(misses)
    assert round((metrics["leak_rate"].value or 0) * len(cases)) == leaks
    words = metrics["over_masked_per_1000_words"]
    assert round((words.value or 0) * words.n / 1000) == over
