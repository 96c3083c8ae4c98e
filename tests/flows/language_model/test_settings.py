import pytest

from flows.settings import SettingsError, load_settings

ENABLED = {"enabled": True, "url": "http://127.0.0.1:8/v1", "model": "lamp-1"}


def test_the_language_model_is_off_unless_asked_for():
    assert load_settings().language_model.enabled is False


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"enabled": True}, "enabled requires url and model"),
        (ENABLED | {"url": ""}, "enabled requires url and model"),
        (ENABLED | {"model": ""}, "enabled requires url and model"),
        ({"max_characters": 4_099}, "max_characters must exceed"),
        ({"key_variable": "sk-lamp-1"}, "language_model.key_variable"),
        ({"key": "sk-lamp-1"}, "language_model.key"),
        ({"max_spend_usd": -0.01}, "language_model.max_spend_usd"),
        ({"max_spend_usd": float("nan")}, "language_model.max_spend_usd"),
        ({"max_spend_usd": float("inf")}, "language_model.max_spend_usd"),
        ({"timeout_seconds": 0.0}, "language_model.timeout_seconds"),
        ({"workers": 0}, "language_model.workers"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_quoting_a_value(changes, message):
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(language_model=changes)
    assert "sk-lamp" not in str(caught.value)
