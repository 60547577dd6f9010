"""Associations agree with scipy and scikit-learn, row by row where cells are missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from sklearn.metrics import mutual_info_score

from wholefit.data import profile
from wholefit.data.profile import _informs, _pairs, _rows

N = 800


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    a = rng.normal(size=N)
    b = a + rng.normal(size=N)
    c = np.exp(a) * np.where(rng.random(N) < 0.5, 1, 1.2)
    ties = rng.integers(0, 6, N) - (a > 0)
    for column, share in ((b, 0.2), (c, 0.1)):
        column[rng.random(N) < share] = np.nan
    level = np.array(list("wxyz"))[np.digitize(a, [-1, 0, 1])]
    other = np.where(rng.random(N) < 0.7, level, "w")
    return pl.DataFrame({"a": a, "b": b, "c": c, "ties": ties, "level": level, "other": other,
                         "noise": np.char.add("n", rng.integers(0, 300, N).astype(str))})


def test_pearson_and_spearman_agree_with_pandas(frame: pl.DataFrame) -> None:
    found = profile(frame).pairs
    numbers = frame.select("a", "b", "c", "ties").to_pandas()
    straight, ranked = numbers.corr(), numbers.corr(method="spearman")
    assert len([pair for pair in found.found if pair.kind == "numeric"]) == 6
    for one in numbers:
        for other in numbers:
            if one < other:
                pair = found.between(one, other)
                assert pair is not None and pair == found.between(other, one)
                assert pair.pearson == pytest.approx(straight.loc[one, other], abs=1e-9)
                assert pair.spearman == pytest.approx(ranked.loc[one, other], abs=1e-9)
                assert pair.rows == numbers[[one, other]].dropna().shape[0]
                assert pair.strength == max(abs(pair.pearson), abs(pair.spearman))


def test_cramers_v_is_bergsmas(frame: pl.DataFrame) -> None:
    pair = profile(frame).pairs.between("level", "other")
    table = pd.crosstab(frame["level"].to_numpy(), frame["other"].to_numpy()).to_numpy()
    square = stats.chi2_contingency(table, correction=False).statistic / N
    r, k = table.shape
    square = max(0, square - (k - 1) * (r - 1) / (N - 1))
    least = min(k - (k - 1) ** 2 / (N - 1), r - (r - 1) ** 2 / (N - 1)) - 1
    assert pair is not None and pair.strength == pytest.approx((square / least) ** 0.5)


def test_the_correlation_ratio_is_kelleys(frame: pl.DataFrame) -> None:
    pair = profile(frame).pairs.between("level", "b")
    kept = frame.filter(pl.col("b").is_not_nan())
    groups = [part["b"].to_numpy() for _, part in kept.group_by("level")]
    f = stats.f_oneway(*groups).statistic
    n, k = len(kept), len(groups)
    truth = 1 - (n - 1) / (n - k + f * (k - 1))  # epsilon squared, from F
    assert pair is not None and pair.strength == pytest.approx(truth**0.5, abs=1e-9)
    assert pair.rows == n


def test_chance_alone_looks_like_nothing(frame: pl.DataFrame) -> None:
    """Uncorrected, 300 levels over 800 rows would seem to be strongly related to anything."""
    found = profile(frame).pairs
    for name in ("a", "b", "level", "other"):
        pair = found.between("noise", name)
        assert pair is not None and pair.strength < 0.25


def test_copies_are_one_and_reversed_numbers_minus_one() -> None:
    rng = np.random.default_rng(0)
    x, level = rng.normal(size=300), np.array(list("abc"))[rng.integers(0, 3, 300)]
    found = profile(pl.DataFrame({"x": x, "minus": -x, "cube": x**3, "k": level,
                                  "again": np.char.add(level, "!")})).pairs
    assert found.between("x", "minus").signed == pytest.approx(-1)
    assert found.between("x", "cube").spearman == pytest.approx(1)
    assert found.between("x", "cube").measure == "Spearman"
    assert found.between("k", "again").strength == pytest.approx(1, abs=1e-6)


def test_mutual_information_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    x, noise = rng.integers(0, 5, 4000), rng.integers(0, 8, 4000)
    y = (x + (rng.random(4000) < 0.3)) % 5
    found = _informs.mutual_information(x, y)
    assert found == pytest.approx(mutual_info_score(x, y) - 16 / 8000, abs=1e-12)
    assert _informs.mutual_information(noise, y) < 0.003
    told = profile(pl.DataFrame({"x": x, "noise": noise, "y": np.char.add("c", y.astype(str))}),
                   "y").informs
    assert [each.column for each in told] == ["x", "noise"]
    assert told[0].nats == pytest.approx(found, abs=1e-9) and 0.5 < told[0].share < 1


def test_a_relation_of_any_form_tells_of_the_target() -> None:
    """A parabola has no correlation, and yet says all about the target."""
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, 3000)
    found = profile(pl.DataFrame({"x": x, "noise": rng.normal(size=3000), "y": x**2}), "y")
    pair, told = found.pairs.between("x", "y"), {t.column: t.share for t in found.informs}
    assert pair is not None and pair.strength < 0.1
    assert told["x"] > 0.6 and told["noise"] < 0.01


def test_bins_hold_about_equally_many_rows() -> None:
    values = np.append(np.random.default_rng(0).normal(size=5000), np.full(100, np.nan))
    codes = _rows.binned(values, 20)
    counts = np.bincount(codes[codes >= 0])
    assert (codes[-100:] == -1).all() and counts.min() > 0.8 * counts.max()
    assert _rows.folded(np.array([0, 0, 0, 1, 1, 2, 3, -1]), 3).tolist() == [
        0, 0, 0, 1, 1, 2, 2, -1]


@pytest.mark.parametrize("target", [None, "y"])
def test_a_thousand_columns_are_compared_in_part_and_it_says_which(target: str | None) -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(300, 400))
    table[:, 399] = table[:, 398] + 0.1 * rng.normal(size=300)
    columns = {f"v{at}": table[:, at] for at in range(400)}
    columns["y"] = np.where(table[:, 7] > 0, "p", "q")
    found = profile(pl.DataFrame(columns), target)
    assert len(found.pairs.columns) == _pairs.MOST_COLUMNS
    assert "60 of 401 columns" in found.pairs.why and found.pairs.why in found.to_text()
    if target:
        assert {"v7", "y"} <= set(found.pairs.columns) and "tell most" in found.pairs.why
    else:
        assert {"v398", "v399"} <= set(found.pairs.columns)
    assert len(found.columns) == 401
