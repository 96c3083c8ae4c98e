"""Names: how words are cut, that our layers are spaCy's, and what is taken for a name."""

from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.redact import build_analyzer
from flows.redact.detect import find_entities
from flows.redact.names.convolution import Convolution, Memory
from flows.redact.names.lexicon import Lexicon, build_lexicon, load_lexicon
from flows.redact.names.pipeline import (
    TAGS,
    TYPES,
    build_pipeline,
    locate,
    make_doc,
    tokenize,
)
from flows.redact.names.recognizer import (
    OPERATING_POINTS,
    NameRecognizer,
    build_name_recognizer,
    load_convolution,
)
from flows.redact.normalize import MASK
from flows.settings import load_settings
from flows.train.marked import written_texts
from flows.train.names_report import describe_names

ALL = tuple(TYPES.values())
LONG = (
    "Dear Mrs Adebayo-Finch, thanks for the call. Kwabena and I moved the review to Friday; "
    "please bring the ledger.\n\nThe function returns a list of rows, each of them with an index "
    "and a value, and it raises an error where the index is missing from the table that was given. "
    "Ask Ines in Oberwinkel, she knows.\nRegards, T. Szymborska"
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Ana, O'Brien & me", ["Ana", ",", "O", "'", "Brien", "&", "me"]),
        ("a1b\n\nc", ["a", "1", "b", "\n", "\n", "c"]),
        ("王小明 said", ["王", "小", "明", "said"]),
        ("नमस्ते जी", ["नमस्ते", "जी"]),
        (f"x{MASK}y", ["x", MASK, "y"]),
        ("", []),
    ],
)
def test_texts_are_cut_into_words_numbers_and_signs(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens
    assert [text[start:end] for start, end in locate(text, tokens)] == tokens


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_cut_as_any_text_is(text: str) -> None:
    assert tokenize(text) == tokenize(f"{text} é")[:-1]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return build_lexicon("the a of and with moved review table mark will hope".split())  # noqa: SIM905


def test_lexicon_knows_names_from_common_words(lexicon: Lexicon) -> None:
    assert lexicon.is_given_name("Kwabena")
    assert not lexicon.is_given_name("kwabena")
    assert not lexicon.is_given_name("Mark")  # a common word as well: its neighbors decide
    assert lexicon.may_name("Mark")
    assert lexicon.may_name("oksana")
    assert not lexicon.may_name("table")


@pytest.mark.parametrize("text", [LONG, LONG.lower(), "Ines", "the table", "a " * 40 + "Ines"])
def test_layers_give_the_figures_of_spacy(lexicon: Lexicon, text: str) -> None:
    nlp = build_pipeline(lexicon)
    nlp.initialize()
    component = nlp.get_pipe("names")
    rng = np.random.default_rng(5)
    for node in component.model.walk():  # type: ignore[attr-defined]
        for name in node.param_names:
            shape = node.get_param(name).shape
            node.set_param(name, rng.normal(size=shape).astype(np.float32) * 0.3)
    tokens = tokenize(text)
    [expected] = component.model.predict([make_doc(nlp, tokens)])  # type: ignore[attr-defined]
    convolution, memory = Convolution(nlp, lexicon), Memory()
    every = np.arange(len(tokens))
    for step in (11, 5, 2, 1, 1):  # windows are new, then known
        some = every[step // 2 :: step]
        for remembered in (memory, Memory()):
            if len(some):
                found = convolution.probabilities(tokens, some, remembered)
                assert np.allclose(expected[some], found, atol=1e-5)
    assert convolution.candidates(tokens).tolist() == [
        place for place, token in enumerate(tokens) if lexicon.may_name(token) and token.isalpha()
    ]


class _Told:
    """Probabilities as told, for every token; a name begins at each of the words of `begins`."""

    def __init__(
        self, told: dict[str, float], kind: str = "PER", begins: frozenset[str] = frozenset()
    ) -> None:
        self._told, self._kind, self._begins = told, kind, begins

    def candidates(self, tokens: list[str]) -> np.ndarray:
        return np.arange(len(tokens))

    def probabilities(self, tokens: list[str], places: np.ndarray, _: Memory) -> np.ndarray:
        values = np.array([self._told.get(token, 0.0) for token in tokens])
        rows = np.zeros((len(tokens), len(TAGS)), dtype=np.float32)
        rows[:, 0] = 1 - values
        edges = ["B" if token in self._begins else "I" for token in tokens]
        rows[range(len(tokens)), [TAGS.index(f"{edge}-{self._kind}") for edge in edges]] = values
        return rows[places]


def _found(
    told: dict[str, float], text: str, lexicon: Lexicon, point: str = "balanced"
) -> list[str]:
    recognizer = NameRecognizer(_Told(told), lexicon, OPERATING_POINTS[point], ALL)  # type: ignore[arg-type]
    return [text[result.start : result.end] for result in recognizer.analyze(text, [])]


def test_thresholds_depend_on_what_the_lexicon_knows(lexicon: Lexicon) -> None:
    for name, point in OPERATING_POINTS.items():
        for word, limit in (
            ("Kwabena", point.listed),
            ("Zworx", point.other),
            ("zworx", point.small),
        ):
            assert _found({word: limit - 0.001}, f"the {word} moved", lexicon, name) == []
            assert _found({word: limit + 0.001}, f"the {word} moved", lexicon, name) == [word]


def test_words_of_a_script_that_was_not_learned_are_judged_strictly(lexicon: Lexicon) -> None:
    between = (OPERATING_POINTS["strict"].other + OPERATING_POINTS["balanced"].other) / 2
    assert _found({"Ζβορξ": between}, "the Ζβορξ moved", lexicon) == ["Ζβορξ"]
    assert _found({"Zworx": between}, "the Zworx moved", lexicon) == []


def test_neighboring_words_are_one_name_without_signs_at_its_ends(lexicon: Lexicon) -> None:
    told = {"Ada": 0.9, "Zworx": 0.9, ",": 0.9, "-": 0.9, "Bell": 0.9}
    assert _found(told, "with Ada Zworx-Bell, moved", lexicon) == ["Ada Zworx-Bell"]


def test_a_name_that_begins_behind_another_is_one_of_its_own(lexicon: Lexicon) -> None:
    told = _Told({"Ada": 0.9, "Zworx": 0.8}, begins=frozenset({"Ada", "Zworx"}))
    recognizer = NameRecognizer(told, lexicon, OPERATING_POINTS["balanced"], ALL)  # type: ignore[arg-type]
    found = recognizer.find_names("Ada Zworx")
    assert [(start, end, kind) for start, end, kind, _ in found] == [
        (0, 3, "PERSON"),
        (4, 9, "PERSON"),
    ]
    assert [score for *_, score in found] == pytest.approx([0.9, 0.8])


def test_words_around_a_name_are_read_and_others_are_not(lexicon: Lexicon) -> None:
    class Some(_Told):
        def candidates(self, tokens: list[str]) -> np.ndarray:
            return np.array([tokens.index("Ines")])

        def probabilities(self, tokens: list[str], places: np.ndarray, _: Memory) -> np.ndarray:
            asked.append(places.tolist())
            return super().probabilities(tokens, places, Memory())

    text = "a b c d de la Ines e f g h"
    for probability, places in ((0.9, [[6], list(range(3, 10))]), (0.0, [[6]])):
        asked: list[list[int]] = []
        told = Some({"Ines": probability, "la": 0.9, "c": 0.9})
        recognizer = NameRecognizer(told, lexicon, OPERATING_POINTS["balanced"], ALL)  # type: ignore[arg-type]
        found = [text[start:end] for start, end, *_ in recognizer.find_names(text)]
        assert found == (["la Ines"] if probability else [])
        assert asked == places


def test_what_is_remembered_of_a_text_is_not_computed_again(
    lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = build_pipeline(lexicon)
    nlp.initialize()
    convolution, memory = Convolution(nlp, lexicon), Memory()
    words = ["a", "b", "c", "d", "Ines", "e", "f", "g", "h"]
    first = convolution.probabilities(words, np.array([4]), memory)
    moved = ["new", *words]
    monkeypatch.setattr(convolution, "_compute", None)  # the words around it are the same
    assert np.array_equal(convolution.probabilities(moved, np.array([5]), memory), first)


def test_the_operating_point_alone_decides_about_names(lexicon: Lexicon) -> None:
    settings = load_settings().redact.model_copy(update={"score_threshold": 0.9})
    told = _Told({"Kwabena": OPERATING_POINTS["balanced"].listed + 0.001})
    recognizer = NameRecognizer(told, lexicon, OPERATING_POINTS["balanced"], ALL)  # type: ignore[arg-type]
    analyzer = replace(build_analyzer(settings), recognizers=(recognizer,))
    assert [
        span.entity_type for span in find_entities("Kwabena moved", analyzer, lambda: None)
    ] == ["PERSON"]


def test_the_page_of_the_model_says_what_it_does() -> None:
    page = files("flows.redact.names.model").joinpath("README.md").read_text("utf-8")
    assert describe_names(list(written_texts())) == page


def test_a_persons_name_is_one_at_every_place(lexicon: Lexicon) -> None:
    class Once(_Told):
        def candidates(self, tokens: list[str]) -> np.ndarray:
            return np.array([0])

        def probabilities(self, tokens: list[str], places: np.ndarray, _: Memory) -> np.ndarray:
            rows = super().probabilities(tokens, places, Memory())
            rows[places > 0, 0] = 1.0  # only the first token is seen
            rows[places > 0, 1:] = 0.0
            return rows

    def found(text: str, first: str) -> int:
        recognizer = NameRecognizer(
            Once({first: 0.9}),
            lexicon,
            OPERATING_POINTS["balanced"],
            ALL,  # type: ignore[arg-type]
        )
        return len(recognizer.analyze(text, []))

    assert found("Kwabena moved . kwabena hope KWABENA with Kwabena and Kwabena", "Kwabena") == 5
    assert found("Zworx moved Zworx", "Zworx") == 2
    # in no list, and mostly not taken for a name: a term
    assert found("Zworx zworx the zworx and zworx with zworx", "Zworx") == 1
    assert found("Hope moved hope", "Hope") == 1  # a common word


def test_only_types_that_are_asked_for_are_reported(lexicon: Lexicon) -> None:
    for kind, entity_type in TYPES.items():
        told = _Told({"Zworx": 0.9}, kind)
        recognizer = NameRecognizer(told, lexicon, OPERATING_POINTS["balanced"], [entity_type])  # type: ignore[arg-type]
        assert [result.entity_type for result in recognizer.analyze("the Zworx", [])] == [
            entity_type
        ]
        other = NameRecognizer(told, lexicon, OPERATING_POINTS["balanced"], ["EMAIL_ADDRESS"])  # type: ignore[arg-type]
        assert other.analyze("the Zworx", []) == []


PEOPLE = [
    ("can you write to Tomasz Wieczorek that i'm late", "Tomasz Wieczorek"),
    ("Hi Oluwaseun,\nthanks for yesterday", "Oluwaseun"),
    ("my boss Mr. Ramanathan wants the slides", "Ramanathan"),
    ("ask Nguyễn Thị Hoa about the invoice", "Nguyễn Thị Hoa"),
    ("Kind regards,\nFatima El Amrani", "Fatima El Amrani"),
    ("what should i say to guadalupe when she calls", "guadalupe"),
    ("Dr. Yamashita asked for the lab results", "Yamashita"),
    ("напиши письмо Светлане Игоревне", "Светлане Игоревне"),
]
NOBODY = [
    "The function returns a list of rows and raises KeyError when the column is missing.",
    "How do I merge two pandas DataFrames by index in Python?",
    "Use Dijkstra's algorithm and compare it with a Fibonacci heap.",
    "write a poem about spring rain and the smell of bread",
    "I will mark the bill as paid in May, I hope.",
    "SELECT name, price FROM products WHERE stock > 0 ORDER BY price;",
]


@pytest.mark.parametrize(("text", "name"), PEOPLE)
def test_the_packaged_model_finds_people(text: str, name: str) -> None:
    recognizer = build_name_recognizer("balanced", ALL)
    covered = {
        place for start, end, *_ in recognizer.find_names(text) for place in range(start, end)
    }
    start = text.index(name)
    letters = {place for place in range(start, start + len(name)) if text[place].isalpha()}
    assert letters <= covered


@pytest.mark.parametrize("text", NOBODY)
def test_the_packaged_model_leaves_texts_without_names_alone(text: str) -> None:
    assert build_name_recognizer("balanced", ALL).find_names(text) == []


def test_strict_finds_whatever_balanced_finds() -> None:
    def covered(point: str) -> set[int]:
        spans = build_name_recognizer(point, ALL).find_names(LONG)
        return {place for start, end, *_ in spans for place in range(start, end)}

    assert covered("balanced") <= covered("strict")


def test_the_packaged_model_is_small_and_holds_no_pickle() -> None:
    content = [
        path
        for path in files("flows.redact.names.model").joinpath("pipeline").rglob("*")  # type: ignore[attr-defined]
        if path.is_file()
    ]
    assert 0 < sum(path.stat().st_size for path in content) < 12_000_000
    assert all(not path.read_bytes().startswith(b"\x80") for path in content)


def test_lexicon_and_layers_are_loaded_once() -> None:
    assert load_lexicon() is load_lexicon()
    assert load_convolution() is load_convolution()


def test_words_are_forgotten_before_there_are_too_many(
    lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = build_pipeline(lexicon)
    nlp.initialize()
    whole = Convolution(nlp, lexicon)
    monkeypatch.setattr("flows.redact.names.convolution._MOST_WORDS", 5)
    forgetful = Convolution(nlp, lexicon)
    for text in (LONG, "Ines moved", "Kwabena and Ines", LONG):
        tokens = tokenize(text)
        every = np.arange(len(tokens))
        one, other = (each.probabilities(tokens, every, Memory()) for each in (whole, forgetful))
        assert np.allclose(one, other, atol=1e-6)
        assert whole.candidates(tokens).tolist() == forgetful.candidates(tokens).tolist()
