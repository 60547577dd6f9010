"""Selection and components as the last step of an encoding: learnt, applied, stored."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest, chi2, f_classif
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.state import same
from wholefit.features import pca
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding, changed, for_counts, for_linear, for_trees

METHODS = ("variance", "f", "chi2", "mutual_info", "correlation", "l1", "tree", "rfe")


@pytest.fixture(scope="module")
def cancer(made):
    X, y = load_breast_cancer(return_X_y=True)
    X[::17, 3] = np.nan
    data = made({f"x{at:02}": column for at, column in enumerate(X.T)})
    return data, X, y.astype(np.int32)


@pytest.fixture(scope="module")
def town(made):
    """Numbers with gaps, categories and text; the target hangs on one of each."""
    rng = np.random.default_rng(0)
    n = 400
    y = rng.integers(0, 2, n).astype(np.int32)
    words = ("the plain word here", "the plain telling word")
    said = np.where(rng.random(n) < 0.2, 1 - y, y)
    telling = np.where(rng.random(n) < 0.1, np.nan, y + 0.7 * rng.normal(size=n))
    data = made({
        "noise": rng.normal(size=n), "telling": telling,
        "many": [f"level {k}" for k in rng.integers(0, 30, n)],
        "few": [("a", "b")[k] for k in np.where(rng.random(n) < 0.2, 1 - y, y)],
        "text": [words[k] + f" w{j}" for k, j in zip(said, rng.integers(0, 60, n), strict=True)],
    }, noise="numeric", telling="numeric", many="categorical", few="categorical", text="text")
    return data, y


def dense(X):
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


def test_select_k_best_then_pca_then_forest_is_scikit_learns(cancer):
    data, X, y = cancer
    train, test = np.arange(0, 569, 2), np.arange(1, 569, 2)
    encoding = Encoding(impute="median", indicator=False, scale="standard", select="f", keep=12,
                        pca=4, dense=True)
    encoder = Encoder(encoding).fit(data, train, y[train])
    theirs = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(),
                           SelectKBest(f_classif, k=12), PCA(4)).fit(X[train], y[train])
    ours, wanted = encoder.transform(data, test), theirs.transform(X[test])
    assert np.allclose(np.abs(ours), np.abs(wanted), atol=1e-9)
    assert encoder.names == ["pc1", "pc2", "pc3", "pc4"]
    assert np.allclose(encoder.projection.share, theirs[-1].explained_variance_ratio_)
    forest = RandomForestClassifier(50, random_state=0)
    forest.fit(encoder.transform_training(data, train), y[train])
    assert forest.score(ours, y[test]) > 0.9


def test_chi2_on_a_minmax_scale_is_scikit_learns(cancer):
    data, X, y = cancer
    encoder = Encoder(for_counts(indicator=False, select="chi2", keep=7)).fit(data, None, y)
    steps = make_pipeline(SimpleImputer(strategy="median"), MinMaxScaler())
    wanted = SelectKBest(chi2, k=7).fit(steps.fit_transform(X), y)
    assert encoder.selection.kept.tolist() == wanted.get_support(indices=True).tolist()
    assert np.allclose(encoder.selection.values, wanted.scores_)
    assert encoder.names == [encoder.made[at] for at in encoder.selection.kept]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", [for_linear, for_trees], ids=["linear", "trees"])
def test_every_method_finds_what_tells_and_is_stored(town, method, family):
    data, y = town
    rows = np.arange(0, 400, 2)
    wanted = {} if method in ("variance", "correlation") else {"keep": 3, "whole_columns": True}
    encoder = Encoder(family(select=method, **wanted)).fit(data, rows, y[rows])
    if wanted:  # elimination halves what two 0/1 features of one column say between them
        certain = {"telling", "text"} | ({"few"} if method != "rfe" else set())
        assert certain <= set(encoder.sources)
    X = encoder.transform(data)
    assert X.shape == (400, len(encoder.names))
    again = Encoder.from_state(encoder.state())
    assert same(again.state(), encoder.state())
    assert dense(again.transform(data)).tobytes() == dense(X).tobytes()
    for name in ("names", "sources", "categorical", "cardinalities", "sparse", "made"):
        assert getattr(again, name) == getattr(encoder, name)
    assert sparse.issparse(X) == encoder.sparse
    whole = Encoder(family()).fit(data, rows)
    everything = dense(whole.transform(data))
    assert encoder.made == whole.names
    assert np.array_equal(dense(X), everything[:, encoder.selection.kept], equal_nan=True)


def test_category_codes_keep_their_places(town):
    data, y = town
    encoder = Encoder(for_trees(select="f", keep=2, text="drop")).fit(data, None, y)
    assert encoder.names == ["telling", "few"]
    assert (encoder.categorical, encoder.cardinalities) == ((1,), (2,))


def test_only_training_rows_choose(town):
    data, y = town
    rows = np.arange(300)
    lies = y.copy()
    lies[300:] = 1 - lies[300:]
    one = Encoder(for_linear(select="f", keep=5)).fit(data, rows, y[rows])
    two = Encoder(for_linear(select="f", keep=5)).fit(data, rows, lies[rows])
    assert same(one.state(), two.state())


def test_a_share_and_whole_columns(cancer):
    data, _, y = cancer
    half = Encoder(Encoding(select="f", keep=0.5, indicator=False)).fit(data, None, y)
    assert len(half.names) == 15
    more = Encoder(Encoding(select="f", keep=1000)).fit(data, None, y)
    assert more.names == more.made
    columns = Encoder(Encoding(select="f", keep=29, whole_columns=True)).fit(data, None, y)
    assert len(set(columns.sources)) == 29


def test_what_became_of_each_feature(made):
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    data = made({"a": x, "twice a": 2 * x + 0.01 * rng.normal(size=200), "b": rng.normal(size=200)})
    encoder = Encoder(Encoding(select="correlation")).fit(data, None, x + rng.normal(size=200))
    table = encoder.selection.table(encoder.made, encoder.made_of)
    stands = {row["feature"]: row.get("stands_for_it") for row in table}
    dropped = [name for name, other in stands.items() if other]
    assert len(dropped) == 1
    assert {dropped[0], stands[dropped[0]]} == {"a", "twice a"}
    assert [row["kept"] for row in table if row["feature"] == dropped[0]] == [False]


def test_components_are_scikit_learns_uncorrelated_and_in_order(cancer):
    X = load_digits().data
    found, wanted = pca.learn(X, 0.95), PCA(0.95).fit(X)
    assert len(found.axes) == wanted.n_components_ == 29
    assert np.allclose(found.share, wanted.explained_variance_ratio_)
    Z = found.apply(X)
    assert np.allclose(np.abs(Z), np.abs(wanted.transform(X)), atol=1e-8)
    among = np.cov(Z.T)
    assert np.abs(among - np.diag(np.diag(among))).max() < 1e-9 * among.max()
    assert (np.diff(np.diag(among)) < 0).all()
    assert np.allclose(Z.mean(axis=0), 0, atol=1e-9)
    thin = pca.learn(sparse.csr_matrix(X), 0.95)
    assert np.allclose(thin.axes, found.axes, atol=1e-8)
    assert np.allclose(thin.apply(sparse.csr_matrix(X)), Z, atol=1e-8)


def test_components_of_more_features_than_rows_and_of_very_many(monkeypatch):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 90)) * np.linspace(3, 0.1, 90)
    found, wanted = pca.learn(X, 5), PCA(5).fit(X)
    assert np.allclose(np.abs(found.axes), np.abs(wanted.components_), atol=1e-9)
    monkeypatch.setattr(pca, "_SMALL", 10)
    for made in (X, sparse.csr_matrix(X)):
        near = pca.learn(made, 5)
        assert np.allclose(near.axes, found.axes, atol=1e-6)
        assert np.allclose(near.share, found.share)
        with pytest.raises(ParameterError, match=r"number of components where there are 90"):
            pca.learn(made, 0.5)


@pytest.mark.parametrize("X", [np.ones((4, 3)), np.zeros((1, 2)), np.eye(3)])
def test_components_of_next_to_nothing(X):
    found = pca.learn(X, 10)
    assert np.isfinite(found.apply(X)).all()
    assert 1 <= len(found.axes) <= X.shape[1]


def test_components_change_what_a_family_wants_unless_told():
    asked = changed(for_trees(), {"pca": 0.9})
    assert (asked.impute, asked.scale, asked.categories) == ("median", "standard", "onehot")
    kept = changed(for_trees(), {"pca": 0.9, "scale": "none", "impute": "mean"})
    assert (kept.impute, kept.scale) == ("mean", "none")
    assert changed(for_trees(), {"degree": 2}) == for_trees(degree=2)


def test_mistakes_are_told_plainly(town, cancer):
    data, y = town
    with pytest.raises(ParameterError, match=r"keep and .* must come with a method"):
        Encoding(keep=5)
    with pytest.raises(ParameterError, match=r"keep must be a whole number.*got 2.5"):
        Encoding(select="f", keep=2.5)
    with pytest.raises(ParameterError, match=r"pca must be > 0 or None; got 0"):
        Encoding(pca=0)
    with pytest.raises(ParameterError, match=r"select must be one of 'none'"):
        Encoding(select="anova")
    with pytest.raises(DataError, match=r"select='f' must be given the target"):
        Encoder(Encoding(select="f")).fit(data)
    with pytest.raises(DataError, match=r"without gaps.*impute='median'"):
        Encoder(for_trees(pca=2, categories="drop")).fit(data, None, y)
    with pytest.raises(ParameterError, match=r"pca must be given 0/1 categories"):
        Encoder(for_trees(pca=2, impute="mean")).fit(data, None, y)


def test_selected_inside_folds_noise_stays_noise():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(100, 400))
    y = np.repeat(["yes", "no"], 50)
    table = {f"x{at}": column for at, column in enumerate(X.T)}
    best = SelectKBest(f_classif, k=10).fit(X, y).get_support(indices=True)
    seen = {f"x{at}": X[:, at] for at in best}
    asked = {"target": "y", "models": ["logistic"], "metric": "accuracy", "jobs": 1}

    def accuracy(columns, **words):
        board = wf.fit({**columns, "y": y}, **asked, **words).leaderboard
        return next(e for e in board if e.model == "logistic").scores["accuracy"]

    assert accuracy(seen).low > 0.6  # chosen with all rows: a lie
    inside = accuracy(table, features={"select": "f", "keep": 10})
    assert inside.low < 0.5 < inside.high


@pytest.mark.parametrize("features", [
    {"select": "f", "keep": 6, "pca": 3}, {"select": "mutual_info", "keep": 4}, {"pca": 0.9},
])
def test_a_saved_model_selects_again(features, tmp_path, cancer):
    _, X, y = cancer
    table = {f"x{at}": column for at, column in enumerate(X.T)} | {"y": y}
    result = wf.fit(table, target="y", models=["random_forest(n_estimators=20)"], jobs=1,
                    features=features, folds=2)
    loaded = wf.load(result.save(tmp_path / "m.wf"))
    rows = pl.DataFrame(table)
    answer = result.predict_proba(rows)
    assert answer.equals(loaded.predict_proba(rows))
    assert loaded.predict_proba(rows[:7]).equals(answer[:7])
