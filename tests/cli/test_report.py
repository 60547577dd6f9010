"""`wholefit report`: a page, a card or all facts of a saved model, with rows and without."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import wholefit as wf
from wholefit.data import bundled

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("report")
    rows = wf.read(bundled.path("telco_churn")).frame.select(
        "tenure", "contract", "monthly_charges", "senior_citizen", "churn")
    rows[:500].write_csv(place / "train.csv")
    rows[500:700].write_csv(place / "held.csv")
    made = wf.fit(place / "train.csv", target="churn", models="logistic", jobs=1)
    made.save(place / "churn.wf")
    return place


@pytest.fixture(autouse=True)
def here(run: Any, folder: Path) -> None:
    for file in folder.iterdir():
        shutil.copy(file, ".")


def test_a_page_is_named_by_its_model(run: Any) -> None:
    done = run("report", "churn.wf")
    assert done.code == 0 and "saved churn.html" in done.out
    assert Path("churn.html").read_text().startswith("<!doctype html>")
    assert "--force" in run("report", "churn.wf").last
    assert run("report", "churn.wf", "--force").code == 0


def test_rows_add_what_only_rows_can_tell(run: Any) -> None:
    done = run("report", "churn.wf", "--rows", "held.csv", "--protected", "senior_citizen",
               "--values", "--out", "all.json")
    assert done.code == 0, done.err
    told = json.loads(Path("all.json").read_text())["understanding"]
    topics = [part["topic"] for part in told["parts"]]
    assert {"failures", "importance", "effects", "attributions", "inside", "stress",
            "fairness", "advice"} <= set(topics)
    assert all("found" in part for part in told["parts"])
    assert told["rows"] == 200 and told["source"] == "held.csv"


def test_a_card_is_markdown(run: Any) -> None:
    assert run("report", "churn.wf", "--out", "card.md").code == 0
    assert Path("card.md").read_text().startswith("# Model card: predicting churn")


@pytest.mark.parametrize(("words", "said"), [
    (("--out", "x.pdf"), "must end in"),
    (("--protected", "senior_citizen"), "needs held-out rows"),
    (("--values",), "shows single rows"),
    (("--rows", "held.csv", "--protected", "senior", "--out", "x.html"), "senior_citizen"),
    (("--rows", "no.csv", "--out", "x.html"), "no.csv"),
    (("--rows", "held.csv", "--out", "held.csv"), "the source itself"),
    (("--rows", "held.csv", "--policy", "nonsense", "--out", "x.html"), "NAME=VALUE"),
    (("--out", "churn.wf", "--force"), "the source itself"),
    (("--out", "nowhere/x.html"), "does not exist"),
])
def test_what_cannot_be_done_is_said_in_a_line(run: Any, words: tuple[str, ...], said: str) -> None:
    done = run("report", "churn.wf", *words)
    assert done.code != 0 and said in done.err
    assert "Traceback" not in done.err and not Path("x.html").exists()


def test_fit_refuses_a_report_of_no_kind_before_it_fits(run: Any) -> None:
    done = run("fit", "train.csv", "--target", "churn", "--out", "new.wf", "--report", "r.txt")
    assert done.code != 0 and "must end in" in done.err and not Path("new.wf").exists()
