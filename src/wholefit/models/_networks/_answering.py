"""A network that answers a matrix: inputs cut, pictures normalised, outputs as float64."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit import nn as engine
from wholefit.models._kernels._network_inputs import Inputs
from wholefit.nn.quiet import threads

Figures = Sequence[tuple[np.ndarray, np.ndarray]]
# Rows answered at a time: numbers are small, pictures and texts are not.
_ROWS = {"numbers": 4096, "other": 256}


class Prepared(nn.Module):
    """The network behind its preparation: pixels 0..255 become normalised floats on the device.

    `figures` are mean and standard deviation (channels,) of each image input, which are the first
    inputs of four axes.
    """

    def __init__(self, inner: nn.Module, figures: Figures) -> None:
        super().__init__()
        self.inner = inner
        for at, (mean, spread) in enumerate(figures):
            for name, value in (("mean", mean), ("spread", spread)):
                shaped = torch.tensor(value, dtype=torch.float32).view(1, -1, 1, 1)
                self.register_buffer(f"{name}_{at}", shaped, persistent=False)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """What the network gives for the prepared inputs."""
        return self.inner(*self.normalised(inputs))

    def normalised(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The inputs with their pictures normalised."""
        found, image = [], 0
        for each in inputs:
            if each.dim() == 4:
                mean, spread = getattr(self, f"mean_{image}"), getattr(self, f"spread_{image}")
                each = (each.to(mean.dtype) - mean) / spread
                image += 1
            found.append(each)
        return found


class Answering:
    """Raw outputs (n, outputs) for a matrix.

    Networks of numbers and codes alone answer in float64, so that a row's answer does not hang
    on the batch it comes in; pictures and texts answer in float32, where it does by about 1e-6.
    """

    def __init__(self, module: nn.Module, inputs: Inputs, figures: Figures) -> None:
        import copy

        self.inputs = inputs
        self.exact = not (inputs.of("image") or inputs.of("tokens"))
        module = copy.deepcopy(module).cpu().eval()
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        self.module = Prepared(module.double() if self.exact else module, figures)

    def raw(self, X: np.ndarray) -> np.ndarray:
        """Outputs (n, outputs) in float64 for X (n, features)."""
        rows = _ROWS["numbers" if self.exact else "other"]
        dtype = np.float64 if self.exact else np.float32
        found = []
        with plain_threads(self.module, self.exact):
            for start in range(0, len(X), rows):
                pieces = self.inputs.split(X[start:start + rows], dtype)
                found.append(self._answer(pieces, rows))
        whole = np.concatenate(found).astype(np.float64)
        return whole[:, None] if whole.ndim == 1 else whole

    def _answer(self, pieces: list[np.ndarray], rows: int) -> np.ndarray:
        if not self.exact:
            return engine.predict(self.module, pieces, batch=rows)
        with torch.inference_mode():
            return np.asarray(self.module(*map(torch.from_numpy, pieces)).numpy())


@contextmanager
def plain_threads(module: Any, few: bool) -> Iterator[None]:
    """Small networks answer on one thread: waking others takes longer than they save."""
    size = sum(each.numel() for each in module.parameters())
    with threads(1 if few and size < 100_000 else torch.get_num_threads()):
        yield
