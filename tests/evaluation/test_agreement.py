"""Agreement: published examples, plain second implementations, the interval leaves items out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wholefit.base.errors import DataError, ParameterError
from wholefit.evaluation import agreement as of
from wholefit.evaluation.agreement import agreement, cohen_kappa, fleiss_kappa, krippendorff_alpha

# Krippendorff's own example (2011): four observers, twelve units, values 1 to 5.
OBSERVERS = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, -1, -1, -1],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, -1, 3],
    [-1, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, -1],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, -1],
]).T
# Fleiss (1971) as tabled in the literature: ten subjects, fourteen raters, five categories.
FLEISS = np.array([
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
])
RATINGS = hnp.arrays(np.int64, st.tuples(st.integers(2, 15), st.integers(2, 4)),
                     elements=st.integers(-1, 3))


def spread(counts: np.ndarray) -> np.ndarray:
    """Counts of each class as one column a rater."""
    return np.stack([np.repeat(np.arange(len(row)), row) for row in counts])


def brute_alpha(units: list[list[float]], distance) -> float:
    """Alpha from its definition: over all ordered pairs of answers, within units and overall."""
    units = [unit for unit in units if len(unit) > 1]
    answers = [value for unit in units for value in unit]
    n = len(answers)
    seen = sum(distance(a, b) / (len(unit) - 1) for unit in units
               for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j)
    chance = sum(distance(a, b) for i, a in enumerate(answers)
                 for j, b in enumerate(answers) if i != j)
    return 1 - (seen / n) / (chance / (n * (n - 1))) if chance else np.nan


def units_of(codes: np.ndarray) -> list[list[float]]:
    return [[float(c) for c in row if c >= 0] for row in codes]


def ordinal(units: list[list[float]]):
    answers = np.array([value for unit in units if len(unit) > 1 for value in unit])

    def distance(a: float, b: float) -> float:
        low, high = min(a, b), max(a, b)
        between = sum((answers == g).sum() for g in np.unique(answers) if low <= g <= high)
        return float(between - ((answers == low).sum() + (answers == high).sum()) / 2) ** 2

    return distance


@pytest.mark.parametrize("scale, value", [("nominal", 0.743), ("ordinal", 0.815),
                                          ("interval", 0.849)])
def test_krippendorffs_published_example(scale, value):
    ratings = OBSERVERS if scale != "interval" else np.where(OBSERVERS < 0, np.nan, OBSERVERS)
    assert krippendorff_alpha(ratings, scale=scale).value == pytest.approx(value, abs=5e-4)


def test_fleiss_published_example():
    assert fleiss_kappa(spread(FLEISS)).value == pytest.approx(0.210, abs=5e-4)


@settings(deadline=None, max_examples=60)
@given(RATINGS)
def test_alpha_is_its_definition(codes):
    units = units_of(codes)
    distances = {"nominal": lambda a, b: float(a != b), "ordinal": ordinal(units),
                 "interval": lambda a, b: (a - b) ** 2}
    for scale, distance in distances.items():
        ratings = codes if scale != "interval" else np.where(codes < 0, np.nan, codes)
        found = krippendorff_alpha(ratings, scale=scale)
        expected = brute_alpha(units, distance) if any(len(u) > 1 for u in units) else np.nan
        assert found.value == pytest.approx(expected, nan_ok=True)
        assert np.isnan(found.value) or -1 <= found.low <= found.value + 1e-12 <= found.high + 2e-12


@settings(deadline=None, max_examples=60)
@given(RATINGS)
def test_kappas_agree_with_second_implementations(codes):
    from sklearn.metrics import cohen_kappa_score

    a, b = codes[:, 0], codes[:, 1]
    both = (a >= 0) & (b >= 0)
    for weights in (None, "linear", "quadratic"):
        mine = cohen_kappa(a, b, weights=weights, classes=4)
        if np.isnan(mine.value):
            continue
        theirs = cohen_kappa_score(a[both], b[both], weights=weights, labels=range(4))
        assert mine.value == pytest.approx(theirs)
    whole = codes[(codes >= 0).all(axis=1)]
    if len(whole) and len(np.unique(whole)) > 1:
        counts = np.stack([(whole == c).sum(axis=1) for c in range(4)], axis=1)
        raters = whole.shape[1]
        each = (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))
        chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
        assert fleiss_kappa(whole, classes=4).value == pytest.approx(
            (each.mean() - chance) / (1 - chance))


@pytest.mark.parametrize("name", ["cohen", "linear", "fleiss", "nominal", "ordinal", "interval"])
def test_the_interval_is_made_by_leaving_each_item_out(name, monkeypatch):
    rng = np.random.default_rng(3)
    codes = rng.integers(-1, 4, (25, 3))
    codes[:12] = np.maximum(codes[:12, :1], 0)

    def value(rows):
        if name in ("cohen", "linear"):
            return cohen_kappa(rows[:, 0], rows[:, 1], classes=4,
                               weights=None if name == "cohen" else name)
        if name == "fleiss":
            return fleiss_kappa(rows, classes=4)
        given = rows if name != "interval" else np.where(rows < 0, np.nan, rows)
        return krippendorff_alpha(given, scale=name)

    seen = []
    kept = of._scored
    monkeypatch.setattr(of, "_scored", lambda *words: seen.append(words[2]) or kept(*words))
    value(codes)
    answered = ((codes[:, :2] >= 0).all(axis=1) if name in ("cohen", "linear")
                else (codes >= 0).sum(axis=1) > 1)
    left_out = [value(np.delete(codes, at, axis=0)).value for at in np.flatnonzero(answered)]
    assert seen[0] == pytest.approx(np.array(left_out))


def test_intervals_cover():
    rng = np.random.default_rng(0)

    def world(n):
        true = rng.random(n) < 0.25
        return np.where(rng.random((n, 2)) < 0.8, true[:, None], rng.random((n, 2)) < 0.25) * 1

    big = world(400_000)
    truth = cohen_kappa(big[:, 0], big[:, 1]).value
    hit = 0
    for _ in range(300):
        drawn = world(80)
        found = cohen_kappa(drawn[:, 0], drawn[:, 1], classes=2)
        hit += found.low <= truth <= found.high
    assert 0.91 <= hit / 300 <= 0.99


def test_no_disagreement_is_not_certainty():
    few = cohen_kappa(np.array([0, 1] * 5), np.array([0, 1] * 5))
    many = cohen_kappa(np.array([0, 1] * 500), np.array([0, 1] * 500))
    assert few.value == many.value == 1.0 and few.high == 1.0
    assert few.low < 0.5 < 0.98 < many.low
    assert "rule of three" in few.how


def test_one_class_only_is_undefined_and_says_so():
    found = cohen_kappa(np.zeros(9, int), np.zeros(9, int))
    assert np.isnan(found.value) and "only one class" in found.how
    assert "no item" in fleiss_kappa(np.array([[0, -1], [-1, 1]])).how
    assert "no item" in krippendorff_alpha(np.full((3, 2), -1)).how


def test_numbers_far_from_zero_do_not_lose_their_differences():
    values = np.array([[1.0, 2.0], [3.0, 3.0], [5.0, 4.0], [np.nan, 2.0]])
    near = krippendorff_alpha(values, scale="interval")
    far = krippendorff_alpha(values + 1e9, scale="interval")
    assert near.value == pytest.approx(far.value)


def test_all_pairs_and_the_shared_items():
    found = agreement(OBSERVERS, list("abcd"), scale="ordinal")
    assert set(found.pairs) == {(a, b) for a in "abcd" for b in "abcd" if a < b}
    assert (found.items, found.shared) == (12, 11)
    assert found.alpha.value == pytest.approx(0.815, abs=5e-4)
    assert found.to_json()["cohen_kappa"]["a, b"]["metric"] == "cohen_kappa_quadratic"


def test_wrong_words_are_refused():
    with pytest.raises(ParameterError, match="scale must be one of"):
        krippendorff_alpha(OBSERVERS, scale="ratio")
    with pytest.raises(ParameterError, match="weights must be one of"):
        cohen_kappa([0, 1], [0, 1], weights="cubic")
    with pytest.raises(DataError, match="one shape"):
        cohen_kappa([0, 1], [0, 1, 1])
    with pytest.raises(DataError, match="whole codes"):
        fleiss_kappa(np.array([["a", "b"]]))
    with pytest.raises(DataError, match="one column an annotator"):
        agreement(OBSERVERS, ["ann"])
