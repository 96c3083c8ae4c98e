"""The page of redaction's quality: its words are checked, its figures are kept."""

import pytest

from flows.evaluation.labeled_text import LabeledConversation, TypedSpan
from tests.bench.redaction_quality import (
    EVASIONS,
    PAGE,
    SETS,
    evade,
    measure,
    quality_page,
    read_conll,
    read_measured,
)


def test_the_words_of_the_page_are_checked_and_its_figures_are_kept():
    page = PAGE.read_text("utf-8")
    assert quality_page(read_measured(page)) == page
    other_words, other_figures = page.replace("Found:", "Lost:"), page.replace("%", "")
    assert other_words != page != other_figures
    assert quality_page(read_measured(other_words)) == page
    figures = read_measured(other_figures)
    assert read_measured(quality_page(figures)) == figures


def test_a_page_without_figures_has_every_table():
    rows = read_measured(quality_page({}))
    assert set(rows) >= {"totals", "languages", *(f"{one.name}-types" for one in SETS)}
    assert not any(rows.values())


def test_words_and_tags_become_a_text_with_spans(tmp_path):
    path = tmp_path / "words.conll"
    path.write_text(
        "Ask\tO\nAna\tB-person\nRuiz\tI-person\nin\tO\nOslo\tB-location\n\nBo\tB-person\n"
    )
    first, second = read_conll(path, {"person": "PERSON"}).conversations
    assert first.messages == (("user", "Ask Ana Ruiz in Oslo"),)
    assert first.spans == (TypedSpan(0, 4, 12, "PERSON"),)
    assert second.spans == (TypedSpan(0, 0, 2, "PERSON"),)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("zero-width spaces", "a@b\u200b.io"),
        ("soft hyphens", "a@b.\u00adio"),
        ("full-width signs", "ａ＠ｂ．ｉｏ"),
        ("HTML entities", "a&#64;b&#46;io"),
    ],
)
def test_an_evasion_rewrites_what_has_a_shape_and_moves_the_labels_along(name, written):
    spans = (TypedSpan(0, 0, 6, "URL"), TypedSpan(0, 2, 4, "IP_ADDRESS"),
             TypedSpan(0, 7, 10, "PERSON"))  # fmt: skip
    evaded = evade(
        LabeledConversation("f", 1, None, (("user", "a@b.io Ana."),), spans), EVASIONS[name]
    )
    (_, text), length = evaded.messages[0], len(written)
    assert text == f"{written} Ana."
    assert evaded.spans == (
        TypedSpan(0, 0, length, "URL"), TypedSpan(0, length + 1, length + 4, "PERSON"),
    )  # fmt: skip


@pytest.mark.slow
def test_the_development_data_can_be_measured(shared_data):
    page = quality_page(measure(shared_data))
    empty = {name for name, rows in read_measured(page).items() if not rows}
    assert empty <= {"written-others"}  # every labeled type is looked for
