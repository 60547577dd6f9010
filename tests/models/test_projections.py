"""Projections: their states against plain SVD, scikit-learn, scipy, and hostile files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import nnls
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_sparse
from sklearn import decomposition
from sklearn.datasets import load_digits

from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import ParameterError, SchemaError
from wholefit.base.state import State
from wholefit.models import Context, scorer

TASK = tasks.get("reduction")


def digits() -> tuple[np.ndarray, np.ndarray]:
    X = load_digits().data.astype(float)
    X = X[:, X.std(axis=0) > 0]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return X[:900], X[900:]


def fitted(text: str, X: Any, seed: int = 0) -> tuple[Any, Any]:
    """The estimator and what answers with its state."""
    model = models.make(text)
    context = Context(rows=X.shape[0], features=X.shape[1], seed=seed)
    estimator = model.build(TASK, context).fit(X)
    return estimator, scorer(model.state(estimator, TASK, context))


def up_to_sign(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found * np.sign((found * expected).sum(axis=0)) - expected).max())


def test_pca_is_plain_svd_to_eight_digits() -> None:
    X, new = digits()
    _, answering = fitted("pca(components=10)", X)
    mean = X.mean(axis=0)
    axes = np.linalg.svd(X - mean, full_matrices=False)[2][:10]
    assert up_to_sign(answering.answer(new), (new - mean) @ axes.T) < 1e-8
    back = (new - mean) @ axes.T @ axes + mean
    assert np.abs(answering.restore(answering.answer(new)) - back).max() < 1e-8


def test_pca_keeps_the_share_that_is_asked_for() -> None:
    X = load_digits().data
    estimator, answering = fitted("pca(components=0.95)", X)
    assert answering.answer(X).shape[1] == 29
    assert estimator.explained_variance_ratio_.sum() >= 0.95
    Z = answering.answer(X)
    among = np.corrcoef(Z.T) - np.eye(29)
    assert np.abs(among).max() < 1e-9, "components are uncorrelated"
    assert (np.diff(Z.var(axis=0)) <= 0).all(), "and ordered by variance"
    with pytest.raises(ParameterError, match="whole number"):
        models.make("pca(components=2.5)")


@pytest.mark.parametrize("text, kind", [
    ("incremental_pca(components=5, batch=200)", "IncrementalPCA"),
    ("sparse_pca(components=3)", "SparsePCA"), ("ica(components=4)", "FastICA")])
def test_linear_states_transform_as_scikit_learn_does(text: str, kind: str) -> None:
    X, new = digits()
    estimator, answering = fitted(text, X[:400, :20])
    assert type(estimator).__name__ == kind
    expected = estimator.transform(new[:, :20])
    assert np.abs(answering.answer(new[:, :20]) - expected).max() < 1e-8 * np.abs(expected).max()
    if hasattr(estimator, "inverse_transform"):
        back = estimator.inverse_transform(expected)
        assert np.abs(answering.restore(expected) - back).max() < 1e-8 * np.abs(back).max()


def test_mini_batch_sparse_pca_too() -> None:
    X = np.random.default_rng(0).normal(size=(5200, 6)) @ np.random.default_rng(1).normal(
        size=(6, 6))
    estimator, answering = fitted("sparse_pca", X)
    assert type(estimator).__name__ == "MiniBatchSparsePCA"
    assert np.abs(answering.answer(X[:50]) - estimator.transform(X[:50])).max() < 1e-8


@pytest.mark.parametrize("shape", [(300, 60), (500, 900)])
def test_truncated_svd_on_sparse_rows(shape: tuple[int, int]) -> None:
    X = random_sparse(*shape, density=0.05, format="csr", random_state=0)
    _, answering = fitted("truncated_svd(components=5)", X)
    expected = decomposition.TruncatedSVD(5, algorithm="arpack", random_state=0).fit(X)
    assert up_to_sign(answering.answer(X), expected.transform(X)) < 1e-8


def test_sparse_and_dense_rows_get_the_same_coordinates() -> None:
    X = np.abs(random_sparse(200, 40, density=0.2, random_state=0).toarray())
    for text in ("pca", "truncated_svd", "nmf", "random_projection"):
        _, answering = fitted(text, X)
        assert np.abs(answering.answer(csr_matrix(X)) - answering.answer(X)).max() < 1e-9, text


def test_text_is_never_made_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    X = random_sparse(3000, 5000, density=0.002, format="csr", random_state=0)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the matrix was made dense")

    for kind in {type(X), csr_matrix}:
        monkeypatch.setattr(kind, "toarray", refuse)
        monkeypatch.setattr(kind, "todense", refuse)
    for text in ("truncated_svd", "nmf(iterations=20)", "pca"):
        _, answering = fitted(text, X)
        assert answering.answer(X[:100]).shape == (100, 2)


def test_parts_are_least_squares_without_negatives() -> None:
    X, new = digits()
    X, new = X - X.min(axis=0), np.maximum(new - X.min(axis=0), 0)
    estimator, answering = fitted("nmf(components=8)", X)
    found = answering.answer(new[:40])
    expected = np.array([nnls(estimator.components_.T, row)[0] for row in new[:40]])
    assert (found >= 0).all()
    assert np.abs(found - expected).max() < 1e-6 * expected.max()
    theirs = decomposition.NMF(**{**estimator.words, "tol": 1e-9, "max_iter": 5000}).fit(X)
    ours = ((X - answering.restore(answering.answer(X))) ** 2).sum()
    assert ours <= 1.02 * ((X - theirs.transform(X) @ theirs.components_) ** 2).sum()


def test_features_below_zero_count_as_zero_for_parts() -> None:
    X = np.abs(digits()[0][:200])
    _, answering = fitted("nmf", X)
    below = X[:5].copy()
    below[0, 0] = -7
    zero = below.copy()
    zero[0, 0] = 0
    assert np.array_equal(answering.answer(below), answering.answer(zero))


@pytest.mark.parametrize("kernel", ["rbf", "cosine", "poly"])
def test_kernel_pca_is_scikit_learns(kernel: str) -> None:
    X, new = digits()
    X, new = X[:200, :20], new[:60, :20]
    _, answering = fitted(f"kernel_pca(components=3, kernel={kernel!r}, gamma=0.02, degree=2)", X)
    theirs = decomposition.KernelPCA(3, kernel=kernel, gamma=0.02, degree=2, coef0=1).fit(X)
    assert up_to_sign(answering.answer(new), theirs.transform(new)) < 1e-8


def test_the_autoencoder_bends_where_pca_cannot() -> None:
    """A circle needs two straight axes, and one bent one."""
    angle = np.random.default_rng(0).uniform(0, 1.5 * np.pi, 1500)
    X = np.column_stack([np.cos(angle), np.sin(angle)]) * np.sqrt(2)
    errors = {}
    for text in ("pca(components=1)",
                 "autoencoder_map(components=1, hidden=(32,), epochs=150, batch=32)"):
        _, answering = fitted(text, X[:1000])
        back = answering.restore(answering.answer(X[1000:]))
        errors[text[:3]] = float(((back - X[1000:]) ** 2).mean())
    assert errors["aut"] < 0.2 * errors["pca"], errors


def test_the_autoencoders_state_is_its_own_forward_pass() -> None:
    X, new = digits()
    estimator, answering = fitted("autoencoder_map(components=3, epochs=5)", X)
    back = answering.restore(answering.answer(new))
    assert float(((back - new) ** 2).mean()) == pytest.approx(
        estimator.error(new.astype(np.float32)), rel=1e-5)


def test_the_autoencoders_slopes_are_those_of_the_error() -> None:
    """Against differences of the error itself, weight by weight."""
    from wholefit.models._maps.autoencoder import NumpyAutoencoder

    X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    for act in ("tanh", "relu"):
        net = NumpyAutoencoder(2, (5,), act, 1, 30, 1e-3, 5, 0).fit(X)
        net.weights = [w.astype(np.float64) for w in net.weights]
        net.offsets = [b.astype(np.float64) for b in net.offsets]
        slopes = net._slopes(X.astype(np.float64))
        for layer, weights in enumerate(net.weights):
            before = weights[0, 0]
            ends = []
            for step in (1e-6, -1e-6):
                weights[0, 0] = before + step
                ends.append(net.error(X.astype(np.float64)) * X.shape[1])
            weights[0, 0] = before
            assert slopes[layer][0, 0] == pytest.approx(
                (ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-6), (act, layer)


def test_distances_are_kept_by_many_random_directions() -> None:
    """Johnson and Lindenstrauss: with 300 directions squared distances stay within a third."""
    X = np.random.default_rng(0).normal(size=(60, 400))
    _, answering = fitted("random_projection(components=300)", np.vstack([X] * 6))
    Z = answering.answer(X)
    ratio = ((Z[:30] - Z[30:]) ** 2).sum(axis=1) / ((X[:30] - X[30:]) ** 2).sum(axis=1)
    assert np.abs(ratio - 1).max() < 1 / 3


def test_other_widths_are_refused() -> None:
    X, _ = digits()
    for text in ("pca", "nmf", "kernel_pca", "autoencoder_map(epochs=1)"):
        _, answering = fitted(text, np.abs(X[:100]))
        with pytest.raises(SchemaError, match="features"):
            answering.answer(X[:5, :3])


@pytest.mark.parametrize("state", [
    State("projection", {}, {"mean": np.zeros(3), "axes": np.zeros((2, 4))}),
    State("projection", {}, {"mean": np.zeros(3), "axes": np.full((2, 3), np.nan)}),
    State("projection", {}, {"mean": np.zeros(3), "axes": np.zeros((2, 3)),
                             "back": np.zeros((1, 3))}),
    State("projection", {}, {"mean": np.zeros((3, 3)), "axes": np.zeros((2, 3))}),
    State("parts", {}, {"parts": -np.ones((2, 3))}),
    State("parts", {}, {"parts": np.ones(3)}),
    State("kernel_projection", {"kernel": "rbf", "gamma": 1.0, "degree": 2, "mean": 0.0},
          {"rows": np.ones((3, 2)), "dual": np.ones((2, 2)), "means": np.ones(3)}),
    State("kernel_projection", {"kernel": "eval", "gamma": 1.0, "degree": 2, "mean": 0.0},
          {"rows": np.ones((3, 2)), "dual": np.ones((3, 2)), "means": np.ones(3)}),
    State("autoencoder_map", {"layers": 10**9, "code": 1, "activation": "tanh"}, {}),
    State("autoencoder_map", {"layers": 2, "code": 1, "activation": "tanh"},
          {"w0": np.ones((3, 2)), "b0": np.ones(2), "w1": np.ones((3, 3)), "b1": np.ones(3)}),
], ids=lambda state: state.kind)
def test_states_that_do_not_fit_together_are_refused(state: State) -> None:
    with pytest.raises((ValueError, KeyError)):
        scorer(state)
