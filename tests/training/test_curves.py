"""Learning and validation curves, verdicts, bias and variance: against what was planted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from wholefit import data, models
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.evaluation import score
from wholefit.training import curves
from wholefit.training.curves import _bench, _extrapolate, _measure, _variants, _verdict

FOREVER = Budget()


def frame(kind: str, n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    y = {"line": X @ [1.0, 1.0, 0.5, 0.0] + rng.normal(size=n),
         "curve": 3 * np.sin(1.5 * X[:, 0]) + X[:, 1] ** 2 + 0.5 * rng.normal(size=n),
         "noise": rng.normal(size=n)}[kind]
    return pl.DataFrame({**{f"x{at}": X[:, at] for at in range(4)}, "y": y})


def bench(kind: str = "line", n: int = 300, seed: int = 0, *, table: pl.DataFrame | None = None,
          task: str = "regression", folds: int = 5, metric: Any = None, **roles: Any
          ) -> curves.Bench:
    rows = frame(kind, n, seed) if table is None else table
    return curves.Bench.of(data.load(rows, target="y", **roles), tasks.get(task),
                           curves.Options(folds=folds, seed=seed, metric=metric))


def curve(made: curves.Bench, model: str, **how: Any) -> curves.LearningCurve:
    return curves.learning_curve(made, made.model(model), sizes=how.pop("sizes", None),
                                 clock=Clock(FOREVER), **how)


# ---- points ------------------------------------------------------------------------------


def test_the_largest_point_is_the_plain_cross_validation() -> None:
    made = bench("line")
    found = curves.measure(made, made.model("ridge"), [60, 240], Clock(FOREVER), draws=2)
    from wholefit.training._folds import validate

    plain = validate(made.problem, made.model("ridge"), math.inf, 5)
    known = score("regression", made.problem.y, plain.answer, metrics="rmse")["rmse"]
    assert found.values[-1] == pytest.approx(known.value, rel=1e-9)


def test_no_row_is_judged_by_a_model_that_learnt_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(table=frame("line", 200, 0).with_columns(g=pl.Series(np.arange(200) // 4)),
                 groups="g")
    learnt: list[np.ndarray] = []
    fit, answers = curves.Bench.fit, curves.Bench.answers

    def watched(self: Any, model: Any, rows: np.ndarray, key: str) -> Any:
        learnt.append(rows)
        return fit(self, model, rows, key)

    def judged(self: Any, found: Any, rows: np.ndarray) -> Any:
        own = set(self.units[learnt[-1]].tolist())
        asked = set(self.units[rows].tolist())
        assert asked <= own or not asked & own
        return answers(self, found, rows)

    monkeypatch.setattr(curves.Bench, "fit", watched)
    monkeypatch.setattr(curves.Bench, "answers", judged)
    curves.measure(made, made.model("ridge"), [40, 150], Clock(FOREVER), draws=2)
    assert len(learnt) == 5 * 2 + 5


def test_any_first_part_keeps_classes_in_proportion_and_units_together() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"x": rng.normal(size=400), "g": np.arange(400) // 5,
                          "y": np.where(np.arange(400) // 5 % 4 == 0, "rare", "common")})
    made = bench(table=table, task="classification", groups="g")
    train = made.problem.plan.folds[0][0]
    line = _bench.order(made, train, np.random.default_rng(1))
    assert sorted(line) == sorted(train)
    for size in (40, 80, 160, 320):
        assert abs((made.problem.y[line[:size]] == made.problem.y[0]).mean() - 0.25) < 0.08
    units = made.units[line]
    assert np.count_nonzero(np.diff(units)) + 1 == len(np.unique(units))


def test_rows_in_time_are_taken_latest_first() -> None:
    table = frame("line", 200, 0).with_columns(t=pl.Series(np.arange(200)))
    made = bench(table=table, time="t")
    train, test = made.problem.plan.folds[-1]
    line = _bench.order(made, train, np.random.default_rng(0))
    assert line[0] == train.max() < test.min()
    found = curve(made, "ridge", probes=False)
    assert found.timed and "history" in found.to_text()


def test_overlaps_are_a_covariance() -> None:
    found = _bench.overlaps([10, 40, 80], [20, 20, 5], 100)
    assert np.linalg.eigvalsh(found).min() > 0
    # One model: all its variance. Endlessly many: what rows in common leave of it.
    assert _bench.overlaps([80], [1], 100)[0, 0] == 1
    assert _bench.overlaps([80], [10**9], 100)[0, 0] == pytest.approx(0.8)


@pytest.mark.slow
def test_bands_hold_the_expected_score() -> None:
    """The score expected of a tree taught 120 fresh rows lies in the 95 % band."""
    big = bench("curve", 20_000, 10**6, metric="rmse")
    tree = big.model("decision_tree(min_samples_leaf=5)")
    test = np.arange(10_000)
    truth = []
    for seed in range(40):
        rows = np.sort(np.random.default_rng(seed).choice(10_000, 120, replace=False)) + 10_000
        truth.append(big.value(big.sheet(test, big.answers(big.fit(tree, rows, "t"), test))))
    hits = 0
    for seed in range(60):
        made = bench("curve", 300, seed, metric="rmse")
        point = curves.measure(made, tree, [60, 120], Clock(FOREVER)).points[1].valid
        hits += point.low <= np.mean(truth) <= point.high
    assert hits >= 53


# ---- where the curve leads ---------------------------------------------------------------


def power(sizes: list[int], noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = 0.3 + 4 * np.array(sizes, dtype=float) ** -0.6
    return values + noise * rng.normal(size=len(sizes)), np.eye(len(sizes)) * noise**2


SIZES = [40, 80, 160, 320, 640, 1280]


def test_a_power_law_is_found_and_its_interval_holds_the_truth() -> None:
    hits = 0
    for seed in range(30):
        values, cov = power(SIZES, 0.003, seed)
        law = curves.extrapolate(SIZES, values, cov, sign=-1, bounds=(0, math.inf), lift=1.0,
                                 seed=seed)
        told = {each.times: each for each in law.forecasts}[2.0]
        truth = 4 * (2560.0**-0.6 - 1280.0**-0.6)
        hits += told.gain_low <= truth <= told.gain_high
        assert told.gain < 0.002
    assert hits >= 27


def test_scores_of_which_more_is_better_mirror_losses() -> None:
    values, cov = power(SIZES, 0.001, 1)
    loss = curves.extrapolate(SIZES, values, cov, sign=-1, bounds=(0, 1), lift=1.0)
    gain = curves.extrapolate(SIZES, 1 - values, cov, sign=1, bounds=(0, 1), lift=1.0)
    assert gain.forecasts[1].gain == pytest.approx(-loss.forecasts[1].gain, abs=1e-5)


def test_what_cannot_be_told_is_refused() -> None:
    values, cov = power(SIZES, 0.001, 1)
    how: Any = {"sign": -1, "bounds": (0, math.inf), "lift": 1.0}
    assert "sizes" in curves.extrapolate(SIZES[:3], values[:3], cov[:3, :3], **how).refused
    assert "noise" in curves.extrapolate(
        [5, 10, 20, 40, 80], values[:5], cov[:5, :5], **how).refused
    assert "worse" in curves.extrapolate(SIZES, values[::-1].copy(), cov, **how).refused
    wide = curves.extrapolate(SIZES, values, cov * 1e6, **{**how, "lift": 0.1})
    assert "wide" in wide.refused and not wide.forecasts
    far = curves.extrapolate(SIZES, values, cov, times=(2.0, 10.0), **how)
    assert [each.times for each in far.forecasts] == [2.0]


def test_every_family_falls_over_the_sizes_seen() -> None:
    x = np.array(SIZES) / SIZES[-1]
    for shape, values in _extrapolate._FAMILIES.values():
        for c in values:
            g, _ = _extrapolate._scaled(shape, float(c), x)
            assert g[0] == pytest.approx(1) and g[-1] == pytest.approx(0, abs=1e-12)
            assert (np.diff(g) <= 1e-12).all()


# ---- verdicts ----------------------------------------------------------------------------


def verdict(kind: str, model: str, n: int, seed: int) -> curves.Verdict:
    made = bench(kind, n, seed, metric="rmse", folds=3)
    chosen = made.model(model)
    return curves.verdict(made, chosen, curves.attempt(made, chosen, "base"), Clock(FOREVER))


@pytest.mark.parametrize(("kind", "model", "n", "expected"), [
    ("noise", "decision_tree", 300, "overfitting"),
    ("curve", "ridge", 300, "underfitting"),
    ("line", "ridge", 300, "neither"),
    ("line", "ridge", 24, "too few rows to tell"),
])
def test_planted_cases_are_recognised(kind: str, model: str, n: int, expected: str) -> None:
    """All of three; `benchmarks/understanding/curves.py` states the rates over 100 tables."""
    found = [verdict(kind, model, n, seed).kind for seed in range(3)]
    assert found == [expected] * 3


def test_a_forest_that_knows_its_rows_by_heart_is_not_called_overfitted() -> None:
    table = frame("curve", 500, 3)
    made = bench(table=table, metric="rmse", folds=3)
    model = made.model("extra_trees(n_estimators=30)")
    found = curves.verdict(made, model, curves.attempt(made, model, "base"), Clock(FOREVER))
    assert found.train.value < 0.01 < found.valid.value and found.gap_low > 0
    assert found.kind in ("neither", "beaten by a more flexible model")


def test_the_sentence_has_the_numbers() -> None:
    found = verdict("curve", "ridge", 300, 0)
    assert found.said.startswith("underfitting: rmse ") and "is better by" in found.said
    assert str(found.valid) in found.said
    assert found.to_json()["kind"] == "underfitting"


def test_without_a_form_to_compare_with_nothing_is_called_fine() -> None:
    made = bench("line", 300, 0, metric="rmse", folds=3)
    model = made.model("ridge")
    base = curves.attempt(made, model, "base")
    none = curves.verdict(made, model, base, Clock(Budget(seconds=1e-9)))
    assert none.kind == _verdict.UNTRIED and not none.probes
    assert "no simpler and no more flexible form of it was fitted" in none.said
    known = curves.attempt(made, made.baseline, "baseline")
    one = [_verdict.gain(made, base, base, "simpler", "alpha=10.0", 4)]
    half = _verdict.judge(made, model, base, known, one, {"simpler", "more flexible"})
    assert half.kind == _verdict.UNTRIED and "no more flexible one was fitted" in half.said
    assert _verdict.judge(made, model, base, known, one, {"simpler"}).kind == _verdict.NEITHER


def test_probes_move_the_way_they_say() -> None:
    task = tasks.get("regression")
    tree = models.make("decision_tree(max_depth=8, min_samples_leaf=8)")
    for words, made in _variants.simpler(tree, task):
        assert made.max_depth < 8 and made.min_samples_leaf > 8, words  # type: ignore[attr-defined]
    for words, made in _variants.single(tree, flexible=True):
        moved = made.to_dict()
        assert moved["max_depth"] > 8 or moved["min_samples_leaf"] < 8, words
    assert [words for words, _ in _variants.simpler(models.make("knn"), task)] == ["k=20", "k=80"]
    assert _variants.simpler(models.make("linear"), task) == []
    for name in (name for name in models.names("regression") if not models.get(name).must):
        for _, made in (*_variants.simpler(models.get(name)(), task),
                        *_variants.richer(models.get(name)(), task)):
            assert made != models.get(name)()


# ---- validation curves, bias and variance, where ------------------------------------------


def test_a_validation_curve_marks_the_tied_range() -> None:
    made = bench("line", 500, 1, metric="rmse", folds=4)
    found = curves.validation_curve(made, made.model("decision_tree"), "max_depth",
                                    [1, 4, 5, None], Clock(FOREVER))
    assert [each.value for each in found.settings] == [1, 4, 5, None]
    assert found.best.value in (4, 5) and not found.settings[0].tied
    trains = [each.train.value for each in found.settings]
    assert trains == sorted(trains, reverse=True)
    assert found.settings[-1].used and found.to_json()["settings"][-1]["used"]
    assert found.settings[-1].train.high == 0  # it knows every row that it learnt from


def test_a_validation_curve_covers_the_range_of_the_search() -> None:
    spec = {s.name: s for s in models.get("ridge").specs()}["alpha"]
    from wholefit.training.curves._validation import _grid

    made = _grid(spec, 1.0, None)
    assert made[0] == spec.search.low and made[-1] == spec.search.high and 1.0 in made  # type: ignore[union-attr]
    with pytest.raises(UnknownNameError, match="alpha"):
        curves.validation_curve(bench(), models.make("ridge"), "alfa", None, Clock(FOREVER))
    with pytest.raises(ParameterError, match="values"):
        curves.validation_curve(bench(), models.make("ridge"), "fit_intercept", None,
                                Clock(FOREVER))


def test_bias_and_variance_add_up_and_agree_with_fresh_rows() -> None:
    """Against 60 models taught fresh tables: the truth that the bootstrap stands in for."""
    made = bench("curve", 400, 5, folds=2)
    model = made.model("decision_tree(min_samples_leaf=5)")
    found = curves.decompose(made, [model, made.model("ridge")], Clock(FOREVER), draws=40)
    tree, line = found.models
    for each in found.models:
        assert each.error.value == pytest.approx(each.bias.value + each.variance.value)
    new = frame("curve", 3000, 99)
    asked = data.load(new, target="y")
    clean = 3 * np.sin(1.5 * new["x0"].to_numpy()) + new["x1"].to_numpy() ** 2
    answers = []
    for seed in range(60):
        fresh = bench("curve", 252, 1000 + seed, folds=2)  # a draw holds 63 % of 400 rows
        fit = fresh.fit(model, np.arange(252), "all")
        answers.append(fit.model.answer(fit.estimator, fit.encoder.transform(asked),
                                        fresh.problem.task, fit.context))
    variance = np.var(answers, axis=0, ddof=1).mean()
    bias = np.mean((np.mean(answers, axis=0) - clean) ** 2) + 0.25
    assert tree.variance.value == pytest.approx(variance, rel=0.35)
    assert tree.bias.value == pytest.approx(bias, rel=0.35)
    assert line.variance.value < 0.2 * tree.variance.value
    assert line.bias.low > tree.bias.high


def test_noise_is_known_where_rows_have_twins() -> None:
    rng = np.random.default_rng(0)
    x = np.repeat(rng.integers(0, 500, 300), 2).astype(float)
    table = pl.DataFrame({"x": x, "y": np.sin(x) + 0.5 * rng.normal(size=600)})
    found = curves.decompose(bench(table=table), [models.make("ridge")], Clock(FOREVER), draws=8)
    assert found.noise is not None and found.noise.low < 0.25 < found.noise.high
    assert curves.decompose(bench(), [models.make("ridge")], Clock(FOREVER), draws=8).noise is None


def test_where_more_rows_help() -> None:
    """Two parts with laws of their own; only the thin one still learns from more rows."""
    rng = np.random.default_rng(2)
    part = np.where(np.arange(1500) < 150, "thin", "thick")
    X = rng.normal(size=(1500, 2))
    y = np.where(part == "thin", 4 * np.sin(2 * X[:, 0]), 0.2 * X[:, 1])
    table = pl.DataFrame({"part": part, "a": X[:, 0], "b": X[:, 1],
                          "y": y + 0.2 * rng.normal(size=1500)})
    found = curve(bench(table=table, metric="rmse"), "decision_tree(min_samples_leaf=5)",
                  sizes=[0.3, 1.0], draws=1, probes=False, by="part")
    assert found.where is not None
    assert found.where.parts[0].name == "part = thin" and found.where.parts[0].low > 0
    assert "collect more there first" in found.to_text()


# ---- the record --------------------------------------------------------------------------


def test_a_curve_tells_itself() -> None:
    found = curve(bench("line", 400), "ridge")
    assert [p.rows for p in found.points] == sorted(p.rows for p in found.points)
    stored = found.to_json()
    assert stored["points"][-1]["rows"] == 320 and stored["verdict"]["kind"] == "neither"
    assert len(found.table()[1]) == len(found.points)
    assert "rmse" in found.to_text() and "twice" in found.to_text().lower()
    again = curve(bench("line", 400), "ridge", probes=False)
    timeless = [{**p, "fit_seconds": 0} for p in stored["points"]]
    assert timeless == [{**p, "fit_seconds": 0} for p in again.to_json()["points"]]
    assert stored["forecasts"] == again.to_json()["forecasts"]


def test_sizes_are_shares_or_counts() -> None:
    made = bench("line", 300)
    assert curves.sizes_of(made, [0.5, 1.0]) == [120, 240]
    assert curves.sizes_of(made, [50, 100]) == [50, 100]
    for wrong in ([0.5], [10, 900], [-1, 20], [1, 20]):
        with pytest.raises(ParameterError, match="sizes must be"):
            curves.sizes_of(made, wrong)
    with pytest.raises(DataError, match="at least 64 rows"):
        curves.sizes_of(bench("line", 20), None)


def test_a_short_budget_draws_less_and_says_so() -> None:
    made = bench("line", 300)
    found = curves.learning_curve(made, made.model("ridge"), sizes=[0.5, 1.0],
                                  clock=Clock(Budget(seconds=1e-9)))
    assert found.points[0].fits == 5 and "1 of 4 draws" in found.to_text()


def test_a_function_is_a_metric_too() -> None:
    def closeness(truth: np.ndarray, answer: np.ndarray) -> float:
        return -float(np.abs(truth - answer).mean())

    made = bench("line", 300, metric=closeness)
    found = curve(made, "ridge", sizes=[0.5, 1.0], probes=False)
    known = curve(bench("line", 300, metric="mae"), "ridge", sizes=[0.5, 1.0], probes=False)
    ours, theirs = found.points[-1].valid, known.points[-1].valid
    assert ours.value == pytest.approx(-theirs.value)
    assert (ours.high - ours.low) == pytest.approx(theirs.high - theirs.low, rel=0.5)


def test_the_spread_of_draws_is_smoothed_over_sizes() -> None:
    made = bench("line", 300)
    values = [np.array([1.0, 1.2, 0.9]), np.array([1.0, 1.1, 0.95]), np.array([1.0])]
    found = _measure._spread(made, [30, 60, 240], values, 1.0)
    assert (np.diff(found) < 0).all() and (found > 0).all()
    assert not _measure._spread(made, [30, 240], [np.array([1.0]), np.array([1.0])], 1.0).any()


def test_words_of_a_verdict_are_few() -> None:
    assert {_verdict.OVER, _verdict.UNDER, _verdict.NEITHER, _verdict.FEW,
            _verdict.UNTRIED} == {"overfitting", "underfitting", "neither",
                                  "too few rows to tell", "too few forms tried to tell"}
