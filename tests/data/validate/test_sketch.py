"""Sketches: right counts, small, without extremes or rare levels, and back from bytes."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import ArtifactError
from wholefit.data import infer as schema_of
from wholefit.data.validate.sketch import Sketch, kind_of, sketch_of

ROWS = 3000
RANDOM = np.random.default_rng(0)
FRAME = pl.DataFrame({
    "x": np.r_[RANDOM.normal(size=ROWS - 1), 987654.321],
    "town": ["Ely"] * (ROWS - 40) + ["Wells"] * 30 + [f"only {at}" for at in range(10)],
    "gap": [None if at % 3 == 0 else float(at) for at in range(ROWS)],
    "said": [f"some words that are different in every row {at} {'x' * (at % 50)} and so on"
             for at in range(ROWS)],
    "when": [dt.datetime(2020, 1, 1) + dt.timedelta(minutes=at * 7 % 10_000) for at in range(ROWS)],
    "id": [f"C{at}" for at in range(ROWS)], "flag": [at % 2 == 0 for at in range(ROWS)],
    "nest": [[at] for at in range(ROWS)],
})


@pytest.fixture(scope="module")
def made() -> Sketch:
    return sketch_of(FRAME, schema_of(FRAME))


def test_counts_are_those_of_the_rows(made: Sketch) -> None:
    x = made.column("x")
    assert x is not None and x.kind == "number"
    values = np.sort(FRAME["x"].to_numpy())
    for at, edge in enumerate(x.edges):
        assert sum(x.counts[:at + 1]) == (values <= edge).sum()
    assert sum(x.counts) == ROWS and max(x.counts) < 1.5 * ROWS / len(x.counts)
    gap = made.column("gap")
    assert gap is not None and gap.missing == ROWS // 3 and sum(gap.counts) == ROWS - gap.missing
    kinds = {column.name: column.kind for column in made.columns}
    assert kinds == {"x": "number", "town": "category", "gap": "number", "said": "text",
                     "when": "skipped", "id": "skipped", "flag": "category", "nest": "skipped"}


def test_no_extreme_and_no_rare_level_is_kept(made: Sketch) -> None:
    stored = made.to_bytes().decode()
    assert "98765" not in stored and "only" not in stored and "C1" not in stored
    town = made.column("town")
    assert town is not None and dict(town.levels) == {"Ely": ROWS - 40, "Wells": 30}
    assert town.other == 10
    x = made.column("x")
    assert x is not None and FRAME["x"].min() < x.edges[0] and x.edges[-1] < 4


def test_few_rows_have_few_bins() -> None:
    few = pl.DataFrame({"x": np.arange(45) + 0.5})
    x = sketch_of(few, schema_of(few)).columns[0]
    assert len(x.edges) == 3 and min(x.counts) >= 10
    fewer = pl.DataFrame({"x": [1.5, 2.5, 9.25] * 4})
    assert sketch_of(fewer, schema_of(fewer)).columns[0].edges == ()


def test_back_from_bytes(made: Sketch) -> None:
    again = Sketch.from_bytes(made.to_bytes())
    assert again == made
    for bad in (b"", b"{}", b"[1]", b'{"rows": 1, "columns": [{"name": "x"}]}',
                made.to_bytes().replace(b'"edges":[', b'"edges":[1e9,')):
        with pytest.raises(ArtifactError):
            Sketch.from_bytes(bad)


def test_a_hundred_columns_take_less_than_50_kb() -> None:
    random = np.random.default_rng(1)
    wide = pl.DataFrame({f"a column of numbers {at}": random.lognormal(3, 2, 5000)
                         for at in range(70)} | {
        f"category {at}": random.choice([f"level {k} of it" for k in range(60)], 5000)
        for at in range(30)})
    assert len(sketch_of(wide, schema_of(wide)).to_bytes()) < 50_000


def test_kinds_by_role() -> None:
    frame = pl.DataFrame({"n": [1, 2, 3, 4] * 30, "y": [0.5 * at for at in range(120)]})
    schema = schema_of(frame, target="y")
    assert [kind_of(column) for column in schema.columns] == ["category", "number"]
