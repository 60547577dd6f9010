"""Members learnt from all rows answer; what they should gain over a fold's model is told."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import wait
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import wholefit as wf
from wholefit import training
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.data import Dataset, bundled, dataset_of, read
from wholefit.models import make, scorer
from wholefit.training import Options, Run
from wholefit.training._folds import Validated
from wholefit.training.automl import _whole
from wholefit.training.automl._crew import shared
from wholefit.training.automl._expect import growth
from wholefit.training.automl._outlook import Outlook
from wholefit.training.automl._whole import Learnt, Turn, learn, seconds_of, together, turns
from wholefit.training.ensembling import Blended
from wholefit.training.replaying.script import of_run

MEMBERS = ("logistic", "random_forest(n_estimators=10, max_depth=6)")
FOLDS, ROWS = 5, 20_000


@pytest.fixture(scope="module")
def churn() -> Dataset:
    return dataset_of(read(bundled.path("telco_churn")).frame.head(900), target="churn")


def run(dataset: Dataset, **options: Any) -> Run:
    given = {"models": list(MEMBERS), "preset": "balanced", "jobs": 2, **options}
    return training.fit(dataset, tasks.get("classification"), Options(**given),
                        Clock(Budget.parse("3 trials")))


@pytest.fixture(scope="module")
def raced(churn: Dataset) -> Run:
    return run(churn)


def of_label(found: Run, label: str, rows: Dataset) -> np.ndarray:
    """What an ensemble's member answers, the others without weight."""
    state = found.fitted.state()
    members = [{**each, "share": float(each["model"] == label)}
               for each in state.config["members"] if each["model"] == label]
    places = [at for at, each in enumerate(state.config["members"]) if each["model"] == label]
    parts = {f"model {new}": state.parts[f"model {old}"] for new, old in enumerate(places)}
    kept = {name: part for name, part in state.parts.items() if name.startswith("encoder")}
    alone = replace(state, config={**state.config, "members": members, "temperature": 1.0},
                    parts={**kept, **parts})
    return scorer(alone).answer(rows)


@pytest.mark.parametrize("label", ["logistic", "random_forest"])
def test_a_member_is_what_a_fit_of_it_alone_comes_to(
    raced: Run, churn: Dataset, label: str
) -> None:
    assert raced.lineage["ensemble"]["whole"][label] == [0]
    alone = training.fit(churn, tasks.get("classification"), Options(
        models=[next(each for each in MEMBERS if each.startswith(label))]),
        Clock(Budget.parse("3 trials")))
    assert alone.chosen.model == label
    assert np.allclose(of_label(raced, label, churn), alone.fitted.answer(churn), atol=1e-9)


def test_a_heavy_member_is_learnt_twice_and_not_alike(churn: Dataset) -> None:
    frame = churn.frame
    forest = "random_forest(n_estimators=5, max_depth=4)"
    found = wf.fit(frame, target="churn", models=[forest, "decision_tree(max_depth=1)"],
                   preset="balanced", budget="2 trials", jobs=2, seed=3)
    assert found._facts.lineage["ensemble"]["shares"]["random_forest"] > 0.5
    assert found._facts.lineage["decided"]["whole"]["random_forest"] == [0, 1]
    members = found._fitted.state().config["members"]
    heavy = [at for at, each in enumerate(members) if each["model"] == "random_forest"]
    assert len({members[at]["encoder"] for at in heavy}) == 1
    parts = [found._fitted.state().parts[f"model {at}"] for at in heavy]
    assert any(not np.array_equal(parts[0].arrays[name], parts[1].arrays[name])
               for name in parts[0].arrays)


def test_what_is_learnt_twice() -> None:
    models = {"ridge": make("ridge"), "lightgbm": make("lightgbm")}
    plain = np.zeros(3)
    heavy = turns(Blended({"ridge": 0.2, "lightgbm": 0.8}, plain), models)
    assert heavy == [Turn("lightgbm", 0), Turn("ridge", 0), Turn("lightgbm", 1)]
    assert turns(Blended({"ridge": 0.2, "lightgbm": 0.8}, plain), models, once=True) == heavy[:2]
    # A linear model comes out alike whatever the seed.
    assert turns(Blended({"ridge": 0.8, "lightgbm": 0.2}, plain), models) == [
        Turn("ridge", 0), Turn("lightgbm", 0)]


