"""`wholefit clean`: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import wholefit as wf

from .conftest import CHEAP, process, table


@pytest.fixture
def damaged(run, tmp_path: Path) -> Path:
    """damaged.csv: spaces, a stand-in, a gap, and a row twice."""
    age = [*range(20, 60), -999, -999, -999, None]
    rows = len(age)
    town = [" Ely" if at % 9 == 0 else "Wells" for at in range(rows)]
    again = [0]
    return table(tmp_path / "damaged.csv",
                 id=[f"c{at}" for at in range(rows)] + [f"c{at}" for at in again],
                 age=["" if a is None else a for a in age] + [age[at] for at in again],
                 town=town + [town[at] for at in again])


def test_without_steps_it_looks_and_writes_nothing(run, damaged: Path) -> None:
    done = run("clean", "damaged.csv")
    assert done.code == 0 and done.err == ""
    assert "whitespace: 6 cells in 6 rows changed" in done.out
    assert "replace: 3 cells in 3 rows changed: age 3" in done.out
    assert "deduplicate: 1 row left out" in done.out and "44 (like 1)" not in done.out
    assert "rows left out: 45 (like 1)" in done.out
    assert "nothing was written" in done.out
    assert [path.name for path in damaged.parent.iterdir()] == ["damaged.csv"]


def test_a_proposal_is_written_edited_and_followed(run, damaged: Path) -> None:
    assert run("clean", "damaged.csv", "--propose", "r.toml").code == 0
    text = Path("r.toml").read_text()
    assert 'do = "replace"' in text and "values = [-999]" in text and "why = " in text
    Path("r.toml").write_text(text + '\n[[step]]\ndo = "fill"\ncolumns = ["age"]\n')
    done = run("clean", "damaged.csv", "--recipe", "r.toml", "--out", "c.csv", "--report",
               "changes.json")
    assert done.code == 0 and "44 rows written to c.csv" in done.out
    cleaned = pl.read_csv("c.csv")
    assert cleaned.height == 44 and cleaned["age"].null_count() == 0
    assert set(cleaned["town"]) == {"Ely", "Wells"}
    report = json.loads(Path("changes.json").read_text())
    assert [change["do"] for change in report["changes"]][-1] == "fill"
    assert report["rows"] == [45, 44]


def test_a_dry_run_writes_nothing_and_shows_cells(run, damaged: Path) -> None:
    done = run("clean", "damaged.csv", "--sentinel", "age=-999", "--missing", "age=median",
               "--tidy", "--dry-run", "--out", "c.csv", "--report", "c.json")
    assert done.code == 0 and "dry run: nothing was written" in done.out
    assert not Path("c.csv").exists() and not Path("c.json").exists()
    assert "row" in done.out and "' Ely'" in done.out and "-999" in done.out


def test_flags_are_steps(run, damaged: Path) -> None:
    done = run("clean", "damaged.csv", "--rename", "town=place", "--sentinel", "-999", "--derive",
               "half=age / 2", "--where", "age is missing or age < 50", "--dedupe", "--keys", "id",
               "--outliers", "age=clip", "--missing", "age=constant:0", "--drop", "place", "--json")
    assert done.code == 0, "columns are dropped after they are renamed"
    assert json.loads(done.out)["columns"] == [3, 3]
    done = run("clean", "damaged.csv", "--sentinel", "-999", "--derive", "half=age / 2", "--where",
               "age is missing or age < 50", "--dedupe", "--keys", "id", "--missing",
               "age=constant:0", "--drop", "town", "--out", "c.parquet", "--json")
    assert done.code == 0 and done.err == ""
    said = json.loads(done.out)
    assert [step["do"] for step in said["recipe"]["step"]] == [
        "drop", "replace", "derive", "filter", "deduplicate", "fill"]
    cleaned = pl.read_parquet("c.parquet")
    assert cleaned.columns == ["id", "age", "half"] and cleaned.height == 34
    assert cleaned["age"].to_list()[-4:] == [0, 0, 0, 0]


def test_the_table_goes_through_a_pipe(damaged: Path) -> None:
    done = process("clean", "-", "--tidy", "--out", "-", cwd=damaged.parent,
                   stdin=damaged.read_bytes())
    assert done.code == 0 and done.out.startswith("id,age,town\n") and "whitespace" in done.err


@pytest.mark.parametrize("argv, said", [
    (["--missing", "foo"], "no way with missing values is named 'foo'"),
    (["--where", "agee > 1"], "did you mean 'age'"),
    (["--where", "age >"], "a value was expected"),
    (["--outliers", "squash"], "must be one of 'flag', 'clip'"),
    (["--recipe", "none.toml"], "there is no recipe"),
    (["--missing", "town=mean"], "it needs numbers; column 'town' holds text"),
    (["--tidy", "--out", "damaged.csv", "--force"], "is the source itself"),
    (["--tidy", "--out", "there.csv"], "say --force"),
    (["--tidy", "--out", "c.pdf"], "must end in one of"),
    (["--target", "tow"], "did you mean 'town'"),
])
def test_what_is_wrong_is_said_in_one_sentence(run, damaged: Path, argv: list[str],
                                               said: str) -> None:
    Path("there.csv").write_text("x\n1\n")
    done = run("clean", "damaged.csv", *argv)
    assert done.code == 1 and said in done.last and len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize("argv", [
    ["--recipe", "r.toml", "--dedupe"], ["--keys", "id"], ["--out", "-", "--json"],
    ["--rename", "town"], ["--derive", "=3"],
])
def test_wrong_usage_has_its_own_code(run, damaged: Path, argv: list[str]) -> None:
    assert run("clean", "damaged.csv", *argv).code == 2


def test_a_fit_follows_a_recipe_and_predictions_repeat_it(run, damaged: Path) -> None:
    wf.Recipe.of([{"do": "whitespace"}, {"do": "replace", "values": [-999]},
                  {"do": "outliers", "columns": ["age"], "action": "drop", "factor": 0.1},
                  {"do": "fill", "columns": ["age"]}]).save("r.toml")
    done = run("fit", "damaged.csv", "--target", "town", *CHEAP, "--clean", "r.toml", "--role",
               "id=identifier")
    assert done.code == 0
    assert "rows left out; they are not learnt from, and are still answered" in done.out
    answers = run("predict", "damaged.wf", "damaged.csv")
    assert answers.code == 0 and len(answers.out.splitlines()) == 46
