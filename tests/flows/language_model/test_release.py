import json
from pathlib import Path

import pytest

from flows.release import describe_release
from flows.request import RunRequest
from flows.settings import load_settings
from flows.tables import Disclosure
from onet.release import load_release


@pytest.mark.parametrize(
    ("model", "released"),
    [("lamps/lamp-1", "lamps/lamp-1"), ("/home/somebody/lamp-1", "lamp-1")],
)
def test_a_release_says_which_model_was_asked_and_not_where(model, released):
    changes = {
        "enabled": True,
        "url": "http://127.0.0.1:8/v1",
        "model": model,
        "key_variable": "LAMP_KEY",
    }
    request = RunRequest(
        sources=(),
        quarter="2026Q1",
        format_name=None,
        onet="starter",
        settings=load_settings(language_model=changes),
        work=Path("work"),
        database=Path("db"),
        report_directory=Path("report"),
    )
    row = describe_release(request, load_release("starter"), Disclosure.create_empty()).row(
        0, named=True
    )
    told = json.loads(row["settings_json"])["language_model"]
    assert (told["enabled"], told["model"]) == (True, released)
    assert {"url", "key_variable"}.isdisjoint(told)
    assert not any(word in str(row) for word in ("127.0.0.1", "LAMP_KEY", "somebody"))
