"""The seam of tasks without a target: the same words, the same promises, for each of them."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.unlabelled import CASES, TASKS, lines, ratings, rows

import wholefit as wf
from wholefit.api.leaderboard import Leaderboard
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, UnknownNameError, WholefitWarning
from wholefit.base.state import same


def fitted(task: str, **more: Any) -> Any:
    table, words = CASES[task]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wf.fit(table(), task=task, budget="20s", **words, **more)


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return {task: fitted(task) for task in TASKS}


def test_every_task_has_a_case() -> None:
    assert sorted(CASES) == TASKS


@pytest.mark.parametrize("task", TASKS)
def test_a_saved_one_tells_and_answers_the_same(results: Any, task: str, tmp_path: Any) -> None:
    first = results[task]
    again = wf.load(first.save(tmp_path / "m.wf"))
    assert type(again) is type(first) and again.task == task
    assert again.to_text() == first.to_text() and again.to_text().strip()
    assert again._found.to_json() == first._found.to_json()
    table, _ = CASES[task]
    assert_frame_equal(again.answers(table()), first.answers(table()), check_exact=True)
    assert first.report(tmp_path / "a.html").read_bytes() == \
        again.report(tmp_path / "b.html").read_bytes()
    assert repr(again) == repr(first) and again._repr_html_() == first._repr_html_()


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_states(results: Any, task: str) -> None:
    first, again = results[task]._found.states, fitted(task)._found.states
    assert first.keys() == again.keys()
    assert all(same(first[name], again[name]) for name in first)


@pytest.mark.parametrize("task", TASKS)
def test_one_model_is_recommended_and_its_scores_have_intervals(results: Any, task: str) -> None:
    result = results[task]
    assert sum(entry.recommended for entry in result.leaderboard) == 1
    for score in result.scores.values():
        assert np.isnan(score.low) or score.low <= score.value <= score.high
        assert score.how
    assert result.split and result.said and result.lineage["data_hash"]


@pytest.mark.parametrize("task", TASKS)
def test_words_of_fits_with_a_target_are_refused(task: str) -> None:
    table, words = CASES[task]
    # Of several labels the target names the columns, and folds are dealt as for one.
    known = () if task == "multilabel" else ({"folds": 3},) if "target" in words else (
        {"target": table().columns[0]}, {"folds": 3})
    for wrong in (*known, {"repeats": 3}, {"balance": "smote"}):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            wf.fit(table(), task=task, **words, **wrong)


@pytest.mark.parametrize("task", TASKS)
def test_a_misspelt_word_is_corrected(task: str) -> None:
    from wholefit.training.found import recipe

    table, words = CASES[task]
    name = recipe(tasks.get(task)).Options.specs()[0].name
    with pytest.raises(UnknownNameError, match=name):
        wf.fit(table(), task=task, **words, **{f"{name}x": 1})


@pytest.mark.parametrize("task", TASKS)
def test_a_model_of_another_task_is_refused(task: str) -> None:
    table, words = CASES[task]
    with pytest.raises(ParameterError, match=f"not {task}"):
        wf.fit(table(), task=task, models="ridge", **words)


def test_roles_are_checked() -> None:
    with pytest.raises(ParameterError, match="say user= and item="):
        wf.fit(ratings(), task="recommendation")
    with pytest.raises(ParameterError, match="clustering has no use for user="):
        wf.fit(rows(), task="clustering", user="key")
    with pytest.raises(ParameterError, match="is for recommendation: say task="):
        wf.fit(rows(), target="kind", user="key")
    with pytest.raises(DataError, match="one role"):
        wf.fit(lines(), task="association", basket="order", item="order")
    with pytest.raises(UnknownNameError, match="order"):
        wf.fit(lines(), task="association", basket="ordr", item="product")


def test_two_of_them_are_not_compared(results: Any) -> None:
    with pytest.raises(DataError, match="paired test"):
        wf.compare(results["clustering"], results["clustering"], rows())


def test_new_rows_are_held_against_what_was_learnt(results: Any) -> None:
    moved = rows().with_columns(pl.col("c") + 5)
    assert "c" in [shift.column for shift in wf.drift(moved, results["clustering"]).shifted]
    assert not wf.drift(rows(), results["clustering"]).shifted
    assert wf.validate(rows(), results["clustering"]).ok


def test_what_a_task_cannot_do_is_absent(results: Any) -> None:
    for task in TASKS:
        assert not hasattr(results[task], "target")
        assert hasattr(results[task], "predict_proba") == (
            tasks.get(task).verb("predict_proba") is not None)


@pytest.mark.parametrize("task", ["clusterng", "anomalies"])
def test_a_misspelt_task_is_said_before_a_target_is_missed(task: str) -> None:
    with pytest.raises(UnknownNameError, match="no task is named"):
        wf.fit(rows(), task=task)
    with pytest.raises(DataError, match="Without a target, say task= anomaly, association, clust"):
        wf.fit(rows())


@pytest.mark.parametrize(("task", "wrong", "said"), [
    ("clustering", {"clusters": 0}, "^clusters must be >= 1 or None; got 0"),
    ("recommendation", {"split": "tme"}, "^split must be one of 'time'"),
    ("anomaly", {"metric": "roc_auc"}, "^anomaly has no metric="),
    ("association", {"metric": "lift"}, "^association has no metric="),
])
def test_an_option_is_named_as_it_is_said(task: str, wrong: dict[str, Any], said: str) -> None:
    table, words = CASES[task]
    with pytest.raises(ParameterError, match=said):
        wf.fit(table(), task=task, **words, **wrong)


@pytest.mark.parametrize(("word", "said"), [
    ({"clusters": 3}, "clusters=3 is for clustering: say task="),
    ({"alerts": "1%"}, "alerts='1%' is for anomaly"),
])
def test_a_word_of_another_task_says_whose_it_is(word: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        wf.fit(rows(), target="c", **word)
    with pytest.raises(UnknownNameError, match="no option is named 'clustres'"):
        wf.fit(rows(), target="c", clustres=3)


def test_a_warning_points_at_the_line_that_asked() -> None:
    with pytest.warns(WholefitWarning, match="nothing tells these rows from one heap") as told:
        wf.fit({"x": list(range(60))}, task="clustering", clusters=2, models="kmeans")
    assert {each.filename for each in told} == {__file__}


def test_the_board_says_why_one_is_passed_over_and_shows_no_nan(results: Any) -> None:
    entry = results["clustering"].leaderboard[0]
    many = replace(entry, reason="it finds 35 clusters, and most=10 are looked for")
    alone = replace(entry, scores={}, best=False, tied=False, recommended=False, reason="",
                    predict_seconds=math.nan)
    said = str(Leaderboard([many, alone], "separation"))
    assert "most=10 are looked for" in said and "nan" not in said and "ok:" not in said
