"""Builds encoder layers, heads and ranker, and says how good they are: `make train ONET=DIR`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.settings import load_settings
from flows.train.build import build


def main(
    onet: Annotated[Path, typer.Option(help="Directory of the O*NET release 30.1.")],
    keep_encoder: Annotated[
        bool, typer.Option(help="Fit the heads only, on the encoder as committed.")
    ] = False,
) -> None:
    """Rebuilds taxonomy/classifiers from taxonomy/training."""
    build(onet, settings=load_settings().embed, keep_encoder=keep_encoder, say=sys.stderr.write)


if __name__ == "__main__":
    typer.run(main)
