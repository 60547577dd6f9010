"""State: what a fitted thing is, as plain data that outlives every library version.

A State is JSON-able config, named numpy arrays, and named byte strings in a library's own
documented format (LightGBM text, XGBoost JSON, an ONNX graph). `kind` names the scorer that
answers with it; `parts` holds the states of members (a stack's base models, a forest's
calibrator). Nothing in a State is code, and no object array is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import StateError


@dataclass(frozen=True, eq=False)
class State:
    """Config, arrays, blobs and parts; see the module's first lines."""

    kind: str
    config: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, State] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            if array.dtype.hasobject:
                raise StateError(
                    f"State array {name!r} of {self.kind!r} has dtype {array.dtype}; "
                    "only numbers, booleans and fixed-width strings may be stored."
                )
        try:
            json.dumps(self.config, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise StateError(f"State config of {self.kind!r} is not JSON: {error}") from error

    @property
    def nbytes(self) -> int:
        """Bytes held by arrays and blobs, members included."""
        own = sum(a.nbytes for a in self.arrays.values()) + sum(map(len, self.blobs.values()))
        return own + sum(part.nbytes for part in self.parts.values())


def as_config(value: Any) -> Any:
    """Options as a State's config holds them: dicts, lists and Python's own numbers."""
    if isinstance(value, Mapping):
        return {str(name): as_config(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_config(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def same(a: State, b: State) -> bool:
    """True if two states are bit-equal (NaNs in the same places count as equal)."""
    if (a.kind, a.config, a.blobs) != (b.kind, b.config, b.blobs):
        return False
    if a.arrays.keys() != b.arrays.keys() or a.parts.keys() != b.parts.keys():
        return False
    arrays = all(_same_array(a.arrays[name], b.arrays[name]) for name in a.arrays)
    return arrays and all(same(a.parts[name], b.parts[name]) for name in a.parts)


def _same_array(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
