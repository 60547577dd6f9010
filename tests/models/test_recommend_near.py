"""Neighbours, EASE, content and popularity against brute force; what all scorers share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import ArtifactError, DataError
from wholefit.base.state import State
from wholefit.models import Context
from wholefit.models._kernels.recommenders import best
from wholefit.models._recommend.base import Interactions, merged
from wholefit.models._recommend.items import ease
from wholefit.models._recommend.state import joined

TASK = tasks.get("recommendation")


def data_of(explicit: bool = True, n_users: int = 25, n_items: int = 18) -> Interactions:
    rng = np.random.default_rng(5)
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.4)
    stars = rng.integers(1, 6, len(users)).astype(float)
    return merged(users, items, stars if explicit else None, n_users=n_users, n_items=n_items,
                  explicit=explicit)


def fitted(text: str, data: Interactions, seed: int = 0):
    return models.scorer(state_of(text, data, seed))


def state_of(text: str, data: Interactions, seed: int = 0) -> State:
    model, context = models.make(text), Context(len(data), data.n_items, seed=seed)
    return model.state(model.build(TASK, context).fit(data), TASK, context)


def likeness(a: np.ndarray, b: np.ndarray, how: str, shrink: float) -> float:
    """Of two rows with NaN where nothing was rated, one common cell after the other."""
    both = ~np.isnan(a) & ~np.isnan(b)
    if not both.any():
        return 0.0
    x, y = a[both], b[both]
    if how == "pearson":
        x, y = x - x.mean(), y - y.mean()
    size = np.sqrt((x**2).sum() * (y**2).sum())
    found = (x @ y / size if size > 1e-9 else 0.0) * both.sum() / (both.sum() + shrink)
    return round(found, 10)


def biases_of(table: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The ridge regression of ratings on users and items, with ridges 10 and 5."""
    users, items = np.nonzero(~np.isnan(table))
    values = table[users, items]
    design = np.zeros((len(users), sum(table.shape)))
    design[np.arange(len(users)), users] = 1
    design[np.arange(len(users)), table.shape[0] + items] = 1
    ridge = np.diag(np.r_[np.full(table.shape[0], 10.0), np.full(table.shape[1], 5.0)])
    found = np.linalg.solve(design.T @ design + ridge, design.T @ (values - values.mean()))
    return values.mean(), found[:table.shape[0]], found[table.shape[0]:]


def table_of(data: Interactions) -> np.ndarray:
    table = np.full((data.n_users, data.n_items), np.nan)
    table[data.users, data.items] = 1 if data.values is None else data.values
    return table


@pytest.mark.parametrize("how", ["cosine", "pearson", "adjusted"])
@pytest.mark.parametrize("by", ["user_knn", "item_knn"])
def test_neighbours_of_ratings_are_those_of_brute_force(how: str, by: str) -> None:
    data, k, shrink, damp = data_of(), 4, 3.0, 0.5
    table = table_of(data)
    mean, b_user, b_item = biases_of(table)
    base = mean + b_user[:, None] + b_item
    above = table - base
    rows = (above if how == "adjusted" else table) if by == "user_knn" else (
        above if how == "adjusted" else table).T
    n = len(rows)
    alike = np.array([[likeness(rows[a], rows[b], how, shrink) if a != b else 0.0
                       for b in range(n)] for a in range(n)])
    expected = base.copy()
    for user in range(data.n_users):
        for item in range(data.n_items):
            mine = alike[user] if by == "user_knn" else alike[item]
            near = [x for x in np.argsort(-mine, kind="stable")[:k] if mine[x] > 0]
            told = [(mine[x], above[x, item] if by == "user_knn" else above[user, x])
                    for x in near]
            told = [(s, t) for s, t in told if not np.isnan(t)]
            total = sum(s for s, _ in told)
            expected[user, item] += sum(s * t for s, t in told) / (total + damp)
    found = fitted(f"{by}(neighbours={k}, likeness='{how}', shrink={shrink}, damp={damp})", data)
    assert np.allclose(found.scores(np.arange(data.n_users)), expected, atol=1e-8)


