"""Residuals: structure found where there is some, and only there."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from wholefit.base.errors import DataError
from wholefit.evaluation.residuals import _welch, residuals


def test_a_column_that_was_not_used_is_found_and_others_are_not() -> None:
    false = found = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        n = 600
        columns = {f"x{at}": pl.Series(random.normal(size=n)) for at in range(5)}
        columns["kind"] = pl.Series(random.choice(list("abc"), n))
        answer = random.normal(size=n)
        truth = answer + random.normal(size=n) + 0.4 * columns["x1"].to_numpy() ** 2
        told = residuals(truth, answer, columns)
        names = [each.column for each in told.left]
        found += "x1" in names
        false += bool(set(names) - {"x1"})
    assert found == 40 and false <= 5


def test_the_test_is_that_of_welch() -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 2, 200)
    values = random.normal(size=200) * (1 + 3 * codes) + 0.7 * codes
    known = stats.ttest_ind(values[codes == 0], values[codes == 1], equal_var=False)
    assert _welch(values, codes)[0] == pytest.approx(known.pvalue)


def test_spread_bias_and_tails() -> None:
    random = np.random.default_rng(1)
    answer = random.uniform(1, 10, 4_000)
    told = residuals(answer + 0.5 + random.normal(size=4_000) * answer, answer)
    assert told.bias_low < 0.5 < told.bias_high and told.spread_p < 1e-6 < told.spread_ratio
    assert "wide at some sizes" in told.to_text() and sum(told.worst_share) == pytest.approx(1)
    plain = residuals(answer + random.normal(size=4_000), answer)
    assert plain.spread_p > 0.001 and plain.far < 0.006
    assert all(abs(x - y) < 0.25 for x, y in plain.quantiles)
    heavy = residuals(answer + random.standard_t(2, size=4_000), answer)
    assert heavy.far > 0.008 or heavy.worst_share[0] > 0.5


def test_hostile_rows() -> None:
    assert residuals([1.0], [1.0]).to_text() and residuals([1.0, 2.0], [1.0, 1.0]).rows == 2
    assert residuals(np.ones(50), np.ones(50), {"x": pl.Series([None] * 50)}).tested == 0
    told = residuals(np.arange(90.0), np.zeros(90), {
        "": pl.Series(["a", None, "b"] * 30), "list": pl.Series([[1]] * 90),
        "id": pl.Series([f"r{at}" for at in range(90)]),
        "inf": pl.Series([np.inf, 1.0, 2.0] * 30)})
    assert told.tested >= 1 and told.to_text()
    with pytest.raises(DataError):
        residuals([1.0, np.nan], [1.0, 1.0])
