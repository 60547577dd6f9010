"""From one vector a token to one vector a sequence: last, mean, max, or weighed by attention."""

from __future__ import annotations

import torch
from torch import nn

from wholefit.base.errors import ParameterError

HEADS = ("last", "mean", "max", "attention", "each")


class Pooling(nn.Module):
    """(n, length, width) and which tokens are real (n, length) to (n, width).

    "last" takes the last real token, "mean" and "max" go over the real ones, "attention" weighs
    them by a learnt score (Yang et al. 2016), "each" leaves every token its own vector.
    """

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        if kind not in HEADS:
            raise ParameterError(f"head must be one of {', '.join(map(repr, HEADS))}; "
                                 f"got {kind!r}.")
        self.kind = kind
        if kind == "attention":
            self.score = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Padding has no part in it."""
        if self.kind == "each":
            return x
        if self.kind == "last":
            last = real.long().mul(torch.arange(1, real.shape[1] + 1, device=x.device)).argmax(1)
            return x[torch.arange(x.shape[0], device=x.device), last]
        if self.kind == "max":
            return x.masked_fill(~real[..., None], -torch.inf).amax(dim=1)
        if self.kind == "attention":
            scores = self.score(x).masked_fill(~real[..., None], -torch.inf)
            return (scores.softmax(dim=1) * x).sum(dim=1)
        counted = real[..., None].to(x.dtype)
        return (x * counted).sum(dim=1) / counted.sum(dim=1)


class Front(nn.Module):
    """What a sequence network sees: token numbers (n, length), or series (n, length, channels).

    Tokens are looked up in a table of `width` numbers (0 is padding and stays zero); a series
    passes as it is. Gives (values, which steps are real); `lengths` (n,) says how long each
    series is, else all of it counts.
    """

    def __init__(self, vocabulary: int | None, features: int | None, width: int,
                 dropout: float = 0.0) -> None:
        super().__init__()
        if (vocabulary is None) == (features is None):
            raise ParameterError("a sequence network needs either vocabulary= (its inputs are "
                                 "token numbers) or features= (numbers a step of a series); "
                                 f"got vocabulary={vocabulary}, features={features}.")
        self.width = width if vocabulary is not None else int(features or 0)
        self.table = None if vocabulary is None else nn.Embedding(vocabulary, width, padding_idx=0)
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: torch.Tensor, lengths: torch.Tensor | None = None, *, trim: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Values (n, length, width), real steps (n, length); `trim` drops common padding."""
        if self.table is not None:
            tokens = trimmed(x.long()) if trim else x.long()
            return self.drop(self.table(tokens)), _upto(tokens)
        if x.ndim == 2:
            x = x[..., None]
        if lengths is None:
            return self.drop(x), torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        steps = torch.arange(x.shape[1], device=x.device)
        return self.drop(x), steps < lengths.long().clamp(min=1)[:, None]


def _upto(tokens: torch.Tensor) -> torch.Tensor:
    """True up to the last token that is not padding; an empty text shows its first padding."""
    steps = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
    ends = (tokens != 0).long().mul(steps).amax(dim=1).clamp(min=1)
    return steps <= ends[:, None]


def trimmed(tokens: torch.Tensor) -> torch.Tensor:
    """Without the columns that are padding in every row; at least one column stays.

    A graph that is being traced keeps them all: it must not hang on the rows it is traced with.
    """
    if torch.compiler.is_exporting() or torch.jit.is_tracing():
        return tokens
    used = (tokens != 0).any(dim=0).nonzero()
    return tokens[:, :max(1, int(used[-1]) + 1 if len(used) else 1)]
