"""suggest, features, join, and fit --engineer, as a person types them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import polars as pl

from .conftest import numbers, process, table


def rates(path: Path, rows: int = 300) -> Path:
    """A price that is a ratio of two columns."""
    a = [1 + 9 * x for x in numbers(rows, 1)]
    b = [1 + 9 * x for x in numbers(rows, 2)]
    y = [round(p / q + 0.05 * n, 4) for p, q, n in zip(a, b, numbers(rows, 3), strict=True)]
    return table(path, debt=a, income=b, rate=y)


def test_suggest_writes_features_that_fit_reads(run, tmp_path: Path) -> None:
    rates(tmp_path / "rates.csv")
    done = run("suggest", "rates.csv", "--target", "rate", "--out", "f.toml", "--jobs", "1",
               "--folds", "3")
    assert done.code == 0 and done.err == ""
    assert "accepted: helps linear" in done.out and "which holds" in done.out
    assert "next: wholefit fit rates.csv --target rate --engineer f.toml" in done.out
    assert 'kind = "ratio"' in Path("f.toml").read_text()
    done = run("fit", "rates.csv", "--target", "rate", "--engineer", "f.toml", "--models", "ridge",
               "--jobs", "1", "--json")
    made = json.loads(done.out)
    plain = json.loads(run("fit", "rates.csv", "--target", "rate", "--models", "ridge", "--jobs",
                           "1", "--json", "--out", "plain.wf").out)
    assert made["score"]["value"] < 0.5 * plain["score"]["value"]
    answer = process("predict", "rates.wf", "rates.csv", cwd=tmp_path)
    assert answer.code == 0 and len(pl.read_csv(io.StringIO(answer.out))) == 300


def test_suggest_as_json(run, tmp_path: Path) -> None:
    rates(tmp_path / "rates.csv", 120)
    done = run("suggest", "rates.csv", "--target", "rate", "--json", "--jobs", "1", "--folds", "2")
    found = json.loads(done.out)
    assert found["target"] == "rate" and found["saved"] is None
    assert {"made", "judged", "table", "accepted", "confirmed"} <= set(found)


def test_a_file_is_not_overwritten_unasked(run, tmp_path: Path) -> None:
    rates(tmp_path / "rates.csv", 100)
    Path("f.toml").write_text("mine")
    done = run("suggest", "rates.csv", "--target", "rate", "--out", "f.toml")
    assert done.code == 1 and "--force" in done.last and Path("f.toml").read_text() == "mine"


def test_wrong_words_get_a_sentence(run, tmp_path: Path) -> None:
    rates(tmp_path / "rates.csv", 100)
    for argv, said in (
        (["suggest", "rates.csv", "--target", "rat"], "did you mean 'rate'"),
        (["suggest", "rates.csv"], "say target="),
        (["suggest", "rates.csv", "--target", "rate", "--helps", "all"], "got 'all'"),
        (["suggest", "rates.csv", "--target", "rate", "--budget", "much"], "budget must be"),
        (["suggest", "none.csv", "--target", "y"], "there is no file"),
        (["features", "ration"], "did you mean 'ratio'"),
        (["fit", "rates.csv", "--target", "rate", "--engineer", "none.toml"], "cannot be read"),
    ):
        done = run(*argv)
        assert done.code == 1 and said in done.last, done.last
    Path("f.toml").write_text('[[feature]]\nkind = "ratio"\ncolumns = ["debt", "incme"]\n')
    done = run("fit", "rates.csv", "--target", "rate", "--engineer", "f.toml", "--models", "ridge",
               "--jobs", "1")
    assert done.code == 1 and "did you mean 'income'" in done.last


def test_features_are_listed(run) -> None:
    from wholefit.features import engineer

    done = run("features")
    assert all(kind in done.out for kind in engineer.KINDS)
    assert "window" in run("features", "rolling").out
    assert [row["kind"] for row in json.loads(run("features", "--json").out)] == list(
        engineer.KINDS)


def test_join_sums_up_the_past(run, tmp_path: Path) -> None:
    table(tmp_path / "people.csv", id=[1, 2, 1], day=["2024-01-10", "2024-01-10", "2024-02-01"])
    table(tmp_path / "orders.csv", who=[1, 1, 2, 3], at=["2024-01-05", "2024-01-10", "2024-01-11",
                                                        "2024-01-01"], amount=[5, 7, 11, 13])
    argv = ["join", "people.csv", "orders.csv", "--on", "id=who", "--as-of", "day=at",
            "--aggregate", "amount=sum,count", "--prefix", "o_"]
    done = run(*argv)
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["o_amount_sum"] for row in rows] == ["5.0", "0.0", "12.0"]
    assert "2 of 3 rows (66.7%) have a match, 1 have none; 2 rows" in done.err
    done = run(*argv, "--out", "joined.parquet", "--json")
    assert json.loads(done.out)["matched"] == 2
    assert pl.read_parquet("joined.parquet").height == 3
    done = run("join", "people.csv", "orders.csv", "--on", "id=who")
    assert done.code == 1 and "must be unique in the right table" in done.last
    done = run("join", "people.csv", "orders.csv", "--on", "id")
    assert done.code == 1 and "no column of the right table" in done.last