def rows(truth: np.ndarray) -> Any:
    parts = np.array_split(np.arange(len(truth)), FOLDS)
    folds = tuple((np.setdiff1d(np.arange(len(truth)), part), part) for part in parts)
    return SimpleNamespace(y=truth, plan=SimpleNamespace(folds=folds, units=None), weights=None,
                           seed=0, n_classes=0, task=SimpleNamespace(name="regression"),
                           forward=False)


def member(answer: np.ndarray) -> Validated:
    return Validated(answer, np.ones(len(answer), np.int32), [1.0] * FOLDS, [0.1] * FOLDS, FOLDS,
                     kept=["somewhere"] * FOLDS)


def grown(answer: np.ndarray) -> Validated:
    """A member that has learnt all rows, too."""
    return replace(member(answer), whole={0: "somewhere"})


class Worker:
    """Learns in no time, but what is called bad."""

    def whole(self, model: Any, deadline: float, number: int, counted: Any = None) -> str:
        if model == "bad":
            raise Exception("a library's own kind of error")
        return f"{model} {number}"

    def beside(self, model: Any, deadline: float, **how: Any) -> np.ndarray:
        if model == "bad":
            raise RuntimeError("no")
        return np.ones(3)


def test_what_would_end_too_late_or_fails_is_left_to_its_folds() -> None:
    truth = np.zeros(100)
    found = {"good": member(truth), "bad": member(truth)}
    models: Any = {"good": "good", "bad": "bad"}
    wanted = [Turn("bad", 0), Turn("good", 0), Turn("bad", None), Turn("good", None),
              Turn("good", 1)]
    workers: Any = [Worker(), Worker()]
    assert learn(workers, rows(truth), models, found, wanted, 0.0) == Learnt()
    learnt = learn(workers, rows(truth), models, found, wanted, math.inf)
    assert learnt.whole == {"good": [0, 1]} and not learnt.interrupted
    assert found["good"].whole == {0: "good 0", 1: "good 1"} and not found["bad"].whole
    assert list(learnt.beside) == ["good"] and (learnt.beside["good"] == 1).all()
    blended = Blended({"good": 0.5, "bad": 0.5}, truth)
    decided = {"whole": {"good": [0, 1], "other": [0]}, "beside": ["good", "other"]}
    assert _whole.noted(decided, blended) == [Turn("good", 0), Turn("good", 1),
                                              Turn("good", None)]
    assert _whole.noted({}, blended) == []


def test_what_the_turns_should_take_together() -> None:
    truth = np.zeros(100)
    found, problem = {"one": member(truth), "two": member(truth)}, rows(truth)
    found["two"].fit_seconds[:] = [3.0] * FOLDS
    whole, beside, longer = 1.1 * 1.25, 1.1 * (0.75 + 0.2), 1.1 * (0.75 * 3 + 0.2)
    assert seconds_of(Turn("one", 0), found["one"], problem) == pytest.approx(whole)
    assert seconds_of(Turn("one", None), found["one"], problem) == pytest.approx(beside)
    assert seconds_of(Turn("one", 0), Validated.empty(problem_of(truth)), problem) == math.inf
    wanted = [Turn("two", 0), Turn("one", 0), Turn("two", None), Turn("one", None)]
    # One worker has the first alone; the other all the rest.
    assert together(wanted, found, problem, 2) == pytest.approx(whole + longer + beside)
    assert together(wanted, found, problem, 1) == pytest.approx(
        4 * whole + beside + longer)


def problem_of(truth: np.ndarray) -> Any:
    return SimpleNamespace(y=truth, n_classes=0)


def outlook(truth: np.ndarray, kept: int = FOLDS, **given: Any) -> Outlook:
    plan = SimpleNamespace(folds=rows(truth).plan.folds[:kept], units=None)
    problem = SimpleNamespace(forward=False, y=truth, plan=plan, n_classes=0, seed=0,
                              task=SimpleNamespace(name="regression", baseline="dummy"))
    return Outlook(problem, **{"folds": FOLDS, "workers": 2, "most": 60.0, **given})  # type: ignore[arg-type]


