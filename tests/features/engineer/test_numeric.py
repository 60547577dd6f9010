"""Features of numbers: scikit-learn's contract, its figures, and odd numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.base import clone
from sklearn.preprocessing import (
    KBinsDiscretizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
)
from sklearn.utils.estimator_checks import check_estimator

from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.base.state import same
from wholefit.features import custom, engineer

MATRIX = {"ratio": {}, "difference": {}, "product": {}, "log": {}, "polynomial": {}, "power": {},
          "ranks": {"output": "normal"}, "bins": {"by": "target"}}
# They are of two columns or more, and say so to checks that give one.
PAIRS = {"ratio", "difference", "product"}
NUMBERS = arrays.arrays(np.float64, st.tuples(st.integers(1, 30), st.just(3)),
                        elements=st.floats(allow_nan=True, allow_infinity=True, width=64))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", MATRIX)
def test_scikit_learns_own_checks(kind: str) -> None:
    made = engineer.make(kind, **MATRIX[kind])
    results = check_estimator(made, on_fail=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert not failed
    assert sum(r["status"] == "passed" for r in results) > 25


@pytest.mark.parametrize("kind", MATRIX)
@settings(deadline=None, max_examples=60)
@given(X=NUMBERS)
def test_any_numbers_give_numbers_and_a_stored_form(kind: str, X: np.ndarray) -> None:
    made = engineer.make(kind, **MATRIX[kind])
    out = made.fit_transform(X, np.arange(len(X)) % 2)
    assert out.shape == (len(X), len(made.get_feature_names_out(["a", "b", "c"])))
    state = made.to_state()
    again = custom.restore(state)
    assert same(again.to_state(), state)
    assert again.transform(X).tobytes() == made.transform(X).tobytes()
    assert clone(made).get_params() == made.get_params()


@pytest.mark.parametrize("kind", MATRIX)
def test_a_row_alone_is_as_among_others(kind: str) -> None:
    X = rng().normal(size=(50, 3))
    made = engineer.make(kind, **MATRIX[kind]).fit(X, np.arange(50) % 3)
    whole = made.transform(X)
    alone = np.concatenate([made.transform(X[i:i + 1]) for i in range(50)])
    assert np.allclose(whole, alone, rtol=1e-13, equal_nan=True)


def test_ratios_are_safe_at_zero() -> None:
    X = np.array([[6.0, 3.0, 0.0], [1.0, 0.0, 2.0], [np.nan, 0.0, 1.0], [0.0, 0.0, 5.0]])
    missing = engineer.make("ratio").fit_transform(X)
    assert np.array_equal(missing, [[2, np.nan], [np.nan, 0.5], [np.nan, np.nan], [np.nan, 0]],
                          equal_nan=True)
    zero = engineer.make("ratio", at_zero="zero").fit_transform(X)
    assert zero[:, 0].tolist()[:2] == [2.0, 0.0]
    assert np.isnan(zero[2, 0])  # a missing value over zero stays missing
    assert np.isfinite(engineer.make("ratio").fit_transform([[1e300, 1e-300]])).all()
    names = engineer.make("ratio").fit(X).get_feature_names_out(["a", "b", "c"])
    assert names.tolist() == ["a/b", "a/c"]


def test_differences_products_logs() -> None:
    X = np.array([[5.0, 3.0], [1.0, 4.0]])
    assert engineer.make("difference").fit_transform(X).tolist() == [[2.0], [-3.0]]
    assert engineer.make("difference", absolute=True).fit_transform(X).tolist() == [[2.0], [3.0]]
    assert engineer.make("product").fit_transform(X).tolist() == [[15.0], [4.0]]
    logs = engineer.make("log").fit_transform([[np.e - 1], [1 - np.e], [0.0]])
    assert np.allclose(logs[:, 0], [1, -1, 0])


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
def test_powers_are_scikit_learns(method: str) -> None:
    X = np.exp(rng().normal(size=(400, 3)) * [0.3, 1.0, 2.0])
    X[5, 1] = np.nan
    if method == "yeo-johnson":
        X[:, 0] -= 1.2
    ours = engineer.make("power", method=method).fit(X)
    theirs = PowerTransformer(method=method).fit(X)
    assert np.allclose(ours.lambdas_, theirs.lambdas_, atol=1e-3)
    assert np.allclose(ours.transform(X), theirs.transform(X), atol=5e-3, equal_nan=True)
    ours.lambdas_ = theirs.lambdas_  # the same power must give the same numbers
    raw = PowerTransformer(method=method, standardize=False).fit(X)
    ours.mean_, ours.scale_ = np.zeros(3), np.ones(3)
    assert np.allclose(ours.transform(X), raw.transform(X), rtol=1e-10, equal_nan=True)


def test_box_cox_needs_positive_numbers_to_learn_and_misses_others_later() -> None:
    with pytest.raises(DataError, match=r"above 0.*yeo-johnson"):
        engineer.make("power", method="box-cox").fit([[1.0], [0.0]])
    made = engineer.make("power", method="box-cox").fit([[1.0], [2.0], [5.0]])
    assert np.isnan(made.transform([[-1.0], [0.0]])).all()


@pytest.mark.parametrize("output", ["uniform", "normal"])
def test_ranks_are_scikit_learns(output: str) -> None:
    X = np.round(rng().normal(size=(700, 2)), 1)
    X[3, 0] = np.nan
    ours = engineer.make("ranks", output=output, quantiles=200).fit(X)
    theirs = QuantileTransformer(n_quantiles=200, output_distribution=output, subsample=None).fit(X)
    new = np.vstack([X, [[-99.0, 99.0]]])
    assert np.allclose(ours.transform(new), theirs.transform(new), atol=1e-6, equal_nan=True)


def test_polynomials_are_scikit_learns() -> None:
    X = rng().normal(size=(50, 3))
    ours = engineer.make("polynomial", degree=3, centred=False).fit(X)
    theirs = PolynomialFeatures(degree=3, include_bias=False).fit(X)
    assert np.allclose(ours.transform(X), theirs.transform(X)[:, 3:])
    centred = engineer.make("polynomial").fit(X)
    assert abs(np.corrcoef(X[:, 0] + 50, centred.transform(X + 50)[:, 0])[0, 1]) > 0.9
    moved = engineer.make("polynomial").fit(X + 50).transform(X + 50)
    assert np.allclose(moved, centred.transform(X))


def test_bins_of_equal_counts_and_width_are_scikit_learns() -> None:
    X = rng().exponential(size=(1000, 1))
    equal = engineer.make("bins", bins=5).fit_transform(X)[:, 0]
    assert np.bincount(equal.astype(int)).tolist() == [200] * 5
    wide = engineer.make("bins", bins=5, by="width").fit_transform(X)
    theirs = KBinsDiscretizer(5, encode="ordinal", strategy="uniform").fit_transform(X)
    assert np.array_equal(wide, theirs)


def test_bins_guided_by_the_target_find_the_step() -> None:
    x = rng().uniform(size=2000)
    y = np.where((x > 0.3) & (x < 0.42), 5.0, 0.0) + rng(1).normal(size=2000)
    made = engineer.make("bins", by="target", bins=3)
    assert made.supervised and not engineer.make("bins").supervised
    cuts = made.fit(x[:, None], y).edges_[0]
    assert np.allclose(cuts, [0.3, 0.42], atol=0.01)
    onehot = engineer.make("bins", by="target", bins=3, output="onehot").fit(x[:, None], y)
    assert onehot.transform([[0.35], [np.nan]]).tolist() == [[0, 1, 0], [0, 0, 0]]
    assert onehot.get_feature_names_out(["x"])[0].startswith("x in (-inf, 0.")
    with pytest.raises(DataError, match="learns from the target"):
        made.fit(x[:, None])


def test_constants_and_empty_columns_are_borne() -> None:
    X = np.column_stack([np.full(20, 3.0), np.full(20, np.nan), np.arange(20.0)])
    for kind, options in MATRIX.items():
        out = engineer.make(kind, **options).fit(X, np.arange(20) % 2).transform(X)
        assert len(out) == 20
    assert engineer.make("bins").fit_transform(X)[:, 0].tolist() == [0.0] * 20
    assert np.isnan(engineer.make("power").fit_transform(X)[:, 1]).all()


def test_wrong_words_get_the_right_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ratio'"):
        engineer.make("ration")
    with pytest.raises(UnknownNameError, match="did you mean 'at_zero'"):
        engineer.make("ratio", at_zro="zero")
    with pytest.raises(ParameterError, match=r"Ratio.at_zero must be one of .* got 'nought'"):
        engineer.make("ratio", at_zero="nought")
    with pytest.raises(ParameterError, match=r"Ratio needs at least 2 columns"):
        engineer.make("ratio").fit([[1.0]])
    with pytest.raises(ParameterError, match=r"Bins.bins must be >= 2"):
        engineer.make("bins", bins=1)
