"""A user's own metric sees labels, not codes, wherever a metric may be given."""

from __future__ import annotations

import numpy as np
import pytest

import wholefit as wf

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def leavers_missed(truth: np.ndarray, answer: np.ndarray) -> float:
    assert set(truth) <= {"stay", "leave"} and set(answer) <= {"stay", "leave"}
    return float(np.mean((truth == "leave") & (answer == "stay")))


leavers_missed.greater_is_better = False  # type: ignore[attr-defined]


def test_labels_reach_the_metric_in_fit_evaluate_and_compare() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    table = {"x": x, "y": np.where(x + rng.normal(size=300) > 0.8, "leave", "stay")}
    result = wf.fit(table, target="y", models="logistic", metric=leavers_missed, choose="best",
                    jobs=1)
    assert result.score.value > 0, "somebody is missed"
    answers = result.predict(table)["prediction"]
    held = result.evaluate(table, metric=leavers_missed)["leavers_missed"]
    assert held.value == leavers_missed(table["y"], np.asarray(answers))
    other = wf.fit(table, target="y", models="dummy", jobs=1)
    difference = wf.compare(result, other, table, metric=leavers_missed)
    assert difference.value < 0 and difference.better == "a"
