"""Missing numbers from other numbers: against scikit-learn, learnt on training rows, stored."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.linear_model import Ridge

import wholefit as wf
from wholefit.base.state import same
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding, for_linear


@pytest.fixture(scope="module")
def gappy(made):
    rng = np.random.default_rng(0)
    base = rng.normal(size=(300, 1))
    X = base + 0.3 * rng.normal(size=(300, 4))
    X[rng.random((300, 4)) < 0.15] = np.nan
    return made({f"x{at}": column for at, column in enumerate(X.T)}), X


@pytest.mark.parametrize("way", ["knn", "iterative"])
def test_fills_as_scikit_learn_does(gappy, way):
    data, X = gappy
    train = np.arange(200)
    encoder = Encoder(Encoding(impute=way, indicator=False, dense=True)).fit(data, train)
    spread = np.nanstd(X[:200], axis=0)
    middle = np.nanmean(X[:200], axis=0)
    scaled = (X - middle) / spread
    theirs = KNNImputer(n_neighbors=5) if way == "knn" else IterativeImputer(
        Ridge(alpha=1e-3), max_iter=10, tol=1e-9, imputation_order="ascending",
        min_value=np.nanmin(scaled[:200], axis=0), max_value=np.nanmax(scaled[:200], axis=0))
    wanted = theirs.fit(scaled[:200]).transform(scaled)
    wanted = wanted * spread + middle
    found = encoder.transform(data)
    assert np.allclose(found, wanted, atol=1e-8 if way == "knn" else 1e-4)
    assert not np.isnan(found).any()


@pytest.mark.parametrize("way", ["knn", "iterative"])
def test_flags_scale_state_and_odd_values(gappy, made, way):
    data, X = gappy
    encoder = Encoder(for_linear(impute=way)).fit(data)
    Z = encoder.transform(data)
    assert encoder.names[4:] == [f"x{at} (missing)" for at in range(4)]
    assert np.array_equal(Z[:, 4:], np.isnan(X))
    assert np.allclose(Z[:, :4].mean(axis=0), 0, atol=1e-9)
    assert np.allclose(Z[:, :4].std(axis=0), 1)
    again = Encoder.from_state(encoder.state())
    assert same(again.state(), encoder.state())
    assert again.transform(data).tobytes() == Z.tobytes()
    for at in (0, 7):
        assert np.allclose(encoder.transform(data, np.array([at]))[0], Z[at], atol=1e-12)
    odd = made({"a": [1.0, np.inf, None, 4.0], "b": [None] * 4, "c": [1.0, 2.0, -np.inf, None]},
               a="numeric", b="numeric", c="numeric")
    assert np.isfinite(Encoder(Encoding(impute=way, dense=True)).fit_transform(odd)).all()
    one = made({"a": [1.0, None, 3.0]}, a="numeric")
    assert Encoder(Encoding(impute=way, dense=True)).fit_transform(one)[1, 0] == 2


def test_what_is_filled_is_nearer_the_truth_than_the_median(made):
    rng = np.random.default_rng(1)
    truth = rng.normal(size=2000)
    seen = np.where(rng.random(2000) < 0.4, np.nan, truth)
    data = made({"a": seen, "b": truth + 0.2 * rng.normal(size=2000)})
    gaps, rows = np.isnan(seen), np.arange(0, 2000, 2)

    def error(way):
        encoder = Encoder(Encoding(impute=way, indicator=False, dense=True)).fit(data, rows)
        return np.sqrt(np.mean((encoder.transform(data)[gaps, 0] - truth[gaps]) ** 2))

    assert error("median") > 0.9
    assert error("iterative") < 0.22
    assert error("knn") < 0.25


def test_a_saved_model_fills_again(tmp_path, gappy):
    _, X = gappy
    table = {f"x{at}": X[:, at] for at in range(4)} | {"y": np.nan_to_num(X).sum(axis=1)}
    for way in ("knn", "iterative"):
        result = wf.fit(table, target="y", models="ridge", folds=2, jobs=1,
                        features={"impute": way})
        loaded = wf.load(result.save(tmp_path / f"{way}.wf"))
        assert loaded.predict(pl.DataFrame(table)).equals(result.predict(pl.DataFrame(table)))
