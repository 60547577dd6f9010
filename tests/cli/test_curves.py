"""curve, cures, stress: tables and sentences for people, JSON for machines, pages on request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Done

Ask = Callable[..., Done]
TREE = ("--target", "churn", "--model", "decision_tree(min_samples_leaf=20)", "--jobs", "1",
        "--folds", "2", "--metric", "roc_auc")


@pytest.fixture
def ask(run: Ask, room: Path) -> Ask:
    """A command about the files of the room, in this process."""
    return lambda *argv: run(*(room / word if (room / word).is_file() else word for word in argv))


def test_a_learning_curve(ask: Ask, tmp_path: Path) -> None:
    done = ask("curve", "churn.csv", *TREE, "--sizes", "0.25,0.5,1.0", "--out", "page.html")
    assert done.code == 0, done.err
    assert "roc_auc, own rows" in done.out and "Going from" in done.out
    assert "saved page.html" in done.out and (tmp_path / "page.html").exists()
    assert ask("curve", "churn.csv", *TREE, "--out", "page.html").code != 0


def test_a_validation_curve_as_json(ask: Ask) -> None:
    done = ask("curve", "churn.csv", *TREE, "--param", "max_depth", "--values", "1,3,none",
               "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert [each["value"] for each in found["settings"]] == [1, 3, None]
    assert found["report"] is None and found["said"]


def test_cures(ask: Ask) -> None:
    done = ask("cures", "churn.csv", *TREE[:4], *TREE[4:], "--budget", "20s", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["cures"] and {"kind", "gain", "low", "high", "p"} <= found["cures"][0].keys()


def test_stress(ask: Ask) -> None:
    done = ask("stress", "churn.wf", "churn.csv", "--metric", "roc_auc", "--most", "300", "--out",
               "held.html")
    assert done.code == 0, done.err
    assert "losing `" in done.out and "The search finds such changes" in done.out
    found = json.loads(ask("stress", "churn.wf", "churn.csv", "--metric", "roc_auc", "--most",
                           "300", "--json").out)
    assert found["rows"] == 300 and found["attack"]["reaches"]


@pytest.mark.parametrize(("argv", "said"), [
    (("curve", "churn.csv", "--target", "nope"), "nope"),
    (("curve", "churn.csv", *TREE, "--param", "depth"), "max_depth"),
    (("curve", "churn.csv", *TREE, "--values", "1,2"), "--param"),
    (("curve", "churn.csv", *TREE, "--sizes", "a,b"), "--sizes"),
    (("curve", "churn.csv", *TREE, "--param", "max_depth", "--by", "contract"), "--by"),
    (("cures", "churn.csv", "--target", "churn", "--model", "tree"), "tree"),
    (("stress", "churn.csv", "churn.wf"), "the model comes first"),
    (("stress", "churn.wf", "churn.csv", "--most", "1"), "most must be"),
])
def test_mistakes_are_one_sentence(ask: Ask, argv: tuple[str, ...], said: str) -> None:
    done = ask(*argv)
    assert done.code != 0 and said in done.err and "Traceback" not in done.err
