"""`wf.learning_curve` and its sisters: words, Results, pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wholefit as wf
from wholefit.base.errors import ArtifactError, DataError, ParameterError, UnknownNameError


def rows(n: int = 240) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    return {"a": X[:, 0], "b": X[:, 1], "part": np.where(X[:, 2] > 0, "up", "down"),
            "y": X[:, 0] + 0.5 * rng.normal(size=n)}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return {
        "learning": wf.learning_curve(rows(), target="y", model="ridge", sizes=[0.25, 0.5, 1.0],
                                      jobs=1, by="part", probes=False),
        "validation": wf.validation_curve(rows(), target="y", model="ridge", param="alpha",
                                          values=[1, 1000], jobs=1),
        "parts": wf.bias_variance(rows(), target="y", models="ridge, knn", draws=8, jobs=1),
        "cures": wf.cures(rows(), target="y", model="ridge", folds=2, jobs=1, curve=False,
                          budget="4s"),
    }


@pytest.mark.parametrize("name", ["learning", "validation", "parts", "cures"])
def test_each_tells_itself_three_ways(found: dict[str, Any], name: str, tmp_path: Path) -> None:
    one = found[name]
    assert str(one) == one.to_text() and one.to_json()["said"]
    assert "<svg" in one._repr_html_() and "<title>" in one._repr_html_()
    page = one.report(tmp_path / "page.html").read_text()
    assert "<h1>" in page and "http" not in page.replace("http-equiv", "")
    with pytest.raises(ArtifactError, match="exists"):
        one.report(tmp_path / "page.html")


def test_a_result_stands_for_its_model(found: dict[str, Any]) -> None:
    result = wf.fit(rows(), target="y", models="ridge(alpha=1000)", folds=2, jobs=1,
                    choose="best")
    again = wf.validation_curve(rows(), target="y", model=result, param="alpha",
                                values=[1, 1000], jobs=1)
    own = next(each for each in again.settings if each.used)
    assert own.value == 1000 and "is worse by" in again.to_text()
    assert [each.valid for each in again.settings] == [
        each.valid for each in found["validation"].settings]


def test_the_usual_model_is_named() -> None:
    told = wf.learning_curve(rows(), target="y", sizes=[0.5, 1.0], draws=1, folds=2, jobs=1,
                             probes=False)
    assert told.model.startswith(("lightgbm", "hist_gradient_boosting"))


@pytest.mark.parametrize(("words", "kind", "said"), [
    ({"model": "rigde"}, UnknownNameError, "ridge"),
    ({"model": "logistic"}, ParameterError, "not regression"),
    ({"sizes": [0.5]}, ParameterError, "at least two"),
    ({"folds": 1}, ParameterError, "folds must be >= 2"),
    ({"level": 2}, ParameterError, "level must be"),
    ({"draws": 0}, ParameterError, "draws must be >= 1"),
    ({"metric": "auc"}, UnknownNameError, "rmse"),
    ({"by": "parts"}, UnknownNameError, "part"),
    ({"size": [0.5, 1.0]}, UnknownNameError, "size"),
    ({"task": "regresion"}, UnknownNameError, "regression"),
    ({"budget": "soon"}, ParameterError, "budget"),
])
def test_wrong_words_are_told(words: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        wf.learning_curve(rows(), **{"target": "y", "model": "ridge", "jobs": 1,
                                     "sizes": [0.5, 1.0], "draws": 1, "probes": False, **words})


def test_too_few_rows_are_told() -> None:
    with pytest.raises(DataError, match="at least"):
        wf.learning_curve(rows(20), target="y", model="ridge", jobs=1)
    with pytest.raises(DataError, match="at least 20"):
        wf.bias_variance(rows(15), target="y", models="ridge", jobs=1)
    with pytest.raises(ParameterError, match="draws must be >= 8"):
        wf.bias_variance(rows(), target="y", draws=3)
    with pytest.raises(ParameterError, match="at least one"):
        wf.bias_variance(rows(), target="y", models=[])
