"""How long the judgements take beside the embedding that they stand on: `make bench ONET=DIR`.

The peer is the encoder itself on the same conversations, in the same run; each is timed three times
and the least counts, since machines are shared.
"""

import tempfile
from pathlib import Path

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from flows.classify import classify_conversations
from flows.embed import embed_conversations
from flows.identity import keyed_hash
from flows.ingest.accept import accept_records
from flows.ingest.read import read_records
from flows.loaded import load_encoder, load_heads, task_index
from flows.match import rank_tasks
from flows.sample import write_sample
from flows.settings import load_settings
from flows.tables import RedactedMessages
from tests.bench.timing import least_seconds

_KEY = b"only for this benchmark: nothing is published"


def main(onet: str = "starter", conversations: int = 1_000) -> None:
    """Prints seconds per 1,000 conversations, and each as a share of the embedding."""
    settings = load_settings()
    encoder, heads = load_encoder(settings.embed), load_heads(settings.embed)
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        index = task_index(onet, settings.embed, work / "work")
        sample = write_sample(
            conversation_count=conversations, quarters=["2026Q1"], seed=1, out=work / "sample"
        )
        records = read_records([sample.quarters[0].log], format_name=None, settings=settings.ingest)
        parts = list(
            accept_records(
                records,
                quarter=None,
                keyed_hash=keyed_hash(_KEY, None),
                settings=settings.ingest,
            )
        )
    accepted = pl.concat(part.conversations for part in parts)
    messages = RedactedMessages.validate(pl.concat(part.messages for part in parts), cast=True)
    embeddings = embed_conversations(messages, encode=encoder.encode, settings=settings.embed)
    seconds = {
        "embed": least_seconds(
            lambda: embed_conversations(messages, encode=encoder.encode, settings=settings.embed)
        ),
        "classify": least_seconds(
            lambda: classify_conversations(accepted, messages, embeddings, classifiers=heads)
        ),
        "rank tasks": least_seconds(
            lambda: rank_tasks(embeddings, index, classifiers=heads, settings=settings.match)
        ),
    }
    table = Table(
        "stage", "s per 1,000", "of embedding", title=f"{accepted.height:,} conversations"
    )
    for stage, taken in seconds.items():
        share = taken / seconds["embed"]
        table.add_row(stage, f"{1000 * taken / accepted.height:.2f}", f"{share:+.1%}")
    labelling = sum(seconds.values()) / seconds["embed"] - 1.0
    table.add_row("labelling over embedding", "", f"{labelling:+.1%}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
