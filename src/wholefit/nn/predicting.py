"""A module's answers for arrays of any length."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn.batches import Arrays, tensors
from wholefit.nn.memory import kept


def place(device: str) -> torch.device:
    """The device of that name; "auto" is the first of cuda, mps, cpu that is there.

    Raises ParameterError for one that this machine has not.
    """
    found = next(filter(here, ("cuda", "mps", "cpu"))) if device == "auto" else device
    if not here(found):
        raise ParameterError(f"device {device!r} is not on this machine, or torch was installed "
                             "without it; take 'auto' or 'cpu'.")
    return torch.device(found)


def here(device: str) -> bool:
    """True where this machine has that device, and torch can use it ("auto" is everywhere)."""
    kind = device.partition(":")[0]
    if kind == "cuda":
        return bool(torch.cuda.is_available())
    return bool(torch.backends.mps.is_available()) if kind == "mps" else True


def predict(module: nn.Module, inputs: Arrays, *, batch: int = 1024) -> np.ndarray:
    """`module(*inputs)` in eval mode, batch by batch, as a numpy array; no rows give no rows."""
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    module.eval()
    found: list[Any] = []
    with torch.inference_mode(), kept() if len(inputs[0]) > batch else nullcontext():
        for start in range(0, max(1, len(inputs[0])), batch):
            piece = tensors([array[start:start + batch] for array in inputs], device)
            found.append(module(*piece).float().cpu())
    return np.asarray((found[0] if len(found) == 1 else torch.cat(found)).numpy())
