"""Calibrated by group: the level holds in every group, and a file cannot break it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import ParameterError, SchemaError
from wholefit.base.state import State
from wholefit.evaluation import conformal
from wholefit.evaluation.conformal_groups import GROUPED, Grouped, grouped, read


def numbers(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, pl.DataFrame]:
    """Errors are five times as wide in group "b"."""
    random = np.random.default_rng(seed)
    group = random.choice(["a", "b"], n, p=[0.8, 0.2])
    answer = random.normal(size=n)
    error = random.normal(size=n) * np.where(group == "b", 5.0, 1.0)
    return answer + error, answer, pl.DataFrame({"group": group})


def test_the_level_holds_in_each_group_where_one_calibration_misses_it() -> None:
    together, own = [], []
    for seed in range(30):
        truth, answer, rows = numbers(600, seed)
        fresh, said, asked = numbers(4_000, 1_000 + seed)
        hard = (asked["group"] == "b").to_numpy()
        known = grouped(truth, answer, "group", rows["group"])
        low, high = known.interval(said, 0.9, asked)
        own.append(((fresh >= low) & (fresh <= high))[hard].mean())
        low, high = conformal.calibrate(truth, answer).interval(said, 0.9)
        together.append(((fresh >= low) & (fresh <= high))[hard].mean())
    assert np.mean(together) < 0.75 and 0.88 < np.mean(own) < 0.95


def test_sets_by_group_hold_too() -> None:
    held = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        group = random.choice(["x", "y"], 5_000)
        chance = random.dirichlet(np.ones(3), 5_000)
        true = np.array([random.choice(3, p=p) for p in chance])
        true = np.where((group == "y") & (random.random(5_000) < 0.5),
                        random.integers(0, 3, 5_000), true)
        rows = pl.DataFrame({"g": group})
        known = grouped(true[:1_000], chance[:1_000], "g", rows["g"][:1_000])
        sets = known.sets(chance[1_000:], 0.9, False, rows[1_000:])
        inside = sets[np.arange(4_000), true[1_000:]]
        held.append([inside[group[1_000:] == name].mean() for name in "xy"])
        if seed == 4:
            break
    assert (np.abs(np.mean(held, axis=0) - 0.9) < 0.03).all()


def test_small_and_unknown_groups_rest_on_all_rows() -> None:
    truth, answer, _ = numbers(400, 0)
    names = pl.Series(["few"] * 10 + [None] * 60 + ["many"] * 330)
    known = grouped(truth, answer, "g", names)
    assert known.levels == ("(missing)", "many") and known.rows == 400
    asked = pl.DataFrame({"g": ["few", "never seen"]})
    whole = conformal.calibrate(truth, answer).interval(answer[:2], 0.9)
    assert np.array_equal(known.interval(answer[:2], 0.9, asked), whole)
    with pytest.raises(SchemaError, match="lack that column"):
        known.interval(answer, 0.9, pl.DataFrame({"other": [1] * 400}))
    with pytest.raises(ParameterError, match="too few"):
        grouped(truth, answer, "id", pl.Series([f"r{at}" for at in range(400)]))


def test_it_comes_back_bit_by_bit_and_altered_ones_are_refused() -> None:
    truth, answer, rows = numbers(500, 0)
    known = grouped(truth, answer, "group", rows["group"])
    state = known.state()
    back = read(state)
    assert isinstance(back, Grouped) and back.levels == known.levels
    assert np.array_equal(back.interval(answer, 0.8, rows), known.interval(answer, 0.8, rows))
    for config in ({"by": 3, "levels": ["a", "b"]}, {"by": "g", "levels": ["a", "a"]},
                   {"by": "g", "levels": "ab"}, {"by": "g", "levels": ["x"] * 10**3}):
        with pytest.raises(ValueError, match="groups"):
            read(State(GROUPED, config, parts=state.parts))
    with pytest.raises(KeyError):
        read(State(GROUPED, {"by": "g", "levels": ["a", "b", "c"]}, parts=state.parts))


def test_a_column_named_like_a_pattern_may_be_calibrated_by() -> None:
    truth, answer, rows = numbers(400, 5)
    column = rows.get_column("group")
    usual = grouped(truth, answer, "group", column)
    for name in ("^a.*$", "*", ""):
        found = grouped(truth, answer, name, column.alias(name))
        asked = rows.rename({"group": name})
        assert np.array_equal(found.interval(answer, 0.9, asked), usual.interval(
            answer, 0.9, rows))
