"""Two invented quarters through the whole line, for a first look."""

import shutil
from pathlib import Path
from typing import Any

from flows.launch import run_quarter
from flows.request import RunRequest
from flows.sample import write_sample
from flows.settings import SettingsError, load_settings

QUARTERS = ("2026Q1", "2026Q2")
_SEED = 1
_MARK = "made-by-worktally-demo"


def run_demo(*, conversations: int, out: Path) -> list[dict[str, Any]]:
    """Samples, runs and reports; an earlier demo in `out` is replaced, anything else is not.

    Returns:
        The summary of each quarter's run.

    Raises:
        SettingsError: `out` holds something that no demo made.
    """
    _clear(out)
    sample = write_sample(
        conversation_count=conversations, quarters=QUARTERS, seed=_SEED, out=out / "sample"
    )
    return [
        run_quarter(
            RunRequest(
                sources=(written.log,),
                quarter=written.quarter,
                format_name=None,
                onet="starter",
                settings=load_settings(),
                work=out / "work",
                database=out / "worktally.duckdb",
                report_directory=out,
            )
        )
        for written in sample.quarters
    ]


def _clear(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        if not (out / _MARK).exists():
            raise SettingsError(f"demo: {out} holds something else; name another with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARK).touch()
