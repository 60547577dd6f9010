"""scikit-learn's pipelines as state: they answer as the pipelines do, also once loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

import wholefit as wf
from wholefit.base.errors import DataError, StateError
from wholefit.data import bundled
from wholefit.models import _steps
from wholefit.models._kernels.steps import apply, matrix


@pytest.fixture(scope="module")
def credit() -> pd.DataFrame:
    return pd.read_csv(bundled.path("credit_data"))


def apart(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    rest = table.drop(columns="Status")
    numbers = rest.select_dtypes("number").columns.tolist()
    return numbers, [name for name in rest if name not in numbers]


def pipelines(table: pd.DataFrame) -> dict[str, Any]:
    numbers, words = apart(table)
    mode = SimpleImputer(strategy="most_frequent")
    logistic = LogisticRegression(max_iter=300)
    return {
        "usual": make_pipeline(ColumnTransformer([
            ("n", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers),
            ("c", make_pipeline(mode, OneHotEncoder(handle_unknown="ignore")), words)]), logistic),
        "forest on codes": make_pipeline(ColumnTransformer([
            ("c", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), words)],
            remainder="passthrough"), SimpleImputer(strategy="median"),
            RandomForestClassifier(20, random_state=0)),
        "rare folded": make_pipeline(ColumnTransformer([
            ("n", make_pipeline(SimpleImputer(strategy="constant", fill_value=-1), RobustScaler(),
                                MinMaxScaler(clip=True)), numbers),
            ("c", OneHotEncoder(min_frequency=200, handle_unknown="infrequent_if_exist"), words),
        ]), SelectKBest(k=12), logistic),
        "dropped first": make_pipeline(ColumnTransformer([
            ("n", make_pipeline(SimpleImputer(), PowerTransformer(), PCA(4, whiten=True)), numbers),
            ("c", make_pipeline(mode, OneHotEncoder(drop="first", sparse_output=False)), words),
        ]), logistic),
        "selector": make_pipeline(ColumnTransformer([
            ("n", make_pipeline(SimpleImputer(), FunctionTransformer(np.log1p), MaxAbsScaler()),
             make_column_selector(dtype_include="number"))]),
            FeatureUnion([("a", PolynomialFeatures(2)), ("b", TruncatedSVD(3, random_state=0))]),
            GradientBoostingClassifier(n_estimators=20)),
        "bins": make_pipeline(ColumnTransformer([
            ("n", make_pipeline(SimpleImputer(), KBinsDiscretizer(
                5, encode="ordinal", quantile_method="averaged_inverted_cdf")), numbers)]),
            logistic),
    }


@pytest.mark.parametrize("name", ["usual", "forest on codes", "rare folded", "dropped first",
                                  "selector", "bins"])
def test_a_saved_pipeline_answers_as_it_did(
    credit: pd.DataFrame, name: str, tmp_path: Path
) -> None:
    train, held = credit.iloc[:3000], credit.iloc[3000:].reset_index(drop=True)
    pipeline = pipelines(credit)[name].fit(train.drop(columns="Status"), train["Status"])
    expected = pipeline.predict_proba(held.drop(columns="Status"))
    result = wf.adopt(pipeline, held, target="Status")
    loaded = wf.load(result.save(tmp_path / "m.wf"))
    found = loaded.predict_proba(held).to_numpy()
    assert np.abs(found - expected).max() < 1e-6
    assert list(loaded.predict(held)["prediction"]) == list(
        pipeline.predict(held.drop(columns="Status")))


def test_new_categories_and_gaps_go_where_the_pipeline_puts_them(
    credit: pd.DataFrame, tmp_path: Path
) -> None:
    pipeline = pipelines(credit)["usual"].fit(credit.drop(columns="Status"), credit["Status"])
    loaded = wf.load(wf.adopt(pipeline, credit, target="Status").save(tmp_path / "m.wf"))
    odd = credit.head(40).copy()
    odd.loc[:20, "Home"] = "a tent"
    odd.loc[10:30, "Income"] = np.nan
    odd.loc[5:15, "Job"] = None
    with pytest.warns(UserWarning, match="a tent"):
        found = loaded.predict_proba(odd).to_numpy()
    expected = pipeline.predict_proba(odd.drop(columns="Status").fillna({"Job": np.nan}))
    assert np.abs(found - expected).max() < 1e-9


def test_a_regression_on_plain_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    table = {f"x{i}": X[:, i] for i in range(4)} | {"y": X @ [1.0, 2, 0, -1]}
    pipeline = make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()).fit(X, table["y"])
    loaded = wf.load(wf.adopt(pipeline, table, target="y").save(tmp_path / "m.wf"))
    assert np.allclose(loaded.predict(table)["prediction"], pipeline.predict(X))


def test_what_has_no_reader_is_refused_with_the_reason(credit: pd.DataFrame) -> None:
    numbers, _ = apart(credit)
    pipeline = make_pipeline(
        ColumnTransformer([("n", SimpleImputer(), numbers)]),
        FunctionTransformer(lambda X: X / 1e4), LogisticRegression())
    pipeline.fit(credit.drop(columns="Status"), credit["Status"])
    with pytest.raises(StateError, match="FunctionTransformer"):
        wf.adopt(pipeline, credit, target="Status").save("never.wf")


def test_a_step_made_to_refuse_new_categories_refuses() -> None:
    encoder = OneHotEncoder().fit(np.array([["a"], ["b"]], dtype=object))
    state = _steps.read([encoder], ["x"])
    assert matrix(apply(state, [np.array(["b"], dtype=object)]), 1).tolist() == [[0.0, 1.0]]
    with pytest.raises(DataError, match="no category 'c'"):
        apply(state, [np.array(["c"], dtype=object)])
