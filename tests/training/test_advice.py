"""Advice: every rule speaks where its evidence is there, and only there."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wholefit.data.findings import Finding
from wholefit.data.schema import Column, Schema
from wholefit.evaluation import Score
from wholefit.training.advice import Evidence, advise
from wholefit.training.advice._evidence import family
from wholefit.training.advice.rules import RULES
from wholefit.training.record import Entry

CLAIMS = Path(__file__).parents[2] / "benchmarks" / "claims"


def score(value: float, reach: float = 0.02, metric: str = "log_loss") -> Score:
    return Score(metric, value, value - reach, value + reach, 0.95, "made up", 1_000)


def entry(model: str, value: float, *, auc: float = 0.8, **words: Any) -> Entry:
    scores = {"log_loss": score(value), "roc_auc": score(auc, 0.02, "roc_auc"),
              "accuracy": score(0.5 if model == "dummy" else 0.9, 0.01, "accuracy")}
    return Entry(model=model, params=words.pop("params", {}), scores=scores, **words)


DUMMY = entry("dummy", 0.69, auc=0.5)
FOREST = entry("random_forest", 0.40, best=True, recommended=True)
LOGISTIC = entry("logistic", 0.50)


def evidence(**changes: Any) -> Evidence:
    """Nothing to be said of it: enough rows, families that differ, classes alike in number."""
    schema = Schema(columns=(Column("x", "numeric", "f64", ""), Column("y", "target", "str", "")),
                    target="y")
    plain = Evidence(
        task="classification", target="y", metric="log_loss", better="lower", baseline="dummy",
        model="random_forest", params={}, rows=5_000, features=10, schema=schema,
        entries=(FOREST, LOGISTIC, DUMMY), lineage={"repeats": 1, "budget": "60s"},
        split="5-fold cross-validation, shuffled", classes=("no", "yes"), supports=(2_500, 2_500),
        recalls=((0.8, 0.78, 0.82), (0.8, 0.78, 0.82)), decided=False, findings=())
    return dataclasses.replace(plain, **changes)


def spoken(found: Evidence) -> dict[str, str]:
    return {each.rule: each.said for each in advise(found)}


def test_nothing_is_said_without_evidence() -> None:
    found = advise(evidence())
    assert len(found) == 0 and "nothing in the evidence" in found.said
    assert len(found.wanting) == 4 and found.unchecked
    assert set(found.silent) == {rule.name for rule in RULES if not rule.wants}


def test_critical_findings_come_first() -> None:
    leak = Finding("target_copy", "critical", ("x",), "it says the target", "scores are untrue",
                   "--role x=ignored", "roles={'x': 'ignored'}")
    said = advise(evidence(findings=(leak,), rows=100)).advice
    assert said[0].rule == "findings of the data" and "target_copy" in said[0].do
    assert said[0].rank == 0 < said[-1].rank
    known = dataclasses.replace(leak, severity="info")
    assert spoken(evidence(findings=(known,))) == {}


def test_dates_in_a_shuffled_split() -> None:
    columns = (Column("when", "datetime", "date", ""), Column("y", "target", "str", ""))
    dated = Schema(columns=columns, target="y")
    assert "time='when'" in spoken(evidence(schema=dated))["rows in time"]
    ordered = Schema(columns=(*columns, Column("t", "time", "date", "")), target="y")
    assert spoken(evidence(schema=ordered)) == {}


def test_no_better_than_guessing() -> None:
    nothing = (entry("random_forest", 0.69, auc=0.51, recommended=True), DUMMY)
    assert "nothing was learnt" in spoken(evidence(entries=(
        *nothing, entry("logistic", 0.70, auc=0.49))))["better than guessing"]
    sure = (entry("knn", 3.0, auc=0.75), entry("logistic", 0.70, auc=0.75),
            dataclasses.replace(DUMMY, recommended=True))
    assert "too sure of itself" in spoken(evidence(entries=sure))["better than guessing"]
    assert "better than guessing" not in spoken(evidence())


def test_few_rows() -> None:
    assert "repeats=5" in spoken(evidence(rows=200))["few rows"]
    assert spoken(evidence(rows=200, lineage={"repeats": 5})) == {}


def test_accuracy_and_recall_of_a_rare_class() -> None:
    rare: dict[str, Any] = {"supports": (4_750, 250), "recalls": ((0.99, 0.98, 1.0),
                                                                  (0.05, 0.03, 0.08))}
    found = spoken(evidence(**rare))
    assert set(found) == {"a rare class is missed"} and "5.0% of the rows" in found[
        "a rare class is missed"]
    assert "accuracy of a rare class" in spoken(evidence(**rare, metric="accuracy",
                                                         better="higher"))
    assert spoken(evidence(**rare, decided=True)) == {}
    assert spoken(evidence(**{**rare, "recalls": ((0.99, 0.98, 1.0), (0.7, 0.6, 0.8))})) == {}
    assert spoken(evidence(metric="accuracy", better="higher")) == {}
    first = {"supports": (250, 4_750), "recalls": ((0.05, 0.03, 0.08), (0.99, 0.98, 1.0))}
    assert "'no' is 5.0%" in spoken(evidence(**first))["a rare class is missed"]


def test_balanced_rows() -> None:
    assert "wf.treatments" in spoken(evidence(
        lineage={"repeats": 1, "balance": "smote"}))["balanced rows"]


def test_other_families() -> None:
    alone = (entry("decision_tree", 0.4, recommended=True, best=True), DUMMY)
    said = spoken(evidence(entries=alone))["other families"]
    assert "only decision_tree" in said and "svc was best or tied on 5" in said
    variants = (entry("knn", 0.4, recommended=True, best=True), entry("knn_2", 0.41), DUMMY)
    assert "only knn was tried" in spoken(evidence(entries=variants))["other families"]
    assert "other families" not in spoken(evidence())


def test_a_model_that_can_be_read() -> None:
    tied = (FOREST, dataclasses.replace(LOGISTIC, tied=True), DUMMY)
    assert "Use logistic" in spoken(evidence(entries=tied))["a model that can be read"]
    taken = (dataclasses.replace(FOREST, recommended=False),
             dataclasses.replace(LOGISTIC, tied=True, recommended=True), DUMMY)
    assert spoken(evidence(entries=taken)) == {}


def test_an_ensemble_that_is_tied() -> None:
    both = (entry("stacking", 0.39, best=True, recommended=True),
            dataclasses.replace(FOREST, best=False, recommended=False, tied=True), DUMMY)
    assert "Take random_forest alone" in spoken(evidence(entries=both))["is an ensemble worth it"]
    ahead = (both[0], dataclasses.replace(both[1], tied=False), DUMMY)
    assert spoken(evidence(entries=ahead)) == {}


def test_a_penalty() -> None:
    linear = (entry("linear", 0.4, best=True, recommended=True), FOREST_LATER, DUMMY)
    few = evidence(entries=linear, rows=600, features=200)
    assert "'ridge', 'lasso'" in spoken(few)["a penalty"]
    alike = dataclasses.replace(few, together=("x", "z", 0.95))
    assert "elastic_net" in spoken(alike)["a penalty"] and "+0.95" in spoken(alike)["a penalty"]
    assert "a penalty" not in spoken(dataclasses.replace(few, rows=6_000))
    tried = dataclasses.replace(few, entries=(*linear, entry("ridge", 0.41)))
    assert "a penalty" not in spoken(tried)


FOREST_LATER = entry("random_forest", 0.6)


def test_a_grid_of_three_parameters() -> None:
    grid = tuple(entry(f"hist_gradient_boosting_{at}", 0.5, params=dict(zip("abc", each,
                                                                            strict=True)))
                 for at, each in enumerate(itertools.product([1, 2], [1, 2], [1, 2]), 2))
    base = (FOREST, LOGISTIC, DUMMY)
    assert "at random" in spoken(evidence(entries=(*base, *grid)))["grid or random"]
    assert spoken(evidence(entries=(*base, *grid[:-1]))) == {}, "that is no grid"
    two = tuple(dataclasses.replace(each, params={**each.params, "c": 1}) for each in grid[::2])
    assert spoken(evidence(entries=(*base, *two))) == {}, "two parameters: a grid is right"


def test_a_tie_that_loses_much_is_no_reason_to_change() -> None:
    """Where a few wild rows make intervals wide, a much worse model may be tied."""
    forest, base = FOREST, dataclasses.replace(DUMMY, difference={"value": 0.30})
    wild = entry("gaussian_nb", 0.9, tied=True, difference={"value": 0.5})
    assert "a model that can be read" not in spoken(evidence(entries=(forest, wild, base)))
    near = entry("logistic", 0.401, tied=True, difference={"value": 0.001})
    assert "Use logistic" in spoken(evidence(entries=(forest, near, base)))[
        "a model that can be read"]


def test_more_time() -> None:
    """The later half of the models tells; without their record the old rule speaks."""
    stored = {"models": 12, "earlier": 6, "waiting": 9, "metric": "log_loss", "gain": 0.004,
              "low": 0.001, "high": 0.007}
    skipped = Entry(model="svc", params={}, status="skipped", reason="no turn")

    def told(**changes: Any) -> dict[str, str]:
        lineage = {"repeats": 1, "budget": "60s", "progress": {**stored, **changes}}
        return spoken(evidence(entries=(FOREST, LOGISTIC, DUMMY, skipped), lineage=lineage))

    assert "Give it more to spend" in told()["more time"]
    assert "0.004 [0.001, 0.007]" in told()["more time"]
    standing = told(gain=0.001, low=-0.001, high=0.003)
    assert "rather than for more time" in standing["more time"]
    assert told(waiting=0) == {}
    assert set(told(gain="much")) == {"stopped by the budget"}  # damaged: as if it were not there
    sampled = {"repeats": 1, "progress": stored, "decided": {"share": 0.2}}
    said = spoken(evidence(entries=(FOREST, LOGISTIC, DUMMY, skipped), lineage=sampled))
    assert "learnt from 20% of the rows" in said["more time"]


def test_stopped_by_the_budget() -> None:
    stopped = Entry(model="svc", params={}, status="stopped", reason="its time was up")
    found = spoken(evidence(entries=(FOREST, LOGISTIC, DUMMY, stopped)))
    assert "svc" in found["stopped by the budget"] and "60s" in found["stopped by the budget"]


def test_models_cut_short_were_tried_all_the_same() -> None:
    chosen = entry("logistic", 0.5, best=True, recommended=True)
    part = entry("random_forest", 0.6, status="stopped", reason="3 of 5 folds fitted the budget")
    late = Entry(model="lightgbm", params={}, status="skipped", reason="the budget was spent")
    found = spoken(evidence(entries=(chosen, part, DUMMY, late)))
    assert set(found) == {"stopped by the budget"}
    assert "random_forest (3 of 5 folds" in found["stopped by the budget"]
    assert "lightgbm" in found["stopped by the budget"]
    assert "only logistic" in spoken(evidence(entries=(chosen, DUMMY)))["other families"]
    useless = entry("logistic", 0.69, auc=0.5, recommended=True)
    told = spoken(evidence(entries=(useless, part, DUMMY)))
    assert "better than guessing" not in told, "the one cut short is better than the baseline"


def test_the_gap_between_training_and_validation() -> None:
    tree = (entry("decision_tree", 0.6, best=True, recommended=True), LOGISTIC, DUMMY)
    own = score(0.05)
    said = spoken(evidence(entries=tree, own=own))["training against validation"]
    assert "wf.cures" in said and "3 of 3" in said
    assert spoken(evidence(own=own)) == {}, "a forest has a gap always, and no cure helped"
    assert "training against validation" not in spoken(evidence(entries=tree, own=score(0.59)))


def test_records_of_cures_curves_and_audits() -> None:
    verdict = SimpleNamespace(kind="overfitting", said="train 0.9, validation 0.7")
    cure = SimpleNamespace(write="knn(k=15)", words="k=15", span="0.05 [0.02, 0.08]", helped=True)
    cures: Any = SimpleNamespace(verdict=verdict, helped=(cure,), metric="log_loss", forecast=None,
                                 better="lower")
    assert "knn(k=15)" in spoken(evidence(cures=cures))["cures"]
    cures.helped = ()
    assert spoken(evidence(cures=cures)) == {}
    verdict.kind = "underfitting"
    assert "do not train longer" in spoken(evidence(cures=cures))["underfitting"]
    forecast = SimpleNamespace(rows=10_000, gain=-0.02, gain_low=-0.03, gain_high=-0.01)
    curve: Any = SimpleNamespace(verdict=None, forecast=forecast, better="lower")
    assert "10,000 instead of 5,000" in spoken(evidence(curve=curve))["more rows"]
    forecast.gain_high = 0.01
    assert spoken(evidence(curve=curve)) == {}
    part, one = SimpleNamespace(name="sex", by=("sex",)), SimpleNamespace(said="impact 0.5")
    audit: Any = SimpleNamespace(unequal=((part, one),))
    assert "wf.mitigate" in spoken(evidence(audit=audit))["groups of people"]
    audit.unequal = ()
    assert spoken(evidence(audit=audit)) == {}


def test_every_rule_was_seen_to_speak_and_rests_on_a_claim() -> None:
    """A rule without a test above, or without a row in the table of claims, does not pass."""
    text = Path(__file__).read_text()
    claims = "".join(path.read_text() for path in CLAIMS.glob("*.py"))
    for rule in RULES:
        assert f'["{rule.name}"]' in text or f'"{rule.name}"' in text, rule.name
        for each in rule.checked.split("; "):
            if each[:2].isupper() or each[0] in "BW":
                assert f'@claim("{each}"' in claims, f"{rule.name} rests on {each}"


def test_records_tell_themselves() -> None:
    found = advise(evidence(rows=100))
    assert json.loads(json.dumps(found.to_json()))["advice"][0]["rule"] == "few rows"
    assert found.table().height == 1 and advise(evidence()).table().height == 0
    assert "1. Repeat" in found.to_text()
    assert family(Entry(model="knn_12", params={})) == "knn"
    assert family(Entry(model="random_forest", params={})) == "random_forest"
    assert family(Entry(model="logistic, thresholds", params={})) == "logistic"


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers(bad: float) -> None:
    broken = entry("random_forest", bad, best=True, recommended=True)
    advise(evidence(entries=(broken, LOGISTIC, DUMMY), own=score(np.float64(bad))))
    advise(evidence(entries=(broken,), supports=(0, 0)))