def test_neighbours_of_uses_are_those_of_brute_force() -> None:
    data = data_of(explicit=False)
    met = np.nan_to_num(table_of(data))
    for by, rows in (("user_knn", met), ("item_knn", met.T)):
        lengths = np.linalg.norm(rows, axis=1)
        alike = rows @ rows.T / (lengths[:, None] * lengths + 2.0)
        np.fill_diagonal(alike, 0)
        for row in alike:
            row[np.argsort(-row, kind="stable")[5:]] = 0
        alike[alike < 0] = 0
        expected = (alike @ met / (alike.sum(1, keepdims=True) + 0.5) if by == "user_knn"
                    else met @ alike.T)
        found = fitted(f"{by}(neighbours=5, shrink=2, damp=0.5)", data)
        assert np.allclose(found.scores(np.arange(25)), expected)


@pytest.mark.parametrize("name", ["item_knn", "user_knn", "ease", "content"])
def test_reasons_add_up_to_the_score(name: str) -> None:
    explicit = name.endswith("knn")
    about = csr_matrix(np.random.default_rng(0).random((18, 5)))
    data = replace(data_of(explicit), item_features=about)
    text = name + ("(likeness='cosine', neighbours=8)" if explicit else "")
    found = fitted(text, data)
    floor = fitted("bias", data).scores(np.arange(25)) if explicit else np.zeros((25, 18))
    for user in range(25):
        unmet = int(np.setdiff1d(np.arange(18), found.seen(user))[0])
        adds = sum(add for _, add in found.why(user, unmet, 99))
        assert np.isclose(adds, found.scores(np.array([user]))[0, unmet] - floor[user, unmet],
                          atol=1e-5)


@pytest.mark.parametrize("name", ["item_knn", "ease", "bias", "content"])
def test_a_known_user_folds_in_to_the_same_scores(name: str) -> None:
    explicit = name != "ease"
    about = csr_matrix(np.random.default_rng(0).random((18, 5)))
    data = replace(data_of(explicit), item_features=about)
    found = fitted(name, data)
    for user in (0, 9):
        row = data.matrix()[[user]]
        vector = found.fold_in(row.indices, row.data)
        assert np.allclose(found.scores_from(vector)[0], found.scores(np.array([user]))[0],
                           atol=1e-6)


def test_a_matrix_of_seven_items_by_hand() -> None:
    """User-based cosine on a small matrix: the user's own row of likeness, rated cells alone."""
    table = np.array([[5, 3, 0, 1, 0, 0, 0], [4, 0, 0, 1, 0, 2, 0], [1, 1, 0, 5, 0, 0, 4],
                      [0, 3, 0, 0, 0, 0, 3], [0, 1, 5, 4, 0, 0, 0]], dtype=float)
    users, items = np.nonzero(table)
    data = merged(users, items, table[users, items], n_users=5, n_items=7, explicit=True)
    found = fitted("user_knn(likeness='cosine', neighbours=4, shrink=0, damp=0)", data)
    mean, b_user, b_item = biases_of(np.where(table > 0, table, np.nan))
    # Of user 3 [0, 3, 0, 0, 0, 0, 3] and user 2 the common items are 1 and 6.
    alike = {0: 1.0, 4: 1.0, 2: (3 * 1 + 3 * 4) / np.sqrt((9 + 9) * (1 + 16))}
    rated = {0: 5.0, 2: 1.0}
    above = {user: stars - (mean + b_user[user] + b_item[0]) for user, stars in rated.items()}
    expected = mean + b_user[3] + b_item[0] + (
        alike[0] * above[0] + alike[2] * above[2]) / (alike[0] + alike[2])
    assert np.isclose(found.predict([3], [0])[0], expected)
    # Item 4 nobody rated: no 0/0, but what is known of the user.
    assert np.isclose(found.predict([3], [4])[0], mean + b_user[3] + b_item[4])
    assert np.isfinite(found.scores(np.arange(5))).all()


