"""Recommenders on 73,421 real ratings of lectures: each must earn its place beside its baseline."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wholefit import models
from wholefit.base import tasks
from wholefit.models import Context
from wholefit.models._recommend.base import Interactions, merged

TASK = tasks.get("recommendation")


@cache
def halves(explicit: bool) -> tuple[Interactions, Interactions]:
    """Four fifths to learn from, a fifth held out by chance."""
    root = os.environ.get("WHOLEFIT_DATA")
    if not root:
        pytest.skip("WHOLEFIT_DATA does not name the folder with the real data sets")
    frame = pl.read_parquet(Path(root) / "lecture_ratings" / "data.parquet")
    users, items = (np.unique(frame[name].to_numpy(), return_inverse=True)[1] for name in "sd")
    whole = merged(users, items, frame["y"].to_numpy().astype(float) if explicit else None,
                   n_users=int(users.max()) + 1, n_items=int(items.max()) + 1, explicit=explicit)
    held = np.random.default_rng(0).random(len(whole)) < 0.2
    return whole.take(np.flatnonzero(~held)), whole.take(np.flatnonzero(held))


def fitted(name: str, data: Interactions):
    model, context = models.make(name), Context(len(data), data.n_items)
    return models.scorer(model.state(model.build(TASK, context).fit(data), TASK, context))


def test_ratings_are_foretold_better_the_more_is_looked_at() -> None:
    data, held = halves(True)
    errors = {}
    for name in ("bias", "svdpp"):
        left = fitted(name, data).predict(held.users, held.items) - held.values
        errors[name] = np.sqrt((left**2).mean())
    mean = np.sqrt(((held.values - data.values.mean()) ** 2).mean())
    assert errors["svdpp"] < errors["bias"] < 0.95 * mean, (errors, mean)


@pytest.mark.parametrize("name", ["als", "ease", "item_knn", "user_knn", "bpr(rounds=10)"])
def test_lists_hold_far_more_than_what_is_popular(name: str) -> None:
    assert recall(name) > 5 * recall("popularity")


@cache
def recall(name: str) -> float:
    """Mean share of a user's held-out lectures in a list of ten."""
    data, held = halves(False)
    met = held.matrix().astype(bool)
    top, _ = fitted(name, data).top(np.arange(data.n_users), 10)
    owner = np.repeat(np.arange(data.n_users), 10)
    hits = np.asarray(met[owner, top.ravel()]).reshape(-1, 10).sum(axis=1)
    counts = np.diff(met.indptr)
    return float((hits[counts > 0] / counts[counts > 0]).mean())
