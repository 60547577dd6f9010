"""Levels of many windows: what is promised of the whole is kept."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from wholefit.monitoring.sequence import Levels, share


def test_shares_add_up_to_one_at_most() -> None:
    many = 200_000
    total = sum(share(t) for t in range(1, many + 1))
    # Beyond, the sum is below the integral; with u = sqrt(log t) that is of 2 u^3 exp(-u).
    u = math.sqrt(math.log(many))
    tail = 0.07720838 * 2 * (u**3 + 3 * u**2 + 6 * u + 6) * math.exp(-u)
    assert 0.9 < total + tail <= 1.0


def test_ever_spends_the_level_and_no_more() -> None:
    levels = Levels("ever", 0.05)
    spent = [levels.next() for _ in range(1_000)]
    assert sum(spent) <= 0.05
    # From the second window on they fall; g is proportional to log(max(t, 2)).
    assert all(a >= b for a, b in pairwise(spent[2:]))


def test_skipped_windows_have_had_their_share() -> None:
    levels, later = Levels("ever", 0.05), Levels("ever", 0.05)
    for _ in range(10):
        levels.next()
    later.skip(10)
    assert levels.next() == later.next()


def test_each_window_has_the_level_where_that_is_asked() -> None:
    levels = Levels("window", 0.05)
    assert {levels.next() for _ in range(50)} == {0.05}


def test_discovery_is_lord_plus_plus() -> None:
    """Held against the definition, written out (Ramdas et al. 2017, equation 6)."""
    random = np.random.default_rng(0)
    alarms = random.random(60) < 0.2
    levels, alpha, start = Levels("discovery", 0.05), 0.05, 0.025
    times: list[int] = []
    for t in range(1, 61):
        wanted = share(t) * start
        if times:
            wanted += (alpha - start) * share(t - times[0])
            wanted += alpha * sum(share(t - tau) for tau in times[1:])
        assert levels.next() == pytest.approx(min(wanted, alpha))
        if alarms[t - 1]:
            levels.alarm()
            times.append(t)


def test_false_alarms_are_at_the_rate() -> None:
    """Uniform p-values: the share of watches of 500 windows with any alarm, and of windows."""
    random = np.random.default_rng(1)
    spent = np.array([(levels := Levels("ever", 0.05)).next()] + [levels.next()
                                                                 for _ in range(499)])
    any_alarm = (random.random((4_000, 500)) <= spent).any(axis=1).mean()
    assert any_alarm <= 0.05
    assert any_alarm == pytest.approx(spent.sum(), abs=0.01)


def test_discovery_keeps_the_share_of_false_ones() -> None:
    random = np.random.default_rng(2)
    shares = []
    for _ in range(120):
        levels, false, all_ = Levels("discovery", 0.1), 0, 0
        real = random.random(200) < 0.2
        for is_real in real:
            p = random.random() ** 8 * 1e-3 if is_real else random.random()
            if p <= levels.next():
                levels.alarm()
                all_ += 1
                false += not is_real
        shares.append(false / max(all_, 1))
    assert np.mean(shares) <= 0.1
