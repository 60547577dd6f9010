"""Balanced ensembles: draws, priors, what imbalanced-learn's reach, scikit-learn's checks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from wholefit import models
from wholefit.base import tasks
from wholefit.models import Context, scorer
from wholefit.models._balanced import BalancedMembers

TASK = tasks.get("classification")
NAMES = ("balanced_bagging", "balanced_random_forest", "easy_ensemble")


def world(n: int = 3000, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    y = (rng.random(n) < 1 / (1 + np.exp(-(1.5 * X[:, 0] + X[:, 1] ** 2 - 4)))).astype(np.int32)
    return train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)


def fitted(name: str, X: np.ndarray, y: np.ndarray, k: int = 2):  # type: ignore[no-untyped-def]
    model, context = models.make(name), Context(*X.shape, n_classes=k)
    estimator = model.build(TASK, context).fit(X, y)
    return lambda rows: model.answer(estimator, rows, TASK, context), estimator, model, context


def test_every_member_sees_as_many_rows_of_every_class() -> None:
    X, _, y, _ = world()
    made = BalancedMembers(DecisionTreeClassifier(), random_state=0)
    made.fit(X, y)
    for bootstrap in (True, False):
        made.bootstrap = bootstrap
        rows = made._rows(y, None, np.random.RandomState(0))
        counts = np.bincount(y[rows])
        assert counts[0] == counts[1] == y.sum()
        assert (len(np.unique(rows)) == len(rows)) is not bootstrap
    made.ratio = 0.25
    counts = np.bincount(y[made._rows(y, None, np.random.RandomState(0))])
    assert counts[0] == 4 * counts[1]


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_of_the_rows_as_they_occur(name: str) -> None:
    X, held, y, truth = world()
    honest, even = fitted(name, X, y)[0](held), fitted(f"{name}(correct=False)", X, y)[0](held)
    share = truth.mean()
    assert honest[:, 1].mean() == pytest.approx(share, rel=0.6)
    assert even[:, 1].mean() > 2 * share
    assert log_loss(truth, honest) < log_loss(truth, even)
    assert roc_auc_score(truth, honest[:, 1]) == pytest.approx(
        roc_auc_score(truth, even[:, 1]), abs=1e-3), "the order stays"
    assert recall_score(truth, even.argmax(axis=1)) > 0.6


@pytest.mark.parametrize(("name", "peer"), [
    ("balanced_bagging", "BalancedBaggingClassifier"),
    ("balanced_random_forest", "BalancedRandomForestClassifier"),
    ("easy_ensemble", "EasyEnsembleClassifier"),
])
@pytest.mark.filterwarnings("ignore")
def test_they_rank_as_those_of_imbalanced_learn(name: str, peer: str) -> None:
    peers = pytest.importorskip("imblearn.ensemble")
    X, held, y, truth = world(4000)
    other = getattr(peers, peer)(random_state=0).fit(X, y).predict_proba(held)[:, 1]
    own = fitted(name, X, y)[0](held)[:, 1]
    assert roc_auc_score(truth, own) > roc_auc_score(truth, other) - 0.02


@pytest.mark.parametrize("name", [*NAMES, "balanced_bagging(member='logistic')"])
def test_the_state_answers_without_the_estimator(name: str) -> None:
    X, held, y, _ = world(800)
    y = np.where(y == 1, 3, 0).astype(np.int32)  # classes 1 and 2 are absent from these rows
    answer, estimator, model, context = fitted(name, X, y, k=4)
    state = model.state(estimator, TASK, context)
    assert state.kind == "shifted"
    found = scorer(state).answer(held)
    assert np.allclose(found, answer(held), atol=1e-12)
    assert found[:, 1:3].max() == 0


def test_weights_and_threads() -> None:
    X, held, y, _ = world(800)
    one = fitted("balanced_random_forest", X, y)[0](held)
    model = models.make("balanced_random_forest")
    many = Context(*X.shape, n_classes=2, jobs=3)
    made = model.build(TASK, many).fit(X, y)
    assert np.allclose(model.answer(made, held, TASK, many), one), "threads change nothing"
    weights = np.where(np.arange(len(y)) % 2, 1.0, 0.0)
    half = model.build(TASK, many).fit(X, y, sample_weight=weights)
    assert half.factor_[1] / half.factor_[0] == pytest.approx(
        y[1::2].mean() / (1 - y[1::2].mean()))


def test_scikit_learn_takes_it_for_its_own() -> None:
    spared = dict.fromkeys(
        (f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")),
        "members draw rows: weights are not copies")
    check_estimator(BalancedMembers(DecisionTreeClassifier(), n_estimators=3, random_state=0),
                    on_skip=None, on_fail="raise", expected_failed_checks=spared)
