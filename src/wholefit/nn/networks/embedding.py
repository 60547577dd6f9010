"""Bags of embeddings: the mean of a text's word vectors, with runs of words if wanted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from wholefit.base.errors import ParameterError
from wholefit.nn.networks._registry import network
from wholefit.nn.sequences.ngrams import hashed
from wholefit.nn.sequences.pooling import trimmed
from wholefit.nn.sequences.telling import telling

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

    With `kept`, only so many buckets have a vector: those that tell the target best on training
    rows (`prepare_by`). Each token and n-gram counts once in a text, times how well it tells the
    target, and the sum is divided by the length of those weights, whatever `pooling` is. It is
    what Wang & Manning (2012) found for linear models of n-grams: weighed by naive Bayes' ratios
    they beat most else; here by shrunken means, which serve numbers and several labels as well.
    """

    def __init__(
        self, vocabulary: int, outputs: int, length: int | None = None, width: int = 16,
        ngrams: int = 1, buckets: int = 0, pooling: str = "mean", hidden: Sequence[int] = (),
        skip: float = 0.0, dropout: float = 0.0, spread: float = 0.05, kept: int | None = None,
    ) -> None:
        super().__init__()
        if pooling not in POOLINGS:
            raise ParameterError(f"pooling must be one of {', '.join(map(repr, POOLINGS))}; "
                                 f"got {pooling!r}.")
        if ngrams < 1 or (ngrams > 1) != (buckets > 0):
            raise ParameterError("ngrams above 1 need buckets to be hashed into, and only they; "
                                 f"got ngrams={ngrams}, buckets={buckets}.")
        if kept is not None and not 0 <= kept <= buckets:
            raise ParameterError(f"kept must lie between 0 and the {buckets} buckets; got {kept}.")
        self.vocabulary, self.ngrams, self.buckets = vocabulary, ngrams, buckets
        self.pooling, self.skip, self.kept = pooling, skip, kept
        rows = vocabulary + (buckets if kept is None else kept)
        # drawn from a width of `spread`: small vectors let the first steps say what matters
        self.table = nn.EmbeddingBag(rows, width, mode="sum", padding_idx=0)
        nn.init.normal_(self.table.weight, std=spread)
        with torch.no_grad():
            self.table.weight[0].zero_()
        if kept is not None:  # which row a bucket has, 0 for none; what each row's token tells
            self.register_buffer("places", torch.zeros(1 + buckets, dtype=torch.int32))
            self.register_buffer("told", torch.ones(rows))
        sizes = [width, *hidden, outputs]
        layers: list[nn.Module] = []
        for i in range(len(sizes) - 1):
            layers += [nn.Dropout(dropout), nn.Linear(sizes[i], sizes[i + 1]), nn.ReLU()]
        self.head = nn.Sequential(*layers[:-1])

    def prepare_by(self, target: torch.Tensor, tokens: torch.Tensor) -> None:
        """Learn what tells the target: (n,) classes or numbers, or (n, outputs), of all rows."""
        if self.kept is None:
            return
        first = self.vocabulary
        found = telling(self._numbered, tokens.cpu(), target.cpu(), first + self.buckets)
        found = found.to(self.told.device)
        told = found[first:]
        best = torch.argsort(told, descending=True, stable=True)[:self.kept]
        best = best[told[best] > 0]
        self.places.zero_()
        self.places[1 + best] = torch.arange(first, first + len(best), dtype=torch.int32,
                                            device=best.device)
        self.told.zero_()
        self.told[:first] = found[:first]
        self.told[first:first + len(best)] = told[best]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits or numbers (n, outputs)."""
        return self.head(self.features_of(x))

    def features_of(self, x: torch.Tensor) -> torch.Tensor:
        """The pooled vector of each text (n, width)."""
        tokens = trimmed(x.long())
        if self.kept is not None:
            return self._weighed(tokens)
        count = (tokens != 0).sum(dim=1, keepdim=True).clamp(min=1)
        whole = self._numbered(tokens)
        if self.training and self.skip:
            whole = functional.dropout(torch.ones_like(whole, dtype=torch.float32),
                                       self.skip).bool() * whole
            count = count * (1 - self.skip)
        pooled = self.table(whole)
        if self.pooling == "sum":
            return pooled
        return pooled / (count if self.pooling == "mean" else count ** 0.5)

    def _numbered(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens and the buckets of their n-grams behind the vocabulary, (n, places)."""
        if self.ngrams == 1:
            return tokens
        return torch.cat([tokens, hashed(tokens, self.ngrams, self.buckets, self.vocabulary)],
                         dim=1)

    def _weighed(self, tokens: torch.Tensor) -> torch.Tensor:
        """The sum of what each text holds, once, weighed by what it tells, over their length."""
        whole = tokens.int()
        if self.ngrams > 1:
            runs = hashed(tokens, self.ngrams, self.buckets, first=1)  # 0 is none
            whole = torch.cat([whole, self.places[runs]], dim=1)
        whole = whole.sort(dim=1).values
        again = functional.pad(whole[:, 1:] == whole[:, :-1], (1, 0))
        whole = torch.where(again, 0, whole)
        if self.training and self.skip:
            whole = whole * (torch.rand(whole.shape, device=whole.device) >= self.skip)
        told = self.told.to(self.table.weight.dtype)
        if self.training:  # without the padding, which is most of it
            return self._pooled(whole, told)
        weights = torch.where(whole > 0, told[whole.long()], 0)
        pooled = self.table(whole.long(), per_sample_weights=weights)
        return pooled / (weights ** 2).sum(dim=1, keepdim=True).clamp(min=_LEAST) ** 0.5

    def _pooled(self, whole: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        row, place = (whole > 0).nonzero(as_tuple=True)
        numbers = whole[row, place].long()
        weights = told[numbers]
        starts = torch.searchsorted(row, torch.arange(len(whole), device=row.device))
        pooled = self.table(numbers, starts, per_sample_weights=weights)
        length = torch.zeros(len(whole), device=row.device, dtype=told.dtype)
        length.index_add_(0, row, weights ** 2)
        return pooled / length[:, None].clamp(min=_LEAST) ** 0.5


# The square of a weight that counts as none.
_LEAST = 1e-12
