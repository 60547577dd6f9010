"""Neighbouring tokens as numbers of their own, hashed: no table of n-grams is kept.

Weinberger et al. (2009) on hashing features; Joulin et al. (2017) on bags of n-grams.
"""

from __future__ import annotations

import torch

_FACTOR = 2654435761
"""Knuth's multiplier; with numbers below 2^31 no product leaves 63 bits."""


def hashed(tokens: torch.Tensor, most: int, buckets: int, first: int) -> torch.Tensor:
    """Numbers of the n-grams of 2 to `most` neighbours in (n, length) tokens, 0 being padding.

    Gives (n, places), each in `first` to `first + buckets - 1`, or 0 where an n-gram would reach
    into padding. Two n-grams may share a number: that is the price of keeping no table.
    """
    found = []
    mixed = tokens
    for reach in range(1, most):
        last = tokens[:, reach:]
        mixed = (mixed[:, :-1] * _FACTOR + last) & 0x7FFFFFFF
        found.append(torch.where(last == 0, 0, mixed % buckets + first))
    return torch.cat(found, dim=1) if found else tokens[:, :0]
