"""inside, glassbox: what is printed, written, and said of faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def here(room: Path, tmp_path: Path, monkeypatch) -> Path:
    """churn.csv, new.csv and churn.wf in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    for name in ("churn.csv", "new.csv", "churn.wf"):
        (tmp_path / name).write_bytes((room / name).read_bytes())
    return tmp_path


def test_a_saved_model_says_what_it_is_made_of(run, here: Path) -> None:
    printed = run("inside", "churn.wf")
    assert printed.code == 0 and printed.err == "" and len(printed.out.splitlines()) > 3
    found = json.loads(run("inside", "churn.wf", "--json").out)
    assert found["said"] and found["kind"]
    made = run("inside", "churn.wf", "--out", "page.html")
    assert made.code == 0 and "saved page.html" in made.out
    assert Path("page.html").read_text().startswith("<!doctype html>")
    again = run("inside", "churn.wf", "--out", "page.html")
    assert again.code == 1 and "--force" in again.last


def test_faults_are_one_sentence(run, here: Path) -> None:
    assert run("inside", "nothing.wf").code == 1
    few = run("inside", "churn.wf", "--bootstrap", "50")
    assert few.code == 1 and "bootstrap needs rows" in few.last
    wrong = run("glassbox", "churn.csv", "--target", "churn", "--models", "random_forest")
    assert wrong.code == 1 and "can be read" in wrong.last


def test_glass_boxes_are_priced_and_the_recommended_is_saved(run, here: Path) -> None:
    printed = run("glassbox", "churn.csv", "--target", "churn", "--models",
                  "rule_list, decision_tree(max_depth=3)", "--against", "random_forest",
                  "--folds", "2", "--out", "glass.html", "--save", "box.wf")
    assert printed.code == 0, printed.err
    assert "price of reading it" in printed.out and "a black box" in printed.out
    assert "Inside rule_list" in Path("glass.html").read_text()
    assert run("inside", "box.wf").code == 0
    found = json.loads(run("glassbox", "churn.csv", "--target", "churn", "--models", "rule_list",
                           "--against", "dummy", "--folds", "2", "--json").out)
    assert {row["model"] for row in found["rows"]} == {"rule_list", "dummy"}
