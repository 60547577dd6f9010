"""As good as, several at once, and ranks over tables."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from wholefit.base.errors import DataError, ParameterError
from wholefit.evaluation.equivalence import equivalence
from wholefit.evaluation.ranks import friedman
from wholefit.evaluation.several import several


def numbers(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = random.normal(size=n)
    return y, y + random.normal(size=n), y + random.normal(size=n)


def test_two_one_sided_tests_are_those_of_paired_means() -> None:
    y, a, b = numbers(300, 0)
    found = equivalence("regression", "mae", y, a, b, 0.2)
    gaps = np.abs(a - y) - np.abs(b - y)
    worse = stats.ttest_1samp(gaps, -0.2, alternative="greater").pvalue
    better = stats.ttest_1samp(gaps, 0.2, alternative="less").pvalue
    assert found.value == pytest.approx(gaps.mean())
    assert found.p == pytest.approx(max(worse, better), rel=0.05)
    assert found.no_worse == pytest.approx(better, rel=0.05), "mae: smaller is better"
    assert found.equal == (found.p < 0.05) == (found.low > -0.2 and found.high < 0.2)


def test_equality_is_not_claimed_at_the_margin() -> None:
    """The truth lies on the margin: equal is said one time in twenty, at most."""
    said = 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        y = random.normal(size=200)
        error = random.normal(size=200)
        a, b = y + error + 0.0, y + error
        a = y + np.abs(error) + 0.1
        b = y + np.abs(error + random.normal(size=200) * 1e-9)
        said += equivalence("regression", "mae", y, a + random.normal(size=200) * 0.05,
                            b, 0.1).equal
    assert said <= 34


def test_few_rows_show_nothing_and_it_says_how_many_would() -> None:
    y, a, b = numbers(60, 1)
    found = equivalence("regression", "mae", y, a, b, 0.15)
    assert not found.equal
    few = equivalence("regression", "mae", y, a, a + 1e-3, 0.15)
    assert few.equal and "equal within" in few.said
    y, a, b = numbers(20_000, 1)
    assert equivalence("regression", "mae", y, a, b, 0.05).equal
    with pytest.raises(ParameterError, match="margin"):
        equivalence("regression", "mae", y, a, b, 0)


def test_several_are_corrected_and_agree_with_pairs() -> None:
    y, a, b = numbers(800, 2)
    answers = {"a": a, "b": b, "far": y + 3}
    found = several("regression", "mae", y, answers, margin=0.2,
                    folds=np.arange(800) % 5)
    assert len(found.pairs) == 3 and set(found.best) == {"a", "b"}
    pair = next(each for each in found.pairs if (each.a, each.b) == ("a", "b"))
    assert pair.p >= pair.difference.p and pair.better == "tied"
    assert pair.folds is not None and pair.folds.p > 0.05 and pair.mcnemar is None
    assert "Any of these may be the best: a, b" in found.to_text()
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["margin"] == 0.2
    truth = (y > 0).astype(int)
    chances = np.column_stack([1 - (y > 0.3), y > 0.3]).astype(float) * 0.8 + 0.1
    two = several("classification", "log_loss", truth, {"x": chances, "z": chances[::-1]})
    assert two.pairs[0].mcnemar is not None and two.pairs[0].better == "a"
    with pytest.raises(DataError):
        several("regression", "mae", y, {"a": a})


def test_friedman_is_that_of_scipy_and_groups_are_runs() -> None:
    random = np.random.default_rng(3)
    table = random.normal(size=(12, 4)) + np.array([0, 0, 0, 3])
    scores = {name: table[:, at].tolist() for at, name in enumerate("abcd")}
    found = friedman(scores)
    chi = stats.friedmanchisquare(*table.T).statistic
    known = stats.f.sf(11 * chi / (12 * 3 - chi), 3, 33)
    assert found.p == pytest.approx(known)
    assert found.ranks["d"] == min(found.ranks.values()) and found.groups[0] == ("d",)
    assert found.apart == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 12)), rel=1e-3)  # Demsar
    assert friedman({"a": [1, 2], "b": [1, 2]}).p == 1.0
    with pytest.raises(DataError):
        friedman({"a": [1.0, np.nan], "b": [1.0, 2.0]})
    with pytest.raises(DataError):
        friedman({"a": [1.0]})
