"""Families without a target as scikit-learn estimators: its own checks, clones, searches."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from wholefit import estimators, models
from wholefit.base import optional, tasks
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.models._model import Context

KINDS = {"reduction": estimators.CatalogMap, "clustering": estimators.CatalogClusters,
         "anomaly": estimators.CatalogDetector, "generation": estimators.CatalogGenerator}
QUICK = {"vae": "vae(steps=20)", "gan": "gan(steps=20)", "rbm": "rbm(steps=20, chain=5)",
         "autoencoder_map": "autoencoder_map(epochs=10)",
         "conv_autoencoder": "conv_autoencoder(epochs=2)",
         "denoising_autoencoder": "denoising_autoencoder(epochs=2)"}
TEXTS = ("language_model", "ngram_language_model")
EACH = [(task, name) for task in KINDS for name in models.names(task) if name not in TEXTS]
# What cannot hold, and why.
_OWN = "it has no rule for rows that were not in its map"
_FEW = "it learns from 20 rows at least, and says so; the check has 10 or 15"
FAIL = {
    "mds": {"check_fit_idempotent": _OWN}, "tsne": {"check_fit_idempotent": _OWN},
    "one_cluster": {"check_clustering": "one cluster parts nothing, and is there to say so"},
    **{name: {"check_n_features_in_after_fitting": _FEW, "check_fit2d_1feature": _FEW}
       for name in ("gan", "rbm", "vae")}}
SLOW = ("umap", "opentsne", "tsne")


def _installed(name: str) -> None:
    library = models.get(name).requires
    if library is not None and not optional.available(library):
        pytest.skip(f"{name} needs {library}, which is not installed")


def _passes(task: str, name: str) -> None:
    _installed(name)
    expected = FAIL.get(name, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(KINDS[task](QUICK.get(name, name)), on_fail=None, on_skip=None)
    failed = {each["check_name"] for each in found if each["status"] == "failed"}
    assert len(found) >= 40
    assert failed == set(expected)


@pytest.mark.parametrize(("task", "name"), [each for each in EACH if each[1] not in SLOW])
def test_scikit_learns_own_checks(task: str, name: str) -> None:
    _passes(task, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_scikit_learns_own_checks_of_maps(name: str) -> None:
    _passes("reduction", name)


def _inner(task: str, name: str) -> tuple[Any, np.ndarray]:
    X = StandardScaler().fit_transform(load_iris().data[::3])
    context = Context(rows=len(X), features=X.shape[1], seed=3)
    return models.make(QUICK.get(name, name)).build(tasks.get(task), context), X


@pytest.mark.parametrize(("task", "name"), [
    pytest.param(*each, marks=[pytest.mark.slow] if each[1] == "umap" else []) for each in EACH])
@pytest.mark.filterwarnings("ignore")
def test_a_familys_own_estimator_is_one_of_scikit_learns_kind(task: str, name: str) -> None:
    _installed(name)
    made, X = _inner(task, name)
    again = clone(made)
    assert type(again) is type(made) and repr(again) == repr(made)
    assert made.get_params().keys() == again.get_params().keys()
    assert made.get_params() or name == "one_cluster"
    assert made.fit(X) is made
    unfitted = clone(made)
    assert not [word for word in vars(unfitted) if word in ("state_", "components_", "places_")]
    model, task_ = models.make(QUICK.get(name, name)), tasks.get(task)
    context = Context(rows=len(X), features=X.shape[1], seed=3)
    first = model.state(made, task_, context)
    second = model.state(unfitted.fit(X), task_, context)
    assert first.arrays.keys() == second.arrays.keys()
    for key, value in first.arrays.items():
        np.testing.assert_array_equal(value, second.arrays[key])


def test_a_detectors_own_words_can_be_changed() -> None:
    made, X = _inner("anomaly", "hbos")
    assert made.set_params(bins=7, seed=4) is made
    assert made.get_params()["bins"] == 7 and made.seed == 4
    assert made.fit(X).state_.arrays["heights"].shape[1] == 7
    with pytest.raises(ValueError, match="bin"):
        made.set_params(bin=3)


def test_estimators_of_texts_clone_too() -> None:
    context = Context(rows=3, features=1, seed=3)
    made = models.make("ngram_language_model(order=3)").build(tasks.get("generation"), context)
    again = clone(made).fit(["abcabc", "abc"])
    assert again.model.order == 3 and not hasattr(made, "state_")


def test_a_search_varies_the_models_own_parameters() -> None:
    X, y = load_digits(return_X_y=True)
    X, y = X[:400], y[:400]
    whole = make_pipeline(StandardScaler(), estimators.CatalogMap("pca"),
                          LogisticRegression(max_iter=5000))
    found = GridSearchCV(whole, {"catalogmap__model__components": [2, 20]}, cv=3).fit(X, y)
    assert found.best_params_ == {"catalogmap__model__components": 20}
    assert found.best_estimator_[:2].transform(X).shape == (400, 20)
    two, twenty = found.cv_results_["mean_test_score"]
    assert twenty > two + 0.2
    named = GridSearchCV(whole, {"catalogmap__model": ["pca(components=1)", "pca(components=9)"]},
                         cv=3).fit(X, y)
    assert named.best_params_ == {"catalogmap__model": "pca(components=9)"}


def test_networks_map_in_a_pipeline() -> None:
    X, y = load_wine(return_X_y=True)
    for name in ("autoencoder_map(components=4)", "denoising_autoencoder(components=4)"):
        whole = make_pipeline(StandardScaler(), estimators.CatalogMap(name),
                              LogisticRegression(max_iter=500))
        assert cross_val_score(whole, X, y, cv=3).mean() > 0.85


def test_clusters_and_detectors_answer_as_scikit_learns_do() -> None:
    X = load_iris().data
    made = estimators.CatalogClusters("kmeans(clusters=3)").fit(X)
    assert sorted(np.bincount(made.labels_)) == sorted(np.bincount(made.predict(X)))
    assert made.predict_proba(X).shape == (150, 3) and made.fit_predict(X).shape == (150,)
    strange = np.vstack([X, [[40.0, 40, 40, 40]]])
    told = estimators.CatalogDetector("knn_distance", contamination=0.02).fit(strange)
    assert told.predict(strange)[-1] == -1 and (told.predict(strange) == -1).sum() <= 4
    assert told.score_samples(strange).argmin() == 150
    np.testing.assert_allclose(told.decision_function(X), told.score_samples(X) - told.offset_)


def test_rows_are_made_with_their_codes_and_gaps() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=400), rng.integers(0, 3, 400), rng.normal(size=400)])
    X[:, 2] += 3 * X[:, 0]
    X[::5, 2] = np.nan
    made = estimators.CatalogGenerator("sequential_trees", categorical=[1]).fit(X)
    new = made.sample(500, random_state=1)
    assert new.shape == (500, 3) and set(np.unique(new[:, 1])) == {0.0, 1.0, 2.0}
    assert 0.1 < np.isnan(new[:, 2]).mean() < 0.3
    whole = new[~np.isnan(new[:, 2])]
    assert np.corrcoef(whole[:, 0], whole[:, 2])[0, 1] > 0.8
    np.testing.assert_array_equal(new, made.sample(500, random_state=1))
    assert not np.array_equal(new, made.sample(500, random_state=2), equal_nan=True)


@pytest.mark.parametrize(("made", "said"), [
    (estimators.CatalogMap("kmeans"), "must be a family for reduction"),
    (estimators.CatalogMap(3), "model must be|subclass|estimator"),
    (estimators.CatalogGenerator("ngram_language_model"), "makes tables"),
    (estimators.CatalogGenerator(categorical=[9]), "categorical must name columns 0 to 3"),
    (estimators.CatalogGenerator(categorical=[0]), "categorical column 0 must hold codes"),
    (estimators.CatalogDetector(contamination=0.9), "contamination must be > 0 and <= 0.5"),
])
def test_what_cannot_be_is_said(made: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        made.fit(load_iris().data)


def test_what_is_asked_too_early_or_of_strangers_is_said() -> None:
    X = load_iris().data
    with pytest.raises(NotFittedError):
        estimators.CatalogGenerator().sample(3)
    with pytest.raises(ParameterError, match="n must be a whole number"):
        estimators.CatalogGenerator().fit(X).sample(0)
    with pytest.raises(DataError, match="no place for rows"):
        estimators.CatalogMap("tsne").fit(X).transform(X + 1)
    with pytest.raises(UnknownNameError, match="did you mean 'umap'"):
        estimators.CatalogMap("umop").fit(X)
    with pytest.raises(UnknownNameError, match="components"):
        estimators.CatalogMap("pca").set_params(model__componets=3)
    with pytest.raises(ValueError, match="NaN"):
        estimators.CatalogMap("pca").fit(np.where(X > 7, np.nan, X))
