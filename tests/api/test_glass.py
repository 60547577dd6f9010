"""`Result.inside` and `wf.glass_boxes`: as fitted, as loaded, and asked wrongly."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import (
    ArtifactError,
    DataError,
    ParameterError,
    StateError,
    UnknownNameError,
)
from wholefit.data import bundled


@pytest.fixture(scope="module")
def credit() -> pl.DataFrame:
    return wf.read(bundled.path("credit_data")).frame.gather_every(6)


@pytest.fixture(scope="module")
def linear(credit: pl.DataFrame) -> Any:
    return wf.fit(credit, target="Status", models="logistic", folds=2, checks=False)


@pytest.fixture(scope="module")
def boxes(credit: pl.DataFrame) -> Any:
    return wf.glass_boxes(credit, target="Status", metric="roc_auc", folds=3,
                          against="random_forest(n_estimators=30)",
                          models="rule_list, decision_tree(max_depth=3), additive(bags=2)")


def test_a_loaded_model_still_has_its_standard_errors(linear: Any, tmp_path: Path) -> None:
    found = linear.inside()
    assert found.coefficients is not None
    assert all(one.error and one.low < one.value < one.high for one in found.coefficients.rows)
    loaded = wf.load(linear.save(tmp_path / "m.wf")).inside()
    assert loaded == found and loaded.to_text() == found.to_text()


def test_a_file_altered_in_its_coefficients_is_refused(linear: Any, tmp_path: Path) -> None:
    from wholefit.api import _coefficients

    assert "reference/coefficients.json" in zipfile.ZipFile(
        linear.save(tmp_path / "m.wf")).namelist()
    for stored in (b"", b"[]", b'{"scale": 1}', b'{"scale":"number","rows":[{"column":1}],'
                   b'"intercepts":{},"how":""}'):
        with pytest.raises(ArtifactError, match="coefficients"):
            _coefficients.from_bytes(stored)


def test_rows_give_errors_by_formula_and_by_bootstrap(linear: Any, credit: pl.DataFrame) -> None:
    known = {(one.column, one.unit): one.error for one in linear.inside().coefficients.rows}
    again = {(one.column, one.unit): one.error
             for one in linear.inside(credit).coefficients.rows}
    assert again == pytest.approx(known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = linear.inside(credit, bootstrap=20)
    assert "20 fits" in drawn.to_text()
    with pytest.raises(ParameterError, match="bootstrap must be 0 or >= 20"):
        linear.inside(credit, bootstrap=3)
    with pytest.raises(ParameterError, match="bootstrap needs rows"):
        linear.inside(bootstrap=100)


def test_a_balanced_fit_has_no_formula(credit: pl.DataFrame) -> None:
    found = wf.fit(credit, target="Status", models="logistic", folds=2, checks=False,
                   balance="weights").inside()
    assert "Standard errors are not given" in found.to_text()


def test_glass_boxes_stand_beside_black_ones(boxes: Any) -> None:
    names = {row.model for row in boxes.rows}
    assert names == {"rule_list", "decision_tree", "additive", "random_forest"}
    assert [row.glass for row in boxes.rows if row.model == "random_forest"] == [False]
    best = boxes.row(boxes.best)
    assert best.price is None
    for row in boxes.rows:
        if row is not best:
            assert row.low <= row.price <= row.high and row.price >= 0
            assert row.price == pytest.approx(best.score.value - row.score.value)
    assert set(boxes.models) == names - {"random_forest"}
    assert "rules" in boxes.row("rule_list").size and "leaves" in boxes.row("decision_tree").size
    text = boxes.to_text()
    assert "recommended" in text and "price of reading it" in text
    json.dumps(boxes.to_json(), allow_nan=False)


def test_each_box_is_a_result_like_any_other(boxes: Any, credit: pl.DataFrame, tmp_path: Path
                                             ) -> None:
    for name in boxes.models:
        result = boxes[name]
        assert result.model == name and result.score == boxes.row(name).score
        loaded = wf.load(result.save(tmp_path / f"{name}.wf"))
        assert loaded.predict(credit).equals(result.predict(credit))
        assert loaded.inside() == result.inside()
    with pytest.raises(UnknownNameError, match="glass box"):
        boxes["random_forest"]


def test_the_refit_is_the_one_that_fit_makes(boxes: Any, credit: pl.DataFrame) -> None:
    alone = wf.fit(credit, target="Status", models="decision_tree(max_depth=3)", folds=2,
                   checks=False, choose="best")
    assert alone.model == "decision_tree"
    np.testing.assert_array_equal(boxes["decision_tree"].predict_proba(credit).to_numpy(),
                                  alone.predict_proba(credit).to_numpy())


def test_recommended_is_the_most_readable_of_the_tied(boxes: Any) -> None:
    from wholefit.training.glass import READABLE

    chosen = boxes.row(boxes.recommended)
    tied = [row.model for row in boxes.rows if row.glass and row.tied]
    if chosen.glass:
        assert chosen.tied and chosen.model in tied
        for row in tied:
            if READABLE.index(row) < READABLE.index(chosen.model):
                assert boxes.row(row).price > 0  # tied, but it loses too much of the gain
    else:
        assert chosen.model == boxes.best


def test_a_number_is_priced_in_its_own_units(credit: pl.DataFrame) -> None:
    found = wf.glass_boxes(credit, target="Price", folds=2, models="rule_list, ridge",
                           against="hist_gradient_boosting(n_estimators=20)")
    assert found.metric in ("rmse", "mae")
    for row in found.rows:
        assert row.price is None or row.price >= 0
    ridge = found["ridge"].inside()
    assert ridge.coefficients is not None and ridge.coefficients.rows[0].error is not None


def test_a_path_is_of_one_row(boxes: Any, credit: pl.DataFrame) -> None:
    tree = boxes["decision_tree"].inside()
    assert 1 <= len(tree.path(credit[:1])) <= 3
    assert tree.path(credit.row(0, named=True)) == tree.path(credit[:1])
    assert boxes["rule_list"].inside().path(credit[:1])
    with pytest.raises(DataError, match="one row"):
        tree.path(credit[:2])
    with pytest.raises(StateError, match="neither"):
        boxes["additive"].inside().path(credit[:1])


def test_wrong_words_are_told(credit: pl.DataFrame) -> None:
    with pytest.raises(ParameterError, match="can be read"):
        wf.glass_boxes(credit, target="Status", models="random_forest")
    with pytest.raises(UnknownNameError, match="rule_lists"):
        wf.glass_boxes(credit, target="Status", models="rule_lists")
    with pytest.raises(ParameterError, match="folds"):
        wf.glass_boxes(credit, target="Status", folds=1)


def test_odd_columns_are_told_as_they_are() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"*": rng.normal(size=200), "^a.*$": rng.choice(["u", "é\n"], 200),
                          "a b": rng.integers(0, 2, 200).astype(bool), "": rng.normal(size=200)})
    frame = frame.with_columns(y=pl.Series(np.where(frame["*"].to_numpy() > 0, "p", "q")))
    for model in ("decision_tree(max_depth=2)", "additive(bags=2)", "logistic", "rule_list"):
        result = wf.fit(frame, target="y", models=model, folds=2, checks=False)
        text = result.inside().to_text()
        assert "*" in text and result.inside()._repr_html_().startswith("<div")
