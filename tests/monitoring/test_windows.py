"""Windows of a log: each answer in one of them, whole ones told from those that may grow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import ParameterError
from wholefit.monitoring.options import Options, span
from wholefit.monitoring.windows import cut, of_hours


@pytest.mark.parametrize(("said", "wanted"), [
    ("500 rows", ("rows", 500)), ("10rows", ("rows", 10)), ("1 day", ("seconds", 86_400)),
    ("6h", ("seconds", 21_600)), ("2 Weeks", ("seconds", 1_209_600)), ("90 s", ("seconds", 90)),
    ("1.5 hours", ("seconds", 5_400))])
def test_what_is_judged_at_once(said: str, wanted: tuple[str, float]) -> None:
    assert span(said) == wanted


@pytest.mark.parametrize("said", ["", "500", "rows", "5 rows", "0 days", "-1 day", "1 fortnight",
                                  "1e9 rows", "12.5 rows", "0.1 s"])
def test_other_words_are_refused(said: str) -> None:
    with pytest.raises(ParameterError, match="window must be"):
        Options(window=said)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(0, 1e6), max_size=80), st.sampled_from(["10 rows", "1 h", "1 day"]))
def test_every_answer_is_in_one_window(times: list[float], window: str) -> None:
    array = np.sort(times)
    found = cut(array, window, 5e5)
    rows = [row for each in found for row in range(each.first, each.past)]
    assert rows == list(range(len(array)))
    for each in found:
        inside = array[each.first:each.past]
        assert len(inside) and each.start <= inside[0] and inside[-1] <= each.end
        if "rows" in window:
            assert each.whole == (each.rows == 10)
        else:
            assert each.whole == (each.end <= 5e5)


def test_numbers_of_windows_do_not_hang_on_empty_ones() -> None:
    found = cut(np.array([0.0, 10.0, 7_300.0]), "1h", 1e9)
    assert [(each.number, each.rows) for each in found] == [(0, 2), (2, 1)]


def test_hours_make_windows_that_end_where_they_are_full() -> None:
    hours, rows = np.arange(10), np.array([60, 60, 60, 60, 60, 200, 10, 10, 10, 10])
    found = of_hours(hours, rows, "100 rows", 1e9)
    assert [(each.first, each.past, each.whole) for each in found] == [
        (0, 2, True), (2, 4, True), (4, 6, True), (6, 10, False)]
    days = of_hours(hours, rows, "2h", 1e9)
    assert [each.past - each.first for each in days] == [2] * 5
    assert not of_hours(hours, rows, "2h", 10 * 3600 - 1)[-1].whole
