"""Stability selection and its bound, losses by shuffling, verdicts on columns."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.inspection import permutation_importance

import wholefit as wf
from wholefit import cli, data, models
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError
from wholefit.data.splits import kfold
from wholefit.features.select import Seen, univariate
from wholefit.training._folds import Problem, fit_one
from wholefit.training.choosing import choose
from wholefit.training.permutation import permutation
from wholefit.training.stability import most_false, most_picks, stability, worst_false


def by_f(seen, wanted):
    return univariate.f(seen)


def test_bounds_are_those_of_the_papers():
    # the stabs package for R: stabsel_parameters(p = 1000, q = 20, cutoff = 0.75 and 0.9, B = 50)
    assert np.isclose(worst_false(20, 1000, 0.75), 0.8)
    assert np.isclose(worst_false(20, 1000, 0.9), 0.5)
    assert np.isclose(most_false(20, 1000, 0.75, 50), 0.4 / (2 * (0.5 - 0.01)))
    assert np.isclose(most_false(20, 1000, 0.9, 50), 0.4 * 4 * (0.1 + 0.01) / 1.02)
    assert most_false(700, 1000, 0.75, 50) == worst_false(700, 1000, 0.75)
    for count in (1, 2, 10, 137, 1000):
        picks = most_picks(count, 0.75, 50)
        assert picks == 1 or most_false(picks, count, 0.75, 50) <= 0.25


def test_the_bound_holds_on_noise():
    wrong, picks, count, runs = [], 15, 60, 120
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        seen = Seen(rng.normal(size=(60, count)), rng.normal(size=60), seed=seed)
        found = stability(seen, picks=picks, cutoff=0.6, rounds=15, base=by_f)
        wrong.append(found.stable.sum())
    error = np.std(wrong) / np.sqrt(runs)
    assert np.mean(wrong) > 0, "else the simulation could not show a bound that is broken"
    assert np.mean(wrong) + 2 * error < found.expected < found.worst


def test_the_bound_holds_beside_signals_in_correlated_columns():
    wrong, right = [], []
    for seed in range(12):
        rng = np.random.default_rng(100 + seed)
        X = rng.normal(size=(120, 40))
        X[:, 1:] += 0.7 * X[:, :-1]
        y = 1.5 * X[:, 5] - 1.5 * X[:, 25] + rng.normal(size=120)
        found = stability(Seen(X, y, seed=seed), rounds=10)
        right.append(found.stable[[5, 25]].all())
        wrong.append(found.stable.sum() - found.stable[[5, 25]].sum())
    assert np.mean(right) == 1
    assert np.mean(wrong) <= found.expected


def test_it_repeats_itself_and_groups_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 9))
    y = (X[:, 3] + rng.normal(size=300) > 0).astype(np.int32)
    groups = np.arange(9) // 3
    one, two = (stability(Seen(X, y, seed=4), groups, picks=1, rounds=10) for _ in range(2))
    assert one.frequency.tolist() == two.frequency.tolist() == [0, 1, 0]
    assert one.stable.tolist() == [False, True, False]
    assert np.isclose(one.frequency.sum(), 1)
    for words, match in (({"cutoff": 0.5}, "cutoff must be > 0.5"), ({"picks": 4}, "picks must"),
                         ({"rounds": 0}, "rounds must be >= 1")):
        with pytest.raises(ParameterError, match=match):
            stability(Seen(X, y), groups, **words)


def problem_of(table, target, task, folds=3):
    dataset = data.load(table, target=target)
    task = tasks.get(task)
    codec = task.codec(target, dataset.target_values())
    y = dataset.target(codec)
    plan = kfold(dataset, y, folds=folds, seed=0, stratify=task.stratified)
    return Problem(dataset, task, y, len(getattr(codec, "classes", ())), plan, None, 1, 0, {})


@pytest.fixture(scope="module")
def linear_world():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(900, 4))
    y = 2 * X[:, 0] + X[:, 1] + rng.normal(size=900)
    return {f"x{at}": X[:, at] for at in range(4)} | {"y": y}


def test_losses_are_those_of_theory_and_of_scikit_learn(linear_world):
    problem = problem_of(linear_world, "y", "regression")
    found = permutation(problem, models.make("linear"), ["x0", "x1", "x2", "x3"], repeats=10)
    # shuffling a column of weight w adds 2 w^2 var(x) to a linear model's squared error
    wanted = np.array([8, 2, 0, 0]) / np.var(linear_world["y"])
    assert np.allclose(found.value, wanted, rtol=0.15, atol=0.005)
    assert (found.low[:2] > 0).all()
    assert (found.p_value[:2] < 1e-20).all()
    assert (found.p_value[2:] > 0.001).all()
    assert found.rows == 900
    (train, test) = problem.plan.folds[0]
    made = fit_one(problem, models.make("linear"), train, 0)
    X = made.encoder.transform(problem.dataset, test)
    theirs = permutation_importance(made.estimator, X, problem.y[test], n_repeats=10,
                                    scoring="neg_mean_squared_error", random_state=0)
    assert np.allclose(theirs.importances_mean / np.var(problem.y), found.value, rtol=0.2,
                       atol=0.02)


def test_intervals_of_noise_hold_zero():
    inside, runs = 0, 30
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        table = {"noise": rng.normal(size=200), "other": rng.normal(size=200),
                 "y": rng.integers(0, 2, 200).astype(str)}
        problem = problem_of(table, "y", "classification")
        found = permutation(problem, models.make("decision_tree(max_depth=3)"), ["noise"])
        inside += found.low[0] <= 0 <= found.high[0]
    assert inside >= 25  # 95 % of 30 is 28.5; 24 or fewer has probability 0.0006


@pytest.fixture(scope="module")
def told():
    """Columns of each kind: tells, tells alone, repeats, noise, a category that tells."""
    rng = np.random.default_rng(2)
    n = 1200
    x, town = rng.normal(size=n), rng.integers(0, 3, n)
    y = x + np.array([0.0, 1.0, -1.0])[town] + 0.5 * rng.normal(size=n) > 0
    return pl.DataFrame({
        "signal": x, "signal again": -3 * x + 1, "hint": x + 1.5 * rng.normal(size=n),
        "noise": rng.normal(size=n), "also noise": rng.normal(size=n),
        "town": [("Ely", "Wells", "York")[k] for k in town],
        "curve": rng.normal(size=n), "y": np.where(y, "yes", "no"),
    })


def test_verdicts(told):
    found = wf.select(told, target="y", jobs=1, rounds=10, folds=3)
    verdict = {column.column: column.verdict for column in found.columns}
    assert len(set(found.kept) & {"signal", "signal again"}) == 1, "one repeats the other"
    repeated = next(c for c in found.columns if c.verdict == "repeats")
    assert {repeated.column, repeated.repeats} == {"signal", "signal again"}
    assert verdict["town"] == "matters"
    assert verdict["hint"] == "adds nothing"
    assert {verdict["noise"], verdict["also noise"], verdict["curve"]} == {"no sign"}
    assert set(found.kept) | set(found.dropped) == set(told.columns) - {"y"}
    assert json.loads(json.dumps(found.to_json()))["kept"] == found.kept
    assert all(name in found.to_text() for name in told.columns if name != "y")
    assert "--feature keep=2" in found.to_text()


def test_a_numeric_target_and_odd_columns():
    rng = np.random.default_rng(3)
    n = 300
    frame = pl.DataFrame({
        "*": rng.normal(size=n), "^a.*$": rng.normal(size=n), "gone": [None] * n,
        "same": [1] * n, "when": [datetime(2020, 1, 1) + k * timedelta(hours=7) for k in range(n)],
        "says": [("good", "bad", "so so")[k] for k in rng.integers(0, 3, n)],
    }).with_columns(y=pl.Series(rng.normal(size=n)))
    frame = frame.with_columns(pl.Series("y", 3 * frame.get_column("*").to_numpy()
                                         + rng.normal(size=n)))
    found = wf.select(frame, target="y", jobs=1, rounds=5, folds=2, model="ridge")
    assert found.kept[0] == "*"
    assert found.columns[0].low > 1
    assert len(found.kept) <= 2  # of five that are noise one may pass a test at 5 %
    tiny = wf.select(frame.head(12), target="y", jobs=1, rounds=2, folds=2, model="ridge")
    assert len(tiny.columns) == len(found.columns)


def test_mistakes(told, tmp_path, capsys):
    with pytest.raises(DataError, match="select needs to know which column"):
        wf.select(told)
    with pytest.raises(ParameterError, match="ridge does regression, not classification"):
        wf.select(told, target="y", model="ridge")
    with pytest.raises(ParameterError, match="folds must be >= 2; got 1"):
        wf.select(told, target="y", folds=1)
    with pytest.raises(DataError):
        choose(data.load(told.select("y", "noise"), target="y", roles={"noise": "ignored"}),
               tasks.get("classification"))


def test_the_command(told, tmp_path, capsys):
    told.write_csv(tmp_path / "t.csv")
    words = ["select", str(tmp_path / "t.csv"), "--target", "y", "--rounds", "3", "--folds", "2",
             "--model", "logistic", "--jobs", "1"]
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    out = capsys.readouterr().out
    assert not ended.value.code
    assert out.splitlines()[0].split()[0] == "column"
    assert "repeats signal" in out
    with pytest.raises(SystemExit):
        cli.main([*words, "--json"])
    assert json.loads(capsys.readouterr().out)["target"] == "y"
    with pytest.raises(SystemExit) as ended:
        cli.main([*words[:2], "--target", "z"])
    assert ended.value.code == 1
    assert "error: " in capsys.readouterr().err
