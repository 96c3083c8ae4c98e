"""The README's commands work as they stand there, one after the other, in an empty directory."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOT_HERE = ("make ", "goes online", "needs the release")


def readme_commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines() if line.strip()]
    return [line for line in lines if not any(mark in line for mark in NOT_HERE)]


def test_there_are_commands_to_run() -> None:
    assert [command.split()[1] for command in readme_commands()] == [
        "sample", "run", "sql", "sql", "audit",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_commands_of_the_readme_work(tmp_path: Path) -> None:
    for command in readme_commands():
        program, *arguments = shlex.split(command)
        assert program == "worktally"
        finished = subprocess.run(
            [sys.executable, "-c", "from flows.cli import main; main()", *arguments],
            cwd=tmp_path,
            env={**os.environ, "WORKTALLY_KEY": "57b03f19-for-the-readme-c4e8a26d"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert finished.returncode == 0, (command, finished.stderr)


def test_every_path_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
