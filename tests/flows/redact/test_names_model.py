"""Models of others for names: used where the settings name them, and nothing is downloaded."""

import json
from pathlib import Path

import pytest
import spacy
import torch
from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast

from flows.redact import build_analyzer
from flows.redact.detect import find_entities
from flows.settings import SettingsError

TYPES = ("PERSON", "LOCATION", "ORGANIZATION", "EMAIL_ADDRESS")


def find(settings, named: str, text: str, types=TYPES) -> list[tuple[str, str]]:
    analyzer = build_analyzer(
        settings.model_copy(update={"names_model": named, "entity_types": types})
    )
    spans = find_entities(text, analyzer, lambda: None)
    return [(span.entity_type, text[span.start : span.end]) for span in spans]


@pytest.fixture(scope="module")
def spacy_model(tmp_path_factory) -> Path:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(
        [
            {"label": "PERSON", "pattern": "Zworx Lamp"},
            {"label": "GPE", "pattern": "Lampton"},
            {"label": "ORG", "pattern": "Lampworks"},
            {"label": "DATE", "pattern": "Friday"},
        ]
    )
    directory = tmp_path_factory.mktemp("model") / "lamps"
    nlp.to_disk(directory)
    return directory


def test_an_installed_spacy_model_finds_names_beside_our_patterns(spacy_model, settings):
    text = "Zworx Lamp of Lampworks in Lampton, zworx@lamps.io, by Friday. Catherine agreed."
    assert find(settings, f"spacy:{spacy_model}", text) == [
        ("PERSON", "Zworx Lamp"),
        ("ORGANIZATION", "Lampworks"),
        ("LOCATION", "Lampton"),
        ("EMAIL_ADDRESS", "zworx@lamps.io"),
    ]
    assert find(settings, f"spacy:{spacy_model}", text, ("PERSON",)) == [("PERSON", "Zworx Lamp")]


@pytest.fixture(scope="module")
def transformers_model(tmp_path_factory) -> Path:
    """Takes every word that it knows for a person's name, and no other."""
    directory = tmp_path_factory.mktemp("model") / "bert"
    directory.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "zworx", "the", "lamp", "is", "of"]
    (directory / "vocab.txt").write_text("\n".join(words), "utf-8")
    tokenizer = BertTokenizerFast(vocab=str(directory / "vocab.txt"))
    config = BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=64,
        id2label={0: "O", 1: "B-PER"}, label2id={"O": 0, "B-PER": 1},
    )  # fmt: skip
    model = BertForTokenClassification(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.bert.embeddings.LayerNorm.weight.fill_(1.0)
        for layer in model.bert.encoder.layer:
            layer.attention.output.LayerNorm.weight.fill_(1.0)
            layer.output.LayerNorm.weight.fill_(1.0)
        known = words.index("zworx")
        model.bert.embeddings.word_embeddings.weight[:, 0] = -1.0
        model.bert.embeddings.word_embeddings.weight[known, 0] = 1.0
        model.classifier.weight[1, 0] = 5.0
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def test_an_installed_transformers_model_finds_names(transformers_model, settings):
    found = find(settings, f"transformers:{transformers_model}", "the lamp of Zworx, a@b.io")
    assert found == [("PERSON", "Zworx"), ("EMAIL_ADDRESS", "a@b.io")]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("lamps", "is not packaged"),
        ("spacy:", "is not packaged"),
        ("flair:lamps", "is not packaged"),
        ("spacy:no_such_package", "cannot be loaded"),
        ("transformers:dslim/bert-base-NER", "nothing is downloaded"),
        ("gliner:urchade/gliner_base", "nothing is downloaded"),
        ("gliner:{tmp_path}", "cannot be loaded"),  # its library is no dependency of ours
        ("transformers:{tmp_path}", "cannot be loaded"),
    ],
)
def test_a_model_that_is_not_there_stops_before_data_is_read(named, message, settings, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "lamp"}))
    with pytest.raises(SettingsError, match=message):
        find(settings, named.format(tmp_path=tmp_path), "")
