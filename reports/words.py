"""Decides how patterns, bases, rules and levels are called in the report."""

PATTERNS = {
    "directive": "Directive",
    "feedback_loop": "Feedback loop",
    "task_iteration": "Task iteration",
    "learning": "Learning",
    "validation": "Validation",
    "none": "None of the five",
    "not_classified": "Not classified",
}
FIVE = 5
"""Patterns of base five: all but none and not classified."""

AUTOMATION = ("directive", "feedback_loop")

MODES = {"automation": "Automation", "augmentation": "Augmentation"}

BASES = {
    "five": "five: the five patterns",
    "six": "six: the five and none",
    "all": "all: the five, none and not classified",
}

LEVELS = {
    "all": "All conversations",
    "major": "SOC major groups",
    "minor": "SOC minor groups",
    "broad": "SOC broad groups",
    "occupation": "Occupations",
    "task": "Tasks",
}

SPLIT = "split (a task of n occupations adds 1/n to each)"
FULL = "full (a task's whole count goes to each unit that holds it)"
BOTH = f"{SPLIT}; {FULL}"
NO_TASK_RULE = "split, without effect here: every conversation counts once"
NO_ALLOCATION = "none: nothing is allocated"

DEFINITIONS = (
    ("Automation", "Directive and feedback loop taken together."),
    ("Augmentation", "Task iteration, learning and validation taken together."),
    (
        "Directive",
        "The user hands over a complete task with minimal interaction.",
    ),
    (
        "Feedback loop",
        "The user mainly feeds back results from the environment, such as error messages.",
    ),
    ("Task iteration", "The user steers changes to the output, turn by turn."),
    ("Learning", "The user seeks understanding."),
    ("Validation", "The user has own work checked."),
    ("None of the five", "The conversation shows no such pattern."),
    (
        "Not classified",
        "The pattern, or the task, could not be decided. It is counted as such, and never added"
        " to a pattern or a task.",
    ),
)
