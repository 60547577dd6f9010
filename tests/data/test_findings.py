"""Findings: each fault is found where it was planted, with its rows, and not where it was not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import ParameterError
from wholefit.data import dataset_of, load
from wholefit.data.findings import Finding, Look, examine, find, ordered

N = 600


def honest(n: int = N, seed: int = 0) -> pl.DataFrame:
    """A table with nothing wrong: three columns of numbers, two of words, one of dates."""
    rng = np.random.default_rng(seed)
    size = rng.normal(50, 10, n)
    return pl.DataFrame({
        "size": size.round(3), "price": rng.gamma(4.0, 10.0, n).round(2) + 1,
        "age": rng.integers(18, 80, n), "town": rng.choice(["Ely", "Wells", "Bath", "York"], n),
        "kind": rng.choice(["new", "used", "mended"], n),
        "day": [dt.date(2021, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 700, n)],
        "y": np.where(size + rng.normal(0, 10, n) > 50, "yes", "no"),
    })


def found_in(frame: Any, kind: str | None = None, **options: Any) -> list[Finding]:
    every = find(load(frame, target=options.pop("target", "y"), **options))
    return [one for one in every if kind in (None, one.kind)]


def test_an_honest_table_gives_rise_to_nothing() -> None:
    for seed in range(8):
        assert [str(one) for one in found_in(honest(seed=seed))] == []


def test_nothing_is_found_in_next_to_nothing() -> None:
    for frame in (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [None, None]}),
                  pl.DataFrame({"a": [[1], [2]], "b": [1.0, float("nan")]})):
        assert isinstance(find(dataset_of(frame)), tuple)


ODD = {
    "*": [1.0, float("inf"), float("nan"), None, -3.0] * 30,
    "^a.*$": ["x", "X ", None, "", "y"] * 30,
    "": [2**62, -5, 7, 0, 1] * 30, "a b": [True, False, None, True, True] * 30,
    "l": [[1], [], None, [2], [3]] * 30,
    "t": [dt.datetime(1, 1, 1), None, *[dt.datetime(2020, 1, 1)] * 3] * 30,
    "d": [dt.timedelta(1), None, *[dt.timedelta(2)] * 3] * 30, "z": [None] * 150,
}


@pytest.mark.parametrize("target", [None, *(name for name in ODD if name not in ("l", "z"))])
@pytest.mark.parametrize("quick", [False, True])
def test_odd_columns_and_names_are_borne(target: str | None, quick: bool) -> None:
    dataset = dataset_of(pl.DataFrame(ODD, strict=False), target=target)
    for one in examine(Look(dataset, quick=quick)):
        assert one.evidence and Finding.from_json(one.to_json()).to_json() == one.to_json()


# Rows met twice -------------------------------------------------------------------------------

def test_copies_are_all_named() -> None:
    frame = honest()
    (one,) = found_in(pl.concat([frame, frame[[4, 9, 9]]]), "duplicate_rows")
    assert one.rows.tolist() == [5, 10, 601, 602, 603] and one.count == 3
    assert one.severity == "warning" and "deduplicate" in one.line


def test_rows_are_counted_as_in_the_file_when_some_have_no_target() -> None:
    frame = honest().with_columns(y=pl.when(pl.int_range(N) < 7).then(None).otherwise(pl.col("y")))
    (one,) = found_in(pl.concat([frame, frame[[20]]]), "duplicate_rows")
    assert one.rows.tolist() == [21, 601]


def test_copies_under_another_identifier() -> None:
    frame = honest()
    frame = pl.concat([frame, frame[[3]]]).with_columns(
        order_id=pl.format("K{}", pl.int_range(N + 1) * 7919 % 100_003))
    (one,) = found_in(frame, "duplicate_but_for_identifier")
    assert one.rows.tolist() == [4, 601]


def test_equal_rows_with_other_answers() -> None:
    frame = honest()
    other = frame[[7]].with_columns(y=pl.lit("no") if frame["y"][7] == "yes" else pl.lit("yes"))
    (one,) = found_in(pl.concat([frame, other]), "conflicting_labels")
    assert one.rows.tolist() == [8, 601] and one.columns == ("y",)


def test_near_copies_in_one_cell_in_spelling_and_by_a_hair() -> None:
    frame = honest()
    slip = frame[[11]].with_columns(age=pl.lit(frame["age"][11] + 1, frame["age"].dtype))
    shout = frame[[12]].with_columns(pl.col("town").str.to_uppercase() + " ")
    hair = frame[[13]].with_columns(pl.col("size") + 1e-4, pl.col("price") - 1e-4)
    every = found_in(pl.concat([frame, slip, shout, hair]))
    rows = {one.kind: one.rows.tolist() for one in every if one.kind.startswith("near_")}
    assert rows == {"near_duplicate_one_cell": [12, 601], "near_duplicate_spelling": [13, 602],
                    "near_duplicate_numbers": [14, 603]}


def test_coarse_columns_make_no_near_copies() -> None:
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({f"c{i}": rng.integers(0, 3, 2000) for i in range(7)})
    assert not [one for one in found_in(frame, target=None) if one.kind.startswith("near_")]


# Damaged cells --------------------------------------------------------------------------------

DAMAGE = {"decimal comma": lambda v: f"{v:.2f}".replace(".", ","), "letters": lambda v: f"1O{v}",
          "unit": lambda v: f"{v} kg", "word": lambda v: "about right"}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("share", [0.003, 0.02, 0.1])
@pytest.mark.parametrize("from_file", [False, True])
def test_damaged_numbers_are_all_named(
    how: str, share: float, from_file: bool, tmp_path: Any
) -> None:
    frame = honest()
    rows = np.sort(np.random.default_rng(3).choice(N, int(share * N) + 1, replace=False))
    cells: list[Any] = [str(v) for v in frame["size"]]
    for row in rows:
        cells[row] = DAMAGE[how](frame["size"][int(row)])
    source: Any = frame.with_columns(size=pl.Series(cells))
    if from_file:
        source.write_csv(tmp_path / "damaged.csv")
        source = tmp_path / "damaged.csv"
    (one,) = found_in(source, "damaged_cells")
    assert one.columns == ("size",) and one.rows.tolist() == (rows + 1).tolist()
    assert one.count == len(rows)


def test_damaged_dates_and_truth_values() -> None:
    frame = honest().with_columns(
        day=pl.when(pl.int_range(N) == 40).then(pl.lit("soon")).otherwise(
            pl.col("day").cast(pl.String)),
        sold=pl.when(pl.int_range(N) == 50).then(pl.lit("perhaps")).otherwise(
            pl.when(pl.col("age") > 50).then(pl.lit("true")).otherwise(pl.lit("false"))))
    rows = {one.columns: one.rows.tolist() for one in found_in(frame, "damaged_cells")}
    assert rows == {("day",): [41], ("sold",): [51]}


def test_codes_with_a_letter_are_not_damaged_numbers() -> None:
    rng = np.random.default_rng(4)
    codes = [f"{n}{'AB'[n % 2] if n % 9 == 0 else ''}" for n in rng.integers(10_000, 99_999, N)]
    assert not found_in(honest().with_columns(stock=pl.Series(codes)), "damaged_cells")


# Words ----------------------------------------------------------------------------------------

def test_one_category_in_several_ways_and_stray_spaces() -> None:
    towns = honest()["town"].to_list()
    towns[3], towns[8], towns[15] = "ELY", "wells ", "Ba th"
    every = found_in(honest().with_columns(town=pl.Series(towns)))
    rows = {one.kind: one.rows.tolist() for one in every}
    assert rows["inconsistent_categories"] == [4, 9] and rows["stray_spaces"] == [9]


@pytest.mark.parametrize("levels", [["A+", "A-"], ["<=50K", ">50K"], ["1.5", "15"], ["a b", "ab"]])
def test_signs_that_carry_meaning_are_kept_apart(levels: list[str]) -> None:
    frame = honest().with_columns(kind=pl.Series(levels * (N // 2)))
    assert not found_in(frame, "inconsistent_categories")


def test_a_misspelt_level_and_two_that_only_look_alike() -> None:
    towns = np.array(honest()["town"].to_list(), dtype=object)
    towns[towns == "Bath"] = "grade1"
    towns[5], towns[6] = "Wlels", "grade2"
    (one,) = found_in(honest().with_columns(town=pl.Series(towns.tolist())), "likely_misspelt")
    assert one.rows.tolist() == [6] and "'Wlels' for 'Wells'" in one.evidence


# Numbers --------------------------------------------------------------------------------------

@pytest.mark.parametrize("value", [-999, 9999, -1, 0])
def test_placeholders(value: int) -> None:
    pressure = np.random.default_rng(2).normal(120, 10, N).round().astype(int)
    pressure[[2, 30, 31, 77, 500]] = value
    (one,) = found_in(honest().with_columns(pressure=pl.Series(pressure)), "placeholder")
    assert one.rows.tolist() == [3, 31, 32, 78, 501] and str(value) in one.line


def test_torn_off_values_are_outliers_and_heavy_tails_are_not() -> None:
    prices = honest()["price"].to_list()
    prices[10], prices[20] = 4_000.0, 9_000.0
    (one,) = found_in(honest().with_columns(price=pl.Series(prices)), "outliers")
    assert one.rows.tolist() == [11, 21]
    false = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        tails = pl.DataFrame({
            "pareto": rng.pareto(1.2, 2000), "cauchy": rng.standard_cauchy(2000),
            "normal": rng.normal(size=2000), "exponential": rng.exponential(size=2000),
            "lognormal": rng.lognormal(sigma=1.5, size=2000), "counts": rng.poisson(3, 2000),
            "uniform": rng.uniform(size=2000), "t3": rng.standard_t(3, 2000)})
        every = found_in(tails, target=None)
        false += sum(one.kind == "outliers" for one in every)
        (heavy,) = [one for one in every if one.kind == "heavy_tail"]
        assert {"pareto", "cauchy"} <= set(heavy.columns)
        assert not {"normal", "uniform", "exponential", "counts"} & set(heavy.columns)
    assert false <= 2, "of 160 columns without an error"


def test_a_lone_outlier_is_found_where_a_sample_misses_it() -> None:
    rng = np.random.default_rng(0)
    cells = rng.normal(size=60_000)
    cells[[777, 40_404]] = 50.0, -60.0
    (one,) = [one for one in examine(Look(dataset_of(pl.DataFrame({"x": cells, "z": cells**2})),
                                          quick=True))
              if one.kind == "outliers" and one.columns == ("x",)]
    assert one.rows.tolist() == [778, 40_405]


def test_hills_index_is_that_of_the_tail() -> None:
    from wholefit.data.findings.tails import _tail

    rng = np.random.default_rng(0)
    for index in (0.8, 1.5):
        tail = _tail(rng.pareto(index, 200_000), +1)
        assert tail is not None and tail.index == pytest.approx(index, rel=0.1)


@pytest.mark.parametrize("factor", [1000.0, 2.20462, 100.0])
def test_mixed_units(factor: float) -> None:
    rng = np.random.default_rng(5)
    weights = rng.normal(70, 3, N)
    weights[::9] *= factor
    (one,) = found_in(honest().with_columns(weight=pl.Series(weights)), "mixed_units")
    assert one.rows.tolist() == list(range(1, N + 1, 9))


def test_suspicious_dates() -> None:
    days = honest()["day"].to_list()
    days[1] = days[2] = dt.date(1900, 1, 1)
    days[3] = dt.date(2999, 5, 5)
    days[4] = dt.date(1921, 3, 3)
    every = found_in(honest().with_columns(day=pl.Series(days)))
    rows = {one.kind: one.rows.tolist() for one in every}
    assert rows == {"placeholder_dates": [2, 3], "future_dates": [4], "torn_off_dates": [5]}


# Columns --------------------------------------------------------------------------------------

def test_columns_with_nothing_to_learn_from() -> None:
    frame = honest().with_columns(
        site=pl.lit("A"), flag=pl.int_range(N) < 2, order_id=pl.int_range(N) * 7919 % 100_003,
        code=pl.format("c{}", pl.int_range(N) % 120))
    kinds = {one.kind: one for one in found_in(frame)}
    assert kinds["constant"].columns == ("site",) and kinds["many_levels"].columns == ("code",)
    assert kinds["nearly_constant"].rows.tolist() == [1, 2]
    assert kinds["identifier"].columns == ("order_id",)


def test_columns_that_say_the_same() -> None:
    frame = honest().with_columns(
        twin=pl.col("price"), inches=pl.col("size") / 2.54 + 0.001 * pl.col("age"),
        letter=pl.col("town").replace_strict({"Ely": "e", "Wells": "w", "Bath": "b", "York": "y"}))
    kinds = {one.kind: one.columns for one in found_in(frame)}
    assert kinds["equal_columns"] == ("price", "twin")
    assert kinds["coded_columns"] == ("town", "letter")
    assert kinds["correlated_columns"] == ("size", "inches")


def test_gaps_that_tell_and_gaps_that_do_not() -> None:
    rng = np.random.default_rng(6)
    frame = honest(2000)
    yes = (frame["y"] == "yes").to_numpy()
    frame = frame.with_columns(
        price=pl.when(pl.Series(rng.random(2000) < np.where(yes, 0.3, 0.05))).then(None).otherwise(
            pl.col("price")),
        age=pl.when(pl.Series(rng.random(2000) < 0.2)).then(None).otherwise(pl.col("age")))
    (one,) = found_in(frame, "telling_gaps")
    assert one.columns == ("price",)


def test_empty_rows_and_columns_missing_together() -> None:
    gone = pl.int_range(N) % 20 == 0
    frame = honest().with_columns(*(pl.when(gone).then(None).otherwise(pl.col(name)).alias(name)
                                    for name in ("size", "price", "age")))
    kinds = {one.kind: one.rows.tolist() for one in found_in(frame)}
    assert kinds["empty_rows"] == kinds["missing_together"] == list(range(1, N + 1, 20))


# The target -----------------------------------------------------------------------------------

def test_rare_and_tiny_classes() -> None:
    y = np.where(np.arange(N) < 6, "yes", "no")
    kinds = {one.kind: one for one in found_in(honest().with_columns(y=pl.Series(y)).sample(
        fraction=1.0, shuffle=True, seed=0))}
    assert kinds["tiny_class"].count == 6 and kinds["imbalance"].severity == "warning"


def test_a_ceiling_heaps_and_sorted_rows() -> None:
    rng = np.random.default_rng(7)
    y = np.minimum(rng.gamma(4, 10, 3000).round(2), 70.0)
    frame = honest(3000).with_columns(y=pl.Series(y))
    (one,) = found_in(frame, "capped_target")
    assert one.rows.tolist() == (np.flatnonzero(y == 70.0) + 1).tolist()
    heaped = np.where(rng.random(3000) < 0.5, (y / 5).round() * 5, y.round(1))
    assert found_in(frame.with_columns(y=pl.Series(heaped)), "heaped_target")
    assert not found_in(frame.with_columns(y=pl.Series(rng.gamma(4, 10, 3000).round(2))),
                        "heaped_target")
    assert found_in(frame.sort("y"), "sorted_rows")


def test_too_few_rows_for_the_columns() -> None:
    rng = np.random.default_rng(8)
    wide = pl.DataFrame({**{f"x{i}": rng.normal(size=100) for i in range(60)},
                         "y": rng.normal(size=100)})
    (one,) = found_in(wide, "few_rows_for_columns")
    assert one.severity == "warning"


# The finding itself ---------------------------------------------------------------------------

def test_a_finding_keeps_ten_rows_in_json_and_comes_back() -> None:
    one = Finding("k", "info", ("a",), "e", "w", "--f", "l", 40, np.arange(1, 41), 0.5)
    stored = one.to_json()
    assert stored["rows"] == list(range(1, 11)) and stored["count"] == 40
    assert Finding.from_json(stored).to_json() == stored and str(one) == "e: --f"
    with pytest.raises(ParameterError, match="severity"):
        Finding("k", "bad", (), "e", "w", "", "")


@pytest.mark.parametrize("name, value", [
    ("kind", 3), ("severity", "loud"), ("columns", [1]), ("rows", [2**70]), ("rows", ["1"]),
    ("count", "many"), ("strength", None), ("evidence", ["<script>"])])
def test_a_strange_record_is_refused(name: str, value: Any) -> None:
    stored = Finding("k", "info", ("a",), "e", "w", "", "").to_json()
    with pytest.raises(TypeError):
        Finding.from_json({**stored, name: value})


def test_the_gravest_come_first() -> None:
    made = [Finding("k", severity, (), "e", "w", "", "", strength=strength)
            for severity, strength in (("info", 1), ("critical", 0.1), ("warning", 0.5),
                                       ("warning", 0.9))]
    assert [(one.severity, one.strength) for one in ordered(made)] == [
        ("critical", 0.1), ("warning", 0.9), ("warning", 0.5), ("info", 1)]
