"""Nearest neighbours: exact, tied rows settled, equal to scikit-learn where that is settled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from real_tables import agree, skill, table

from wholefit.base.errors import DataError
from wholefit.models import make, scorer
from wholefit.models._kernels.neighbors import nearest

TEXTS = ["knn", "knn(k=1)", "knn(k=25, weights='distance')", "knn(p=1)"]
# scikit-learn measures sparse rows under p 1 and 2 only.
DENSE_ONLY = ["knn(p=1.5, weights='distance')"]


@pytest.mark.parametrize("name", ["titanic", "price_classes", "prices"])
@pytest.mark.parametrize(("text", "sparse"), [
    *((text, sparse) for text in TEXTS for sparse in (False, True)),
    *((text, False) for text in DENSE_ONLY)])
def test_state_agrees(text: str, name: str, sparse: bool) -> None:
    least = {"titanic": 0.7, "price_classes": 0.3, "prices": 0.4}[name]
    assert skill(agree(text, name, sparse), name) > least


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_equal_to_scikit_learn_where_no_rows_tie(p: int, weights: str) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    data = table("titanic")
    learnt, asked = slice(0, 800), slice(800, None)
    model = make("knn").replace(k=7, p=float(p), weights=weights)
    estimator = model.build(data.task, data.context(800)).fit(data.X[learnt], data.y[learnt])
    theirs = KNeighborsClassifier(7, weights=weights, p=p, algorithm="kd_tree")
    theirs.fit(data.X[learnt], data.y[learnt])
    distance, _ = theirs.kneighbors(data.X[asked], 8)
    settled = distance[:, 7] - distance[:, 6] > 1e-9
    assert 200 < settled.sum() < len(settled), "the table should have ties, and rows without"
    answer = scorer(model.state(estimator, data.task, data.context(800))).answer(data.X[asked])
    expected = theirs.predict_proba(data.X[asked])
    assert np.abs(answer - expected)[settled].max() <= 1e-9


@pytest.mark.parametrize("k", [1, 3, 10])
def test_live_answers_do_not_depend_on_the_search(k: int) -> None:
    """Few features, full of ties: trees, brute force and the stored model say the same."""
    from wholefit.models._nearest import NearestClassifier

    data = table("titanic")
    X = np.round(data.X[:, :6])
    answers = [NearestClassifier(k, algorithm=word, n_jobs=jobs).fit(X[::2], data.y[::2])
               .predict_proba(X[1::2])
               for word, jobs in (("kd_tree", 1), ("ball_tree", 2), ("brute", 1), ("brute", 2))]
    for other in answers[1:]:
        assert np.array_equal(answers[0], other)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from([1.0, 2.0, 3.0]))
def test_the_first_of_tied_rows(seed: int, k: int, p: float) -> None:
    rng = np.random.default_rng(seed)
    rows, X = rng.integers(-2, 3, (12, 2)).astype(float), rng.integers(-2, 3, (5, 2)).astype(float)
    distance, found = nearest(rows, X, k, p)
    for question, near, apart in zip(X, found, distance, strict=True):
        full = (np.abs(rows - question) ** p).sum(axis=1)
        expected = np.lexsort((np.arange(12), full))[:k]
        assert near.tolist() == expected.tolist()
        assert apart == pytest.approx(full[expected] ** (1 / p))


def test_far_from_the_origin_distances_stay_exact() -> None:
    """The screening product loses digits there; the distances must not."""
    rows = 1e7 + np.arange(50, dtype=float)[:, None] * [1.0, 0.5]
    distance, found = nearest(rows, rows, 3, 2.0)
    assert np.array_equal(found[:, 0], np.arange(50))
    assert not distance[:, 0].any()


def test_fewer_rows_than_neighbours() -> None:
    data = table("titanic")
    model = make("knn(k=50)")
    estimator = model.build(data.task, data.context(10)).fit(data.X[:10], data.y[:10])
    found = model.answer(estimator, data.X[10:20], data.task, data.context(10))
    assert np.allclose(found[:, 1], data.y[:10].mean())


def test_the_state_says_that_it_keeps_rows() -> None:
    data = table("prices")
    model = make("knn")
    estimator = model.build(data.task, data.context()).fit(data.X, data.y)
    state = model.state(estimator, data.task, data.context())
    assert state.config["stores_rows"] is True
    assert not model.weighted
    with pytest.raises(DataError, match="finite"):
        scorer(state).answer(np.full((1, data.X.shape[1]), np.nan))
