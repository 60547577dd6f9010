"""`wholefit replay` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest


@pytest.fixture
def fitted(run: Any, room: Path, tmp_path: Path) -> Path:
    """A folder with churn.csv and a model of it, the current one."""
    (tmp_path / "churn.csv").write_bytes((room / "churn.csv").read_bytes())
    done = run("fit", "churn.csv", "--target", "churn", "--models", "logistic", "--jobs", "1",
               "--out", "m.wf", "--no-checks", "-q")
    assert done.code == 0, done.err
    return tmp_path


def test_a_model_is_done_again_and_written_as_text(run: Any, fitted: Path) -> None:
    done = run("replay", "m.wf", "--out", "again.wf")
    assert done.code == 0, done.err
    assert "bit-equal:" in done.out and "logistic: answers to unseen rows" in done.out
    assert run("replay", "m.wf", "--write", "a.toml").code == 0
    assert run("replay", "again.wf", "--write", "b.toml").code == 0
    assert (fitted / "a.toml").read_text() == (fitted / "b.toml").read_text()
    done = run("replay", "a.toml", "churn.csv", "--json")
    assert done.code == 0 and json.loads(done.out)["equal"] is True
    assert run("replay", "m.wf", "--write", "a.toml").code == 1, "it exists"
    assert run("replay", "m.wf", "--write", "a.toml", "--force").code == 0


def test_other_rows_end_with_code_1_and_the_reason(run: Any, fitted: Path) -> None:
    pl.read_csv(fitted / "churn.csv")[:-3].write_csv(fitted / "less.csv")
    done = run("replay", "m.wf", "less.csv")
    assert done.code == 1 and "400 rows then, 397 now" in done.out
    assert "not those that the run learnt from" in done.out
    done = run("replay", "m.wf", "less.csv", "--anyway", "--json")
    told = json.loads(done.out)
    assert done.code == 1 and told["ran"] and told["first"] == "rows"


def test_what_is_missing_is_one_sentence(run: Any, fitted: Path) -> None:
    (fitted / "churn.csv").unlink()
    done = run("replay", "m.wf")
    assert done.code == 1 and "say where they are" in done.last
    assert run("replay", "nothing.wf").code == 1
    (fitted / "bad.toml").write_text("format = 1\n")
    done = run("replay", "bad.toml")
    assert done.code == 1 and "not a whole run file" in done.last
    assert run("replay").code == 2
