import hashlib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.aggregate import aggregate_cells
from flows.disclosure.thresholds import PrimaryRules
from flows.publish import publish_release
from flows.shares import (
    Taxonomy,
    collaboration_shares,
    occupation_shares,
    soc_group_shares,
    task_depth,
    task_shares,
)
from flows.tables import (
    Coverage,
    Disclosure,
    Observations,
    ReferenceShares,
    ReferenceTaskOccupations,
    ReleasedClusters,
    Releases,
)
from onet.release import load_release
from onet.weights import statements, task_occupations
from tests.exact import withhold_cells

Tables = dict[str, pl.DataFrame]
PATTERNS = ["directive", "feedback_loop", "task_iteration", "learning", "validation", "none"]
PATTERNS += ["not_classified"]
ACCEPTED = 6_000
FLOORS = PrimaryRules(15, 5)


def starter_taxonomy() -> Taxonomy:
    release = load_release("starter")
    return Taxonomy(
        release.name, release.occupations, statements(release), task_occupations(release)
    )


def invent_tables(
    quarter: str = "2026Q1",
    *,
    seed: int = 1,
    conversations: int = ACCEPTED,
    floors: PrimaryRules = FLOORS,
    taxonomy: Taxonomy | None = None,
    notice: str = "Starter taxonomy, not O*NET",
    references: bool = True,
    clusters: bool = True,
) -> Tables:
    """The tables of a release about invented usage of the starter taxonomy."""
    taxonomy = taxonomy or starter_taxonomy()
    observations = _observations(taxonomy, seed, conversations, known=floors.accounts is not None)
    cells = aggregate_cells(observations, quarter=quarter)
    released = withhold_cells(cells, floors)
    return {
        "occupation_shares": occupation_shares(released, taxonomy),
        "soc_group_shares": soc_group_shares(released, taxonomy),
        "task_shares": task_shares(released, taxonomy),
        "collaboration_shares": collaboration_shares(released, taxonomy),
        "task_depth": task_depth(released, taxonomy, quarter=quarter),
        "clusters": _clusters(taxonomy, quarter, floors)
        if clusters
        else ReleasedClusters.create_empty(),
        "coverage": _coverage(quarter, conversations),
        "disclosure": _disclosure(quarter),
        "releases": _release(quarter, taxonomy, floors, notice),
        "reference_task_occupations": ReferenceTaskOccupations.validate(
            taxonomy.task_occupations.with_columns(onet_release=pl.lit(taxonomy.onet_release))
        ),
        "reference_shares": _references() if references else ReferenceShares.create_empty(),
    }


@pytest.fixture(scope="session")
def invent() -> Callable[..., Tables]:
    return invent_tables


@pytest.fixture(scope="session")
def starter() -> Taxonomy:
    return starter_taxonomy()


