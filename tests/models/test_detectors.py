"""Detectors of anomalies: equal to scikit-learn, to formulas, and to what their words promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from real_tables import table

from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import ArtifactError, DataError
from wholefit.base.state import State
from wholefit.models import Context, make, scorer
from wholefit.models._detectors.base import learn_columns, sampled
from wholefit.models._detectors.trees import read
from wholefit.models._kernels.detectors import Columns

TASK = tasks.get("anomaly")


def real(rows: int = 600) -> np.ndarray:
    """Numbers of a real table with many different values, a little noise against ties."""
    X = table("prices").X[:rows]
    return np.asarray(X + 1e-3 * np.random.default_rng(0).normal(size=X.shape))


def fitted(text: str, X: np.ndarray, categorical: tuple[int, ...] = (), seed: int = 0) -> Any:
    model = make(text)
    context = Context(len(X), X.shape[1], categorical=categorical, seed=seed)
    estimator = model.build(TASK, context).fit(X)
    return estimator, scorer(model.state(estimator, TASK, context))


# ---- second implementations -------------------------------------------------------------


@pytest.mark.parametrize("features", [1.0, 0.5])
def test_forests_of_scikit_learn_are_read_and_answered_as_by_it(features: float) -> None:
    from sklearn.ensemble import IsolationForest

    Z = Columns(learn_columns(real(), ())).prepare(real())
    forest = IsolationForest(n_estimators=40, max_features=features, random_state=0).fit(Z[:400])
    config, arrays, parts = read(forest)
    columns = learn_columns(Z, ())  # columns of mean 0 and spread 1 stay as they are
    state = State("detector.isolation", config, arrays, parts={"columns": columns, **parts})
    found = scorer(state).score(Z)  # type: ignore[attr-defined]
    assert np.abs(found + forest.score_samples(Z)).max() < 1e-10


def test_own_forests_agree_with_scikit_learns_but_for_chance() -> None:
    from sklearn.ensemble import IsolationForest

    X = real()
    estimator, made = fitted("isolation_forest(trees=400)", X)
    Z = estimator.columns_.prepare(X)
    theirs, others = (-IsolationForest(n_estimators=400, random_state=seed).fit(
        Z).score_samples(Z) for seed in (0, 1))
    ours = made.answer(X)
    # As near as two forests of scikit-learn's are to each other, in order and in size.
    assert np.corrcoef(ours, theirs)[0, 1] > np.corrcoef(others, theirs)[0, 1] - 0.01
    assert abs(ours.mean() - theirs.mean()) < 5 * abs(others.mean() - theirs.mean()) + 2e-3


def test_trees_are_whole() -> None:
    X = np.round(real(), 1)
    for text in ("isolation_forest", "isolation_forest(features=0.3, sample=50)"):
        estimator, _ = fitted(text, X)
        trees, rows = estimator.state_.parts["trees"].arrays, estimator.state_.arrays["rows"]
        ends = np.cumsum(trees["size"])
        for start, end in zip(ends - trees["size"], ends, strict=True):
            feature = trees["feature"][start:end]
            assert (feature >= 0).sum() + 1 == (feature < 0).sum()
        sample = 50 if "sample" in text else 256
        leaves = np.add.reduceat(rows, np.concatenate([[0], np.cumsum([
            (trees["feature"][s:e] < 0).sum()
            for s, e in zip(ends - trees["size"], ends, strict=True)])[:-1]]))
        assert (leaves == sample).all() and rows.min() >= 1


def test_isolation_contributions_sum_to_the_depth_saved() -> None:
    X = real()
    _, made = fitted("isolation_forest(trees=20)", X)
    usual = made._usual
    depth = -np.log2(made.answer(X)) * usual
    trees, rows = made._arrays, made._rows
    leaves = np.split(np.arange(len(rows)), np.cumsum([
        (part < 0).sum() for part in np.split(trees["feature"], np.cumsum(trees["size"])[:-1])]
    )[:-1])
    root = np.mean([np.average(trees["value"][at, 0], weights=rows[at]) for at in leaves])
    assert np.allclose(made.parts(X).sum(axis=1), (root - depth) / usual, atol=1e-9)


@pytest.mark.parametrize("k", [5, 20])
def test_lof_is_scikit_learns_for_new_rows_and_for_old(k: int) -> None:
    from sklearn.neighbors import LocalOutlierFactor

    X = real()
    estimator, made = fitted(f"lof(k={k}, floor=0.0)", X[:400])
    Z = estimator.columns_.prepare(X)
    theirs = LocalOutlierFactor(k, novelty=True).fit(Z[:400])
    assert np.allclose(made.answer(X[400:]), -theirs.score_samples(Z[400:]), rtol=1e-8)
    assert np.allclose(made.answer(X[:400]), -theirs.negative_outlier_factor_, rtol=1e-8)


@pytest.mark.parametrize("how", ["mean", "largest", "both"])
def test_knn_distance_is_scikit_learns(how: str) -> None:
    from sklearn.neighbors import NearestNeighbors

    X = real()
    estimator, made = fitted(f"knn_distance(k=7, how={how!r})", X[:400])
    Z = estimator.columns_.prepare(X)
    near = NearestNeighbors(n_neighbors=7).fit(Z[:400])
    for rows, distance in ((slice(400, None), near.kneighbors(Z[400:])[0]),
                           (slice(0, 400), near.kneighbors()[0])):
        expected = {"mean": distance.mean(axis=1), "largest": distance[:, -1],
                    "both": distance.mean(axis=1) + distance[:, :5].mean(axis=1)}[how]
        assert np.allclose(made.answer(X[rows]), expected, rtol=1e-8)


def test_one_class_svm_is_scikit_learns() -> None:
    X = real()
    estimator, made = fitted("one_class_svm(nu=0.2)", X[:400])
    expected = -estimator.learner_.decision_function(estimator.columns_.prepare(X))
    assert np.allclose(made.answer(X), expected, atol=1e-9)


def test_elliptic_envelope_is_min_cov_det() -> None:
    X = real() + 0.3 * np.random.default_rng(1).normal(size=real().shape)
    estimator, made = fitted("elliptic_envelope(robust=True)", X[:400])
    Z = estimator.columns_.prepare(X)
    values = np.linalg.eigvalsh(estimator.learner_.covariance_)
    assert values.min() > 1e-3, "the floor must not bite here"
    assert np.allclose(made.answer(X), estimator.learner_.mahalanobis(Z), rtol=1e-7)
    assert np.allclose(made.parts(X).sum(axis=1), made.answer(X))


def test_mixture_is_scikit_learns() -> None:
    X = real()
    estimator, made = fitted("mixture_outliers(components=3)", X[:400])
    expected = -estimator.learner_.score_samples(estimator.columns_.prepare(X))
    assert np.allclose(made.answer(X), expected, rtol=1e-9, atol=1e-9)


def test_pca_outliers_is_scikit_learns_reconstruction() -> None:
    from sklearn.decomposition import PCA

    X = real()
    estimator, made = fitted("pca_outliers(variance=0.6)", X[:400])
    Z = estimator.columns_.prepare(X)
    theirs = PCA(len(made._axes)).fit(Z[:400])
    again = theirs.inverse_transform(theirs.transform(Z))
    assert np.allclose(made.answer(X), ((Z - again) ** 2).sum(axis=1), atol=1e-9)
    assert theirs.explained_variance_ratio_.sum() >= 0.6


def test_autoencoder_is_its_network() -> None:
    X = real()
    estimator, made = fitted("autoencoder_outliers(epochs=5)", X[:400])
    Z = estimator.columns_.prepare(X)
    given = np.clip(Z, -5, 5)
    assert np.allclose(made.parts(X), (Z - estimator.learner_.predict(given)) ** 2, atol=1e-9)


def by_hand(values: np.ndarray, asked: np.ndarray, name: str) -> np.ndarray:
    """ECOD and COPOD from their formulas, each row asked about counted as one of the rows."""
    n, total = len(values), np.zeros((3, len(asked)))
    for feature in range(values.shape[1]):
        column, new = values[:, feature], asked[:, feature]
        left = np.array([-np.log((1 + (column <= x).sum()) / (n + 1)) for x in new])
        right = np.array([-np.log((1 + (column >= x).sum()) / (n + 1)) for x in new])
        skew = ((column - column.mean()) ** 3).mean()
        auto = left if skew < 0 else right
        if name == "copod":
            total += np.maximum(auto, (left + right) / 2)
        elif name == "each":
            total += np.maximum(left, right)
        else:
            total += np.stack([left, right, auto])
    return np.asarray(total.max(axis=0))


@pytest.mark.parametrize("name", ["copod", "each", "row"])
def test_tails_are_their_formulas(name: str) -> None:
    X = np.round(table("prices").X[:300], 1)
    text = "copod" if name == "copod" else f"ecod(tails={name!r})"
    estimator, made = fitted(text, X[:200])
    Z = estimator.columns_.prepare(X)
    assert np.allclose(made.answer(X), by_hand(Z[:200], Z, name))


def test_many_values_are_thinned_without_touching_the_tails() -> None:
    X = np.random.default_rng(1).normal(size=(20_000, 1))
    estimator, made = fitted("ecod", X)
    assert len(made._knots[0]) <= 4096
    Z = np.sort(estimator.columns_.prepare(X)[:, 0])
    left = -np.log((np.arange(1, 20_001) + 1) / 20_001)
    found, _ = made.tails(Z[:, None])
    assert np.array_equal(found[:1000, 0], left[:1000])
    assert np.abs(np.exp(-found[:, 0]) - np.exp(-left)).max() < 1 / 1000


def test_histogram_scores_are_counts() -> None:
    X = np.array([[0.0], [0.1], [0.2], [5.1], [9.9], [10.0]])
    _, made = fitted("hbos(bins=2)", X)
    assert np.allclose(made.answer(np.array([[1.0], [7.0], [99.0]])),
                       [-np.log(4 / 8), -np.log(4 / 8), np.log(8)])


# ---- columns ----------------------------------------------------------------------------


def test_columns_are_standardised_and_codes_become_rarities() -> None:
    X = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 1.0], [5.0, -1.0]])
    columns = Columns(learn_columns(X, (1,)))
    Z = columns.prepare(X)
    assert np.allclose(Z.mean(axis=0), 0) and np.allclose(Z.std(axis=0), 1)
    rarity = -np.log(np.array([4, 4, 4, 2, 2]) / 8)
    assert np.allclose(Z[:, 1], (rarity - rarity.mean()) / rarity.std())
    # A code never seen, one that cannot be, and a gap are as rare as the missing level was.
    new = np.array([[1.0, 7.0], [1.0, np.nan], [1.0, -1.0], [1.0, 1e300]])
    assert np.allclose(columns.prepare(new)[:, 1], Z[4, 1])


def test_a_constant_column_still_tells_of_another_value() -> None:
    X = np.column_stack([np.arange(100.0), np.full(100, 3.0)])
    columns = Columns(learn_columns(X, ()))
    assert np.array_equal(columns.prepare([[5.0, 3.0], [5.0, 4.0], [5.0, 1.0]])[:, 1],
                          [0.0, 10.0, -10.0])
    _, made = fitted("knn_distance", X)
    assert made.answer(np.array([[50.0, 4.0]]))[0] > made.answer(X).max()


def test_huge_numbers_stay_finite() -> None:
    X = np.array([[1e300], [-1e300], [0.0], [1.0], [2.0]])
    assert np.isfinite(Columns(learn_columns(X, ())).prepare(X * 1e7)).all()


def test_a_rare_word_is_stranger_than_a_common_one() -> None:
    random = np.random.default_rng(0)
    codes = random.choice(3, 500, p=[0.7, 0.28, 0.02])
    X = np.column_stack([random.normal(size=500), codes])
    for name in models.names("anomaly"):
        _, made = fitted(name, X, (1,))
        common, rare = made.answer(np.array([[0.0, 0.0], [0.0, 2.0]]))
        assert rare > common, name


# ---- habits -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", models.names("anomaly"))
def test_planted_rows_come_first_and_say_why(name: str) -> None:
    random = np.random.default_rng(3)
    X = random.normal(size=(500, 1)) @ random.normal(size=(1, 5)) + 0.3 * random.normal(
        size=(500, 5))
    # One column does not move a sum of tails far: for those detectors three are moved. A mixture
    # would give five rows in one place a Gaussian of their own.
    odd = [2] if make(name).family != "tails" else [2, 3, 4]
    X[:5, odd] += np.linspace(9, 12, 5)[:, None]
    _, made = fitted("mixture_outliers(components=1)" if name == "mixture_outliers" else name, X)
    scores = made.answer(X)
    assert scores[:5].min() > np.quantile(scores, 0.95), name
    parts = made.parts(X[:5])
    assert np.isin(parts.argmax(axis=1), odd).mean() >= 0.6, (name, parts)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from(
    ["ecod", "copod", "hbos", "knn_distance", "lof", "pca_outliers", "elliptic_envelope"]))
def test_scores_do_not_hang_on_the_order_of_rows_asked(seed: int, wide: int, name: str) -> None:
    random = np.random.default_rng(seed)
    X = np.round(random.normal(size=(60, wide)), 1)
    _, made = fitted(name, X)
    order = random.permutation(60)
    whole = made.answer(X)
    assert np.allclose(made.answer(X[order]), whole[order], rtol=1e-9, atol=1e-12)
    assert np.isfinite(whole).all()


def test_scaling_a_column_changes_nothing() -> None:
    X = real(300)
    for name in ("ecod", "knn_distance", "lof", "pca_outliers", "one_class_svm"):
        plain = fitted(name, X)[1].answer(X)
        other = X * np.geomspace(1e-6, 1e6, X.shape[1])
        moved = fitted(name, other)[1].answer(other)
        assert np.allclose(plain, moved, rtol=1e-4), name


def test_identical_rows_are_answered() -> None:
    X = np.ones((50, 3))
    for name in models.names("anomaly"):
        found = fitted(name, X)[1].answer(np.vstack([X, [[2.0, 1.0, 1.0]]]))
        assert np.isfinite(found).all(), name


def test_rows_beyond_the_cap_are_drawn_by_chance() -> None:
    X = real(500)
    assert len(fitted("knn_distance(most=100)", X)[1].stored) == 100
    assert np.array_equal(sampled(X, 100, 3), sampled(X, 100, 3))
    assert sampled(X, None, 0) is X


def test_too_few_rows_and_gaps_are_refused() -> None:
    with pytest.raises(DataError, match="at least 3 rows"):
        fitted("ecod", np.ones((2, 2)))
    with pytest.raises(DataError, match="without gaps"):
        fitted("ecod", np.array([[1.0], [np.nan], [2.0], [3.0]]))


@pytest.mark.parametrize("name", models.names("anomaly"))
def test_altered_states_are_refused(name: str) -> None:
    estimator, _ = fitted(name, real(60))
    state = estimator.state_
    with pytest.raises(ArtifactError):
        scorer(State(state.kind, state.config, state.arrays, {}, {}))
    for at, values in state.arrays.items():
        wrong = {**state.arrays, at: np.full(values.shape, np.nan)}
        with pytest.raises(ArtifactError):
            scorer(State(state.kind, state.config, wrong, {}, state.parts)).answer(real(60))


def test_more_neighbours_than_rows_in_a_file_are_refused() -> None:
    estimator, _ = fitted("knn_distance", real(60))
    state = estimator.state_
    with pytest.raises(ArtifactError, match="neighbours"):
        scorer(State(state.kind, {**state.config, "k": 10**6}, state.arrays, {}, state.parts))


def test_altered_trees_are_refused() -> None:
    estimator, _ = fitted("isolation_forest(trees=5)", real(60))
    state, trees = estimator.state_, estimator.state_.parts["trees"]
    wrong = {"feature": trees.arrays["feature"] + 100, "size": trees.arrays["size"][:-1],
             "threshold": trees.arrays["threshold"][:-1], "value": trees.arrays["value"][:-1]}
    for name, values in wrong.items():
        altered = State("trees", trees.config, {**trees.arrays, name: values})
        with pytest.raises(ArtifactError, match="trees"):
            scorer(State(state.kind, state.config, state.arrays, {}, {
                **state.parts, "trees": altered}))
