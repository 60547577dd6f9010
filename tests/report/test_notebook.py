"""What notebooks show: each thing with its picture, in letters and colours that fit any of them."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any

import polars as pl
import pytest

import wholefit as wf
from wholefit.api._shown import Difference, Findings, Scores, Slices
from wholefit.report import _notebook, notebook

from ._reader import Reader

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def sound(shown: str) -> Reader:
    read = Reader(shown)
    assert read.faults == []
    assert shown.startswith('<div class="wholefit"><style>') and "script" not in read.tags
    assert not read.values("id"), "a cell that is shown twice must not have one id twice"
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    return read


def test_a_result_shows_the_interval_of_every_model(binary: wf.Result, number: wf.Result) -> None:
    for result in (binary, number):
        shown = result._repr_html_()
        read = sound(shown)
        assert shown.count('class="mark chosen"') == 1 and read.tags.count("svg") == 1
        assert all(entry.model in read.text for entry in result.leaderboard)
        assert str(result.score) in read.text


def test_a_leaderboard_shows_itself(binary: wf.Result) -> None:
    read = sound(binary.leaderboard._repr_html_())
    assert read.tags.count("svg") == 1 and "dummy" in read.text and "recommended" in read.text


def test_scores_are_a_dict_and_show_themselves(binary: wf.Result, held: pl.DataFrame) -> None:
    for scores in (binary.scores, binary.evaluate(held)):
        assert isinstance(scores, dict) and type(scores) is Scores
        read = sound(scores._repr_html_())
        assert "log loss" in read.text and scores["log_loss"].how in read.text
    assert binary.scores == dict(binary.scores)


def test_findings_are_a_tuple_and_show_themselves(binary: wf.Result) -> None:
    assert isinstance(binary.findings, tuple) and type(binary.findings) is Findings
    shown = sound(binary.findings._repr_html_())
    assert ("what was found" in shown.text) == bool(binary.findings)
    assert "Nothing was found" in Reader(Findings()._repr_html_()).text


def test_a_comparison_shows_who_is_better(binary: wf.Result, held: pl.DataFrame) -> None:
    found = wf.compare(binary, binary, held)
    assert type(found) is Difference
    shown = found._repr_html_()
    assert "The two are statistically tied" in sound(shown).text
    ahead = dataclasses.replace(found, value=-0.1, low=-0.2, high=-0.05, better="a", p=0.001)
    shown = ahead._repr_html_()
    assert "The first is better" in sound(shown).text and 'class="rule"' in shown
    blank = dataclasses.replace(found, value=math.nan, low=math.nan, high=math.nan, p=math.nan)
    assert "<svg" not in blank._repr_html_()


def test_slices_show_the_worst_first(binary: wf.Result, held: pl.DataFrame) -> None:
    found = binary.evaluate(held, by="contract")
    assert type(found) is Slices
    read = sound(found._repr_html_())
    assert read.tags.count("svg") == 1 and "contract = Two year" in read.text
    assert json.dumps(found.to_json()) and str(found) == found.to_text()


def test_a_profile_shows_pictures_of_its_columns(held: pl.DataFrame) -> None:
    shown = wf.profile(held, target="churn")._repr_html_()
    read = sound(shown)
    assert read.tags.count("svg") >= 3 and "monthly_charges" in read.text


def test_a_fit_without_a_target_shows_its_map(held: pl.DataFrame) -> None:
    made = wf.fit(held.drop("churn").head(300), task="reduction", models="pca")
    shown = made._repr_html_()
    read = sound(shown)
    assert read.tags.count("svg") == 1 and "pca" in read.text
    assert len(shown) < 150_000


@pytest.mark.parametrize("verb", ["explain", "importance", "effect", "diagnose", "stress", "audit"])
def test_what_is_asked_of_a_model_shows_itself(
    binary: wf.Result, held: pl.DataFrame, verb: str
) -> None:
    rows = held.head(120)
    ask: dict[str, Any] = {
        "explain": lambda: binary.explain(rows.head(3)),
        "importance": lambda: binary.importance(rows), "diagnose": lambda: binary.diagnose(rows),
        "effect": lambda: binary.effect("tenure", rows), "stress": lambda: binary.stress(rows),
        "audit": lambda: binary.audit(rows, by="female")}
    shown = ask[verb]()._repr_html_()
    read = Reader(shown)
    assert read.faults == [] and "script" not in read.tags and "<svg" in shown
    assert "<style>" in shown, "pictures need their style in a notebook"


def test_words_take_the_notebooks_own_colour() -> None:
    assert "--ink:currentColor" in _notebook.STYLE
    assert not re.search(r"(?<!-)\bcolor:#", _notebook.STYLE)
    assert notebook.note("a < b").endswith("a &lt; b</div>")
