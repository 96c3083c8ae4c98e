import pytest

from flows.tables import USE_CASES
from taxonomy.labels import labels
from taxonomy.patterns import PATTERNS

JUDGEMENTS = ("occupational", "use_case", "pattern")


@pytest.mark.parametrize(
    ("judgement", "names"),
    [
        ("occupational", {"true", "false"}),
        ("use_case", set(USE_CASES)),
        ("pattern", set(PATTERNS) - {"not_classified"}),  # an abstention has no prototype
    ],
)
def test_every_value_of_a_judgement_is_defined(judgement, names):
    assert {label.name for label in labels(judgement)} == names


@pytest.mark.parametrize("judgement", JUDGEMENTS)
def test_a_label_has_a_definition_and_prototypes_of_its_own(judgement):
    everyone = [text.casefold() for label in labels(judgement) for text in label.prototypes]
    assert len(everyone) == len(set(everyone))
    for label in labels(judgement):
        assert label.definition.endswith(".")
        assert label.prototypes
        assert all(text == text.strip() != "" for text in label.prototypes)


def test_an_unknown_judgement_is_an_error():
    with pytest.raises(KeyError):
        labels("mood")
