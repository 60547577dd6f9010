"""A second process that cannot be begun, or could not answer in time."""

from __future__ import annotations

import subprocess
import time
from types import SimpleNamespace

import numpy as np
import pytest

import wholefit as wf
from wholefit.base.budget import Budget
from wholefit.base.errors import BudgetError
from wholefit.models import make
from wholefit.training import apart


def test_no_room_for_temporary_files_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with (pytest.raises(BudgetError, match="second process, which could not be begun"),
          apart.begun(Budget(seconds=10, bytes=10**9))):
        pass


def test_a_process_that_could_not_answer_in_time_is_not_begun(monkeypatch):
    """Its start takes a core from what can answer: on a short budget nothing is started."""
    begun = []
    monkeypatch.setattr(apart.Apart, "_begin", lambda self: begun.append(self))
    for seconds, expected in ((0.0, 0), (1.9, 0), (2.2, 1), (30.0, 2), (float("inf"), 3)):
        apart.Apart(apart.Limit(None), time.perf_counter() + seconds)
        assert len(begun) == expected, seconds


def test_orders_to_what_was_not_begun_are_stopped_and_say_why(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    late = apart.Apart(apart.Limit(None), time.perf_counter() + 1)
    for order in (late.pilot, lambda model, end: late.validate(model, end, 2)):
        late._problem = SimpleNamespace(y=np.zeros(3), n_classes=0)
        with pytest.raises(apart.Stopped, match=r"before it could begin.*about 1\.5 s to start"):
            order(make("ridge"), time.perf_counter() + 1)
    assert not late.running and not late.ready(time.perf_counter() + 1)
    late.abandon()
    late.close()


@pytest.mark.parametrize("budget", ["1s", "1s 8GB"])
def test_a_fit_of_a_second_begins_no_process_and_answers(monkeypatch, budget):
    """What is heavy is closed with the reason; what is light, or the baseline, answers."""
    monkeypatch.setattr(apart.Apart, "_begin", lambda self: pytest.fail("a process was begun"))
    rng = np.random.default_rng(0)
    frame = {"a": rng.normal(size=400), "b": rng.normal(size=400), "y": rng.normal(size=400)}
    found = wf.fit(frame, target="y", budget=budget, checks=False,
                   models="ridge, random_forest(n_estimators=100000)")
    row = next(each for each in found.leaderboard if each.model == "random_forest")
    assert row.status in ("stopped", "skipped") and row.reason
    assert np.isfinite(found.predict(frame)["prediction"]).all()
