"""The part of a recommender's State that all families share: history, range, fallback."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.state import State
from wholefit.models._kernels.recommenders_rows import kept, read_rows
from wholefit.models._recommend.base import Interactions

# Ratings that the mean of all stands for when an item's own mean is shrunk towards it.
_SHRINK = 5.0


def state_of(kind: str, data: Interactions, *, rating: bool, config: dict[str, Any],
             arrays: dict[str, np.ndarray], fallback: np.ndarray | None = None,
             times: bool = False) -> State:
    """A State of `kind` with the history of `data` and what answers for users not met.

    `rating` says whether the answers are ratings.
    """
    matrix = data.matrix()
    if fallback is None:
        fallback = item_means(data) if rating else shares(data)
    mean, low, high = _range(data) if rating else (0.0, 0.0, 0.0)
    facts = {"explicit": data.explicit, "answers": "rating" if rating else "score",
             "mean": mean, "low": low, "high": high}
    own = {"fallback": fallback, **kept("history", matrix, np.float64)}
    if times and data.times is not None:
        own["history_times"] = data.times
    return State(kind, {**facts, **config}, {**own, **arrays})


def _range(data: Interactions) -> tuple[float, float, float]:
    values = ratings(data)
    return float(values.mean()), float(values.min()), float(values.max())


def ratings(data: Interactions) -> np.ndarray:
    """The ratings (n,) float64; DataError if there are none."""
    if not data.explicit or data.values is None:
        raise DataError("this recommender learns from ratings; got interactions without any: "
                        "name a rating column, or use als, ease or item_knn.")
    return np.asarray(data.values, dtype=np.float64)


def shares(data: Interactions) -> np.ndarray:
    """(n_items,) share of the users who met each item."""
    return np.bincount(data.items, minlength=data.n_items) / max(1, data.n_users)


def item_means(data: Interactions) -> np.ndarray:
    """(n_items,) mean rating of each item, shrunk towards the mean of all."""
    values = ratings(data)
    middle = values.mean()
    sums = np.bincount(data.items, values - middle, minlength=data.n_items)
    return middle + sums / (np.bincount(data.items, minlength=data.n_items) + _SHRINK)


def history_of(state: State) -> Interactions:
    """The interactions that a State was learnt from, features apart."""
    matrix = read_rows(state, "history", len(state.arrays["fallback"]))
    explicit = bool(state.config["explicit"])
    plain = "history_values" not in state.arrays and not explicit
    return Interactions(
        np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr)),
        matrix.indices.astype(np.int32), None if plain else matrix.data,
        state.arrays.get("history_times"), matrix.shape[0], matrix.shape[1], explicit=explicit)


def joined(old: Interactions, new: Interactions) -> Interactions:
    """Old and new interactions as one; users and items may have grown in number.

    A rating given anew replaces the old one; strengths of one pair are added up.
    """
    if old.explicit != new.explicit:
        raise DataError("new interactions must be ratings if the model was fitted on ratings, "
                        "and none if it was not.")
    n_users, n_items = max(old.n_users, new.n_users), max(old.n_items, new.n_items)
    keys = [each.users.astype(np.int64) * n_items + each.items for each in (old, new)]
    values = [np.ones(len(each)) if each.values is None else each.values for each in (old, new)]
    stays = ~np.isin(keys[0], keys[1])
    if not old.explicit:
        order = np.argsort(keys[0])
        spot = np.minimum(np.searchsorted(keys[0], keys[1], sorter=order), len(order) - 1)
        again = keys[0][order[spot]] == keys[1]
        values[1] = values[1] + np.where(again, values[0][order[spot]], 0.0)
    whole = Interactions(
        np.concatenate([old.users[stays], new.users]),
        np.concatenate([old.items[stays], new.items]),
        np.concatenate([values[0][stays], values[1]]), _times(old, new, stays),
        n_users, n_items, new.item_features, new.user_features, old.explicit)
    if not old.explicit and (whole.values == 1).all():  # type: ignore[union-attr]
        whole = replace(whole, values=None)
    return whole.checked()


def _times(old: Interactions, new: Interactions, stays: np.ndarray) -> np.ndarray | None:
    if old.times is None or new.times is None:
        return None
    return np.concatenate([old.times[stays], new.times])