def test_ease_columns_are_ridge_regressions_on_the_other_items() -> None:
    matrix = data_of(explicit=False).matrix()
    X = matrix.toarray()
    found = ease(matrix, 7.0)
    for item in range(18):
        others = np.setdiff1d(np.arange(18), [item])
        A = X[:, others]
        expected = np.linalg.solve(A.T @ A + 7.0 * np.eye(17), A.T @ X[:, item])
        assert np.allclose(found[others, item], expected, atol=1e-6) and found[item, item] == 0


def test_ease_refuses_more_items_than_memory_is_meant_for() -> None:
    with pytest.raises(DataError, match=r"at most 10 items .*got 18: use als or item_knn"):
        fitted("ease(most=10)", data_of(explicit=False))


def test_content_is_the_mean_cosine_to_what_was_met() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics.pairwise import cosine_similarity

    texts = ["red wool coat", "blue wool coat", "silver ring", "gold ring", "gold wool thread"]
    about = TfidfVectorizer().fit_transform(texts)
    data = Interactions(np.zeros(2, "i4"), np.array([0, 1], "i4"), None, None, 1, 5, about)
    found = fitted("content", data)
    expected = cosine_similarity(about)[:, :2].mean(axis=1)
    assert np.allclose(found.scores(np.array([0]))[0], expected)
    assert list(found.top(np.array([0]), 5)[0][0]) == [4, 2, 3, -1, -1]
    assert np.allclose(found.similar(2), cosine_similarity(about)[2])
    with pytest.raises(DataError, match="columns that describe them"):
        fitted("content", data_of())


def test_popularity_counts_and_forgets() -> None:
    users, items = np.array([0, 1, 2, 0, 1, 3]), np.array([0, 0, 0, 1, 1, 2])
    times = np.array([0.0, 0.0, 0.0, 10.0, 10.0, 20.0])
    data = merged(users, items, None, times, n_users=4, n_items=4, explicit=False)
    assert list(fitted("popularity", data).scores(np.array([-1]))[0] * 4) == [3, 2, 1, 0]
    decayed = fitted("popularity(half_life=5)", data).scores(np.array([-1]))[0] * 4
    assert np.allclose(decayed, [3 / 16, 2 / 4, 1, 0])
    with pytest.raises(DataError, match="name a time column"):
        fitted("popularity(half_life=5)", replace(data, times=None))


def test_repeated_pairs_become_one() -> None:
    users, items = np.array([1, 0, 1, 0]), np.array([2, 1, 2, 1])
    times = np.array([5.0, 1.0, 3.0, 9.0])
    rated = merged(users, items, np.array([4.0, 1.0, 2.0, 2.0]), times, n_users=2, n_items=3,
                   explicit=True)
    assert list(rated.values) == [1.5, 3.0] and list(rated.times) == [9.0, 5.0]
    used = merged(users, items, None, n_users=2, n_items=3, explicit=False)
    assert list(used.values) == [2, 2] and list(used.users) == [0, 1]


def test_what_cannot_be_learnt_from_is_refused() -> None:
    data = data_of()
    for bad, words in (
            (data.take(np.array([], dtype=int)), "got none"),
            (replace(data, n_items=3), "codes must lie in 0..2"),
            (replace(data, values=np.full(len(data), np.nan)), "must be finite"),
            (data.take(np.array([0, 0])), "merge repeated")):
        with pytest.raises(DataError, match=words):
            fitted("item_knn", bad)
    with pytest.raises(DataError, match="learns from ratings"):
        fitted("svd", data_of(explicit=False))
    with pytest.raises(DataError, match=r"-1\.\.24"):
        fitted("bias", data).predict([25], [0])


@pytest.mark.parametrize("text", ["svd", "svdpp", "als", "bpr", "ease", "item_knn", "user_knn",
                                  "popularity", "bias", "hybrid"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1), (2, 2)])
