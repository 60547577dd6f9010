"""Friedman's H by hand, silence where effects add up, and pairs that do act together."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.explain.interactions import Interactions, h_statistic


def drawn(rows: int, seed: int, kind: str = "product", classes: bool = False) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    score = {"product": x[:, 0] + 1.5 * x[:, 1] * x[:, 2],
             "signs": 2 * np.sign(x[:, 0] * x[:, 1]) + x[:, 2],
             "sum": np.sin(2 * x[:, 0]) + np.abs(x[:, 1]) + x[:, 2],
             "nothing": np.zeros(rows)}[kind]
    # Logistic noise: what adds up to the score adds up on the scale of log-odds.
    y = score + (0.25 * rng.logistic(size=rows) if classes else 0.5 * rng.normal(size=rows))
    return pl.DataFrame({**{f"x{at}": x[:, at] for at in range(4)},
                         "y": np.where(y > 0, "up", "down") if classes else y})


@cache
def fitted(kind: str = "product", classes: bool = False,
           model: str = "hist_gradient_boosting") -> Any:
    return wf.fit(drawn(1_000, 0, kind, classes), target="y", models=[model], folds=2, jobs=1)


def test_h_of_a_product_by_hand() -> None:
    """For f = a + b + c a b of independent standard normals: H squared = c^2 / (2 + c^2)."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200_000))
    for c in (0.0, 0.5, 2.0):
        share, size = h_statistic(a + b + c * a * b, a, b)
        assert abs(share - c**2 / (2 + c**2)) < 0.02 and abs(size - c) < 0.02
    assert h_statistic(np.ones(5), np.ones(5), np.ones(5)) == (0.0, 0.0)


@pytest.mark.parametrize("model", ["hist_gradient_boosting", "knn"])
def test_sizes_by_hand(model: str) -> None:
    """All of it from `predict`, on rows so few that none are drawn."""
    frame = drawn(60, 5)
    result = fitted(model=model)
    found = result.interactions(frame, columns=["x1", "x2"])
    def dependence(names: list[str]) -> np.ndarray:
        means = []
        for row in frame.iter_rows(named=True):
            moved = frame.with_columns(*(pl.lit(row[name]).alias(name) for name in names))
            means.append(result.predict(moved)["prediction"].mean())
        return np.array(means)
    share, size = h_statistic(dependence(["x1", "x2"]), dependence(["x1"]), dependence(["x2"]))
    assert abs(found.pairs[0].size - size) < 1e-9 and abs(found.pairs[0].share - share) < 1e-9


@pytest.mark.parametrize(("kind", "pair"), [
    ("product", ("x1", "x2")), ("signs", ("x0", "x1"))])
@pytest.mark.parametrize("classes", [False, True])
def test_pairs_that_act_together_are_found(kind: str, pair: tuple[str, str],
                                           classes: bool) -> None:
    held = drawn(600, 7, kind, classes)
    found = fitted(kind, classes).interactions(held, most=400)
    assert set(found.pairs[0].columns) == set(pair)
    assert [set(each.columns) for each in found.together] == [set(pair)]
    assert found.pairs[0].p_adjusted < 0.01 and found.pairs[0].gain > 0
    assert "act together" in found.to_text()
    untold = fitted(kind, classes).interactions(held.drop("y"), most=120)
    assert not untold.tested and set(untold.together[0].columns) == set(pair)


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("kind", ["sum", "nothing"])
def test_where_effects_add_up_no_pair_is_called(kind: str, classes: bool) -> None:
    """But for the one in twenty that a level of 0.95 allows: at most one of five sets of rows."""
    told = [fitted(kind, classes).interactions(drawn(400, seed, kind, classes))
            for seed in range(7, 12)]
    silent = [found for found in told if not found.together]
    assert len(silent) >= len(told) - 1
    for found in silent:
        assert ("No pair" if found.pairs else "none can act together") in found.to_text()


@pytest.mark.parametrize("classes", [False, True])
def test_sums_have_no_joint_part_at_all(classes: bool) -> None:
    model = "logistic" if classes else "ridge"
    frame = drawn(300, 0, "sum", classes)
    result = wf.fit(frame, target="y", models=[model], folds=2, jobs=1)
    found = result.interactions(frame.drop("y"))
    assert max(each.size for each in found.pairs) < 1e-6
    assert {row[1] for row in found.table()[1]} == {"0"}  # rounding is not told as a size
    assert not found.together and not result.interactions(frame).together


def test_columns_that_do_not_move_are_left_out() -> None:
    result = wf.fit(drawn(100, 0), target="y", models=["dummy"], folds=2, jobs=1)
    found = result.interactions(drawn(50, 1))
    assert not found.pairs and len(found.left) == 4 and "none can act together" in found.to_text()


def test_it_is_repeatable_and_kept() -> None:
    frame = drawn(100, 3)
    first, again = (fitted().interactions(frame, seed=2) for _ in range(2))
    assert first.to_json() == again.to_json()
    kept = Interactions.from_json(first.to_json())
    assert kept.to_text() == first.to_text() and kept.frame().equals(first.frame())
    assert "<svg" in first._repr_html_()


def test_what_cannot_be_asked_is_refused() -> None:
    frame = drawn(50, 3)
    with pytest.raises(DataError, match="at least 10"):
        fitted().interactions(frame[:9])
    with pytest.raises(ParameterError, match="top"):
        fitted().interactions(frame, top=1)
    with pytest.raises(UnknownNameError, match="x9"):
        fitted().interactions(frame, columns=["x0", "x9"])
    with pytest.raises(UnknownNameError, match="top"):
        fitted().interactions(frame, tops=3)