def test_time_is_kept_for_those_who_would_blend() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=5_000)
    models = {"good": make("ridge"), "poor": make("lightgbm"), "cut": make("lightgbm")}
    found = {"good": member(truth + 0.01 * random.normal(size=5_000)),
             "poor": member(truth + 0.5), "cut": member(truth)}
    found["poor"].fit_seconds[:] = [30.0] * FOLDS  # dear, and of no use
    found["cut"].folds = 2  # fewer folds than others: it cannot blend
    assert outlook(truth).seconds(models, found) == pytest.approx(1.1 * 1.25)
    assert outlook(truth, whole=False).seconds(models, found) == pytest.approx(
        1.1 * (0.75 + 0.2))
    assert outlook(truth, folds=1).seconds(models, {"good": found["good"]}) == pytest.approx(
        1.1 * 1.25)  # it answers none of the second fold's rows
    models = {**models, "other": make("ridge"), "slow": make("ridge")}
    assert outlook(truth, most=1.4).seconds(models, {
        "good": found["good"], "other": member(truth - 0.01 * random.normal(size=5_000))}) == 1.4
    # None is kept for what would not end in it, nor for what is beside that.
    assert outlook(truth, most=1.2).seconds(models, found) == pytest.approx(1.1 * (0.75 + 0.2))
    assert outlook(truth, most=0.5).seconds(models, found) == 0.0
    slow = member(truth + 0.01 * random.normal(size=5_000))
    slow.fit_seconds[1:] = [60.0] * (FOLDS - 1)  # its second model would be quick
    both = {"good": found["good"], "slow": slow}
    assert outlook(truth, workers=1).seconds(models, both) == pytest.approx(
        1.1 * (1.25 + 0.75 + 0.2))
    assert outlook(truth).seconds(models, {"cut": found["cut"]}) > 0.0  # it may where none has more
    found["good"].answer[:] = np.nan
    assert outlook(truth).seconds(models, {"good": found["good"]}) == 0.0


def test_a_trial_leaves_time_for_its_own_fits_after_the_race() -> None:
    truth = np.zeros(10)
    assert outlook(truth).own(6.0, 0.0) == 1.0
    assert outlook(truth, workers=1).own(7.0, 0.0) == 2.0
    assert outlook(truth, folds=1, workers=1).own(2.0, 0.0) == 1.0
    alone = outlook(truth, folds=1, workers=1, kept=1)
    assert alone.own(5.0, 0.0) == 3.0 and outlook(truth, folds=1, kept=1).own(2.0, 0.0) == 1.0
    assert outlook(truth, folds=1, whole=False).own(2.0, 0.0) == 0.0
    assert outlook(truth, most=0.5).own(6.0, 0.25) == 0.25  # as much is kept already
    assert outlook(truth, most=0.5).own(6.0, 0.75) == 0.0


def test_an_interrupt_ends_what_is_being_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    ended, interrupted = threading.Event(), threading.Event()

    def interrupting(working: Any, timeout: float) -> Any:
        """Waits; the first time, it hears the interrupt when one thing is being done."""
        while not begun:
            time.sleep(0.01)
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt
        return wait(working, timeout=timeout)

    def do(worker: Any, thing: int) -> None:
        begun.append(thing)
        assert ended.wait(30), "it was not ended"

    monkeypatch.setattr("wholefit.training.automl._crew.wait", interrupting)
    workers: Any = [SimpleNamespace(abandon=ended.set)]
    assert shared(workers, [1, 2, 3], do) and begun == [1]


def test_a_record_without_them_is_replayed_with_the_models_of_the_folds(
    raced: Run, churn: Dataset
) -> None:
    decided = {name: each for name, each in raced.lineage["decided"].items() if name != "whole"}
    script = of_run(raced.lineage["schedule"], raced.leaderboard, raced.chosen.model, decided)
    again = run(churn, script=script)
    members = again.fitted.state().config["members"]
    assert len(members) == 5 * len(again.lineage["ensemble"]["shares"])
    # Nor does a replay of the replay know them.
    assert "whole" not in again.lineage["decided"]
    script = of_run(raced.lineage["schedule"], raced.leaderboard, raced.chosen.model,
                    raced.lineage["decided"])
    same = run(churn, script=script)
    assert np.array_equal(same.fitted.answer(churn), raced.fitted.answer(churn))


def test_what_may_cost_so_much_has_one_model_of_each(churn: Dataset) -> None:
    found = run(churn, predict_time=10.0)
    assert all(numbers == [0] for numbers in found.lineage["decided"]["whole"].values())


@pytest.mark.parametrize("wrong", [{"logistic": [-1]}, {"logistic": [7]}, {"logistic": "many"},
                                   {"logistic": [0] * 20}])
def test_a_record_of_models_that_no_run_learns_is_refused(raced: Run, wrong: Any) -> None:
    with pytest.raises(wf.WholefitError, match="what the clock decided"):
        of_run(raced.lineage["schedule"], raced.leaderboard, raced.chosen.model,
               {**raced.lineage["decided"], "whole": wrong})


