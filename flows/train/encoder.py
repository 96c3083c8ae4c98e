"""Adapts the encoder's layers, so that a request lies near the task it was written for.

Contrastive learning with in-batch negatives (Henderson et al. 2017, arXiv 1705.00652), beside
classifiers of SOC minor groups and detailed work activities on the same vectors. Word vectors stay
as they are; only the layers are kept.
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

_EPOCHS = 4
_BATCH = 96
_LEARNING_RATE = 1.5e-4
_HEAD_LEARNING_RATE = 1e-2
_TEMPERATURE = 0.05
_CLASS_WEIGHT = 0.3  # of each classifier's loss beside the nearness to the task
_STATEMENT_WEIGHT = 0.5  # of a statement beside a request, for the classifiers
_HEAD_SCALE = 10.0  # unit vectors are too short for a linear classifier to separate
_MAX_REQUEST_TOKENS = 96
_MAX_STATEMENT_TOKENS = 64
_BUCKET = 16  # batches whose texts are sorted by length together: less padding

Tokens = Sequence[list[int]]


@dataclass(frozen=True)
class Pairs:
    """Requests and the tasks they were written for.

    Attributes:
        requests: Texts.
        statement_of_request: Index of each request's task in `statements`.
        accepted: Which statements describe which request, its own among them: scipy sparse
            booleans, shape (requests, statements).
        statements: Texts.
        group_of_statement: SOC minor group of each statement, as an index.
        group_count: How many groups there are.
        activities: Which statement is part of which DWA: scipy sparse, shape (statements, DWAs).
    """

    requests: Sequence[str]
    statement_of_request: NDArray[np.int64]
    accepted: Any
    statements: Sequence[str]
    group_of_statement: NDArray[np.int64]
    group_count: int
    activities: Any


def adapt_encoder(model: Any, tokenizer: Any, pairs: Pairs, *, seed: int) -> None:
    """Trains the layers of a BERT model, in place."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    requests = _tokenize(tokenizer, pairs.requests, _MAX_REQUEST_TOKENS)
    statements = _tokenize(tokenizer, pairs.statements, _MAX_STATEMENT_TOKENS)
    layers = list(model.encoder.layer.parameters())
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for parameter in layers:
        parameter.requires_grad_(True)
    classifiers = torch.nn.ModuleDict(
        {
            "group": _classifier(model, pairs.group_count),
            "activity": _classifier(model, pairs.activities.shape[1]),
        }
    )
    optimizer = torch.optim.AdamW(
        [
            {"params": layers, "lr": _LEARNING_RATE},
            {"params": classifiers.parameters(), "lr": _HEAD_LEARNING_RATE},
        ],
        weight_decay=0.01,
    )
    lengths = np.array([len(tokens) for tokens in requests])
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
        loss = _loss(model, classifiers, requests, statements, pairs, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(layers, 1.0)
        optimizer.step()
        schedule.step()
    model.eval()


def save_layers(model: Any, path: Path, *, base_sha256: str) -> None:
    """Writes the layers in half precision, and which weights they belong on."""
    tensors = {
        f"encoder.layer.{name}": value.to(torch.float16).contiguous()
        for name, value in model.encoder.layer.state_dict().items()
    }
    save_file(tensors, path, {"base_sha256": base_sha256})


def _classifier(model: Any, labels: int) -> torch.nn.Linear:
    classifier = torch.nn.Linear(model.config.hidden_size, labels)
    torch.nn.init.normal_(classifier.weight, std=0.02)
    return classifier


def _tokenize(tokenizer: Any, texts: Sequence[str], max_tokens: int) -> Tokens:
    tokens: Tokens = tokenizer(list(texts), truncation=True, max_length=max_tokens)["input_ids"]
    return tokens


def _unit_vectors(model: Any, tokens: Tokens) -> Tensor:
    """Mean-pooled, normalized vectors: the encoder's own pooling."""
    rows = [torch.tensor(row) for row in tokens]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
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
    classifiers: Any,
    requests: Tokens,
    statements: Tokens,
    pairs: Pairs,
    batch: NDArray[np.int64],
) -> Tensor:
    of_batch = pairs.statement_of_request[batch]
    asked = _unit_vectors(model, [requests[place] for place in batch])
    stated = _unit_vectors(model, [statements[place] for place in of_batch])
    activities = pairs.activities[of_batch]
    # what else describes a request is no negative of it, nor is a task of the same activity
    accepted = pairs.accepted[batch][:, of_batch].toarray()
    is_near = torch.tensor(((activities @ activities.T).toarray() > 0) | accepted)
    scores = asked @ stated.T / _TEMPERATURE
    scores = scores.masked_fill(is_near.fill_diagonal_(fill_value=False), -1e4)
    groups = torch.tensor(pairs.group_of_statement[of_batch])
    spread = torch.tensor(activities.toarray(), dtype=torch.float32)
    spread = spread / spread.sum(1, keepdim=True).clamp(min=1.0)
    loss = F.cross_entropy(scores, torch.arange(len(batch)))
    for vectors, weight in ((asked, 1.0), (stated, _STATEMENT_WEIGHT)):
        scaled = _HEAD_SCALE * vectors
        of_groups = F.cross_entropy(classifiers["group"](scaled), groups)
        said = F.log_softmax(classifiers["activity"](scaled), dim=1)
        loss = loss + _CLASS_WEIGHT * weight * (of_groups - (spread * said).sum(1).mean())
    return loss
