"""Each third-party library has one home, so that changing it is a change of one room."""

import grimp
import pytest

PACKAGES = ("flows", "onet", "taxonomy", "reports")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True)


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("prefect", {"flows.quarterly"}),
        ("presidio_analyzer", {"flows.redact"}),
        ("spacy", {"flows.redact", "flows.train.names"}),
        ("faker", {"flows.redact.names.lexicon", "flows.train.marked"}),
        ("sentence_transformers", {"flows.embed"}),
        ("hdbscan", {"flows.cluster"}),
        ("umap", {"flows.cluster"}),
        ("duckdb", {"flows.publish", "flows.database", "flows.audit", "reports"}),
        ("typer", {"flows.cli", "flows.train"}),
        ("py3langid", {"flows.language"}),
        ("datasketch", {"flows.disclosure.duplicates"}),
        ("highspy", {"flows.disclosure.attacker", "flows.disclosure.polytope"}),
        ("opendp", {"flows.disclosure.differential_privacy"}),
        ("torch", {"flows.train"}),
        ("sklearn", {"flows.classify", "flows.train"}),
        ("altair", {"reports", "flows.evaluation"}),
        ("httpx", {"onet.fetch", "flows.launch", "flows.language_model.endpoint"}),
    ],
)
def test_a_library_is_imported_at_home_only(
    library: str, homes: set[str], graph: grimp.ImportGraph
) -> None:
    importers = graph.find_modules_that_directly_import(library)
    assert importers, library
    astray = {
        module
        for module in importers
        if not any(module == home or module.startswith(f"{home}.") for home in homes)
    }
    assert astray == set()
