"""Decides which language a conversation is in, where its log does not say."""

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

ENGLISH = "en"
UNDETERMINED = "und"  # ISO 639-2
# what logs write where they name no language, in lower case
UNNAMED = ("", UNDETERMINED, "unknown", "nolang", "none", "null", "mul", "zxx", "mis", "n/a")
# the languages of the logs seen; dozens of rare ones would take code and jargon for themselves
_LANGUAGES = (
    "ar bg bn cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv mr ms nl no pl pt ro ru"
    " sk sl sr sv sw ta te th tl tr uk ur vi zh"
)
_SURE = 0.9
_OPENING_CHARACTERS = (40, 80, 120)
_MAX_CHARACTERS = 2_000
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{2,}")
_LEAST_WORDS = 4


def detect_language(text: str) -> str:
    """The ISO 639-1 code of the user's language, or `und`.

    The first words decide when they are English: an English request often brings foreign text to
    translate. English is assumed of Latin letters in which no other language is found with a
    probability of 0.9 (jargon, code, abbreviations). Without any words, `und`.
    """
    prose = _CODE_BLOCK.sub(" ", text[:_MAX_CHARACTERS])
    words = _WORD.findall(prose)
    if not words:
        return UNDETERMINED
    if any(_is_english(prose[:characters]) for characters in _OPENING_CHARACTERS):
        return ENGLISH
    language, is_sure = _most_probable(prose)
    if is_sure:
        return language
    return ENGLISH if _is_latin(words) else UNDETERMINED


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_LANGUAGES.split())
    return identifier


def _is_english(opening: str) -> bool:
    has_words = len(_WORD.findall(opening)) >= _LEAST_WORDS
    return has_words and _most_probable(opening) == (ENGLISH, True)


def _most_probable(text: str) -> tuple[str, bool]:
    language, probability = _identifier().rank(text)[0]
    return str(language), bool(probability >= _SURE)


def _is_latin(words: list[str]) -> bool:
    letters = "".join(words)
    return sum(letter < "\u0250" for letter in letters) > len(letters) / 2
