"""Decides what counts as an answer: the asked labels and ids in the asked form, or nothing."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from flows.language_model.prompt import Prompt, label_names

ANSWERED = "answered"
CACHED = "cached"
REFUSED = "refused"
MALFORMED = "malformed"
RATE_LIMITED = "rate_limited"
TIMEOUT = "timeout"
ENDPOINT_DOWN = "endpoint_down"
SPENDING_CAP = "spending_cap"
HTTP_ERROR = "http_error"
FAILURES = (
    REFUSED,
    MALFORMED,
    RATE_LIMITED,
    TIMEOUT,
    ENDPOINT_DOWN,
    SPENDING_CAP,
    HTTP_ERROR,
)
NOT_SENT = (CACHED, ENDPOINT_DOWN, SPENDING_CAP)
"""Outcomes that no request was sent for."""


def _label_of(judgement_name: str) -> AfterValidator:
    def require(value: str) -> str:
        if value not in label_names(judgement_name):
            raise ValueError("no such label")
        return value

    return AfterValidator(require)


class Answer(BaseModel):
    """What the model said of one conversation; an id that it repeats counts once."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    occupational: bool
    use_case: Annotated[str, _label_of("use_case")]
    pattern: Annotated[str, _label_of("pattern")]
    soc_major: Annotated[str, _label_of("major_group")]
    task_ids: Annotated[list[int], AfterValidator(lambda ids: list(dict.fromkeys(ids)))]
    none_fits: bool


@dataclass(frozen=True)
class Reply:
    """What came of asking about one conversation.

    Attributes:
        outcome: `answered`, `cached` or one of `FAILURES`.
        answer: None where the outcome is a failure.
    """

    outcome: str
    answer: Answer | None = None


Ask = Callable[[Iterable[Prompt]], list[Reply]]
"""Asks in the order of the prompts; a reply per prompt, in the same order."""


@dataclass(frozen=True)
class Tokens:
    """What the endpoint charges for."""

    input_count: int
    output_count: int


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Charged(BaseModel):
    usage: _Usage


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


def read_completion(content: bytes, candidates: Collection[int]) -> Reply:
    """Reads a chat completion; whatever is not exactly what was asked for is `malformed`."""
    try:
        choice = _Completion.model_validate_json(content).choices[0]
    except ValidationError:
        return Reply(MALFORMED)
    if choice.message.refusal or choice.finish_reason == "content_filter":
        return Reply(REFUSED)
    answer = parse_answer(choice.message.content or "", candidates)
    return Reply(MALFORMED) if answer is None else Reply(ANSWERED, answer)


def read_usage(content: bytes) -> Tokens | None:
    """The tokens that a chat completion says it took; None where it does not say."""
    try:
        usage = _Charged.model_validate_json(content).usage
    except ValidationError:
        return None
    return Tokens(usage.prompt_tokens, usage.completion_tokens)


def parse_answer(text: str | bytes, candidates: Collection[int]) -> Answer | None:
    """The answer, if it has every field, known labels and no task but the candidates."""
    try:
        answer = Answer.model_validate_json(text)
    except ValidationError:
        return None
    return answer if set(answer.task_ids) <= set(candidates) else None
