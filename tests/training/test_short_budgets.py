"""Short budgets: what is light is fitted here, and what a stopped process leaves still answers.

The other process is a stand-in, so that no test hangs on how busy the machine is.
"""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

import wholefit as wf
from wholefit import training
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.data import Dataset, bundled, dataset_of, read
from wholefit.models import Model, make
from wholefit.training import Options, Run
from wholefit.training._folds import REFIT_FACTOR, Validated
from wholefit.training._judge import comparable
from wholefit.training._search import Search
from wholefit.training.apart import Apart, Stopped
from wholefit.training.trials import Here

# The package's attribute of that name is the function.
FITTING = sys.modules["wholefit.training.fitting"]
DEAR = "random_forest(n_estimators=100000)"


class Elsewhere(Apart):
    """A process as the search sees it: it is there or not, and stops what it is told to stop."""

    startup = 5.0

    def __init__(self, problem: Any, stops: dict[str, int], *, there: bool = False) -> None:
        self.inner, self.stops, self.there = Here(problem), stops, there
        self.asked: list[str] = []
        self.deadlines: list[float] = []

    def validate(self, model: Model, deadline: float, folds: int, *more: Any) -> Validated:
        self.asked.append(model.name)
        if model.name not in self.stops:
            return self.inner.validate(model, deadline, folds)
        stop = Stopped("its time was up", "time", 0, "")
        if done := self.stops[model.name]:
            stop.found = self.inner.validate(model, deadline, done)
        raise stop

    def refit(self, model: Model, schema: Any, codec: Any, deadline: float = np.inf) -> Any:
        self.deadlines.append(deadline)
        if self.there and model.family != "guest":
            return self.inner.refit(model, schema, codec)
        raise Stopped("its time was up before it could begin", "time", 0, "")

    def ready(self, deadline: float) -> bool:
        return self.there

    @property
    def running(self) -> bool:
        return self.there

    peak = 0

    def close(self) -> None:
        """There is no process."""


@pytest.fixture(scope="module")
def churn() -> Dataset:
    return dataset_of(read(bundled.path("telco_churn")).frame.head(800), target="churn")


def run(dataset: Dataset, *models: Any, budget: str = "120s") -> Run:
    return training.fit(dataset, tasks.get("classification"), Options(models=list(models)),
                        Clock(Budget.parse(budget)))


