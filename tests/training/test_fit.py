"""Fit: the leaderboard, ties, budgets, failures and interrupts."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from wholefit import training
from wholefit.base import errors, tasks
from wholefit.base.budget import Budget, Clock
from wholefit.base.events import listen
from wholefit.data import Dataset, bundled, dataset_of, read
from wholefit.training import Options, Run


class Slow(ClassifierMixin, BaseEstimator):
    """Answers the class shares, after `seconds`; may fail or be interrupted instead."""

    def __init__(self, seconds: float = 0.0, error: Any = None) -> None:
        self.seconds, self.error = seconds, error

    def fit(self, X: Any, y: Any) -> Slow:
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error("it went wrong")
        self.classes_ = np.unique(y)
        self.shares_ = np.bincount(y)[self.classes_] / len(y)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.tile(self.shares_, (X.shape[0], 1))

    def predict(self, X: Any) -> np.ndarray:
        return np.repeat(self.classes_[self.shares_.argmax()], X.shape[0])


# As a class of a script: it cannot be sent to another process, and is timed in this one.
Slow.__module__ = "__main__"


@pytest.fixture(scope="module")
def churn() -> Dataset:
    return dataset_of(read(bundled.path("telco_churn")).frame.head(1500), target="churn")


def run(dataset: Dataset, *models: Any, seconds: float = 300, task: str = "classification",
        **options: Any) -> Run:
    made = Options(models=list(models) or None, **options)
    return training.fit(dataset, tasks.get(task), made, Clock(Budget(seconds=seconds)))


def row(found: Run, name: str) -> training.Entry:
    return next(entry for entry in found.leaderboard if entry.model == name)


def test_the_default_set_beats_the_baseline_with_intervals_apart(churn: Dataset) -> None:
    found = run(churn)
    assert found.chosen.scores["log_loss"].high < row(found, "dummy").scores["log_loss"].low
    assert sum(entry.recommended for entry in found.leaderboard) == 1
    assert sum(entry.best for entry in found.leaderboard) == 1
    for entry in found.leaderboard:
        for score in entry.scores.values():
            if not np.isnan(score.value):
                assert score.low <= score.value <= score.high
    assert found.oof["dummy"].shape == (len(churn), 2)


def test_named_models_are_joined_by_the_baseline(churn: Dataset) -> None:
    found = run(churn, "logistic(C=0.5)", "logistic(C=2.0)")
    assert {entry.model for entry in found.leaderboard} == {"dummy", "logistic", "logistic_2"}
    assert row(found, "logistic").params["C"] == 0.5


def test_among_ties_the_cheapest_is_recommended(churn: Dataset) -> None:
    found = run(churn, "random_forest(n_estimators=20, min_samples_leaf=10)", "logistic")
    assert row(found, "logistic").recommended
    best = run(churn, "random_forest(n_estimators=20, min_samples_leaf=10)", "logistic",
               choose="best")
    assert best.chosen.best


def test_the_same_seed_gives_the_same_leaderboard(churn: Dataset) -> None:
    first, second = (run(churn, "logistic", "decision_tree(max_depth=4)", seed=7) for _ in "ab")
    for name, answer in first.oof.items():
        assert np.array_equal(answer, second.oof[name])
    assert first.lineage["data_hash"] == second.lineage["data_hash"]
    other = run(churn, "logistic", seed=8)
    assert not np.array_equal(other.oof["logistic"], first.oof["logistic"])


def test_a_failing_model_is_reported_and_the_rest_goes_on(churn: Dataset) -> None:
    found = run(churn, Slow(error=RuntimeError), "logistic")
    failed = next(entry for entry in found.leaderboard if entry.status == "failed")
    assert "RuntimeError: it went wrong" in failed.reason
    assert "Traceback" in failed.traceback
    assert any("failed" in sentence for sentence in found.warnings)
    assert found.chosen.model == "logistic"


def test_an_interrupt_keeps_what_is_done(churn: Dataset) -> None:
    seen: list[str] = []
    with listen(lambda event, facts: seen.append(event)):
        found = run(churn, "logistic", Slow(error=KeyboardInterrupt), "random_forest")
    assert found.chosen.model == "logistic"
    assert "interrupted" in seen
    assert any(entry.status == "stopped" for entry in found.leaderboard)


def test_a_budget_is_kept_and_what_did_not_fit_is_said(churn: Dataset) -> None:
    start = time.perf_counter()
    found = run(churn, "logistic", Slow(seconds=1.0), "random_forest", seconds=4)
    assert time.perf_counter() - start < 8  # a busy machine is forgiven much
    assert all(e.reason for e in found.leaderboard if e.status in ("skipped", "stopped"))
    assert any(e.status in ("skipped", "stopped") for e in found.leaderboard)
    assert found.chosen.scores


def test_partial_folds_are_compared_on_common_rows(churn: Dataset) -> None:
    found = run(churn, "logistic", Slow(seconds=0.9), seconds=3.5)
    slow = next(e for e in found.leaderboard if e.model not in ("dummy", "logistic"))
    assert 0 < slow.folds < 5 and slow.status == "stopped"
    assert slow.scores["log_loss"].n < found.chosen.scores["log_loss"].n


def test_noise_is_called_noise() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300),
                          "y": rng.integers(0, 2, 300)})
    found = run(dataset_of(frame, target="y"), "logistic", "decision_tree(max_depth=3)")
    assert any("baseline" in sentence for sentence in found.warnings)
    assert found.chosen.model == "dummy"


def test_groups_stay_together_and_make_the_intervals() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 10)
    frame = pl.DataFrame({"g": [f"g{i}" for i in group], "a": rng.normal(size=400) + group % 3,
                          "y": (group % 2).astype(float) + rng.normal(size=400)})
    found = run(dataset_of(frame, target="y", groups="g"), "ridge", task="regression")
    assert "group" in found.split
    assert found.chosen.scores["rmse"].n == 400


def test_time_is_split_past_before_future() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"t": pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 1, 20),
                                                 "1h", eager=True)})
    frame = frame.with_columns(a=rng.normal(size=len(frame)))
    frame = frame.with_columns(y=pl.col("a") * 2 + rng.normal(size=len(frame)))
    found = run(dataset_of(frame, target="y", time="t"), "ridge", task="regression")
    assert "time" in found.split
    assert 0 < found.chosen.scores["rmse"].n < len(frame)


@pytest.mark.parametrize(("change", "said"), [
    ({"folds": 1}, "folds must be >= 2"), ({"repeats": 0}, "repeats must be >= 1"),
    ({"jobs": 0}, "jobs must be >= 1"), ({"choose": "worst"}, "choose must be one of"),
])
def test_bad_options_are_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.ParameterError, match=said):
        Options(**change)


def test_a_model_of_another_task_is_refused(churn: Dataset) -> None:
    with pytest.raises(errors.ParameterError, match="ridge does regression, not classification"):
        run(churn, "ridge")
    with pytest.raises(errors.UnknownNameError, match="did you mean 'logistic'"):
        run(churn, "logistik")
    with pytest.raises(errors.UnknownNameError, match="roc_auc"):
        run(churn, "logistic", metric="roc_acu")


def test_a_metric_of_the_users_own_decides(churn: Dataset) -> None:
    def misses(truth: np.ndarray, answer: np.ndarray) -> float:
        return float(np.mean(truth != answer))

    misses.greater_is_better = False  # type: ignore[attr-defined]
    found = run(churn, "logistic", metric=misses)
    assert found.metric == "misses"
    score = found.chosen.scores["misses"]
    assert score.low < score.value < score.high
    assert abs(score.value + found.chosen.scores["accuracy"].value - 1) < 1e-12


def test_a_metric_that_raises_is_refused_before_the_search(churn: Dataset) -> None:
    def broken(truth: np.ndarray, answer: np.ndarray) -> float:
        raise KeyError("cost table")

    seen: list[str] = []
    with listen(lambda event, facts: seen.append(event)), pytest.raises(errors.WholefitError):
        run(churn, "logistic", metric=broken)
    assert "model_start" not in seen
