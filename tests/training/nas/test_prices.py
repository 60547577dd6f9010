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
from wholefit.training.nas.prices import Prices, least
from wholefit.training.tuning._configured import Configured
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


def test_what_the_encoding_adds_is_counted() -> None:
    base, plain = _ground("kind"), models.make("cell_mlp(epochs=1)")
    squared = Configured(plain, {"degree": 2})
    made = fit_one(base.problem, squared, base.problem.plan.folds[0][0], 0)
    found = Prices(base.problem).parameters(squared)
    assert found == networks.parameters(made.estimator.module_, trainable=True)
    assert found > Prices(base.problem).parameters(plain)


@pytest.mark.parametrize(("limit", "times", "asked"), [
    (None, [9.0, 0.1, 3.0, 2.0, 5.0, 4.0, 6.0], 7),  # all, the first for warmth only
    (2.5, [9.0, 0.1, 3.0, 2.0, 5.0, 4.0, 6.0], 4),  # until one is within it
    (1.5, [9.0, 0.1, 3.0, 2.0, 5.0, 4.0, 6.0], 7),  # a little above may be noise
    (0.5, [9.0, 0.1, 3.0, 2.0, 5.0, 4.0, 6.0], 3),  # far above is not
])
def test_the_least_of_several_times_as_far_as_it_matters(
    limit: float | None, times: list[float], asked: int
) -> None:
    given = iter(times)
    found = least(lambda rows: next(given), limit)
    assert found == min(times[2:asked])
    assert len(list(given)) == len(times) - asked


def test_what_is_far_too_slow_is_not_asked_all_rows() -> None:
    seen: list[int] = []
    assert least(lambda rows: seen.append(rows) or 2.0, 1.0) == 20.0
    assert max(seen) == 100
