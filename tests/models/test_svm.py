"""Support vector machines and the probabilities that are made of margins."""

from __future__ import annotations

import numpy as np
import pytest
from real_tables import agree, fitted, log_loss, skill, table

from wholefit.base.state import State
from wholefit.models import make, scorer
from wholefit.models._calibrated import MarginClassifier, platt
from wholefit.models._counts import CountsNB
from wholefit.models._nearest import NearestClassifier, NearestRegressor
from wholefit.models._target import ScaledTarget

CLASSES = ["svc", "svc(kernel='poly', degree=2)", "svc(kernel='sigmoid', gamma=0.01)",
           "svc(kernel='linear')", "svc(gamma=0.05, C=10.0, balanced=True)", "linear_svm",
           "linear_svm(squared=False, balanced=True)"]
NUMBERS = ["svr", "svr(kernel='linear')", "svr(kernel='poly', coef0=1.0)", "linear_svm",
           "linear_svm(squared=False)"]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", ["titanic", "price_classes"])
@pytest.mark.parametrize("text", CLASSES)
def test_classes(text: str, name: str, sparse: bool) -> None:
    least = {"titanic": 0.7, "price_classes": 0.3}[name]
    assert skill(agree(text, name, sparse), name) > least


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text: str, sparse: bool) -> None:
    assert skill(agree(text, "prices", sparse), "prices") > 0.6


def test_margins_of_five_classes_are_scikit_learns() -> None:
    data = table("price_classes")
    model, estimator, context = fitted("svc", data)
    base = model.state(estimator, data.task, context).parts["base"]
    expected = estimator.estimator_.decision_function(data.X)
    assert np.abs(scorer(base).answer(data.X) - expected).max() <= 1e-9


def test_rows_are_kept_only_where_the_kernel_is_curved() -> None:
    data = table("titanic")
    states = {}
    for text in ("svc", "svc(kernel='linear')", "linear_svm"):
        model, estimator, context = fitted(text, data)
        states[text] = model.state(estimator, data.task, context).config.get("stores_rows", False)
    assert states == {"svc": True, "svc(kernel='linear')": False, "linear_svm": False}


@pytest.mark.parametrize("text", [
    "svc", "linear_svm", "perceptron", "sgd(loss='hinge')", "sgd(loss='modified_huber')"])
def test_probabilities_are_honest_on_new_rows(text: str) -> None:
    """Better than class shares in log loss; their mean is the share of the class."""
    data = table("titanic")
    found = agree(text, "titanic")
    truth = data.y[1::2]
    shares = np.tile(np.bincount(data.y[::2]) / len(data.y[::2]), (len(truth), 1))
    assert log_loss(found, truth) < log_loss(shares, truth) - 0.05
    assert found[:, 1].mean() == pytest.approx(truth.mean(), abs=0.05)


def test_as_good_as_scikit_learns_own_calibration() -> None:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import LinearSVC

    for name in ("titanic", "credit", "price_classes"):
        data = table(name)
        learnt, truth = data.X[::2], data.y[1::2]
        theirs = CalibratedClassifierCV(LinearSVC(), ensemble=False, cv=3)
        theirs.fit(learnt, data.y[::2])
        ours = log_loss(agree("linear_svm", name), truth)
        assert ours < log_loss(theirs.predict_proba(data.X[1::2]), truth) + 0.005


def test_a_member_with_probabilities_of_its_own_is_read_as_margins() -> None:
    from sklearn.linear_model import LogisticRegression

    from wholefit.models import _states

    data = table("titanic")
    live = MarginClassifier(LogisticRegression()).fit(data.X, data.y)
    found = scorer(_states.read(live, data.context())).answer(data.X)
    assert np.abs(found - live.predict_proba(data.X)).max() <= 1e-9


