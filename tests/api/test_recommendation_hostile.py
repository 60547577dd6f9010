"""Recommenders under altered files, rows that cannot be learnt, the least rows, and no time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api.recommendation import Recommender
from wholefit.artifact import read as read_artifact
from wholefit.base.errors import ArtifactError, WholefitError
from wholefit.base.state import State
from wholefit.training.found import Found

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def uses(rows: int = 900) -> pl.DataFrame:
    random = np.random.default_rng(0)
    user = random.integers(0, 50, rows)
    item = random.integers(0, 10, rows) * 4 + (user + (random.random(rows) < 0.2)) % 4
    return pl.DataFrame({"who": user, "film": [f"f{i:02d}" for i in item],
                         "stars": np.where(item % 4 == user % 4, 5.0, 2.0)}).unique(
        ["who", "film"], maintain_order=True)


def films() -> pl.DataFrame:
    plots = ("space robots", "love kiss", "murder clue", "ghost blood")
    return pl.DataFrame({"film": [f"f{i:02d}" for i in range(40)],
                         "plot": [plots[i % 4] for i in range(40)]})


@pytest.fixture(scope="module")
def rated() -> Recommender:
    return wf.fit(uses(), task="recommendation", user="who", item="film", rating="stars",
                  models="user_knn, ease", k=5)


@pytest.fixture(scope="module")
def used() -> Recommender:
    return wf.fit(uses().drop("stars"), task="recommendation", user="who", item="film",
                  items=films(), models="als", k=5)


def test_an_altered_file_is_one_kind_of_error(rated: Recommender, tmp_path: Path) -> None:
    package = read_artifact(rated.save(tmp_path / "a.wf"))
    states = dict(package.states)
    bad = {"users": states["items"], "items": states["users"], "seen": states["users"],
           "model": states["users"]}
    for name, state in bad.items():
        found = Found.from_json(package.record, {**states, name: state})
        with pytest.raises(WholefitError):
            Recommender(found).recommend(1)
    seen = states["seen"]
    half = State("seen", seen.config, {**seen.arrays, "items": seen.arrays["items"][:-1]})
    with pytest.raises(WholefitError):
        Recommender(Found.from_json(package.record, {**states, "seen": half})).recommend(1)


def test_whatever_number_is_altered_the_answer_is_an_answer_or_one_error(
        used: Recommender, tmp_path: Path) -> None:
    package = read_artifact(used.save(tmp_path / "a.wf"))
    for name, state in package.states.items():
        for array, values in state.arrays.items():
            for made in _altered(values):
                bad = State(state.kind, state.config, {**state.arrays, array: made}, state.blobs,
                            state.parts)
                asked = Recommender(Found.from_json(package.record, {**package.states, name: bad}))
                try:
                    asked.recommend([1, "x"], 3)
                    asked.similar(like={"plot": "ghost"})
                    asked.predict({"who": [1], "film": ["f03"]})
                    asked.explain(0, "f04")
                except WholefitError:
                    continue


@pytest.mark.parametrize(("changed", "said"), [
    ({"n_items": 10**9}, "names of 40"), ({"values": "x"}, "fit together"),
    ({"times": "x"}, "fit together")])
def test_a_record_of_who_has_what_is_looked_at_before_it_is_used(
        rated: Recommender, changed: dict[str, object], said: str) -> None:
    kept = rated._found.states["seen"]
    arrays = {name: np.full(len(kept.arrays["items"]), word) for name, word in changed.items()
              if word == "x"}
    config = {name: word for name, word in changed.items() if word != "x"}
    seen = State("seen", {**kept.config, **config}, {**kept.arrays, **arrays})
    altered = Found.from_json(rated._found.to_json(), {**rated._found.states, "seen": seen})
    with pytest.raises(ArtifactError, match=said):
        Recommender(altered).explain(0, "f04")


def _altered(values: np.ndarray) -> list[np.ndarray]:
    large, odd = values.copy(), values.copy()
    if values.size:
        large.flat[-1] = 2**30 if values.dtype.kind == "i" else 1
        odd.flat[0] = -7 if values.dtype.kind == "i" else (
            np.nan if values.dtype.kind == "f" else 1)
    return [large, odd, values[:-1], values[:0], values.reshape(-1, 1)]


@pytest.mark.parametrize(("rows", "words", "said"), [
    ({"who": [], "film": [], "stars": []}, {}, "rows"),
    ({"who": [None, None], "film": ["a", "b"], "stars": [1, 2]}, {}, "no user"),
    ({"who": [1, 2], "film": ["a", "b"], "stars": ["good", "bad"]}, {}, "must hold numbers"),
    ({"who": [1, 2], "film": ["a", "b"], "stars": [1, 2]}, {"split": "time"}, "time="),
    ({"who": [1, 2], "film": ["a", "b"], "stars": [1, 2]}, {"models": "content"}, "items="),
    ({"who": [1, 2], "film": ["a", "b"], "stars": [1, 2]}, {"metric": "rmes"}, "did you mean"),
    ({"who": [1, 2], "film": ["a", "b"], "stars": [1, 2]}, {"folds": 3}, "folds"),
])
def test_what_cannot_be_learnt_is_said_in_a_sentence(
        rows: dict[str, list[object]], words: dict[str, object], said: str) -> None:
    with pytest.raises(WholefitError, match=said):
        wf.fit(rows, task="recommendation", user="who", item="film", rating="stars", **words)


@pytest.mark.parametrize("rows", [
    {"who": [1], "film": ["a"], "stars": [3]},
    {"who": [1, 1], "film": ["a", "a"], "stars": [3, 3]},
    {"who": [1, 2, 3], "film": ["a", "a", "a"], "stars": [3, 4, 5]},
    {"who": [1] * 6, "film": list("abcdef"), "stars": [1, 2, 3, 4, 5, 1]},
    {"who": [f"<b>é☃ {u}" for u in range(6)] * 2, "film": list("abcabcabcabd"),
     "stars": [1, 5] * 6},
])
def test_the_least_rows_still_give_lists(rows: dict[str, list[object]], tmp_path: Path) -> None:
    result = wf.fit(rows, task="recommendation", user="who", item="film", rating="stars")
    assert result.to_text() and result.report(tmp_path / "r.html").exists()
    again = wf.load(result.save(tmp_path / "r.wf"))
    assert again.recommend(result.users[0], 2) == result.recommend(result.users[0], 2)


def test_without_time_left_only_what_was_finished_is_compared() -> None:
    result = wf.fit(uses(), task="recommendation", user="who", item="film",
                    rating="stars", budget="0.01s")
    assert result.leaderboard[0].status == "ok"
    assert any(entry.status in ("skipped", "stopped") for entry in result.leaderboard)
