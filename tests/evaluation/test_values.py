"""Values agree with scikit-learn, on made-up and real data; slopes agree with differences."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest
from sklearn import linear_model
from sklearn import metrics as sk

from wholefit import evaluation
from wholefit.base.errors import DataError, UnknownNameError
from wholefit.evaluation import metrics

from ._worlds import many_classes, numbers, real, two_classes


def peer_binary(y, P, w, positive=1):
    """scikit-learn's values for two classes."""
    hit, score, label = y == positive, P[:, positive], P.argmax(axis=1)
    named = {"sample_weight": w, "pos_label": positive}
    return {
        "log_loss": sk.log_loss(y, P, sample_weight=w, labels=[0, 1]),
        "roc_auc": sk.roc_auc_score(hit, score, sample_weight=w),
        "average_precision": sk.average_precision_score(hit, score, sample_weight=w),
        "accuracy": sk.accuracy_score(y, label, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, label, sample_weight=w),
        "f1": sk.f1_score(y, label, **named),
        "precision": sk.precision_score(y, label, **named),
        "recall": sk.recall_score(y, label, **named),
        "brier": sk.brier_score_loss(y, score, **named),
        "mcc": sk.matthews_corrcoef(y, label, sample_weight=w),
    }


def peer_many(y, P, w):
    """scikit-learn's values for many classes, all of them present."""
    label, k = P.argmax(axis=1), P.shape[1]
    macro = {"sample_weight": w, "average": "macro", "zero_division": 0}
    return {
        "log_loss": sk.log_loss(y, P, sample_weight=w),
        "roc_auc": np.mean([sk.roc_auc_score(y == c, P[:, c], sample_weight=w)
                            for c in range(k)]),
        "average_precision": np.mean([sk.average_precision_score(y == c, P[:, c], sample_weight=w)
                                      for c in range(k)]),
        "accuracy": sk.accuracy_score(y, label, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, label, sample_weight=w),
        "f1": sk.f1_score(y, label, **macro),
        "precision": sk.precision_score(y, label, **macro),
        "recall": sk.recall_score(y, label, **macro),
        "brier": sk.brier_score_loss(y, P, sample_weight=w),
        "mcc": sk.matthews_corrcoef(y, label, sample_weight=w),
    }


def peer_numbers(y, p, w):
    """scikit-learn's values for numbers."""
    return {
        "rmse": sk.root_mean_squared_error(y, p, sample_weight=w),
        "mae": sk.mean_absolute_error(y, p, sample_weight=w),
        "r2": sk.r2_score(y, p, sample_weight=w),
        "mape": sk.mean_absolute_percentage_error(y, p, sample_weight=w),
        "mse": sk.mean_squared_error(y, p, sample_weight=w),
        "median_ae": sk.median_absolute_error(y, p, sample_weight=w),
    }


def agree(task, truth, answer, peer, **options):
    """Every value of ours is the peer's, to 1e-12."""
    ours = evaluation.score(task, truth, answer, metrics=list(peer), **options)
    for name, value in peer.items():
        assert ours[name].value == pytest.approx(value, rel=1e-12, abs=1e-12), name


def weighting(n, kind, random):
    return {"none": None, "random": random.random(n) + 0.01,
            "whole": random.integers(1, 5, n).astype(float)}[kind]


@pytest.mark.parametrize("kind", ["none", "random", "whole"])
@pytest.mark.parametrize("n", [7, 60, 3000])
def test_two_classes_agree_with_scikit_learn(n, kind):
    random = np.random.default_rng(n)
    y, P = two_classes(n, random)
    P = np.round(P, 1)
    w = weighting(n, kind, random)
    for positive in (0, 1):
        agree("classification", y, P, peer_binary(y, P, w, positive), weights=w,
              positive=positive)


@pytest.mark.parametrize("kind", ["none", "random", "whole"])
@pytest.mark.parametrize("k", [3, 26])
def test_many_classes_agree_with_scikit_learn(k, kind):
    random = np.random.default_rng(k)
    y, P = many_classes(2000, k, random)
    w = weighting(2000, kind, random)
    agree("classification", y, P, peer_many(y, P, w), weights=w)


