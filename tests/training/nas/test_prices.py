"""Prices said beforehand are those of the fitted network."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from wholefit import data, models
from wholefit.base import tasks
from wholefit.nn import networks
from wholefit.training import Options
from wholefit.training._folds import fit_one
from wholefit.training.nas.prices import Prices
from wholefit.training.tuning._ground import Ground, ground


def _ground(target: str) -> Ground:
    rng = np.random.default_rng(0)
    rows = 90
    frame = pl.DataFrame({
        "a": rng.normal(size=rows), "gap": [None if at % 7 == 0 else float(at) for at in
                                            range(rows)],
        "home": rng.choice(["x", "y", "z"], rows),
        "town": [f"t{at % 30}" for at in range(rows)],
        "kind": rng.choice(["p", "q", "r"], rows), "much": rng.normal(size=rows)})
    dataset = data.load(frame.drop("much" if target == "kind" else "kind"), target=target)
    task = tasks.get("classification" if target == "kind" else "regression")
    return ground(dataset, task, Options(folds=3, checks=False))


@pytest.mark.parametrize("target", ["kind", "much"])
@pytest.mark.parametrize("words", [
    "cell_mlp(epochs=1)",
    "cell_mlp(epochs=1, embedding='piecewise', cell=['gated 0', 'narrow 1', 'identity 0'])",
    "cell_mlp(epochs=1, width=9, repeat=3, norm='batch')", "mlp(epochs=1)"])
def test_parameters_are_those_of_the_fitted_network(words: str, target: str) -> None:
    base, model = _ground(target), models.make(words)
    made = fit_one(base.problem, model, base.problem.plan.folds[0][0], 0)
    assert Prices(base.problem).parameters(model) == networks.parameters(
        made.estimator.module_, trainable=True)


def test_a_large_network_answers_later() -> None:
    prices = Prices(_ground("kind").problem)
    small = models.make("cell_mlp(width=4, repeat=1)")
    large = models.make("cell_mlp(width=1024, repeat=8)")
    assert 0 < prices.latency(small) < prices.latency(large)
    assert prices.latency(small) == prices.latency(small), "timed once"
