"""The small classifiers trained from the constitution, and the encoder's changed layers."""

from importlib.resources import files
from pathlib import Path

from taxonomy.classifiers.heads import (
    ClassifierError,
    Classifiers,
    Head,
    decide,
    head_probabilities,
    load_classifiers,
    save_classifiers,
)

HEADS_FILE = Path(str(files("taxonomy.classifiers"))) / "heads.safetensors"
ENCODER_FILE = Path(str(files("taxonomy.classifiers"))) / "encoder.safetensors"

__all__ = [
    "ENCODER_FILE",
    "HEADS_FILE",
    "ClassifierError",
    "Classifiers",
    "Head",
    "decide",
    "head_probabilities",
    "load_classifiers",
    "save_classifiers",
]
