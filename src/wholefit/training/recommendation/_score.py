"""A fitted recommender held against rows that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.evaluation import Score
from wholefit.evaluation import recommendation as ranking
from wholefit.training.recommendation._data import Events
from wholefit.training.recommendation._engine import Engine
from wholefit.training.recommendation._top import blocks, rows_of

_MOST_USERS = 20_000


def score_events(
    engine: Engine, events: Events, told: Mapping[str, Any], k: int | None = None
) -> dict[str, Score]:
    """Scores of the answers to these rows, as they are before the rows are learnt.

    Ratings are compared with those expected, unknown users and items included; lists are judged
    for users known before who turn to items that are new to them. Empty where neither can be.
    """
    pairs = events.pairs
    users = engine.users.codes(events.users.labels)[pairs.users]
    items = engine.items.codes(events.items.labels)[pairs.items]
    made: dict[str, Score] = {}
    if engine.seen.explicit and engine.rater is not None and pairs.values is not None:
        made = evaluation.score("regression", pairs.values, engine.rates(users, items),
                                metrics=["rmse", "mae"], units=pairs.users)
    liked = told.get("liked")
    good = (users >= 0) & (np.diff(engine.seen.indptr, append=0)[users] > 0)
    if engine.seen.explicit and liked is not None and pairs.values is not None:
        good &= pairs.values >= float(liked)
    if good.any():
        made |= _lists(engine, users[good], items[good], k or int(told["k"]), bool(told["again"]))
    return made


def _lists(
    engine: Engine, users: np.ndarray, items: np.ndarray, k: int, again: bool
) -> dict[str, Score]:
    """Metrics of lists; an item that is not in the catalogue counts as one that was missed."""
    stranger = items < 0
    items = np.where(stranger, len(engine.items) + np.cumsum(stranger) - 1, items)
    if not again:
        fresh = ~_had(engine, users, items)
        users, items = users[fresh], items[fresh]
    asked = np.unique(users)[:_MOST_USERS]
    if not len(asked):
        return {}
    order = np.argsort(users, kind="stable")
    indptr = np.searchsorted(users[order], np.arange(len(engine.users) + 1))
    held = ranking.Held(*rows_of(indptr, items[order], asked))
    top = np.concatenate([engine.lists(asked[block], k, not again)[0]
                          for block in blocks(len(asked), len(engine.items))])
    size = len(engine.items) + int(stranger.sum())
    having = np.concatenate([engine.having, np.zeros(size - len(engine.items), dtype=np.int64)])
    if top.shape[1] < k:
        top = np.pad(top, ((0, 0), (0, k - top.shape[1])), constant_values=-1)
    values = ranking.ranked(top, held, having, int((np.diff(engine.seen.indptr) > 0).sum()))
    return ranking.scores(values, top, int(engine.open.sum()))


def _had(engine: Engine, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    pairs = engine.seen.pairs()
    size = len(engine.items) + len(items) + 1
    keys = pairs.users.astype(np.int64) * size + pairs.items
    return np.isin(users.astype(np.int64) * size + items, keys)
