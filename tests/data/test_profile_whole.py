"""The profile as a whole: targets, missing cells, two data sets, advice, odd tables, real ones."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.data import load, profile
from wholefit.data.findings import Finding
from wholefit.data.profile import _against

ROOT = os.environ.get("WHOLEFIT_DATA")
real = pytest.mark.skipif(not ROOT, reason="WHOLEFIT_DATA is not set: no real data to read")


def folder(name: str) -> Path:
    found = [path for path in (Path(str(ROOT)) / name).iterdir()
             if path.name.endswith((".parquet", ".csv.gz"))]
    return sorted(found)[0]


def shop(n: int = 600, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size = rng.gamma(2, 10, n)
    town = np.array(["Ely", "Wells", "Rye"])[rng.integers(0, 3, n)]
    hole = rng.random(n) < 0.2
    return pl.DataFrame({
        "size": size, "town": town, "when": [dt.datetime(2024, 1, 1) + dt.timedelta(hours=6 * i)
                                             for i in range(n)],
        "left": [None if gone else float(value) for gone, value in zip(hole, size, strict=True)],
        "right": [None if gone else "r" for gone in hole],
        "bought": np.where(size + 5 * (town == "Rye") > 22, "yes", "no")})


# ---- a target ---------------------------------------------------------------------------


def test_classes_and_pictures_beside_a_class() -> None:
    frame = shop()
    found = profile(frame, "bought")
    assert found.task == "classification"
    assert dict(found.classes) == dict(frame["bought"].value_counts().rows())
    assert found.informs[0].column in ("size", "left")
    told = {each.column: each for each in found.by_target}
    groups = {group.name: group for group in told["size"].groups}
    kept = frame.filter(pl.col("bought") == "yes")["size"].to_numpy()
    assert groups["yes"].rows == len(kept)
    assert groups["yes"].box == pytest.approx(np.quantile(kept, [0.05, 0.25, 0.5, 0.75, 0.95]))
    shares = told["town"]
    at = shares.names.index("Rye")
    part = frame.filter(pl.col("town") == "Rye")
    yes = shares.classes.index("yes")
    assert shares.table[at][0] == len(part)
    assert shares.table[at][1 + yes] == pytest.approx((part["bought"] == "yes").mean())
    line = told["when"]
    assert line.kind == "line" and sum(row[0] for row in line.table) == len(frame)


def test_pictures_beside_a_number() -> None:
    frame = shop().drop("bought").with_columns(price=pl.col("size") * 2)
    found = profile(frame, "price")
    told = {each.column: each for each in found.by_target}
    assert found.task == "regression" and found.classes == ()
    assert told["size"].kind == "curve"
    assert all(row[2] <= row[3] <= row[4] for row in told["size"].table)
    assert [row[3] for row in told["size"].table] == sorted(row[3] for row in told["size"].table)


def test_scatters_have_the_least_squares_line() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=900)
    y = 3 * x + 2 + rng.normal(size=900)
    drawn = profile(pl.DataFrame({"x": x, "y": y})).scatters[0]
    line = stats.linregress(x, y)
    assert (drawn.slope, drawn.intercept, drawn.pearson) == pytest.approx(
        (line.slope, line.intercept, line.rvalue))
    assert drawn.rows == 900 and 300 <= len(drawn.points) <= 400


def test_rows_without_a_target_stay_and_row_numbers_are_the_sources() -> None:
    frame = pl.DataFrame({"x": list(range(50)), "y": ["a", "b", None, "a", "b"] * 10})
    found = profile(frame, "y")
    assert found.rows == 50 and found.column("y").missing == 10
    assert sum(count for _, count in found.classes) == 40
    with pytest.raises(UnknownNameError, match="did you mean 'y'"):
        profile(frame, "yy")


def test_another_target_than_the_datasets() -> None:
    found = profile(load(shop(), target="bought"), "town")
    assert found.target == "town" and found.column("bought").role == "ignored"


# ---- missing ----------------------------------------------------------------------------


def test_the_map_of_missing_cells_and_what_is_missing_together() -> None:
    frame = shop()
    found = profile(frame).missing
    assert set(found.columns) == {"left", "right"}
    whole = np.mean(found.shares[0])
    assert whole == pytest.approx(frame["left"].null_count() / len(frame), abs=1e-4)
    (one, other, size, rows), = found.together
    assert {one, other} == {"left", "right"} and size == pytest.approx(1)
    assert rows == frame["left"].null_count()


def test_missing_cells_at_the_end_are_seen_at_the_end() -> None:
    values = [1.0] * 700 + [None] * 300
    shares = profile(pl.DataFrame({"x": values, "k": list(range(1000))})).missing.shares[0]
    assert shares[0] == 0 and shares[-1] == 1 and len(shares) == 60


# ---- two data sets ----------------------------------------------------------------------


def test_two_data_sets_side_by_side() -> None:
    here, there = shop(), shop(seed=1).with_columns(size=pl.col("size") + 15, more=pl.lit(1))
    there = there.with_columns(town=pl.col("town").replace("Rye", "Bath")).drop("left")
    found = profile(here, against=there).against
    assert found is not None and found.rows == 600
    assert found.only_here == ("left",) and found.only_there == ("more",)
    size, town = found.column("size"), found.column("town")
    assert size is not None and town is not None
    truth = stats.ks_2samp(here["size"].to_numpy(), there["size"].to_numpy()).statistic
    assert size.distance == pytest.approx(truth) and size.distance > size.chance
    assert [name for name, _ in town.new] == ["Bath"] and [n for n, _ in town.lost] == ["Rye"]
    shares = {name: (here["town"] == name).mean() - (there["town"] == name).mean()
              for name in ("Ely", "Wells", "Rye", "Bath")}
    assert town.distance == pytest.approx(sum(map(abs, shares.values())) / 2)
    assert {found.shifts[0].column, found.shifts[1].column} == {"size", "town"}
    text = profile(here, against=there).to_text()
    assert "new: Bath" in text and "left is not in the other" in text and "more is new" in text


def test_the_same_source_twice_lies_within_chance() -> None:
    """The size that chance reaches holds for numbers and for levels."""
    rng = np.random.default_rng(0)
    beyond = {"x": 0, "k": 0}
    for _ in range(200):
        draw = pl.DataFrame({"x": rng.normal(size=900), "k": rng.choice(list("aaaabbbccd"), 900)})
        found = profile_against(draw.head(500), draw.tail(400))
        for name in beyond:
            beyond[name] += found[name][0] > found[name][1]
    assert 1 <= beyond["x"] <= 22 and 1 <= beyond["k"] <= 22  # 10 expected


def profile_against(here: pl.DataFrame, there: pl.DataFrame) -> dict[str, tuple[float, float]]:
    x = _against._numeric(here["x"].alias("column"), there["x"].alias("column"))
    k = _against._levelled(here["k"].alias("column"), there["k"].alias("column"))
    return {"x": (x["distance"], x["chance"]), "k": (k["distance"], k["chance"])}


# ---- findings, advice, forms ------------------------------------------------------------


def test_findings_are_part_of_it() -> None:
    frame = pl.concat([shop(), shop().head(7)])
    found = profile(frame, "bought")
    assert found.findings and all(isinstance(each, Finding) for each in found.findings)
    assert any("duplicate" in each.kind for each in found.findings)
    text = found.to_text()
    assert all(str(each) in text for each in found.findings)


def test_advice_speaks_of_the_four_vs() -> None:
    found = profile(shop(), "bought")
    said = {each.about: each.sentence for each in found.advice}
    assert list(said) == ["volume", "variety", "velocity", "veracity"]
    assert "column 'when' goes from 2024-01-01" in said["velocity"]
    assert found.next == ("wholefit fit DATA --target bought",)
    few = profile(shop(40), "bought")
    rare = min(count for _, count in few.classes)
    assert f"only {rare} rows of the rarest class" in few.advice[0].sentence
    groups = shop().with_columns(town=pl.when(pl.int_range(pl.len()) < 12)
                                 .then(pl.lit("Bath")).otherwise(pl.col("town")))
    thin = [each.sentence for each in profile(groups).advice if "thin groups" in each.sentence]
    assert thin and "1 of its 4 levels have fewer than 30 rows (12 rows in all)" in thin[0]


def test_without_values_no_cell_is_left() -> None:
    frame = shop().with_columns(secret=pl.format("secret{}", pl.int_range(pl.len()) % 7))
    found = profile(frame, "bought", against=frame.with_columns(secret=pl.lit("secretest")))
    assert "secret3" in json.dumps(found.to_json()) and "secretest" in found.to_text()
    hidden = found.without_values()
    said = json.dumps(hidden.to_json()) + hidden.to_text()
    assert "secret3" not in said and "secretest" not in said and "Wells" not in said
    assert "yes" in said and "secret" in said  # the classes and the names of columns


def test_json_is_strict_and_sampling_is_said() -> None:
    frame = shop(3000)
    found = profile(frame, "bought", most=500, seed=4)
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert stored["sampled"] == 500 and stored["rows"] == 3000
    assert stored["missing"]["columns"] and stored["pairs"]["found"] and stored["informs"]
    assert found.to_json() == profile(frame, "bought", most=500, seed=4).to_json()
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ParameterError, match="most must be"):
            profile(frame, most=wrong)


def test_a_wide_table_in_few_lines() -> None:
    frame = pl.DataFrame({f"c{at}": [1.0, 2.0, 3.0] for at in range(150)})
    found = profile(frame)
    assert "and 140 more columns" in found.to_text(most=10)
    assert "more columns:" not in found.to_text()


# ---- odd tables -------------------------------------------------------------------------

ODD: dict[str, Any] = {
    "one row": {"x": [1.0], "k": ["a"], "y": ["p"]},
    "two rows": {"x": [1.0, None], "k": ["a", "b"], "y": ["p", "q"]},
    "all missing": {"x": [None] * 30, "k": [None] * 30, "y": ["p", "q"] * 15},
    "missing target": {"x": list(range(30)), "y": pl.Series([None] * 30, dtype=pl.String)},
    "constant": {"x": [3] * 30, "k": ["a"] * 30, "y": ["p", "q"] * 15},
    "one class": {"x": list(range(30)), "y": ["p"] * 30},
    "infinities": {"x": [float("inf"), float("-inf"), float("nan")] * 10, "y": ["p", "q"] * 15},
    "huge": {"x": [1e308, -1e308, 1e-320] * 10, "big": [2**62 + at for at in range(30)],
             "y": [1e300 * at for at in range(30)]},
    "names": {"*": [1.0, 2.0] * 20, "^a.*$": ["a", "b"] * 20, "": list(range(40)),
              "a b": [True, False] * 20, "y": ["p", "q"] * 20, "été\n<b>": [1] * 40},
    "nested": {"l": [[1, 2], [3]] * 20, "s": [{"a": 1}] * 40, "b": [b"x"] * 40,
               "y": ["p", "q"] * 20},
    "times": {"t": [dt.time(1, 2), None] * 20, "d": [dt.timedelta(days=1)] * 40,
              "w": [dt.date(1, 1, 1), dt.date(9999, 12, 31)] * 20, "y": [1.5, 2.5] * 20},
    "dates to predict": {"x": list(range(40)),
                         "y": [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(40)]},
    "unicode": {"k": ["", " ", "\x00", "\u202e", "🎉"] * 10, "y": ["é", "e\u0301"] * 25},
}


@pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("target", [None, "y"])
def test_odd_tables(name: str, target: str | None) -> None:
    frame = pl.DataFrame(ODD[name], strict=False)
    found = profile(frame, target, against=frame)
    assert found.rows == len(frame) and len(found.columns) == frame.width
    json.dumps(found.to_json(), allow_nan=False)
    assert found.to_text() and found.without_values().to_text()
    assert found.against is not None
    assert all(shift.distance == 0 for shift in found.against.shifts)


def test_no_rows_are_refused_in_a_sentence() -> None:
    with pytest.raises(DataError, match="must have rows"):
        profile(pl.DataFrame({"x": []}))


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(), st.integers(-5, 5).map(float)),
                          st.one_of(st.none(), st.sampled_from(["a", ""]), st.text(max_size=3)),
                          st.booleans()), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_table_is_profiled(rows: list[tuple[Any, ...]]) -> None:
    frame = pl.DataFrame(rows, schema={"x": pl.Float64, "k": pl.String, "y": pl.Boolean},
                         orient="row")
    found = profile(frame, "y")
    json.dumps(found.to_json(), allow_nan=False)
    assert found.column("x").missing == sum(x is None or x != x for x, _, _ in rows)
    assert all(0 <= pair.strength <= 1 for pair in found.pairs.found)
    assert all(0 <= told.share <= 1 for told in found.informs)


# ---- real tables ------------------------------------------------------------------------


@real
@pytest.mark.parametrize(("name", "target", "told"), [
    ("titanic", "survived", "gender"), ("diamonds", "price", "carat"),
    ("credit_data", "Status", "Seniority"),
    ("womens_clothing_reviews", "Recommended IND", "Rating"),
    ("beijing_pm25", "pm2.5", None), ("trump_tweets", None, None), ("twemoji", None, None)])
def test_real_tables(name: str, target: str | None, told: str | None) -> None:
    found = profile(folder(name), target)
    json.dumps(found.to_json(), allow_nan=False)
    assert all(column.kind in ("none", "image") or column.samples for column in found.columns)
    if told is not None:
        assert told in [each.column for each in found.informs[:3]]


@real
@pytest.mark.slow
def test_every_real_table_is_profiled() -> None:
    paths = sorted([*Path(str(ROOT)).glob("*/*.parquet"), *Path(str(ROOT)).glob("*/*.csv.gz")])
    assert len(paths) > 35
    for path in paths:
        found = profile(path)
        assert found.rows and len(found.columns), path
        json.dumps(found.to_json(), allow_nan=False)


def test_a_file_whose_columns_are_named_like_patterns(tmp_path: Path) -> None:
    """The engine that reads takes ^...$ for a pattern; no name may make it find nothing."""
    path = tmp_path / "odd.csv"
    pl.DataFrame({"^a.*$": ["x", "y", None] * 9, "^n$": ["1", "2", "n/a"] * 9}).write_csv(path)
    found = profile(path, "^a.*$")
    assert found.column("^a.*$").missing == 9 and found.column("^n$").role == "numeric"
