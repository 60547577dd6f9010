"""A race: trials in worker processes, a blend of what they gave, and the record of it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wholefit as wf
from wholefit import training
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import ParameterError
from wholefit.data import Dataset, bundled, dataset_of, read
from wholefit.models import make, scorer
from wholefit.training import Options, Run
from wholefit.training.automl._blend import LABEL
from wholefit.training.automl._fit import fits, variations

MEMBERS = ("logistic", "lightgbm(n_estimators=60, learning_rate=0.1, early_stopping=5)",
           "random_forest(n_estimators=10, max_depth=6)")

STRANGE = '''
import ctypes
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

class Hangs(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        ctypes.PyDLL(None).sleep(1000)
        return self
    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
    def predict(self, X):
        return np.repeat(self.classes_[0], len(X))
'''


@pytest.fixture(scope="module")
def churn() -> Dataset:
    return dataset_of(read(bundled.path("telco_churn")).frame.head(900), target="churn")


def run(dataset: Dataset, *models: str | object, budget: str = "20 trials",
        task: str = "classification", **options: object) -> Run:
    options = {"preset": "balanced", "jobs": 2, **options}
    limit = Budget.parse(budget)
    return training.fit(dataset, tasks.get(task), Options(models=list(models), **options),
                        Clock(limit))


def test_models_with_callbacks_are_no_race() -> None:
    """They stay in this process, where what they note can be seen."""
    from types import SimpleNamespace

    ground: Any = SimpleNamespace(
        problem=SimpleNamespace(dataset=SimpleNamespace(time_order=lambda: None)))
    heard = SimpleNamespace(callbacks=[print], estimator=dict)
    clock, sent = Clock(Budget(trials=4)), make("ridge")
    assert fits(ground, [sent, sent], clock)
    assert not fits(ground, [sent, heard], clock)  # type: ignore[list-item]


@pytest.fixture(scope="module")
def raced(churn: Dataset) -> Run:
    return run(churn, *MEMBERS)


def test_the_ensemble_is_on_the_board_and_answers(raced: Run, churn: Dataset) -> None:
    board = {entry.model: entry for entry in raced.leaderboard}
    assert {LABEL, "dummy", "logistic", "lightgbm", "random_forest"} == set(board)
    assert raced.chosen.model == LABEL and board[LABEL].folds == 5
    shares = raced.lineage["ensemble"]["shares"]
    assert abs(sum(shares.values()) - 1) < 1e-9 and len(shares) > 1
    value = {name: entry.scores["log_loss"].value for name, entry in board.items()}
    assert value[LABEL] < value["dummy"] - 0.05
    answer = raced.fitted.answer(churn)
    assert answer.shape == (900, 2) and np.allclose(answer.sum(axis=1), 1)


def test_its_score_is_of_rows_that_no_part_of_it_saw(raced: Run, churn: Dataset) -> None:
    """Answers to a row, by the members of its fold only and by weights of the other folds."""
    state = raced.fitted.state()
    members = state.config["members"]
    plain = raced.oof[LABEL]
    assert np.isfinite(plain).all()
    # The blend of the members' own out-of-fold answers, by the final shares, is near but not the
    # reported answer: that one never used weights that its row had a say in.
    shares = raced.lineage["ensemble"]["shares"]
    final = sum(share * raced.oof[label] for label, share in shares.items())
    loss = -np.log(np.take_along_axis(final, raced.truth[:, None], 1)).mean()
    told = -np.log(np.take_along_axis(plain, raced.truth[:, None], 1)).mean()
    assert loss <= told + 0.005
    assert {member["model"] for member in members} == set(shares)
    learnt = raced.lineage["decided"]["whole"]
    assert set(learnt) == set(shares) and len(members) == sum(map(len, learnt.values()))


def test_the_state_answers_alone_and_bit_equal(raced: Run, churn: Dataset) -> None:
    state = raced.fitted.state()
    assert state.kind == "blend"
    assert np.array_equal(scorer(state).answer(churn), raced.fitted.answer(churn))
    one = churn.take(np.array([7]))
    assert np.allclose(raced.fitted.answer(one), raced.fitted.answer(churn)[7], atol=1e-12)


def test_early_stopped_members_were_cut_to_what_other_folds_ask_for(raced: Run) -> None:
    trial = next(trial for trial in raced.lineage["schedule"] if trial["model"] == "lightgbm")
    assert len(trial["rounds"]) == 5 and all(1 <= rounds <= 60 for rounds in trial["rounds"])


def test_a_fit_of_numbers_saves_and_loads_and_explains(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 4))
    steps = 3 * (x[:, 1] > 0) * (x[:, 2] > 0)  # a sum finds the one part, trees the other
    y = 2 * x[:, 0] + steps + rng.normal(size=400)
    frame = {**{f"x{at}": x[:, at] for at in range(4)}, "y": y}
    result = wf.fit(frame, target="y", budget="60s", preset="balanced", jobs=2,
                    models="ridge, extra_trees(n_estimators=10), lightgbm(n_estimators=30)")
    assert result.model == LABEL
    result.save(tmp_path / "m.wf")
    loaded = wf.load(tmp_path / "m.wf")
    assert loaded.predict(frame) == result.predict(frame)
    told = loaded.explain({name: values[:3] for name, values in frame.items()})
    assert "x0" in str(told)
    assert "ridge" in str(loaded.inside()) and "in 1 model of all rows" in str(loaded.inside())
    with pytest.raises(wf.WholefitError, match="ensemble of a search cannot learn on"):
        loaded.update(frame)


@pytest.mark.parametrize("words, rule", [
    ({"preset": "fastest"}, "preset"), ({"predict_time": 0.0}, "predict_time"),
    ({"preset": "interpretable", "models": "logistic, random_forest"}, "must have models that a "
     "person can read; got random_forest: leave out models="),
    ({"interpretable": True, "models": ["rule_list", "mlp", "voting"]}, "got mlp, voting: "),
    ({"interpretable": True, "preset": "best"}, "got preset='best' too"),
    ({"interpretable": 1}, "interpretable must be True or False; got 1"),
    ({"interpretable": "yes"}, "interpretable must be True or False"),
    *(({word: wrong}, f"^{word} must be a size above 0: a number with KB, .* got {wrong!r}")
      for word in ("model_size", "memory")
      for wrong in ("big", -1, 0, "5XB", "1B", "0MB", "60s", "5 trials", "2GB 60s", "", True,
                    2.5))])
def test_wrong_words_are_refused(words: dict[str, object], rule: str) -> None:
    with pytest.raises((ParameterError, wf.WholefitError), match=rule):
        wf.fit({"a": [1, 2, 3], "y": [0, 1, 0]}, target="y", **words)


def test_one_worker_and_two_give_the_same_bits(raced: Run, churn: Dataset) -> None:
    alone = run(churn, *MEMBERS, jobs=1)
    for label, answer in alone.oof.items():
        assert np.array_equal(answer, raced.oof[label]), label
    assert np.array_equal(alone.fitted.answer(churn), raced.fitted.answer(churn))


def test_what_hangs_costs_its_share_of_time_only(
    churn: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hanging_model.py").write_text(STRANGE)
    monkeypatch.syspath_prepend(tmp_path)
    import hanging_model

    try:
        begun = time.perf_counter()
        found = run(churn, hanging_model.Hangs(), "logistic", budget="30s")
        assert time.perf_counter() - begun < 32
    finally:
        del sys.modules["hanging_model"]
    board = {entry.model: entry for entry in found.leaderboard}
    assert board["Hangs"].status == "stopped" and board["logistic"].status == "ok"
    assert found.chosen.model in ("logistic", LABEL)


def test_little_time_gives_what_there_is(churn: Dataset) -> None:
    begun = time.perf_counter()
    found = run(churn, *MEMBERS, budget="1s")
    assert time.perf_counter() - begun < 2.5
    assert np.isfinite(found.fitted.answer(churn)).all()


def test_variations_are_drawn_by_the_seed() -> None:
    given = [make("dummy"), make("lightgbm"), make("extra_trees")]
    first = [next(each) for each in [variations(given, 1)] for _ in range(6)]
    again = [next(each) for each in [variations(given, 1)] for _ in range(6)]
    other = [next(each) for each in [variations(given, 2)] for _ in range(6)]
    assert first == again != other
    assert {model.name for model in first} == {"lightgbm", "extra_trees"}


def test_a_replay_leaves_out_the_members_that_were_too_dear(churn: Dataset) -> None:
    """Times are not measured again: who left is what the run recorded."""
    from wholefit.training.replaying.script import of_run

    found = run(churn, *MEMBERS, budget="20 trials")
    decided = {**found.lineage["decided"], "dear": ["random_forest"]}
    script = of_run(found.lineage["schedule"], found.leaderboard, found.chosen.model, decided)
    again = run(churn, *MEMBERS, script=script)
    assert "random_forest" in found.lineage["ensemble"]["shares"]
    assert set(again.lineage["ensemble"]["shares"]) == set(
        found.lineage["ensemble"]["shares"]) - {"random_forest"}
    assert again.lineage["decided"]["dear"] == ["random_forest"]


def test_where_no_clock_counts_nobody_is_too_dear(churn: Dataset) -> None:
    found = run(churn, *MEMBERS, budget="20 trials")
    assert found.lineage["decided"]["dear"] == []


def test_boosting_that_the_clock_ends_is_kept_and_repeated_by_count(churn: Dataset) -> None:
    """A model of far too many rounds: its folds share what time there is, and it answers."""
    from wholefit.training.replaying.script import of_run

    endless = ("lightgbm(n_estimators=100000, learning_rate=0.001, early_stopping=100000, "
               "max_leaf_nodes=255, min_samples_leaf=1)")
    for seconds in (12, 30, 90):  # on a busy machine workers may start after the first
        found = run(churn, endless, "logistic", budget=f"{seconds}s")
        trial = next(trial for trial in found.lineage["schedule"] if trial["model"] == "lightgbm")
        if trial["folds"] == 5:
            break
    counts = [fold[0]["rounds"] for fold in trial["counted"]]
    assert trial["folds"] == len(counts) == 5 and all(1 < rounds < 100_000 for rounds in counts)
    assert {entry.model: entry.status for entry in found.leaderboard}["lightgbm"] == "ok"
    script = of_run(found.lineage["schedule"], found.leaderboard, found.chosen.model,
                    found.lineage["decided"])
    again = run(churn, endless, "logistic", script=script)
    for label, answer in found.oof.items():
        assert np.array_equal(answer, again.oof[label]), label
    assert np.array_equal(found.fitted.answer(churn), again.fitted.answer(churn))
