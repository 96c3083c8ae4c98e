"""What an encoder is: n texts in, n unit vectors out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True)
class Encoder:
    """A sentence encoder whose weights were verified.

    Attributes:
        name: `all-MiniLM-L6-v2`, or the name of the model's directory.
        sha256: Of `model.safetensors`.
        encode: n texts to n unit vectors, float32 of shape (n, dimensions).
    """

    name: str
    sha256: str
    encode: Encode
