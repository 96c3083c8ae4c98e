"""The written training conversations: ours, one by one, each with the rule it was written from.

Texts were written for this project; none is anybody's conversation. Task ids are those of O*NET
30.1 (ids are kept from release to release).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from taxonomy import cues

SETS = ("requests", "dialogues", "public", "non_occupational", "sensitive")
_PHATIC = re.compile(cues.PHATIC)


@dataclass(frozen=True)
class Written:
    """One written conversation.

    Attributes:
        name: The set it belongs to, one of `SETS`.
        turns: What user and assistant say, by turns; the user begins.
        language: ISO 639-1 code.
        pattern: The collaboration pattern, or `none`.
        rule: The rule of the constitution it was written from, such as `directive.produce`.
        occupational: Whether it is occupational.
        use_case: work, coursework or personal; None where it was not noted.
        task_id: The O*NET task it was written for, or that a reader found to describe it best, if
            any.
        other_task_ids: Tasks that a reader would accept as well, where they were noted.
        sensitive_subject: The sensitive subject, or `none`.
    """

    name: str
    turns: tuple[str, ...]
    language: str
    pattern: str
    rule: str
    occupational: bool
    use_case: str | None
    task_id: int | None
    other_task_ids: tuple[int, ...]
    sensitive_subject: str

    @property
    def user_turns(self) -> tuple[str, ...]:
        """What the user says."""
        return self.turns[::2]

    @property
    def opening(self) -> str:
        """The first request: the first of the user's turns that is more than a greeting."""
        asked = (turn for turn in self.user_turns if not _PHATIC.match(turn))
        return next(asked, self.turns[0])


@cache
def written_conversations() -> tuple[Written, ...]:
    """All of them, in the order of the files."""
    return tuple(_read_all())


def written_requests() -> pl.DataFrame:
    """The English openings with their task: `task_id`, `text`, in order of task and text.

    They extend the search index: a task is found by what people say as well as by its statement.
    """
    rows = [
        (written.task_id, written.opening)
        for written in written_conversations()
        if written.task_id is not None and written.language == "en"
    ]
    schema = {"task_id": pl.Int64, "text": pl.String}
    return pl.DataFrame(rows, schema, orient="row").sort("task_id", "text")


def _read_all() -> Iterator[Written]:
    for name in SETS:
        content = files("taxonomy.training").joinpath(f"{name}.jsonl").read_text("utf-8")
        for line in content.split("\n"):
            if line:
                yield _parse(name, json.loads(line))


def _parse(name: str, row: dict[str, object]) -> Written:
    turns = row["turns"] if "turns" in row else [row["text"]]
    rule = str(row["rule"])
    is_tied = row.get("task_id") is not None
    if name == "non_occupational":
        rule = f"none.{rule}"
    if name == "sensitive":
        rule = f"{row['subject']}.{rule}" if row["rule"] else "none"
    return Written(
        name=name,
        turns=tuple(map(str, turns)),  # type: ignore[call-overload]
        language=str(row["language"]),
        pattern=str(row["pattern"]) if "pattern" in row else rule.partition(".")[0],
        rule=rule,
        occupational=bool(row.get("occupational", is_tied)),
        use_case=str(row["use_case"]) if "use_case" in row else None,
        task_id=int(str(row["task_id"])) if is_tied else None,
        other_task_ids=tuple(row.get("also", ())),  # type: ignore[arg-type]
        sensitive_subject=str(row.get("subject", "none")),
    )
