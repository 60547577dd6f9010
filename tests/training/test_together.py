"""Options of a fit in company: what each does alone must hold when they are combined."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.data import load
from wholefit.data.clean import Recipe
from wholefit.data.splits import kfold
from wholefit.data.table import Table
from wholefit.models import make
from wholefit.report import _command
from wholefit.training import _cleaning, imbalance
from wholefit.training._folds import Problem, fit_one
from wholefit.training.balance import calibrating

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
QUICK: dict[str, Any] = {"target": "y", "models": "logistic", "choose": "best", "jobs": 1,
                         "folds": 3, "checks": False}
STEPS: list[dict[str, Any]] = [
    {"do": "whitespace"}, {"do": "outliers", "columns": ["b"]}, {"do": "fill", "columns": ["a"]},
    {"do": "filter", "where": "e < 1.5"},
]


def table(rows: int = 240, seed: int = 0, kind: str = "binary") -> pl.DataFrame:
    """Numbers with gaps and far values, categories of few and many levels, groups, time."""
    rng = np.random.default_rng(seed)
    a, b, e = rng.normal(size=rows), rng.exponential(size=rows), rng.normal(size=rows)
    c = rng.choice(["x", "y", "z"], rows)
    signal = 2 * a + (c == "x") + rng.normal(size=rows)
    y: Any = np.where(signal > 1.5, "yes", "no")
    if kind == "classes":
        y = np.array(["low", "mid", "top"])[np.digitize(signal, [0, 2])]
    if kind == "numbers":
        y = signal
    gaps = np.where(rng.random(rows) < 0.1, np.nan, a)
    frame = pl.DataFrame({"a": gaps, "b": b, "c": c, "e": e, "y": y,
                          "d": rng.choice([f"L{i}" for i in range(15)], rows),
                          "g": rng.integers(0, 40, rows),
                          "t": rng.permutation(rows) * 86_400_000_000,
                          "w": rng.integers(1, 4, rows).astype(float)})
    return frame.with_columns(pl.col("a").fill_nan(None), pl.col("t").cast(pl.Datetime("us")))


def problem_of(frame: pl.DataFrame, kind: str, special: dict[str, str]) -> Problem:
    """The inside of a fit with every option that learns from rows."""
    given, clean = _cleaning.prepare(
        Table(frame, "t", "polars"), Recipe.of(STEPS), {"target": "y", **special})
    dataset = load(given.frame, target="y", **special)
    task = tasks.get("regression" if kind == "numbers" else "classification")
    codec = task.codec("y", dataset.target_values(), None)
    y = dataset.target(codec)
    plan = kfold(dataset, y, folds=3, repeats=1 if "time" in special else 2, seed=0,
                 stratify=task.stratified)
    weights = dataset.telling_weights()
    treated = None if kind == "numbers" else imbalance.asked_for(
        task, codec, y, weights, way="smote", threshold="f1" if kind == "binary" else None)
    steps = (wf.feature("target", ["d"]), wf.feature("bins", ["e"]))
    return Problem(dataset, task, y, len(getattr(codec, "classes", ())), plan, weights, 1, 0,
                   {"select": "f", "pca": 3}, steps, treated, clean=clean)


@pytest.mark.parametrize("special", [
    {"weights": "w"}, {"groups": "g"}, {"time": "t"}], ids=["weights", "groups", "time"])
@pytest.mark.parametrize("kind", ["binary", "classes", "numbers"])
def test_no_fold_learns_from_its_test_rows(kind: str, special: dict[str, str]) -> None:
    frame = table(kind=kind)
    problem = problem_of(frame, kind, special)
    train = problem.plan.folds[-1][0]
    other = frame.to_dict(as_series=False)
    values = sorted(set(other["y"])) if kind != "numbers" else [1e6]
    for row in np.setdiff1d(np.arange(len(frame)), train).tolist():
        other["a"][row], other["b"][row], other["e"][row] = 1e4 * row, -1e5, 0.5
        other["c"][row], other["d"][row] = "x", "L1"
        other["y"][row] = values[row % len(values)]
    changed = problem_of(pl.DataFrame(other, schema=frame.schema), kind, special)
    changed.plan = problem.plan
    assert not np.array_equal(changed.y, problem.y)
    model = make("ridge" if kind == "numbers" else "logistic")
    answers = []
    for each in (problem, changed):
        made = fit_one(each, model, train, 0)
        X = made.encoder.transform(made.dataset, train)
        answers.append(made.model.answer(made.estimator, X, each.task, made.context))
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("groups", [2, 3, 4])
def test_resampling_with_few_groups_fits(groups: int) -> None:
    frame = table().with_columns(g=pl.arange(0, 240) % groups)
    for way in ("smote", "over"):
        board = wf.fit(frame, groups="g", balance=way, **QUICK).leaderboard
        assert {entry.status for entry in board} == {"ok"}, [e.reason for e in board]


def test_inner_folds_of_units_are_never_empty() -> None:
    for count in (1, 2, 3, 7):
        units = np.repeat(np.arange(count), 6)
        found = list(calibrating.parts(np.zeros(6 * count, dtype=int), units, 3,
                                       np.random.default_rng(0)))
        assert len(found) == min(3, count)
        assert all(len(asked) for _, asked in found)
        assert np.array_equal(np.sort(np.concatenate([asked for _, asked in found])),
                              np.arange(6 * count))


def test_costs_are_scored_where_they_were_stated_and_nowhere_else() -> None:
    new = table(80, seed=1)
    balanced = wf.fit(table(), balance="over", **QUICK)
    assert balanced.decision is not None and "expected_cost" not in balanced.evaluate(new)
    stated = wf.fit(table(), costs={"yes": 5}, threshold=0.3, **QUICK)
    cost = stated.evaluate(new)["expected_cost"].value
    truth = (new["y"] == "yes").to_numpy()
    said = (stated.predict(new.drop("y"))["prediction"] == "yes").to_numpy()
    assert cost == pytest.approx(float((5 * (truth & ~said) + (~truth & said)).mean()))
    assert next(iter(stated.evaluate(new, metric="cost"))) == "expected_cost"
    assert wf.compare(stated, balanced, new, metric="cost").metric == "expected_cost"
    assert wf.compare(balanced, stated, new, metric="cost").metric == "expected_cost"
    with pytest.raises(ParameterError, match="no costs were stated"):
        balanced.evaluate(new, metric="cost")


def test_another_threshold_when_models_were_compared_by_what_hangs_on_it(tmp_path: Path) -> None:
    by_cost = wf.fit(table(), metric="cost", costs={"yes": 5}, **QUICK)
    by_accuracy = wf.fit(table(), metric="accuracy", **QUICK)
    for result in (by_cost, wf.load(by_cost.save(tmp_path / "c.wf")),
                   wf.load(by_accuracy.save(tmp_path / "a.wf"))):
        changed = result.with_threshold(0.3)
        assert changed.leaderboard.metric == "log_loss" and np.isfinite(changed.score.value)
        assert "log_loss" in repr(changed) and str(changed.leaderboard)
        assert "0.3" in changed.report(tmp_path / "r.html", force=True).read_text()
    assert by_accuracy.with_threshold(0.3).leaderboard.metric == "accuracy"


def test_another_threshold_scores_every_metric_anew() -> None:
    plain = wf.fit(table(), metric="mcc", **QUICK)
    assert plain.with_threshold(0.9).scores["mcc"].value != plain.scores["mcc"].value
    given = wf.fit(table(), metric="mcc", threshold=0.9, **QUICK)
    assert plain.with_threshold(0.9).scores["mcc"].value == given.scores["mcc"].value


def test_an_update_is_scored_as_it_decides_and_learns_what_the_recipe_lets_it() -> None:
    more = table(120, seed=3)
    options = {**QUICK, "models": "gaussian_nb"}
    made = wf.fit(table(), metric="cost", costs={"yes": 5}, **options)
    assert made.model == "gaussian_nb"
    updated = made.update(more)
    assert updated.score == made.evaluate(more)["expected_cost"]
    assert updated.scores["accuracy"].value == made.evaluate(more)["accuracy"].value
    cleaned = wf.fit(table(), clean=STEPS, **options)
    assert cleaned.model == "gaussian_nb"
    kept = more.filter(pl.col("e") < 1.5)
    assert kept.height < more.height
    of_all, of_kept = cleaned.update(more), cleaned.update(kept)
    assert of_all.answers(more).equals(of_kept.answers(more))
    assert not of_all.answers(more).equals(cleaned.answers(more))
    with pytest.raises(DataError, match="none of these rows"):
        cleaned.update(more.with_columns(e=pl.lit(2.0)))


def test_the_baseline_of_a_balanced_fit_is_the_plain_one() -> None:
    options = {**QUICK, "metric": "accuracy"}
    plain, balanced = wf.fit(table(), **options), wf.fit(table(), balance="weights", **options)
    mine, theirs = (next(entry for entry in result.leaderboard if entry.model == "dummy")
                    for result in (balanced, plain))
    assert mine.scores == theirs.scores
    alone = wf.fit(table(), balance="weights", **{**options, "models": "dummy"})
    assert alone.decision is None
    assert set(alone.predict(table().drop("y"))["prediction"]) == {"no"}


def test_models_that_are_not_asked_the_same_are_not_compared() -> None:
    frame = table(kind="numbers")
    mark = [{"do": "replace", "columns": ["y"], "values": [-999.0]}]
    options = {**QUICK, "models": "ridge"}
    plain, marked = wf.fit(frame, **options), wf.fit(frame, clean=mark, **options)
    new = table(60, seed=1, kind="numbers")
    assert wf.compare(plain, marked, new).better == "tied"
    new = new.with_columns(y=pl.when(pl.arange(0, 60) == 7).then(-999.0).otherwise(pl.col("y")))
    with pytest.raises(DataError, match="otherwise"):
        wf.compare(plain, marked, new)


def test_the_told_command_names_every_option_and_makes_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    table().write_csv("my rows.csv")
    result = wf.fit(
        "my rows.csv", **QUICK, clean=STEPS, features={"select": "f", "pca": 3}, groups="g",
        transformers=[wf.feature("target", ["d"]), wf.feature("bins", ["e"])], weights="w",
        balance="smote(ratio=0.5)", costs={"yes": {"no": 5}}, threshold="cost", metric="cost")
    assert _command.foreign(result) == []
    again = eval(_command.python(result) or "", {"wf": wf})
    new = table(50, seed=4).drop("y")
    assert again.answers(new).equals(result.answers(new))
    shell = _command.shell(wf.load(result.save("m.wf"))) or ""
    *files, line = shell.split("\nEND\n")
    for text in files:
        head, _, body = text.partition("\n")
        Path(head.split(" ")[2]).write_text(body + "\n")
    words = shlex.split(line.replace("\\\n", ""))[2:]
    from wholefit.cli import _app

    assert _app.run(["fit", *words, "--out", "again.wf", "--quiet"]) == 0
    assert wf.load("again.wf").answers(new).equals(result.answers(new))


@pytest.mark.parametrize("word", [
    {"balance": "over"}, {"costs": {"a": 5}}, {"threshold": 0.5}, {"metric": "cost"}])
def test_numbers_refuse_what_is_of_classes(word: dict[str, Any]) -> None:
    with pytest.raises((ParameterError, UnknownNameError)) as error:
        wf.fit(table(kind="numbers"), **{**QUICK, "models": "ridge", **word})
    assert str(error.value).endswith(".") and "\n" not in str(error.value)
