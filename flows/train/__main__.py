"""Builds heads and ranker and says how good they are (`make train`); `--encoder`: layers first."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.settings import load_settings
from flows.train.build import build_classifiers, build_encoder


def main(
    onet: Annotated[Path, typer.Option(help="Directory of the O*NET release 30.1.")],
    encoder: Annotated[
        bool, typer.Option("--encoder", help="Adapt the encoder first; it takes longer.")
    ] = False,
) -> None:
    """Rebuilds taxonomy/classifiers from taxonomy/training."""
    settings = load_settings().embed
    if encoder:
        build_encoder(onet, settings=settings, say=sys.stderr.write)
    build_classifiers(onet, settings=settings, say=sys.stderr.write)


if __name__ == "__main__":
    typer.run(main)
