"""Resamplers: what imbalanced-learn does, geometry, seeds, mixed and odd data, bounded cost."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.training import balance
from wholefit.training.balance import KINDS, Drawn, Layout, _space

WORDS = [*KINDS, "near_miss(version=2)", "near_miss(version=3)", "enn(agree='most')"]
PLAIN = Layout()


def clouds(n: int = 900, seed: int = 0, features: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Three overlapping classes, 75 %, 15 %, 10 %, columns of standard deviation 1."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=[0.75, 0.1, 0.15]).astype(np.int32)
    X = rng.normal(size=(n, features)) + 0.8 * y[:, None]
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def drawn(word: Any, X: Any, y: np.ndarray, layout: Layout = PLAIN, seed: int = 1) -> Drawn:
    return balance.make(word).draw(X, y, layout, np.random.default_rng(seed))


def labels(found: Drawn, y: np.ndarray) -> np.ndarray:
    return np.concatenate([y[found.rows], found.labels])


# ---- beside imbalanced-learn ------------------------------------------------------------


@pytest.mark.parametrize(("word", "peer"), [
    ("near_miss", "NearMiss(version=1)"), ("near_miss(version=2)", "NearMiss(version=2)"),
    ("near_miss(version=3)", "NearMiss(version=3)"), ("tomek", "TomekLinks()"),
    ("enn", "EditedNearestNeighbours()"),
    ("enn(agree='most')", "EditedNearestNeighbours(kind_sel='mode')"),
])
@pytest.mark.filterwarnings("ignore:The number of the samples")
def test_rows_kept_are_those_of_imbalanced_learn(word: str, peer: str) -> None:
    peers = pytest.importorskip("imblearn.under_sampling")
    X, y = clouds()
    name, _, rest = peer.partition("(")
    other = getattr(peers, name)(**dict(_pairs(rest)))
    other.fit_resample(X, y)
    expected = np.sort(other.sample_indices_)
    found = np.sort(drawn(word, X, y).rows)
    if "most" in word:  # of a tie between classes, the two keep different ones
        assert len(np.setxor1d(found, expected)) < 0.03 * len(y)
    else:
        assert np.array_equal(found, expected)


def _pairs(rest: str) -> list[tuple[str, Any]]:
    found = []
    for part in rest.rstrip(")").split(","):
        if part:
            key, value = part.split("=")
            found.append((key.strip(), value.strip("'") if "'" in value else int(value)))
    return found


@pytest.mark.parametrize(("word", "peer"), [
    ("over", "RandomOverSampler"), ("smote", "SMOTE"), ("borderline_smote", "BorderlineSMOTE"),
])
def test_made_counts_are_those_of_imbalanced_learn(word: str, peer: str) -> None:
    peers = pytest.importorskip("imblearn.over_sampling")
    X, y = clouds()
    _, expected = getattr(peers, peer)(random_state=0).fit_resample(X, y)
    assert np.array_equal(np.bincount(labels(drawn(word, X, y), y)), np.bincount(expected))


def test_smote_makes_rows_of_the_distribution_that_imbalanced_learn_makes() -> None:
    peers = pytest.importorskip("imblearn.over_sampling")
    from scipy.stats import ks_2samp

    X, y = clouds(n=1500)
    X[:, 0] += 2 * (y == 1) * (X[:, 1] > 0)
    made, expected = {}, {}
    for word, peer in (("smote", "SMOTE"), ("borderline_smote", "BorderlineSMOTE"),
                       ("adasyn", "ADASYN")):
        found = drawn(word, X, y)
        made[word] = found.made[found.labels == 1]
        new, code = getattr(peers, peer)(random_state=0).fit_resample(X, y)
        expected[word] = new[len(X):][code[len(X):] == 1]
    for word in made:
        p = [ks_2samp(made[word][:, at], expected[word][:, at]).pvalue for at in range(X.shape[1])]
        assert min(p) > 1e-4, (word, p)
        others = [other for other in made if other != word]
        apart = [ks_2samp(made[word][:, 0], expected[other][:, 0]).pvalue for other in others]
        assert min(apart) < 1e-4, "the test can tell methods apart"


# ---- geometry ---------------------------------------------------------------------------


def test_a_made_row_lies_between_a_row_and_one_of_its_nearest() -> None:
    X, y = clouds()
    found = drawn("smote(neighbors=4)", X, y)
    for made, (start, towards), code in zip(found.made, found.parents, found.labels, strict=True):
        assert y[start] == y[towards] == code
        rows = np.flatnonzero(y == code)
        apart = np.linalg.norm(X[rows] - X[start], axis=1)
        assert towards in rows[np.argsort(apart)[1:5]], "a neighbour, by brute force"
        line, gone = X[towards] - X[start], made - X[start]
        share = gone @ line / (line @ line)
        assert 0 <= share <= 1
        assert np.allclose(gone, share * line, atol=1e-9)


def test_borderline_starts_at_the_border_and_adasyn_where_others_are() -> None:
    X, y = clouds()
    own = {code: np.flatnonzero(y == code) for code in (1, 2)}
    foreign = np.zeros(len(y))
    for row in range(len(y)):
        near = np.argsort(np.linalg.norm(X - X[row], axis=1))[1:11]
        foreign[row] = (y[near] != y[row]).mean()
    starts = drawn("borderline_smote", X, y).parents[:, 0]
    assert ((foreign[starts] >= 0.5) & (foreign[starts] < 1)).all()
    plain = foreign[drawn("smote", X, y).parents[:, 0]].mean()
    assert foreign[drawn("adasyn", X, y).parents[:, 0]].mean() > plain + 0.03
    assert len(own[1]) < len(own[2])


def test_tomek_links_by_brute_force() -> None:
    X, y = clouds(n=300)
    apart = np.linalg.norm(X[:, None] - X[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argmin(axis=1)
    links = (nearest[nearest] == np.arange(len(y))) & (y != y[nearest])
    assert links.sum() > 10
    gone = np.setdiff1d(np.arange(len(y)), drawn("tomek", X, y).rows)
    assert np.array_equal(gone, np.flatnonzero(links & (y != 1)))


def test_the_unit_of_a_column_does_not_matter() -> None:
    X, y = clouds()
    other = X * np.array([1, 1e6, 1e-6, 1, 3])
    for word in ("smote", "near_miss", "tomek"):
        first, second = drawn(word, X, y), drawn(word, other, y)
        assert np.array_equal(first.rows, second.rows)
        assert np.array_equal(first.parents, second.parents)


# ---- seeds, ratios, dense and sparse ----------------------------------------------------


@pytest.mark.parametrize("word", WORDS)
def test_the_seed_decides(word: str) -> None:
    X, y = clouds(n=400)
    first, again, other = (drawn(word, X, y, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.rows, again.rows)
    assert first.made is None or np.array_equal(first.made, again.made)
    if word in ("over", "under"):
        assert not np.array_equal(first.rows, other.rows)
    if first.made is not None:
        assert not np.array_equal(first.made[:10], other.made[:10])


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["over", "smote", "under", "near_miss"]), st.floats(0.2, 1.0),
       st.integers(0, 10_000))
def test_the_ratio_is_kept(word: str, ratio: float, seed: int) -> None:
    X, y = clouds(n=200, seed=seed)
    counts = np.bincount(y)
    found = np.bincount(labels(drawn(f"{word}(ratio={ratio!r})", X, y), y))
    expected = balance.make(f"{word}(ratio={ratio!r})").counts(y, 3)
    assert np.array_equal(found, expected)
    if word in ("over", "smote"):
        assert found.max() == counts.max()
        assert (found >= np.minimum(counts, round(ratio * counts.max()))).all()
    else:
        assert (found <= max(round(counts.min() / ratio), counts.min())).all()


@pytest.mark.parametrize("word", WORDS)
def test_sparse_rows_are_drawn_as_dense_ones(word: str) -> None:
    X, y = clouds(n=400)
    X = X + 10  # no zeros, so that the two mean the same
    dense, sparse = drawn(word, X, y), drawn(word, csr_matrix(X), y)
    if "smote" not in word and word != "adasyn":
        assert np.array_equal(dense.rows, sparse.rows)
        return
    assert sparse.made.shape[1] == X.shape[1]
    assert np.array_equal(np.bincount(sparse.labels), np.bincount(dense.labels))
    if word == "smote":
        assert np.allclose(sparse.made.toarray(), dense.made)


# ---- categories, holes, twins -----------------------------------------------------------


def mixed(n: int = 600) -> tuple[np.ndarray, np.ndarray, Layout]:
    """A number with holes, a flag, codes with holes, and a column of three 0/1 features."""
    rng = np.random.default_rng(3)
    y = (rng.random(n) < 0.15).astype(np.int32)
    number = rng.normal(size=n) + y
    number[rng.random(n) < 0.2] = np.nan
    codes = rng.choice([0.0, 1.0, 5.0, np.nan], n, p=[0.4, 0.3, 0.2, 0.1])
    level = rng.integers(0, 4, n)  # the fourth is a level never seen: zeros throughout
    run = (level[:, None] == np.arange(3)).astype(float)
    X = np.column_stack([number, rng.integers(0, 2, n), codes, run, rng.normal(size=n)])
    return X, y, Layout(codes=(2,), runs=((3, 6),))


@pytest.mark.parametrize("word", ["smote", "borderline_smote", "adasyn", "smote_tomek"])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_no_row_is_made_with_a_value_between_categories(word: str, kind: type) -> None:
    X, y, layout = mixed()
    found = drawn(word, X.astype(kind), y, layout)
    assert found.made.dtype == kind
    assert set(np.unique(found.made[:, 1])) <= {0.0, 1.0}, "a flag stays one"
    codes = found.made[:, 2]
    assert set(codes[~np.isnan(codes)]) <= {0.0, 1.0, 5.0}
    assert set(np.unique(found.made[:, 3:6])) <= {0.0, 1.0}
    assert found.made[:, 3:6].sum(axis=1).max() <= 1
    assert 0.02 < np.isnan(found.made[:, 0]).mean() < 0.5, "holes stay about as frequent"


def test_a_made_category_is_the_most_frequent_of_the_neighbours() -> None:
    peers = pytest.importorskip("imblearn.over_sampling")
    rng = np.random.default_rng(0)
    n = 500
    y = (rng.random(n) < 0.1).astype(np.int32)
    number = rng.normal(size=(n, 3))
    code = np.where(number[:, 0] > 0, 1.0, 0.0) + (rng.random(n) < 0.3) * 2.0
    X = np.column_stack([number, code])
    found = drawn("smote", X, y, Layout(codes=(3,)))
    for start in np.unique(found.parents[:, 0])[:20]:
        rows = np.flatnonzero(y == 1)
        votes = found.made[found.parents[:, 0] == start, 3]
        assert len(set(votes)) == 1, "the vote is the row's, whichever neighbour it goes towards"
        assert votes[0] in X[rows, 3]
    new, _ = peers.SMOTENC([3], random_state=0).fit_resample(X, y)
    gap = np.abs(np.bincount(found.made[:, 3].astype(int), minlength=4) / len(found.made)
                 - np.bincount(new[n:, 3].astype(int), minlength=4) / (len(new) - n))
    assert gap.max() < 0.12


@pytest.mark.parametrize("word", WORDS)
def test_tables_that_are_hard_to_draw_from(word: str) -> None:
    rng = np.random.default_rng(0)
    tables = {
        "twins": (np.repeat(rng.normal(size=(3, 2)), 20, axis=0), np.arange(60) % 7 == 0),
        "constant": (np.ones((50, 2)), np.arange(50) < 5),
        "one row of a class": (rng.normal(size=(40, 2)), np.arange(40) == 7),
        "two rows of a class": (rng.normal(size=(40, 2)), np.arange(40) < 2),
        "all holes": (np.full((30, 2), np.nan), np.arange(30) < 6),
        "infinite": (np.where(rng.random((40, 2)) < 0.1, np.inf, 1e300), np.arange(40) < 9),
        "even": (rng.normal(size=(40, 2)), np.arange(40) < 20),
        "few": (rng.normal(size=(3, 2)), np.arange(3) < 1),
        "one column": (rng.normal(size=(40, 1)), np.arange(40) < 5),
    }
    for name, (X, rare) in tables.items():
        y = rare.astype(np.int32)
        found = drawn(word, X, y)
        assert found.rows.max() < len(y), name
        assert found.made is None or len(found.made) == len(found.labels), name


# ---- words and cost ---------------------------------------------------------------------


def test_words() -> None:
    assert balance.make("NearMiss") == balance.make("near_miss")
    assert balance.make("smote(ratio=0.5, neighbors=3)").neighbors == 3
    assert balance.written(balance.make(" smote( ratio=0.5 ) ")) == "smote(ratio=0.5)"
    with pytest.raises(UnknownNameError, match="did you mean 'smote'"):
        balance.make("smoot")
    with pytest.raises(UnknownNameError, match="ratio"):
        balance.make("smote(ration=0.5)")
    for bad in ("smote(0.5)", "smote(ratio=__import__('os'))", "smote(ratio=0.5", "", 3, "a b"):
        with pytest.raises(ParameterError):
            balance.make(bad)
    for bad in ("smote(ratio=0)", "smote(inner=1)", "near_miss(version=4)", "over(ratio=2)"):
        with pytest.raises(ParameterError):
            balance.make(bad)


def test_a_search_is_bounded_whatever_the_rows() -> None:
    for rows in (10_000, 100_000, 1_000_000, 10_000_000):
        pairs = rows * _space.pool(rows, rows, 20)
        assert pairs <= max(2e9, 1000 * rows)
    assert _space.pool(5_000, 5_000, 20) == 5_000, "small tables are searched in full"


def test_neighbours_among_a_draw_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    X, _ = clouds(n=3000)
    rows = np.arange(3000)
    exact, _ = _space.neighbours(X, rows, 5, np.random.default_rng(0), own=True)
    monkeypatch.setattr(_space, "_WORK", 3000 * 1000 * 25.0)
    found, places = _space.neighbours(X, rows, 5, np.random.default_rng(0), own=True)
    assert len(np.unique(places)) <= 1000
    assert not (places == rows[:, None]).any(), "no row is its own neighbour"
    assert np.median(found) < 2 * np.median(exact)


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS)
def test_a_million_rows(word: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1_000_000, 20)).astype(np.float32)
    y = (rng.random(1_000_000) < 0.05).astype(np.int32)
    start = time.perf_counter()
    drawn(word, X, y)
    assert time.perf_counter() - start < 180
