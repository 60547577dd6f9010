"""Intervals: against the bootstrap, against DeLong, in clusters, and by how often they hold."""

from __future__ import annotations

import numpy as np
import pytest

from wholefit import evaluation
from wholefit.base.errors import ParameterError
from wholefit.evaluation import intervals, metrics

from ._worlds import many_classes, numbers, two_classes

TASKS = ("classification", "regression")


def error_of(name, sheet, task):
    return intervals.Spread.of(intervals.pull(metrics.get(task, name), sheet)).error


def sheet_of(kind, n, random, **options):
    if kind == "numbers":
        return "regression", metrics.sheet("regression", *numbers(n, random), **options)
    made = two_classes(n, random) if kind == "two" else many_classes(n, 4, random)
    return "classification", metrics.sheet("classification", *made, **options)


@pytest.mark.parametrize("kind", ["two", "many", "numbers"])
@pytest.mark.parametrize("extra", ["plain", "weights", "units"])
def test_influence_agrees_with_the_bootstrap(kind, extra):
    random = np.random.default_rng(4)
    n = 900
    options = {"plain": {}, "weights": {"weights": random.random(n) + 0.2},
               "units": {"units": np.arange(n) // 3}}[extra]
    task, sheet = sheet_of(kind, n, random, **options)
    for name in metrics.names(task):
        if name == "ece":  # its bootstrap is biased upward; see the coverage test
            continue
        drawn = intervals.bootstrap(metrics.get(task, name), sheet, seed=1, draws=800)
        tolerance = 0.25 if name == "median_ae" else 0.12
        assert error_of(name, sheet, task) == pytest.approx(np.nanstd(drawn), rel=tolerance), name


def test_auc_variance_is_delongs():
    random = np.random.default_rng(6)
    y, P = two_classes(300, random, base=-1.5)
    P = np.round(P, 1)
    up, down = P[y == 1, 1], P[y == 0, 1]
    wins = (up[:, None] > down) + 0.5 * (up[:, None] == down)
    delong = wins.mean(axis=1).var(ddof=1) / len(up) + wins.mean(axis=0).var(ddof=1) / len(down)
    sheet = metrics.sheet("classification", y, P)
    assert error_of("roc_auc", sheet, "classification") == pytest.approx(delong**0.5, rel=1e-10)


def test_accuracy_has_wilsons_interval():
    y = np.array([0] * 60 + [1] * 40)
    P = np.column_stack([y == 0, y == 1]).astype(float)
    P[:7] = P[:7, ::-1]
    got = evaluation.score("classification", y, P, metrics="accuracy")["accuracy"]
    # Wilson for 93 of 100 with Student's 1.984 for 1.960 and 100 - 1 rows for 100
    assert (got.low, got.high) == (pytest.approx(0.8625, abs=2e-3), pytest.approx(0.9657, abs=2e-3))


def test_the_error_of_a_mean_is_the_textbooks():
    y, p = numbers(200, np.random.default_rng(2))
    sheet = metrics.sheet("regression", y, p)
    miss = np.abs(y - p)
    assert error_of("mae", sheet, "regression") == pytest.approx(miss.std(ddof=1) / 200**0.5)


def test_leaving_out_exactly_and_by_slope_agree_on_many_rows(monkeypatch):
    sheet = metrics.sheet("regression", *numbers(8000, np.random.default_rng(7)))
    exact = [error_of(name, sheet, "regression") for name in ("rmse", "r2")]
    monkeypatch.setattr(intervals, "_EXACT_UNITS", 0)
    sloped = [error_of(name, sheet, "regression") for name in ("rmse", "r2")]
    assert exact == pytest.approx(sloped, rel=2e-3) and exact != sloped


def test_repeated_rows_in_units_count_once():
    y, P = two_classes(150, np.random.default_rng(3))
    names = [name for name in metrics.names("classification") if name != "ece"]
    once = evaluation.score("classification", y, P, metrics=names)
    thrice = evaluation.score("classification", np.repeat(y, 3), np.repeat(P, 3, axis=0),
                              metrics=names, units=np.repeat(np.arange(150), 3))
    naive = evaluation.score("classification", np.repeat(y, 3), np.repeat(P, 3, axis=0),
                             metrics=names)
    for name in names:
        width = once[name].high - once[name].low
        assert thrice[name].high - thrice[name].low == pytest.approx(width, rel=0.02), name
        assert naive[name].high - naive[name].low < 0.7 * width, name


def test_whole_weights_scale_away_and_levels_nest():
    y, p = numbers(80, np.random.default_rng(5))
    w = np.random.default_rng(6).random(80)
    one = evaluation.score("regression", y, p, weights=w)
    ten = evaluation.score("regression", y, p, weights=10 * w)
    wide = evaluation.score("regression", y, p, weights=w, level=0.99)
    for name in one:
        assert one[name].low == pytest.approx(ten[name].low)
        assert wide[name].low < one[name].low < one[name].high < wide[name].high


def test_no_interval_where_none_is_asked_for():
    got = evaluation.score("regression", [1.0, 2.0], [1.0, 3.0], level=None)["mae"]
    assert got.value == 0.5 and np.isnan(got.low) and str(got) == "0.5000"
    with pytest.raises(ParameterError, match="level must be above 0 and below 1; got 95"):
        evaluation.score("regression", [1.0], [1.0], level=95)


def held(kind, n, names, options=lambda random: {}, rounds=250, **world):
    """Share of rounds in which each metric's interval holds its true value."""
    random = np.random.default_rng(11)
    make = {"two": lambda size: two_classes(size, random, **world),
            "numbers": lambda size: numbers(size, random)}[kind]
    task = "regression" if kind == "numbers" else "classification"
    whole = metrics.sheet(task, *make(400_000))
    true = {name: float(metrics.get(task, name).value(whole, whole.weights)) for name in names}
    inside = dict.fromkeys(names, 0)
    for _ in range(rounds):
        scores = evaluation.score(task, *make(n), metrics=names)
        for name in names:
            inside[name] += scores[name].low <= true[name] <= scores[name].high
    return {name: count / rounds for name, count in inside.items()}


@pytest.mark.parametrize("n", [50, 400])
@pytest.mark.parametrize(("kind", "names", "world"), [
    ("two", ["accuracy", "log_loss", "roc_auc", "f1", "average_precision", "brier"], {}),
    ("two", ["accuracy", "log_loss", "brier"], {"base": -3.0, "pull": 1.5}),
    ("numbers", ["rmse", "mae", "r2", "median_ae"], {}),
])
def test_95_percent_intervals_hold_about_that_often(kind, names, world, n):
    # 250 rounds: the share that holds has a standard error of 1.4 points at 95 %.
    for name, share in held(kind, n, names, **world).items():
        assert 0.90 <= share <= 0.995, (name, share)


def test_intervals_of_clusters_hold_where_rows_intervals_do_not():
    random = np.random.default_rng(12)
    held_units = held_rows = 0
    for _ in range(200):
        shared = np.repeat(random.normal(size=40), 25)
        y = shared + 0.5 * random.normal(size=1000)
        units = np.repeat(np.arange(40), 25)
        inside = [evaluation.score("regression", y, np.zeros(1000), metrics="mse", units=u)["mse"]
                  for u in (units, None)]
        held_units += inside[0].low <= 1.25 <= inside[0].high
        held_rows += inside[1].low <= 1.25 <= inside[1].high
    assert held_units > 175 and held_rows < 110
