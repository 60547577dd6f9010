"""Where a token stands: fixed waves, learnt vectors, or turned queries and keys.

Attention alone cannot tell "he eats a burger" from "a burger eats he": a sum over tokens is the
same in any order. Sinusoidal positions: Vaswani et al. (2017); rotary ones: Su et al. (2021).
"""

from __future__ import annotations

import torch
from torch import nn

from wholefit.base.errors import ParameterError

KINDS = ("none", "sinusoidal", "learned", "rotary")


def sinusoidal(length: int, width: int) -> torch.Tensor:
    """Waves (length, width): sin(p / 10000^(2i/width)) at even places, cos at odd ones."""
    place = torch.arange(length, dtype=torch.float64)[:, None]
    pair = torch.arange(0, width, 2, dtype=torch.float64)
    angle = place * torch.exp(pair * (-torch.log(torch.tensor(10000.0)).double() / width))
    waves = torch.zeros(length, width, dtype=torch.float64)
    waves[:, 0::2] = torch.sin(angle)
    waves[:, 1::2] = torch.cos(angle)[:, :width // 2]
    return waves.float()


def turned(x: torch.Tensor, start: int = 0) -> torch.Tensor:
    """Queries or keys (..., length, size) turned by angles that grow with their place.

    The product of a turned query and a turned key depends on how far apart they stand, and on
    nothing else of where they stand. `size` must be even; `start` is the first one's place.
    """
    length, half = x.shape[-2], x.shape[-1] // 2
    pair = torch.arange(half, dtype=torch.float32, device=x.device)
    place = torch.arange(start, start + length, dtype=torch.float32, device=x.device)
    angle = place[:, None] * torch.exp(pair * (-9.210340371976184 / half))  # ln 10000
    sin, cos = angle.sin().to(x.dtype), angle.cos().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


class Positions(nn.Module):
    """Adds positions to (n, length, width); "none" and "rotary" add nothing here."""

    def __init__(self, kind: str, length: int, width: int) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ParameterError(f"positions must be one of {', '.join(map(repr, KINDS))}; "
                                 f"got {kind!r}.")
        self.kind, self.length = kind, length
        if kind == "learned":
            self.table = nn.Parameter(torch.randn(length, width) * 0.02)
        elif kind == "sinusoidal":
            # not in the state: it follows from the options
            self.register_buffer("waves", sinusoidal(length, width), persistent=False)

    def forward(self, x: torch.Tensor, start: int = 0) -> torch.Tensor:
        """`x` with positions from `start` on; ParameterError where it is longer than `length`."""
        if self.kind in ("none", "rotary"):
            return x
        stop = start + x.shape[1]
        if stop > self.length:
            raise ParameterError(f"positions were made for sequences of at most {self.length} "
                                 f"tokens; got {stop}: make the network with a larger length.")
        table = self.table if self.kind == "learned" else self.waves
        return x + table[start:stop]
