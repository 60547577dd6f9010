"""Effects against scikit-learn's partial dependence and ALE by hand; what their words promise."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import partial_dependence as theirs

import wholefit as wf
from wholefit.api import _answers
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.explain._axis import axis
from wholefit.explain.effects import Effect, Surface, partial_dependence
from wholefit.explain.pool import Pool
from wholefit.models import Context, _tree_states
from wholefit.models._scorers import scorer


def drawn(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, rows))
    town = rng.choice(["Ely", "Wells", "Bath"], rows, p=[0.5, 0.3, 0.2])
    flag = rng.random(rows) < 0.4
    days = rng.integers(0, 700, rows)
    y = 2 * a + a * b + np.where(town == "Bath", 3.0, 0.0) + 1.5 * flag + days / 350
    y = y + 0.2 * rng.normal(size=rows)
    return pl.DataFrame({
        "a": a, "b": b, "c": c, "town": town, "flag": flag,
        "day": np.datetime64("2020-01-01") + days.astype("timedelta64[D]"), "y": y})


@cache
def fitted(model: str = "gradient_boosting") -> Any:
    return wf.fit(drawn(800, 0), target="y", models=[model], folds=2, jobs=1)


@cache
def of_classes() -> Any:
    frame = drawn(800, 0)
    level = np.digitize(frame["y"].to_numpy(), [0, 3])
    frame = frame.with_columns(pl.Series("y", np.array(["low", "mid", "top"])[level]))
    return wf.fit(frame, target="y", models=["gradient_boosting"], folds=2, jobs=1)


def test_the_same_numbers_as_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    forest = RandomForestRegressor(10, random_state=0).fit(X, X[:, 0] * X[:, 1])
    ours = scorer(_tree_states.mean(
        forest.estimators_, forest, Context(rows=200, features=4, n_classes=0)))
    for asked in (ours, forest.predict):
        found = theirs(forest, X, [0], method="brute", grid_resolution=30)
        mine = partial_dependence(asked, X, 0, found["grid_values"][0][:, None])
        assert np.abs(mine - found["average"][0]).max() < 1e-10
        pair = theirs(forest, X, [(0, 1)], method="brute", grid_resolution=9)
        grid = np.stack(np.meshgrid(*pair["grid_values"], indexing="ij"), -1).reshape(-1, 2)
        mine = partial_dependence(asked, X, [0, 1], grid)
        assert np.abs(mine - pair["average"][0].ravel()).max() < 1e-10


def by_hand(result: Any, frame: pl.DataFrame, column: str, ends: np.ndarray) -> np.ndarray:
    """ALE of a number, interval by interval, from `predict` alone (Apley and Zhu, section 2)."""
    values = frame[column].to_numpy()
    k = np.clip(np.searchsorted(ends, values, side="left"), 1, len(ends) - 1)
    def at(which: np.ndarray) -> np.ndarray:
        moved = frame.with_columns(pl.Series(column, ends[which]))
        return result.predict(moved)["prediction"].to_numpy()
    change = at(k) - at(k - 1)
    steps = np.array([change[k == each].mean() for each in range(1, len(ends))])
    curve = np.concatenate([[0.0], np.cumsum(steps)])
    counts = np.bincount(k, minlength=len(ends))[1:]
    return curve - ((curve[1:] + curve[:-1]) / 2 * counts).sum() / counts.sum()


@pytest.mark.parametrize("model", ["gradient_boosting", "linear", "knn"])
def test_ale_by_hand(model: str) -> None:
    frame = drawn(300, 3)
    found = fitted(model).effect("a", frame, points=8)
    ends = np.array(found.curve.places)
    assert np.abs(np.array(found.curve.values)
                  - by_hand(fitted(model), frame, "a", ends)).max() < 1e-9
    assert all(low <= value <= high for low, value, high in zip(
        found.curve.low, found.curve.values, found.curve.high, strict=True))


def test_pdp_and_ice_by_hand() -> None:
    frame = drawn(200, 3)
    found = fitted().effect("b", frame, kind="ice", points=6)
    answers = np.stack([fitted().predict(frame.with_columns(pl.lit(value).alias("b")))[
        "prediction"].to_numpy() for value in found.curve.places])
    means = answers.mean(axis=1)
    centre = means @ np.array(found.curve.shares)
    assert np.abs(np.array(found.curve.values) - (means - centre)).max() < 1e-9
    lines = {tuple(np.round(line, 9)) for line in (answers - answers[0]).T}
    assert {tuple(np.round(line, 9)) for line in found.lines} <= lines and len(found.lines) == 60
    assert found.against is not None and found.against > 0.1, "half of the rows have a below 0"


def test_linear_effects_are_the_slopes() -> None:
    frame = drawn(400, 3)
    for kind in ("ale", "pdp"):
        found = fitted("linear").effect("a", frame, kind=kind)
        slope = np.diff(found.curve.values) / np.diff(found.curve.places)
        assert np.ptp(slope) < 1e-8 and found.moves
        assert "rises by" in found.to_text()
        assert abs(found.swing[0] - slope[0] * np.ptp(found.curve.places)) < 1e-8
    assert not fitted("linear").effect("c", frame).lines


def test_categories_booleans_and_dates() -> None:
    frame = drawn(600, 4)
    for kind in ("ale", "pdp"):
        town = fitted().effect("town", frame, kind=kind)
        values = dict(zip(town.curve.names, town.curve.values, strict=True))
        assert town.axis == "category" and 2 < values["Bath"] - values["Ely"] < 3.5
        assert "highest where 'town' is Bath" in town.to_text()
        flag = fitted().effect("flag", frame, kind=kind)
        assert flag.curve.names == ("no", "yes") and 1 < flag.swing[0] < 1.8
        day = fitted().effect("day", frame, kind=kind)
        assert day.axis == "date" and day.curve.names[0].startswith("2020-01-0")
        assert day.curve.values[-1] - day.curve.values[0] > 1


def test_ale_of_levels_by_hand() -> None:
    frame = drawn(300, 5)
    found = fitted().effect("town", frame)
    names = found.curve.names
    curve = [0.0]
    for first, second in pairwise(names):
        near = frame.filter(pl.col("town").is_in([first, second]))
        high, low = (fitted().predict(near.with_columns(pl.lit(name).alias("town")))[
            "prediction"].to_numpy() for name in (second, first))
        curve.append(curve[-1] + (high - low).mean())
    centred = np.array(curve) - np.array(curve) @ np.array(found.curve.shares)
    assert np.abs(np.array(found.curve.values) - centred).max() < 1e-9


def test_levels_stand_by_likeness() -> None:
    rng = np.random.default_rng(0)
    level = rng.integers(0, 5, 2_000)
    names = np.array(["d", "a", "e", "c", "b"])  # the alphabet says nothing of their order
    frame = pl.DataFrame({"size": level + 0.5 * rng.normal(size=2_000), "kind": names[level],
                          "y": rng.normal(size=2_000)})
    result = wf.fit(frame, target="y", models=["ridge"], folds=2, jobs=1)
    pool = Pool(result._fitted, _answers.dataset(result._fitted, frame, {}))
    order = list(axis(pool, "kind", 10, ordered=True).names)
    assert order in (list(names), list(names[::-1]))


def test_surfaces() -> None:
    frame = drawn(800, 6)
    pair = fitted().effect(["a", "b"], frame)
    grid = np.array(pair.values)
    counts = np.array(pair.counts)
    a, b = (np.array(each) for each in pair.places)
    there = counts > 0
    product = np.outer(a, b)
    assert np.corrcoef(grid[there], product[there])[0, 1] > 0.8, "a times b is what they share"
    alone = fitted().effect(["a", "c"], frame)
    assert np.abs(np.array(alone.values)[np.array(alone.counts) > 0]).max() < 0.8
    linear = fitted("linear").effect(["a", "b"], frame)
    assert np.abs(np.array(linear.values)).max() < 1e-9, "sums have no joint part"
    mixed = fitted().effect(["a", "town"], frame)
    assert mixed.kind == "pdp" and "partial dependence" in mixed.to_text()
    moved = frame.with_columns(pl.lit(mixed.places[0][2]).alias("a"),
                               pl.lit(mixed.names[1][0]).alias("town"))
    assert abs(mixed.values[2][0] - fitted().predict(moved)["prediction"].mean()) < 1e-9
    for each in (pair, mixed):
        assert Surface.from_json(each.to_json()).to_json() == each.to_json()
        assert "<svg" in each._repr_html_()
        assert each.frame().height == len(each.names[0]) * len(each.names[1])


def test_classes() -> None:
    frame = drawn(300, 7)
    result = of_classes()
    found = result.effect("a", frame, of="top")
    assert found.told == "the probability that y is top" and found.curve.values[-1] > 0
    assert result.effect("a", frame, of="low").curve.values[-1] < 0
    assert "probability that y is" in result.effect("a", frame).told
    with pytest.raises(UnknownNameError, match="top"):
        result.effect("a", frame, of="topp")
    with pytest.raises(ParameterError, match="number"):
        fitted().effect("a", frame, of="top")


def test_what_does_not_move_is_said_not_to() -> None:
    noise = [wf.fit(drawn(300, seed).drop("y").with_columns(pl.Series(
        "y", np.random.default_rng(seed + 9).normal(size=300))), target="y", models=["dummy"],
        folds=2, jobs=1).effect("a", drawn(100, 9)) for seed in range(2)]
    assert not any(each.moves for each in noise) and "does not move" in noise[0].to_text()


def test_it_warns_of_combinations_that_do_not_occur() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=900)
    frame = pl.DataFrame({"x": x, "twin": x + 0.05 * rng.normal(size=900),
                          "free": rng.normal(size=900), "y": x + rng.normal(size=900)})
    result = wf.fit(frame, target="y", models=["gradient_boosting"], folds=2, jobs=1)
    together = result.effect("x", frame, kind="pdp")
    assert together.extrapolates and together.far[0] == ("twin",) and together.far[1] > 0.5
    assert "Beware" in together.to_text()
    assert not result.effect("free", frame, kind="pdp").extrapolates
    assert "Beware" not in result.effect("x", frame).to_text()


def test_bands_cover_what_all_rows_give() -> None:
    """The mean curve of 20,000 rows lies within the 95 % band of 200, nearly always."""
    whole = fitted().effect("a", drawn(20_000, 50), kind="pdp", most=20_000)
    places = np.array(whole.curve.places)
    held = []
    for seed in range(40):
        found = fitted().effect("a", drawn(200, 60 + seed), kind="pdp", seed=seed)
        at = len(found.curve.places) // 4
        other = 3 * at
        change = found.curve.values[other] - found.curve.values[at]
        true = np.interp([found.curve.places[at], found.curve.places[other]], places,
                         whole.curve.values)
        wide = (found.curve.high[at] - found.curve.low[at]
                + found.curve.high[other] - found.curve.low[other])
        held.append(abs(change - (true[1] - true[0])) < wide)
    assert np.mean(held) > 0.8


def test_it_is_repeatable_and_kept() -> None:
    frame = drawn(200, 3)
    for kind in ("ale", "ice"):
        first, again = (fitted().effect("a", frame, kind=kind, seed=1) for _ in range(2))
        assert first.to_json() == again.to_json()
        kept = Effect.from_json(first.to_json())
        assert kept.to_text() == first.to_text() and kept.to_json() == first.to_json()
        assert "<svg" in first._repr_html_()
        assert first.frame().height == len(first.curve.names)


def test_missing_values_are_left_out_and_counted() -> None:
    frame = drawn(200, 3)
    gaps = frame.with_columns(pl.when(pl.int_range(200) < 30).then(None).otherwise(
        pl.col("a")).alias("a"))
    found = fitted().effect("a", gaps)
    assert (found.missing, found.rows) == (30, 170) and "30 rows" in found.to_text()


def test_what_cannot_be_asked_is_refused() -> None:
    frame = drawn(50, 3)
    with pytest.raises(UnknownNameError, match="no column"):
        fitted().effect("aa", frame)
    with pytest.raises(UnknownNameError, match="ale"):
        fitted().effect("a", frame, kind="al")
    with pytest.raises(ParameterError, match="points"):
        fitted().effect("a", frame, points=1)
    with pytest.raises(DataError, match="two different"):
        fitted().effect("a", frame.with_columns(pl.lit(1.0).alias("a")))
    with pytest.raises(DataError, match="no rows"):
        fitted().effect("a", frame[:0])
    with pytest.raises(ParameterError, match="two different ones"):
        fitted().effect(["a", "a"], frame)
    with pytest.raises(ParameterError, match="one column or of two"):
        fitted().effect(["a", "b", "c"], frame)
    with pytest.raises(ParameterError, match="ICE"):
        fitted().effect(["a", "b"], frame, kind="ice")
    with pytest.raises(UnknownNameError, match="points"):
        fitted().effect("a", frame, point=3)


def test_text_is_refused_with_a_way_out() -> None:
    rng = np.random.default_rng(0)
    words = ["red", "green", "blue", "heavy", "light", "old", "new", "round", "square", "fast"]
    said = [" ".join(rng.choice(words, 12)) for _ in range(300)]
    frame = pl.DataFrame({"said": said, "n": rng.normal(size=300), "y": [
        float("red" in each) for each in said]})
    result = wf.fit(frame, target="y", task="regression", roles={"said": "text"},
                    models=["ridge"], folds=2, jobs=1)
    with pytest.raises(DataError, match="importance"):
        result.effect("said", frame)
    assert result.importance(frame).columns[0].name == "said"
    assert result.effect("n", frame, kind="pdp").curve.names
