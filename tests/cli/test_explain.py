"""`wholefit explain`: words for a person, JSON for a machine, a page for both."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Done, process

Run = Callable[..., Done]


def test_rows_are_explained_in_words(run: Run, room: Path) -> None:
    done = run("explain", room / "churn.wf", room / "new.csv", "--row", "3", "--row", "5")
    assert done.code == 0 and done.err == ""
    assert "Row 3: churn = " in done.out and "Row 5: churn = " in done.out
    assert "Row 1:" not in done.out and "the common start" in done.out
    assert "made-up rows" in done.out


def test_json_adds_up(run: Run, room: Path) -> None:
    done = run("explain", room / "churn.wf", room / "new.csv", "--json", "--row", "2")
    found = json.loads(done.out)
    row = found["rows"][0]
    told = row["outputs"][0]
    assert row["row"] == 1 and found["scale"] == "log-odds"
    assert found["base"][0] + sum(part["adds"] for part in told["parts"]) == pytest.approx(
        told["answer"], abs=1e-9)


def test_a_page_is_written_and_never_over_another(run: Run, room: Path) -> None:
    command = ["explain", room / "churn.wf", room / "new.csv", "--out", "why.html"]
    done = run(*command)
    assert done.code == 0 and "saved why.html" in done.out
    page = Path("why.html").read_text()
    assert "<svg" in page and "<script" not in page.split("</head>")[0]
    assert run(*command).code != 0 and run(*command, "--force").code == 0


def test_a_background_and_a_method_are_taken(run: Run, room: Path) -> None:
    done = run("explain", room / "churn.wf", room / "new.csv", "--row", "1", "--method", "sampling",
               "--background", room / "churn.csv", "--evaluations", "1500", "--compared", "12")
    assert done.code == 0 and "12 rows drawn from the 400 given" in done.out and "±" in done.out


def test_standard_input(room: Path) -> None:
    done = process("explain", "churn.wf", "-", "--row", "4", cwd=room,
                   stdin=(room / "new.csv").read_bytes())
    assert done.code == 0 and done.out.startswith("Row 4: churn = ")


@pytest.mark.parametrize(("words", "said"), [
    (("--row", "0"), "counts from 1"), (("--row", "101"), "counted from 1; got 101"),
    (("--method", "shpa"), "shap"), (("--top", "0"), "at least 1"),
    (("--background", "none.csv"), "none.csv"), (("--compared", "1"), "compared must be >= 2"),
])
def test_wrong_words_end_in_a_sentence(
    run: Run, room: Path, words: tuple[str, str], said: str
) -> None:
    done = run("explain", room / "churn.wf", room / "new.csv", *words)
    assert done.code != 0 and said in done.err


def test_the_order_of_model_and_rows(run: Run, room: Path) -> None:
    done = run("explain", room / "new.csv", room / "churn.wf")
    assert done.code != 0 and "the model comes first" in done.err
