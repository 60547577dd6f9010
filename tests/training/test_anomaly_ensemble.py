"""Detectors together: one scale, sums that add up, nothing lost at the far end."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wholefit.base import tasks
from wholefit.base.errors import ArtifactError, DataError
from wholefit.base.state import State, same
from wholefit.models import Context, make, scorer
from wholefit.training.anomaly import _ensemble as ensemble

TASK = tasks.get("anomaly")


def planted(rows: int = 600, odd: int = 6) -> np.ndarray:
    random = np.random.default_rng(0)
    X = random.normal(size=(rows, 4))
    X[:odd, 1] += 8
    return X


def members(X: np.ndarray, *names: str) -> dict[str, State]:
    context = Context(len(X), X.shape[1], seed=1)
    return {name: ensemble.fit_detector(make(name), TASK, X, context)
            for name in names or ensemble.DEFAULT}


def test_the_default_has_one_detector_of_each_kind() -> None:
    made = ensemble.default(1000, 10)
    assert [model.name for model in made] == list(ensemble.DEFAULT)
    assert all("anomaly" in model.tasks for model in made)


def test_the_score_is_the_mean_of_rarities_and_of_steps_beyond() -> None:
    X = planted()
    states = members(X)
    made = scorer(ensemble.together(states, X))
    for at, state in enumerate(states.values()):
        scores = scorer(state).answer(X)
        as_high = (scores[None, :] >= scores[:, None]).sum(axis=1)
        middle, tenth = np.sort(scores)[[len(X) // 2 - 1, len(X) * 9 // 10 - 1]]
        steps = np.maximum(scores - tenth, 0) / (tenth - middle)
        expected = np.minimum(-np.log((as_high + 1) / (len(X) + 1)), np.log(10))
        expected = np.where(scores <= tenth, expected, expected[scores == tenth][0])
        expected += np.log(10) * 3 * np.log1p(steps / 3)
        assert np.allclose(made.each(X)[:, at], expected)  # type: ignore[attr-defined]
    assert np.allclose(made.answer(X), made.each(X).mean(axis=1))  # type: ignore[attr-defined]


def test_planted_rows_come_first_with_their_column() -> None:
    X = planted()
    made = scorer(ensemble.together(members(X), X))
    assert set(np.argsort(-made.answer(X))[:6]) == set(range(6))
    parts = made.parts(X[:6])  # type: ignore[attr-defined]
    assert (parts.argmax(axis=1) == 1).all() and (parts >= 0).all()
    assert np.allclose(parts.sum(axis=1), made.answer(X[:6]))


def test_what_is_stranger_than_anything_seen_is_still_told_apart() -> None:
    X = planted()
    made = scorer(ensemble.together(members(X), X))
    far = np.zeros((4, 4))
    far[:, 1] = [15, 30, 100, 1e6]
    found = made.answer(far)
    assert (np.diff(found) > 0).all() and np.isfinite(found).all()
    assert found[0] > np.quantile(made.answer(X), 0.99)


def test_long_scales_are_thinned() -> None:
    scores = np.random.default_rng(0).normal(size=10_000)
    made = ensemble.scale(scores)
    assert len(made["score"]) <= 1024
    rarity = np.minimum(-np.log(np.arange(10_001, 1, -1) / 10_001), np.log(10))
    near = np.interp(np.sort(scores), made["score"], made["rarity"])
    assert np.abs(near - rarity).max() < 0.01


@pytest.mark.parametrize("scores", [np.zeros(20), np.r_[np.zeros(19), 5.0], np.ones(1)])
def test_equal_scores_make_a_scale(scores: np.ndarray) -> None:
    made = ensemble.scale(scores)
    assert made["step"][0] > 0 and np.isfinite(made["rarity"]).all()


def test_the_same_rows_give_the_same_state() -> None:
    X = planted(300)
    assert same(ensemble.together(members(X), X), ensemble.together(members(X), X))


def test_nothing_to_join_is_refused() -> None:
    X = planted(100)
    with pytest.raises(DataError, match="at least one row"):
        ensemble.together({}, X)
    with pytest.raises(DataError, match="at least one row"):
        ensemble.together(members(X, "ecod"), X[:0])


def test_an_altered_state_is_refused() -> None:
    X = planted(100)
    state = ensemble.together(members(X, "ecod", "hbos"), X)
    wrong = [
        State(state.kind, {"names": ["ecod"]}, state.arrays, {}, state.parts),
        State(state.kind, state.config, state.arrays, {}, {}),
        State(state.kind, state.config, state.arrays, {}, {"member 0": state, "member 1": state}),
        State(state.kind, state.config, {**state.arrays, "step 0": np.zeros(1)}, {},
              state.parts),
        State(state.kind, state.config, {**state.arrays, "score 1": state.arrays["score 1"][::-1]},
              {}, state.parts),
    ]
    for each in wrong:
        with pytest.raises(ArtifactError):
            scorer(each)


def test_the_default_ranks_real_anomalies_first() -> None:
    folder = os.environ.get("WHOLEFIT_DATA")
    if not folder:
        pytest.skip("WHOLEFIT_DATA does not name the folder with the real data sets")
    whole = pl.read_parquet(Path(folder) / "shuttle" / "data.parquet")
    odd = whole.get_column("Class").is_in(["Fpv.Open", "Fpv.Close", "Bpv.Open", "Bpv.Close"])
    usual = whole.get_column("Class") == "Rad.Flow"
    kept = pl.concat([whole.filter(odd).head(60), whole.filter(usual).head(2000)])
    X = kept.drop("Class").to_numpy()
    found = scorer(ensemble.together(members(X), X)).answer(X)
    area = np.mean([(found[60:] < one).mean() for one in found[:60]])
    assert area > 0.9, area