def test_what_all_rows_teach_is_told_of_what_fewer_taught() -> None:
    """Means of so many draws: their squared error falls as 1 / rows, sooner than is counted on."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=ROWS)
    noise = rng.normal(size=(FOLDS, ROWS))

    def of(folds: int) -> np.ndarray:
        return truth + 0.3 * noise[:folds].mean(axis=0)

    three, four, five = (of(count) for count in (3, 4, 5))
    blended = Blended({"one": 1.0}, four)
    told = growth(rows(truth), blended, {"one": grown(four)}, {"one": three[:2 * ROWS // FOLDS]})
    true = ((four - truth) ** 2).mean() - ((five - truth) ** 2).mean()
    assert told is not None and "80%" in told.why and "60%" in told.why
    assert 0.8 * true < told.value < 1.5 * true
    # What learns nothing from more rows gains nothing by them.
    flat = growth(rows(truth), blended, {"one": grown(four)}, {"one": four[:2 * ROWS // FOLDS]})
    assert flat is None
    worse = growth(rows(truth), blended, {"one": grown(three)}, {"one": four[:2 * ROWS // FOLDS]})
    assert worse is None


def test_one_fold_tells_what_rows_teach_by_fewer_of_its_own() -> None:
    """A fold's model learns 80 % of the rows, the one beside it half of these."""
    rng = np.random.default_rng(3)
    truth = rng.normal(size=ROWS)
    noise = rng.normal(size=(FOLDS, ROWS))
    two, four, five = (truth + 0.3 * noise[:count].mean(axis=0) for count in (2, 4, 5))
    alone = rows(truth)
    alone.plan.folds = alone.plan.folds[:1]
    blended, test = Blended({"one": 1.0}, four), alone.plan.folds[0][1]
    found = grown(four)
    found.seen[ROWS // FOLDS:] = 0
    told = growth(alone, blended, {"one": found}, {"one": two[test]})
    true = ((four - truth) ** 2).mean() - ((five - truth) ** 2).mean()
    assert told is not None and "80%" in told.why and "40%" in told.why and told.rows == len(test)
    assert 0.8 * true < told.value < 1.6 * true


def test_what_one_member_shows_of_rows_counts_for_the_others_with_a_wide_error() -> None:
    rng = np.random.default_rng(4)
    truth = rng.normal(size=ROWS)
    noise = rng.normal(size=(FOLDS, ROWS))
    three, four = (truth + 0.3 * noise[:count].mean(axis=0) for count in (3, 4))
    found, second = {name: grown(four) for name in ("one", "other")}, three[:2 * ROWS // FOLDS]
    blended = Blended({"one": 0.25, "other": 0.75}, four)
    whole = growth(rows(truth), blended, found, {"one": second, "other": second})
    most = growth(rows(truth), blended, found, {"other": second})
    least = growth(rows(truth), blended, found, {"one": second})
    assert whole is not None and most is not None and least is not None
    assert least.value < most.value < 1.05 * whole.value  # rather less than too much
    doubts = [each.error / each.value for each in (whole, most, least)]
    assert doubts == sorted(doubts) and doubts[2] > 2 * doubts[0]
    assert least.members == ("one",) and growth(rows(truth), blended, found, {}) is None


def test_what_few_members_show_is_not_more_than_the_mean_of_all_gains() -> None:
    """Each has errors of its own, which the mean takes away before rows do."""
    rng = np.random.default_rng(6)
    truth = rng.normal(size=ROWS)
    names, test = ("a", "b", "c", "d"), slice(2 * ROWS // FOLDS)
    noise = {name: rng.normal(size=(FOLDS, ROWS)) for name in names}

    def of(name: str, folds: int) -> np.ndarray:
        return truth + noise[name][:folds].mean(axis=0)

    def loss(folds: int) -> float:
        return float(((np.mean([of(name, folds) for name in names], axis=0) - truth) ** 2).mean())

    blended = Blended(dict.fromkeys(names, 0.25), truth)
    found = {name: grown(of(name, 4)) for name in names}
    besides = {name: of(name, 3)[test] for name in names}
    for shown in (1, 2, 4):
        told = growth(rows(truth), blended, found, dict(list(besides.items())[:shown]))
        assert told is not None and told.value < 1.3 * (loss(4) - loss(5))


def test_members_that_did_not_learn_all_rows_gain_nothing() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(size=ROWS)
    noise = rng.normal(size=(FOLDS, ROWS))
    three, four = (truth + 0.3 * noise[:count].mean(axis=0) for count in (3, 4))
    blended, second = Blended({"one": 0.5, "other": 0.5}, four), three[:2 * ROWS // FOLDS]
    both = {name: grown(four) for name in ("one", "other")}
    half = {"one": grown(four), "other": member(four)}
    whole = growth(rows(truth), blended, both, {"one": second, "other": second})
    part = growth(rows(truth), blended, half, {"one": second, "other": second})
    assert whole is not None and part is not None and part.members == ("one",)
    assert 0.2 * whole.value < part.value < 0.6 * whole.value
    assert growth(rows(truth), blended, half, {"other": second}) is None


def test_what_a_model_beside_a_fold_can_tell() -> None:
    truth = np.zeros(100)
    several, alone, nearly = rows(truth), rows(truth), rows(truth)
    alone.plan.folds = alone.plan.folds[:1]
    nearly.plan.folds = ((np.arange(5, 100), np.arange(5)),)
    measurable = _whole.measurable
    assert measurable(several, 5, whole=True) and measurable(several, 5, whole=False)
    assert measurable(alone, 1, whole=True) and not measurable(alone, 1, whole=False)
    assert not measurable(several, 1, whole=True)  # no model has answered the second fold
    assert not measurable(nearly, 1, whole=True)  # a fold's model knows 95 % of the rows
    two = rows(truth)
    two.plan.folds = ((np.arange(50, 100), np.arange(50)), (np.arange(50), np.arange(50, 100)))
    assert not measurable(two, 2, whole=True)  # without both folds there are no rows
    classes = rows(np.arange(100) == 99)
    classes.n_classes, classes.plan.folds = 2, (
        (np.arange(20, 100), np.arange(20)), (np.arange(80), np.arange(80, 100)))
    assert not measurable(classes, 2, whole=True)  # nor one of the second class


def test_no_model_beside_a_fold_where_its_member_did_not_grow() -> None:
    truth = np.zeros(100)
    found = {"good": member(truth), "slow": member(truth), "bad": member(truth)}
    found["slow"].fit_seconds[:] = [1e6] * FOLDS
    found["slow"].fit_seconds[0] = 1.0  # its second model would be quick
    models: Any = {"good": "good", "slow": "slow", "bad": "bad"}
    wanted = [Turn("slow", 0), Turn("good", 0), Turn("bad", 0), Turn("slow", None),
              Turn("good", None), Turn("bad", None)]
    workers: Any = [Worker()]
    deadline = time.perf_counter() + 1e4
    learnt = learn(workers, rows(truth), models, found, wanted, deadline)
    assert learnt.whole == {"good": [0]} and list(learnt.beside) == ["good"]
    none = [turn for turn in wanted if turn.label == "slow"]
    assert list(learn(workers, rows(truth), models, found, none, deadline).beside) == ["slow"]
    alone = rows(truth)
    alone.plan.folds = alone.plan.folds[:1]
    assert not learn(workers, alone, models, found, none, deadline).beside


def test_nothing_is_told_of_a_fold_that_was_not_reached() -> None:
    truth = np.random.default_rng(2).normal(size=ROWS)
    half = grown(truth + 0.5)
    half.seen[ROWS // FOLDS:], half.answer[ROWS // FOLDS:], half.folds = 0, 0.0, 1
    second = {"one": truth[:2 * ROWS // FOLDS] + 0.6}
    assert growth(rows(truth), Blended({"one": 1.0}, truth), {"one": half}, second) is None
    assert growth(rows(truth), Blended({"one": 1.0}, truth), {"one": grown(truth + 0.5)},
                  second) is not None


def test_few_wild_rows_do_not_hide_what_rows_teach() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=ROWS)
    noise = rng.normal(size=(FOLDS, ROWS))
    three, four = (truth + 0.3 * noise[:count].mean(axis=0) for count in (3, 4))
    blended, second = Blended({"one": 1.0}, four), {"one": three[:2 * ROWS // FOLDS]}
    usual = growth(rows(truth), blended, {"one": grown(four)}, second)
    four = four.copy()
    four[:2] += 30.0  # where the model of more rows went wild
    wild = growth(rows(truth), blended, {"one": grown(four)}, second)
    assert usual is not None and wild is not None
    assert 0.5 * usual.value < wild.value <= usual.value
