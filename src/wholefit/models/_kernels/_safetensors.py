"""Reads the safetensors format with numpy alone: eight bytes of length, a JSON header, the data.

The format: https://github.com/huggingface/safetensors. Every offset is checked before it is used.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from wholefit.base.errors import StateError

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
          "I8": "|i1", "U8": "|u1", "BOOL": "|b1"}
_HEADER = 100_000_000


def shapes(blob: bytes) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor; StateError if the file is damaged."""
    return {name: shape for name, (_, shape, _, _) in _entries(blob).items()}


def arrays(blob: bytes) -> dict[str, np.ndarray]:
    """Every tensor as an array that shares the file's memory; StateError if it is damaged."""
    return {name: np.frombuffer(blob, kind, count=math.prod(shape), offset=start).reshape(shape)
            for name, (kind, shape, start, _) in _entries(blob).items()}


def _entries(blob: bytes) -> dict[str, tuple[Any, tuple[int, ...], int, int]]:
    try:
        size = int.from_bytes(blob[:8], "little")
        if not 2 <= size <= min(len(blob) - 8, _HEADER):
            raise ValueError(f"a header of {size} bytes in a file of {len(blob)}")
        header = json.loads(blob[8:8 + size])
        found = {str(name): _entry(facts, 8 + size, len(blob))
                 for name, facts in header.items() if name != "__metadata__"}
        # Tensors that share bytes would make of a small file a large allocation.
        if sum(stop - start for _, _, start, stop in found.values()) > len(blob) - 8 - size:
            raise ValueError("its tensors lie upon each other")
        return found
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError,
            ValueError) as error:
        raise StateError(f"the weights of a network are damaged: {error}") from error


def _entry(facts: Any, base: int, end: int) -> tuple[Any, tuple[int, ...], int, int]:
    kind = np.dtype(_TYPES[facts["dtype"]])
    shape = tuple(int(size) for size in facts["shape"])
    start, stop = (int(at) + base for at in facts["data_offsets"])
    whole = math.prod(shape) * kind.itemsize
    if min(shape, default=0) < 0 or not base <= start <= stop <= end or stop - start != whole:
        raise ValueError(f"a tensor of shape {shape} does not lie where it should")
    return kind, shape, start, stop
