"""Maps: places of their own rows, places of new ones, refusals, and the libraries' own answers."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.manifold import Isomap, LocallyLinearEmbedding, trustworthiness
from sklearn.manifold._locally_linear import barycenter_weights

from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import DataError, MissingExtraError
from wholefit.base.optional import available
from wholefit.base.state import State
from wholefit.models import Context, scorer
from wholefit.models._kernels.maps import barycentre, fuzzy, gaussian, pulled

TASK = tasks.get("reduction")
needs_umap = pytest.mark.skipif(not available("umap"), reason="umap-learn (extra maps) is absent")
needs_open = pytest.mark.skipif(not available("openTSNE"), reason="openTSNE (extra maps) is absent")


def digits() -> tuple[np.ndarray, np.ndarray]:
    X = load_digits().data.astype(float) / 16
    return X[:500], X[500:700]


def fitted(text: str, X: Any, seed: int = 0) -> tuple[Any, Any, State]:
    model = models.make(text)
    context = Context(rows=X.shape[0], features=X.shape[1], seed=seed)
    estimator = model.build(TASK, context).fit(X)
    state = model.state(estimator, TASK, context)
    return estimator, scorer(state), state


def test_tsne_refuses_new_rows_in_one_sentence() -> None:
    X, new = (rows[:150] for rows in digits())
    estimator, answering, _ = fitted("tsne(iterations=250)", X)
    assert np.array_equal(answering.answer(X), estimator.places_), "its own rows keep their places"
    with pytest.raises(DataError, match=r"150 of the 150 asked.*models='umap'"):
        answering.answer(new)
    with pytest.raises(DataError, match="1 of the 151 asked"):
        answering.answer(np.vstack([X, new[:1]]))


def test_tsne_is_scikit_learns() -> None:
    from sklearn.manifold import TSNE

    X = digits()[0][:120]
    estimator, _, _ = fitted("tsne(iterations=260, initial=None)", X, seed=7)
    theirs = TSNE(max_iter=260, random_state=7, init="pca", n_jobs=1).fit_transform(
        X.astype(np.float32))
    assert np.array_equal(estimator.places_, theirs.astype(float))


def test_mds_refuses_too_and_keeps_distances() -> None:
    X, new = digits()
    estimator, answering, _ = fitted("mds(rows=150)", X)
    assert len(estimator.drawn_) == 150
    with pytest.raises(DataError, match="mds has no place"):
        answering.answer(new)


def test_new_rows_by_barycentric_weights_are_scikit_learns() -> None:
    X, new = digits()
    _, answering, _ = fitted("lle(neighbors=10, initial=None)", X)
    theirs = LocallyLinearEmbedding(n_neighbors=10, random_state=0).fit(
        X.astype(np.float32).astype(float))
    found, expected = answering.answer(new), theirs.transform(new)
    sign = np.sign((found * expected).sum(axis=0))
    apart = np.abs(found * sign - expected).max(axis=1) / np.abs(expected).max()
    assert (apart < 3e-3).mean() > 0.98, "but for rows whose last neighbours tie"


def test_barycentric_weights_are_scikit_learns() -> None:
    X, new = digits()
    near = np.random.default_rng(0).integers(0, 500, (20, 6))
    assert np.allclose(barycentre(new[:20], X[near]), barycenter_weights(new[:20], X, near),
                       atol=1e-9)


def test_new_rows_on_geodesics_are_scikit_learns() -> None:
    X, new = digits()
    _, answering, _ = fitted("isomap(neighbors=8, initial=None)", X)
    theirs = Isomap(n_neighbors=8).fit(X.astype(np.float32).astype(float))
    found, expected = answering.answer(new), theirs.transform(new)
    sign = np.sign((found * expected).sum(axis=0))
    apart = np.abs(found * sign - expected).max(axis=1) / np.abs(expected).max()
    assert (apart < 1e-4).mean() > 0.98, "but for rows whose last neighbours tie"


def test_weights_add_up_and_the_nearest_weigh_most() -> None:
    distance = np.sort(np.random.default_rng(0).uniform(0.1, 2, (50, 15)), axis=1)
    for weigh in (fuzzy, gaussian):
        weights = weigh(distance)
        assert np.allclose(weights.sum(axis=1), 1)
        assert (np.diff(weights, axis=1) <= 1e-12).all()
    shares = gaussian(distance, perplexity=5)
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)
    assert np.allclose(np.exp(entropy), 5, rtol=1e-3), "the perplexity that was asked for"
    same = np.ones((3, 15))
    for weigh in (fuzzy, gaussian):
        assert np.allclose(weigh(same), 1 / 15), "equal distances weigh the same"


@needs_umap
def test_first_placement_is_umaps_own() -> None:
    from umap.umap_ import compute_membership_strengths, smooth_knn_dist

    distance = np.sort(np.random.default_rng(0).uniform(0.1, 2, (40, 15)), axis=1)
    single = distance.astype(np.float32)
    sigmas, rhos = smooth_knn_dist(single, 15.0, local_connectivity=0.0)
    at = np.arange(40 * 15).reshape(40, 15).astype(np.int32)
    _, _, values, _ = compute_membership_strengths(at, single, sigmas, rhos, bipartite=True)
    expected = values.reshape(40, 15) / values.reshape(40, 15).sum(axis=1, keepdims=True)
    assert np.abs(fuzzy(distance) - expected).max() < 1e-4


@needs_umap
def test_umap_is_umap_learns_and_places_new_rows() -> None:
    import umap

    X, new = digits()
    estimator, answering, state = fitted("umap(initial=None)", X, seed=3)
    theirs = umap.UMAP(random_state=3, n_jobs=1).fit(X.astype(np.float32))
    assert np.array_equal(estimator.places_, theirs.embedding_.astype(float))
    assert np.array_equal(answering.answer(X), estimator.places_)
    ours = trustworthiness(new, answering.answer(new), n_neighbors=10)
    assert ours > trustworthiness(new, theirs.transform(new.astype(np.float32)),
                                  n_neighbors=10) - 0.02
    assert set(state.arrays) == {"rows", "places"}


@needs_open
def test_opentsne_places_new_rows_among_their_like() -> None:
    X, new = digits()
    estimator, answering, _ = fitted("opentsne(iterations=250)", X)
    assert np.array_equal(answering.answer(X), estimator.places_)
    assert trustworthiness(new, answering.answer(new), n_neighbors=10) > 0.9


def test_a_new_row_between_groups_is_put_into_one() -> None:
    near = np.array([[[0.0, 0.0], [0.2, 0.0], [0.0, 0.3], [9.0, 9.0]]])
    weights = np.array([[0.3, 0.25, 0.25, 0.2]])
    mean = np.einsum("nk,nkd->nd", weights, near)
    found = pulled(weights, near, 1.577, 0.895)
    assert np.linalg.norm(mean) > 2 and np.linalg.norm(found) < 0.3

    def likelihood(place: np.ndarray) -> float:
        square = ((place - near[0]) ** 2).sum(axis=1)
        return float((weights[0] * -np.log1p(1.577 * square**0.895)).sum())

    assert likelihood(found[0]) > likelihood(mean[0])
    assert all(likelihood(found[0]) + 0.02 >= likelihood(found[0] + step)
               for step in np.random.default_rng(0).normal(scale=0.3, size=(200, 2)))


def test_without_the_library_the_error_says_what_to_install() -> None:
    X, _ = digits()
    for text, library in (("umap", "umap"), ("opentsne", "openTSNE")):
        if not available(library):
            with pytest.raises(MissingExtraError, match=r"wholefit\[maps\]"):
                fitted(text, X)


def test_many_features_are_laid_on_components_first() -> None:
    X, _ = digits()
    _, answering, state = fitted("lle(initial=10)", X)
    assert state.arrays["rows"].shape == (500, 10) and state.arrays["axes"].shape == (10, 64)
    assert answering.answer(X[:3]).shape == (3, 2)


def test_a_map_may_keep_some_rows_only() -> None:
    X = np.random.default_rng(0).normal(size=(3000, 100))
    model = models.make("lle(initial=None, rows=3000)")
    context = Context(rows=3000, features=100, seed=0)
    estimator = model.build(TASK, context)
    estimator.features_, estimator.projection_ = 100, None
    estimator.rows_, estimator.places_ = X.astype(np.float32), X[:, :2]
    state = estimator.state("umap", "fuzzy", most=1)
    assert len(state.arrays["rows"]) == 2500 and state.nbytes < 1.1e6
    assert scorer(state).answer(X).shape == (3000, 2)


def broken(**changes: Any) -> State:
    arrays = {"rows": np.zeros((4, 2), np.float32), "places": np.zeros((4, 2))}
    config = {"name": "umap", "rule": "fuzzy", "neighbors": 3, "features": 2}
    for name, value in changes.items():
        (arrays if isinstance(value, np.ndarray) else config)[name] = value
    return State("map", config, arrays)


@pytest.mark.parametrize("state", [
    broken(places=np.zeros((3, 2))), broken(rule="eval"), broken(neighbors=0),
    broken(neighbors=5000),
    broken(features=10**9), broken(rows=np.full((4, 2), np.inf, np.float32)), broken(a=-1.0),
    broken(b=float(10**9)),
    broken(axes=np.zeros((3, 2)), mean=np.zeros(2)), broken(rows=np.zeros((0, 2), np.float32)),
    State("geodesic", {"neighbors": 2, "features": 2, "mean": 0.0}, {
        "rows": np.zeros((4, 2)), "paths": np.zeros((4, 3)), "dual": np.zeros((4, 2)),
        "means": np.zeros(4)})])
def test_states_that_do_not_fit_together_are_refused(state: State) -> None:
    with pytest.raises((ValueError, KeyError)):
        scorer(state)
    assert scorer(broken()).answer(np.zeros((2, 2))).shape == (2, 2)


@pytest.mark.parametrize("rule", ["fuzzy", "gaussian", "barycentre"])
def test_rows_are_placed_a_block_at_a_time(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    state = broken(rows=random.normal(size=(60, 3)), places=random.normal(size=(60, 2)),
                   rule=rule, neighbors=12, features=3)
    X = random.normal(size=(50, 3))
    whole = scorer(state).answer(X)
    monkeypatch.setattr("wholefit.models._kernels.maps._BLOCK", 12 * 12 * 7)
    assert np.allclose(scorer(state).answer(X), whole, rtol=1e-12)
    assert scorer(state).answer(X[:0]).shape == (0, 2)


def test_a_small_file_of_many_neighbours_asks_for_little_memory() -> None:
    state = broken(rows=np.arange(4096.0)[:, None], places=np.zeros((4096, 2)),
                   rule="barycentre", neighbors=1000, features=1)
    tracemalloc.start()
    scorer(state).answer(np.arange(40.0)[:, None] + 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6  # all at once, the pairs of neighbours alone are 320 MB
