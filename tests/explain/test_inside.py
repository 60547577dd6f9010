"""What is inside: rules as scikit-learn writes them, errors as the closed forms have them."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

from wholefit import models
from wholefit.base import tasks
from wholefit.base.optional import available
from wholefit.base.state import State
from wholefit.checks import _data
from wholefit.data import Dataset, dataset_of
from wholefit.explain import inside
from wholefit.explain.inside.of_rows import of_rows, penalty_of
from wholefit.training import Fitted, fit_plain


def _table(rows: int = 600, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(40, 12, rows), rng.exponential(2000.0, rows)
    job = rng.choice(["clerk", "nurse", "smith"], rows, p=[0.5, 0.3, 0.2])
    score = 0.05 * (a - 40) + 0.0004 * b + (job == "nurse") - 1.2
    return pl.DataFrame({
        "age": a, "income": b, "job": job, "pay": 3.0 * a + 0.01 * b + 20.0 * (job == "smith")
        + rng.normal(0, 25, rows), "ill": np.where(rng.random(rows) < 1 / (1 + np.exp(-score)),
                                                   "yes", "no")})


def _fitted(text: str, target: str, frame: pl.DataFrame | None = None
            ) -> tuple[Fitted, Dataset, dict[str, Any]]:
    whole = _table() if frame is None else frame
    other = {"pay": "ill", "ill": "pay"}[target]
    dataset = dataset_of(whole.drop(other), target=target)
    task = tasks.get("regression" if target == "pay" else "classification")
    model = models.make(text)
    return (fit_plain(dataset, task, model), dataset,
            {"name": model.name, "params": model.to_dict()})


def _design(frame: pl.DataFrame, reference: str) -> tuple[np.ndarray, list[tuple[str, str]]]:
    jobs = [name for name in ("clerk", "nurse", "smith") if name != reference]
    columns = [np.ones(len(frame)), frame["age"].to_numpy(), frame["income"].to_numpy(),
               *((frame["job"] == name).to_numpy().astype(float) for name in jobs)]
    told = [("age", "per 1"), ("income", "per 1"),
            *(("job", f"'{name}' against '{reference}'") for name in jobs)]
    return np.stack(columns, axis=1), told


def test_least_squares_has_the_errors_of_the_closed_form() -> None:
    frame = _table()
    fitted, dataset, model = _fitted("linear", "pay", frame)
    found = of_rows(fitted, model, dataset, frame["pay"].to_numpy())
    assert found is not None and "Wald" in found.how
    X, told = _design(frame, "clerk")
    beta, rest, *_ = np.linalg.lstsq(X, frame["pay"].to_numpy(), rcond=None)
    noise = rest[0] / (len(X) - X.shape[1])
    error = np.sqrt(noise * np.diag(np.linalg.inv(X.T @ X)))
    rows = {(one.column, one.unit): one for one in found.rows}
    assert set(rows) == set(told)
    for at, key in enumerate(told, start=1):
        assert rows[key].value == pytest.approx(beta[at], rel=1e-8)
        assert rows[key].error == pytest.approx(error[at], rel=1e-6)
        assert rows[key].low < rows[key].value < rows[key].high
    assert found.intercepts[""] == pytest.approx(beta[0], rel=1e-8)
    assert rows["age", "per 1"].spread == pytest.approx(frame["age"].std(ddof=0))


def test_logistic_regression_has_the_errors_of_its_information() -> None:
    frame = _table()
    fitted, dataset, model = _fitted("logistic(penalty='none', tol=1e-9)", "ill", frame)
    y = (frame["ill"] == "yes").to_numpy().astype(int)
    found = of_rows(fitted, model, dataset, y)
    X, told = _design(frame, "clerk")
    X = X / np.array([1, 1, 1000, 1, 1])
    beta = np.zeros(X.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-X @ beta))
        H = X.T @ (X * (p * (1 - p))[:, None])
        beta = beta + np.linalg.solve(H, X.T @ (y - p))
    error = np.sqrt(np.diag(np.linalg.inv(H)))
    unit = np.array([1, 1, 1000, 1, 1])
    assert found is not None and found.scale == "log-odds"
    rows = {(one.column, one.unit): one for one in found.rows}
    for at, key in enumerate(told, start=1):
        assert rows[key].of == "yes"
        assert rows[key].value == pytest.approx(beta[at] / unit[at], rel=1e-3)
        assert rows[key].error == pytest.approx(error[at] / unit[at], rel=1e-3)


def test_a_ridge_says_that_its_errors_are_of_penalised_weights() -> None:
    frame = _table()
    fitted, dataset, model = _fitted("ridge(alpha=50)", "pay", frame)
    found = of_rows(fitted, model, dataset, frame["pay"].to_numpy())
    X = fitted.encoder.transform(dataset)
    X = X.toarray() if hasattr(X, "toarray") else X
    whole = np.hstack([X, np.ones((len(X), 1))])
    H = whole.T @ whole
    M = np.linalg.inv(H + np.diag([50.0] * X.shape[1] + [0.0]))
    answer = fitted.answer(dataset)
    noise = ((frame["pay"].to_numpy() - answer) ** 2).sum() / (
        len(X) - np.linalg.matrix_rank(H, hermitian=True))
    error = np.sqrt(noise * np.diag(M @ H @ M))
    assert found is not None and "penalty" in found.how
    at = fitted.encoder.names.index("age")
    age = next(one for one in found.rows if one.column == "age")
    scale = frame["age"].std(ddof=0)
    assert age.error == pytest.approx(error[at] / scale, rel=1e-6)


@pytest.mark.parametrize("text", ["lasso(alpha=0.001)", "huber", "linear"])
def test_a_bootstrap_measures_what_no_formula_gives(text: str) -> None:
    frame = _table(300)
    fitted, dataset, model = _fitted(text, "pay", frame)
    y = frame["pay"].to_numpy()
    without = of_rows(fitted, model, dataset, y)
    assert without is not None and (without.rows[0].error is None) == (text != "linear")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = of_rows(fitted, model, dataset, y, bootstrap=60)
    X, told = _design(frame, "clerk")
    _, rest, *_ = np.linalg.lstsq(X, y, rcond=None)
    error = np.sqrt(rest[0] / (len(X) - 5) * np.diag(np.linalg.inv(X.T @ X)))
    assert found is not None and "60 fits" in found.how
    age = next(one for one in found.rows if one.column == "age")
    assert 0.6 < age.error / error[1] < 1.7 and told[0] == ("age", "per 1")


def test_which_models_have_a_formula() -> None:
    def known(text: str) -> float | None:
        made = models.make(text)
        return penalty_of({"name": made.name, "params": made.to_dict()})

    assert known("linear") == 0.0 and known("ridge(alpha=3)") == 3.0
    assert known("logistic(C=0.5)") == 2.0 and known("logistic(penalty='none')") == 0.0
    for text in ("lasso", "huber", "logistic(penalty='l1')", "logistic(balanced=True)",
                 "ridge(positive=True)", "linear(fit_intercept=False)", "sgd"):
        assert known(text) is None


def test_three_classes_are_each_against_the_mean_of_all() -> None:
    rng = np.random.default_rng(0)
    frame = _table(400).with_columns(ill=pl.Series(rng.choice(["a", "b", "c"], 400)))
    fitted, dataset, model = _fitted("logistic", "ill", frame)
    y = dataset.target(fitted.codec)
    found = of_rows(fitted, model, dataset, y)
    assert found is not None
    ages = [one for one in found.rows if one.column == "age"]
    assert [one.of for one in ages] == ["a", "b", "c"]
    assert sum(one.value for one in ages) == pytest.approx(0.0, abs=1e-12)
    assert all(one.error > 0 for one in ages)


# ---- trees ------------------------------------------------------------------------------


def _numbers(rows: int = 300) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(rows, 3)).astype(np.float32).astype(float)
    y = np.where(X[:, 0] + X[:, 1] ** 2 + rng.normal(0, 0.3, rows) > 0.6, "yes", "no")
    return pl.DataFrame({**{f"x{at}": X[:, at] for at in range(3)}, "y": y}), X, y


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_rules_are_those_of_export_text(kind: str) -> None:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, export_text

    frame, X, _y = _numbers()
    if kind == "regression":
        frame = frame.with_columns(y=pl.Series(X[:, 0] * 2 + (X[:, 1] > 0)))
    fitted = fit_plain(dataset_of(frame, target="y"), tasks.get(kind),
                       models.make("decision_tree(max_depth=3)"))
    found = inside.look(fitted, "decision_tree").tree
    assert found is not None
    own = DecisionTreeClassifier if kind == "classification" else DecisionTreeRegressor
    made = own(max_depth=3, random_state=fitted_seed(fitted)).fit(
        X.astype(np.float32), frame["y"].to_numpy())
    theirs = [(line.count("|   "), re.sub(r"^[| -]+", "", line))
              for line in export_text(made, feature_names=["x0", "x1", "x2"],
                                      decimals=6).splitlines() if "class" not in line
              and "value" not in line]
    ours = [(node.depth - 1, node.said) for node in _in_order(found)]
    assert len(ours) == len(theirs) > 4
    for (depth, said), (level, rule) in zip(ours, theirs, strict=True):
        name, sign, bound = said.replace(",", "").split(" ")
        column, mark, cut = rule.replace("  ", " ").split(" ")
        assert (depth, name, sign) == (level, column, mark)
        assert float(bound) == pytest.approx(float(cut), rel=1e-4)


def fitted_seed(fitted: Fitted) -> int:
    assert fitted._context is not None
    return fitted._context.seed


def _in_order(tree: inside.Tree) -> list[inside.Node]:
    found: list[inside.Node] = []

    def walk(at: int) -> None:
        for child in tree.nodes[at].children:
            found.append(tree.nodes[child])
            walk(child)

    walk(0)
    return found


def test_nodes_hold_the_rows_and_means_of_training() -> None:
    frame, _X, y = _numbers()
    fitted = fit_plain(dataset_of(frame, target="y"), tasks.get("classification"),
                       models.make("decision_tree(max_depth=3)"))
    tree = inside.look(fitted, "decision_tree").tree
    assert tree is not None and tree.nodes[0].rows == 300
    assert tree.nodes[0].value[1] == pytest.approx((y == "yes").mean())
    left = tree.nodes[tree.nodes[0].children[0]]
    column, _, bound = left.said.split(" ")
    met = frame[column].to_numpy() <= float(bound) + 1e-5
    assert left.rows == met.sum()
    assert left.value[1] == pytest.approx((y[met] == "yes").mean())


@pytest.mark.parametrize("text", ["random_forest(n_estimators=12, max_depth=6)",
                                  "decision_tree(max_depth=4)"])
def test_shares_of_gain_are_scikit_learns_importances(text: str) -> None:
    frame, _, _ = _numbers()
    dataset = dataset_of(frame, target="y")
    task = tasks.get("classification")
    live = fit_plain(dataset, task, models.make(text))
    expected = live.live_estimator().feature_importances_
    found = {one.column: one.share for one in inside.look(live, "trees").shares}
    np.testing.assert_allclose([found.get(f"x{at}", 0.0) for at in range(3)], expected, atol=1e-6)


@pytest.mark.parametrize("text", ["decision_tree(max_depth=4)", "rule_list",
                                  "hist_gradient_boosting(n_estimators=1, max_leaf_nodes=6)"])
def test_a_path_is_met_by_its_row(text: str) -> None:
    frame = _data.table(tasks.get("classification"))
    dataset = dataset_of(frame, target="Status")
    fitted = fit_plain(dataset, tasks.get("classification"), models.make(text))
    whole = np.asarray(fitted.encoder.transform(dataset))
    for at in range(0, 60, 7):
        for said in inside.path(fitted, whole[at]):
            assert _meets(frame.row(at, named=True), said), said


def _meets(row: dict[str, Any], said: str) -> bool:
    """A condition in words, held against a row by other means than those that made it."""
    if said == "no rule before the last":
        return True
    said, gap, _ = said.partition(" or missing")
    name = next(column for column in sorted(row, key=len, reverse=True)
                if said.startswith(column + " "))
    rest, value = said[len(name) + 1:], row[name]
    if rest in ("is missing", "is known"):
        return (value is None) == (rest == "is missing")
    if value is None:
        return bool(gap)
    if rest.startswith(("<=", ">")):
        sign, bound = rest.split(" ")
        number = float(bound.replace(",", ""))
        return (value <= number) if sign == "<=" else (value > number)
    return repr(value) in rest or " more" in rest


# ---- every model ------------------------------------------------------------------------

_SUPERVISED = [(name, task) for task in ("classification", "regression")
               for name in models.names(task) if not models.get(name).must]


@pytest.mark.parametrize(("name", "kind"), _SUPERVISED, ids=lambda x: str(x))
@pytest.mark.filterwarnings("ignore")
def test_every_model_says_something_true_of_itself(name: str, kind: str) -> None:
    model = models.make(name)
    if model.requires and not available(model.requires):
        pytest.skip(f"{model.requires} is not installed")
    task = tasks.get(kind)
    quick = {"n_estimators": 6, "max_iter": 6} if name in (
        "random_forest", "extra_trees", "bagging", "balanced_bagging", "easy_ensemble",
        "balanced_random_forest", "ada_boost", "gradient_boosting", "hist_gradient_boosting"
    ) else {}
    known = {spec.name for spec in model.specs()}
    model = model.replace(**{key: value for key, value in quick.items() if key in known})
    fitted = fit_plain(_data.dataset(task), task, model)
    found = inside.look(fitted, name)
    text = found.to_text()
    assert found.said and "has no reader" not in text and len(text) > 30
    assert not re.search(r"feature \d|\bx\d+\b|nan\b", text), text[:500]
    columns = set(_data.table(task).columns)
    if found.coefficients is not None:
        told = {re.split(r"[*^]", one.column)[0] for one in found.coefficients.rows}
        assert told <= columns or name == "stacking"
    assert {one.column for one in found.shares} <= columns
    import json

    json.dumps(found.to_json(), allow_nan=False)


def test_a_stranger_kind_is_told_by_what_it_holds() -> None:
    from wholefit.explain.inside.others import unknown

    told = unknown(State("odd", {}, {"coef": np.zeros((2, 3))}))["said"]
    assert "'odd'" in told[0] and "coef 2x3" in told[0]


def test_coefficients_survive_json() -> None:
    frame = _table(200)
    fitted, dataset, model = _fitted("linear", "pay", frame)
    found = of_rows(fitted, model, dataset, frame["pay"].to_numpy())
    assert found is not None
    assert inside.Coefficients.from_json(found.to_json()) == found
    for broken in ({}, {"scale": 1, "rows": 3, "intercepts": {}, "how": ""},
                   {**found.to_json(), "rows": [{"column": 3}]}):
        with pytest.raises((TypeError, LookupError, ValueError, AttributeError)):
            inside.Coefficients.from_json(broken)
