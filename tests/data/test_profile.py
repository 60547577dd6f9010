"""Profile: the figures agree with numpy's, and the table and the JSON say the same."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import UnknownNameError
from wholefit.data import dataset_of, profile

N = 60
AGE = [None if i == 3 else i * 1.5 for i in range(N)]
FRAME = pl.DataFrame({
    "age": AGE,
    "town": ["Ely"] * 40 + ["Wells"] * 19 + [None],
    "seen": [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(N)],
    "said": [f"a few plain words about number {i} and no more" for i in range(N)],
    "tags": [[i] for i in range(N)],
    "size": [float("inf"), *range(N - 1)],
    "y": [0, 1] * (N // 2),
})


@pytest.fixture(scope="module")
def profiled():
    return profile(dataset_of(FRAME, target="y"))


def test_numbers_agree_with_numpy(profiled):
    values = np.array([v for v in AGE if v is not None])
    numbers = profiled.column("age").numbers
    assert numbers["mean"] == pytest.approx(values.mean())
    assert numbers["std"] == pytest.approx(values.std(ddof=1))
    assert numbers["median"] == pytest.approx(np.median(values))
    assert numbers["q25"] == pytest.approx(np.quantile(values, 0.25))
    assert (numbers["min"], numbers["max"]) == (0.0, 88.5)
    assert profiled.column("age").missing == 1 and profiled.column("age").distinct == 59
    assert profiled.column("size").numbers["max"] == 58.0


def test_each_role_is_described_in_its_way(profiled):
    assert profiled.column("town").top == (("Ely", 40), ("Wells", 19))
    assert profiled.column("seen").span[0].startswith("2020-01-01")
    assert profiled.column("said").words == 10
    assert profiled.column("tags").summary() == ""
    assert profiled.column("y").role == "target"
    with pytest.raises(UnknownNameError, match="did you mean 'town'"):
        profiled.column("twon")


def test_duplicates_and_memory():
    frame = pl.concat([FRAME, FRAME.head(4)]).drop("tags")
    found = profile(frame, target="y")
    assert found.duplicates == 4 and found.rows == 64 and found.target == "y"
    assert found.memory > 1000 and found.sampled is None


def test_json_is_plain_and_text_has_a_line_a_column(profiled):
    stored = json.loads(json.dumps(profiled.to_json(), allow_nan=False))
    assert stored["rows"] == N and [c["name"] for c in stored["columns"]] == FRAME.columns
    assert stored["columns"][1]["top"] == [["Ely", 40], ["Wells", 19]]
    lines = profiled.to_text().splitlines()
    assert "60 rows, 7 columns, 0 duplicate rows" in lines[0]
    assert [line.split()[0] for line in lines[3:10]] == FRAME.columns
    assert "1 (1.7%)" in lines[3] and "Ely (40), Wells (19)" in lines[4]


def test_large_sources_are_sampled_and_say_so():
    n = 5000
    frame = pl.DataFrame({"x": np.arange(n) * 1.0, "c": ["a", "b"] * (n // 2)})
    found = profile(frame, most=1000, seed=1)
    assert found.sampled == 1000 and found.rows == n and "1,000 sampled rows" in found.to_text()
    assert found.column("x").distinct == n
    assert found.column("x").numbers["mean"] == pytest.approx(n / 2, rel=0.1)
    assert sum(count for _, count in found.column("c").top) == 1000
    again = profile(frame, most=1000, seed=1)
    assert again.column("x").numbers == found.column("x").numbers


def test_an_empty_column_and_a_single_row():
    types = {"a": pl.Float64, "b": pl.Float64}
    found = profile(pl.DataFrame({"a": [None], "b": [1.5]}, schema=types))
    assert found.column("a").numbers is None and found.column("b").numbers["std"] == 0.0
    assert found.column("a").role == "constant"


def test_a_real_file():
    root = os.environ.get("WHOLEFIT_DATA")
    if not root:
        pytest.skip("WHOLEFIT_DATA is not set: no real data to read")
    found = profile(Path(root) / "titanic" / "data.csv.gz", target="survived")
    assert found.rows == 2207 and found.column("age").missing == 2
    assert found.column("gender").top == (("male", 1718), ("female", 489))
