"""A cleaning recipe inside a fit: learnt in each fold, replayed at prediction, never dropping a
question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, SchemaError, UnknownNameError
from wholefit.data import dataset_of
from wholefit.data.clean import Recipe
from wholefit.data.splits import kfold
from wholefit.data.table import Table
from wholefit.models import make
from wholefit.training import _cleaning
from wholefit.training._folds import Problem, fit_one

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
QUICK: dict[str, Any] = {"models": "logistic", "choose": "best", "jobs": 1, "folds": 3,
                         "checks": False}
STEPS: list[dict[str, Any]] = [
    {"do": "whitespace"}, {"do": "case", "columns": ["town"]},
    {"do": "replace", "values": [-999]},
    {"do": "derive", "column": "rate", "formula": "spent / (age + 1)"},
    {"do": "deduplicate", "keys": ["id"]},
    {"do": "outliers", "columns": ["spent"]},
    {"do": "indicator", "columns": ["age"]},
    {"do": "fill_iterative", "columns": ["age", "spent", "rate"], "rounds": 3},
    {"do": "fill", "strategy": "mode", "columns": ["town"]},
    {"do": "filter", "where": "spent < 1000000"},
]


def table(rows: int = 240, seed: int = 0) -> pl.DataFrame:
    """Damaged rows: spaces, capitals, stand-ins, far values, gaps, and ten rows twice."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, rows).round(1)
    spent = (age * 3 + rng.normal(0, 8, rows)).round(1)
    y = np.where(age + rng.normal(0, 6, rows) > 40, "yes", "no")
    town = rng.choice(["Ely", "ely", " Wells", "Wells", None], rows)
    spent[rng.choice(rows, 6, replace=False)] = 9999.0
    age[rng.choice(rows, 20, replace=False)] = -999
    frame = pl.DataFrame({"id": [f"r{i:04d}" for i in range(rows)], "age": age, "spent": spent,
                          "town": town.tolist(), "y": y})
    gaps = pl.Series(rng.random(rows) < 0.1)
    frame = frame.with_columns(spent=pl.when(gaps).then(None).otherwise(pl.col("spent")))
    return pl.concat([frame, frame[:10]])


def problem_of(frame: pl.DataFrame, recipe: Recipe) -> Problem:
    """The inside of a fit, without a search."""
    given, clean = _cleaning.prepare(Table(frame, "t", "polars"), recipe, {"target": "y"})
    dataset = dataset_of(given.frame, target="y")
    task = tasks.get("classification")
    codec = task.codec("y", dataset.target_values(), None)
    y = dataset.target(codec)
    plan = kfold(dataset, y, folds=3, seed=0, stratify=True)
    return Problem(dataset, task, y, 2, plan, None, 1, 0, {}, clean=clean)


def test_a_loaded_model_answers_the_same_and_every_row(tmp_path: Path) -> None:
    result = wf.fit(table(), target="y", clean=STEPS, **QUICK)
    new = table(60, seed=1).drop("y")
    answers = result.answers(new)
    assert answers.height == new.height == 70, "no question goes without its answer"
    result.save(tmp_path / "m.wf")
    loaded = wf.load(tmp_path / "m.wf")
    assert loaded.answers(new).equals(answers)
    alone = pl.concat([loaded.answers(new[i:i + 1]) for i in range(12)])
    last = answers.columns[-1]
    np.testing.assert_allclose(alone[last].to_numpy(), answers[last][:12].to_numpy(), atol=1e-9)
    assert loaded.lineage["clean"]["step"][0] == {"do": "whitespace"}
    assert any("deduplicate" in note.message and "10 rows left out" in note.message
               for note in loaded.notes)


def test_the_fold_does_not_depend_on_its_test_rows() -> None:
    frame, recipe = table(), Recipe.of(STEPS)
    problem = problem_of(frame, recipe)
    train, test = problem.plan.folds[0]
    other = frame.to_dict(as_series=False)
    for row in test.tolist():  # what no training row holds
        other["age"][row], other["spent"][row] = 1e6, -1e6
        other["town"][row], other["id"][row] = "Ely", "r0001"
    changed = problem_of(pl.DataFrame(other, schema=frame.schema), recipe)
    made, again = (
        fit_one(each, make("logistic"), train, 0) for each in (problem, changed))
    assert made.replay is not None and again.replay is not None
    for mine, theirs in zip(made.replay.within.learnt, again.replay.within.learnt, strict=True):
        assert mine.config == theirs.config
        for name, array in mine.arrays.items():
            np.testing.assert_array_equal(array, theirs.arrays[name])
    np.testing.assert_array_equal(made.estimator.coef_, again.estimator.coef_)


def test_rows_are_left_out_of_training_rows_only() -> None:
    problem = problem_of(table(), Recipe.of(STEPS))
    train, test = problem.plan.folds[1]
    dataset, kept, _ = _cleaning.of_fold(problem, train, 1)
    assert kept is not None and set(kept) < set(train.tolist())
    assert len(dataset) == len(problem.y) == 250
    both = set(range(10)) & set(train.tolist()), {i - 240 for i in train if i >= 240}
    assert len(train) - len(kept) >= len(both[0] & both[1])
    result = wf.fit(table(), target="y", clean=STEPS, **QUICK)
    assert result._run is not None
    assert np.isfinite(result._run.oof["logistic"]).all(), "every row is scored, dropped or not"
    assert not dataset.frame["age"].gather(test).is_null().any(), "test rows are filled too"


