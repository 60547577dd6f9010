"""Numbers and category codes of a table as vectors that a network learns well from.

Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning"; Holzmüller
et al. 2024, "Better by Default", for the periodic form with an offset and for smooth clipping.
What they learn from the training rows (`prepare`) is kept in buffers, stored with the weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from wholefit.base.errors import ParameterError, unknown

EMBEDDINGS = ("none", "periodic", "piecewise")


class RobustScale(nn.Module):
    """Numbers (n, p) less their median, over their middle half's width, softly kept within 3.

    Where half the rows are equal the whole range is the scale; a constant becomes 0. What is not
    finite becomes the median. x / sqrt(1 + (x / 3)^2) keeps far values apart but bounded.
    """

    def __init__(self, inputs: int, bound: float = 3.0) -> None:
        super().__init__()
        self.bound = bound
        self.register_buffer("median", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))

    @torch.no_grad()
    def prepare(self, x: torch.Tensor) -> None:
        """Learn median and scale of training rows."""
        if not x.shape[0] or not x.shape[1]:
            return
        shares = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64)
        for at, column in enumerate(x.double().T):
            real = column[column.isfinite()]
            if len(real):
                least, low, middle, high, most = _quantile(real, shares).tolist()
                spread = high - low or (most - least) / 2
                self.median[at] = middle
                self.scale[at] = 1 / spread if spread else 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, p), within (-bound, bound)."""
        x = torch.where(x.isfinite(), x, self.median)
        # A difference of large numbers times a large scale may not fit float32.
        x = ((x - self.median) * self.scale).clamp(-1e9, 1e9)
        return x / torch.sqrt(1 + (x / self.bound) ** 2)


