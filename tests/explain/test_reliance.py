"""Reliance: what a model leans on, against closed forms, and the edges of a small table."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api import _answers
from wholefit.explain import reliance
from wholefit.explain.explanations import Explanations
from wholefit.explain.shares import shares

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


@pytest.fixture(scope="module")
def linear() -> tuple[wf.Result, pl.DataFrame]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)) * [1.0, 2.0, 5.0]
    rows = pl.DataFrame(X, schema=["a", "b", "idle"])
    frame = rows.with_columns(y=pl.col("a") * 4 - pl.col("b") + rng.normal(size=400) / 10)
    return wf.fit(frame, target="y", models="linear", choose="best", jobs=1), rows


def asked(made: wf.Result, rows: pl.DataFrame) -> reliance.Reliance | None:
    dataset = _answers.dataset(made._fitted, rows, {})
    return reliance.reliance(made._fitted, reliance.sample(dataset, 1), 1)


def test_a_linear_model_leans_by_slope_times_mean_difference(
    linear: tuple[wf.Result, pl.DataFrame]
) -> None:
    made, rows = linear
    found = asked(made, rows)
    assert found is not None and found.rows == 400 and found.others == 0
    told = {name: (mean, low, high) for name, mean, low, high in found.columns}
    for name, slope in (("a", 4.0), ("b", 1.0)):
        values = rows.get_column(name).to_numpy()
        expected = slope * np.abs(values[:, None] - values[None, :]).mean()
        mean, low, high = told[name]
        assert low <= expected <= high and mean == pytest.approx(expected, rel=0.15)
    assert told["idle"][0] < 0.05 * told["b"][0]
    assert [row[0] for row in found.columns[:2]] == ["a", "b"]


def test_it_is_the_same_each_time_and_in_any_batch(
    linear: tuple[wf.Result, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, rows = linear
    first = asked(made, rows)
    monkeypatch.setattr(reliance, "_CELLS", 1)
    assert asked(made, rows) == first


def test_too_few_rows_tell_nothing(linear: tuple[wf.Result, pl.DataFrame]) -> None:
    made, rows = linear
    assert asked(made, rows.head(reliance.FEWEST_ROWS - 1)) is None
    found = asked(made, rows.head(reliance.FEWEST_ROWS))
    assert found is not None and found.rows == reliance.FEWEST_ROWS


@pytest.mark.parametrize(("rows", "columns", "seconds", "take"), [
    (5_000, 10, float("nan"), 400), (5_000, 999, float("nan"), 30), (31, 5, 0.0, 31),
    (400, 20, 5.0, 59), (400, 20, 1000.0, 59), (400, 4, 0.001, 400),
])
def test_slow_models_and_wide_tables_are_asked_less(
    rows: int, columns: int, seconds: float, take: int
) -> None:
    assert reliance._take(rows, columns, seconds) == take


def test_a_fit_keeps_it_once_and_a_file_brings_it_back(
    linear: tuple[wf.Result, pl.DataFrame], tmp_path: object
) -> None:
    made, _ = linear
    made.save(f"{tmp_path}/m.wf")
    kept = wf.load(f"{tmp_path}/m.wf").exhibits["reliance"]
    assert kept == made.exhibits["reliance"] and kept["columns"][0][0] == "a"


def test_shares_are_means_of_sizes_with_their_standard_error() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 2, 3)) * np.array([1.0, 4.0])[None, :, None]
    blank = np.zeros((50, 3))
    found = shares(Explanations(
        "y", ("a", "b"), ("u", "v", "w"), "number", True, "Exact", "compared", np.zeros(3), values,
        0 * values, blank, blank, np.zeros(3), np.zeros(50, dtype=int),
        pl.DataFrame({"a": [0.0] * 50, "b": [0.0] * 50}), tuple(range(50))))
    size = np.abs(values).mean(axis=2)
    assert [row[0] for row in found.columns] == ["b", "a"]
    name, mean, low, high = found.columns[0]
    error = size[:, 1].std(ddof=1) / 50 ** 0.5
    assert mean == pytest.approx(size[:, 1].mean())
    assert (low, high) == pytest.approx((mean - 1.959964 * error, mean + 1.959964 * error))
    assert "50 rows" in found.to_text() and found.to_json()["columns"][0]["column"] == name
