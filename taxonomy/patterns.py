"""Names the collaboration patterns, the mode each belongs to, and the bases a share of them is of.

Source: Handa et al. (2025), "Which Economic Tasks are Performed with AI?", arXiv 2503.04761.
"""

AUTOMATION = ("directive", "feedback_loop")
AUGMENTATION = ("task_iteration", "learning", "validation")
FIVE_PATTERNS = AUTOMATION + AUGMENTATION
NO_PATTERN = "none"
NOT_CLASSIFIED = "not_classified"
PATTERNS = (*FIVE_PATTERNS, NO_PATTERN, NOT_CLASSIFIED)

MODES = {"automation": AUTOMATION, "augmentation": AUGMENTATION}
MODE_OF_PATTERN = {pattern: mode for mode, patterns in MODES.items() for pattern in patterns}

PATTERN_BASES = {
    "five": FIVE_PATTERNS,
    "six": (*FIVE_PATTERNS, NO_PATTERN),
    "all": PATTERNS,
}
"""The denominators that an automation share has been published on, by name."""
