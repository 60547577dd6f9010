"""The face: fit, predict, evaluate, save, load, compare, adopt, update."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import wholefit as wf
from wholefit.data import bundled

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    whole = wf.read(bundled.path("telco_churn")).frame
    return whole.with_columns(customer=pl.format("C-{}", pl.int_range(pl.len()) + 10_000))


@pytest.fixture(scope="module")
def result(frame: pl.DataFrame) -> wf.Result:
    return wf.fit(frame.head(2000), target="churn", models="logistic, decision_tree(max_depth=5)",
                  jobs=1)


def test_a_result_tells_what_it_is(result: wf.Result) -> None:
    assert result.task == "classification" and result.target == "churn"
    assert result.classes == ("No", "Yes")
    assert result.score.low < result.score.value < result.score.high
    assert {"accuracy", "roc_auc", "f1"} <= set(result.scores)
    assert "recommended" in str(result.leaderboard)
    assert "churn" in repr(result)
    assert result.schema.role("customer") == "identifier"


@pytest.mark.parametrize("guest", ["polars", "pandas", "arrow", "dict", "file"])
def test_answers_come_back_in_the_frame_asked(
    result: wf.Result, frame: pl.DataFrame, guest: str, tmp_path: Path
) -> None:
    part = frame[2000:2010].drop("churn")
    given: Any = part
    if guest == "pandas":
        given = pd.DataFrame(part.to_dict(as_series=False), index=range(50, 60))
    elif guest == "arrow":
        given = part.to_arrow()
    elif guest == "dict":
        given = part.to_dict(as_series=False)
    elif guest == "file":
        part.write_csv(tmp_path / "new.csv")
        given = tmp_path / "new.csv"
    labels, chances = result.predict(given), result.predict_proba(given)
    kinds = {"pandas": pd.DataFrame, "dict": dict, "polars": pl.DataFrame, "file": pl.DataFrame}
    if guest in kinds:
        assert isinstance(labels, kinds[guest])
    if guest == "pandas":
        assert list(labels.index) == list(range(50, 60))
    columns = {name: list(map(_value, labels[name])) for name in ("customer", "prediction")}
    assert columns["customer"] == part["customer"].to_list()
    yes = np.array(list(map(_value, chances["p_Yes"])), dtype=float)
    assert [("Yes" if p > 0.5 else "No") for p in yes] == columns["prediction"]


def _value(cell: Any) -> Any:
    return cell.as_py() if hasattr(cell, "as_py") else cell


def test_numbers_in_numbers_out() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    table = np.column_stack([X, X @ [1.0, 2.0, 3.0]])
    made = wf.fit(table, target="x3", models="linear")
    answer = made.predict(table[:, :3])
    assert isinstance(answer, np.ndarray) and answer.shape == (200,)
    assert np.allclose(answer, table[:, 3])
    assert not hasattr(made, "predict_proba")
    with pytest.raises(AttributeError, match="its verbs: predict"):
        made.predict_proba(table)


def test_a_saved_model_answers_the_same_bits(
    result: wf.Result, frame: pl.DataFrame, tmp_path: Path
) -> None:
    path = result.save(tmp_path / "m.wf")
    loaded = wf.load(path)
    new = frame[2000:2500]
    assert loaded.predict(new).equals(result.predict(new))
    assert loaded.predict_proba(new).equals(result.predict_proba(new))
    assert str(loaded.leaderboard) == str(result.leaderboard)
    assert loaded.lineage == result.lineage
    with pytest.raises(wf.WholefitError, match="force"):
        result.save(path)
    result.save(path, force=True)


def test_evaluate_and_compare_on_held_out_rows(result: wf.Result, frame: pl.DataFrame) -> None:
    held = frame[4000:]
    scores = result.evaluate(held, metric="roc_auc")
    assert next(iter(scores)) == "roc_auc"
    assert scores["roc_auc"].low > 0.7
    other = wf.fit(frame.head(2000), target="churn", models="dummy")
    difference = wf.compare(result, other, held)
    assert difference.better == "a" and difference.high < 0
    assert wf.compare(result, result, held).better == "tied"


def test_a_model_that_can_learn_on_does(frame: pl.DataFrame) -> None:
    made = wf.fit(frame.head(1000), target="churn", models="sgd", choose="best")
    assert made.model == "sgd"
    more = made.update(frame[1000:3000])
    held = frame[4000:]
    assert not more.predict_proba(held).equals(made.predict_proba(held))
    assert more.evaluate(held)["roc_auc"].value > 0.7
    assert more.lineage["rows"] == 3000
    assert more.lineage["parents"] == [made.lineage["data_hash"]]


def test_a_model_that_cannot_learn_on_says_which_can(
    result: wf.Result, frame: pl.DataFrame
) -> None:
    with pytest.raises(wf.WholefitError, match="sgd"):
        result.update(frame[2000:2100])


def test_adopting_an_estimator_from_elsewhere(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(600, 4)), columns=list("abcd"))
    X["y"] = np.where(X["a"] + rng.normal(size=600) > 0, "up", "down")
    train, test = X[:300], X[300:]
    for estimator in (LogisticRegression(), RandomForestClassifier(20, random_state=0)):
        estimator.fit(train[list("abcd")], train["y"])
        made = wf.adopt(estimator, test, "y")
        assert made.score.low <= made.score.value <= made.score.high
        assert list(made.predict(test)["prediction"]) == list(estimator.predict(test[list("abcd")]))
        path = made.save(tmp_path / f"{type(estimator).__name__}.wf")
        again = wf.load(path).predict_proba(test)["p_up"].to_numpy()
        assert np.allclose(again, estimator.predict_proba(test[list("abcd")])[:, 1], atol=1e-9)


def test_a_foreign_pipeline_is_used_and_its_saving_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 2)), columns=["a", "b"])
    X["y"] = X["a"] * 2 + rng.normal(size=300)
    pipeline = make_pipeline(
        StandardScaler(), FunctionTransformer(lambda X: X * 2), LogisticRegression())
    pipeline.fit(X[["a", "b"]], X["y"] > 0)
    made = wf.adopt(pipeline, X.assign(y=X["y"] > 0), "y")
    assert made.scores["accuracy"].value > 0.8
    with pytest.raises(wf.WholefitError, match="Ways out"):
        made.save(tmp_path / "x.wf")
    with pytest.raises(wf.WholefitError, match="fitted"):
        wf.adopt(LogisticRegression(), X, "y", task="classification")


def test_words_that_are_wrong_get_the_right_one(frame: pl.DataFrame) -> None:
    with pytest.raises(wf.WholefitError, match="did you mean 'churn'"):
        wf.fit(frame, target="chrn")
    with pytest.raises(wf.WholefitError, match="did you mean 'classification'"):
        wf.fit(frame, target="churn", task="clasification")
    with pytest.raises(wf.WholefitError, match="target"):
        wf.fit(frame)
    with pytest.raises(wf.WholefitError, match="budget"):
        wf.fit(frame, target="churn", budget="soon")


def test_target_gaps_are_dropped_and_counted() -> None:
    frame = pl.DataFrame({"a": [float(i) for i in range(60)],
                          "y": [None if i % 10 == 0 else float(i * 2) for i in range(60)]})
    made = wf.fit(frame, target="y", models="linear")
    assert made.lineage["rows"] == 54
    assert any("6" in note.message for note in made.notes)


def test_intervals_on_new_rows_resample_whole_groups() -> None:
    """Rows that are copies of each other carry no more than one of them does."""
    rng = np.random.default_rng(0)
    x, person = rng.normal(size=120), np.arange(120)
    noise = rng.normal(size=120)
    def rows(copies: int) -> pl.DataFrame:
        again = np.repeat(np.arange(120), copies)
        return pl.DataFrame({"x": x[again], "person": [f"p{each}" for each in person[again]],
                             "y": x[again] + noise[again]})

    result = wf.fit(rows(2), target="y", groups="person", models=["ridge", "dummy"], folds=3)
    once, often = (result.evaluate(rows(copies))["rmse"] for copies in (1, 10))
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.05)
    apart = result.evaluate(rows(10).drop("person"))["rmse"]
    assert apart.high - apart.low < 0.5 * (often.high - often.low)
    found = [wf.compare(result, wf.fit(rows(2), target="y", groups="person", models="dummy"), each)
             for each in (rows(1), rows(10))]
    assert found[0].high - found[0].low == pytest.approx(found[1].high - found[1].low, rel=0.05)
