"""Decides what the recognizer of names is: its words, what it knows of each, and its layers.

A spaCy pipeline of one part: a convolution over words (their form, and what the lexicon knows of
them), then a softmax over begin and inside of each type. It sees `DEPTH` words to either side and
no language: words of all scripts are cut in the same way. `make train-names` trains it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import regex
import spacy
from spacy.attrs import IDS
from spacy.language import Language
from spacy.tokens import Doc

from flows.redact.names.lexicon import Lexicon

COMPONENT = "names"
TYPES = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
"""Types of the marked texts, and what they are called in redaction."""

TAGS = ("O", *(f"{edge}-{kind}" for kind in TYPES for edge in "BI"))
DEPTH = 3
_WIDTH = 64

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}"
# a character of scripts written without spaces; a word of letters; a number; a line end; a sign
_TOKEN = regex.compile(
    rf"[{_UNSPACED}]|[[\p{{L}}\p{{M}}]--[{_UNSPACED}]]++|[0-9]++|\n|\S", regex.V1
)
_ASCII_TOKEN = re.compile(r"[A-Za-z]++|[0-9]++|\n|[^ \t\r\f\v]")  # a third of the time
_LEXICON_FEATURE = IDS["LANG"]  # spaCy's one attribute of words that may hold what we want


def tokenize(text: str) -> list[str]:
    """Words, numbers, signs and line ends; spaces are left out."""
    found: list[str] = (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text)
    return found


def locate(text: str, tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Start and end of each token of the text."""
    spans, end = [], 0
    for token in tokens:
        start = text.index(token, end)
        end = start + len(token)
        spans.append((start, end))
    return spans


def build_pipeline(lexicon: Lexicon) -> Language:
    """An untrained pipeline."""
    nlp = spacy.blank("xx")
    tagger = nlp.add_pipe("tagger", name=COMPONENT, config={"model": _architecture()})
    for tag in TAGS:
        tagger.add_label(tag)
    return _with_lexicon(nlp, lexicon)


def load_pipeline(directory: Path, lexicon: Lexicon) -> Language:
    """A trained one, from `Language.to_disk`."""
    return _with_lexicon(spacy.load(directory, exclude=["vocab", "tokenizer"]), lexicon)


def make_doc(nlp: Language, tokens: Sequence[str]) -> Doc:
    """The tokens as spaCy takes them."""
    return Doc(nlp.vocab, list(tokens))


def _with_lexicon(nlp: Language, lexicon: Lexicon) -> Language:
    nlp.vocab.lex_attr_getters[_LEXICON_FEATURE] = lexicon.describe
    return nlp


def _architecture() -> dict[str, object]:
    return {
        "@architectures": "spacy.Tagger.v2",
        "normalize": True,
        "tok2vec": {
            "@architectures": "spacy.Tok2Vec.v2",
            "embed": {
                "@architectures": "spacy.MultiHashEmbed.v2",
                "width": _WIDTH,
                "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE", "LANG"],
                "rows": [5000, 1000, 2500, 1000, 64],
                "include_static_vectors": False,
            },
            "encode": {
                "@architectures": "spacy.MaxoutWindowEncoder.v2",
                "width": _WIDTH,
                "window_size": 1,
                "maxout_pieces": 3,
                "depth": DEPTH,
            },
        },
    }
