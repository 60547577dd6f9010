"""Supervised transformers: what they are taught with, and that no row sees its own target."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.preprocessing import TargetEncoder

import wholefit as wf
from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, StateError
from wholefit.data.splits import kfold
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding
from wholefit.training._folds import Problem, fit_one

RAW = Encoding(impute="none", indicator=False, dense=True)


class Means:
    """The target's mean by value; for training rows, the mean of the *other* rows of a value."""

    supervised = True

    def fit(self, X, y):
        self.seen = (len(X), len(y), y.dtype)
        self.values, places = np.unique(X[:, 0], return_inverse=True)
        self.sums, self.counts = np.bincount(places, y), np.bincount(places)
        return self

    def fit_transform(self, X, y):
        self.fit(X, y)
        places = np.searchsorted(self.values, X[:, 0])
        others = np.maximum(self.counts[places] - 1, 1)
        return ((self.sums[places] - y) / others)[:, None]

    def transform(self, X):
        places = np.searchsorted(self.values, X[:, 0]).clip(max=len(self.values) - 1)
        return (self.sums[places] / self.counts[places])[:, None]


class Plain(Means):
    fit_transform = None


@pytest.fixture
def data(made):
    return made({"a": [1.0, 1.0, 2.0, 2.0, 1.0], "b": [1.0, 2.0, 3.0, 4.0, 5.0]},
                a="numeric", b="numeric")


Y = np.array([0.0, 1.0, 4.0, 8.0, 5.0])


def test_training_rows_get_cross_fitted_columns_and_others_do_not(data):
    rows = np.arange(4)
    encoder = Encoder(RAW, [("means", Means(), ["a"])])
    X = encoder.fit_transform(data, rows, Y[rows])
    assert X[:, 0].tolist() == [1.0, 0.0, 8.0, 4.0]
    assert encoder.transform(data, rows)[:, 0].tolist() == [0.5, 0.5, 6.0, 6.0]
    assert encoder.transform(data)[4, 0] == 0.5
    assert encoder.transform_training(data, rows).tobytes() == X.tobytes()
    with pytest.raises(StateError, match="got others: call transform"):
        encoder.transform_training(data, np.arange(1, 5))


def test_without_a_fit_transform_training_rows_are_transformed(data):
    X = Encoder(RAW, [("means", Plain(), ["a"])]).fit_transform(data, None, Y)
    assert X[:, 0].tolist() == [2.0, 2.0, 6.0, 6.0, 2.0]


def test_statistics_and_later_steps_rest_on_cross_fitted_columns(data):
    rows = np.arange(4)
    twice = ("twice", lambda X: 2 * X, ["a"])
    encoder = Encoder(RAW.replace(scale="standard"), [("means", Means(), ["a"]), twice])
    X = encoder.fit_transform(data, rows, Y[rows])
    wanted = 2 * np.array([1.0, 0.0, 8.0, 4.0])
    assert np.allclose(X[:, 0], (wanted - wanted.mean()) / wanted.std())
    new = encoder.transform(data, np.array([4]))[0, 0]
    assert np.isclose(new, (1.0 - wanted.mean()) / wanted.std())


def test_other_steps_are_not_handed_the_target(data):
    class Nosy:
        def fit(self, X, *more):
            assert not more
            return self

        def transform(self, X):
            return X

    plain = Encoder(RAW).fit(data).transform(data)
    assert np.array_equal(Encoder(RAW, [Nosy()]).fit_transform(data, None, Y), plain)


def test_without_supervised_steps_fit_transform_is_fit_and_transform(real):
    data = real("titanic", "survived")
    rows, y = np.arange(0, 1309, 2), np.zeros(655, dtype=np.int32)
    one = Encoder().fit(data, rows).transform(data, rows)
    two = Encoder().fit_transform(data, rows, y)
    assert type(one) is type(two)
    assert np.asarray(one.todense() if hasattr(one, "todense") else one).tobytes() == np.asarray(
        two.todense() if hasattr(two, "todense") else two).tobytes()


def test_mistakes_are_told_plainly(data):
    with pytest.raises(ParameterError, match=r"'means' must be given the target.*got none"):
        Encoder(RAW, [("means", Means(), ["a"])]).fit(data)
    with pytest.raises(DataError, match="one target value for each of the 5 rows; got 2"):
        Encoder(RAW).fit(data, None, Y[:2])


def test_scikit_learns_own_are_known_by_their_tags_or_by_being_told(made):
    raw, y = load_breast_cancer(return_X_y=True)
    data = made({f"x{at:02}": column for at, column in enumerate(raw.T)})
    selector = SelectKBest(f_classif, k=5)
    selector.supervised = True  # its tags leave it open
    X = Encoder(RAW, [selector]).fit_transform(data, None, y)
    assert np.array_equal(X, SelectKBest(f_classif, k=5).fit_transform(raw, y))
    crossed = TargetEncoder(target_type="binary", random_state=0)
    X = Encoder(RAW, [("te", crossed)]).fit_transform(data, None, y)
    again = TargetEncoder(target_type="binary", random_state=0)
    assert np.array_equal(X, again.fit_transform(raw, y))


def test_models_of_a_fold_share_the_cross_fitted_columns(made):
    rng = np.random.default_rng(0)
    data = made({"a": rng.permutation(200).astype(float), "b": rng.normal(size=200),
                 "y": rng.normal(size=200)}, a="numeric", b="numeric", y="ignored")
    y = data.numeric("y")
    task = tasks.get("regression")
    problem = Problem(data, task, y, 0, kfold(data, y, folds=2, seed=0), None, 1, 0, {},
                      (("means", Means(), ["a"]),))
    train = problem.plan.folds[0][0]
    one, two = (fit_one(problem, models.make(name), train, 0) for name in ("ridge", "lasso"))
    assert one.encoder is two.encoder
    assert one.encoder._applied[0].transformer.seen == (len(train), len(train), np.float64)


def test_noise_coded_by_the_target_fools_a_model_unless_cross_fitted():
    rng = np.random.default_rng(1)
    table = {"many": rng.integers(0, 150, 600), "y": rng.integers(0, 2, 600).astype(str)}

    def loss(step):
        result = wf.fit(table, target="y", models=["logistic"], jobs=1, folds=3,
                        roles={"many": "numeric"}, transformers=[("means", step, ["many"])])
        return next(e for e in result.leaderboard if e.model == "logistic").scores["log_loss"]

    crossed = loss(TargetEncoder(target_type="binary", random_state=0))
    assert crossed.low <= np.log(2) + 0.01
    assert loss(Plain()).low > crossed.high
