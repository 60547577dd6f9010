"""Fully connected networks in numpy alone: no torch is woken to answer with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.models._kernels import _safetensors

Layers = Callable[[np.ndarray], np.ndarray]


def plain(made_of: Mapping[str, Any], blob: bytes | None) -> Layers | None:
    """What answers rows (n, inputs) for a network of that make; None if torch must."""
    return None
