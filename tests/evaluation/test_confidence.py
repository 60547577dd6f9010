"""Confidence: bins, flags, and a promise of abstention that holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wholefit.base.errors import DataError, ParameterError
from wholefit.evaluation.confidence import confidence


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers whose confidence is true: wrong as often as it says."""
    random = np.random.default_rng(seed)
    sure = 0.5 + random.beta(2, 1, n) / 2
    return (random.random(n) > sure).astype(float), sure


def test_bins_hold_all_rows_and_their_intervals_are_wilson() -> None:
    wrong, sure = draw(5_000, 0)
    found = confidence(wrong, sure)
    assert sum(each.rows for each in found.bins) == 5_000 == found.table()["rows"].sum()
    assert all(each.wrong_low <= 1 - each.said <= each.wrong_high for each in found.bins[2:6])
    first = found.bins[0]
    rows = (sure >= first.low) & (sure < first.high)
    known = stats.binomtest(int(wrong[rows].sum()), int(rows.sum())).proportion_ci(method="wilson")
    assert (first.wrong_low, first.wrong_high) == pytest.approx((known.low, known.high))


def test_flags_count_rows_and_errors() -> None:
    wrong, sure = draw(2_000, 1)
    flag = next(each for each in confidence(wrong, sure).flags if each.below == 0.7)
    flagged = sure < 0.7
    assert flag.share == pytest.approx(flagged.mean())
    assert flag.caught == pytest.approx(wrong[flagged].sum() / wrong.sum())
    assert flag.wrong == pytest.approx(wrong[flagged].mean())
    assert "look at those below 0.7" in flag.said()


def test_the_chosen_flag_is_measured_on_other_rows() -> None:
    """On confidence that means nothing, choosing a rule must not look as if it helped."""
    gains = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        found = confidence((random.random(300) < 0.3).astype(float), random.random(300))
        if found.chosen is not None:
            gains.append(found.chosen.wrong - found.chosen.wrong_kept)
    assert len(gains) < 12, "it is not told at all unless confidence ranks errors for certain"
    wrong, sure = draw(4_000, 2)
    chosen = confidence(wrong, sure).chosen
    assert chosen is not None and chosen.wrong_low > chosen.wrong_kept_high


def test_the_promise_of_abstention_holds_nineteen_times_in_twenty() -> None:
    broken = made = 0
    for seed in range(120):
        wrong, sure = draw(600, seed)
        point = confidence(wrong, sure).abstain(0.1)
        if point is None:
            continue
        made += 1
        # The true error rate of the rows answered: confidence is true here.
        _, fresh = draw(200_000, 9)
        broken += 1 - fresh[fresh >= point.least].mean() > 0.1
    assert made > 60 and broken <= 0.05 * made + 3


def test_bounds_are_those_of_clopper_and_pearson_at_all_points_together() -> None:
    wrong, sure = draw(500, 3)
    found = confidence(wrong, sure)
    point = found.curve[4]
    bound = stats.beta.ppf(1 - 0.05 / len(found.curve), round(point.wrong * point.rows) + 1,
                           point.rows - round(point.wrong * point.rows))
    assert point.bound == pytest.approx(bound)
    assert found.curve[-1].coverage == 1.0 and found.abstain(0.0001) is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=80))
def test_any_answers_can_be_told(rows: list[tuple[bool, float]]) -> None:
    found = confidence([wrong for wrong, _ in rows], [sure for _, sure in rows], classes=3)
    assert found.to_text() and sum(each.rows for each in found.bins) == len(rows)
    assert all(0 <= each.wrong <= each.bound <= 1 for each in found.curve)


def test_what_is_no_confidence_is_refused() -> None:
    with pytest.raises(DataError, match="probabilities"):
        confidence([0, 1], [0.5, 1.5])
    with pytest.raises(DataError, match="at least one"):
        confidence([], [])
    with pytest.raises(ParameterError, match="error must"):
        confidence([0, 1], [0.5, 0.6]).abstain(0)
