"""Adapts the encoder's upper layers, so that a request lies near the task it was written for.

Contrastive learning with in-batch negatives (Henderson et al. 2017, arXiv 1705.00652), beside a
classifier of SOC minor groups on the same vectors. Lower layers and word vectors stay as they are,
so their output is computed once; only the changed layers are kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

FROZEN_LAYERS = 3
_EPOCHS = 3
_BATCH = 96
_LEARNING_RATE = 2e-4
_HEAD_LEARNING_RATE = 1e-2
_TEMPERATURE = 0.05
_GROUP_WEIGHT = 0.3
_HEAD_SCALE = 10.0  # unit vectors are too short for a linear classifier to separate
_MAX_REQUEST_TOKENS = 96
_MAX_STATEMENT_TOKENS = 64
_BUCKET = 16  # batches whose texts are sorted by length together: less padding


@dataclass(frozen=True)
class Pairs:
    """Requests and the tasks they were written for.

    Attributes:
        requests: Texts.
        statement_of_request: Index of each request's task in `statements`.
        statements: Texts.
        group_of_statement: SOC minor group of each statement, as an index.
        group_count: How many groups there are.
    """

    requests: Sequence[str]
    statement_of_request: NDArray[np.int64]
    statements: Sequence[str]
    group_of_statement: NDArray[np.int64]
    group_count: int


def adapt_encoder(model: Any, tokenizer: Any, pairs: Pairs, *, seed: int) -> None:
    """Trains the layers above `FROZEN_LAYERS` of a BERT model, in place."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    model.eval()
    requests = _lower_states(model, _tokenize(tokenizer, pairs.requests, _MAX_REQUEST_TOKENS))
    statements = _lower_states(model, _tokenize(tokenizer, pairs.statements, _MAX_STATEMENT_TOKENS))
    upper = [
        parameter
        for layer in model.encoder.layer[FROZEN_LAYERS:]
        for parameter in layer.parameters()
    ]
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for parameter in upper:
        parameter.requires_grad_(True)
    head = torch.nn.Linear(requests[0].shape[1], pairs.group_count)
    torch.nn.init.normal_(head.weight, std=0.02)
    optimizer = torch.optim.AdamW(
        [
            {"params": upper, "lr": _LEARNING_RATE},
            {"params": head.parameters(), "lr": _HEAD_LEARNING_RATE},
        ],
        weight_decay=0.01,
    )
    lengths = np.array([len(state) for state in requests])
    batches = [batch for _ in range(_EPOCHS) for batch in _batches(lengths, generator)]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[_LEARNING_RATE, _HEAD_LEARNING_RATE],
        total_steps=len(batches),
        pct_start=0.1,
        anneal_strategy="linear",
    )
    model.train()
    for batch in batches:
        loss = _loss(model, head, requests, statements, pairs, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(upper, 1.0)
        optimizer.step()
        schedule.step()
    model.eval()


def save_layers(model: Any, path: Path, *, base_sha256: str) -> None:
    """Writes the changed layers in half precision, and which weights they belong on."""
    tensors = {
        f"encoder.layer.{number}.{name}": value.to(torch.float16).contiguous()
        for number, layer in enumerate(model.encoder.layer)
        if number >= FROZEN_LAYERS
        for name, value in layer.state_dict().items()
    }
    save_file(tensors, path, {"base_sha256": base_sha256})


def _tokenize(tokenizer: Any, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    tokens: list[list[int]] = tokenizer(list(texts), truncation=True, max_length=max_tokens)[
        "input_ids"
    ]
    return tokens


@torch.no_grad()
def _lower_states(model: Any, tokens: Sequence[list[int]], batch: int = 128) -> list[Tensor]:
    """What the frozen layers make of each text, shape (tokens, dimensions)."""
    states: list[Tensor] = [torch.empty(0)] * len(tokens)
    order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        ids, mask = _pad([torch.tensor(tokens[place]) for place in places])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = _layers(model, model.embeddings(input_ids=ids), mask, 0, FROZEN_LAYERS)
        for row, place in enumerate(places):
            states[place] = hidden[row, : len(tokens[place])].to(torch.bfloat16).clone()
    return states


def _pad(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence(
        [torch.ones(len(row), dtype=torch.long) for row in rows], batch_first=True
    )
    return padded, mask


def _layers(model: Any, hidden: Tensor, mask: Tensor, first: int, last: int) -> Tensor:
    blocked = mask[:, None, None, :] == 0
    bias = torch.zeros(blocked.shape, dtype=hidden.dtype).masked_fill(
        blocked, torch.finfo(hidden.dtype).min
    )
    for layer in model.encoder.layer[first:last]:
        output = layer(hidden, bias)
        hidden = output[0] if isinstance(output, tuple) else output
    return hidden


def _unit_vectors(model: Any, states: Sequence[Tensor]) -> Tensor:
    """Mean-pooled, normalized vectors: the encoder's own pooling."""
    padded, mask = _pad([state.float() for state in states])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = _layers(model, padded, mask, FROZEN_LAYERS, len(model.encoder.layer))
    weights = mask[:, :, None].float()
    return F.normalize((hidden.float() * weights).sum(1) / weights.sum(1), dim=-1)


def _batches(
    lengths: NDArray[np.int64], generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Every request once, in random batches of texts of about the same length."""
    order = generator.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), _BATCH * _BUCKET):
        bucket = order[start : start + _BATCH * _BUCKET]
        bucket = bucket[np.argsort(lengths[bucket], kind="stable")]
        batches += [bucket[first : first + _BATCH] for first in range(0, len(bucket), _BATCH)]
    yield from (batches[place] for place in generator.permutation(len(batches)))


def _loss(
    model: Any,
    head: torch.nn.Linear,
    requests: Sequence[Tensor],
    statements: Sequence[Tensor],
    pairs: Pairs,
    batch: NDArray[np.int64],
) -> Tensor:
    of_batch = pairs.statement_of_request[batch]
    asked = _unit_vectors(model, [requests[place] for place in batch])
    stated = _unit_vectors(model, [statements[place] for place in of_batch])
    ids = torch.tensor(of_batch)
    is_same = (ids[:, None] == ids[None, :]).fill_diagonal_(fill_value=False)
    scores = (asked @ stated.T / _TEMPERATURE).masked_fill(is_same, -1e4)
    nearness = F.cross_entropy(scores, torch.arange(len(batch)))
    groups = torch.tensor(pairs.group_of_statement[of_batch])
    of_requests = F.cross_entropy(head(_HEAD_SCALE * asked), groups)
    of_statements = F.cross_entropy(head(_HEAD_SCALE * stated), groups)
    return nearness + _GROUP_WEIGHT * (of_requests + 0.5 * of_statements)
