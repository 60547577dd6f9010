"""Series laid flat in a row of numbers, read in the order of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError, unknown
from wholefit.nn.networks._registry import REGISTRY, network

READERS = ("temporal", "rnn", "gru", "lstm", "transformer_encoder")


@network("series", {"batch": 64})
class Series(nn.Module):
    """A row of `inputs` numbers is a series of inputs / `per_step` steps, read by `reader`.

    An array (n, time, channels) becomes such rows by `X.reshape(len(X), -1)`, with `per_step` its
    channels. `reader` are the options of a sequence network with its name. `normalise` gives each
    channel of each series mean 0 and deviation 1, so that shapes are compared and not levels.
    """

    def __init__(
        self, inputs: int, outputs: int, per_step: int = 1,
        reader: Mapping[str, Any] | None = None, normalise: bool = True,
    ) -> None:
        super().__init__()
        if per_step < 1 or inputs % per_step:
            raise ParameterError(f"per_step must divide the {inputs} numbers of a row; "
                                 f"got {per_step}.")
        options = {"network": "temporal", **(reader or {})}
        name = options.pop("network")
        if name not in READERS:
            raise unknown("reader of series", str(name), READERS)
        self.per_step, self.normalise = per_step, normalise
        if name == "transformer_encoder":
            options.setdefault("length", inputs // per_step)
        self.reader = REGISTRY[name](features=per_step, outputs=outputs, **options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits or numbers (n, outputs)."""
        steps = x.reshape(x.shape[0], -1, self.per_step)
        if self.normalise:
            spread, mean = torch.std_mean(steps, dim=1, keepdim=True, correction=0)
            steps = (steps - mean) / spread.clamp(min=1e-6)
        return self.reader(steps)
