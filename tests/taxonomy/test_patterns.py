import pytest

from flows.tables import RELEASED_TABLES
from taxonomy.patterns import (
    AUGMENTATION,
    AUTOMATION,
    FIVE_PATTERNS,
    MODES,
    PATTERN_BASES,
    PATTERNS,
)


def test_the_modes_split_the_five_patterns():
    assert MODES == {"automation": AUTOMATION, "augmentation": AUGMENTATION}
    assert set(AUTOMATION) == {"directive", "feedback_loop"}
    assert set(AUGMENTATION) == {"task_iteration", "learning", "validation"}
    assert sorted(FIVE_PATTERNS) == sorted(AUTOMATION + AUGMENTATION)
    assert not set(MODES) & set(PATTERNS)


@pytest.mark.parametrize(
    ("base", "added"), [("five", set()), ("six", {"none"}), ("all", {"none", "not_classified"})]
)
def test_a_base_adds_to_the_five_what_its_name_says(base, added):
    assert set(PATTERN_BASES[base]) == set(FIVE_PATTERNS) | added
    assert len(PATTERN_BASES[base]) == len(set(PATTERN_BASES[base]))


def test_the_released_tables_know_the_same_names():
    columns = RELEASED_TABLES["collaboration_shares"].columns()
    assert list(columns["pattern"].categories) == [*PATTERNS, *MODES]
    assert list(columns["pattern_base"].categories) == list(PATTERN_BASES)
