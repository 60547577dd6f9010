"""Models in a process of their own: what hangs, eats, dies or is slow costs only itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from tests.processes import children

from wholefit import training
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import BudgetError, ParameterError
from wholefit.base.events import listen
from wholefit.data import Dataset, bundled, dataset_of, read
from wholefit.models import Model, make
from wholefit.training import Options, Run
from wholefit.training.apart import Apart, Limit, Stopped, held, limits
from wholefit.training.trials import Here

STRANGE = '''
import ctypes, os, signal, time
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

class Strange(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.misbehave()
        return self
    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
    def predict(self, X):
        return np.repeat(self.classes_[0], len(X))

class Hangs(Strange):
    def misbehave(self):
        ctypes.PyDLL(None).sleep(1000)  # as a library that never gives the interpreter back

class Eats(Strange):
    def misbehave(self):
        self.kept = []
        for _ in range(400):
            self.kept.append(np.ones(10_000_000))
            time.sleep(0.002)

class Dies(Strange):
    def misbehave(self):
        os.kill(os.getpid(), signal.SIGKILL)

class Exits(Strange):
    def misbehave(self):
        os._exit(3)

class Fails(Strange):
    def misbehave(self):
        raise ValueError("it went wrong over there")
'''

# The package's attribute of that name is the function.
FITTING = sys.modules["wholefit.training.fitting"]

pytestmark = pytest.mark.skipif(not limits.can_watch(), reason="memory cannot be watched here")


@pytest.fixture(scope="module")
def churn() -> Dataset:
    return dataset_of(read(bundled.path("telco_churn")).frame.head(800), target="churn")


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "strange_models.py").write_text(STRANGE)
    monkeypatch.syspath_prepend(tmp_path)
    import strange_models

    yield strange_models
    del sys.modules["strange_models"]


def run(dataset: Dataset, *models: Any, budget: str = "120s 3GB", **options: Any) -> Run:
    limit = Budget.parse(budget)
    clock = Clock(limit)
    with training.begun(limit) as apart:
        return training.fit(dataset, tasks.get("classification"),
                            Options(models=list(models), **options), clock, apart)


def row(found: Run, name: str) -> training.Entry:
    return next(entry for entry in found.leaderboard if entry.model == name)


def test_another_process_gives_the_same_numbers(churn: Dataset) -> None:
    models = ("logistic", "random_forest(n_estimators=20)", "lightgbm(n_estimators=20)")
    apart, here = run(churn, *models), run(churn, *models, budget="300s")
    assert row(apart, "lightgbm").peak > 0 == row(here, "lightgbm").peak
    assert apart.chosen.model == here.chosen.model
    for name in here.oof:
        assert np.array_equal(apart.oof[name], here.oof[name]), name
    assert np.array_equal(apart.fitted.answer(churn), here.fitted.answer(churn))
    assert not children()


def test_what_dies_or_fails_costs_only_itself(churn: Dataset, strange: Any) -> None:
    found = run(churn, strange.Dies(), strange.Exits(), strange.Fails(), "logistic")
    assert found.chosen.model == "logistic"
    assert "signal 9" in row(found, "Dies").reason and row(found, "Dies").status == "failed"
    assert "code 3" in row(found, "Exits").reason
    assert row(found, "Fails").reason == "ValueError: it went wrong over there"
    assert "in misbehave" in row(found, "Fails").traceback


def test_what_takes_too_much_memory_is_stopped(churn: Dataset, strange: Any) -> None:
    found = run(churn, strange.Eats(), "logistic", budget="120s 500MB")
    eats = row(found, "Eats")
    assert eats.status == "stopped" and "500 MB allowed" in eats.reason
    assert 500e6 < eats.peak < 1500e6
    assert "misbehave" in eats.traceback
    assert found.chosen.model == "logistic"


def test_what_hangs_is_stopped_and_leaves_time_for_others(churn: Dataset, strange: Any) -> None:
    start = time.perf_counter()
    found = run(churn, strange.Hangs(), "logistic", budget="20s")
    # Half is the stranger's; a new process begins, loads and fits in the rest, if slowly.
    assert time.perf_counter() - start < 24
    assert row(found, "Hangs").status == "stopped" and "time" in row(found, "Hangs").reason
    assert "misbehave" in row(found, "Hangs").traceback
    assert found.chosen.model == "logistic", row(found, "logistic").reason
    assert not children()


def test_too_little_memory_for_the_data_is_said(churn: Dataset) -> None:
    with pytest.raises(BudgetError, match="the data alone hold"):
        run(churn, "logistic", budget="60s 1KB")
    assert not children()


def test_what_cannot_be_sent_is_refused_under_memory(churn: Dataset) -> None:
    with pytest.raises(ParameterError, match="another process"):
        run(churn, "logistic", transformers=(("log", lambda X: np.log1p(np.abs(X))),))


class Refused(Here):
    """A place whose refits are stopped, as by the clock, for some models."""

    def __init__(self, problem: Any, refused: set[str], error: BaseException) -> None:
        super().__init__(problem)
        self.refused, self.error = refused, error

    def refit(self, model: Model, *given: Any) -> Any:
        if model.name in self.refused:
            raise self.error
        return super().refit(model, *given)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Stopped("its time was up", "time", 0, "")])
def test_a_refit_that_is_stopped_gives_way(
    churn: Dataset, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FITTING, "place", lambda problem, *rest: Refused(
        problem, {"lightgbm"}, error))
    seen: list[str] = []
    with listen(lambda event, facts: seen.append(event)):
        found = run(churn, "lightgbm(n_estimators=40)", "logistic", choose="best", budget="60s")
    best = next(entry for entry in found.leaderboard if entry.best)
    if best.model == "lightgbm":
        assert "refit_stopped" in seen and any("lightgbm was to be" in w for w in found.warnings)
    assert found.chosen.model == "logistic" == found.model.name
    assert np.isfinite(found.fitted.answer(churn)).all()


def test_an_order_after_a_stop_begins_anew(churn: Dataset) -> None:
    apart = Apart(Limit())
    try:
        problem = _problem(churn)
        apart.load(problem)
        with pytest.raises(Stopped):
            apart.validate(make("random_forest(n_estimators=5000)"), time.perf_counter() + 2, 5)
        found = apart.validate(make("logistic"), time.perf_counter() + 60, 2)
        assert found.folds == 2
    finally:
        apart.close()
        apart.close()


def _problem(dataset: Dataset) -> Any:
    seen: list[Any] = []

    class Kept(Here):
        def __init__(self, problem: Any) -> None:
            super().__init__(problem)
            seen.append(problem)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FITTING, "Here", Kept)
        run(dataset, "dummy", budget="300s")
    return seen[0]


def test_held_is_about_what_psutil_says() -> None:
    block = np.ones(20_000_000)
    process = psutil.Process()
    assert held(process.pid) > block.nbytes
    assert held(process.pid) <= process.memory_info().rss * 1.05
    assert held(2**22 - 3) == 0
