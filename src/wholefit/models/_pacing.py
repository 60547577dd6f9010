"""How long a network is taught where nobody says: few rows need more passes, not fewer steps."""

from __future__ import annotations

import math
from typing import Any


def batch_of(rows: int, low: int, high: int) -> int:
    """Rows a step: a thirty-second of the rows as a power of two, from `low` to `high`."""
    size = 2 ** round(math.log2(rows / 32)) if rows > 32 else 1
    return int(min(max(size, low), high))


def paced(rows: int, *, epochs: int | None, batch: int | None, least: int, steps: int,
          most: int, low: int, high: int) -> dict[str, Any]:
    """`epochs` and `batch` as given; else batches that suit the rows, and as many epochs as make
    `steps` steps, at least `least` and at most `most` of them.
    """
    size = batch_of(rows, low, high) if batch is None else batch
    if epochs is None:
        epochs = min(max(math.ceil(steps / math.ceil(rows / size)), least), most)
    return {"epochs": epochs, "batch": size}
