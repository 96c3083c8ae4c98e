import json
from pathlib import Path

import pytest

from flows.disclosure.thresholds import PrimaryRules
from flows.release import describe_release, release_rules
from flows.request import RunRequest
from flows.settings import load_settings
from flows.tables import Disclosure
from onet.release import load_release


@pytest.mark.parametrize(
    ("account_unit", "disclosure", "expected"),
    [
        ("account", {}, PrimaryRules(15, 5, 20.0)),
        ("account", {"conversation_floor": 20, "account_floor": 6, "dominance_percent": 9.5},
         PrimaryRules(20, 6, 9.5)),
        ("account", {"unknown_account_conversation_floor": 300}, PrimaryRules(15, 5, 20.0)),
        ("unknown", {}, PrimaryRules(75, None)),
        ("unknown", {"unknown_account_conversation_floor": 76}, PrimaryRules(76, None)),
        ("unknown", {"conversation_floor": 75}, PrimaryRules(75, None)),
        ("unknown", {"conversation_floor": 76}, PrimaryRules(76, None)),
        ("unknown", {"account_floor": 9}, PrimaryRules(75, None)),
    ],
)  # fmt: skip
def test_the_rules_of_a_release_are_those_of_its_settings(account_unit, disclosure, expected):
    settings = load_settings(ingest={"account_unit": account_unit}, disclosure=disclosure)
    assert release_rules(settings) == expected


def test_a_release_says_its_rules_but_not_the_parameter_of_dominance():
    disclosure = {
        "conversation_floor": 21,
        "account_floor": 6,
        "rounding_base": 25,
        "account_conversation_limit": 12,
        "account_task_limit": 7,
        "dominance_percent": 33.25,
    }
    request = RunRequest(
        sources=(),
        quarter="2026Q1",
        format_name=None,
        onet="starter",
        settings=load_settings(disclosure=disclosure),
        work=Path("work"),
        database=Path("db"),
        report_directory=Path("report"),
    )
    row = describe_release(request, load_release("starter"), Disclosure.create_empty()).row(
        0, named=True
    )
    del disclosure["dominance_percent"]
    assert {name: row[name] for name in disclosure} == disclosure
    told = json.loads(row["settings_json"])["disclosure"]
    assert {name: told[name] for name in disclosure} == disclosure
    assert "dominance" not in str(row)
    assert "33.25" not in str(row)
