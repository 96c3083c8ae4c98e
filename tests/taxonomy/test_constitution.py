import re
from importlib.resources import files

import pytest

from flows.tables import USE_CASES
from taxonomy.constitution import JUDGEMENTS, constitution_version, labels, rule_ids
from taxonomy.constitution.load import judgement, parse_judgement, version_of
from taxonomy.patterns import NOT_CLASSIFIED, PATTERNS
from taxonomy.soc import soc_groups
from tests.documents import PAGES, constitution_page

GROUPS = soc_groups()
HOME = files("taxonomy.constitution")
EVERY_LABEL = [(name, label) for name in JUDGEMENTS for label in labels(name)]
SPECIAL_CATEGORIES = [  # of Article 9 of the European General Data Protection Regulation
    *("health", "sex_life", "religion", "politics", "union_membership", "ethnic_origin")
]
NOT_WORK = ("chit_chat", "ai_test", "role_play", "trivia", "riddle", "private_life")


def codes_of(level: str) -> list[str]:
    return GROUPS.filter(GROUPS["soc_level"] == level)["soc_code"].to_list()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("occupational", ["true", "false"]),
        ("use_case", list(USE_CASES)),
        ("pattern", [pattern for pattern in PATTERNS if pattern != NOT_CLASSIFIED]),
        ("major_group", [*codes_of("major"), "none"]),
        ("minor_group", codes_of("minor")),
        (
            "sensitive_subject",
            [*SPECIAL_CATEGORIES, "crime", "self_harm", "personal_finance", "none"],
        ),
    ],
)
def test_the_labels_are_the_vocabulary_of_the_code_in_its_order(name, expected):
    assert [label.name for label in labels(name)] == expected


@pytest.mark.parametrize(
    ("name", "rules_by_label"),
    [
        ("occupational", {"true": ("task",), "false": NOT_WORK}),
        (
            "pattern",
            {
                "directive": ("produce", "transform", "solve", "series"),
                "feedback_loop": ("error", "result"),
                "task_iteration": ("revise", "extend"),
                "learning": ("explain", "how_to", "compare"),
                "validation": ("check", "critique"),
                "none": (*NOT_WORK, "empty"),
            },
        ),
        ("major_group", {}),
        ("minor_group", {}),
    ],
)
def test_written_examples_find_the_rules_that_they_name(name, rules_by_label):
    expected = {f"{label}.{rule}" for label, rules in rules_by_label.items() for rule in rules}
    assert rule_ids(name) == expected


@pytest.mark.parametrize("name", ["use_case", "sensitive_subject"])
def test_every_label_has_rules_unless_it_says_that_nothing_is_there(name):
    without = {label.name for label in labels(name) if not label.rules}
    assert without == ({"none"} if name == "sensitive_subject" else set())


@pytest.mark.parametrize(
    ("name", "label"), EVERY_LABEL, ids=[f"{name}.{label.name}" for name, label in EVERY_LABEL]
)
def test_a_label_has_content_of_its_own(name, label):
    sentences = [label.definition, *(hard.reason for hard in label.borderline)]
    sentences += [rule.text for rule in label.rules]
    assert [text for text in sentences if not text.endswith(".")] == []
    least, most = (0, 2) if name == "minor_group" else (1, 5)
    assert least <= len(label.borderline) <= most
    assert len(label.definition.split()) >= 5


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_no_sentence_stands_twice_in_a_judgement(name):
    texts = [label.definition for label in labels(name)]
    texts += [kind for label in labels(name) for kind in (*label.includes, *label.excludes)]
    texts += [hard.case for label in labels(name) for hard in label.borderline]
    assert {text for text in texts if texts.count(text) > 1} == set()


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_every_code_that_is_mentioned_is_a_group(name):
    mentioned = set(re.findall(r"\d\d-\d{4}", HOME.joinpath(f"{name}.toml").read_text("utf-8")))
    assert mentioned <= set(codes_of("major") + codes_of("minor"))


def written(**changes: object) -> bytes:
    """A small sound file of `use_case`, or one with something changed."""
    parts = {
        "head": 'question = "What for?"\nprinciples = ["The purpose counts."]',
        "name": "work",
        "definition": "Earning money.",
        "includes": '["a letter", "an offer"]',
        "excludes": '["homework: play"]',
        "borderline": '[{ case = "a hobby that is sold", label = "play", reason = "Small." }]',
        "rules": '[{ id = "job", text = "At work." }]',
        "more": "",
        "other": "play",
    } | changes
    body = "\n".join(
        f"{key} = {parts[key]}" for key in ("includes", "excludes", "borderline", "rules")
    )
    return (
        f'{parts["head"]}\n[[label]]\nname = "{parts["name"]}"\n'
        f'definition = "{parts["definition"]}"\n{body}\n{parts["more"]}\n'
        f'[[label]]\nname = "{parts["other"]}"\ndefinition = "Fun."\nincludes = ["a", "b"]\n'
        'excludes = ["c"]\nborderline = []\nrules = []\n'
    ).encode()


