"""Which columns are worth their cost, on tables where that is known."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import BudgetError, DataError, ParameterError, UnknownNameError
from wholefit.training.worth import parts_of
from wholefit.training.worth._worth import sizes_of

MODEL = "ridge"


def table(rows: int = 600) -> pl.DataFrame:
    """y is told by a and b; `copy` is a again, at another price; noise tells nothing."""
    rng = np.random.default_rng(0)
    a, b, c, d = rng.normal(size=(4, rows))
    return pl.DataFrame({"a": a, "copy": a + 0.01 * rng.normal(size=rows), "b": b, "noise": c,
                         "more_noise": d, "y": 2 * a + b + 0.5 * rng.normal(size=rows)})


def study(frame: pl.DataFrame | None = None, **words: object) -> wf.Worth:
    words.setdefault("model", MODEL)
    return wf.worth(table() if frame is None else frame, target="y", jobs=1, **words)


def test_noise_and_the_dear_copy_are_given_up() -> None:
    found = study(prices={"a": 1, "copy": 50, "b": 1, "noise": 1, "more_noise": 1})
    assert set(found.kept) == {"a", "b"} and set(found.dropped) == {"copy", "noise", "more_noise"}
    assert found.steps[found.chosen].price == 2 and found.steps[0].price == 54
    assert any("Buy 2 of 5" in said for said in found.said)


def test_what_is_free_is_kept_and_nothing_else_bought_where_it_tells_all() -> None:
    found = study(prices={"noise": 3, "more_noise": 1})
    assert found.free == ("a", "copy", "b") and found.kept == ()
    assert "Nothing that costs is worth it" in found.said[0]


def test_columns_had_together_are_bought_together() -> None:
    found = study(prices={"test": 5, "noise": 1}, together={"test": ["a", "copy"]})
    assert found.kept == ("test",) and found.free == ("b", "more_noise")
    test = next(part for part in found.parts if part.name == "test")
    assert test.columns == ("a", "copy") and test.folds == found.folds == 5


def test_all_are_worth_it_where_each_tells() -> None:
    found = study(table().select("a", "b", "y"))
    assert found.kept == ("a", "b") and "worth their 2 a row" in found.said[0]
    assert [step.price for step in found.steps] == [2, 1, 0]


def test_the_score_of_a_step_is_that_of_new_rows() -> None:
    """Of forty columns of noise some look useful by chance; the step's score is not deceived."""
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({f"n{at}": rng.normal(size=200) for at in range(40)}).with_columns(
        y=pl.Series(rng.normal(size=200)))
    found = study(frame)
    truth = float(np.std(frame["y"].to_numpy()))
    assert found.kept == ()
    for step in found.steps:
        assert step.score.value > truth * 0.97, len(step.parts)


def test_classes_words_and_missing_values() -> None:
    rng = np.random.default_rng(2)
    word = rng.choice(["red", "green", "blue"], 500)
    frame = pl.DataFrame({
        "word": [None if at % 9 == 0 else str(w) for at, w in enumerate(word)],
        "x": rng.normal(size=500), "ünused": rng.normal(size=500),
        "y": np.where((word == "red") ^ (rng.random(500) < 0.1), "yes", "no")})
    found = study(frame, model="logistic")
    assert found.kept == ("word",) and found.metric == "log_loss"


def test_groups_stay_whole() -> None:
    frame = table().with_columns(unit=pl.Series(np.arange(600) // 4))
    found = study(frame, groups="unit", prices={"a": 1, "b": 1})
    assert found.kept == ("a", "b") or found.kept == ("b",)  # copy is free and tells what a does
    few = frame.with_columns(unit=pl.Series((np.arange(600) > 10).astype(int)))
    with pytest.raises(DataError):
        study(few, groups="unit")


def test_wrong_prices_are_said_in_a_sentence() -> None:
    for prices in ({"a": -1}, {"a": float("nan")}, {"a": "5"}, {"a": True}, {"a": 0}, {}):
        with pytest.raises(ParameterError, match="price"):
            study(prices=prices)
    with pytest.raises(UnknownNameError, match="copy"):
        study(prices={"cop": 1})
    with pytest.raises(UnknownNameError):
        study(together={"test": ["zzz"]})
    for together in ({"t": ["a"], "u": ["a"]}, {"t": []}, {"a": ["b"]}):
        with pytest.raises(ParameterError, match="together"):
            study(together=together)


def test_out_of_time_is_said() -> None:
    with pytest.raises(BudgetError, match="fold"):
        study(budget=1e-6)


def test_the_same_seed_gives_the_same_and_it_tells_itself() -> None:
    one, two = study(seed=4), study(seed=4)
    assert one == two
    stored = json.loads(json.dumps(one.to_json()))
    assert stored["kept"] == list(one.kept) and len(stored["steps"]) == len(one.steps)
    header, rows = one.table()
    assert len(rows) == len(one.steps) and all(len(row) == len(header) for row in rows)
    header, rows = one.parts_table()
    assert len(rows) == 5 and all(len(row) == len(header) for row in rows)


def test_rounds_end_with_nothing() -> None:
    assert sizes_of(1) == [1, 0] and sizes_of(5) == [5, 4, 3, 2, 1, 0]
    assert sizes_of(20)[-1] == 0 and all(a > b for a, b in zip(sizes_of(20), sizes_of(20)[1:],
                                                              strict=False))
    parts = parts_of(["a", "b"], {"a": 2.5}, None)
    assert parts.price(["a"]) == 2.5 and parts.columns([]) == ["b"]
