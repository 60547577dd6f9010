"""`result.explain` as a user meets it: fresh and loaded, odd rows, adopted models, wrong words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError, SchemaError, StateError
from wholefit.base.errors import UnknownNameError as Unknown
from wholefit.data import bundled

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


@pytest.fixture(scope="module")
def churn() -> pl.DataFrame:
    frame = pl.read_csv(bundled.path("telco_churn"), null_values="NA", infer_schema_length=None)
    return frame.head(900)


@pytest.fixture(scope="module")
def logistic(churn: pl.DataFrame) -> wf.Result:
    return wf.fit(churn.head(800), target="churn", models=["logistic"], choose="best", folds=2,
                  jobs=1)


@pytest.fixture(scope="module")
def knn(churn: pl.DataFrame) -> wf.Result:
    few = churn.select("tenure", "contract", "monthly_charges", "churn")
    return wf.fit(few.head(800), target="churn", models=["knn"], choose="best", folds=2, jobs=1,
                  metric="roc_auc")


def test_a_loaded_model_explains_as_the_fresh_one(
    churn: pl.DataFrame, logistic: wf.Result, knn: wf.Result, tmp_path: Path
) -> None:
    for result in (logistic, knn):
        path = result.save(tmp_path / "m.wf", force=True)
        fresh, loaded = result.explain(churn[800:803]), wf.load(path).explain(churn[800:803])
        np.testing.assert_array_equal(fresh.values, loaded.values)
        assert "made-up rows" in loaded.compared and fresh.to_json() == loaded.to_json()


def test_one_row_is_told_in_words(churn: pl.DataFrame, logistic: wf.Result) -> None:
    found = logistic.explain(churn[800:801])
    probability = logistic.predict_proba(churn[800:801])["p_Yes"][0]
    text = found.to_text()
    assert text.startswith(f"Row 1: churn = Yes is put at {probability:.3f} (log-odds")
    largest = found.parts(0)[0]
    assert f"{largest.column} = {churn[largest.column][800]}" in text.replace(".0 ", " ")
    assert "What raised it most" in text and "In log-odds" in text
    assert found.frame().height == len(found.columns)
    assert found.frame()["adds"].sum() + found.base[0] == pytest.approx(found.answers[0, 0])
    json.dumps(found.to_json(), allow_nan=False)


def test_some_of_the_rows_are_explained_as_they_are_alone(
    churn: pl.DataFrame, logistic: wf.Result, knn: wf.Result
) -> None:
    for result in (logistic, knn):
        picked = result.explain(churn[800:], only=[5, 2], evaluations=2000)
        assert picked.numbers == (5, 2) and "Row 6:" in picked.to_text()
        alone = result.explain(churn[802:803], evaluations=2000)
        np.testing.assert_allclose(picked.values[1], alone.values[0], atol=1e-12)
    whole = logistic.explain(churn[800:])
    assert len(whole) == 100 and len(whole[3]) == 1 and whole[3].numbers == (3,)
    np.testing.assert_array_equal(whole[-1].values[0], whole.values[99])
    order = [name for name, _ in whole.importance()]
    assert np.abs(whole.values[:, whole.columns.index(order[0]), 0]).mean() == pytest.approx(
        whole.importance()[0][1])
    assert "tenure and total_charges go together" in whole.to_text()


def test_levels_of_a_category_are_parts_of_its_column(
    churn: pl.DataFrame, logistic: wf.Result
) -> None:
    found = logistic.explain(churn[800:810])
    detail = found.details["contract"]
    at = found.columns.index("contract")
    for row in range(3):
        parts = detail.row(row, 0)
        assert sum(adds for _, adds in parts) == pytest.approx(found.values[row, at, 0])
        assert {name.removeprefix("not ") for name, _ in parts} <= set(churn["contract"].unique())
        assert churn["contract"][800 + row] in dict(parts)


def test_words_of_a_text_are_parts_of_its_column() -> None:
    rng = np.random.default_rng(0)
    spam = rng.random(400) < 0.5
    said = [" ".join([*rng.choice(["we", "meet", "today", "at", "noon", "home", "see"], 5),
                      *(["prize"] if bad and rng.random() < 0.8 else [])]) + f" no{at % 50}"
            for at, bad in enumerate(spam)]
    frame = pl.DataFrame({"said": said, "size": rng.normal(size=400),
                          "kind": np.where(spam, "spam", "fine")})
    result = wf.fit(frame, target="kind", models=["logistic"], choose="best", folds=2, jobs=1,
                    roles={"said": "text"})
    found = result.explain(pl.DataFrame({"said": ["see the prize today"], "size": [0.0]}))
    name, adds = found.details["said"].row(0, 0)[0]
    assert name == "prize" and adds > 1 and "prize" in found.to_text()
    assert "'said' empty" in found.compared


def test_odd_rows_are_explained(churn: pl.DataFrame, logistic: wf.Result, knn: wf.Result) -> None:
    odd = churn[800:804].with_columns(
        contract=pl.Series(["never seen", None, "", "Month-to-month"]),
        tenure=pl.Series([1e12, -5.0, None, 3.0]))
    for result in (logistic, knn):
        found = result.explain(odd, evaluations=1500)
        assert np.isfinite(found.values).all() and "(missing)" in found.to_text()


def test_hundreds_of_columns() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 200))
    frame = pl.DataFrame({f"c{at}": X[:, at] for at in range(200)}).with_columns(
        y=X[:, 7] * 3 + X[:, 8])
    exact = wf.fit(frame, target="y", models=["ridge"], choose="best", folds=2, jobs=1)
    assert len(exact.explain(frame.head(2)).columns) == 200
    neighbours = KNeighborsRegressor().fit(X, frame["y"].to_numpy())
    other = wf.adopt(neighbours, frame, target="y")
    found = other.explain(frame.head(1), evaluations=1, background=frame[5:])
    assert "10 rows drawn from the 115" in found.compared and not found.exact
    answer = other.predict(frame.head(1))["prediction"][0]
    assert found.base[0] + found.values[0].sum() == pytest.approx(answer)
    assert len(found.to_text()) < 3000


def test_names_of_columns_may_be_anything() -> None:
    rng = np.random.default_rng(1)
    names = ["*", "^a.*$", "a b", "ü=~", "x" * 90, "<b>"]
    X = rng.normal(size=(200, 6))
    frame = pl.DataFrame(dict(zip(names, X.T, strict=True))).with_columns(
        y=pl.Series(np.where(X[:, 0] + X[:, 4] > 0, "up", "down")))
    for model in ("logistic", "knn"):
        result = wf.fit(frame, target="y", models=[model], choose="best", folds=2, jobs=1)
        found = result.explain(frame.head(12), evaluations=500)
        assert set(found.columns) == set(names) and found.frame().height == 12 * 6
        assert "<b>" not in found._repr_html_().replace("<b></b>", "")
        assert found.to_text() and "*" in found.to_text()


def test_adopted_estimators_and_pipelines(churn: pl.DataFrame) -> None:
    numbers = churn.select("tenure", "monthly_charges", "churn")
    forest = RandomForestClassifier(7, max_depth=4, random_state=0).fit(
        numbers.select("tenure", "monthly_charges").to_numpy(), numbers["churn"].to_numpy())
    result = wf.adopt(forest, numbers, target="churn")
    found = result.explain(numbers.head(3))
    assert found.exact and found.scale == "probability"
    mixed = churn.select("tenure", "contract", "churn")
    import pandas as pd

    table = pd.DataFrame({"tenure": mixed["tenure"].to_list(),
                          "contract": mixed["contract"].to_list()})
    pipeline = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["contract"]), remainder="passthrough"),
        RandomForestClassifier(5, max_depth=3, random_state=0)).fit(table, mixed["churn"].to_list())
    result = wf.adopt(pipeline, mixed, target="churn")
    found = result.explain(mixed.head(3), background=mixed[100:130])
    assert found.columns == ("tenure", "contract") and found.exact
    wanted = result.predict_proba(mixed.head(3))["p_Yes"].to_numpy()
    np.testing.assert_allclose(found.base + found.values.sum(axis=1)[:, 0], wanted, atol=1e-9)


def test_features_made_of_several_columns_are_told_by_column(churn: pl.DataFrame) -> None:
    few = churn.select("tenure", "monthly_charges", "contract", "total_charges")
    result = wf.fit(few.head(400), target="total_charges", models=["polynomial"], choose="best",
                    folds=2, jobs=1)
    found = result.explain(few[400:402])
    assert found.columns == ("tenure", "monthly_charges", "contract") and found.exact
    np.testing.assert_allclose(
        found.base[0] + found.values.sum(axis=1)[:, 0],
        result.predict(few[400:402])["prediction"].to_numpy(), rtol=1e-9)


def test_a_surrogate_is_asked_by_its_method(churn: pl.DataFrame, logistic: wf.Result) -> None:
    found = logistic.explain(churn[800:], method="lime", only=3)
    assert found.numbers == (3,) and "Row 4" in found.to_text()
    assert "adds here" in found._repr_html_()


def test_wrong_words_and_rows_are_refused(
    churn: pl.DataFrame, logistic: wf.Result, knn: wf.Result
) -> None:
    row = churn[800:801]
    with pytest.raises(Unknown, match="sampling"):
        logistic.explain(row, method="samplng")
    with pytest.raises(Unknown, match="evaluations"):
        logistic.explain(row, evaluation=5)
    with pytest.raises(ParameterError, match="compared must be >= 2"):
        logistic.explain(row, compared=1)
    with pytest.raises(ParameterError, match="only must be"):
        logistic.explain(row, only=4)
    with pytest.raises(ParameterError, match="method='auto'"):
        knn.explain(row, method="exact")
    with pytest.raises(DataError, match="at least one row"):
        logistic.explain(row.head(0))
    with pytest.raises(SchemaError, match="contract"):
        logistic.explain(row.drop("contract"))
    assert logistic.explain(row.drop("contract"), missing_column="impute").exact


def test_features_that_look_back_are_refused() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"day": range(200), "x": rng.normal(size=200), "y": rng.normal(size=200)})
    result = wf.fit(frame, target="y", models=["ridge"], choose="best", folds=2, jobs=1,
                    time="day", transformers=[wf.feature("lags", columns=["x"], time="day")])
    with pytest.raises(StateError, match="look back"):
        result.explain(frame.head(5))


@pytest.mark.parametrize("change", [
    {"cover": np.ones(2)}, {"cover": np.full(400, np.nan)}, {"value": np.ones((1, 1))},
    {"size": np.array([10**9])}, {"feature": np.full(400, 99, dtype=np.int32)},
])
def test_a_file_that_was_altered_ends_in_a_sentence(
    churn: pl.DataFrame, tmp_path: Path, change: dict[str, np.ndarray]
) -> None:
    result = wf.fit(churn.head(300), target="monthly_charges", folds=2, jobs=1, choose="best",
                    models=["decision_tree(max_depth=3)"])
    loaded = wf.load(result.save(tmp_path / "m.wf"))
    state = loaded._fitted.state()
    arrays = {name: np.resize(change[name], state.arrays[name].shape)
              if name in change and change[name].size == 400 else change.get(name, array)
              for name, array in state.arrays.items()}
    loaded._fitted._state = replace(state, arrays=arrays)
    try:
        found = loaded.explain(churn[300:302], compared=5, evaluations=10)
    except wf.WholefitError as error:
        assert "altered" in str(error) or "fit" in str(error)
    else:
        assert not found.exact and np.isfinite(found.values).all()


def test_the_class_that_costs_decide_for_is_the_one_that_is_told() -> None:
    random = np.random.default_rng(6)
    x = random.normal(size=300)
    kind = np.digitize(x + random.normal(size=300), [-0.7, 0.7])
    rows = pl.DataFrame({"x": x, "y": np.array(["p", "q", "r"])[kind]})
    result = wf.fit(rows, target="y", models="logistic", jobs=1, folds=3).with_threshold(
        costs={"p": 8, "q": 1, "r": 1})
    said = result.predict(rows)["prediction"].to_list()
    most = result.predict_proba(rows)
    names = [name.removeprefix("p_") for name in most.columns]
    assert said != [names[at] for at in most.to_numpy().argmax(axis=1)], "costs decide otherwise"
    found = result.explain(rows)
    assert [found.outputs[at] for at in found.chosen] == said
