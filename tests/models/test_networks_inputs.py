"""How a matrix is cut and scaled for networks, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from wholefit.base.errors import DataError, StateError
from wholefit.features.spans import Span
from wholefit.models._kernels._network_inputs import Inputs, learn, pixel_figures


def _numbers(rows: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([rng.normal(5, 2, rows), rng.exponential(1e4, rows),
                     rng.normal(1e9, 3, rows)], axis=1)


def test_standard_scaling_is_scikit_learns() -> None:
    X = _numbers()
    found = learn(X, None, "standard", onehot=False).split(X, np.float64)[0]
    np.testing.assert_allclose(found, StandardScaler().fit_transform(X), atol=1e-6)


def test_robust_scaling_is_scikit_learns_bent_at_three() -> None:
    X = _numbers()
    plain = RobustScaler().fit_transform(X)
    found = learn(X, None, "robust", onehot=False).split(X, np.float64)[0]
    np.testing.assert_allclose(found, plain / np.sqrt(1 + (plain / 3) ** 2), atol=1e-6)
    assert np.abs(found).max() < 3


def test_quantile_scaling_is_scikit_learns() -> None:
    X = _numbers()
    X[:, 0] = np.round(X[:, 0])  # ties get one score, in the middle of their ranks
    theirs = QuantileTransformer(n_quantiles=len(X), output_distribution="normal").fit_transform(X)
    found = learn(X, None, "quantile", onehot=False).split(X, np.float64)[0]
    inner = np.abs(theirs) < 2.4  # at the ends ties are theirs to put
    np.testing.assert_allclose(found[inner], theirs[inner], atol=1e-4)


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile", "none"])
def test_constant_and_huge_numbers_stay_finite(scaling: str) -> None:
    X = np.column_stack([np.full(50, 7.3), np.arange(50.0)])
    made = learn(X, None, scaling, onehot=False)
    asked = np.array([[1e300, -1e300], [7.3, 3.0]])
    found = made.split(asked, np.float64)[0]
    assert np.isfinite(found).all()
    if scaling != "none":
        assert found[1, 0] == pytest.approx(0, abs=1e-6) and np.abs(found).max() <= 100


def test_inputs_come_in_the_stated_order() -> None:
    spans = (Span("codes", 0, 2, levels=(3, 2)), Span("image", 2, 6, (1, 2, 2)),
             Span("numbers", 6, 7), Span("tokens", 7, 10, (3,), (50,)))
    X = np.array([[0, 1, 0, 128, 255, 300, 2.0, 4, 49, 99],
                  [-1, 5, 1, 2, 3, np.nan, 4.0, 0, 0, 0]])
    made = learn(X, spans, "none", onehot=False)
    numbers, codes, image, tokens = made.split(X)
    np.testing.assert_array_equal(numbers, [[2], [4]])
    np.testing.assert_array_equal(codes, [[0, 1], [-1, -1]])
    np.testing.assert_array_equal(image[0, 0], [[0, 128], [255, 255]])
    assert image.dtype == np.uint8 and image[1, 0, 1, 1] == 0
    np.testing.assert_array_equal(tokens, [[4, 49, 49], [0, 0, 0]])
    assert made.facts() == {"inputs": 1, "levels": [3, 2], "channels": 1, "height": 2, "width": 2,
                            "vocabulary": 50, "length": 3}


def test_codes_become_zeros_and_ones_where_a_network_takes_none() -> None:
    spans = (Span("codes", 0, 2, levels=(3, 2)), Span("numbers", 2, 3))
    X = np.array([[2, 0, 9.0], [-1, 1, 8.0]])
    made = learn(X, spans, "none", onehot=True)
    np.testing.assert_array_equal(made.split(X)[0], [[9, 0, 0, 1, 1, 0], [8, 0, 0, 0, 0, 1]])
    assert made.facts() == {"inputs": 6}


def test_figures_of_pixels_are_those_of_each_channel() -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 3, 4, 5)).astype(np.uint8)
    images[:, 2] = 9
    (mean, spread), = pixel_figures([images])
    np.testing.assert_allclose(mean, images.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(spread[:2], images[:, :2].std(axis=(0, 2, 3)))
    assert spread[2] == 1


@pytest.mark.parametrize("span", [
    Span("numbers", 0, 9), Span("numbers", -1, 2), Span("codes", 0, 2, levels=(3,)),
    Span("image", 0, 3, (1, 2, 2)), Span("tokens", 0, 2, (2,)), Span("sounds", 0, 2),
    Span("codes", 0, 1, levels=(0,)), Span("image", 0, 3, (-1, -1, 3))])
def test_spans_that_do_not_fit_are_refused(span: Span) -> None:
    with pytest.raises(DataError, match="spans must lie within"):
        learn(np.zeros((4, 3)), (span,), "none", onehot=False)


def test_what_was_stored_cuts_alike_and_what_was_altered_is_refused() -> None:
    X = _numbers()
    made = learn(X, None, "quantile", onehot=False)
    again = Inputs.of_config(made.config(), made.arrays)
    np.testing.assert_array_equal(made.split(X)[0], again.split(X)[0])
    config = made.config()
    for broken in ({**config, "scaling": "odd"}, {**config, "features": 2}, {**config, "spans": 3},
                   {**config, "spans": [{"kind": "numbers"}]}):
        with pytest.raises(StateError, match="do not belong together"):
            Inputs.of_config(broken, made.arrays)
    with pytest.raises(StateError, match="do not belong together"):
        Inputs.of_config(config, {"quantiles": np.zeros((5, 2))})
