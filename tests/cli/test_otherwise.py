"""counterfactual, nearest: sentences for people, JSON for machines, one sentence for mistakes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Done, process

Ask = Callable[..., Done]


@pytest.fixture
def ask(run: Ask, room: Path) -> Ask:
    """A command about the files of the room, in this process."""
    return lambda *argv: run(*(room / word if (room / word).is_file() else word for word in argv))


def test_sentences_and_json_say_the_same(ask: Ask, room: Path) -> None:
    told = process("counterfactual", "churn.wf", "new.csv", "--row", "3", "--keep", "tenure",
                   cwd=room)
    assert told.code == 0 and told.err == ""
    assert "The prediction of churn is" in told.out and "wanted is" in told.out
    assert "not what a change in the world would do" in told.out
    found = json.loads(ask("counterfactual", "churn.wf", "new.csv", "--row", "3", "--keep",
                               "tenure", "--json").out)
    assert "tenure" in found["kept"] and not found["already"]
    for each in found["alternatives"]:
        for change in each["changes"]:
            assert change["column"] != "tenure"
            assert f"{change['column']} been {change['said_after']}" in told.out


def test_changes_that_look_like_real_rows(ask: Ask) -> None:
    done = ask("counterfactual", "churn.wf", "new.csv", "--among", "churn.csv", "--most", "2",
                   "--alternatives", "2", "--json")
    found = json.loads(done.out)
    assert done.code == 0 and found["usual"] > 0
    assert all(len(each["changes"]) <= 2 for each in found["alternatives"])


def test_nearest_rows_with_their_outcomes(ask: Ask) -> None:
    done = ask("nearest", "churn.wf", "new.csv", "--row", "2", "--among", "churn.csv", "--k",
                   "3")
    assert done.code == 0 and "Row 2: predicted churn is" in done.out
    assert done.out.count("\nrow ") == 3 and "asked" in done.out
    found = json.loads(ask("nearest", "churn.wf", "new.csv", "--row", "2", "--among",
                               "churn.csv", "--k", "3", "--json").out)
    assert len(found["found"]) == 1 and found["found"][0]["row"] == 1
    assert [each["outcome"] for each in found["found"][0]["examples"]]
    assert found["agreement"] is not None


def test_all_rows_where_none_is_named(ask: Ask) -> None:
    found = json.loads(ask("nearest", "churn.wf", "new.csv", "--among", "churn.csv", "--json").out)
    assert len(found["found"]) == 100


@pytest.mark.parametrize(("argv", "says"), [
    (["counterfactual", "churn.wf", "new.csv", "--row", "101"], "--row must be 1 to 100"),
    (["counterfactual", "churn.wf", "new.csv", "--want", "Maybe"], "no class is named 'Maybe'"),
    (["counterfactual", "churn.wf", "new.csv", "--keep", "tenur"], "did you mean 'tenure'?"),
    (["counterfactual", "churn.wf", "new.csv", "--most", "0"], "most must be >= 1"),
    (["counterfactual", "new.csv", "churn.wf"], "the model comes first"),
    (["nearest", "churn.wf", "new.csv", "--among", "none.csv"], "none.csv"),
    (["nearest", "churn.wf", "loans.csv", "--among", "churn.csv"], "new data must have"),
])
def test_mistakes_are_said_in_one_sentence(ask: Ask, argv: list[str], says: str) -> None:
    done = ask(*argv)
    assert done.code == 1 and says in done.last and done.err
