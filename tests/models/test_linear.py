"""Linear models: state agrees with the live estimator, and what each promises of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from real_tables import agree, fitted, go_on, skill, table

from wholefit.base.errors import ParameterError, SchemaError
from wholefit.models import make, scorer

NUMBERS = ["dummy", "dummy(strategy='median')", "linear", "ridge",
           "ridge(alpha=0)", "ridge(fit_intercept=False)", "lasso", "elastic_net", "polynomial",
           "huber", "quantile", "sgd", "sgd(average=True)", "sgd(error='huber')",
           "sgd(error='epsilon_insensitive', penalty='elasticnet')"]
CLASSES = ["dummy", "dummy(strategy='uniform')", "logistic", "logistic(balanced=True)",
           "logistic(penalty='l1', max_iter=50)", "logistic(penalty='none')",
           "logistic(penalty='elasticnet', max_iter=50)", "sgd", "sgd(loss='modified_huber')",
           "sgd(loss='hinge')", "sgd(average=True)", "perceptron", "perceptron(penalty='l2')"]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text: str, sparse: bool) -> None:
    found = agree(text, "prices", sparse)
    if not text.startswith("dummy"):
        assert skill(found, "prices") > 0.6


@pytest.mark.parametrize("text", ["linear(positive=True)", "ridge(positive=True)"])
def test_no_weight_below_zero(text: str) -> None:
    """Dense only: scikit-learn's non-negative solvers take no sparse features."""
    data = table("prices")
    model, estimator, context = fitted(text, data)
    assert (model.state(estimator, data.task, context).arrays["coef"] >= 0).all()
    assert skill(agree(text, "prices"), "prices") > 0.6


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", ["titanic", "price_classes"])
@pytest.mark.parametrize("text", CLASSES)
def test_classes(text: str, name: str, sparse: bool) -> None:
    found = agree(text, name, sparse)
    if not text.startswith("dummy"):
        assert skill(found, name) > {"titanic": 0.68, "price_classes": 0.3}[name]


@pytest.mark.parametrize("text", [
    "sgd", "sgd(average=True)", "sgd(loss='hinge')", "sgd(learning_rate='invscaling')",
    "sgd(learning_rate='optimal', penalty='elasticnet')", "perceptron"])
@pytest.mark.parametrize("name", ["titanic", "price_classes"])
def test_classes_learn_on(text: str, name: str) -> None:
    assert go_on(text, name) == 0.0


@pytest.mark.parametrize("text", ["sgd", "sgd(average=True)", "sgd(error='huber')"])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_numbers_learn_on(text: str, sparse: bool) -> None:
    assert go_on(text, "prices", sparse=sparse) == 0.0


def test_the_step_count_is_kept() -> None:
    """Without it the first step after loading would be as large as the very first."""
    data = table("titanic")
    model, estimator, context = fitted("sgd", data)
    restored = model.restore(model.state(estimator, data.task, context), data.task, context)
    assert restored.t_ == estimator.t_ > len(data.X) // 2


def test_the_seed_of_the_first_fit_is_kept() -> None:
    """Later rows are shuffled as they would have been, whatever seed the restorer was given."""
    data = table("titanic")
    model, estimator, context = fitted("sgd", data)
    other = replace(context, seed=99)
    restored = model.restore(model.state(estimator, data.task, context), data.task, other)
    for each in (estimator, restored):
        each.partial_fit(data.X[1::2], data.y[1::2])
    assert np.array_equal(estimator.coef_, restored.coef_)


@pytest.mark.parametrize("text", ["sgd", "lasso", "elastic_net", "huber"])
def test_the_unit_of_the_target_does_not_matter(text: str) -> None:
    data = table("prices")
    model = make(text)
    answers = []
    for factor in (1.0, 1e-6):
        estimator = model.build(data.task, data.context()).fit(data.X, data.y * factor)
        answers.append(estimator.predict(data.X) / factor)
    assert np.abs(answers[0] - answers[1]).max() < 1e-6 * np.abs(data.y).max()


def test_lasso_leaves_features_out_and_ridge_does_not() -> None:
    data = table("prices")
    weights = {}
    for text in ("lasso(alpha=0.05)", "ridge"):
        model, estimator, context = fitted(text, data)
        weights[text] = model.state(estimator, data.task, context).arrays["coef"]
    kept = data.X[::2].std(axis=0) > 0  # ridge has no use for a level that no row shows
    assert (weights["lasso(alpha=0.05)"][0, kept] == 0).sum() > 5
    assert (weights["ridge"][0, kept] == 0).sum() == 0


def test_a_quantile_is_a_quantile() -> None:
    data = table("prices")
    _, estimator, _ = fitted("quantile(quantile=0.9)", data, slice(None))
    assert (data.y <= estimator.predict(data.X)).mean() == pytest.approx(0.9, abs=0.01)


def test_huber_shrugs_off_wild_targets() -> None:
    data = table("prices")
    wild = data.y.copy()
    wild[:30] *= 100
    errors = {}
    for text in ("huber", "ridge"):
        estimator = make(text).build(data.task, data.context()).fit(data.X, wild)
        errors[text] = np.median(np.abs(estimator.predict(data.X)[30:] - data.y[30:]))
    assert errors["huber"] < 0.5 * errors["ridge"]


def test_a_strategy_of_the_other_task_is_refused() -> None:
    data = table("titanic")
    with pytest.raises(ParameterError, match=r"Dummy\.strategy must be one of .* 'median'"):
        make("dummy(strategy='median')").build(data.task, data.context())


def test_the_wrong_number_of_features_is_named() -> None:
    data = table("prices")
    model, estimator, context = fitted("ridge", data)
    answer = scorer(model.state(estimator, data.task, context)).answer
    with pytest.raises(SchemaError, match=rf"fitted on {data.X.shape[1]} features"):
        answer(data.X[:, 1:])


def test_a_class_absent_from_a_fold_keeps_its_column() -> None:
    data = table("price_classes")
    rows = np.flatnonzero(data.y != 2)
    for text in ("dummy", "logistic", "sgd", "perceptron"):
        model = make(text)
        estimator = model.build(data.task, data.context()).fit(data.X[rows], data.y[rows])
        live = model.answer(estimator, data.X, data.task, data.context())
        found = scorer(model.state(estimator, data.task, data.context())).answer(data.X)
        assert found.shape == live.shape == (len(data.X), 5)
        assert not found[:, 2].any() and np.abs(found - live).max() < 1e-9


@pytest.mark.parametrize("text", ["ridge", "lasso", "huber", "quantile", "sgd", "linear",
                                  "elastic_net", "linear_svm"])
def test_weights_matter(text: str) -> None:
    data = table("prices")
    weights = np.where(data.y > np.median(data.y), 10.0, 1.0)
    plain, heavy = (make(text).build(data.task, data.context()) for _ in range(2))
    plain.fit(data.X, data.y)
    heavy.fit(data.X, data.y, sample_weight=weights)
    assert heavy.predict(data.X).mean() > plain.predict(data.X).mean()