def test_learnt_numbers_are_those_of_the_training_rows() -> None:
    frame = table()
    recipe = Recipe.of([{"do": "fill", "columns": ["spent"]}])
    problem = problem_of(frame, recipe)
    seen = set()
    for number, (train, _) in enumerate(problem.plan.folds):
        _, _, replay = _cleaning.of_fold(problem, train, number)
        assert replay is not None
        learnt = replay.within.learnt[0].config["fills"][0]
        assert learnt == frame["spent"].gather(train).median()
        seen.add(learnt)
    assert len(seen) > 1


def test_fixed_steps_are_replayed_before_new_rows_conform() -> None:
    frame = table().rename({"town": "Town of Birth"})
    steps = [{"do": "rename", "names": {"Town of Birth": "town"}}, {"do": "whitespace"},
             {"do": "numbers", "columns": ["pay"]}]
    frame = frame.with_columns(pay=pl.Series([f"${i:,}.50" for i in range(1000, 1250)]))
    result = wf.fit(frame, target="y", clean=steps, **QUICK)
    assert result.schema.role("pay") == "numeric" and "town" in result.schema.features
    answers = result.predict(frame.drop("y").to_dict(as_series=False))
    assert len(answers["prediction"]) == len(frame)
    with pytest.raises(SchemaError, match="town"):
        result.predict(frame.drop("Town of Birth"))


def test_what_a_formula_needs_is_named_when_it_is_absent() -> None:
    result = wf.fit(table(), target="y", clean=STEPS, **QUICK)
    with pytest.raises(SchemaError, match=r"step 4 \(derive\).*'spent'"):
        result.predict(table(20).drop("spent", "y"))


def test_labels_may_be_tidied_and_are_never_made_up() -> None:
    frame = table().with_columns(
        y=pl.Series([f" {word.upper()}" if i % 3 else word for i, word in enumerate(table()["y"])]))
    tidy = [{"do": "whitespace"}, {"do": "case", "columns": ["y"]}]
    result = wf.fit(frame, target="y", clean=tidy, **QUICK)
    assert result.classes == ("no", "yes")
    assert set(result.evaluate(frame)) >= {"accuracy"}
    with pytest.raises(ParameterError, match="makes up no answers"):
        wf.fit(frame, target="y", clean=[{"do": "fill", "strategy": "mode", "columns": ["y"]}])
    with pytest.raises(ParameterError, match="put steps on the target first"):
        wf.fit(frame, target="y", clean=[{"do": "deduplicate"}, *tidy])
    with pytest.raises(ParameterError, match="not known when it is to be predicted"):
        wf.fit(frame, target="age", clean=[
            {"do": "derive", "column": "twice", "formula": "age * 2"}], **QUICK)


def test_a_target_that_is_computed_is_passed_over_where_it_is_unknown() -> None:
    frame = table().with_columns(price=pl.Series(np.exp(np.linspace(1, 3, 250))))
    steps = [{"do": "derive", "column": "log_price", "formula": "log(price)"},
             {"do": "drop", "columns": ["price"]}]
    result = wf.fit(frame, target="log_price", clean=steps, **{**QUICK, "models": "ridge"})
    assert len(result.predict(frame.drop("price"))) == 250
    assert result.evaluate(frame)["rmse"].value < 2


def test_a_wrong_recipe_is_refused_before_the_search() -> None:
    frame = table()
    with pytest.raises(UnknownNameError, match=r"step 1 .*fill.*'spend'.*'spent'"):
        wf.fit(frame, target="y", clean=[{"do": "fill", "columns": ["spend"]}], **QUICK)
    with pytest.raises(DataError, match="leaves no rows"):
        wf.fit(frame, target="y", clean=[{"do": "filter", "where": "age > 500"}], **QUICK)
    with pytest.raises(DataError, match="a class without training rows"):
        wf.fit(frame, target="y", clean=[{"do": "filter", "where": "y == 'yes'"}], **QUICK)
    with pytest.raises(UnknownNameError, match="step 1: no cleaning step"):
        wf.fit(frame, target="y", clean=[{"do": "fil"}], **QUICK)


def test_text_made_numbers_after_rows_were_left_out_is_learnt_as_numbers() -> None:
    frame = table().with_columns(pay=pl.Series([f"{i % 40} kg" for i in range(250)]))
    steps = [{"do": "deduplicate", "keys": ["id"]}, {"do": "numbers", "columns": ["pay"]}]
    result = wf.fit(frame, target="y", clean=steps, **QUICK)
    assert result._fitted.replay.schema.role("pay") == "numeric"
    assert len(result.predict(frame.drop("y"))) == 250


def test_the_model_fits_in_another_process_too() -> None:
    here = wf.fit(table(), target="y", clean=STEPS, **QUICK)
    apart = wf.fit(table(), target="y", clean=STEPS, memory="2GB", **QUICK)
    new = table(40, seed=2).drop("y")
    assert apart.answers(new).equals(here.answers(new))


def test_update_learns_rows_as_the_recipe_makes_them() -> None:
    result = wf.fit(table(), target="y", clean=STEPS, **{**QUICK, "models": "sgd"})
    more = table(80, seed=3)
    assert len(result.update(more).predict(more.drop("y"))) == 90
