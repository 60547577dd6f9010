"""Leaks: planted ones are found and named, honest tables give rise to none, and fit says so."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

import wholefit as wf
from wholefit import cli
from wholefit.base.errors import DataError, WholefitWarning
from wholefit.data import bundled, dataset_of, load, splits
from wholefit.data.findings import Finding, Look
from wholefit.training import leaks
from wholefit.training._leaks_score import auc, binned, codes_score, numbers_score

N = 1500
DATA = os.environ.get("WHOLEFIT_DATA")


def honest(n: int = N, seed: int = 0, numbers: bool = False) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x, z, w = rng.normal(size=(3, n))
    town = rng.integers(0, 4, n)
    score = x + 0.5 * z + 0.3 * town + rng.normal(size=n)
    return pl.DataFrame({
        "x": x, "z": z, "w": w, "town": [f"t{t}" for t in town],
        "y": score if numbers else np.where(score > 0.4, "yes", "no")})


def found_in(frame: pl.DataFrame, *kinds: str, quick: bool = False, **roles: Any) -> list[Finding]:
    dataset = dataset_of(frame, target="y", **roles)
    look = Look(dataset, quick=quick)
    assert look.y is not None
    plan = splits.kfold(dataset, look.y, folds=5, stratify=bool(look.classes))
    every = leaks.check(dataset, _Codec(look.classes), look.y, plan) if quick else \
        leaks.examine(dataset, plan)
    return [one for one in every if not kinds or one.kind in kinds]


class _Codec:
    def __init__(self, classes: Any) -> None:
        if classes:
            self.classes = classes


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("quick", [False, True])
def test_honest_tables_give_rise_to_nothing(numbers: bool, quick: bool) -> None:
    said = [str(one) for seed in range(8) for one in found_in(
        honest(seed=seed, numbers=numbers), quick=quick)]
    assert said == []


def test_pure_noise_gives_rise_to_nothing() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        noise = {f"x{i}": rng.normal(size=400) for i in range(40)}
        said = [one.kind for one in found_in(pl.DataFrame({**noise, "y": rng.normal(size=400)}))]
        assert set(said) <= {"few_rows_for_columns"}


# Columns that give the answer away ------------------------------------------------------------

COPIES = {
    "equal": lambda y: y, "times": lambda y: 3.0 - 2.5 * y, "exp": lambda y: np.exp(y / 3),
    "ranks": lambda y: np.argsort(np.argsort(y)).astype(float), "cubed": lambda y: y**3}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("quick", [False, True])
def test_copies_of_a_number(how: str, quick: bool) -> None:
    frame = honest(numbers=True)
    frame = frame.with_columns(again=pl.Series(COPIES[how](frame["y"].to_numpy())))
    (one,) = found_in(frame, "target_copy", quick=quick)
    assert one.columns == ("again",) and one.severity == "critical"
    assert one.flag == "--role again=ignored"


@pytest.mark.parametrize("values", [("yes", "no"), ("1", "0"), (1, 0), (7.5, 2.5), (True, False)])
@pytest.mark.parametrize("quick", [False, True])
def test_copies_of_a_class(values: Any, quick: bool) -> None:
    frame = honest()
    again = [values[0] if y == "yes" else values[1] for y in frame["y"]]
    (one,) = found_in(frame.with_columns(again=pl.Series(again)), "target_copy", quick=quick)
    assert one.columns == ("again",) and one.severity == "critical"


def test_a_number_put_into_codes_is_a_copy() -> None:
    frame = honest(numbers=True).with_columns(y=(pl.col("y") * 20).round())
    codes = {value: f"k{at * 7919 % 10_007}" for at, value in enumerate(frame["y"].unique())}
    coded = frame.with_columns(pl.col("y").replace_strict(codes).alias("group"))
    assert [one.columns for one in found_in(coded, "target_copy")] == [("group",)]


def test_a_code_in_the_order_of_the_target_is_a_copy() -> None:
    frame = honest(numbers=True)
    coded = frame.with_columns((pl.col("y") * 3 + 700).alias("zip_code"))
    assert dataset_of(coded, target="y").schema.role("zip_code") != "text"
    assert [one.columns for one in found_in(coded, "target_copy", roles={
        "zip_code": "categorical"})] == [("zip_code",)]


def test_finer_classes_are_a_copy() -> None:
    rng = np.random.default_rng(0)
    frame = honest()
    finer = [f"{y}{rng.integers(3)}" for y in frame["y"]]
    (one,) = found_in(frame.with_columns(finer=pl.Series(finer)), "target_copy")
    assert "finer words" in one.evidence


@pytest.mark.parametrize("quick", [False, True])
def test_noisy_copies_are_proxies(quick: bool) -> None:
    rng = np.random.default_rng(1)
    frame = honest()
    flip = rng.random(N) < 0.003
    said = np.where(flip, np.where(frame["y"] == "yes", "no", "yes"), frame["y"].to_numpy())
    (one,) = found_in(frame.with_columns(outcome=pl.Series(said)), "target_proxy", quick=quick)
    assert one.columns == ("outcome",) and "its name says 'outcome'" in one.evidence
    numbers = honest(numbers=True)
    near = numbers["y"].to_numpy() + 0.02 * rng.normal(size=N)
    (one,) = found_in(numbers.with_columns(near=pl.Series(near)), "target_proxy", quick=quick)
    assert one.columns == ("near",)


def test_a_column_far_better_than_any_other_is_suspicious_but_strong_ones_are_not() -> None:
    rng = np.random.default_rng(2)
    frame = honest()
    yes = (frame["y"] == "yes").to_numpy()
    alone = yes * 3.6 + rng.normal(size=N)
    (one,) = found_in(frame.with_columns(alone=pl.Series(alone)), "suspicious_column")
    assert one.columns == ("alone",) and one.severity == "warning"
    easy = {f"e{i}": pl.Series(yes * 2.6 + rng.normal(size=N)) for i in range(4)}
    assert not found_in(frame.with_columns(**easy), "suspicious_column", "target_proxy")


@pytest.mark.parametrize("quick", [False, True])
def test_columns_filled_in_after_the_answer(quick: bool) -> None:
    frame = honest()
    when = pl.when(pl.col("y") == "yes").then(pl.col("w"))
    (one,) = found_in(frame.with_columns(refund=when), "post_outcome", quick=quick)
    assert one.columns == ("refund",) and one.severity == "critical"
    rng = np.random.default_rng(3)
    some = pl.when((pl.col("y") == "yes") & pl.Series(rng.random(N) < 0.4)).then(pl.col("w"))
    (one,) = found_in(frame.with_columns(refund=some), "post_outcome", quick=quick)
    assert one.severity == "warning"
    mixed = pl.when(pl.Series(rng.random(N) < 0.4)).then(pl.col("w"))
    assert not found_in(frame.with_columns(refund=mixed), "post_outcome", quick=quick)


def test_an_identifier_that_tells_and_one_that_does_not() -> None:
    frame = honest().sort("y").with_columns(order_id=pl.int_range(N) * 3 + 1000)
    assert found_in(frame, "telling_identifier")[0].columns == ("order_id",)
    frame = honest().with_columns(order_id=pl.int_range(N) * 7919 % 100_003)
    assert not found_in(frame, "telling_identifier")


# Rows that belong together --------------------------------------------------------------------

def test_groups_that_determine_the_target() -> None:
    rng = np.random.default_rng(4)
    person = rng.integers(0, 200, N)
    sick = rng.random(200) < 0.4
    frame = honest().with_columns(
        person=pl.Series([f"p{p}" for p in person]), y=pl.Series(np.where(sick[person], "s", "w")))
    (one,) = found_in(frame, "groups")
    assert one.columns == ("person",) and one.flag == "--groups person"
    assert not found_in(frame, "groups", groups="person")
    by_chance = honest().with_columns(person=pl.Series([f"p{p}" for p in person]))
    assert not found_in(by_chance, "groups")


def test_time_that_a_shuffled_split_ignores() -> None:
    rng = np.random.default_rng(5)
    level = np.cumsum(rng.normal(size=N))
    start = dt.datetime(2022, 1, 1)
    frame = honest(numbers=True).with_columns(
        y=pl.Series(level + rng.normal(size=N)),
        at=pl.Series([start + dt.timedelta(hours=i) for i in range(N)]))
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    (one,) = found_in(shuffled, "time_travel")
    assert one.flag == "--time at" and one.severity == "warning"
    assert not found_in(shuffled, "time_travel", time="at")
    assert not found_in(frame.with_columns(y=pl.Series(rng.normal(size=N))), "time_travel")


def test_near_copies_on_both_sides_of_the_split() -> None:
    frame = honest(numbers=True)
    again = frame[:200].with_columns(pl.col("w") + 1e-5)
    (one,) = found_in(pl.concat([frame, again]), "near_twins_across_split", quick=True)
    assert one.severity == "critical" and len(one.rows) > 250
    assert set(one.rows.tolist()) <= {*range(1, 201), *range(N + 1, N + 201)}


# Relations that bend --------------------------------------------------------------------------

BENDS = {
    "square": lambda x, z: x**2, "valley": lambda x, z: np.abs(x) * 1.5,
    "wave": lambda x, z: np.sin(2 * x), "product": lambda x, z: x * z}


@pytest.mark.parametrize("how", BENDS)
@pytest.mark.parametrize("logistic", [False, True])
@pytest.mark.parametrize("quick", [False, True])
def test_relations_that_bend_are_named(how: str, logistic: bool, quick: bool) -> None:
    rng = np.random.default_rng(6)
    x, z, w = rng.normal(size=(3, 3000))
    score = 2 * BENDS[how](x, z) + w
    y = np.where(rng.random(3000) < 1 / (1 + np.exp(-2 * (score - score.mean()))), "a", "b") \
        if logistic else score + 0.5 * rng.normal(size=3000)
    (one,) = found_in(pl.DataFrame({"x": x, "z": z, "w": w, "y": y}), "nonlinear", quick=quick)
    assert "x" in one.columns and "w" not in one.columns and "degree=2" in one.flag


@pytest.mark.parametrize("logistic", [False, True])
def test_straight_relations_are_not(logistic: bool) -> None:
    said = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(1500, 6)) * rng.lognormal(size=6)
        X[:, 0] = np.exp(X[:, 0] / X[:, 0].std())  # a skewed column may enter straight too
        score = (X / X.std(axis=0)) @ rng.normal(size=6)
        noise = rng.standard_t(4, size=1500)
        y = np.where(rng.random(1500) < 1 / (1 + np.exp(-score)), "a", "b") if logistic \
            else score + noise
        said += found_in(pl.DataFrame({**{f"x{i}": X[:, i] for i in range(6)}, "y": y}),
                         "nonlinear")
    assert len(said) <= 1, [str(one) for one in said]


def test_a_target_computed_from_other_columns() -> None:
    frame = honest(numbers=True).with_columns(y=pl.col("x") + 2 * pl.col("z") - pl.col("w"))
    (one,) = found_in(frame, "target_formula")
    assert {"x", "z", "w"} <= set(one.columns)


# Scores ---------------------------------------------------------------------------------------

def test_auc_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        y = rng.integers(0, 2, 200)
        answer = rng.integers(0, 15, 200).astype(float)
        assert auc(answer, y) == pytest.approx(roc_auc_score(y, answer))


def test_bins_keep_ties_together_and_order() -> None:
    rng = np.random.default_rng(8)
    values = rng.choice([*rng.normal(size=300), 0.0, 0.0], 2000)
    values[::50] = np.nan
    bins = binned(values)
    known = np.isfinite(values)
    order = np.argsort(values[known], kind="stable")
    assert (np.diff(bins[known][order]) >= 0).all() and len(np.unique(bins[~known])) == 1
    for value in np.unique(values[known]):
        assert len(np.unique(bins[values == value])) == 1


def test_scores_of_noise_are_near_zero_and_row_order_is_not_read() -> None:
    rng = np.random.default_rng(9)
    drift = np.cumsum(rng.normal(size=2000))
    for y, classes in ((drift, 0), ((drift > np.median(drift)).astype(np.int32), 2)):
        assert numbers_score(rng.normal(size=2000), y, classes) < 0.15
        assert numbers_score(np.zeros(2000), y, classes) < 0.05
        assert codes_score(rng.integers(0, 5, 2000), y, classes) < 0.15


# Two tables -----------------------------------------------------------------------------------

def test_two_draws_of_one_table_are_alike_and_shifted_ones_are_not() -> None:
    frame = wf.read(bundled.path("telco_churn")).frame
    half = np.random.default_rng(0).permutation(len(frame))
    a, b = frame[half[:3000]], frame[half[3000:6000]]
    same = wf.skew(a, b)
    assert same.alike and same.auc.low < 0.5 < same.auc.high and not same.findings
    moved = b.with_columns(pl.col("tenure") + 12, gender_=pl.lit("x"),
                           contract=pl.lit("Two year")).drop("partner")
    found = wf.skew(a, moved)
    assert not found.alike and found.auc.low > 0.8
    assert {found.columns[0][0], found.columns[1][0]} == {"contract", "tenure"}
    assert found.constant == ("contract",) and found.absent == ("partner",)
    kinds = {one.kind for one in found.findings}
    assert kinds == {"skewed_tables", "constant_in_new", "absent_in_new"}
    assert "AUC" in str(found) and found.to_json()["columns"][0]


def test_tables_that_cannot_be_compared() -> None:
    with pytest.raises(DataError, match="at least 20 rows"):
        wf.skew({"a": [1, 2]}, {"a": [1, 2]})
    with pytest.raises(DataError, match="share no column"):
        wf.skew({"a": np.arange(50) * 1.5}, {"b": np.arange(50) * 1.5})


def test_the_command_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = wf.read(bundled.path("telco_churn")).frame
    frame[:1500].write_csv(tmp_path / "old.csv")
    frame[1500:3000].with_columns(pl.col("tenure") + 90).write_csv(tmp_path / "new.csv")
    words = ["skew", str(tmp_path / "old.csv"), str(tmp_path / "new.csv"), "--target", "churn"]
    for argv in (words, [*words, "--json"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(argv)
        assert ended.value.code == 0
    said = capsys.readouterr().out.splitlines()
    assert "tenure: AUC 1.000 alone" in said[1]
    assert json.loads(said[-1])["columns"][0][0] == "tenure"
    with pytest.raises(SystemExit) as ended:
        cli.main(["skew", str(tmp_path / "old.csv"), str(tmp_path / "gone.csv")])
    assert ended.value.code == 1 and "error:" in capsys.readouterr().err


# In a fit -------------------------------------------------------------------------------------

def test_fit_finds_says_keeps_and_drops_nothing(tmp_path: Path) -> None:
    frame = honest(600).with_columns(
        again=pl.when(pl.col("y") == "yes").then(1.5).otherwise(0.5))
    with pytest.warns(WholefitWarning, match="'again' is the target in other words"):
        result = wf.fit(frame, target="y", models="logistic", jobs=1)
    first = result.findings[0]
    assert first.kind == "target_copy" and "again" in result.schema.features
    again = wf.load(result.save(tmp_path / "m.wf"))
    assert [one.to_json() for one in again.findings] == [one.to_json() for one in result.findings]
    page = result.report(tmp_path / "r.html").read_text().replace("<wbr>", "")
    assert "What was found in the data" in page and "--role" in page
    quiet = wf.fit(frame, target="y", models="logistic", jobs=1, checks=False)
    assert quiet.findings == () and quiet.score.value == result.score.value


@pytest.mark.parametrize("target, kind", [("y", "str"), ("y", "float")])
def test_hard_tables_fit_with_checks(target: str, kind: str) -> None:
    rng = np.random.default_rng(0)
    for n in (4, 12, 60):
        y = [["a", "b"][i % 2] if kind == "str" else float(i * i) for i in range(n)]
        odd = pl.DataFrame({"*": rng.normal(size=n), "": [None, "x"] * (n // 2),
                            "^a.*$": [float("inf"), 1.0] * (n // 2), target: y})
        with pytest.warns(WholefitWarning):
            assert wf.fit(odd, target=target, models="dummy", jobs=1).model == "dummy"


# Real tables ----------------------------------------------------------------------------------

REAL = {
    "womens_clothing_reviews": ("Recommended IND", "suspicious_column", "Rating"),
    "household_power_hourly": ("Global_active_power", "target_proxy", "Global_intensity"),
    "state_of_the_union": ("party", "groups", "president"),
    "metro_traffic": ("traffic_volume", "time_travel", "date_time"),
    "california_housing": ("MedHouseVal", "nonlinear", "Latitude"),
}


@pytest.mark.skipif(not DATA, reason="WHOLEFIT_DATA is not set")
@pytest.mark.parametrize("name", REAL)
def test_known_leaks_of_real_tables(name: str) -> None:
    target, kind, column = REAL[name]
    dataset = load(Path(str(DATA)) / name / "data.parquet", target=target)
    assert any(one.kind == kind and column in one.columns for one in leaks.examine(dataset))


@pytest.mark.skipif(not DATA, reason="WHOLEFIT_DATA is not set")
@pytest.mark.parametrize("name, target", [
    ("german_credit", "class"), ("attrition", "Attrition"), ("credit_data", "Status"),
    ("lending_club", "Class"), ("telco_churn", "churn")])
def test_no_leak_is_seen_in_honest_real_tables(name: str, target: str) -> None:
    dataset = load(Path(str(DATA)) / name / "data.csv.gz", target=target)
    kinds = {one.kind for one in leaks.examine(dataset)}
    assert not kinds & {"target_copy", "target_proxy", "suspicious_column", "post_outcome",
                        "groups", "time_travel", "telling_identifier", "target_formula"}
