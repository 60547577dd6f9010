"""How a network learnt is said in plain words: on the page, in the card, on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.cli import main
from wholefit.report import card, taught

pytest.importorskip("torch", reason="networks need torch (extra deep)")
MODEL = "mlp(find_rate=True, precision='auto', epochs=6, patience=None, device='cpu')"
WHOLE = {"epochs": 12, "planned": 30, "steps": 1400, "batch": 32, "optimizer": "adamw",
         "rate": 0.0123, "rate_from": "found", "device": "cuda", "precision": "bfloat16",
         "compiled": True, "stopped": "the time is up",
         "why": {"compiled": "compiled in 20 s: 3 ms a step beside 9 ms", "precision":
                 "bfloat16 takes 3 ms a step beside 9 ms in float32"}}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = np.random.default_rng(0).normal(size=(240, 3))
    rows = pl.DataFrame({"a": draw[:, 0], "b": draw[:, 1],
                         "kind": np.where(draw[:, 0] > draw[:, 2], "up", "down")})
    result = wf.fit(rows, target="kind", models=MODEL, folds=2, seed=0)
    path = tmp_path_factory.mktemp("taught") / "net.wf"
    result.save(path)
    return path


def test_the_record_of_a_fit_tells_its_training(fitted: Path) -> None:
    learning = wf.load(fitted).lineage["learning"]
    assert learning["epochs"] == learning["planned"] == 6
    assert (learning["device"], learning["compiled"], learning["stopped"]) == ("cpu", False, None)
    assert learning["rate_from"] == "found" and learning["rate"] > 0
    assert learning["steps"] == 6 * -(-216 // learning["batch"])  # a tenth is held out
    assert set(learning["why"]) == {"rate", "precision"}


def test_a_rate_and_numbers_that_were_said_are_not_called_found() -> None:
    from wholefit.models._networks import NetworkClassifier

    x = np.random.default_rng(0).normal(size=(80, 2))
    made = NetworkClassifier({"network": "mlp", "hidden": [4]},
                             {"epochs": 2, "rate": 0.02, "device": "cpu"}, random_state=0)
    learning = made.fit(x, (x[:, 0] > 0).astype(int)).learning_
    assert (learning["rate"], learning["rate_from"], learning["why"]) == (0.02, "set", {})
    made.partial_fit(x[:20], (x[:20, 0] > 0).astype(int))
    assert made.learning_ == learning  # of the rows that came first: an update is told apart


def test_page_card_and_command_line_say_it(
    fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    result = wf.load(fitted)
    said = taught.sentences(result.lineage)
    assert said[0].startswith("It learnt in 6 epochs (") and "on the processor" in said[0]
    assert "found by trying rates" in said[1]
    text = card.card(result)
    assert "## How it learnt" in text.splitlines() and said[0] in text.replace("\\", "")
    page = tmp_path / "page.html"
    result.report(page)
    html = page.read_text()
    part = html[html.index('<section id="taught"'):html.index('<section id="metrics"')]
    assert "How it learnt" in part and "found by trying rates" in part
    capsys.readouterr()
    with pytest.raises(SystemExit, match="0"):
        main(["show", str(fitted)])
    shown = " ".join(capsys.readouterr().out.split())
    assert "It learnt in 6 epochs" in shown and "found by trying rates" in shown


def test_every_fact_is_a_plain_sentence() -> None:
    assert taught.sentences({"learning": WHOLE}) == [
        "It learnt in 12 epochs of 30 planned (1,400 steps of 32 rows), by adamw, on a GPU (cuda), "
        "in 16-bit numbers (bfloat16), with compiled steps.",
        "Its rate at the largest was 0.0123, found by trying rates on the training rows before "
        "learning.",
        "Numbers were chosen by measuring: bfloat16 takes 3 ms a step beside 9 ms in float32.",
        "Compilation: compiled in 20 s: 3 ms a step beside 9 ms.",
        "It ended before its plan did: the time is up."]


def test_a_first_lesson_is_told_before_the_others() -> None:
    first = {"how": "masked", "rows": 1200, "without_target": 1100, "steps": 60, "loss": [2.0, 1.0]}
    said = taught.sentences({"learning": {**WHOLE, "pretrained": first}})
    assert said[0] == ("Before any target it learnt to tell what was left out of rows: 1,200 rows, "
                       "1,100 of them without a target, in 60 steps.")
    assert said[1:] == taught.sentences({"learning": WHOLE})
    for wrong in ("masked", {"how": ["masked"], "rows": 1, "steps": 1},
                  {"how": "masked", "rows": "1"}):
        assert taught.sentences({"learning": {**WHOLE, "pretrained": wrong}}) == said[1:]


def test_what_keras_logged_is_told_by_its_last_values() -> None:
    learning = {"epochs": 1, "told": [1], "history": {"loss": [0.5], "val_loss": [None],
                                                      "val_accuracy": [0.875]}}
    assert taught.sentences({"learning": learning}) == [
        "It learnt in 1 epoch.", "After its last epoch: loss 0.5, val accuracy 0.875."]


@pytest.mark.parametrize("learning", [
    None, 3, "words", [], {}, {"epochs": "many", "rate": "fast", "why": 3, "history": [1]},
    {"epochs": True, "rate": float("nan"), "stopped": ["x"], "why": {"precision": 7}},
    {"rate": 10**400, "history": {"loss": [], "other": 3}},
], ids=str)
def test_nonsense_in_a_file_is_passed_over(learning: Any) -> None:
    assert taught.sentences({"learning": learning}) == []


def test_a_model_without_a_training_has_no_such_section(tmp_path: Path) -> None:
    rows = pl.DataFrame({"a": range(40), "y": [2.0 * at for at in range(40)]})
    result = wf.fit(rows, target="y", models="ridge", folds=2)
    assert taught.section(result) is None and "How it learnt" not in card.card(result)