def row(found: Run, name: str) -> training.Entry:
    return next(entry for entry in found.leaderboard if entry.model == name)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has models sent to a stand-in, which is given back; `light=False`: all but the baseline."""
    made: list[Elsewhere] = []

    def put(stops: dict[str, int], *, there: bool = False, light: bool = True) -> list[Elsewhere]:
        def place(problem: Any, *rest: Any) -> Elsewhere:
            made.append(Elsewhere(problem, stops, there=there))
            return made[-1]

        monkeypatch.setattr(FITTING, "place", place)
        if not light:
            monkeypatch.setattr(Search, "_light", lambda self, model: model.name == "dummy")
        return made

    return put


def test_what_is_light_waits_for_no_process(churn: Dataset, elsewhere: Any) -> None:
    made = elsewhere({"random_forest": 0})
    found = run(churn, DEAR, "logistic", budget="60s")
    assert made[0].asked == ["random_forest"]
    assert row(found, "logistic").folds == 5 and found.chosen.model == "logistic"
    assert row(found, "random_forest").reason == "its time was up"
    # A replay goes by the order of the candidates, not by who was first.
    assert [each["model"] for each in found.lineage["schedule"]] == [
        "dummy", "random_forest", "logistic"]


def test_a_stranger_and_what_memory_is_watched_of_are_never_light(churn: Dataset) -> None:
    search = _search(churn)
    assert search._light(make("logistic")) and search._light(make("dummy"))
    assert not search._light(make(DummyClassifier()))
    assert not search._light(make(DEAR))
    watched = Search(search.problem, Clock(Budget(seconds=60.0, bytes=10**9)), 5, search.trials)
    assert not watched._light(make("logistic"))


def test_what_took_long_here_makes_others_less_light(churn: Dataset) -> None:
    search = _search(churn)
    tree = make("decision_tree")
    assert search._light(tree)
    search._pace.learn(make("logistic"), 1, 30.0)
    assert not search._light(tree)


def test_the_choice_is_fitted_here_when_its_process_was_stopped(
        churn: Dataset, elsewhere: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wholefit.training._search._AT_ONCE", 0.0)  # nothing is that quick
    made = elsewhere({"decision_tree": 0}, light=False)
    found = run(churn, "random_forest(n_estimators=40, max_depth=5)", "decision_tree")
    assert made[0].asked == ["random_forest", "decision_tree"] and not made[0].deadlines
    assert found.chosen.model == "random_forest" == found.model.name
    assert not any("was to be fitted" in said for said in found.warnings)


def test_one_fold_does_not_set_the_rows_by_which_others_are_compared(
        churn: Dataset, elsewhere: Any) -> None:
    elsewhere({"gaussian_nb": 1}, light=False)
    found = run(churn, "logistic", "gaussian_nb")
    cut = row(found, "gaussian_nb")
    assert cut.status == "stopped" and cut.scores["log_loss"].n == 160
    assert cut.difference is None and not cut.tied and found.leaderboard[-1] is cut
    assert found.chosen.model == "logistic"
    assert row(found, "dummy").difference["better"] == "b"


@pytest.mark.parametrize(("rows", "kept"), [(10, True), (5, True), (4, False), (1, False)])
def test_half_of_the_rows_are_enough_to_be_compared(rows: int, kept: bool) -> None:
    models = {"dummy": make("dummy"), "a": make("logistic"), "b": make("decision_tree")}
    made = {label: Validated(np.zeros(10), (np.arange(10) < many).astype(np.int32), [], [])
            for label, many in {"dummy": 10, "a": 10, "b": rows}.items()}
    assert ("b" in comparable(made, models, "dummy")) == kept
    alone = {"dummy": made["dummy"], "b": made["b"]}  # what there is, is compared
    assert set(comparable(alone, models, "dummy")) == {"dummy", "b"}


def test_a_first_fold_with_its_imports_does_not_make_a_model_slow(churn: Dataset) -> None:
    search = _search(churn)
    search._models = {"logistic": make("logistic")}
    search.found = {"logistic": _fitted(churn, [4.0, 0.02, 0.03])}
    assert search.takes("logistic") == pytest.approx(0.02 * REFIT_FACTOR)
    assert search._at_once("logistic")


def test_a_refit_that_is_stopped_leaves_the_next_one_its_time(churn: Dataset) -> None:
    search = _search(churn)
    search.trials = place = Elsewhere(search.problem, {}, there=True)
    guest = make(DummyClassifier())
    models = {"Guest": guest, "logistic": make("logistic"), "dummy": make("dummy")}
    search.found = {label: _fitted(churn, [0.3]) for label in models}
    label, fitted, said = search.refit(
        "Guest", ["Guest", "logistic", "dummy"], models, churn.schema, _codec(churn))
    assert label == "logistic" and len(said) == 1 and np.isfinite(fitted.answer(churn)).all()
    # The stranger's deadline came before the last call by what logistic was found to take.
    assert place.deadlines[0] <= _last_call(search) - 0.3 * REFIT_FACTOR + 1e-3


def test_a_process_that_cannot_be_there_in_time_is_not_begun() -> None:
    apart = Apart.__new__(Apart)
    apart._line, apart.startup = None, 1e6
    apart._process = SimpleNamespace(poll=lambda: 0)  # type: ignore[assignment]
    begun: list[int] = []
    apart._begin = lambda: begun.append(1)  # type: ignore[method-assign]
    assert not apart.ready(time.perf_counter() + 1e3) and not begun


def test_a_search_that_took_turns_out_of_order_is_replayed(monkeypatch: Any) -> None:
    """With a real process: the forest waits for it, and logistic does not."""
    light = Search._light
    monkeypatch.setattr(Search, "_light", lambda self, model: model.name != "random_forest"
                        and light(self, model))
    monkeypatch.setattr(FITTING, "_HEAVY", 0.0)
    rows = read(bundled.path("telco_churn")).frame.head(300)
    found = wf.fit(rows, target="churn", jobs=1,
                   budget="240s", models="random_forest(n_estimators=8), logistic")
    assert [row.folds for row in found.leaderboard] == [5, 5, 5]
    assert found.replay(rows).equal


def _search(dataset: Dataset) -> Search:
    """Begun with a minute, and nothing found yet."""
    problem = _problem(dataset)
    return Search(problem, Clock(Budget(seconds=60.0)), 5, Here(problem))


def _last_call(search: Search) -> float:
    return search._last_call()


def _problem(dataset: Dataset) -> Any:
    return FITTING.prepared(  # type: ignore[attr-defined]
        dataset, tasks.get("classification"), Options(models=["logistic"], jobs=1)).problem


def _codec(dataset: Dataset) -> Any:
    return FITTING.prepared(  # type: ignore[attr-defined]
        dataset, tasks.get("classification"), Options(models=["logistic"])).codec


def _fitted(dataset: Dataset, seconds: list[float]) -> Validated:
    rows = len(dataset)
    return Validated(np.full((rows, 2), 0.5), np.ones(rows, dtype=np.int32), seconds,
                     [0.0] * len(seconds), folds=len(seconds))
