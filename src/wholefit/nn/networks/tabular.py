"""Networks for tables of numbers and category codes that hold their own against boosted trees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn import layers
from wholefit.nn.layers import numeric
from wholefit.nn.networks._checks import several, whole
from wholefit.nn.networks._registry import network


@network("realmlp", recipe={
    "optimizer": "adamw", "rate": 0.02, "batch": 256, "epochs": 64, "schedule": "coslog4",
    "weight_decay": 0.02, "label_smoothing": 0.1,
    "regression": {"rate": 0.04, "label_smoothing": 0.0}})
class RealMLP(nn.Module):
    """A dense network with good defaults; numbers (n, inputs) and codes (n, c) to (n, outputs).

    After Holzmüller et al. 2024, "Better by Default": robust scaling kept within bounds, embedded
    numbers, a learnt weight for each feature, dense layers in the neural-tangent parametrisation,
    activations that are learnt between the identity and a full one. Classes use selu, numbers
    mish; one output means numbers unless `activation` says otherwise. Theirs embeds by waves
    ("periodic"); quantile bins ("piecewise") were better or as good on the tables tried.
    `levels` are the levels of each code; `prepare` learns the scales; `groups` gives the rates.
    """

    def __init__(
        self, inputs: int, outputs: int, levels: Sequence[int] = (),
        hidden: Sequence[int] = (256, 256, 256), embedding: str = "piecewise", size: int = 4,
        dropout: float = 0.15, activation: layers.Activation | None = None,
    ) -> None:
        super().__init__()
        several("realmlp", levels=levels, hidden=hidden)
        whole("realmlp", outputs=outputs, hidden=hidden, levels=levels, size=size)
        act = activation or ("mish" if outputs == 1 else "selu")
        self.features = Features(inputs, levels, embedding, size)
        width = self.features.width
        self.chosen = layers.Scaled(width)
        stack: list[Any] = []
        for wide in hidden:
            stack += [Tangent(width, wide), Blend(wide, act), layers.dropout(dropout)]
            width = wide
        self.layers = nn.Sequential(*stack)
        self.head = Tangent(width, outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def prepare(self, numbers: torch.Tensor, codes: torch.Tensor | None = None) -> None:
        """Learn the scales of training rows."""
        self.features.prepare(numbers)

    def forward(self, numbers: torch.Tensor, codes: torch.Tensor | None = None) -> torch.Tensor:
        """Logits or numbers."""
        return self.head(self.layers(self.chosen(self.features(numbers, codes))))

    def groups(self) -> list[dict[str, Any]]:
        """Weights of features learn 6 times as fast; offsets, waves and shapes a tenth as fast."""
        slow = [p for m in self.modules() if isinstance(m, Tangent) for p in [m.bias]]
        slow += [p for m in self.modules() if isinstance(m, Blend | layers.Periodic)
                 for p in m.parameters()]
        fast = [self.chosen.weight]
        known = {id(p) for p in slow + fast}
        rest = [p for p in self.parameters() if id(p) not in known]
        return [{"params": rest, "factor": 1.0}, {"params": fast, "factor": 6.0, "decay": 0.0},
                {"params": slow, "factor": 0.1, "decay": 0.0}]


@network("tabm", recipe={
    "optimizer": "adamw", "rate": 1e-3, "batch": 256, "epochs": 60, "schedule": "constant",
    "weight_decay": 3e-4, "patience": 12, "clip": 1.0})
class TabM(nn.Module):
    """Many small networks in one; numbers (n, inputs) and codes (n, c) to (n, outputs).

    `members` dense networks share their weights but for factors on what goes in and comes out of
    each layer (Wen et al. 2020), and have answers of their own (Gorishniy et al. 2025, "TabM").
    Each learns by itself: in training the module gives (n, members, outputs), which `train` judges
    member by member. Else it gives one answer: `answers` "classes" averages the members'
    probabilities, "labels" those of each label by itself, "numbers" the numbers; unless said, one
    output means numbers, more mean classes. `levels` are the levels of each code; `prepare` learns
    scales and bins.
    """

    def __init__(
        self, inputs: int, outputs: int, levels: Sequence[int] = (), members: int = 16,
        hidden: Sequence[int] = (256, 256), embedding: str = "piecewise", size: int = 8,
        dropout: float = 0.1, activation: layers.Activation = "relu", answers: str | None = None,
    ) -> None:
        super().__init__()
        several("tabm", levels=levels, hidden=hidden)
        whole("tabm", outputs=outputs, hidden=hidden, levels=levels, size=size, members=members)
        answers = answers or ("numbers" if outputs == 1 else "classes")
        if answers not in ("classes", "labels", "numbers"):
            raise ParameterError("tabm.answers must be 'classes', 'labels', 'numbers' or None; got "
                                 f"{answers!r}.")
        self.members, self.answers = members, answers
        self.features = Features(inputs, levels, embedding, size)
        width = self.features.width
        self.signs = nn.Parameter(torch.randint(0, 2, (members, width)) * 2.0 - 1)
        stack: list[Any] = []
        for wide in hidden:
            stack += [Shared(width, wide, members), layers.activation(activation),
                      layers.dropout(dropout)]
            width = wide
        self.layers = nn.Sequential(*stack)
        bound = 1 / math.sqrt(width)
        self.weight = nn.Parameter(bound * (2 * torch.rand(members, width, outputs) - 1))
        self.bias = nn.Parameter(bound * (2 * torch.rand(members, outputs) - 1))

    def prepare(self, numbers: torch.Tensor, codes: torch.Tensor | None = None) -> None:
        """Learn the scales and bins of training rows."""
        self.features.prepare(numbers)

    def forward(self, numbers: torch.Tensor, codes: torch.Tensor | None = None) -> torch.Tensor:
        """(n, members, outputs) in training; else logits or numbers (n, outputs)."""
        x = self.features(numbers, codes)[:, None, :] * self.signs
        x = torch.einsum("nmi,mio->nmo", self.layers(x), self.weight) + self.bias
        return x if self.training else self._together(x)

    def apart(self, output: torch.Tensor, target: torch.Tensor) -> tuple[Any, Any]:
        """What training gave and its target as rows that any loss takes.

        Each member's answer becomes a row of its own, judged by the same target.
        """
        if output.dim() < 3:
            return output, target
        return output.flatten(0, 1), target.repeat_interleave(output.shape[1], 0)

    def _together(self, x: torch.Tensor) -> torch.Tensor:
        if self.answers == "numbers":
            return x.mean(1)
        many = math.log(self.members)
        if self.answers == "classes":
            return x.log_softmax(-1).logsumexp(1) - many
        yes = nn.functional.logsigmoid(x).logsumexp(1) - many
        return yes - (nn.functional.logsigmoid(-x).logsumexp(1) - many)


class Features(nn.Module):
    """Numbers and codes of a table as one vector a row: scaled, embedded, side by side."""

    def __init__(self, inputs: int, levels: Sequence[int], embedding: str, size: int) -> None:
        super().__init__()
        whole("a network for tables", least=0, inputs=inputs)
        if inputs + len(levels) == 0:
            raise ParameterError("a network for tables needs a number or a code; got none.")
        self.inputs = inputs
        self.scaled = layers.RobustScale(inputs)
        self.embedded = numeric.embedding(embedding if inputs else "none", inputs, size)
        self.categories = layers.Categories(levels)
        self.width = inputs * getattr(self.embedded, "size", 1) + self.categories.width

    def prepare(self, numbers: torch.Tensor) -> None:
        """Learn scales, then bins of what is scaled."""
        self.scaled.prepare(numbers)
        if isinstance(self.embedded, layers.Piecewise):
            self.embedded.prepare(self.scaled(numbers))

    def forward(self, numbers: torch.Tensor, codes: torch.Tensor | None) -> torch.Tensor:
        """(n, width)."""
        found = self.embedded(self.scaled(numbers))
        return torch.cat([found, self.categories(codes)], 1) if self.categories.levels else found


class Tangent(nn.Module):
    """x W / sqrt(inputs) + b with W and b normal: widths do not change the right rate.

    The neural-tangent parametrisation (Jacot et al. 2018).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.randn(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, outputs)."""
        return nn.functional.linear(x / math.sqrt(self.weight.shape[1]), self.weight, self.bias)


class Blend(nn.Module):
    """(1 - a) x + a f(x), a learnt for each feature from 1 on."""

    def __init__(self, size: int, activation: layers.Activation) -> None:
        super().__init__()
        self.act = layers.activation(activation)
        self.share = nn.Parameter(torch.ones(size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Like x."""
        return x + self.share * (self.act(x) - x)


class Shared(nn.Module):
    """One dense layer for all members, with factors and offsets of each (Wen et al. 2020)."""

    def __init__(self, inputs: int, outputs: int, members: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs, bias=False)
        self.into = nn.Parameter(torch.ones(members, inputs))
        self.out = nn.Parameter(torch.ones(members, outputs))
        bound = 1 / math.sqrt(inputs)
        self.bias = nn.Parameter((bound * (2 * torch.rand(outputs) - 1)).repeat(members, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, members, inputs) to (n, members, outputs)."""
        return self.dense(x * self.into) * self.out + self.bias