@pytest.fixture(scope="session")
def publish(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Builds a released database of the quarters given."""

    def build(*quarters: Tables) -> Path:
        database = tmp_path_factory.mktemp("published") / "worktally.duckdb"
        for tables in quarters:
            publish_release(tables, quarter=tables["releases"]["quarter"].item(), database=database)
        return database

    return build


@pytest.fixture(scope="session")
def database(publish: Callable[..., Path]) -> Path:
    """Two quarters of invented usage."""
    return publish(invent_tables("2026Q1"), invent_tables("2026Q2", seed=2, conversations=7_000))


@pytest.fixture(scope="session")
def withheld_database(publish: Callable[..., Path]) -> Path:
    """A quarter with fewer conversations than any figure needs."""
    return publish(invent_tables(conversations=12, references=False, clusters=False))


def _observations(
    taxonomy: Taxonomy, seed: int, conversations: int, *, known: bool
) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    tasks = taxonomy.statements["task_id"].to_numpy()
    popularity = np.random.default_rng(0).permutation(1 / np.arange(2, len(tasks) + 2) ** 0.9)
    usage = pl.DataFrame(
        {
            "observation_id": [_hashed(f"{seed} {n}") for n in range(conversations)],
            "account_id": [_hashed(f"account {n}") for n in random.integers(0, 900, conversations)],
            "task_id": random.choice(tasks, conversations, p=popularity / popularity.sum()),
            "pattern": random.choice(
                PATTERNS, conversations, p=[0.27, 0.14, 0.29, 0.2, 0.03, 0.04, 0.03]
            ),
            "usage": np.ones(conversations),
        }
    ).with_columns(account_id="account_id" if known else pl.lit(None, pl.String))
    matched = usage.join(taxonomy.task_occupations, on="task_id")
    is_matched = random.random(conversations) < 0.9
    outcome = pl.DataFrame({"observation_id": usage["observation_id"], "is_matched": is_matched})
    unmatched = usage.with_columns(
        task_id=pl.lit(None, pl.Int64), onet_soc_code=pl.lit(None, pl.String), weight=pl.lit(1.0)
    ).join(outcome.filter(~pl.col("is_matched")), on="observation_id")
    kept = matched.join(outcome.filter("is_matched"), on="observation_id")
    return (
        pl.concat([kept, unmatched], how="diagonal")
        .with_columns(
            outcome=pl.when("is_matched").then(pl.lit("matched")).otherwise(pl.lit("none"))
        )
        .select(Observations.column_names())
        .pipe(Observations.validate, cast=True)
    )


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _clusters(taxonomy: Taxonomy, quarter: str, floors: PrimaryRules) -> pl.DataFrame:
    labels = taxonomy.statements.head(3)
    return ReleasedClusters.validate(
        pl.DataFrame(
            {
                "quarter": quarter,
                "cluster_id": [0, 1, 2, 3, 4],
                "level": 0,
                "parent_cluster_id": pl.Series([None] * 5, dtype=pl.Int64),
                "label": [*labels["statement"], None, None],
                "label_task_id": [*labels["task_id"], None, None],
                "conversation_count": [401, 233, 77, max(31, floors.conversations), None],
                "suppression": ["none", "none", "none", "none", "primary"],
            }
        ),
        cast=True,
    )


def _coverage(quarter: str, accepted: int) -> pl.DataFrame:
    rows_in = accepted + 431
    counted = [
        ("ingest", "rows_in", "rows of the sources", rows_in, None),
        ("ingest", "rejected", "outside_quarter", 377, rows_in),
        ("ingest", "rejected", "malformed_json", 54, rows_in),
        ("redact", "accepted", "conversations", accepted, rows_in),
        ("cluster", "unclustered", "conversations", accepted // 5, accepted),
        ("classify", "none", "pattern", accepted // 25, accepted),
        ("match", "not_classified", "task", accepted // 20, accepted),
        ("disclose", "released_cells", "level: all", 16, None),
        ("disclose", "released_cells", "level: task", 116, None),
        ("disclose", "withheld_cells", "level: all", 0, None),
        ("disclose", "withheld_cells", "level: task", 3_685, None),
        ("disclose", "withheld_usage", "level: task", 516, 1_000),
    ]
    columns = ["stage", "measure", "detail", "value", "base_value"]
    return (
        pl.DataFrame(counted, schema=columns, orient="row")
        .with_columns(quarter=pl.lit(quarter), share=pl.col("value") / pl.col("base_value"))
        .select(Coverage.column_names())
        .pipe(Coverage.validate, cast=True)
    )


def _disclosure(quarter: str) -> pl.DataFrame:
    measures = {
        "attacked_figures": 5_212.0,
        "wanted_interval": 9.0,
        "narrowest_interval": 9.0,
        "rounding_reach": 10.0,
        "one_account_detection": 0.1,
        "removed_conversations": 230.0,
        "removed_share": 0.04,
        "complementary_cells": 12.0,
    }
    rows = [(quarter, name, value, f"What {name} says") for name, value in measures.items()]
    return pl.DataFrame(rows, Disclosure.create_empty().schema, orient="row")


def _release(quarter: str, taxonomy: Taxonomy, floors: PrimaryRules, notice: str) -> pl.DataFrame:
    row = {
        "quarter": quarter,
        "release_id": "",
        "platform_and_product": "AI assistant",
        "onet_release": taxonomy.onet_release,
        "taxonomy_notice": notice,
        "account_unit": "unknown" if floors.accounts is None else "account",
        "time_basis": "started_at",
        "conversation_floor": floors.conversations,
        "account_floor": floors.accounts,
        "rounding_base": 10,
        "account_conversation_limit": 10,
        "account_task_limit": 10,
        "disclosure_mode": "rounding",
        "epsilon": None,
        "epsilon_spent": None,
        "epsilon_total": None,
        "settings_hash": "ab" * 32,
        "settings_json": "{}",
        "code_version": "0.1.0 0123456789abcdef",
        "model_name": "all-MiniLM-L6-v2",
        "model_hash": "cd" * 32,
        "classifiers_hash": "dc" * 32,
        "constitution_version": "0123456789ab",
        "package_versions": '{"polars": "2.1.0", "hdbscan": "0.8.44"}',
    }
    return Releases.validate(pl.DataFrame([row]), cast=True)


def _references() -> pl.DataFrame:
    rows = [
        ("Economic Index 2025-02-10", "pattern", "directive", "five", 0.2775),
        ("Economic Index 2025-02-10", "pattern", "learning", "five", 0.23267),
        ("Economic Index 2025-02-10", "mode", "automation", "five", 0.4255),
        ("Economic Index 2025-02-10", "mode", "augmentation", "five", 0.5745),
        ("Economic Index 2025-02-10", "soc_major", "15-0000", "matched tasks, split", 0.372249),
        ("Economic Index 2025-02-10", "soc_major", "27", "matched tasks, split", 0.102774),
        ("Economic Index API 2025-09-15", "mode", "automation", "all", 0.7737),
    ]
    columns = ["source", "measure", "id", "base", "share"]
    return ReferenceShares.validate(pl.DataFrame(rows, schema=columns, orient="row"), cast=True)


@pytest.fixture(scope="session")
def read_page() -> Callable[[Path], "Page"]:
    def read(path: Path) -> Page:
        page = Page()
        page.feed(path.read_text("utf-8"))
        return page

    return read


class Page(HTMLParser):
    """What a browser finds in a page: elements with attributes, styles, and tables of text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.styles = ""
        self.text = ""
        self.tables: dict[str, list[list[str]]] = {}
        self.captions: list[str] = []
        self._open: list[str] = []
        self._rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)
        if tag == "table":
            self._rows = []
        if tag == "caption":
            self.captions.append("")
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.tables[self.captions[-1].split(" Base:")[0].strip()] = self._rows
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            self.styles += data
            return
        self.text += data
        if "caption" in self._open:
            self.captions[-1] += data
        if self._open and self._open[-1] in ("td", "th"):
            self._rows[-1][-1] += data
