"""Shows how far a run is: a bar per stage on a terminal, one line per stage elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

logger = logging.getLogger("worktally")


def start_logging() -> None:
    """Sends our log lines to standard error, with the time; once per process."""
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


@dataclass
class StageRecord:
    """What one stage did.

    Attributes:
        name: Stage of the line.
        seconds: Wall time.
        rows_in: Rows it was given.
        rows_out: Rows it handed on.
        rejected: Rejected rows by rule.
    """

    name: str
    seconds: float = 0.0
    rows_in: int = 0
    rows_out: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)

    def line(self) -> str:
        """The one log line of a stage."""
        if not self.rows_in and not self.rows_out:
            return f"{self.name}: {self.seconds:.1f} s"
        rejected = sum(self.rejected.values())
        rules = ", ".join(f"{rule} {count:,}" for rule, count in sorted(self.rejected.items()))
        return (
            f"{self.name}: {self.rows_in:,} rows in, {self.rows_out:,} out, {rejected:,} rejected"
            f"{f' ({rules})' if rules else ''}, {self.seconds:.1f} s"
        )


@dataclass
class RunProgress:
    """The records of a run's stages, in order, and the display they are shown on."""

    console: Console
    records: list[StageRecord] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str, steps: int = 1) -> Iterator[tuple[StageRecord, Callable[[], None]]]:
        """Times a stage of `steps` steps; yields its record, to be filled, and a step counter."""
        record = StageRecord(name)
        started = time.monotonic()
        with self._bar() as bar:
            task = bar.add_task(name, total=steps)
            yield record, lambda: bar.advance(task)
        record.seconds = time.monotonic() - started
        self.records.append(record)
        if self.console.is_terminal:
            self.console.print(f"  {record.line()}", highlight=False)
        else:
            logger.info(record.line())

    def _bar(self) -> Progress:
        return Progress(
            TextColumn("{task.description:>10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
