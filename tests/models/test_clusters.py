"""The clustering families against scikit-learn, scipy and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster import hierarchy
from sklearn import cluster as theirs
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from wholefit.base import seeds, tasks
from wholefit.base.errors import ArtifactError, DataError, SchemaError
from wholefit.base.state import State
from wholefit.models import Context, make, names, scorer
from wholefit.models._clusters.base import clusters_in, means_of, renumbered
from wholefit.models._clusters.density import counts, joined, radius
from wholefit.models._clusters.mixture import state_of
from wholefit.models._clusters.tree import cut, merges, trimmed
from wholefit.models._kernels import _near, neighbors
from wholefit.models._kernels.clusters import bent, labels_of

TASK = tasks.get("clustering")
BLOBS, KNOWN = make_blobs(400, 3, centers=4, cluster_std=1.5, random_state=5)
MOONS, HALVES = make_moons(500, noise=0.05, random_state=0)


def fitted(text: str, X: np.ndarray, seed: int = 0):
    context = Context(len(X), X.shape[1], seed=seed)
    return make(text).build(TASK, context).fit(X)


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    return adjusted_rand_score(a, b) == 1.0 and ((a < 0) == (b < 0)).all()


def test_kmeans_is_scikit_learns() -> None:
    ours = fitted("kmeans(clusters=4)", BLOBS, seed=3)
    made = theirs.KMeans(4, n_init=10, random_state=seeds.derive(3, "kmeans")).fit(BLOBS)
    assert same_partition(ours.labels_, made.labels_)
    assert ours.inertia_ == pytest.approx(made.inertia_)
    sizes = np.bincount(ours.labels_)
    assert (np.diff(sizes) <= 0).all()


def test_kmeans_from_a_sample_is_as_good() -> None:
    X = make_blobs(30_000, 4, centers=6, random_state=1)[0]
    ours = fitted("kmeans(clusters=6, rows=2000)", X)
    best = theirs.KMeans(6, n_init=5, random_state=0).fit(X)
    assert ours.inertia_ <= best.inertia_ * 1.0001


def test_new_rows_go_to_the_nearest_centre() -> None:
    ours = fitted("kmeans(clusters=5)", BLOBS)
    new = np.random.default_rng(0).normal(scale=8, size=(200, 3))
    centres = ours.state_.arrays["centres"]
    nearest = ((new[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert np.array_equal(ours.predict(new), nearest)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_responsibilities_are_scikit_learns(kind: str) -> None:
    made = GaussianMixture(3, covariance_type=kind, random_state=0).fit(BLOBS)
    found = scorer(state_of(made)).answer(BLOBS[::7] * 1.3)
    order = np.argsort(-made.weights_, kind="stable")
    assert np.allclose(found, made.predict_proba(BLOBS[::7] * 1.3)[:, order], atol=1e-10)


def test_mixtures_are_learnt_and_sum_to_one() -> None:
    ours = fitted("gaussian_mixture(clusters=4)", BLOBS)
    answer = scorer(ours.state_).answer(BLOBS)
    assert np.allclose(answer.sum(axis=1), 1)
    assert adjusted_rand_score(KNOWN, ours.labels_) > 0.9
    assert ours.bic(BLOBS) == pytest.approx(ours.made.bic(BLOBS))


@pytest.mark.parametrize("linkage", ["ward", "complete", "average", "single"])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_trees_are_scipys(linkage: str, k: int) -> None:
    ours = fitted(f"agglomerative(clusters={k}, linkage='{linkage}')", BLOBS)
    tree = hierarchy.linkage(BLOBS, linkage)
    assert np.array_equal(ours.linkage_, tree)
    assert same_partition(ours.labels_, hierarchy.cut_tree(tree, k)[:, 0])
    if linkage != "single":
        assert same_partition(ours.labels_, hierarchy.fcluster(tree, k, "maxclust"))


def test_rows_outside_the_tree_follow_the_nearest_row_in_it() -> None:
    ours = fitted("agglomerative(clusters=4, rows=150)", BLOBS)
    rows, labels = ours.state_.arrays["rows"], ours.state_.arrays["labels"]
    nearest = ((BLOBS[:, None] - rows) ** 2).sum(axis=2).argmin(axis=1)
    assert len(rows) == 150 and len(ours.linkage_) == 149
    assert np.array_equal(ours.labels_, labels[nearest])


def test_a_trimmed_tree_keeps_its_top() -> None:
    tree = merges(BLOBS, "average")
    top = trimmed(tree, 40)
    assert hierarchy.is_valid_linkage(top[:, :4]) or top[0, 3] >= 2
    assert np.array_equal(top[:, 2], tree[-39:, 2])
    joined_nodes = sorted(top[:, :2].ravel().astype(int).tolist())
    assert joined_nodes == list(range(2 * 40 - 2))
    assert top[-1, 3] == len(BLOBS)
    assert np.array_equal(np.sort(np.bincount(cut(top, 5))).shape, (5,))


def test_dbscan_is_scikit_learns_but_for_border_rows_between_clusters() -> None:
    for X, eps, least in ((BLOBS, 1.0, 8), (MOONS, 0.15, 6), (np.round(BLOBS), 1.0, 5)):
        ours = fitted(f"dbscan(eps={eps}, neighbours={least})", X)
        made = theirs.DBSCAN(eps=eps, min_samples=least).fit(X)
        core = made.core_sample_indices_
        assert same_partition(ours.labels_[core], made.labels_[core])
        assert ((ours.labels_ < 0) == (made.labels_ < 0)).all()


def test_dbscan_answers_new_rows_by_the_nearest_core_within_eps() -> None:
    ours = fitted("dbscan(eps=1.1, neighbours=6)", BLOBS)
    cores, labels = ours.state_.arrays["rows"], ours.state_.arrays["labels"]
    new = np.random.default_rng(1).normal(scale=6, size=(500, 3))
    apart = np.sqrt(((new[:, None] - cores) ** 2).sum(axis=2))
    expected = np.where(apart.min(axis=1) <= 1.1, labels[apart.argmin(axis=1)], -1)
    assert np.array_equal(ours.predict(new), expected)
    assert 0 < (expected < 0).mean() < 1


def test_dbscan_in_many_columns_and_in_few_joins_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    found = joined(BLOBS, 1.2), counts(BLOBS, 1.2)
    monkeypatch.setattr("wholefit.models._clusters.density._FEATURES", 0)
    monkeypatch.setattr("wholefit.models._clusters.density._PAIRS", 1000)
    again = joined(BLOBS, 1.2), counts(BLOBS, 1.2)
    assert same_partition(found[0], again[0]) and np.array_equal(found[1], again[1])


def test_a_radius_is_read_where_the_curve_bends() -> None:
    curve = np.concatenate([np.linspace(1, 1.2, 95), np.linspace(2, 9, 5)])
    assert radius(curve) == pytest.approx(1.2)
    assert radius(np.zeros(5)) > 0
    assert radius(np.array([0, 0, 0, 2.0])) == 2.0


def test_hdbscan_labels_are_scikit_learns() -> None:
    for X in (BLOBS, MOONS):
        ours = fitted("hdbscan(size=20, neighbours=10)", X)
        made = theirs.HDBSCAN(min_cluster_size=20, min_samples=10, copy=True).fit(X)
        assert same_partition(ours.labels_, made.labels_)


def test_density_families_leave_far_rows_out_and_take_near_ones_in() -> None:
    for text in ("hdbscan", "optics(steepness=0.2)", "dbscan"):
        ours = fitted(text, MOONS)
        assert adjusted_rand_score(HALVES, ours.labels_) > 0.7
        assert (ours.predict(np.full((3, 2), 50.0)) == -1).all()
        middle = make_moons(200, noise=0.02, random_state=4)
        found = ours.predict(middle[0])
        assert (found >= 0).mean() > 0.8
        assert adjusted_rand_score(middle[1][found >= 0], found[found >= 0]) > 0.7


def test_spectral_follows_moons() -> None:
    ours = fitted("spectral(clusters=2)", MOONS)
    assert adjusted_rand_score(HALVES, ours.labels_) > 0.95
    assert fitted("spectral(clusters=1)", MOONS).clusters_ == 1


def test_bisecting_cuts_from_the_top() -> None:
    ours = fitted("bisecting_kmeans(clusters=4)", BLOBS)
    made = theirs.BisectingKMeans(4, n_init=5, random_state=seeds.derive(0, "bisecting"),
                                  bisecting_strategy="biggest_inertia").fit(BLOBS)
    assert adjusted_rand_score(ours.labels_, made.labels_) > 0.95


def test_mini_batches_come_close_to_all_rows() -> None:
    X = make_blobs(20_000, 4, centers=5, random_state=2)[0]
    fast, whole = fitted("minibatch_kmeans(clusters=5)", X), fitted("kmeans(clusters=5)", X)
    assert adjusted_rand_score(fast.labels_, whole.labels_) > 0.95


@pytest.mark.parametrize("name", names("clustering"))
def test_odd_tables_are_clustered(name: str) -> None:
    for X in (np.zeros((30, 2)), np.repeat([[1.0, 2.0], [5.0, 6.0]], 20, axis=0),
              np.arange(3.0)[:, None], np.ones((1, 1)), np.full((40, 2), 1e150)):
        ours = fitted(name, X)
        assert len(ours.labels_) == len(X)
        assert ours.labels_.max() < max(1, ours.clusters_)
    with pytest.raises(DataError, match="finite"):
        fitted(name, np.array([[1.0, np.nan], [2.0, 3.0]]))
    with pytest.raises(DataError, match="table"):
        fitted(name, np.zeros((0, 3)))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**16), st.booleans())
def test_the_nearest_rows_are_those_of_brute_force(k: int, seed: int, lattice: bool) -> None:
    rng = np.random.default_rng(seed)
    rows, X = rng.normal(size=(1200, 2)), rng.normal(size=(60, 2))
    if lattice:
        rows, X = np.round(rows * 2), np.round(X * 2)
    near = _near.Near(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_near, "_PAIRS", 1)
        found = near.nearest(X, k)
        assert near._tree is not None
    expected = neighbors.nearest(rows, X, k, 2.0)
    assert np.array_equal(found[0], expected[0]) and np.array_equal(found[1], expected[1])


def test_what_is_bent_keeps_its_order_and_its_middle() -> None:
    values = np.array([[-1e300], [-9.0], [-2.25], [0.0], [1.0], [3.0], [1e300]])
    found = bent(values, np.array([2.25]))
    assert (np.diff(found[:, 0]) > 0).all() and np.isfinite(found).all()
    assert np.array_equal(found[2:5], values[2:5])
    assert np.array_equal(bent(values, np.array([np.inf])), values)


def test_renumbering_goes_by_size() -> None:
    labels, k = renumbered(np.array([7, 7, -1, 3, 3, 3, 9]))
    assert labels.tolist() == [1, 1, -1, 0, 0, 0, 2] and k == 3
    assert means_of(np.arange(7.0)[:, None], labels, 3).ravel().tolist() == [4.0, 0.5, 6.0]


def good(kind: str) -> State:
    if kind == "clusters.reached":
        return fitted("hdbscan(size=20)", MOONS).state_
    text = {"clusters.centres": "kmeans", "clusters.mixture": "gaussian_mixture",
            "clusters.nearest": "spectral"}[kind]
    return fitted(f"{text}(clusters=2)", MOONS).state_


@pytest.mark.parametrize(("kind", "change"), [
    ("clusters.centres", {"centres": np.zeros(3)}),
    ("clusters.centres", {"centres": np.full((2, 2), np.nan)}),
    ("clusters.centres", {"centres": np.zeros((0, 2))}),
    ("clusters.mixture", {"roots": np.zeros((2, 2))}),
    ("clusters.mixture", {"weights": np.array([-1.0, 2.0])}),
    ("clusters.mixture", {"weights": np.ones(3)}),
    ("clusters.nearest", {"labels": np.full(500, 7)}),
    ("clusters.nearest", {"labels": np.full(500, -1)}),
    ("clusters.nearest", {"labels": np.zeros(3, dtype=int)}),
    ("clusters.nearest", {"labels": np.zeros(500)}),
    ("clusters.reached", {"core": np.zeros(2)}),
    ("clusters.reached", {"reach": np.zeros(9)}),
    ("clusters.reached", {"labels": np.full(500, -2)}),
    ("clusters.reached", {"neighbours": 10**9}),
    ("clusters.reached", {"clusters": 10**12}),
])
def test_states_that_were_altered_are_refused(kind: str, change: dict[str, object]) -> None:
    state = good(kind)
    arrays = {k: v for k, v in change.items() if isinstance(v, np.ndarray)}
    config = {k: v for k, v in change.items() if not isinstance(v, np.ndarray)}
    altered = State(kind, {**state.config, **config}, {**state.arrays, **arrays})
    with pytest.raises(ArtifactError):
        scorer(altered)


def test_questions_of_another_width_are_refused() -> None:
    for kind in ("clusters.centres", "clusters.mixture", "clusters.nearest", "clusters.reached"):
        state = good(kind)
        with pytest.raises(SchemaError, match="2 features"):
            scorer(state).answer(np.zeros((2, 5)))
        with pytest.raises(DataError, match="finite"):
            scorer(state).answer(np.full((2, 2), np.inf))
        assert scorer(state).answer(np.zeros((0, 2))).shape == (0, clusters_in(state))


def test_labels_of_memberships() -> None:
    assert labels_of(np.array([[0.2, 0.8], [0, 0], [1, 0]])).tolist() == [1, -1, 0]
    assert labels_of(np.zeros((2, 0))).tolist() == [-1, -1]


def test_rows_are_reached_a_block_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("dbscan")
    context = Context(len(MOONS), 2, seed=0)
    state = model.state(model.build(TASK, context).fit(MOONS), TASK, context)
    whole = scorer(state).answer(MOONS)
    monkeypatch.setattr("wholefit.models._kernels.clusters._BLOCK", 64)
    assert np.array_equal(scorer(state).answer(MOONS), whole)
    assert scorer(state).answer(MOONS[:0]).shape == (0, whole.shape[1])
