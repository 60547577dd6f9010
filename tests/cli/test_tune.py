"""`wholefit tune`: words to a search, a table and sentences, JSON, a page, a study that goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Done

Ask = Callable[..., Done]
TREE = ("--target", "churn", "--models", "decision_tree", "--jobs", "1", "--folds", "2",
        "--budget", "4 trials", "--space", "max_depth=1..6", "--space", "encoding.rare=0,0.05")


@pytest.fixture
def ask(run: Ask, room: Path) -> Ask:
    """A command about the files of the room, in this process."""
    return lambda *argv: run(*(room / word if (room / word).is_file() else word for word in argv))


def test_a_search_says_what_it_found_and_saves_it(ask: Ask, tmp_path: Path) -> None:
    done = ask("tune", "churn.csv", *TREE, "--out", "t.wf", "--report", "search.html")
    assert done.code == 0, done.err
    assert "decision_tree (tuned)" in done.out and "configurations tried by random" in done.out
    assert "Against the defaults" in done.out and "saved t.wf and search.html" in done.out
    assert "What was searched" in (tmp_path / "search.html").read_text()
    assert ask("predict", str(tmp_path / "t.wf"), "churn.csv", "--out", "p.csv").code == 0
    assert ask("tune", "churn.csv", *TREE, "--out", "t.wf").code != 0


def test_json_and_a_study_that_goes_on(ask: Ask, tmp_path: Path) -> None:
    found = []
    for trials in ("2 trials", "4 trials"):
        done = ask("tune", "churn.csv", *TREE, "--budget", trials, "--study", "s.db", "--out",
                   "j.wf", "--force", "--json")
        assert done.code == 0, done.err
        found.append(json.loads(done.out))
    first, second = (each["study"]["trials"] for each in found)
    assert [len(first), len(second)] == [2, 4] and second[:2] == first
    assert set(second[0]["values"]) == {"decision_tree.max_depth", "encoding.rare"}


@pytest.mark.parametrize(("argv", "said"), [
    (("--space", "max_dept=1..3"), "max_depth"), (("--space", "max_depth"), "NAME=VALUES"),
    (("--space", "max_depth=1..x"), "LOW..HIGH"), (("--strategy", "gird"), "grid"),
    (("--nested", "1"), "nested"), (("--study", "churn.csv"), "churn.csv"),
])
def test_wrong_words_are_one_sentence(ask: Ask, argv: tuple[str, ...], said: str) -> None:
    done = ask("tune", "churn.csv", *TREE, "--out", "w.wf", *argv)
    assert done.code != 0 and said in done.err and "Traceback" not in done.err
