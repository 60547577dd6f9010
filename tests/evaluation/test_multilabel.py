"""Metrics of several labels: against scikit-learn, against drawing rows anew, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from wholefit import evaluation
from wholefit.base.errors import DataError, UnknownNameError
from wholefit.evaluation import intervals, metrics


def world(rows: int = 500, labels: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pull = rng.normal(size=(rows, labels)) + rng.normal(size=(rows, 1)) / 2
    truth = (pull + rng.normal(size=(rows, labels)) > np.linspace(0, 1.5, labels)).astype(float)
    return truth, 1 / (1 + np.exp(np.linspace(0, 1.5, labels) - 1.5 * pull))


def test_values_are_scikit_learns() -> None:
    truth, answer = world()
    found = {name: score.value for name, score in evaluation.score(
        "multilabel", truth, answer).items()}
    given = answer >= 0.5
    assert found == pytest.approx({
        "log_loss": sk.log_loss(truth.ravel(), answer.ravel()),
        "f1_macro": sk.f1_score(truth, given, average="macro"),
        "f1_micro": sk.f1_score(truth, given, average="micro"),
        "roc_auc": sk.roc_auc_score(truth, answer),
        "average_precision": sk.average_precision_score(truth, answer),
        "exact_match": sk.accuracy_score(truth, given),
        "hamming_loss": sk.hamming_loss(truth, given),
        "jaccard": sk.jaccard_score(truth, given, average="samples", zero_division=1),
        "ranking_precision": sk.label_ranking_average_precision_score(truth, answer)})


def test_values_are_scikit_learns_with_weights_where_it_takes_them() -> None:
    truth, answer = world()
    heavy = np.random.default_rng(1).random(len(truth)) + 0.1
    found = {name: score.value for name, score in evaluation.score(
        "multilabel", truth, answer, weights=heavy).items()}
    given = answer >= 0.5
    assert found["f1_macro"] == pytest.approx(
        sk.f1_score(truth, given, average="macro", sample_weight=heavy))
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(truth, answer, sample_weight=heavy))
    assert found["exact_match"] == pytest.approx(
        sk.accuracy_score(truth, given, sample_weight=heavy))
    assert found["hamming_loss"] == pytest.approx(
        sk.hamming_loss(truth, given, sample_weight=heavy))
    assert found["ranking_precision"] == pytest.approx(
        sk.label_ranking_average_precision_score(truth, answer, sample_weight=heavy))


@pytest.mark.parametrize("extra", ["plain", "weights", "units"])
def test_influence_agrees_with_the_bootstrap(extra: str) -> None:
    truth, answer = world(900, 4, seed=2)
    options = {"plain": {}, "weights": {"weights": np.random.default_rng(4).random(900) + 0.2},
               "units": {"units": np.arange(900) // 3}}[extra]
    sheet = metrics.sheet("multilabel", truth, answer, **options)
    for name in metrics.names("multilabel"):
        metric = metrics.get("multilabel", name)
        drawn = intervals.bootstrap(metric, sheet, seed=1, draws=600)
        told = intervals.Spread.of(intervals.pull(metric, sheet)).error
        assert told == pytest.approx(drawn.std(ddof=1), rel=0.12), name


def test_labels_that_are_not_known_count_nowhere() -> None:
    truth, answer = world(300, 3, seed=5)
    hidden = np.random.default_rng(6).random(truth.shape) < 0.3
    some = np.where(hidden, np.nan, truth)
    found = {name: score.value for name, score in evaluation.score(
        "multilabel", some, answer).items()}
    every = [sk.roc_auc_score(truth[~hidden[:, at], at], answer[~hidden[:, at], at])
             for at in range(3)]
    assert found["roc_auc"] == pytest.approx(np.mean(every))
    given = (answer >= 0.5)[~hidden]
    assert found["f1_micro"] == pytest.approx(sk.f1_score(truth[~hidden], given))
    # What is answered where the truth is not known changes nothing.
    other = np.where(hidden, 0.987, answer)
    again = evaluation.score("multilabel", some, other)
    assert {name: score.value for name, score in again.items()} == pytest.approx(found)


def test_a_label_that_no_row_holds_is_left_out_of_means_over_labels() -> None:
    truth, answer = world(200, 3, seed=7)
    truth[:, 1] = 0
    score = evaluation.score("multilabel", truth, answer, metrics=["roc_auc"])["roc_auc"]
    assert score.value == pytest.approx(sk.roc_auc_score(truth[:, [0, 2]], answer[:, [0, 2]]))
    assert "2 of 3 labels" in score.how
    none = evaluation.score("multilabel", np.zeros((20, 2)), np.full((20, 2), 0.3))
    assert np.isnan(none["roc_auc"].value) and "undefined" in none["roc_auc"].how
    assert none["exact_match"].value == 1.0 and none["exact_match"].low < 1


def test_intervals_hold_the_value_of_many_rows() -> None:
    truth, answer = world(60_000, 3, seed=8)
    whole = {name: score.value for name, score in evaluation.score(
        "multilabel", truth, answer, level=None).items()}
    inside = dict.fromkeys(whole, 0)
    for at in range(200):
        rows = slice(300 * at, 300 * (at + 1))
        for name, score in evaluation.score("multilabel", truth[rows], answer[rows]).items():
            inside[name] += score.low <= whole[name] <= score.high
    assert min(inside.values()) >= 180 and max(inside.values()) <= 200, inside


def test_ties_are_judged_row_by_row() -> None:
    truth, answer = world(800, 4, seed=9)
    worse = np.clip(answer + np.random.default_rng(1).normal(size=answer.shape) / 4, 0.01, 0.99)
    found = evaluation.ties("multilabel", "roc_auc", truth, {"good": answer, "bad": worse})
    assert found["good"].value == 0 and found["bad"].better == "b" and found["bad"].p < 0.01
    same = evaluation.ties("multilabel", "log_loss", truth, {"a": answer, "b": answer.copy()})
    assert same["b"].better == "tied"


def test_what_does_not_fit_is_refused() -> None:
    truth, answer = world(20, 3)
    with pytest.raises(DataError, match="shape"):
        evaluation.score("multilabel", truth, answer[:, :2])
    with pytest.raises(DataError, match="0 or 1"):
        evaluation.score("multilabel", truth * 2, answer)
    with pytest.raises(DataError, match="probabilities"):
        evaluation.score("multilabel", truth, answer * 3)
    with pytest.raises(UnknownNameError):
        evaluation.score("multilabel", truth, answer, metrics=["roc_ac"])
    assert metrics.get("multilabel", "f1").name == "f1_macro"
    assert metrics.get("multilabel", "LRAP").name == "ranking_precision"
