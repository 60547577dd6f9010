"""`wf.Loop` and `wf.gate` with real models on real rows: fitted anew, taught, judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import wholefit as wf
from wholefit.api._loop_hands import ApiHands, fit_words, supervised
from wholefit.base.errors import DataError, ParameterError, StateError, UnknownNameError
from wholefit.data import bundled
from wholefit.monitoring.loop import Retrain

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
ROWS = wf.read(bundled.path("telco_churn")).frame.sample(fraction=1.0, shuffle=True, seed=0)
LEARN, NEW, LATER = ROWS[:1_500], ROWS[1_500:3_000], ROWS[3_000:3_800]
WORDS: dict[str, Any] = {"target": "churn", "metric": "roc_auc", "jobs": 1, "folds": 3,
                         "checks": False}
PLAN: dict[str, Any] = {"triggers": {"metric": False, "drift": False},
                        "gate": {"latency": None}}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("loop") / "first.wf"
    return wf.fit(LEARN, models="sgd", choose="best", **WORDS).save(path)


@pytest.fixture
def registry(tmp_path: Path, first: Path) -> wf.Registry:
    registry = wf.Registry(tmp_path / "reg")
    registry.add(first, "churn")
    registry.promote("churn", 1)
    return registry


@pytest.mark.parametrize("how", ["full", "update", "replay"])
def test_a_challenger_is_made_in_every_way(registry: wf.Registry, how: str) -> None:
    with wf.Loop(registry, "churn", data=LEARN, plan={**PLAN, "retrain": {"how": how}}) as loop:
        assert loop.give(NEW) == len(NEW) and loop.give(NEW) == 0
        loop.run()
        cycle = loop.cycles[0]
        assert cycle.state in ("promoted", "refused") and cycle.candidate == 2, cycle.said
        steps = {state: found for _, state, found in loop.steps(1)}
        assert steps["made"]["how"].startswith({"full": "fitted anew on"}.get(how, "taught"))
        gate = registry.events("churn")[3].details["gate"]
        numbers = next(each["numbers"] for each in gate["checks"] if each["name"] == "score")
        assert 0.75 < numbers["value"] < 0.95
    new = wf.load(registry.version("churn", 2).path)
    assert new.model == "sgd" and new.classes == wf.load(registry.version("churn", 1).path).classes
    if how == "update":
        assert len(new.lineage["parents"]) == 1


def test_the_loop_promotes_and_watches_real_rows(registry: wf.Registry, tmp_path: Path) -> None:
    LATER.write_csv(tmp_path / "later.csv")
    with wf.Loop(registry, "churn", data=LEARN, plan={**PLAN, "gate": {
            "latency": None, "margin_share": 0.2}}) as loop:
        loop.give(NEW)
        loop.run()
        assert registry.served("churn").number == 2  # type: ignore[union-attr]
        loop.give(str(tmp_path / "later.csv"))
        loop.run()
        assert loop.cycles[0].state in ("kept", "rolled back")
    assert all(fact.ok for fact in registry.check())


def test_a_fit_anew_has_the_words_of_the_first(tmp_path: Path) -> None:
    result = wf.fit(LEARN, models="logistic(C=0.5)", balance="weights", threshold="f1",
                    features={"degree": 1}, positive="No", **WORDS)
    words = fit_words(result, LEARN.columns, Retrain())
    assert words["balance"] == "weights" and words["threshold"] == "f1"
    assert words["metric"] == "roc_auc" and str(words["positive"]) == "No"
    assert words["models"][0].C == 0.5 and words["folds"] == 3
    assert words["roles"] == {column.name: column.role for column in result.schema.columns
                              if column.name != "churn" and column.role != "constant"} | {
        column.name: "ignored" for column in result.schema.columns if column.role == "constant"}
    out = tmp_path / "out.wf"
    path = result.save(tmp_path / "in.wf")
    ApiHands().fit(path, LEARN, Retrain(), 0, out)
    again = wf.load(out)
    assert again.decision is not None and again.model == "logistic"
    # The same rows, words and seed: the same model, bit by bit.
    assert again.predict_proba(NEW).equals(result.predict_proba(NEW))


def test_a_search_is_searched_again() -> None:
    result = wf.fit(LEARN, models="logistic, gaussian_nb", **WORDS)
    words = fit_words(result, LEARN.columns, Retrain(search=True, budget="20 trials"))
    assert "models" not in words and words["budget"] == "20 trials"


def test_dates_that_a_log_has_as_text_are_dates_again(tmp_path: Path) -> None:
    rows = pl.DataFrame({
        "day": pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 12, 31), "1d",
                                 eager=True)}).with_columns(
        y=pl.col("day").dt.month().cast(pl.Float64))
    path = wf.fit(rows, target="y", task="regression", models="ridge", folds=3, checks=False,
                  jobs=1).save(tmp_path / "d.wf")
    text = rows.with_columns(pl.col("day").dt.to_string("%Y-%m-%dT%H:%M:%S"))
    ApiHands().fit(path, text, Retrain(), 0, tmp_path / "e.wf")
    assert wf.load(tmp_path / "e.wf").schema.role("day") == "datetime"


def test_gate_takes_results_and_files(first: Path) -> None:
    stronger = wf.fit(ROWS[:3_000], models="logistic", **WORDS)
    verdict = wf.gate(first, stronger, ROWS[3_000:], latency=None)
    assert verdict.passed, verdict.said
    back = wf.gate(stronger, first, ROWS[3_000:], latency=None, rule="better")
    assert not back.passed
    alone = wf.gate(None, first, ROWS[3_000:], floor="roc_auc >= 0.75")
    assert alone.passed and alone.champion is None
    assert not wf.gate(None, first, ROWS[3_000:], size="1kB").passed


def test_what_cannot_be_judged_is_said(first: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'rule'"):
        wf.gate(first, first, LATER, ruel="better")
    with pytest.raises(DataError, match="not fitted with"):
        wf.gate(first, first, LATER.with_columns(churn=pl.lit("Perhaps")))
    with pytest.raises(StateError, match="predicts a target"):
        supervised(object())
    with pytest.raises(ParameterError):
        wf.gate(first, first, None)


def test_labels_and_alarms_come_from_a_log(
    registry: wf.Registry, tmp_path: Path, first: Path
) -> None:
    moved = NEW.with_columns(tenure=pl.col("tenure") + 200)
    wf.log_answers(first, moved, str(tmp_path / "log.db"), name="churn", truth="churn")
    alarmed = {**PLAN, "triggers": {"rows": None, "metric": False, "drift": False}}
    with wf.Loop(registry, "churn", data=LEARN, log=tmp_path / "log.db", plan=alarmed,
                 alarms={"window": "500 rows", "together": False, "anomalies": False}) as loop:
        told = loop.turn()
        assert told.cycle is not None, told.said
        assert "alarm: " in told.cycle.reasons[0] and "tenure" in " ".join(told.cycle.reasons)
        assert loop.abandon().cycle.state == "abandoned"  # type: ignore[union-attr]
        rows = loop._engine.pool.rows()
        assert rows.height == NEW.height and rows["tenure"].min() >= 200  # type: ignore[operator]
    with pytest.raises(ParameterError, match="say log="):
        wf.Loop(registry, "churn", alarms={})


def test_the_drift_trigger_uses_the_sketch_in_the_file(registry: wf.Registry) -> None:
    plan = {**PLAN, "triggers": {"rows": None, "metric": False, "drift": True}}
    with wf.Loop(registry, "churn", data=LEARN, plan=plan) as loop:
        loop.give(NEW)
        assert loop.turn().cycle is None
        loop.give(LATER.with_columns(tenure=pl.col("tenure") + 200))
        told = loop.turn()
        assert told.cycle is not None and "tenure" in told.cycle.reasons[0]


def test_a_log_that_is_not_there_is_told(registry: wf.Registry, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        wf.Loop(registry, "churn", log=tmp_path / "none.db")
    with pytest.raises(ParameterError, match="log must be"):
        wf.Loop(registry, "churn", log=3)
