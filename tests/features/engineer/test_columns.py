"""Features of categories, dates and texts: checked by hand, by polars and by scikit-learn."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from sklearn.preprocessing import TargetEncoder

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.state import same
from wholefit.features import custom, engineer
from wholefit.features.engineer.target import _deal


def towns(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return pl.DataFrame({"town": draw.choice(["Ely", "Wells", "York", "Bath"], rows, p=[
        0.6, 0.25, 0.1, 0.05]), "code": draw.integers(0, 30, rows).astype(float)})


def stored(made):
    """The same step, by way of its stored form."""
    again = custom.restore(made.to_state())
    assert same(again.to_state(), made.to_state())
    return again


# Target encoding


@pytest.mark.parametrize("smooth", ["auto", 0.0, 5.0])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "continuous"])
def test_target_means_are_scikit_learns(smooth, kind: str) -> None:
    frame = towns()
    draw = np.random.default_rng(1)
    y = {"binary": draw.integers(0, 2, 300), "multiclass": draw.integers(0, 3, 300),
         "continuous": draw.normal(size=300)}[kind]
    y = y + (frame["town"] == "Ely").to_numpy() * (1.0 if kind == "continuous" else 0)
    ours = engineer.make("target", smooth=smooth).fit(frame, y)
    X = np.array([frame["town"].to_list(), frame["code"].cast(pl.Int64).to_list()], dtype=object).T
    theirs = TargetEncoder(smooth=smooth, target_type=kind).fit(X, y)
    assert np.allclose(ours.transform(frame), theirs.transform(X))
    new = pl.DataFrame({"town": ["Nowhere"], "code": [99.0]})
    assert np.allclose(ours.transform(new),
                       theirs.transform(np.array([["Nowhere", 99]], dtype=object)))
    assert stored(ours).transform(frame).tobytes() == ours.transform(frame).tobytes()


def test_rows_learnt_from_are_cross_fitted() -> None:
    frame, y = towns(), np.random.default_rng(1).normal(size=300)
    made = engineer.make("target", folds=4, smooth=2.0, seed=3)
    crossed = made.fit_transform(frame, y)
    fold = _deal(y, 4, 3)
    X = frame["town"].to_numpy().astype(object)[:, None]
    for which in range(4):
        other = TargetEncoder(smooth=2.0, target_type="continuous").fit(
            X[fold != which], y[fold != which])
        assert np.allclose(crossed[fold == which, :1], other.transform(X[fold == which]))
    assert np.bincount(fold).tolist() == [75] * 4


def test_cross_fitting_hides_a_rows_own_target() -> None:
    """A level of its own for every row tells nothing, unless it is taught by that very row."""
    frame = pl.DataFrame({"name": [f"n{i}" for i in range(400)]})
    y = np.random.default_rng(0).normal(size=400)
    made = engineer.make("target", smooth=0.0)
    crossed = made.fit_transform(frame, y)
    assert np.corrcoef(made.transform(frame)[:, 0], y)[0, 1] > 0.99
    assert abs(np.corrcoef(crossed[:, 0], y)[0, 1]) < 0.2


def test_target_names_and_missing_levels() -> None:
    frame = pl.DataFrame({"town": ["Ely", None, "Ely", None, "Bath", "Bath"]})
    made = engineer.make("target", smooth=0.0).fit(frame, np.array([0, 1, 0, 1, 2, 2]))
    assert made.get_feature_names_out().tolist()[:2] == ["target by x0=0", "target by x0=1"]
    assert made.transform(pl.DataFrame({"town": [None]})).tolist() == [[0, 1, 0]]
    with pytest.raises(ParameterError, match="smooth must be 'auto' or >= 0; got 'car'"):
        engineer.make("target", smooth="car")


# Other encodings of levels


def test_frequencies() -> None:
    frame = pl.DataFrame({"town": ["Ely", "Ely", None, "Bath"]})
    made = engineer.make("frequency").fit(frame)
    new = pl.DataFrame({"town": ["Ely", None, "Oz"]})
    assert made.transform(new)[:, 0].tolist() == [0.5, 0.25, 0.0]
    assert engineer.make("frequency", output="count").fit(frame).transform(new).tolist() == [
        [2], [1], [0]]
    assert stored(made).transform(new).tolist() == made.transform(new).tolist()


def test_hashes_never_change() -> None:
    made = engineer.make("hashing", width=8).fit(pl.DataFrame({"town": ["Ely"]}))
    found = made.transform(pl.DataFrame({"town": ["Ely", "Bath", None, "Ely"]}))
    assert found[0].tolist() == found[3].tolist()
    assert np.abs(found).sum(axis=1).tolist() == [1, 1, 0, 1]
    # What a fresh process with another hash seed of Python's says; and what it said before.
    code = ("import polars as pl; from wholefit.features import engineer\n"
            "made = engineer.make('hashing', width=8).fit(pl.DataFrame({'town': ['Ely']}))\n"
            "print(made.transform(pl.DataFrame({'town': ['Ely', 'Bath']})).tolist())")
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONHASHSEED": "7", "PATH": "", "PYTHONPATH": ":".join(sys.path)})
    assert told.stdout.strip() == str(found[:2].tolist())
    assert [int(np.flatnonzero(row)[0]) for row in found[:2]] == [0, 2]


def test_hashes_spread_and_signs_cancel() -> None:
    frame = pl.DataFrame({"id": [f"user {i}" for i in range(20_000)]})
    found = engineer.make("hashing", width=32).fit_transform(frame)
    loads = np.abs(found).sum(axis=0)
    assert loads.min() > 0.85 * 20_000 / 32 and loads.max() < 1.15 * 20_000 / 32
    assert abs(found.sum()) < 600
    assert engineer.make("hashing", width=32, signed=False).fit_transform(frame).min() == 0


# Groups


def test_group_aggregates_are_polars_own() -> None:
    frame = towns(500).with_columns(
        price=pl.Series(np.random.default_rng(2).normal(10, 3, 500)))
    made = engineer.make("aggregate", by="town", shrink=0.0, statistics=[
        "mean", "std", "min", "max", "median", "count", "difference", "share"])
    out = made.fit_transform(frame.select("price", "town"))
    names = made.get_feature_names_out(["price", "town"]).tolist()
    by = pl.col("price")
    own = frame.select(
        by.mean().over("town"), std=by.std().over("town"), low=by.min().over("town"),
        high=by.max().over("town"), middle=by.median().over("town"), n=pl.len().over("town"),
        gap=by - by.mean().over("town"), share=pl.len().over("town") / 500)
    assert np.allclose(out, own.to_numpy())
    assert names[0] == "mean of price by town" and names[5] == "count by town"
    assert stored(made).transform(frame).tobytes() == out.tobytes()


def test_small_groups_are_drawn_to_the_whole_and_new_ones_are_the_whole() -> None:
    frame = pl.DataFrame({"v": [10.0, 10, 10, 10, 10, 10, 10, 10, 10, 100], "g": ["a"] * 9 + ["b"]})
    made = engineer.make("aggregate", by="g", statistics=["mean", "count"], shrink=9.0).fit(frame)
    found = made.transform(pl.DataFrame({"v": [1.0, 1, 1], "g": ["a", "b", "z"]}))
    assert np.allclose(found, [[(90 + 9 * 19) / 18, 9], [(100 + 9 * 19) / 10, 1], [19, 0]])


def test_groups_of_several_columns() -> None:
    frame = pl.DataFrame({"v": [1.0, 3, 5, 7], "a": ["x", "x", "y", "y"], "b": [1, 1, 1, 2]})
    step = engineer.feature("aggregate", "v", by=["a", "b"], statistics=["mean"], shrink=0.0)
    assert step.columns == ("v", "a", "b")
    assert step.transformer.fit_transform(frame)[:, 0].tolist() == [2, 2, 5, 7]


# Dates


def test_circles_close() -> None:
    frame = pl.DataFrame({"when": pl.datetime_range(
        pl.datetime(2024, 1, 1), pl.datetime(2024, 12, 31), "1h", eager=True)})
    made = engineer.make("cyclic", parts=["hour", "month", "weekday", "yearday"]).fit(frame)
    out = made.transform(frame)
    assert np.allclose(out[:, ::2]**2 + out[:, 1::2]**2, 1)
    hours = frame["when"].dt.hour().to_numpy()
    assert np.allclose(out[:, 0], np.sin(2 * np.pi * hours / 24))
    month, weekday = frame["when"].dt.month().to_numpy(), frame["when"].dt.weekday().to_numpy()
    assert np.allclose(out[:, 2], np.sin(2 * np.pi * (month - 1) / 12))
    assert np.allclose(out[:, 5], np.cos(2 * np.pi * (weekday - 1) / 7))
    steps = np.linalg.norm(np.diff(out[:24, :2], axis=0, append=out[:1, :2]), axis=1)
    assert np.allclose(steps, steps[0])  # 23 is as near to 0 as 0 is to 1
    assert made.get_feature_names_out(["when"])[:2].tolist() == ["sin(when.hour)", "cos(when.hour)"]


def test_parts_that_vary_and_holidays() -> None:
    frame = pl.DataFrame({"day": ["2024-12-24", "2024-12-25", None, "2025-01-01"]})
    made = engineer.make("cyclic", holidays=["2024-12-25", "2025-01-01"]).fit(frame)
    assert made.get_feature_names_out(["day"]).tolist() == [
        "sin(day.weekday)", "cos(day.weekday)", "sin(day.month)", "cos(day.month)", "holiday(day)"]
    out = made.transform(frame)
    assert out[[0, 1, 3], 4].tolist() == [0, 1, 1] and np.isnan(out[2]).all()
    assert stored(made).transform(frame).tobytes() == out.tobytes()
    with pytest.raises(ParameterError, match="written as 2026-12-25; got 'Xmas'"):
        engineer.make("cyclic", holidays=["Xmas"]).fit(frame)
    with pytest.raises(DataError, match="needs dates; column 'n'"):
        engineer.make("cyclic").fit(pl.DataFrame({"n": [1.5, 2.5]}))


def test_time_between_dates() -> None:
    frame = pl.DataFrame({"end": ["2024-03-01", None], "start": ["2024-02-01 12:00", "2024-01-01"]})
    days = engineer.make("elapsed").fit_transform(frame)
    assert days[0, 0] == 28.5 and np.isnan(days[1, 0])
    since = engineer.make("elapsed", since="2024-01-01", unit="hours").fit(frame)
    assert since.transform(frame)[1, 1] == 0 and since.transform(frame)[0, 0] == 60 * 24
    with pytest.raises(ParameterError, match="at least 2 date columns"):
        engineer.make("elapsed").fit(frame.select("end"))


# Texts, missing cells, formulas


def test_text_statistics_by_hand() -> None:
    frame = pl.DataFrame({"t": ["Hello World! It's 2 OK.", "", None, "Ärger über ÄÖÜ-Wörter"]})
    made = engineer.make("text").fit(frame)
    table = dict(zip(made.get_feature_names_out(["t"]), made.transform(frame).T, strict=True))
    assert table["t.length"][:2].tolist() == [23, 0] and np.isnan(table["t.length"][2])
    assert table["t.words"][[0, 3]].tolist() == [5, 3]
    assert table["t.capitals"][0] == pytest.approx(5 / 23)
    assert table["t.digits"][0] == pytest.approx(1 / 23)
    assert table["t.punctuation"][0] == pytest.approx(3 / 23)
    assert table["t.unique"][0] == 1.0 and table["t.sentences"][0] == 2
    assert table["t.readability"][0] == pytest.approx(5 / 2 + 0)
    lix = engineer.make("text", statistics=["readability"]).fit_transform(
        pl.DataFrame({"t": ["Considerable complications emerge. So it goes."]}))
    assert lix[0, 0] == pytest.approx(6 / 2 + 100 * 2 / 6)


def test_missing_counts() -> None:
    frame = pl.DataFrame({"a": [1.0, float("nan"), None], "b": ["x", None, "n/a"]})
    assert engineer.make("missing").fit_transform(frame)[:, 0].tolist() == [0, 2, 2]
    assert engineer.make("missing", share=True).fit_transform(frame)[:, 0].tolist() == [0, 1, 1]


def test_formulas_are_arithmetic_and_nothing_else() -> None:
    frame = pl.DataFrame({"weight": [80.0, 60.0, None], "body height": [200, 0, 170]})
    step = engineer.feature("expression", formula="weight / (`body height` / 100) ** 2")
    assert step.columns == ("weight", "body height")
    out = step.transformer.fit_transform(frame)[:, 0]
    assert out[0] == 20 and np.isnan(out[1:]).all()
    for formula in ("__import__('os').system('x')", "weight.__class__", "open('x')", "1 + 2", "("):
        with pytest.raises((ParameterError, LookupError)):
            engineer.feature("expression", formula=formula).transformer.fit(frame)


FRAMED = {"frequency": {}, "hashing": {}, "missing": {}, "text": {}, "target": {},
          "aggregate": {"by": "x0"}}


@pytest.mark.parametrize("kind", FRAMED)
@pytest.mark.parametrize("frame", [
    pl.DataFrame({"x0": ["a"], "x1": [None]}),
    pl.DataFrame({"x0": [None, None], "x1": [1, 2]}, schema_overrides={"x0": pl.String}),
    pl.DataFrame({"x0": [True, False, None], "x1": [2**62, -2**62, 0]}),
    pl.DataFrame({"x0": ["", "*", "^a.*$"], "x1": [float("nan"), float("inf"), -0.0]}),
], ids=["one row", "all missing", "booleans and huge", "odd"])
def test_odd_columns_are_borne(kind: str, frame: pl.DataFrame) -> None:
    made = engineer.make(kind, **FRAMED[kind])
    out = made.fit_transform(frame, np.arange(len(frame), dtype=float))
    assert out.shape == (len(frame), len(made.get_feature_names_out(frame.columns)))
    assert stored(made).transform(frame).tobytes() == made.transform(frame).tobytes()
    assert len(made.transform(frame.clear())) == 0


def test_columns_named_like_patterns() -> None:
    frame = pl.DataFrame({"^a.*$": ["x", "y"], "*": ["u", "v"], "a b": [1.0, 2.0]})
    for kind in ("frequency", "text", "missing", "hashing"):
        assert len(engineer.make(kind).fit_transform(frame)) == 2
    found = engineer.make("aggregate", by="*", statistics=["mean"], shrink=0.0).fit_transform(
        pl.DataFrame([frame.get_column("a b"), frame.get_column("*")]))
    assert found[:, 0].tolist() == [1, 2]


def test_absent_columns_are_named() -> None:
    made = engineer.make("frequency").fit(pl.DataFrame({"town": ["Ely"]}))
    with pytest.raises(DataError, match="needs column 'town', as in training; got 'city'"):
        made.transform(pl.DataFrame({"city": ["Ely"]}))


def test_pandas_frames_and_arrays_are_read_too() -> None:
    import pandas as pd

    guest = pd.DataFrame({"town": pd.Series(["Ely", None, "Ely"], dtype="string"),
                          "code": pd.array([1, None, 1], dtype="Int64"),
                          "sort": pd.Categorical(["a", "b", "a"])})
    ours = pl.DataFrame({"town": ["Ely", None, "Ely"], "code": [1, None, 1],
                         "sort": ["a", "b", "a"]})
    for kind in ("frequency", "missing", "hashing"):
        made = engineer.make(kind).fit(guest)
        assert made.transform(guest).tolist() == made.transform(ours).tolist()
    table = np.array([["x", 1], ["y", 2], ["x", None]], dtype=object)
    assert engineer.make("frequency", output="count").fit_transform(table)[:, 0].tolist() == [
        2, 1, 2]
