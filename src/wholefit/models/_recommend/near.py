"""Neighbours among users or items: how alike two rows of ratings or uses are, the nearest kept.

Of ratings, likeness looks only at what both rated (a cell without a rating is unknown, not 0),
and is drawn towards 0 where that is little: n / (n + shrink) of it is kept. Of uses, a cell
without one is a 0 that counts, and likeness is the cosine, its denominator raised by `shrink`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels.recommenders_factors import strengths
from wholefit.models._kernels.recommenders_likeness import Side, strongest
from wholefit.models._kernels.recommenders_rows import blocks, kept
from wholefit.models._recommend.base import Interactions
from wholefit.models._recommend.factor_events import unit_of
from wholefit.models._recommend.factor_ratings import biases
from wholefit.models._recommend.state import history_of, joined, ratings, state_of

# Ridge of the biases that neighbours' ratings are measured from.
RIDGE = (10.0, 5.0)


@dataclass(frozen=True)
class NearSettings:
    """`by` "users" or "items"; `likeness` "cosine", "pearson" or "adjusted"; `neighbours` kept."""

    by: str
    neighbours: int
    likeness: str
    shrink: float
    damp: float


class Near:
    """The estimator: `fit(interactions)`, then `state_`."""

    def __init__(self, settings: NearSettings, before: State | None = None) -> None:
        self.settings = settings
        self.state_ = before

    def fit(self, data: Interactions) -> Near:
        """Find the neighbours of every user, or of every item."""
        data, settings = data.checked(), self.settings
        rated = data.explicit and data.values is not None
        arrays, base = _levels(data) if rated else ({}, None)
        unit = unit_of(data, log=True)
        matrix = _compared(data, settings.likeness, base, unit)
        rows = matrix if settings.by == "users" else matrix.T.tocsr()
        near = nearest(rows, settings, rated)
        self.state_ = state_of(
            f"recommend_{settings.by}_near", data, rating=rated,
            config={"likeness": settings.likeness, "shrink": settings.shrink,
                    "damp": settings.damp, "neighbours": settings.neighbours, "unit": unit,
                    "ridge": RIDGE[0]},
            arrays={**arrays, **kept("near", near, np.float64)},
            fallback=arrays.get("item_level"))
        return self

    def partial_fit(self, new: Interactions) -> Near:
        """Fit again to old and new interactions together: exact."""
        assert self.state_ is not None
        return self.fit(joined(history_of(self.state_), new.checked()))


def _levels(data: Interactions) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What is expected of each user and item before any neighbour is asked: mean + biases."""
    values = ratings(data)
    mean = float(values.mean())
    b_user, b_item = biases(data.users, data.items, values - mean,
                            (data.n_users, data.n_items), RIDGE)
    return ({"user_bias": b_user, "item_level": mean + b_item},
            mean + b_user[data.users] + b_item[data.items])


def _compared(data: Interactions, likeness: str, base: np.ndarray | None, unit: float) -> Any:
    """CSR (n_users, n_items) of what is compared: ratings, what they are above `base`, weights."""
    matrix = data.matrix()
    if base is None:
        matrix.data = strengths(matrix.data, unit)
    elif likeness == "adjusted":
        matrix.data = matrix.data - base
    return matrix


def nearest(rows: Any, settings: NearSettings, rated: bool) -> Any:
    """CSR (n, n): for each row the likeness of its nearest others, those above 0 alone."""
    from scipy.sparse import vstack

    side = Side(rows, settings.likeness, settings.shrink, rated)
    found = []
    for block in blocks(rows.shape[0], rows.shape[0]):
        alike = side.to(rows[block]) if rated else side.of_uses(rows[block])
        found.append(strongest(alike, settings.neighbours, block.start))
    made = vstack(found, format="csr")
    made.sort_indices()
    return made
