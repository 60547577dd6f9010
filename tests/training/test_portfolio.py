"""Which models are tried: sizes, presets, what is not installed, and the data behind them."""

from __future__ import annotations

import pytest

from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import ParameterError, WholefitError
from wholefit.training import portfolio, portfolios

TASKS = ("classification", "regression")


@pytest.mark.parametrize("name", sorted(portfolios.configurations()))
def test_every_configuration_makes_its_model_with_its_parameters(name):
    configuration = portfolios.configurations()[name]
    model = configuration.make()
    assert model.name == configuration.model
    assert {key: getattr(model, key) for key in configuration.params} == configuration.params


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("rows", [100, 3_000, 10_000, 100_000, 3_000_000])
def test_an_order_names_known_configurations_once_each(task, rows):
    order = portfolios.order(task, rows)
    assert len(order) == len(set(order))
    assert set(order) <= set(portfolios.configurations())


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("preset", portfolio.PRESETS)
def test_every_preset_begins_with_the_baseline_and_fits_the_task(task, preset):
    found = portfolio.planned(tasks.get(task), 5_000, 20, preset=preset, classes=3)
    assert found.models[0].name == tasks.get(task).baseline
    assert len(found.models) >= 4
    assert all(task in model.tasks for model in found.models)
    assert len(set(found.models)) == len(found.models)


@pytest.mark.parametrize("task", TASKS)
def test_what_is_tried_as_interpretable_can_be_read(task):
    found = portfolio.planned(tasks.get(task), 5_000, 20, preset="interpretable", classes=3)
    assert all(model.readable for model in found.models)
    portfolio.check_readable(found.models)
    everything = portfolio.planned(tasks.get(task), 5_000, 20, preset="best", classes=3)
    dark = {model.name for model in everything.models if not model.readable}
    assert {"random_forest", "lightgbm", "mlp"} <= dark


def test_a_model_brought_along_is_not_known_to_be_readable():
    from sklearn.tree import DecisionTreeClassifier

    with pytest.raises(ParameterError, match=r"got DecisionTreeClassifier: .* any of additive, "):
        portfolio.check_readable(["logistic", DecisionTreeClassifier()])


def test_fast_is_the_default_set():
    task = tasks.get("classification")
    assert portfolio.planned(task, 500, 5, preset="fast") == portfolio.default(task, 500, 5)


def test_boosted_members_are_stopped_early_and_best_holds_all_of_balanced():
    task = tasks.get("regression")
    balanced = portfolio.planned(task, 2_000, 8, preset="balanced")
    best = portfolio.planned(task, 2_000, 8, preset="best")
    assert set(balanced.names) < set(best.names)
    assert all(model.watches for model in best.models
               if model.name in ("lightgbm", "xgboost", "catboost", "hist_gradient_boosting"))


def test_each_model_has_the_name_of_its_configuration():
    found = portfolio.planned(tasks.get("classification"), 800, 10, preset="best", classes=2)
    known = portfolios.configurations()
    assert len(found.names) == len(found.models)
    for name, model in list(zip(found.names, found.models, strict=True))[1:]:
        assert known[name].make() == model


def test_many_classes_get_fewer_rounds_of_larger_steps():
    task = tasks.get("classification")
    few, many = (portfolio.planned(task, 5_000, 16, preset="best", classes=classes)
                 for classes in (2, 26))
    slow, fast = (found.models[found.names.index("xgboost")] for found in (few, many))
    assert slow == portfolios.configurations()["xgboost"].make()
    assert fast.n_estimators == 8_000 // 26
    assert slow.learning_rate < fast.learning_rate <= 0.15
    assert all(model.n_estimators * 26 <= 8_000 for model in many.models if model.watches)


def test_what_grows_out_of_proportion_is_left_out_with_a_reason():
    found = portfolio.planned(tasks.get("classification"), 3_000_000, 40, preset="best", classes=2)
    kept = {model.name for model in found.models}
    assert not kept & {"svc", "knn", "extra_trees", "tabm"}
    assert "lightgbm" in kept or "hist_gradient_boosting" in kept
    assert "3,000,000 rows" in portfolio.planned(
        tasks.get("regression"), 3_000_000, 4, preset="interpretable").left_out["rule_list"]


def test_without_boosting_libraries_and_torch_the_rest_is_tried_and_it_is_said(monkeypatch):
    here = portfolios.available
    monkeypatch.setattr(
        portfolios, "available",
        lambda name: name not in ("lightgbm", "xgboost", "catboost", "torch") and here(name))
    found = portfolio.planned(
        tasks.get("classification"), 2_000, 20, ["texts"], preset="balanced", classes=2)
    kept = {model.name for model in found.models}
    assert {"hist_gradient_boosting", "logistic", "extra_trees"} <= kept
    assert {"lightgbm", "catboost", "xgboost", "real_mlp", "text_embedding"} <= set(found.left_out)
    assert "wholefit[boost]" in found.left_out["catboost"]
    assert "wholefit[deep]" in found.left_out["text_embedding"]


def test_scikit_learns_boosting_steps_in_only_where_lightgbm_is_missing():
    if not portfolios.available("lightgbm"):
        pytest.skip("lightgbm is not installed")
    names = portfolio.planned(tasks.get("regression"), 800, 8, preset="balanced").names
    assert "lightgbm_quick" in names and "hist_quick" not in names


@pytest.mark.parametrize("kind, name", [("pictures", "cnn"), ("texts", "text_embedding")])
def test_a_network_that_reads_what_was_seen_comes_early(kind, name):
    if not portfolios.available("torch"):
        pytest.skip("torch is not installed")
    found = portfolio.planned(
        tasks.get("classification"), 2_000, 3, [kind], preset="balanced", classes=4)
    assert found.names.index(name) <= 3


def test_a_misspelt_preset_gets_the_nearest():
    with pytest.raises(WholefitError, match="balanced"):
        portfolio.planned(tasks.get("regression"), 100, 3, preset="balancd")


@pytest.mark.parametrize("rows, columns, classes", [(1, 1, 2), (2, 0, 0), (10**9, 10**5, 1000)])
def test_no_size_leaves_nothing_to_try(rows, columns, classes):
    task = tasks.get("classification" if classes else "regression")
    for preset in portfolio.PRESETS:
        assert len(portfolio.planned(task, rows, columns, preset=preset, classes=classes)
                   .models) >= 2


def test_the_catalog_has_every_model_named():
    assert {c.model for c in portfolios.configurations().values()} <= set(models.names())
