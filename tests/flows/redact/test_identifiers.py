import pytest

from flows.redact.patterns.identifiers import (
    NATIONAL_WORDS,
    WORDS,
    find_id_numbers,
    find_told_national_ids,
)


@pytest.mark.parametrize(
    ("words", "find"), [(WORDS, find_id_numbers), (NATIONAL_WORDS, find_told_national_ids)]
)
def test_a_number_is_found_after_each_of_the_words_alone(words, find):
    texts = [f"{word.rstrip('*')}{s} no. 4471902" for word in words for s in ("", "s")]
    missed = [text for text in texts if [text[slice(*span)] for span in find(text)] != ["4471902"]]
    assert missed == []