def test_the_sigmoid_is_the_one_of_greatest_likelihood() -> None:
    """A second implementation: logistic regression without penalty on the smoothed targets."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    margin = rng.normal(size=300) * 5
    yes = rng.random(300) < 1 / (1 + np.exp(-(0.7 * margin - 1)))
    weights = rng.random(300) + 0.5
    above, below = weights[yes].sum(), weights[~yes].sum()
    target = np.where(yes, (above + 1) / (above + 2), 1 / (below + 2))
    other = LogisticRegression(C=1e12, tol=1e-10, max_iter=10_000).fit(
        np.concatenate([margin, margin])[:, None], np.repeat([1, 0], 300),
        sample_weight=np.concatenate([weights * target, weights * (1 - target)]))
    slope, offset = platt(margin, yes, weights)
    assert slope == pytest.approx(other.coef_[0, 0], abs=1e-4)
    assert offset == pytest.approx(other.intercept_[0], abs=1e-4)


def test_margins_that_separate_do_not_become_certainties() -> None:
    margin = np.array([-3.0, -2, -1, 1, 2, 3])
    slope, offset = platt(margin, margin > 0)
    chance = 1 / (1 + np.exp(-(slope * margin + offset)))
    assert np.isfinite([slope, offset]).all()
    assert 0.7 < chance.max() < 0.95 and chance.min() == pytest.approx(1 - chance.max())


def test_a_class_too_small_to_hold_out_takes_the_plain_sigmoid() -> None:
    from sklearn.svm import LinearSVC

    data = table("titanic")
    rows = np.concatenate([np.flatnonzero(data.y == 0)[:50], np.flatnonzero(data.y == 1)[:2]])
    model = MarginClassifier(LinearSVC()).fit(data.X[rows], data.y[rows])
    margin = model.estimator_.decision_function(data.X)
    assert model.predict_proba(data.X)[:, 1] == pytest.approx(1 / (1 + np.exp(-margin)))


def test_a_classifier_without_margins_gets_probabilities_too() -> None:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.tree import DecisionTreeClassifier

    class Voter(ClassifierMixin, BaseEstimator):
        """Says a class and nothing else."""

        def fit(self, X, y):
            self.tree_ = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
            self.classes_ = self.tree_.classes_
            return self

        def predict(self, X):
            return self.tree_.predict(X)

    data = table("price_classes")
    model = MarginClassifier(Voter()).fit(data.X[::2], data.y[::2])
    found = model.predict_proba(data.X[1::2])
    assert np.allclose(found.sum(axis=1), 1)
    assert log_loss(found, data.y[1::2]) < np.log(5)


def test_a_class_absent_from_a_fold_keeps_its_column() -> None:
    data = table("price_classes")
    rows = np.flatnonzero(data.y != 4)
    for text in ("svc", "linear_svm"):
        model = make(text)
        estimator = model.build(data.task, data.context()).fit(data.X[rows], data.y[rows])
        found = scorer(model.state(estimator, data.task, data.context())).answer(data.X)
        live = model.answer(estimator, data.X, data.task, data.context())
        assert not found[:, 4].any() and np.abs(found - live).max() <= 1e-9


def _own_estimators() -> list:
    from sklearn.linear_model import Lasso, LogisticRegression, Ridge

    # Members that pass themselves: the wrapper can be no better than what it wraps.
    return [CountsNB(), MarginClassifier(LogisticRegression()), ScaledTarget(Ridge()),
            ScaledTarget(Lasso(alpha=0.01)), NearestClassifier(), NearestRegressor()]


@pytest.mark.parametrize("estimator", _own_estimators(), ids=str)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(estimator: object) -> None:
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = [f"{row['check_name']}: {row['exception']}" for row in results
              if row["status"] == "failed"]
    assert len(results) > 40 and not failed, "\n".join(failed)


def test_a_kernel_machine_answers_in_blocks_as_in_one() -> None:
    rng = np.random.default_rng(2)
    support, dual, X = rng.normal(size=(700, 5)), rng.normal(size=(1, 700)), rng.normal(
        size=(900, 5))
    state = State("kernel_machine", {"kernel": "rbf", "gamma": 0.3, "coef0": 0.0, "degree": 3},
                  {"support": support, "dual": dual, "intercept": np.array([0.5])})
    away = ((X[:, None] - support) ** 2).sum(axis=2)
    assert np.allclose(scorer(state).answer(X), np.exp(-0.3 * away) @ dual[0] + 0.5, atol=1e-9)