class Periodic(nn.Module):
    """Each number x as [x, W cos(2 pi c x + b)]: (n, p) to (n, p * size).

    Frequencies c start as normal with deviation `sigma`, offsets b as uniform over a turn; each
    feature has its own. Holzmüller et al. call it PBLD.
    """

    def __init__(self, inputs: int, size: int = 4, frequencies: int = 16, sigma: float = 0.1
                 ) -> None:
        super().__init__()
        if size < 2:
            raise ParameterError(f"Periodic.size must be >= 2; got {size}.")
        self.size = size
        self.frequency = nn.Parameter(sigma * torch.randn(inputs, frequencies))
        self.offset = nn.Parameter(math.pi * (2 * torch.rand(inputs, frequencies) - 1))
        bound = 1 / math.sqrt(frequencies)
        self.weight = nn.Parameter(bound * (2 * torch.rand(inputs, frequencies, size - 1) - 1))
        self.bias = nn.Parameter(bound * (2 * torch.rand(inputs, size - 1) - 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, p * size)."""
        waves = torch.cos(2 * math.pi * x[:, :, None] * self.frequency + self.offset)
        mixed = _each(waves, self.weight) + self.bias
        return torch.cat([x[:, :, None], mixed], 2).flatten(1)


class Piecewise(nn.Module):
    """Each number by how far it has come through quantile bins: (n, p) to (n, p * size).

    A bin behind x is 1, one ahead is 0, the one x lies in is the share passed; a linear map of its
    own for each feature makes `size` numbers of them. Beyond the ends it goes on for one bin.
    """

    def __init__(self, inputs: int, size: int = 8, bins: int = 32) -> None:
        super().__init__()
        self.size, self.bins = size, bins
        self.register_buffer("low", torch.linspace(-3, 3, bins + 1)[:-1].repeat(inputs, 1))
        self.register_buffer("width", torch.full((inputs, bins), 6 / bins))
        bound = 1 / math.sqrt(bins)
        self.weight = nn.Parameter(bound * (2 * torch.rand(inputs, bins, size) - 1))
        self.bias = nn.Parameter(bound * (2 * torch.rand(inputs, size) - 1))

    @torch.no_grad()
    def prepare(self, x: torch.Tensor) -> None:
        """Learn the bins of training rows: edges are quantiles; equal edges make one bin.

        Where a value is so common that half the edges fall on it, quantiles of the distinct values
        are taken, lest all the others share a bin.
        """
        if not x.shape[0] or not x.shape[1]:
            return
        shares = torch.linspace(0, 1, self.bins + 1, dtype=torch.float64)
        edges = torch.zeros(x.shape[1], self.bins + 1, dtype=torch.float64)
        for at, column in enumerate(x.double().T):
            real = column[column.isfinite()]
            if len(real):
                edges[at] = _quantile(real, shares)
                if 2 * len(edges[at].unique()) <= self.bins:
                    edges[at] = _quantile(real.unique(), shares)
        self.low.copy_(edges[:, :-1])
        self.width.copy_(edges[:, 1:] - edges[:, :-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, p * size)."""
        return (_each(self.shares(x), self.weight) + self.bias).flatten(1)

    def shares(self, x: torch.Tensor) -> torch.Tensor:
        """(n, p, bins): how much of each bin lies behind x."""
        real = self.width > 0
        passed = (x[:, :, None] - self.low) / torch.where(real, self.width, 1.0)
        lowest, highest = torch.zeros_like(self.width), torch.ones_like(self.width)
        lowest[:, 0], highest[:, -1] = -1.0, 2.0
        return torch.clamp(passed, lowest, highest) * real


class Categories(nn.Module):
    """Category codes (n, c) as vectors: few levels one-hot, more as learnt embeddings.

    A code outside 0 .. levels-1 (unseen, missing) has a place of its own: zeros among one-hots, a
    vector among embeddings. `width` is the features that come out.
    """

    def __init__(self, levels: Sequence[int], size: int = 8, one_hot: int = 8) -> None:
        super().__init__()
        self.levels = [int(level) for level in levels]
        if any(level < 1 for level in self.levels):
            raise ParameterError(f"levels must be >= 1; got {self.levels}.")
        self.few = [at for at, level in enumerate(self.levels) if level <= one_hot]
        self.many = [at for at, level in enumerate(self.levels) if level > one_hot]
        self.tables = nn.ModuleList(nn.Embedding(self.levels[at] + 1, size) for at in self.many)
        for table in self.tables:
            nn.init.normal_(table.weight, std=1 / math.sqrt(size))
        self.width = sum(self.levels[at] for at in self.few) + size * len(self.many)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """(n, width)."""
        if codes.dim() != 2 or codes.shape[1] != len(self.levels):
            raise ParameterError(f"codes must have shape (rows, {len(self.levels)}); got "
                                 f"{tuple(codes.shape)}.")
        kinds = self.tables[0].weight.dtype if self.tables else torch.get_default_dtype()
        parts = [nn.functional.one_hot(self._place(codes, at), self.levels[at] + 1)[:, :-1]
                 .to(kinds) for at in self.few]
        parts += [table(self._place(codes, at))
                  for at, table in zip(self.many, self.tables, strict=True)]
        return torch.cat(parts, 1) if parts else codes.new_zeros(len(codes), 0, dtype=kinds)

    def _place(self, codes: torch.Tensor, at: int) -> torch.Tensor:
        code, levels = codes[:, at].long(), self.levels[at]
        return torch.where((code >= 0) & (code < levels), code, levels)


class Scaled(nn.Module):
    """Each feature times a number that is learnt: a soft choice of features."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x times the weights."""
        return x * self.weight


def embedding(name: str, inputs: int, size: int) -> nn.Module:
    """The embedding of numbers of that name: "none", "periodic" or "piecewise"."""
    if name not in EMBEDDINGS:
        raise unknown("embedding of numbers", name, EMBEDDINGS)
    if name == "none":
        return nn.Identity()
    return Periodic(inputs, size) if name == "periodic" else Piecewise(inputs, size)


def _each(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """(n, p, a) by one matrix (p, a, b) a feature: (n, p, b)."""
    return torch.einsum("npa,pab->npb", x, weight)


def _quantile(values: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    # torch.quantile refuses more than 16 million values; numpy does not.
    return torch.from_numpy(np.quantile(values.cpu().numpy(), shares.numpy()))
