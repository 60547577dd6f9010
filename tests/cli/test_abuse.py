"""Tables that no one would wish for: each ends in an answer that is right, or in one sentence."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from pathlib import Path

import polars as pl
import pytest

import wholefit as wf

from .conftest import CHEAP, numbers, table

A, B = numbers(80), numbers(80, 1)
YES = ["yes" if value > 0.5 else "no" for value in A]
NUMBERS = ["--models", "dummy, ridge", "--jobs", "1"]


def fit(run, columns: dict[str, list[object]], *argv: str):
    table(Path("t.csv"), **columns)
    return run("fit", "t.csv", "--target", "y", *argv)


@pytest.mark.parametrize(("content", "said"), [
    (b"", "empty (0 bytes)"),
    (b"\n\n\n", "empty"),
    (b"a,b,y\n", "has a header (3 columns) but no rows"),
    (random.Random(0).randbytes(3000), ""),
    (b"PK\x03\x04" + bytes(100), ""),
    (b"y\n1\n2\n3\n", "it has no other"),
    (b"a,y\n1,yes\n", "is constant"),
])
def test_files_that_are_no_tables(run, content, said) -> None:
    Path("t.csv").write_bytes(content)
    done = run("fit", "t.csv", "--target", "y", *CHEAP)
    assert done.code == 1 and said in done.last and done.err.startswith("error: ")


@pytest.mark.parametrize(("target", "said"), [
    (["yes"] * 80, "at least 2 classes; target 'y' has 1"),
    ([""] * 80, "rows with a value of target 'y' to learn from"),
    ([3.5] * 80, "one value only"),
    ([*A[:79], "inf"], "must hold finite numbers"),
    ([str(dt.date(2020, 1, 1) + dt.timedelta(i)) for i in range(80)], "holds dates"),
])
def test_targets_that_cannot_be_learnt(run, target, said) -> None:
    done = fit(run, {"a": A, "b": B, "y": target})
    assert done.code == 1 and said in done.last


def test_1500_classes_are_no_classes(run) -> None:
    done = fit(run, {"a": numbers(1500), "y": [f"name {i}" for i in range(1500)]}, *CHEAP)
    assert done.code == 1 and "1500 classes, more than 1000" in done.last


def test_a_target_with_gaps_is_learnt_from_the_other_rows(run) -> None:
    gappy = ["" if i % 5 == 0 else value for i, value in enumerate(YES)]
    done = fit(run, {"a": A, "b": B, "y": gappy}, *CHEAP)
    assert done.code == 0 and done.out.count("16 of 80 rows have no target 'y'") == 1
    assert wf.load("t.wf").lineage["rows"] == 64
    done = run("predict", "t.wf", "t.csv")
    assert len(done.out.splitlines()) == 81


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_a_handful_of_rows(run, rows) -> None:
    done = fit(run, {"a": A[:rows], "y": ["no", "yes", "no", "yes", "no"][:rows]}, *CHEAP)
    assert done.code == 0 and f"only {rows} rows" in done.out
    assert len(run("predict", "t.wf", "t.csv").out.splitlines()) == rows + 1
    done = fit(run, {"a": A[:rows], "y": B[:rows]}, *NUMBERS, "--task", "regression", "--force")
    assert done.code == 0


@pytest.mark.parametrize(("names", "learnt"), [
    (["a", "a"], 2), (["", "b"], 2), (["a\nb", "<script>alert(1)</script>"], 2),
    (["prediction", "p_yes"], 2), (["*", "^a.*$"], 2), (["a=b", "'\""], 2), (["\x1b[31m", "b"], 2),
])
def test_names_of_columns_may_be_anything(run, names, learnt) -> None:
    first, second = ('"' + name.replace('"', '""') + '"' for name in names)
    lines = [f"{first},{second},y"]
    lines += [f"{a},{b},{y}" for a, b, y in zip(A, B, YES, strict=True)]
    Path("t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = run("fit", "t.csv", "--target", "y", *CHEAP)
    assert done.code == 0 and "\x1b" not in done.out
    result = wf.load("t.wf")
    assert len(result.schema.features) == learnt and result.model == "logistic"
    found = pl.read_csv(io.StringIO(run("predict", "t.wf", "t.csv").out))
    assert found.columns == ["prediction", "p_no", "p_yes"]
    assert (found["prediction"] == pl.Series(YES)).mean() > 0.9


@pytest.mark.parametrize("labels", [
    ("☃", "☀"), ('a, "b"', "c\nd"), ("1", "2"), ("01", "02"), ("x" * 4000, "y"),
    ("2.5", "3.5")])
def test_classes_may_be_anything(run, labels) -> None:
    target = [labels[value > 0.5] for value in A]
    done = fit(run, {"a": A, "b": B, "y": target}, *CHEAP)
    assert done.code == 0
    run("predict", "t.wf", "t.csv", "--out", "p.csv")
    with open("p.csv", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert len(rows) == 80 and {row[0] for row in rows} == set(labels)
    assert header[1:] == [f"p_{label}" for label in sorted(labels)]


def test_numbers_of_every_size(run) -> None:
    for scale in (1e-8, 1e15, 1e60):
        done = fit(run, {"a": A, "b": B, "y": [a * scale for a in A]}, *NUMBERS, "--force")
        assert done.code == 0 and wf.load("t.wf").model == "ridge"
    huge = [10**25 + i * 10**20 for i in range(80)]
    assert fit(run, {"a": range(80), "b": B, "y": huge}, *NUMBERS, "--force").code == 0


def test_thousands_of_columns(run) -> None:
    rows = [numbers(3_000, seed) for seed in range(12)]
    names = ",".join(f"c{i}" for i in range(3_000))
    lines = [",".join(map(str, row)) + f",{i % 2}" for i, row in enumerate(rows)]
    Path("t.csv").write_text(f"{names},y\n" + "\n".join(lines) + "\n")
    done = run("fit", "t.csv", "--target", "y", "--models", "dummy", "--jobs", "1")
    assert done.code == 0 and len(run("predict", "t.wf", "t.csv").out.splitlines()) == 13


@pytest.mark.parametrize(("values", "said"), [
    ([-1] * 80, "must be finite and >= 0 in every row; got -1 (row 1) and 79 more"),
    ([0] * 80, "must be > 0 in some row"),
    (["heavy"] * 80, "cannot be weight"),
    ([1] * 79 + [""], "got nan (row 80)."),
    ([1] * 79 + ["inf"], "got inf (row 80)."),
])
def test_weights_that_weigh_nothing(run, values, said) -> None:
    done = fit(run, {"a": A, "w": values, "y": YES}, *CHEAP, "--weights", "w")
    assert done.code == 1 and said in done.last


@pytest.mark.parametrize(("column", "argv", "said"), [
    (["one"] * 80, ["--groups", "g"], "at least 2 groups; the data has 1"),
    (["2020-01-01"] * 80, ["--time", "g"], "at least 2 different times"),
    (["soon"] * 80, ["--time", "g"], "cannot be time"),
])
def test_groups_and_times_that_part_nothing(run, column, argv, said) -> None:
    done = fit(run, {"a": A, "g": column, "y": YES}, *CHEAP, *argv)
    assert done.code == 1 and said in done.last


def test_times_in_words_of_another_order_are_put_in_order(run) -> None:
    days = [dt.date(2021, 1, 1) + dt.timedelta(i) for i in range(80)]
    written = [f"{day:%d/%m/%Y}" for day in days]
    mixed = sorted(range(80), key=lambda i: (i * 37) % 80)
    done = fit(run, {"a": [A[i] for i in mixed], "t": [written[i] for i in mixed],
                     "y": [YES[i] for i in mixed]}, *CHEAP, "--time", "t")
    assert done.code == 0 and "time" in wf.load("t.wf").split


@pytest.mark.parametrize(("features", "said"), [
    ({"a": ["k"] * 80}, "'a' is constant"), ({"a": [""] * 80}, "values are missing"),
])
def test_columns_that_say_nothing(run, features, said) -> None:
    done = fit(run, {**features, "y": YES}, *CHEAP)
    assert done.code == 1 and said in done.last


def test_positive_has_no_meaning_for_numbers(run) -> None:
    done = fit(run, {"a": A, "y": B}, *NUMBERS, "--positive", "yes")
    assert done.code == 1 and "positive names a class" in done.last


def test_every_model_failing_is_an_error_not_a_fault(run) -> None:
    Path("broken.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "class Broken(LogisticRegression):\n"
        "    def fit(self, X, y):\n        raise ValueError('no such luck')\n")
    done = fit(run, {"a": A, "y": YES}, "--models", "dummy, broken:Broken", "--jobs", "1")
    assert done.code == 0 and "failed: ValueError: no such luck" in done.out
