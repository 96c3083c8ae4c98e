"""Corrected shares of a release: from released figures alone, by the judges of the release."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from flows import judges as judges_module
from flows import tables as t
from flows.disclosure.thresholds import PrimaryRules
from flows.evaluation.correction import MisclassificationCounts, misclassification
from flows.evaluation.evaluate import evaluate_labels
from flows.evaluation.judged import Judged
from flows.evaluation.page import write_evaluation
from flows.evaluation.release import (
    CORRECTED_COLUMNS,
    Correction,
    correct_groups,
    correct_patterns,
    read_correction,
)
from flows.judges import load_correction
from flows.label_file import Label, Labels
from flows.publish import publish_release
from flows.settings import SettingsError, load_settings
from reports.quarterly import render_report
from taxonomy.patterns import FIVE_PATTERNS, MODES

BLOCKS = (
    (1, "directive", 400, 40),
    (2, "feedback_loop", 100, 40),
    (3, "task_iteration", 300, 40),
    (4, "learning", 200, 40),
    (5, "validation", 60, 40),
    ("none", "none", 80, 40),
    ("not_classified", "not_classified", 40, 40),
)


def counts(labels, hits=900, misses=20):
    """Nearly always right; a mistake is any other answer, as likely as each."""
    table = np.full((len(labels), len(labels) + 1), misses)
    table[np.arange(len(labels)), np.arange(len(labels))] = hits
    rows = tuple(map(tuple, table.tolist()))
    return MisclassificationCounts(tuple(labels), (*labels, "not_classified"), rows, 1.0)


def correction(**parts):
    given = {
        "pattern": counts((*FIVE_PATTERNS, "none")),
        "mode": counts((*MODES, "none")),
        "soc_major": counts(("15", "27", "43", "51", "none")),
    } | parts
    return Correction({"classifiers": "a"}, "b", **given)


def corrected(tables, correction):
    patterns = correct_patterns(tables["collaboration_shares"], correction)
    groups = correct_groups(tables["soc_group_shares"], patterns, correction)
    return t.CollaborationShares.validate(patterns), t.SocGroupShares.validate(groups)


def of_all(patterns, base):
    rows = patterns.filter(
        unit_level="all", pattern_base=base
    ).with_columns(pl.col("pattern").cast(pl.String))  # fmt: skip
    return {row["pattern"]: row for row in rows.iter_rows(named=True)}


def test_patterns_of_all_conversations_are_corrected_by_the_matrix(release_tables):
    patterns, _ = corrected(release_tables(blocks=BLOCKS), correction())
    usage = np.array([block[2] for block in BLOCKS])
    table = counts((*FIVE_PATTERNS, "none")).array()
    matrix, one = misclassification(table), np.ones((1, 6))
    # least squares with the sum as a condition (Lagrange); none of the shares comes out negative
    normal = np.block([[matrix.T @ matrix, one.T], [one, np.zeros((1, 1))]])
    expected = np.linalg.solve(normal, np.append(matrix.T @ (usage / usage.sum()), 1.0))[:6]
    assert (expected > 0).all()
    for base, part in (("six", 1.0), ("five", expected[:5].sum())):
        rows = of_all(patterns, base)
        found = [rows[name]["corrected_share"] for name in FIVE_PATTERNS]
        np.testing.assert_allclose(found, expected[:5] / part, atol=1e-6)
        for name in (*FIVE_PATTERNS, *MODES):
            row = rows[name]
            assert row["corrected_lower"] < row["corrected_share"] < row["corrected_upper"]
    rows = of_all(patterns, "all")
    assert rows["not_classified"]["corrected_share"] is None
    assert rows["none"]["corrected_share"] == of_all(patterns, "six")["none"]["corrected_share"]


def test_fewer_labels_make_the_interval_wider(release_tables):
    widths = []
    for hits, misses in ((900, 20), (90, 2), (9, 1)):
        mode = counts((*MODES, "none"), hits, misses)
        patterns, _ = corrected(release_tables(blocks=BLOCKS), correction(mode=mode))
        row = of_all(patterns, "five")["automation"]
        widths.append(row["corrected_upper"] - row["corrected_lower"])
    assert widths == sorted(widths)
    assert widths[0] > row["share_upper"] - row["share_lower"] - 0.01


def test_withheld_rows_stay_withheld_and_uncorrected(release_tables):
    blocks = [*BLOCKS[:4], (5, "validation", 5, 5), *BLOCKS[5:]]
    patterns, groups = corrected(release_tables(blocks=tuple(blocks)), correction())
    rows = of_all(patterns, "five")
    assert rows["validation"]["corrected_share"] is None
    assert rows["directive"]["corrected_share"] is None  # its base is not released by pattern
    assert rows["automation"]["corrected_share"] is not None
    is_hidden = (pl.col("suppression") != "none") | pl.col("share").is_null()
    for table in (patterns, groups):
        for name in CORRECTED_COLUMNS:
            assert table.filter(is_hidden)[name].null_count() == table.filter(is_hidden).height


def test_what_is_not_released_changes_nothing(release_tables):
    """Two quarters that differ in withheld cells only are corrected alike."""
    found = []
    for withheld in (3, 4):
        blocks = [*BLOCKS[:2], (4, "task_iteration", 14 - withheld, 3), BLOCKS[3],
                  (4, "validation", withheld, 3), *BLOCKS[5:]]  # fmt: skip
        tables = release_tables(blocks=tuple(blocks))
        released = (tables["collaboration_shares"], tables["soc_group_shares"])
        found.append((*released, *corrected(tables, correction())))
    assert all(one.equals(other) for one, other in zip(*found, strict=True))
    rows = of_all(found[0][2], "five")
    assert rows["validation"]["share"] is rows["task_iteration"]["share"] is None
    assert rows["automation"]["corrected_share"] is not None


def test_major_groups_add_up_and_minor_ones_are_not_corrected(release_tables):
    _, groups = corrected(release_tables(blocks=BLOCKS), correction())
    major = groups.filter(pl.col("soc_level") == "major", pl.col("share").is_not_null())
    split = major.filter(pl.col("allocation_rule") == "split")
    assert split["corrected_share"].sum() == pytest.approx(1.0, abs=0.05)  # the rest: no usage here
    assert (split["corrected_share"] - split["share"]).abs().max() < 0.1
    others = groups.filter((pl.col("soc_level") != "major") | (pl.col("allocation_rule") == "full"))
    assert others["corrected_share"].null_count() == others.height


@pytest.mark.parametrize("missing", ["pattern", "mode", "soc_major"])
def test_without_labels_of_a_judgement_its_shares_are_not_corrected(missing, release_tables):
    patterns, groups = corrected(release_tables(blocks=BLOCKS), correction(**{missing: None}))
    rows = of_all(patterns, "five")
    assert (rows["directive"]["corrected_share"] is None) == (missing == "pattern")
    assert (rows["automation"]["corrected_share"] is None) == (missing == "mode")
    is_null = groups["corrected_share"].null_count() == groups.height
    assert is_null == (missing == "soc_major")


def test_without_an_evaluation_everything_is_null(release_tables):
    for table in corrected(release_tables(blocks=BLOCKS), None):
        assert table["corrected_share"].null_count() == table.height


def test_the_database_refuses_a_corrected_share_of_a_withheld_row(release_tables, tmp_path):
    tables = release_tables(blocks=(*BLOCKS[:4], (5, "validation", 5, 5), *BLOCKS[5:]))
    leaking = tables["collaboration_shares"].with_columns(
        pl.lit(0.5).alias(name) for name in CORRECTED_COLUMNS
    )
    with pytest.raises(Exception, match=r"a_withheld_share_is_not_corrected|floors"):
        publish_release(
            tables | {"collaboration_shares": leaking}, quarter="2026Q1",
            database=tmp_path / "w.duckdb",
        )  # fmt: skip


@pytest.mark.parametrize("is_corrected", [True, False])
def test_the_report_says_what_correction_does_or_how_to_get_one(
    is_corrected, release_tables, tmp_path
):
    tables = release_tables(blocks=BLOCKS)
    patterns, groups = corrected(tables, correction() if is_corrected else None)
    database = tmp_path / "w.duckdb"
    publish_release(
        tables | {"collaboration_shares": patterns, "soc_group_shares": groups},
        quarter="2026Q1", database=database,
    )  # fmt: skip
    text = render_report(database, quarter="2026Q1", out=tmp_path).html.read_text("utf-8")
    row = of_all(patterns, "five")["automation"]
    assert ("worktally evaluate SOURCE" in text) is not is_corrected
    if is_corrected:
        assert f"{row['corrected_share'] * 100:.1f}% of the usage in the five patterns" in text
        assert "SOC major groups, corrected" in text


@pytest.fixture
def written(tmp_path):
    labels = [Label(conversation_id="a", pattern="learning", soc_major="15", occupational=True)]
    row = {"conversation_id": "a", "occupational": True, "use_case": None, "pattern": "none",
           "soc_major": "27", "tasks": []}  # fmt: skip
    evaluation = evaluate_labels(
        [Judged(row)], Labels(tuple(labels), 0), task_dwas={}, seed=1, share_resamples=5,
        judges={"classifiers": "heads", "matching": "m"},
    )  # fmt: skip
    return write_evaluation(evaluation, tmp_path).json


def test_what_an_evaluation_writes_is_what_a_release_reads(written):
    found = read_correction(written)
    assert found.judges == {"classifiers": "heads", "matching": "m"}
    assert found.mode.labels == ("automation", "augmentation", "none")
    assert found.pattern.array().sum() == found.soc_major.array().sum() == 1
    assert found.soc_major.labels == ("15", "27", "none")


@pytest.mark.parametrize(
    "break_it",
    [
        lambda file: file.update(format="0"),
        lambda file: file.pop("judges"),
        lambda file: file["misclassification"].pop("mode"),
        lambda file: file["misclassification"]["mode"].update(labels=["none"]),
        lambda file: file["misclassification"]["mode"].update(effective_share=0),
        lambda file: file["misclassification"]["mode"].update(effective_share="secret"),
        lambda file: file["misclassification"]["mode"]["counts"][0].append(1),
        lambda file: file["misclassification"]["mode"]["counts"][0].__setitem__(0, -1),
        lambda file: file["misclassification"]["soc_major"]["counts"].pop(),
    ],
)
def test_a_broken_evaluation_is_a_wrong_setting(break_it, written):
    file = json.loads(written.read_text())
    break_it(file)
    written.write_text(json.dumps(file))
    with pytest.raises(SettingsError, match="is not an evaluation") as caught:
        read_correction(written)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff", b"[" * 100_000])
def test_no_evaluation_is_a_wrong_setting(content, tmp_path):
    path = tmp_path / "evaluation.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"publish\.evaluation"):
        read_correction(path)


@pytest.mark.parametrize(
    ("options", "heads", "message"),
    [
        ({}, "heads", None),
        ({}, "other heads", "other classifiers than"),
        ({"match": {"min_probability": 0.3}}, "heads", "other matching than"),
        ({"language_model": {"enabled": True, "url": "http://127.0.0.1/v1", "model": "m"}},
         "heads", "never asks a language model"),
    ],
)  # fmt: skip
def test_a_release_is_corrected_by_an_evaluation_of_its_own_judges(
    options, heads, message, written, monkeypatch
):
    evaluated = load_settings()
    monkeypatch.setattr(judges_module, "load_heads", lambda _: SimpleNamespace(sha256="heads"))
    file = json.loads(written.read_text())
    file["judges"] = judges_module.judges("starter", evaluated)
    written.write_text(json.dumps(file))
    monkeypatch.setattr(judges_module, "load_heads", lambda _: SimpleNamespace(sha256=heads))
    settings = load_settings(publish={"evaluation": str(written)}, **options)
    if message is None:
        assert load_correction("starter", settings) == read_correction(written)
        assert load_correction("starter", evaluated) is None
        return
    with pytest.raises(SettingsError, match=message) as caught:
        load_correction("starter", settings)
    assert ("evaluate again" in str(caught.value)) == (not settings.language_model.enabled)


def test_groups_are_not_corrected_where_clusters_speak(written, monkeypatch):
    monkeypatch.setattr(judges_module, "load_heads", lambda _: SimpleNamespace(sha256="heads"))
    settings = load_settings(publish={"evaluation": str(written)}, match={"mode": "combined"})
    file = json.loads(written.read_text())
    file["judges"] = judges_module.judges("starter", settings)
    written.write_text(json.dumps(file))
    assert load_correction("starter", settings) == replace(read_correction(written), soc_major=None)


def test_floors_of_unknown_accounts_are_corrected_too(release_tables):
    tables = release_tables(blocks=BLOCKS, floors=PrimaryRules(75, None))
    patterns, _ = corrected(tables, correction())
    assert of_all(patterns, "five")["automation"]["corrected_share"] is not None
