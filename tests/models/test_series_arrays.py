"""Arrays (n, steps, channels): asked for, learnt from, kept in files, refused where they differ."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import data
from wholefit.base import tasks
from wholefit.base.errors import DataError, SchemaError, UnknownNameError, WholefitWarning
from wholefit.cli import main
from wholefit.features.spans import Span
from wholefit.models._model import Context
from wholefit.models.series_network import SeriesNetwork

QUICK = "series_network(kind='rnn', epochs=15, hidden=12, layers=1, batch=32, learning_rate=0.01)"


def waves(rows: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Series of 12 steps and 3 channels; those called "up" have a wave in the second one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 12, 3))
    y = np.where(rng.random(rows) < 0.5, "up", "down")
    X[y == "up", :, 1] += 2 * np.sin(np.arange(12) / 2)
    X[:, :, 2] = 7.0  # a channel that never moves is a channel all the same
    return X, y


# Reading --------------------------------------------------------------------------------------

def test_steps_and_channels_become_columns_in_order() -> None:
    X, y = waves(5)
    X[3, 1, 0] = np.nan
    table = data.read((X, y), arrays="series")
    assert table.frame.columns[:4] == ["t0_c0", "t0_c1", "t0_c2", "t1_c0"]
    assert table.frame.columns[-1] == table.target == "label"
    np.testing.assert_array_equal(table.frame.drop("label").to_numpy(), X.reshape(5, -1))
    assert table.frame["t1_c0"].null_count() == 1
    assert set(table.formats.values()) == {"series 12x3"}


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_files_of_arrays_are_series_where_that_is_said(tmp_path: Path, ending: str) -> None:
    X, y = waves(20)
    path = tmp_path / f"windows.{ending}"
    np.save(path, X) if ending == "npy" else np.savez(path, X=X, y=y)
    table = data.read(path, arrays="series")
    assert table.frame.width == 36 + (ending == "npz") and table.source == path.name
    assert (table.target == "label") is (ending == "npz")


def test_a_dict_holds_one_array_of_series_and_columns_beside_it() -> None:
    X, y = waves(9)
    table = data.read({"signal": X, "y": y, "age": range(9)}, arrays="series")
    assert table.frame.columns[-2:] == ["y", "age"] and table.frame.height == 9


@pytest.mark.parametrize("shape", [(30, 12, 2), (30, 2, 12), (40, 128, 9), (200, 50, 3)])
def test_what_may_be_pictures_or_series_is_asked(shape: tuple[int, ...], tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(shape)
    np.save(tmp_path / "x.npy", values)
    sources: list[Any] = [values, (values, range(len(values))), [values, [0] * len(values)],
                          {"x": values}, tmp_path / "x.npy"]
    for source in sources:
        with pytest.raises(DataError, match="say arrays='pictures' or arrays='series'"):
            data.read(source)
        assert data.read(source, arrays="series").frame.width >= shape[1] * shape[2]
    table = data.read(values[:, :30, :2], arrays="pictures")
    assert table.roles == {"image": "image"}


def test_square_arrays_stay_pictures_and_say_what_else_they_may_be() -> None:
    assert data.read(np.zeros((10, 8, 8), np.uint8)).roles == {"image": "image"}
    with pytest.raises(DataError, match="arrays='series'"):
        data.read(np.full((10, 8, 8), -3.5))
    assert data.read(np.full((10, 8, 8), -3.5), arrays="series").frame.shape == (10, 64)


@pytest.mark.parametrize(("source", "said"), [
    (np.zeros((4, 5, 5, 3)), r"must be an array \(n, steps, channels\)"),
    (np.zeros((4, 0, 3)), "at least one of each"),
    (np.zeros((2, 30_000, 1)), "up to 20,000 numbers"),
    (np.full((4, 5, 2), "a"), "must be numbers"),
    ((np.zeros((4, 5, 2)), [1, 2, 3]), "as many rows; got 4 and 3"),
    ({"a": np.zeros((4, 5, 2)), "b": np.zeros((4, 5, 2))}, "one array of series"),
    ({"a": np.zeros((4, 5, 2)), "t0_c1": range(4)}, "has the name of a step"),
])
def test_what_is_no_series_is_said(source: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        data.read(source, arrays="series")


def test_a_misspelt_kind_gets_the_right_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'series'"):
        data.read(waves(4), arrays="serie")


# Learning -------------------------------------------------------------------------------------

def test_series_are_fitted_saved_answered_and_taught_more(tmp_path: Path) -> None:
    X, y = waves()
    made = wf.fit((X[:180], y[:180]), arrays="series", models=QUICK, folds=2, budget="120s")
    made.save(tmp_path / "m.wf")
    again = wf.load(tmp_path / "m.wf")
    found = np.asarray(again.predict(X[180:])).ravel()
    assert (found == y[180:]).mean() > 0.85
    np.testing.assert_array_equal(found, np.asarray(made.predict(X[180:])).ravel())
    assert _network(again)["per_step"] == 3
    with pytest.raises(SchemaError, match=r"12 steps of 3 channels.*got 11 of 3"):
        again.predict(X[180:, :11])
    assert again.evaluate((X[180:], y[180:])) is not None
    later = again.update((X[180:], y[180:]))
    assert later.predict(X[:5]).shape[0] == 5


def _network(result: Any) -> dict[str, Any]:
    """How the network of a fitted result is made."""
    found: dict[str, Any] = result._fitted.states()["model"].config["made_of"]
    return found


def test_columns_beside_series_are_named_as_what_stands_in_the_way() -> None:
    X, y = waves(80)
    source = {"signal": X, "y": y, "age": np.arange(80) % 13 + 0.5}
    with pytest.warns(WholefitWarning, match="left out: series_network"):
        lost = wf.fit(source, target="y", arrays="series", models=QUICK, folds=2)
    assert any("other columns stand beside" in str(row) for row in lost.leaderboard)
    alone = wf.fit(source, target="y", arrays="series", models=QUICK, folds=2,
                   roles={"age": "ignored"})
    assert _network(alone)["per_step"] == 3


def test_a_step_is_as_wide_as_said_or_as_the_array_or_a_column() -> None:
    task = tasks.get("classification")
    told = (Span("numbers", 0, 36, column="series 12x3"),)
    plain = (Span("numbers", 0, 36),)
    for model, spans, width in (
        (SeriesNetwork(), told, 3), (SeriesNetwork(), plain, 1),
        (SeriesNetwork(per_step=6), told, 6),
    ):
        made = model.network(task, Context(rows=50, features=36, n_classes=2, spans=spans))
        assert made["per_step"] == width


def _run(*argv: str) -> int:
    try:
        main([*argv])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_the_command_line_asks_and_takes_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X, y = waves(160)
    np.savez(tmp_path / "w.npz", X=X, y=y)
    np.save(tmp_path / "new.npy", X[:7])
    out = str(tmp_path / "m.wf")
    assert _run("fit", str(tmp_path / "w.npz")) != 0
    assert "--arrays" in " ".join(capsys.readouterr().err.split())
    assert _run("fit", str(tmp_path / "w.npz"), "--arrays", "series", "--models", QUICK,
                "--folds", "2", "--out", out) == 0
    assert _run("predict", out, str(tmp_path / "new.npy"), "--out", str(tmp_path / "p.csv")) == 0
    assert pl.read_csv(tmp_path / "p.csv").height == 7


# Real series ----------------------------------------------------------------------------------

def _folder(name: str) -> Path:
    path = Path(os.environ.get("WHOLEFIT_DATA", "")) / name
    if "WHOLEFIT_DATA" not in os.environ or not path.exists():
        pytest.skip(f"WHOLEFIT_DATA is not set, or has no {name}")
    return path


def test_rows_of_pictures_are_steps_that_tell_digits() -> None:
    """28 steps of 28 channels, many of which are the same for all rows."""
    from wholefit.data.images import idx

    folder = _folder("mnist")
    pixels = idx.load(folder / "train-images-idx3-ubyte.gz")[:1200]
    labels = idx.load(folder / "train-labels-idx1-ubyte.gz")[:1200]
    X = pixels / 255
    made = wf.fit((X[:900], [f"d{label}" for label in labels[:900]]), arrays="series",
                  models="series_network(kind='rnn', hidden=32, layers=1, epochs=15, batch=32, "
                         "learning_rate=0.005)",
                  folds=2, budget="200s")
    assert _network(made)["per_step"] == 28
    found = np.asarray(made.predict(X[900:])).ravel()
    assert (found == [f"d{label}" for label in labels[900:]]).mean() > 0.55  # by chance 0.1


def test_a_day_of_a_household_foretells_its_next_hour() -> None:
    """24 hours of three meters; the rows to be told lie after those learnt from."""
    frame = pl.read_parquet(_folder("household_power_hourly") / "data.parquet").drop_nulls()
    values = frame.select("Global_active_power", "Voltage", "Sub_metering_3").to_numpy()
    starts = np.arange(0, 12_000, 12)
    X = np.stack([values[at:at + 24] for at in starts])
    y = values[starts + 24, 0]
    made = wf.fit((X[:800], y[:800]), task="regression", arrays="series", folds=2, budget="120s",
                  models="series_network(kind='rnn', hidden=24, layers=1, epochs=40, batch=32)")
    found = np.asarray(made.predict(X[800:]), dtype=float).ravel()
    error = np.sqrt(np.mean((found - y[800:]) ** 2))
    assert error < 0.93 * np.sqrt(np.mean((y[:800].mean() - y[800:]) ** 2))
