"""Measures, intervals and tests of rules, each against a second way to the same number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wholefit.base.errors import ParameterError
from wholefit.evaluation import association as measured

BREAD = (1000, 200, 150, 60)  # baskets, with bread, with butter, with both


def strata(sizes: np.ndarray, shares: np.ndarray) -> measured.Strata:
    """Strata of (baskets, mean size, shares of each item)."""
    return measured.Strata(sizes[:, 0].astype(float), sizes[:, 1].astype(float),
                           (shares**2).sum(axis=1))


def test_measures_by_hand() -> None:
    got = measured.measures(*BREAD)
    assert got.support == pytest.approx(0.06)
    assert got.confidence == pytest.approx(0.3)
    assert got.lift == pytest.approx(2.0)
    assert got.leverage == pytest.approx(0.03)
    assert got.conviction == pytest.approx(0.85 / 0.7)
    assert got.jaccard == pytest.approx(60 / 290)
    assert got.cosine == pytest.approx(60 / np.sqrt(200 * 150))
    assert got.kulczynski == pytest.approx((0.3 + 0.4) / 2)
    assert got.zhang == pytest.approx(0.03 / max(0.06 * 0.8, 0.2 * 0.09))
    assert got.certainty == pytest.approx(0.15 / 0.85)
    assert set(got.columns()) >= {"support", "confidence", "lift", "leverage", "conviction"}


def test_ends_of_the_measures() -> None:
    never, always = measured.measures(100, 20, 30, 0), measured.measures(100, 20, 20, 20)
    assert never.lift == 0 and never.zhang == pytest.approx(-1) and never.leverage < 0
    assert always.conviction == np.inf and always.confidence == 1
    assert always.zhang == pytest.approx(1)
    everywhere = measured.measures(100, 100, 100, 100)
    assert everywhere.lift == 1 and everywhere.zhang == 0 and everywhere.certainty == 0


@given(st.integers(1, 500), st.data())
def test_wilson_equals_scipy(of: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, of))
    low, high = measured.wilson(count, of)
    known = stats.binomtest(count, of).proportion_ci(method="wilson")
    assert low == pytest.approx(known.low, abs=1e-12)
    assert high == pytest.approx(known.high, abs=1e-12)


def test_the_lift_interval_agrees_with_the_bootstrap() -> None:
    n, nx, ny, nxy = BREAD
    x, y = np.zeros(n, bool), np.zeros(n, bool)
    x[:nx], y[nx - nxy:nx - nxy + ny] = True, True
    low, high = measured.lift_interval(*BREAD)
    drawn = measured.bootstrap_lift(x, y, 4000)
    assert low == pytest.approx(drawn[0], rel=0.05) and high == pytest.approx(drawn[1], rel=0.05)


def test_the_lift_interval_covers_what_it_says() -> None:
    random = np.random.default_rng(0)
    chances = np.array([0.04, 0.06, 0.08, 0.82])  # both, x alone, y alone, neither: lift 3.33
    counts = random.multinomial(2000, chances, size=2000)
    nxy, nx, ny = counts[:, 0], counts[:, :2].sum(axis=1), counts[:, [0, 2]].sum(axis=1)
    low, high = measured.lift_interval(2000, nx, ny, nxy)
    truth = 0.04 / (0.1 * 0.12)
    assert 0.935 <= ((low <= truth) & (truth <= high)).mean() <= 0.965


def test_fisher_and_chi_squared_equal_scipy() -> None:
    n, nx, ny, nxy = 60, 20, 25, 13
    table = [[nxy, nx - nxy], [ny - nxy, n - nx - ny + nxy]]
    assert measured.fisher(n, nx, ny, nxy) == pytest.approx(
        stats.fisher_exact(table, "greater")[1])
    value, p = measured.chi_squared(n, nx, ny, nxy)
    known = stats.chi2_contingency(table, correction=False)
    assert value == pytest.approx(known.statistic) and p == pytest.approx(known.pvalue)
    assert measured.chi_squared(10, 10, 5, 5)[1] == 1


@pytest.mark.parametrize(("n", "nx", "ny"), [(2000, 300, 200), (500, 450, 460), (4000, 30, 40),
                                             (300, 150, 150)])
def test_in_one_stratum_the_tail_is_the_hypergeometric(n: int, nx: int, ny: int) -> None:
    mean, most = nx * ny / n, min(nx, ny)
    variance = mean * (1 - ny / n) * (n - nx) / (n - 1)
    counts = np.arange(int(mean) + 1, most + 1)
    exact = stats.hypergeom.sf(counts - 1, n, nx, ny)
    got = measured.tail(counts, mean, variance, float(most))
    told = exact > 1e-12
    off = np.log10(got[told] / exact[told])
    assert (off > -0.05).all(), "never much smaller than the exact one"
    assert (off < 0.05 + 0.2 * -np.log10(exact[told])).all(), "nor much larger"


def test_the_tail_of_certain_and_impossible_counts() -> None:
    assert measured.tail(0, 3.0, 2.0, 10.0) == 1
    assert measured.tail(5, 0.0, 0.0, 5.0) < 1e-6 and measured.tail(3, 3.0, 0.0, 3.0) == 1
    assert measured.tail(2, 3.0, 2.0, 10.0) >= 0.5


def test_the_expected_count_is_that_of_swapped_baskets() -> None:
    """Baskets shuffled with sizes and popularity kept are the null; the formula is its mean."""
    random = np.random.default_rng(1)
    n, m = 400, 30
    popularity = np.arange(1, m + 1) ** -0.7
    X = np.zeros((n, m), bool)
    for row in range(n):
        size = random.integers(1, 12)
        X[row, random.choice(m, size, replace=False, p=popularity / popularity.sum())] = True
    found = np.zeros((m, m))
    draws = 80
    for _ in range(draws):
        X = swapped(X, random, 6000)
        found += X.T.astype(int) @ X
    found /= draws
    sizes = X.sum(axis=1)
    groups = [np.flatnonzero(sizes == size) for size in np.unique(sizes)]
    shares = averaged(X, groups, random)  # those that the null itself has, not those of one draw
    told = strata(np.array([[len(rows), sizes[rows[0]]] for rows in groups]), shares)
    a, b = np.triu_indices(12, 1)
    counts = shares * told.baskets[:, None]
    expected, _, _ = measured.stratified(
        told, np.broadcast_to(told.baskets, (len(a), len(groups))), counts[:, a].T,
        counts[:, b].T, found[a, b])
    ratio = (expected / found[a, b])[found[a, b] >= 8]
    assert len(ratio) > 20 and abs(ratio.mean() - 1) < 0.015
    assert np.quantile(np.abs(ratio - 1), 0.9) < 0.1, "the draws' own scatter, and no more"
    naive = counts[:, a].sum(axis=0) * counts[:, b].sum(axis=0) / n
    assert (found[a, b] / naive).mean() > 1.1, "plain independence is beaten by sizes alone"


def averaged(X: np.ndarray, groups: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    total = np.zeros((len(groups), X.shape[1]))
    for _ in range(60):
        X = swapped(X, random, 6000)
        total += np.array([X[rows].mean(axis=0) for rows in groups])
    return total / 60


def swapped(X: np.ndarray, random: np.random.Generator, times: int) -> np.ndarray:
    """Swap randomisation (Gionis et al. 2007): both margins stay, everything else goes."""
    X = X.copy()
    rows = random.integers(len(X), size=(times, 2))
    columns = random.integers(X.shape[1], size=(times, 2))
    for (r, s), (a, b) in zip(rows.tolist(), columns.tolist(), strict=True):
        if X[r, a] and X[s, b] and not X[r, b] and not X[s, a]:
            X[r, a] = X[s, b] = False
            X[r, b] = X[s, a] = True
    return X


def test_an_item_takes_a_place_in_its_basket() -> None:
    """In baskets of two of ten equal items a pair is in one of 45, not in 0.2 * 0.2."""
    told = strata(np.array([[900.0, 2.0]]), np.full((1, 10), 0.2))
    count = np.array([[180.0]])
    expected, _, _ = measured.stratified(told, np.array([[900.0]]), count, count, np.array([20]))
    assert expected[0] == pytest.approx(20, rel=0.001)
    alone = strata(np.array([[900.0, 1.0]]), np.full((1, 10), 0.1))
    expected, _, p = measured.stratified(alone, np.array([[900.0]]), count / 2, count / 2,
                                         np.array([0]))
    assert expected[0] == 0 and p[0] == 1


@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=40), st.integers(0, 200))
@settings(max_examples=100)
def test_corrections_equal_their_definitions(values: list[float], more: int) -> None:
    p = np.array(values)
    tests = len(p) + more
    order = np.argsort(p, kind="stable")
    holm, bh = np.empty(len(p)), np.empty(len(p))
    for rank, at in enumerate(order):
        holm[at] = min(1, max(p[order[k]] * (tests - k) for k in range(rank + 1)))
        bh[at] = min(1, min(p[order[k]] * tests / (k + 1) for k in range(rank, len(p))))
    assert measured.holm(p, tests) == pytest.approx(holm)
    assert measured.benjamini_hochberg(p, tests) == pytest.approx(bh)
    assert (measured.holm(p, tests) >= p).all()


def test_too_few_tests_are_refused() -> None:
    with pytest.raises(ParameterError, match="tests must be >= the 2 p-values; got 1"):
        measured.holm(np.array([0.1, 0.2]), 1)
    with pytest.raises(ParameterError, match="level"):
        measured.wilson(1, 2, 1.5)