@pytest.mark.parametrize("kind", ["none", "random", "whole"])
@pytest.mark.parametrize("n", [2, 51, 5000])
def test_numbers_agree_with_scikit_learn(n, kind):
    random = np.random.default_rng(n)
    y, p = numbers(n, random)
    w = weighting(n, kind, random)
    agree("regression", y, p, peer_numbers(y, p, w), weights=w)


def test_a_class_that_no_truth_has():
    random = np.random.default_rng(3)
    y, P = many_classes(400, 4, random)
    P, y = P[y != 2], y[y != 2]
    label, present = P.argmax(axis=1), [0, 1, 3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = {
            "log_loss": sk.log_loss(y, P, labels=range(4)),
            "roc_auc": np.mean([sk.roc_auc_score(y == c, P[:, c]) for c in present]),
            "average_precision": np.mean([sk.average_precision_score(y == c, P[:, c])
                                          for c in present]),
            "balanced_accuracy": sk.balanced_accuracy_score(y, label),
            "f1": sk.f1_score(y, label, average="macro", zero_division=0),
            "precision": sk.precision_score(y, label, average="macro", zero_division=0),
            "recall": sk.recall_score(y, label, average="macro", zero_division=0),
            "mcc": sk.matthews_corrcoef(y, label),
        }
    agree("classification", y, P, peer)
    assert "3 of 4 classes" in evaluation.score("classification", y, P)["roc_auc"].how


def test_real_churn_agrees_with_scikit_learn():
    frame = pl.read_csv(real("telco_churn"), null_values=["NA", ""], infer_schema_length=None)
    y = (frame["churn"].cast(pl.String).str.to_lowercase() == "yes").to_numpy().astype(int)
    X = frame.select(pl.selectors.numeric()).fill_null(0).to_numpy()
    P = linear_model.LogisticRegression(max_iter=2000).fit(X, y).predict_proba(X)
    assert 0.1 < y.mean() < 0.5
    agree("classification", y, P, peer_binary(y, P, None))


def test_real_diamonds_agree_with_scikit_learn():
    frame = pl.read_parquet(real("diamonds"))
    y = frame["price"].to_numpy().astype(float)
    X = frame.select("carat", "depth", "table").to_numpy()
    p = linear_model.LinearRegression().fit(X, y).predict(X)
    agree("regression", y, p, peer_numbers(y, p, None))
    w = frame["carat"].to_numpy()
    agree("regression", y, p, peer_numbers(y, p, w), weights=w)


def test_calibration_error_is_the_binned_gap():
    random = np.random.default_rng(5)
    y, P = many_classes(500, 3, random)
    top, hit = P.max(axis=1), P.argmax(axis=1) == y
    bins = [(top > b / 15) & (top <= (b + 1) / 15) for b in range(15)]
    brute = sum(abs(top[b].mean() - hit[b].mean()) * b.mean() for b in bins if b.any())
    got = evaluation.score("classification", y, P, metrics="ece")["ece"]
    assert got.value == pytest.approx(brute, abs=1e-12)


def sheets():
    random = np.random.default_rng(8)
    w = random.random(120) + 0.1
    yield "classification", metrics.sheet("classification", *two_classes(120, random), weights=w)
    yield "classification", metrics.sheet("classification", *many_classes(120, 4, random),
                                          weights=w)
    yield "regression", metrics.sheet("regression", *numbers(120, random), weights=w)


def test_slopes_are_derivatives_and_values_take_many_weightings():
    random = np.random.default_rng(9)
    for task, sheet in sheets():
        for name in metrics.names(task):
            metric, w = metrics.get(task, name), sheet.weights.copy()
            W = np.stack([w, w * (1 + random.random(len(w)))])
            one_by_one = np.stack([metric.value(sheet, row) for row in W])
            assert np.allclose(metric.value(sheet, W), one_by_one, atol=1e-12), name
            slopes = metric.slopes(sheet, W)
            assert np.allclose(slopes[1], metric.slopes(sheet, W[1]), atol=1e-12), name
            if name == "median_ae":  # a step function: its slope is a smoothed one
                continue
            way, h = random.normal(size=len(w)), 1e-6
            rise = (metric.value(sheet, w + h * way) - metric.value(sheet, w - h * way)) / (2 * h)
            assert slopes[0] @ way == pytest.approx(rise, rel=1e-5, abs=1e-8), name


def test_names_aliases_and_spelling():
    assert metrics.get("classification", "AUC").name == "roc_auc"
    assert metrics.get("classification", "logloss").name == "log_loss"
    assert metrics.get("regression", "mean_squared_error").name == "mse"
    assert metrics.get("classification", "ap").name == "average_precision"
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        metrics.get("classification", "acuracy")
    with pytest.raises(UnknownNameError):
        metrics.names("classifcation")


def test_every_metric_explains_itself():
    for task in ("classification", "regression"):
        for name in metrics.names(task):
            metric = metrics.get(task, name)
            assert metric.doc and metric.unit and metric.better in ("higher", "lower")
            assert metric.words(0.5)[-1] == "." and "{" not in metric.words(0.5)
    assert metrics.get("classification", "accuracy").words(0.873) == \
        "of 100 rows, 87% are classified correctly."


@pytest.mark.parametrize(("task", "name", "value", "said"), [
    ("classification", "log_loss", 0.417,
     "the right class gets a probability of about 66% (geometric mean)."),
    ("classification", "log_loss", 0.0006,
     "the right class gets a probability of about 99.94% (geometric mean)."),
    ("classification", "log_loss", 36.0,
     "the right class gets a probability of less than 0.01% (geometric mean)."),
    ("classification", "recall", 0.0, "of 100 rows of the class, 0% are found."),
    ("regression", "mae", 14414.3, "the answers miss by 14,410 on average."),
    ("regression", "mae", 0.0123456, "the answers miss by 0.01235 on average."),
    ("regression", "mse", 547181812.0,
     "the squared misses average 547,200,000; their root is the rmse."),
])
def test_metrics_are_told_as_people_write(task, name, value, said):
    assert metrics.get(task, name).words(value) == said


@pytest.mark.parametrize(("truth", "answer", "options", "said"), [
    ([0, 1], [[0.5, 0.5]], {}, "n = 2 rows"),
    ([0, 2], [[0.5, 0.5], [0.5, 0.5]], {}, "truth codes must be < 2"),
    ([0, 1], [[0.5, 0.9], [0.5, 0.5]], {}, "summing to 1"),
    ([0, 1], [[0.5, 0.5], [np.nan, 0.5]], {}, "must be finite; got .* in row 1"),
    (["a", "b"], [[0.5, 0.5], [0.5, 0.5]], {}, "Encode the labels"),
    ([0, 1], [[0.5, 0.5]] * 2, {"weights": [1, -1]}, "weights must be finite and >= 0"),
    ([0, 1], [[0.5, 0.5]] * 2, {"units": [1]}, "units must be one column of 2 rows"),
    ([0, 1], [[0.5, 0.5]] * 2, {"positive": 5}, "positive must be a class code"),
])
def test_misfits_are_refused(truth, answer, options, said):
    with pytest.raises(DataError, match=said):
        evaluation.score("classification", truth, np.array(answer), **options)


def test_rows_without_truth_or_weight_are_left_out_and_counted():
    y, P = two_classes(50, np.random.default_rng(1))
    unknown = np.append(y, [-1, 0])
    wider = np.vstack([P, [[0.5, 0.5], [0.1, 0.9]]])
    w = np.append(np.ones(51), 0.0)
    got = evaluation.score("classification", unknown, wider, weights=w)["log_loss"]
    assert got.value == evaluation.score("classification", y, P)["log_loss"].value
    assert got.n == 50 and "2 rows without" in got.how


def test_scores_are_the_same_where_rankings_are_too_large_to_keep(monkeypatch):
    y, P = many_classes(300, 5, np.random.default_rng(12))
    kept = evaluation.score("classification", y, P)
    monkeypatch.setattr("wholefit.evaluation.metrics._sheet._KEPT_RANKS", 0)
    assert evaluation.score("classification", y, P) == kept
