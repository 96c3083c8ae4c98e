import json

import pytest
from pydantic import ValidationError

from flows.settings import SettingsError, load_settings

SECRET = "lampsecret"


@pytest.fixture
def write(tmp_path):
    def to_file(text):
        path = tmp_path / "own.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to_file


def test_the_defaults_are_the_floors_of_the_code():
    disclosure = load_settings().disclosure
    assert (
        disclosure.conversation_floor,
        disclosure.account_floor,
        disclosure.unknown_account_conversation_floor,
        disclosure.rounding_base,
    ) == (15, 5, 75, 10)
    assert disclosure.account_conversation_limit <= disclosure.rounding_base
    assert disclosure.dominance_percent > 0


def test_a_file_overrides_single_values_and_a_caller_overrides_the_file(write):
    path = write("[disclosure]\nconversation_floor = 20\naccount_floor = 6\n[cluster]\nseed = 7\n")
    settings = load_settings(path, disclosure={"account_floor": 9})
    assert settings.disclosure.conversation_floor == 20
    assert settings.disclosure.account_floor == 9
    assert settings.disclosure.unknown_account_conversation_floor == 75
    assert settings.cluster.seed == 7
    assert settings.cluster.neighbors == load_settings().cluster.neighbors


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("disclosure", "conversation_floor", 14),
        ("disclosure", "account_floor", 4),
        ("disclosure", "unknown_account_conversation_floor", 74),
        ("disclosure", "rounding_base", 9),
        ("disclosure", "rounding_base", 1_001),
        ("disclosure", "account_conversation_limit", 0),
        ("disclosure", "account_conversation_limit", 11),
        ("disclosure", "account_task_limit", 0),
        ("disclosure", "dominance_percent", -0.1),
        ("disclosure", "dominance_percent", 1_000.1),
        ("disclosure", "dominance_percent", float("nan")),
        ("ingest", "account_unit", SECRET),
        ("ingest", "reject_share_limit", 1.01),
        ("ingest", "reject_share_limit", float("nan")),
        ("ingest", "partition_conversations", 0),
        ("ingest", "assume_quarter", SECRET),
        ("redact", "score_threshold", -0.1),
        ("redact", "timeout_seconds", 0.0),
        ("redact", "timeout_seconds", float("inf")),
        ("redact", "entity_types", []),
        ("redact", "workers", 0),
        ("embed", "model_sha256", SECRET),
        ("cluster", "min_cluster_size", 1),
        ("match", "min_probability", float("nan")),
        ("publish", "platform_and_product", ""),
        ("publish", "keep_work", SECRET),
        ("publish", "lamp", 1),
        ("lamps", "lamp", 1),
    ],
)
def test_a_name_or_value_that_is_not_allowed_is_named_and_its_value_not_quoted(
    section, name, value
):
    with pytest.raises(SettingsError, match=section) as caught:
        load_settings(**{section: {name: value}})
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("disclosure = 3", "'disclosure' must be a section"),
        ("[disclosure", "not valid TOML"),
        (b"\xff\xfe", "not valid TOML"),
        ("[embed]\nbatch_size = 'many'", "embed.batch_size"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(text, message, write):
    with pytest.raises(SettingsError, match=message):
        load_settings(write(text))


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_refused(name, tmp_path):
    with pytest.raises(SettingsError, match="cannot read"):
        load_settings(tmp_path / name)


def test_settings_cannot_be_changed_once_read():
    with pytest.raises(ValidationError):
        load_settings().disclosure.conversation_floor = 1  # type: ignore[misc]


def test_the_hash_is_of_the_values_alone(write):
    one = load_settings(write("[cluster]\nseed = 7\nneighbors = 9\n"))
    other = load_settings(cluster={"neighbors": 9, "seed": 7})
    assert one.sha256() == other.sha256() != load_settings().sha256()
    assert json.loads(one.canonical_json()) == one.public()


@pytest.mark.parametrize(
    ("base", "limit", "is_allowed"),
    [(10, 9, True), (10, 10, True), (10, 11, False), (20, 20, True), (20, 21, False)],
)
def test_one_account_moves_no_count_by_more_than_the_rounding_hides(base, limit, is_allowed):
    changed = {"rounding_base": base, "account_conversation_limit": limit}
    if is_allowed:
        assert load_settings(disclosure=changed).disclosure.account_conversation_limit == limit
    else:
        with pytest.raises(SettingsError, match="account_conversation_limit must not exceed"):
            load_settings(disclosure=changed)


def test_the_parameter_of_the_dominance_rule_is_not_told():
    """Nor by the hash, which could be tried out."""
    settings, other = load_settings(), load_settings(disclosure={"dominance_percent": 33.25})
    assert "33.25" not in other.canonical_json()
    assert "dominance" not in other.canonical_json()
    assert other.sha256() == settings.sha256()
    told = settings.model_dump(mode="json")
    del told["disclosure"]["dominance_percent"]
    assert settings.public() == told
    assert settings.disclosure.dominance_percent == 20.0  # what is told is a copy


@pytest.mark.parametrize(
    "changed", [{"rounding_base": 20}, {"account_task_limit": 9}, {"account_conversation_limit": 9}]
)
def test_what_is_told_of_disclosure_control_is_hashed(changed):
    assert load_settings(disclosure=changed).sha256() != load_settings().sha256()
