"""Writing: what is written is read back the same; files appear whole or not at all."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, UnknownNameError
from wholefit.data._words import TOKENS
from wholefit.data.read import read
from wholefit.data.write import give_back, write

FRAME = pl.DataFrame({
    "n": [1, 2, None], "x": [0.5, None, -2.25], "s": ["a", "b,c", 'd "e"\nf'],
    "b": [True, False, None], "d": [dt.date(2020, 1, 2), None, dt.date(1999, 12, 31)],
    "t": [dt.datetime(2020, 1, 2, 3, 4, 5), None, dt.datetime(2022, 1, 1, 23, 59, 59)]})


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "txt", "parquet", "arrow", "feather"])
def test_what_is_written_is_read_back(tmp_path: Path, ending: str) -> None:
    write(FRAME, tmp_path / f"f.{ending}")
    assert read(tmp_path / f"f.{ending}").frame.equals(FRAME)
    assert [p.name for p in tmp_path.iterdir()] == [f"f.{ending}"]


@pytest.mark.parametrize("ending", ["json", "jsonl", "ndjson", "json.gz", "sqlite", "db"])
def test_formats_without_dates(tmp_path: Path, ending: str) -> None:
    write(FRAME, tmp_path / f"f.{ending}")
    table = read(tmp_path / f"f.{ending}")
    assert table.frame["s"].equals(FRAME["s"]) and table.frame["x"].equals(FRAME["x"])
    assert table.frame["d"].cast(pl.String).to_list() == ["2020-01-02", None, "1999-12-31"]


def test_excel(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    pytest.importorskip("fastexcel")
    zoned = FRAME.with_columns(z=pl.col("t").dt.replace_time_zone("Europe/Paris"))
    write(zoned, tmp_path / "f.xlsx")
    found = read(tmp_path / "f.xlsx").frame
    assert found["n"].to_list() == [1, 2, None] and found["s"].equals(FRAME["s"])
    assert found["t"].cast(pl.Datetime("us")).equals(FRAME["t"])
    assert found["z"][0] == dt.datetime(2020, 1, 2, 2, 4, 5)


def test_nested_bytes_and_not_a_number_in_flat_files(tmp_path: Path) -> None:
    frame = pl.DataFrame({"l": [[1, 2], None], "b": [b"\0\xff", None], "x": [float("nan"), 1.0]})
    write(frame, tmp_path / "f.csv")
    assert read(tmp_path / "f.csv").frame.rows() == [("[1, 2]", "AP8=", None), (None, None, 1.0)]
    write(frame, tmp_path / "f.json")
    assert read(tmp_path / "f.json").frame["x"].to_list() == [None, 1.0]
    write(frame, tmp_path / "f.db")
    assert read(tmp_path / "f.db").frame["b"].to_list() == [b"\0\xff", None]


def test_a_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("mine")
    with pytest.raises(DataError, match="force=True"):
        write(FRAME, path)
    assert path.read_text() == "mine"
    write(FRAME, path, force=True)
    assert read(path).frame.equals(FRAME)


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f.parquet"
    path.write_text("mine")

    def fail(self: pl.DataFrame, *_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fail)
    with pytest.raises(DataError, match=r"'f\.parquet' cannot be written: disk full"):
        write(FRAME, path, force=True)
    assert path.read_text() == "mine" and [p.name for p in tmp_path.iterdir()] == ["f.parquet"]


def test_places_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"\.csv.*got '\.doc'"):
        write(FRAME, tmp_path / "f.doc")
    with pytest.raises(DataError, match="does not exist: make it first"):
        write(FRAME, tmp_path / "none" / "f.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        write(FRAME, tmp_path / "d.csv", force=True)


def test_packed_files_are_repeatable(tmp_path: Path) -> None:
    write(FRAME, tmp_path / "a.csv.gz")
    write(FRAME, tmp_path / "b.csv.gz")
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_standard_output() -> None:
    code = ("import polars as pl; from wholefit.data.write import write;"
            "write(pl.DataFrame({'a': [1]}), '-')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"a\n1\n"


# The way back to a guest ----------------------------------------------------------------------

def test_give_back_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    zoned = FRAME.with_columns(z=pl.col("t").dt.replace_time_zone("Europe/Paris"),
                               i=pl.Series([1, 2, 3]), w=pl.Series([True, False, True]))
    back = give_back(zoned, "pandas")
    assert isinstance(back, pandas.DataFrame) and list(back.columns) == zoned.columns
    assert back["i"].dtype == np.int64 and back["w"].dtype == bool and back["x"].dtype == float
    assert str(back["z"].dtype).endswith("Europe/Paris]")
    assert back["s"].tolist() == FRAME["s"].to_list() and back["n"].isna().tolist()[2]
    again = read(back).frame
    assert again["s"].equals(FRAME["s"]) and again["t"].equals(FRAME["t"])
    assert again["z"].equals(zoned["z"])


def test_give_back_others() -> None:
    assert give_back(FRAME, "polars") is FRAME and give_back(FRAME, "file") is FRAME
    assert give_back(FRAME, "dict") == FRAME.to_dict(as_series=False)
    assert give_back(FRAME.select("n", "x"), "numpy").shape == (3, 2)
    arrow = pytest.importorskip("pyarrow")
    assert isinstance(give_back(FRAME, "pyarrow"), arrow.Table)


# Any values -----------------------------------------------------------------------------------

def plain_text(text: str) -> bool:
    """Text that stays text: CSV has no types, so text that looks like something else becomes it."""
    return text.strip() == text and text not in TOKENS and text != ""


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters='\n,"; é'),
                max_size=12).filter(plain_text)
ROWS = st.lists(st.tuples(
    st.integers(-2**63, 2**63 - 1) | st.none(),
    st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    WORDS.map(lambda w: "w" + w) | st.none(), st.booleans() | st.none(),
    st.dates(dt.date(1, 1, 1)) | st.none(),
    st.datetimes(dt.datetime(1000, 1, 1)) | st.none()), min_size=1, max_size=30)


@settings(max_examples=120, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_any_values_come_back(tmp_path: Path, rows: list[tuple]) -> None:
    kinds = [pl.Int64, pl.Float64, pl.String, pl.Boolean, pl.Date, pl.Datetime("us")]
    schema = dict(zip(["n", "x", "s", "b", "d", "t"], kinds, strict=True))
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    for ending in ("csv", "tsv"):
        write(frame, tmp_path / f"f.{ending}", force=True)
        found = read(tmp_path / f"f.{ending}").frame
        assert found.columns == frame.columns and found.height == frame.height
        for name in frame.columns:
            assert found[name].to_list() == frame[name].to_list(), name
