"""Every kind of model: contributions add up to its own answer, and start where they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api import _answers
from wholefit.data import bundled
from wholefit.explain._additive import answered
from wholefit.explain._exact import explainer
from wholefit.explain.explanations import together
from wholefit.explain.pool import Pool
from wholefit.models._kernels.trees import Trees

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
FIT, NEW = 260, 6


@pytest.fixture(scope="module")
def churn() -> pl.DataFrame:
    frame = pl.read_csv(bundled.path("telco_churn"), null_values="NA", infer_schema_length=None)
    return frame.head(FIT + NEW)


@pytest.fixture(scope="module")
def fitted(churn: pl.DataFrame) -> Callable[[str, str], wf.Result]:
    """A result of a model and target on the churn table, made once."""
    known: dict[tuple[str, str], wf.Result] = {}

    def fit(model: str, target: str) -> wf.Result:
        if (model, target) not in known:
            known[model, target] = wf.fit(
                churn.head(FIT), target=target, models=[model], choose="best", folds=2, jobs=1,
                metric="rmse" if target.endswith("charges") else "roc_auc")
        return known[model, target]

    return fit


EXACT = {
    "ada_boost(n_estimators=9)": ("churn", "log-odds"),
    "additive(bags=2, max_rounds=60)": ("churn", "log-odds"),
    "bagging(n_estimators=4)": ("contract", "probability"), "bernoulli_nb": ("churn", "log-odds"),
    "catboost(n_estimators=20)": ("contract", "score"), "decision_tree": ("churn", "probability"),
    "elastic_net": ("monthly_charges", "number"), "extra_trees(n_estimators=9)": (
        "contract", "probability"),
    "gaussian_nb": ("contract", "score"), "gradient_boosting(n_estimators=9)": (
        "churn", "log-odds"),
    "hist_gradient_boosting(n_estimators=9)": ("contract", "score"), "huber": (
        "monthly_charges", "number"),
    "lightgbm(n_estimators=20)": ("churn", "log-odds"), "linear_svm": (
        "contract", "one-against-rest log-odds"),
    "logistic": ("churn", "log-odds"), "multinomial_nb": ("contract", "score"),
    "quantile": ("monthly_charges", "number"), "random_forest(n_estimators=9)": (
        "monthly_charges", "number"),
    "ridge": ("monthly_charges", "number"), "sgd": ("churn", "log-odds"),
    "stacking(members=('ridge', 'random_forest(n_estimators=5)'))": (
        "monthly_charges", "number"),
    "voting(members=('ridge', 'decision_tree'))": ("monthly_charges", "number"),
    "xgboost(n_estimators=20)": ("contract", "score"),
    "lightgbm(n_estimators=20, loss='poisson')": ("monthly_charges", "log"),
    "xgboost(n_estimators=20, loss='poisson')": ("monthly_charges", "log"),
}
SAMPLED = {"knn": "churn", "svc": "contract", "polynomial": "monthly_charges",
           "voting(members=('logistic', 'knn'))": "churn", "ada_boost": "monthly_charges",
           "balanced_random_forest(n_estimators=9)": "churn"}


def told(result: wf.Result, rows: pl.DataFrame, found: Any) -> np.ndarray:
    """What the model itself answers to the rows, for the outputs that are explained."""
    answer = result._fitted.answer(_answers.dataset(result._fitted, rows, {}))
    if answer.ndim == 1:
        return answer[:, None]
    return answer[:, [[str(c) for c in result.classes or ()].index(name)
                      for name in found.outputs]]


@pytest.mark.parametrize("model", EXACT)
def test_exact_contributions_add_up_to_the_answer(
    churn: pl.DataFrame, fitted: Callable[[str, str], wf.Result], model: str
) -> None:
    target, scale = EXACT[model]
    rows = churn[FIT:]
    result = fitted(model, target)
    found = result.explain(rows)
    assert found.exact and not found.errors.any() and not found.notes
    assert {"score": "log-odds"}.get(scale, scale) == found.scale
    assert found.values.shape == (NEW, len(churn.columns) - 1, len(found.outputs))
    meant = answered(found.scale, found.base + found.values.sum(axis=1))
    answer = told(result, rows, found)
    np.testing.assert_allclose(meant, answer, atol=1e-6 * max(1, np.abs(answer).max()))
    assert np.abs(found.values).max() > 1e-3


@pytest.mark.parametrize("model", SAMPLED)
def test_other_models_are_sampled_and_add_up(
    churn: pl.DataFrame, fitted: Callable[[str, str], wf.Result], model: str
) -> None:
    rows = churn[FIT:FIT + 2]
    result = fitted(model, SAMPLED[model])
    found = result.explain(rows, compared=15, evaluations=1500)
    assert not found.exact and found.errors.max() > 0 and "Sampled" in found.to_text()
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), told(result, rows, found),
                               atol=1e-9)


def test_linear_values_are_those_of_sampling_against_the_same_rows(
    churn: pl.DataFrame, fitted: Callable[[str, str], wf.Result]
) -> None:
    """For a weighted sum every order of columns gives the same: one pass is exact."""
    for model in ("ridge", "voting(members=('ridge', 'huber'))"):
        result = fitted(model, "monthly_charges")
        rows, behind = churn[FIT:], churn[:30]
        exact = result.explain(rows, background=behind)
        sampled = result.explain(rows, background=behind, method="sampling",
                                 evaluations=3000)
        assert exact.exact and not sampled.exact
        np.testing.assert_allclose(exact.values, sampled.values, atol=1e-8)
        np.testing.assert_allclose(exact.base, sampled.base, atol=1e-8)
        answers = result.predict(behind)["prediction"]
        assert exact.base[0] == pytest.approx(float(answers.mean()))


def test_an_additive_models_pairs_are_shared_as_shapley_shares_them(
    churn: pl.DataFrame, fitted: Callable[[str, str], wf.Result]
) -> None:
    few = churn.select("tenure", "monthly_charges", "contract", "total_charges")
    result = wf.fit(few.head(FIT), target="total_charges", choose="best", folds=2, jobs=1,
                    models=["additive(bags=2, max_rounds=60, interactions=2)"])
    assert len(result._fitted.state().arrays["pair"])
    rows, behind = few[FIT:], few[:40]
    exact = result.explain(rows, background=behind)
    everything = result.explain(rows, background=behind, method="sampling")
    assert exact.exact and everything.exact and everything.evaluations
    np.testing.assert_allclose(exact.values, everything.values, atol=1e-6)


def test_trees_start_from_training_by_the_rows_at_their_nodes(
    churn: pl.DataFrame, fitted: Callable[[str, str], wf.Result]
) -> None:
    result = fitted("decision_tree", "churn")
    found = result.explain(churn[FIT:])
    share = float((churn.head(FIT)["churn"] == "Yes").mean())
    assert found.base[0] == pytest.approx(share) and "training" in found.compared
    assert found.outputs == ("Yes",)


def test_given_rows_are_what_the_start_is_relative_to(
    churn: pl.DataFrame, fitted: Callable[[str, str], wf.Result]
) -> None:
    """Even for trees, whose own exact values are relative to training."""
    result, behind = fitted("random_forest(n_estimators=9)", "monthly_charges"), churn[:25]
    found = result.explain(churn[FIT:FIT + 2], background=behind, evaluations=3000)
    assert not found.exact and "25 rows given" in found.compared
    assert found.base[0] == pytest.approx(float(result.predict(behind)["prediction"].mean()))


def test_log_odds_are_of_the_positive_class_whichever_it_is(churn: pl.DataFrame) -> None:
    made = {}
    for positive in ("Yes", "No"):
        result = wf.fit(churn.head(FIT), target="churn", models=["logistic"], choose="best",
                        folds=2, jobs=1, positive=positive, metric="roc_auc")
        made[positive] = result.explain(churn[FIT:])
        assert made[positive].outputs == (positive,)
    np.testing.assert_allclose(made["Yes"].values, -made["No"].values, atol=1e-9)
    np.testing.assert_allclose(made["Yes"].told, 1 - made["No"].told, atol=1e-12)


def test_a_state_without_covers_is_sampled_and_said(
    churn: pl.DataFrame, fitted: Callable[[str, str], wf.Result]
) -> None:
    from dataclasses import replace

    result = fitted("decision_tree", "monthly_charges")
    state = result._fitted.state()
    arrays = {name: array for name, array in state.arrays.items() if name != "cover"}
    older = wf.Result(_copy(result._fitted), result._facts)
    older._fitted._state = replace(state, arrays=arrays)
    found = older.explain(churn[FIT:FIT + 2], compared=10, evaluations=500)
    assert not found.exact and "fit the model anew" in found.to_text()


def _copy(fitted: Any) -> Any:
    return type(fitted).of_parcel(fitted.parcel(), fitted.task, fitted.schema, fitted.codec)


def test_exact_trees_are_those_of_the_trees_themselves(
    churn: pl.DataFrame, fitted: Callable[[str, str], wf.Result]
) -> None:
    result = fitted("hist_gradient_boosting(n_estimators=9)", "contract")
    found = result.explain(churn[FIT:])
    pool = Pool(result._fitted, _answers.dataset(result._fitted, churn[FIT:], {}))
    raw = Trees(result._fitted.state()).raw(pool.matrix)
    np.testing.assert_allclose(found.answers, raw, atol=1e-9)
    by_feature = explainer(result._fitted.state(), lambda: None).values(pool.matrix)
    at = pool.at("contract" if "contract" in pool.columns else "tenure")
    np.testing.assert_allclose(found.values[:, at], by_feature[:, pool.groups[at]].sum(axis=1))


def test_columns_that_go_together_are_named() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    frame = pl.DataFrame({"a": a, "b": a + 0.1 * rng.normal(size=200), "c": rng.normal(size=200)})
    pairs = together(frame)
    assert [pair[:2] for pair in pairs] == [("a", "b")] and pairs[0][2] > 0.95
    assert together(frame.head(20)) == []
