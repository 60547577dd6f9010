"""Association and distance against scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mutual_info_score

from wholefit.data._association import average_ranks, crossed, information, ks_distance

CODES = st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 3)), min_size=2, max_size=60)


@given(CODES)
@settings(max_examples=100, deadline=None)
def test_chi_squared_is_that_of_scipy(pairs: list) -> None:
    a, b = np.array(pairs).T
    both = (a >= 0) & (b >= 0)
    table = pd.crosstab(a[both], b[both]).to_numpy()
    found = crossed(a, b)
    if min(table.shape) < 2:
        assert found is None
        return
    assert found is not None
    truth = stats.chi2_contingency(table, correction=False)
    assert found.square * found.rows == pytest.approx(truth.statistic, abs=1e-9)
    assert found.chance == pytest.approx(truth.pvalue, abs=1e-9)
    assert (found.rows, found.across, found.down) == (both.sum(), *table.shape)
    assert found.cramers_v is None or 0 <= found.cramers_v <= 1


def test_many_levels_are_counted_without_a_table_of_all() -> None:
    a = np.arange(200_000)
    found = crossed(a, a[::-1].copy())
    assert found is not None and found.square == pytest.approx(199_999)


@given(CODES)
@settings(max_examples=60, deadline=None)
def test_information_is_that_of_scikit_learn(pairs: list) -> None:
    a, b = np.array(pairs).T + 1
    nats, freedom = information(np.histogram2d(a, b, bins=[range(7), range(6)])[0])
    assert nats == pytest.approx(mutual_info_score(a, b), abs=1e-9)
    assert freedom == (len(set(a.tolist())) - 1) * (len(set(b.tolist())) - 1)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=40),
       st.lists(st.integers(-4, 4), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_ranks_and_gaps_are_those_of_scipy(one: list, other: list) -> None:
    a, b = np.sort(np.array(one, float)), np.sort(np.array(other, float))
    assert np.array_equal(average_ranks(np.array(one)), stats.rankdata(one))
    assert ks_distance(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic)
