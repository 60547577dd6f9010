"""Bags of embeddings: the mean of a text's word vectors, with pairs of words if wanted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from wholefit.base.errors import ParameterError
from wholefit.nn.networks._registry import network
from wholefit.nn.sequences.ngrams import hashed
from wholefit.nn.sequences.pooling import trimmed

POOLINGS = ("mean", "root", "sum")


@network("embedding")
class Embedding(nn.Module):
    """A text is the pooled vectors of its tokens, in any order (Joulin et al. 2017, fastText).

    Token numbers (n, length), 0 padding, to (n, outputs). With `ngrams` 2 or more, n-grams of
    neighbouring tokens have vectors too, in `buckets` shared by hashing: that brings back the
    little of order that matters most ("not good"). `pooling` divides the sum of vectors by the
    number of tokens ("mean"), by its square root ("root"), or not at all ("sum"). `skip` leaves
    out that share of tokens and n-grams while training, so that no single one is relied on.
    `hidden` sizes of layers between the pooled vector and the outputs.
    """

    def __init__(
        self, vocabulary: int, outputs: int, length: int | None = None, width: int = 16,
        ngrams: int = 1, buckets: int = 0, pooling: str = "mean", hidden: Sequence[int] = (),
        skip: float = 0.0, dropout: float = 0.0, spread: float = 0.05,
    ) -> None:
        super().__init__()
        if pooling not in POOLINGS:
            raise ParameterError(f"pooling must be one of {', '.join(map(repr, POOLINGS))}; "
                                 f"got {pooling!r}.")
        if ngrams < 1 or (ngrams > 1) != (buckets > 0):
            raise ParameterError("ngrams above 1 need buckets to be hashed into, and only they; "
                                 f"got ngrams={ngrams}, buckets={buckets}.")
        self.vocabulary, self.ngrams, self.buckets = vocabulary, ngrams, buckets
        self.pooling, self.skip = pooling, skip
        # drawn from a width of `spread`: small vectors let the first steps say what matters
        self.table = nn.EmbeddingBag(vocabulary + buckets, width, mode="sum", padding_idx=0)
        nn.init.normal_(self.table.weight, std=spread)
        with torch.no_grad():
            self.table.weight[0].zero_()
        sizes = [width, *hidden, outputs]
        layers: list[nn.Module] = []
        for i in range(len(sizes) - 1):
            layers += [nn.Dropout(dropout), nn.Linear(sizes[i], sizes[i + 1]), nn.ReLU()]
        self.head = nn.Sequential(*layers[:-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits or numbers (n, outputs)."""
        return self.head(self.features_of(x))

    def features_of(self, x: torch.Tensor) -> torch.Tensor:
        """The pooled vector of each text (n, width)."""
        tokens = trimmed(x.long())
        count = (tokens != 0).sum(dim=1, keepdim=True).clamp(min=1)
        whole = tokens
        if self.ngrams > 1:
            whole = torch.cat([tokens, hashed(tokens, self.ngrams, self.buckets,
                                              self.vocabulary)], dim=1)
        if self.training and self.skip:
            whole = functional.dropout(torch.ones_like(whole, dtype=torch.float32),
                                       self.skip).bool() * whole
            count = count * (1 - self.skip)
        pooled = self.table(whole)
        if self.pooling == "sum":
            return pooled
        return pooled / (count if self.pooling == "mean" else count ** 0.5)
