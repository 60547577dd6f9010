"""`result.diagnose`, `wf.compare`, abstention and calibration by group, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api.diagnosing import Diagnosis, of_fit
from wholefit.base.errors import DataError, ParameterError, StateError, UnknownNameError
from wholefit.evaluation.failures import checked

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def table(n: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    x, kind = random.normal(size=n), random.choice(["plain", "odd"], n, p=[0.8, 0.2])
    chance = 1 / (1 + np.exp(-3 * x))
    chance = np.where(kind == "odd", 0.5, chance)
    return pl.DataFrame({
        "x": x, "kind": kind, "person": [f"Person {at} of {seed}" for at in range(n)],
        "day": np.arange(n), "bought": np.where(random.random(n) < chance, "yes", "no")})


@pytest.fixture(scope="module")
def results() -> tuple[wf.Result, wf.Result]:
    rows = table(1_500, 0).drop("day", "person")
    made = [wf.fit(rows.drop("kind"), target="bought", models=["logistic", "decision_tree"],
                   checks=False, seed=seed) for seed in (0,)]
    other = wf.fit(rows, target="bought", models="decision_tree", checks=False)
    return made[0], other


@pytest.fixture(scope="module")
def held() -> pl.DataFrame:
    return table(2_000, 1)


def test_a_column_that_was_not_learnt_from_shows_where_it_fails(
    results: tuple[wf.Result, wf.Result], held: pl.DataFrame, tmp_path: Path
) -> None:
    found = results[0].diagnose(held, by="kind", time="day")
    assert isinstance(found, Diagnosis) and found.worst.slices[0].name.startswith("kind = odd")
    assert found.groups and found.groups.worse[0].where == {"kind": "odd"}
    assert "Person" not in json.dumps(found.to_json()) and found.over_time is not None
    page = found.report(tmp_path / "where.html")
    assert "Person" not in page.read_text() and "kind = odd" in page.read_text()
    assert "kind = odd" in found._repr_html_()
    named = results[0].diagnose(held, show=["person"])
    assert "Person" in json.dumps(named.to_json())


def test_a_loaded_model_diagnoses_the_same(
    results: tuple[wf.Result, wf.Result], held: pl.DataFrame, tmp_path: Path
) -> None:
    loaded = wf.load(results[0].save(tmp_path / "m.wf"))
    assert loaded.diagnose(held).to_json() == results[0].diagnose(held).to_json()


def test_out_of_fold_answers_make_what_a_file_keeps(results: tuple[wf.Result, wf.Result]) -> None:
    from wholefit.data import conforming

    result = results[0]
    rows = table(1_500, 0).drop("day")
    run = result._run
    assert run is not None
    asked = conforming(rows, result.schema, with_target=True)
    stored = of_fit(result._fitted, run.truth, run.oof[run.chosen.model], asked)
    back = checked(json.loads(json.dumps(stored)))
    assert back is not None and back.rows == 1_500 and "Person" not in json.dumps(stored)


def test_what_does_not_allow_for_groups_and_weights_is_said() -> None:
    rows = table(400, 3).drop("day", "person").with_columns(
        pl.Series("who", np.arange(400) // 4), pl.Series("heavy", np.arange(400) % 3 + 1.0))
    plain = wf.fit(rows.drop("who", "heavy"), target="bought", models="logistic", jobs=1)
    assert plain.diagnose(rows.drop("who", "heavy")).notes == ()
    both = wf.fit(rows, target="bought", models="logistic", jobs=1, groups="who", weights="heavy")
    found = both.diagnose(rows)
    assert len(found.notes) == 2 and all(each in found.to_text() for each in found.notes)
    assert "too narrow" in found._repr_html_() and "count each row once" in found._repr_html_()


def test_costs_and_thresholds(results: tuple[wf.Result, wf.Result], held: pl.DataFrame) -> None:
    found = results[0].diagnose(held, costs={"yes": 10, "no": 1})
    assert found.costs and found.costs.miss == 10 and found.costs.best < 0.3
    assert found.costs.worth_moving and "Move the threshold" in found.to_text()
    three = pl.DataFrame({"x": np.arange(90.0), "y": ["a", "b", "c"] * 30})
    several = wf.fit(three, target="y", models="logistic", jobs=1)
    with pytest.raises(ParameterError, match="with_threshold"):
        several.diagnose(three, costs={"a": 10, "b": 1, "c": 1})
    moved = results[0].with_threshold(0.1).diagnose(held, costs={"yes": 10, "no": 1})
    assert moved.costs and moved.costs.now == 0.1


def test_rows_without_a_target_keep_their_numbers(results: tuple[wf.Result, wf.Result]) -> None:
    rows = table(300, 2)
    gone = rows.with_columns(pl.when(pl.int_range(300) < 40).then(None).otherwise(
        pl.col("bought")).alias("bought"))
    examples = [each for cell in results[0].diagnose(gone).cells for each in cell.examples]
    assert min(each.row for each in examples) > 40
    first = examples[0]
    assert str(rows["bought"][first.row - 1]) == first.truth


def test_abstaining(results: tuple[wf.Result, wf.Result], held: pl.DataFrame) -> None:
    point = results[0].diagnose(held).abstain(0.2)
    fresh = table(4_000, 3)
    said = results[0].predict_sure(fresh, least=point.least)
    kept = said["prediction"].is_not_null()
    wrong = (said["prediction"] != fresh["bought"]).filter(kept).mean()
    assert 0.3 < kept.mean() < 1 and wrong < 0.22
    assert said["confidence"].filter(kept).min() >= point.least
    both = results[0].answers(fresh[:5], least=0.9, level=0.9)
    assert {"prediction", "confidence", "set"} <= set(both.columns)
    assert results[0].answers(fresh[:5]).columns.count("prediction") == 1
    with pytest.raises(ParameterError, match="probability"):
        results[0].predict_sure(fresh, least=2)


def test_calibrated_by_group(
    results: tuple[wf.Result, wf.Result], held: pl.DataFrame, tmp_path: Path
) -> None:
    plain = results[0].coverage(held, by="kind")
    assert plain["odd"]["coverage"].value < 0.8 < plain["plain"]["coverage"].low
    own = results[0].calibrated(table(1_500, 5), by="kind")
    again = wf.load(own.save(tmp_path / "g.wf"))
    for each in (own, again):
        found = each.coverage(held, by="kind")
        assert all(abs(found[name]["coverage"].value - 0.9) < 0.05 for name in ("odd", "plain"))
    assert again.predict_set(held).equals(own.predict_set(held))
    with pytest.raises(UnknownNameError):
        results[0].calibrated(held, by="kin")


def test_compare_more_than_two_and_within_a_margin(
    results: tuple[wf.Result, wf.Result], held: pl.DataFrame
) -> None:
    a, b = results
    assert wf.compare(a, b, held).better in ("a", "b", "tied")
    assert wf.compare(a, b, held_out=held) == wf.compare(a, b, held)
    found = wf.compare(a, b, a, held, margin=0.05, names=["one", "two", "three"])
    same = next(pair for pair in found.pairs if (pair.a, pair.b) == ("one", "three"))
    assert same.equivalence.equal and same.better == "tied" and len(found.pairs) == 3
    board = wf.compare(a)
    assert {"logistic", "decision_tree"} <= set(board.scores)
    assert all(pair.folds is not None and pair.mcnemar is not None for pair in board.pairs)
    with pytest.raises(DataError, match="different words"):
        wf.compare(a, b, held, names=["x", "x"])


def test_what_cannot_be_asked_is_said(
    results: tuple[wf.Result, wf.Result], held: pl.DataFrame, tmp_path: Path
) -> None:
    a = results[0]
    with pytest.raises(UnknownNameError, match="kind"):
        a.diagnose(held, by="kindd")
    with pytest.raises(DataError, match="dates, times or numbers"):
        a.diagnose(held, time="kind")
    with pytest.raises(ParameterError, match="examples"):
        a.diagnose(held, examples=-1)
    with pytest.raises(DataError):
        a.diagnose(held[:0])
    assert a.diagnose(held[:1]).to_text() and a.diagnose(held[:3]).worst.skipped
    with pytest.raises(StateError, match="file does not keep"):
        wf.compare(wf.load(a.save(tmp_path / "m.wf")))