def test_a_sound_file_is_read():
    whole = parse_judgement("use_case", written())
    assert [label.name for label in whole.labels] == ["work", "play"]
    assert whole.labels[0].borderline[0].label == "play"
    assert whole.labels[0].rules[0].id == "job"


@pytest.mark.parametrize(
    ("judgement_name", "content", "message"),
    [
        ("use_case", b"= broken", r"^use_case\.toml: not valid TOML"),
        ("use_case", b"\xff", r"^use_case\.toml: not valid TOML"),
        ("use_case", b"[label]\nname = 'x'", r"^use_case\.toml: labels are written as \[\[label"),
        ("use_case", written(head='question = "?"'), r"^use_case\.toml: principles: "),
        ("use_case", b"mood = 1\n" + written(), r"^use_case\.toml: mood: "),
        ("use_case", written(more='mood = "x"'), r"^use_case\.toml: label work: mood: "),
        ("use_case", written(definition=""), r"use_case\.toml: label work: definition: "),
        ("use_case", written(definition=" x"), r"use_case\.toml: label work: definition: "),
        ("use_case", written(includes='["one"]'), r"use_case\.toml: label work: includes: "),
        ("use_case", written(includes="['a','b','c','d','e','f']"), r"label work: includes: "),
        ("use_case", written(excludes="[]"), r"use_case\.toml: label work: excludes: "),
        ("use_case", written(rules="[{id='Job', text='x'}]"), r"label work: rules\.0\.id: "),
        ("use_case", written(rules="[{id='a', text='x', n=1}]"), r"label work: rules\.0\.n: "),
        (
            "use_case",
            written(rules="[{id='a', text='x'}, {id='a', text='y'}]"),
            r"label work: rule a is written twice",
        ),
        ("use_case", written(borderline="[{case='x', label='play'}]"), r"borderline\.0\.reason: "),
        (
            "use_case",
            written(borderline="[{case='x', label='rest', reason='y'}]"),
            r"use_case\.toml: label work: a borderline case names the unknown label rest$",
        ),
        ("use_case", written(other="work"), r"use_case\.toml: label work: defined twice$"),
        (
            "major_group",
            written(name="11-0000", borderline="[]"),
            r"major_group\.toml: label play: no such group in soc_groups\.tsv$",
        ),
        (
            "minor_group",
            written(name="11-1000", borderline="[]", other="11-0000"),
            r"minor_group\.toml: label 11-0000: no such group",
        ),
        (
            "minor_group",
            written(name="11-1000", borderline="[]", other="none"),
            r"minor_group\.toml: label none: no such group",
        ),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(judgement_name, content, message):
    with pytest.raises(ValueError, match=message):
        parse_judgement(judgement_name, content)


def test_an_unknown_judgement_is_refused():
    with pytest.raises(ValueError, match="judgement must be one of occupational, "):
        judgement("mood")


def test_the_version_changes_when_one_byte_of_any_file_changes():
    contents = {name: HOME.joinpath(f"{name}.toml").read_bytes() for name in sorted(JUDGEMENTS)}
    assert version_of(contents.values()) == constitution_version()
    assert re.fullmatch(r"[0-9a-f]{12}", constitution_version())
    changed = {
        version_of({**contents, name: contents[name][:-1] + b" "}.values()) for name in contents
    }
    assert len(changed | {constitution_version()}) == len(JUDGEMENTS) + 1


def test_there_is_no_file_that_nothing_reads():
    assert {file.name for file in HOME.iterdir() if file.name.endswith(".toml")} == {
        f"{name}.toml" for name in JUDGEMENTS
    }


def test_the_page_is_current_and_shows_every_label_and_rule():
    page = constitution_page()
    path = next(path for path, write in PAGES.items() if write is constitution_page)
    assert path.read_text("utf-8") == page
    assert page.count("\n### ") + page.count("\n#### ") == len(EVERY_LABEL) + len(codes_of("major"))
    for name, label in EVERY_LABEL:
        if re.match(r"\d\d-", label.name):
            assert f'<a id="{label.name}"></a>{label.name} ' in page
        assert all(f"- `{rule}`: " in page for rule in rule_ids(name))
