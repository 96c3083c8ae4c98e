"""Training of the recognizer of names: marks are read and varied without losing their place."""

import random

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from flows.redact.names.convolution import Convolution
from flows.redact.names.lexicon import load_lexicon
from flows.redact.names.pipeline import TAGS, tokenize
from flows.redact.names.recognizer import NameRecognizer, OperatingPoint
from flows.redact.normalize import MASK
from flows.train.marked import Marked, parse_marks, tag, vary, written_texts
from flows.train.names import common_words, train_names
from flows.train.names_report import judge_names


def _row(text: str, language: str = "en") -> dict[str, str]:
    return {"text": text, "culture": "invented", "language": language}


def test_marks_become_spans() -> None:
    marked = parse_marks(_row("ask ⟦PER|Ada Nwosu⟧ at ⟦ORG|Blue Fig⟧."))
    assert marked.text == "ask Ada Nwosu at Blue Fig."
    assert [(marked.text[a:b], kind) for a, b, kind in marked.spans] == [
        ("Ada Nwosu", "PER"),
        ("Blue Fig", "ORG"),
    ]
    assert tag(tokenize(marked.text), marked) == [
        *("O", "B-PER", "I-PER", "O", "B-ORG", "I-ORG", "O"),
    ]


WRITTEN = list(written_texts())


@given(st.sampled_from(WRITTEN), st.integers(0, 2**32))
def test_varied_texts_keep_their_marks(marked: Marked, seed: int) -> None:
    varied = vary(marked, random.Random(seed))
    tags = tag(tokenize(varied.text), varied)
    assert set(tags) <= set(TAGS)
    assert len(varied.spans) + varied.text.count(MASK) >= len(marked.spans)
    assert sum(found.startswith("B-") for found in tags) == len(varied.spans)
    for start, end, _ in varied.spans:
        assert varied.text[start:end].strip() == varied.text[start:end] != ""


def test_written_texts_are_many_and_unlike() -> None:
    assert len({marked.text for marked in WRITTEN}) == len(WRITTEN) > 3_000
    assert len({marked.language for marked in WRITTEN}) >= 12
    nameless = sum(not marked.spans for marked in WRITTEN)
    assert 0.3 < nameless / len(WRITTEN) < 0.6
    held_out = sum(marked.is_held_out for marked in WRITTEN)
    assert 0.07 < held_out / len(WRITTEN) < 0.13


def test_common_words_stand_in_small_letters_more_than_once() -> None:
    assert common_words(["The cat saw Ada", "the cat, Ada", "a bat"]) == ["cat"]


def test_a_given_name_is_a_common_word_only_where_it_is_written_so_often() -> None:
    assert common_words(["catherine"] * 9 + ["table"] * 9) == ["table"]
    assert common_words(["catherine"] * 10) == ["catherine"]


@pytest.mark.parametrize(
    ("name", "language", "pattern"),
    [
        ("王小明", "zh", r"\p{Han}{2,5}"),
        ("김민준", "ko", r"\p{Hangul}{2,5}"),
        (
            "佐藤 健",
            "ja",
            r"[\p{Han}\p{Hiragana}\p{Katakana}ー]+ [\p{Han}\p{Hiragana}\p{Katakana}ー]+",
        ),
        ("Иван Петров", "ru", r"[\p{Cyrillic}-]+ [\p{Cyrillic}-]+"),
        ("Kevin", "zh", r"[\p{Latin}'’. -]+"),
    ],
)
def test_other_names_are_of_the_same_script_and_form(
    name: str, language: str, pattern: str
) -> None:
    marked = parse_marks(_row(f"⟦PER|{name}⟧ 1", language))
    others = set()
    for seed in range(60):
        varied = vary(marked, random.Random(seed))
        others |= {varied.text[start:end] for start, end, _ in varied.spans}
    assert len(others) > 10
    assert all(regex.fullmatch(pattern, other) for other in others)


@pytest.mark.slow
def test_training_learns_from_its_texts() -> None:
    some = [marked for marked in WRITTEN if marked.language == "en"][:300]
    nlp = train_names(some, [], [], epochs=6, say=lambda _: None)
    lexicon = load_lexicon()
    recognizer = NameRecognizer(
        Convolution(nlp, lexicon), lexicon, OperatingPoint(0.3, 0.5, 0.5), ["PERSON"]
    )
    quality = judge_names(recognizer, some)
    assert quality.recall("PER") > 0.7
    assert quality.false_hits_per_1000_words < 25