def test_tiny_and_constant_data_are_answered(text: str, shape: tuple[int, int]) -> None:
    users, items = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    explicit = models.make(text).learns != "events"
    data = merged(users, items, np.full(len(users), 3.0) if explicit else None,
                  n_users=shape[0], n_items=shape[1], explicit=explicit)
    found = fitted(text, data)
    assert np.isfinite(found.scores(np.arange(-1, shape[0]))).all()
    assert (found.top(np.arange(shape[0]), 3)[0] == -1).all()
    assert np.isfinite(found.similar(0)).all()
    if explicit and found.answers == "rating":
        assert np.allclose(found.predict(users, items), 3.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.0, -np.inf]), min_size=5, max_size=5),
                min_size=1, max_size=6), st.integers(1, 8))
def test_best_is_the_sorted_list(rows: list[list[float]], k: int) -> None:
    scores = np.array(rows)
    codes, values = best(scores, k)
    for row, found, told in zip(scores, codes, values, strict=True):
        order = [at for at in np.argsort(-row, kind="stable") if row[at] > -np.inf][:k]
        assert list(found) == order + [-1] * (k - len(order))
        assert list(told) == [row[at] for at in order] + [0.0] * (k - len(order))


def test_only_and_seen_narrow_the_list() -> None:
    found = fitted("ease(ridge=5)", data_of(explicit=False))
    codes, _ = found.top(np.array([0, 1]), 4, only=np.array([2, 3, 5]))
    for user in (0, 1):
        assert set(codes[user]) - {-1} == {2, 3, 5} - set(found.seen(user))


def _broken(state: State):
    """The state with each of its arrays cut, turned, poisoned or sent out of range."""
    for name, array in state.arrays.items():
        if array.size:
            yield name, array[:-1]
            yield name, array.reshape(1, *array.shape)
            yield name, array.astype("U8")
        if array.size and array.dtype.kind == "f":
            yield name, np.full_like(array, np.nan)
        if array.dtype.kind == "i" and array.size:
            yield name, array + 10**9 if array.dtype == np.int64 else array + 10**6
            yield name, -array - 1


@pytest.mark.parametrize("text", ["svd", "svdpp", "als", "ease", "item_knn", "user_knn", "bias",
                                  "popularity", "content"])
def test_an_altered_state_is_refused_in_words(text: str) -> None:
    explicit = models.make(text).learns == "ratings" or text.endswith("knn")
    data = replace(data_of(explicit), item_features=csr_matrix(np.eye(18)[:, :6] + 0.1))
    state = state_of(text, data)
    for name, array in _broken(state):
        try:
            found = models.scorer(State(state.kind, state.config, {**state.arrays, name: array}))
        except ArtifactError:
            continue
        # A shorter list of values may still hang together: then it must answer.
        assert np.isfinite(found.scores(np.arange(-1, found.n_users))).all(), name
    for key in state.config:
        for value in (None, "x", [], {}, -1e300):
            try:
                models.scorer(State(state.kind, {**state.config, key: value}, state.arrays))
            except ArtifactError:
                continue
            assert key in ("explicit", "cold_users", "plus", "likeness", "shrink", "neighbours",
                           "damp", "unit", "ridge", "half_life"), (key, value)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 5)), min_size=1),
       st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 5)), min_size=1),
       st.booleans())
def test_joining_is_what_a_dictionary_would_hold(old: list, new: list, explicit: bool) -> None:
    def of(rows: list, n: int) -> tuple[dict, Interactions]:
        table = {(u, i): float(v) for u, i, v in rows}
        users, items = (np.array(each, "i4") for each in zip(*table, strict=True))
        return table, Interactions(users, items, np.array(list(table.values())), None, n, n,
                                   explicit=explicit)

    first, second = of(old, 4), of(new, 5)
    expected = dict(first[0])
    for key, value in second[0].items():
        expected[key] = value if explicit else expected.get(key, 0.0) + value
    found = joined(first[1], second[1])
    values = np.ones(len(found)) if found.values is None else found.values
    assert dict(zip(zip(found.users.tolist(), found.items.tolist(), strict=True), values,
                    strict=True)) == expected
    assert (found.n_users, found.n_items) == (5, 5)
