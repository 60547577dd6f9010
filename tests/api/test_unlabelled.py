"""The seam of tasks without a target: the same words, the same promises, for each of them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import wholefit as wf
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.base.state import same

TASKS = tasks.names(supervised=False)


def rows() -> pl.DataFrame:
    """Two groups of rows, a category that goes with them, and a few rows far from both."""
    rng = np.random.default_rng(0)
    group = np.arange(120) % 2
    a = rng.normal(size=120) + 8 * group
    b = rng.normal(size=120) - 6 * group
    a[:3] += 40
    return pl.DataFrame({
        "key": [f"r{at:03d}" for at in range(120)], "a": a, "b": b, "c": rng.normal(size=120),
        "kind": np.where(group == 1, "x", "y")})


def lines() -> pl.DataFrame:
    """Baskets in which bread and butter go together."""
    rng = np.random.default_rng(1)
    found = []
    for basket in range(300):
        bread = rng.random() < 0.4
        held = ["bread"] if bread else []
        held += ["butter"] if rng.random() < (0.8 if bread else 0.1) else []
        held += [item for item in ("jam", "tea", "milk") if rng.random() < 0.3]
        found += [(basket, item) for item in held]
    return pl.DataFrame(found, schema=["order", "product"], orient="row")


def ratings() -> pl.DataFrame:
    """Thirty users who rate twenty films by two tastes."""
    rng = np.random.default_rng(2)
    users, films = np.divmod(np.arange(600), 20)
    keep = rng.random(600) < 0.5
    stars = np.clip(3 + np.where(users % 2 == films % 2, 1.2, -1.2)
                    + rng.normal(size=600) * 0.5, 1, 5).round()
    frame = pl.DataFrame({"user": [f"u{u}" for u in users], "film": [f"f{f}" for f in films],
                          "stars": stars})
    return frame.filter(pl.Series(keep))


CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "anomaly": (rows, {}),
    "association": (lines, {"basket": "order", "item": "product"}),
    "clustering": (rows, {}),
    "recommendation": (ratings, {"user": "user", "item": "film", "rating": "stars"}),
    "reduction": (rows, {}),
}


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
    for wrong in ({"target": table().columns[0]}, {"folds": 3}, {"balance": "smote"}):
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
    assert not wf.validate(moved, results["clustering"]).valid or \
        wf.drift(moved, results["clustering"]).shifted


def test_what_a_task_cannot_do_is_absent(results: Any) -> None:
    for task in TASKS:
        assert not hasattr(results[task], "target") and not hasattr(results[task], "predict_proba")
