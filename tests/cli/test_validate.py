"""expect, validate, drift, evaluate --by: exit codes, tables, JSON, and what is said of faults."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest


@pytest.fixture
def here(room: Path, tmp_path: Path, monkeypatch) -> Path:
    """churn.csv, new.csv, churn.wf in a folder of the test's own; odd.csv has faults planted."""
    monkeypatch.chdir(tmp_path)
    for name in ("churn.csv", "new.csv", "churn.wf"):
        (tmp_path / name).write_bytes((room / name).read_bytes())
    odd = pl.read_csv("churn.csv", infer_schema_length=None)
    odd.with_columns(
        pl.when(pl.int_range(pl.len()) < 40).then(pl.lit("Weekly")).otherwise(
            pl.col("contract")).alias("contract"),
        pl.when(pl.int_range(pl.len()) == 6).then(-4).otherwise(pl.col("tenure")).alias("tenure"),
        (pl.col("monthly_charges") * 1.5).alias("monthly_charges")).write_csv("odd.csv")
    return tmp_path


def test_the_way_from_expectations_to_a_verdict(run, here: Path) -> None:
    printed = run("expect", "churn.csv", "--target", "churn")
    assert printed.code == 0 and printed.out.startswith("# What a table should be like")
    made = run("expect", "churn.csv", "--target", "churn", "--out", "e.toml")
    assert made.code == 0 and "written to e.toml" in made.out
    assert Path("e.toml").read_text().strip() == printed.out.strip()
    again = run("expect", "churn.csv", "--out", "e.toml")
    assert again.code == 1 and "--force" in again.last
    good = run("validate", "new.csv", "--against", "e.toml")
    assert good.code == 0 and good.out.startswith("valid: ")
    bad = run("validate", "odd.csv", "--against", "e.toml")
    assert bad.code == 1 and bad.out.startswith("not valid: ")
    assert "'Weekly'" in bad.out and "row 7: -4" in bad.out and bad.err == ""


def test_json_and_the_page(run, here: Path) -> None:
    done = run("validate", "odd.csv", "--against", "churn.csv", "--json", "--report", "v.html")
    found = json.loads(done.out)
    assert done.code == 1 and found["ok"] is False
    assert {each["check"] for each in found["violations"]} >= {"allowed", "range", "drift"}
    assert found["drift"]["shifts"][0]["column"] == "monthly_charges"
    assert "Weekly" in Path("v.html").read_text()
    again = run("validate", "odd.csv", "--against", "churn.csv", "--report", "v.html")
    assert again.code == 1 and "--force" in again.last


def test_strict_counts_warnings(run, here: Path) -> None:
    higher = pl.read_csv("churn.csv", infer_schema_length=None).with_columns(
        (72 - (72 - pl.col("tenure")) // 2).alias("tenure"))
    higher.write_csv("higher.csv")
    calm = run("validate", "higher.csv", "--against", "churn.csv")
    assert calm.code == 0 and "warning: " in calm.out and "drifted" in calm.out
    assert run("validate", "higher.csv", "--against", "churn.csv", "--strict").code == 1
    assert "drift" not in run("validate", "higher.csv", "--against", "churn.csv", "--no-drift").out


def test_drift_against_rows_and_a_model(run, here: Path) -> None:
    for against in ("churn.csv", "churn.wf"):
        done = run("drift", "odd.csv", "--against", against)
        assert done.code == 1 and "drifted: 'monthly_charges'" in done.out
        assert run("drift", "new.csv", "--against", against).code == 0
    found = json.loads(run("drift", "odd.csv", "--against", "churn.wf", "--json").out)
    assert found["shifts"][0]["verdict"] == "drift"
    assert run("drift", "odd.csv", "--against", "churn.csv", "--threshold", "0.9",
               "--no-whole").code == 0


def test_a_model_checks_its_rows(run, here: Path) -> None:
    assert run("validate", "new.csv", "--against", "churn.wf").code == 0
    lost = pl.read_csv("new.csv", infer_schema_length=None).drop("tenure")
    lost.write_csv("lost.csv")
    done = run("validate", "lost.csv", "--against", "churn.wf")
    assert done.code == 1 and "column 'tenure' is absent" in done.out


def test_evaluate_by_parts(run, here: Path) -> None:
    done = run("evaluate", "churn.wf", "new.csv", "--by", "contract")
    assert done.code == 0 and "contract = Month-to-month" in done.out and "verdict" in done.out
    found = json.loads(run("evaluate", "churn.wf", "new.csv", "--by", "contract", "--by",
                           "tenure", "--metric", "accuracy", "--json").out)
    assert found["by"] == ["contract", "tenure"] and found["metric"] == "accuracy"
    assert sum(each["n"] for each in found["slices"]) == 100
    wrong = run("evaluate", "churn.wf", "new.csv", "--by", "contrat")
    assert wrong.code == 1 and "did you mean 'contract'?" in wrong.last


@pytest.mark.parametrize("argv, said", [
    (["validate", "-", "--against", "-"], "standard input can be read once"),
    (["validate", "none.csv", "--against", "churn.csv"], "none.csv"),
    (["validate", "new.csv", "--against", "none.toml"], "none.toml"),
    (["drift", "new.csv", "--against", "e.toml"], "no distribution"),
    (["drift", "new.csv", "--against", "churn.csv", "--correction", "sidak"], "'holm'"),
    (["drift", "new.csv", "--against", "churn.csv", "--level", "2"], "level"),
    (["expect", "churn.csv", "--confidence", "1"], "confidence"),
    (["expect", "empty.csv"], "empty.csv"),
    (["validate", "new.csv", "--against", "bad.toml"], "[columns.x]"),
])
def test_faults_are_one_sentence(run, here: Path, argv: list[str], said: str) -> None:
    Path("empty.csv").write_text("")
    Path("e.toml").write_text('[columns.churn]\ntype = "text"\n')
    Path("bad.toml").write_text("[columns]\nx = 3\n")
    done = run(*argv)
    assert done.code == 1 and said in done.last and len(done.err.splitlines()) == 1
