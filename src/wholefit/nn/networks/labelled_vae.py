"""A variational autoencoder whose codes are made of a class and a code of their own.

Kingma et al. 2014 (M1 + M2). How it learns is in `wholefit.nn.generative.few_labels`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from wholefit.nn.networks import _generative as parts
from wholefit.nn.networks._checks import several, whole
from wholefit.nn.networks._registry import network
from wholefit.nn.networks.variational import VAE


@network("labelled_vae")
class LabelledVAE(nn.Module):
    """Rows (n, inputs) to logits (n, classes), by the means of the lower autoencoder's codes.

    `lower` makes codes of rows; `upper`, given a class, makes codes of those codes and says mean
    and log variance of each of their numbers; `classifier` tells classes from codes.
    """

    def __init__(
        self, inputs: int, classes: int, hidden: Sequence[int] = (400,), code: int = 50,
        upper_hidden: Sequence[int] = (200,), upper_code: int = 20, activation: str = "relu",
        output: str = "sigmoid",
    ) -> None:
        super().__init__()
        several("labelled_vae", hidden=hidden, upper_hidden=upper_hidden)
        whole("labelled_vae", inputs=inputs, classes=classes, hidden=hidden, code=code,
              upper_hidden=upper_hidden, upper_code=upper_code)
        self.classes = classes
        self.lower = VAE(inputs, hidden, code, activation=activation, output=output)
        self.upper = VAE(code, upper_hidden, upper_code, classes, activation, "linear", 2 * code)
        self.classifier = parts.dense(code, upper_hidden, classes, activation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes)."""
        found: torch.Tensor = self.classifier(self.lower.encode(x)[0])
        return found
