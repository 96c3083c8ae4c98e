"""Three hundred written texts: every entity is found with its type and span, and nothing else."""

import re

import pytest

from tests.flows.redact.labeled_texts import KEYS, MARKED, PLAIN

_MARK = re.compile(r"⟦([A-Z_]+)\|(.*?)⟧", re.DOTALL)


def read(row: str) -> tuple[str, list[tuple[str, str]]]:
    row = row.replace("\\n", "\n")
    return _MARK.sub(r"\2", row), _MARK.findall(row)


@pytest.mark.parametrize("row", MARKED, ids=lambda row: row[:40])
def test_the_entities_of_a_written_text_are_found_and_nothing_else(find, row):
    text, expected = read(row)
    assert find(text) == expected


@pytest.mark.parametrize("row", PLAIN, ids=lambda row: row[:40])
def test_a_text_without_personal_data_is_left_alone(find, row):
    assert find(row) == []


@pytest.mark.parametrize("form", ["{}", "use {} now", '{{"k": "{}"}}', "?k={}&b=1", "K={}"])
@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:6])
def test_a_key_of_a_known_issuer_is_found_wherever_it_stands(find, key, form):
    assert find(form.format(key)) == [("SECRET", key)]


def test_there_are_three_hundred_texts_and_a_hundred_and_twenty_without_personal_data():
    assert len(MARKED) + len(PLAIN) + len(KEYS) >= 300
    assert len(PLAIN) >= 120
