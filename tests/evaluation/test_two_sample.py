"""Two-sample tests agree with scipy's, with brute force, and keep their level."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from wholefit.base.errors import DataError, ParameterError
from wholefit.evaluation import two_sample as tests_

COUNTS = st.lists(st.integers(0, 60), min_size=2, max_size=8)


@pytest.mark.parametrize("n, m", [(1, 1), (1, 50), (5, 7), (30, 30), (100, 37), (200, 199)])
@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0])
def test_ks_is_exact_for_few_rows(n: int, m: int, shift: float) -> None:
    random = np.random.default_rng(n + m)
    a, b = random.normal(size=n), random.normal(shift, size=m)
    mine, theirs = tests_.ks(a, b), stats.ks_2samp(a, b, method="exact")
    assert mine.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    assert mine.p == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("n, m, shift", [(1000, 999, 0.05), (3000, 5000, 0.1), (50_000, 20_000, 0)])
def test_ks_for_many_rows(n: int, m: int, shift: float) -> None:
    random = np.random.default_rng(n)
    a, b = random.normal(size=n), random.normal(shift, size=m).round(2)
    mine, theirs = tests_.ks(a, b), stats.ks_2samp(a, b, method="asymp")
    assert mine.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    assert mine.p == pytest.approx(theirs.pvalue, rel=1e-9)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30),
       st.lists(st.integers(0, 6), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_ks_with_ties(a: list[int], b: list[int]) -> None:
    mine = tests_.ks(a, b)
    with warnings.catch_warnings(record=True) as gave_up:
        warnings.simplefilter("always")
        theirs = stats.ks_2samp(a, b, method="exact")
    assert mine.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    if not gave_up:  # scipy's exact method fails for some small samples, and says so
        assert mine.p == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)


def test_ks_exact_counts_orders() -> None:
    """All orders of 4 + 3 rows, one by one."""
    for gap in np.unique([round(abs(i / 4 - j / 3), 9) for i in range(5) for j in range(4)]):
        hits = []
        for places in itertools.combinations(range(7), 4):
            ups = np.isin(np.arange(7), places)
            walk = np.abs(np.cumsum(ups) / 4 - np.cumsum(~ups) / 3)
            hits.append(walk.max() >= gap - 1e-9)
        assert tests_._ks_exact(gap, 4, 3) == pytest.approx(np.mean(hits))


def test_ks_refuses_what_has_no_order() -> None:
    for bad in ([], [1.0, np.nan], [np.inf, 1.0]):
        with pytest.raises(DataError):
            tests_.ks(bad, [1.0, 2.0])


@given(COUNTS, st.data())
@settings(max_examples=200, deadline=None)
def test_chi2_is_pearsons_where_counts_allow_it(a: list[int], data: st.DataObject) -> None:
    b = data.draw(st.lists(st.integers(0, 60), min_size=len(a), max_size=len(a)))
    first, second = np.array(a) + 12, np.array(b) + 12
    theirs = stats.chi2_contingency([first, second], correction=False)
    if theirs.expected_freq.min() < 5:
        return
    mine = tests_.chi2(first, second)
    assert mine.statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert mine.p == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-300)


@given(st.lists(st.integers(0, 12), min_size=4, max_size=4))
@settings(max_examples=200, deadline=None)
def test_fisher_agrees_with_scipy(cells: list[int]) -> None:
    table = np.array(cells).reshape(2, 2)
    if not table.sum(axis=1).all():
        return
    assert tests_.fisher(*table) == pytest.approx(stats.fisher_exact(table).pvalue, abs=1e-9)


def test_small_counts_are_put_together_or_tested_exactly() -> None:
    mine = tests_.chi2([3, 1], [0, 5])
    assert "Fisher" in mine.how
    assert mine.p == pytest.approx(stats.fisher_exact([[3, 1], [0, 5]]).pvalue)
    many = tests_.chi2([500, 400, 1, 1, 2, 3, 4, 1], [480, 410, 2, 0, 1, 5, 3, 2])
    assert "3 categories" in many.how
    theirs = stats.chi2_contingency([[500, 400, 12], [480, 410, 13]], correction=False)
    assert many.p == pytest.approx(theirs.pvalue)
    assert tests_.chi2([5, 0], [7, 0]).p == 1.0


def test_chi2_keeps_its_level_with_many_rare_categories() -> None:
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.full(40, 0.3))
    p = [tests_.chi2(random.multinomial(80, shares), random.multinomial(120, shares)).p
         for _ in range(1500)]
    assert np.mean(np.array(p) < 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1500)


@given(COUNTS, st.data())
@settings(max_examples=100, deadline=None)
def test_distances_agree_and_keep_their_bounds(a: list[int], data: st.DataObject) -> None:
    b = data.draw(st.lists(st.integers(0, 60), min_size=len(a), max_size=len(a)))
    if not (sum(a) and sum(b)):
        return
    p, q = np.array(a) / sum(a), np.array(b) / sum(b)
    wanted = float(np.nan_to_num(jensenshannon(p, q, base=2))) ** 2
    assert tests_.jensen_shannon(a, b) == pytest.approx(wanted, abs=1e-9)
    assert tests_.l_infinity(a, b) == pytest.approx(float(np.abs(p - q).max()))
    assert 0 <= tests_.l_infinity(a, b) <= tests_.total_variation(a, b) + 1e-12 <= 1 + 1e-9
    assert tests_.psi(a, b) >= -1e-9
    assert tests_.psi(a, a) == 0 == tests_.jensen_shannon(a, a)


def test_psi_by_hand() -> None:
    assert tests_.psi([50, 50], [25, 75]) == pytest.approx(
        (0.25 - 0.5) * np.log(0.5) + (0.75 - 0.5) * np.log(1.5))


def test_energy_agrees_with_brute_force() -> None:
    random = np.random.default_rng(3)
    a, b = random.normal(size=(12, 3)), random.normal(0.7, size=(15, 3))

    def mean(x, y):
        return np.mean([np.linalg.norm(p - q) for p, q in itertools.product(x, y)])

    across, found = mean(a, b), tests_.energy(a, b, draws=99)
    assert found.statistic == pytest.approx((2 * across - mean(a, a) - mean(b, b)) / (2 * across))
    assert 0.01 <= found.p <= 1
    line = tests_.energy(a[:, :1], b[:, :1], draws=9).statistic
    theirs = stats.energy_distance(a[:, 0], b[:, 0]) ** 2
    assert line == pytest.approx(theirs / (2 * mean(a[:, :1], b[:, :1])))


def test_energy_keeps_its_level_and_finds_a_shift() -> None:
    random = np.random.default_rng(4)
    null = [tests_.energy(*random.normal(size=(2, 40, 4)), draws=99, seed=k).p for k in range(200)]
    assert np.mean(np.array(null) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    far = tests_.energy(random.normal(size=(60, 4)), random.normal(1.0, size=(60, 4)), draws=99)
    assert far.p == 0.01


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_corrections(p: list[float]) -> None:
    given_, k = np.array(p), len(p)
    holm = tests_.adjusted(p, "holm")
    assert np.all(holm >= given_ - 1e-12)
    assert np.all(holm <= tests_.adjusted(p, "bonferroni") + 1e-12)
    assert tests_.adjusted(p, "bh") == pytest.approx(stats.false_discovery_control(p))
    order = np.argsort(given_, kind="stable")
    by_hand = np.minimum(np.maximum.accumulate(given_[order] * (k - np.arange(k))), 1)
    assert holm[order] == pytest.approx(by_hand)
    assert tests_.adjusted(p, "none") == pytest.approx(given_)


def test_corrections_leave_out_what_is_not_known() -> None:
    found = tests_.adjusted([0.01, np.nan, 0.04], "holm")
    assert found[0] == 0.02 and np.isnan(found[1]) and found[2] == 0.04
    with pytest.raises(ParameterError, match="'holm'"):
        tests_.adjusted([0.1], "sidak")
