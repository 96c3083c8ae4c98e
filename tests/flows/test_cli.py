"""Commands: help with an example, exit codes that tell failures apart, messages without data."""

import json
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from flows import cli
from flows.confine import ContractError, PrivacyGateError, RejectLimitError, StageError
from flows.settings import SettingsError

COMMANDS = [
    "demo", "sample", "run", "report", "sql", "redact", "label", "cluster", "evaluate", "index",
    "audit", "onet", "serve", "doctor",
]  # fmt: skip


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["worktally", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return int(stopped.value.code or 0)


def test_every_command_of_the_contract_is_there() -> None:
    group = typer.main.get_command(cli.app)
    assert sorted(group.commands) == sorted(COMMANDS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "onet"] + ["onet fetch"])
def test_help_has_an_example(command: str) -> None:
    result = CliRunner().invoke(cli.app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert f"worktally {command}" in result.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("x"), 2),
        (RejectLimitError("x"), 3),
        (ContractError("x"), 4),
        (StageError("x"), 4),
        (PrivacyGateError("x"), 5),
        (ValueError("the text of a conversation"), 4),
    ],
)
def test_the_exit_code_tells_the_kind_of_failure(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    assert run_main(monkeypatch) == code
    assert "the text of a conversation" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "nowhere.jsonl", "--quarter", "2026Q1"], 2),
        (["run", "logs.jsonl", "--quarter", "2026Q5"], 2),
        (["run", "logs.jsonl", "--quarter", "2026Q1", "--format", "foreign"], 2),
        (["run", "logs.jsonl", "--quarter", "2026Q1", "--onet", "nowhere"], 2),
        (["run", "logs.jsonl", "--quarter", "2026Q1", "--settings", "lower.toml"], 2),
        (["run", "logs.jsonl", "--quarter", "2026Q1", "--settings", "unknown.toml"], 2),
        (["run", "logs.jsonl", "--quarter", "2026Q1", "--account-unit", "people"], 2),
        (["run", "logs.jsonl"], 2),
        (["report", "--quarter", "2026Q1", "--database", "nowhere.duckdb"], 2),
        (["sql", "SELECT 1", "--database", "nowhere.duckdb"], 2),
        (["audit", "--database", "nowhere.duckdb", "--work", "nowhere"], 2),
        (["sample", "--conversations", "1", "--out", "s"], 2),
        (["nonsense"], 2),
    ],
)
def test_wrong_settings_stop_before_data_is_read(
    arguments: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("logs.jsonl").write_text(json.dumps({"messages": []}) + "\n")
    Path("lower.toml").write_text("[disclosure]\nconversation_floor = 14\n")
    Path("unknown.toml").write_text("[disclosure]\nfloor = 20\n")
    assert run_main(monkeypatch, *arguments) == code
    assert not Path("data/published").exists()
