"""A search from end to end: the choice is honest, runs repeat, what fails or is stopped is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, UnknownNameError, WholefitError
from wholefit.base.events import listen
from wholefit.models import make
from wholefit.models._model import Context
from wholefit.training._folds import Validated
from wholefit.training.tuning import Real
from wholefit.training.tuning._choice import Tried, best, chosen_for, crossfitted
from wholefit.training.tuning._configured import Configured, thinned
from wholefit.training.tuning._ground import Ground

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
TREE: dict[str, Any] = {"target": "y", "models": "decision_tree", "jobs": 1, "folds": 3,
                        "checks": False}
SPACE = {"max_depth": (1, 8), "min_samples_leaf": (1, 60)}


def table(rows: int = 240, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 3))
    y = x[:, 0] + x[:, 1] * x[:, 2] + 0.5 * rng.standard_normal(rows) > 0
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2],
                         "d": rng.choice(["u", "v", "w"], rows),
                         "y": np.where(y, "yes", "no")})


def tuned(**how: Any) -> Any:
    return wf.tune(table(), **{**TREE, "space": SPACE, "budget": "8 trials", **how})


# The choice


def answered(losses: np.ndarray, label: str) -> Tried:
    """A configuration whose loss on a row is its answer, over folds of equal size."""
    answer = losses.reshape(-1)
    found = Validated(answer, np.ones(len(answer), dtype=np.int32), [1.0], [0.0], len(losses))
    return Tried(label, make("ridge"), float(answer.mean()),
                 tuple(losses.mean(axis=1).tolist()), lambda: found)


def test_each_folds_configuration_is_chosen_by_the_others() -> None:
    rng = np.random.default_rng(0)
    table = rng.random((6, 4, 5))  # configurations, folds, rows of a fold
    tried = [answered(each, str(at)) for at, each in enumerate(table)]
    plan = [(np.empty(0, dtype=int), np.arange(5 * fold, 5 * fold + 5)) for fold in range(4)]
    expected = np.empty((4, 5))
    for fold in range(4):
        others = [each for each in range(4) if each != fold]
        pick = table[:, others].mean(axis=(1, 2)).argmin()
        expected[fold] = table[pick, fold]
    found = crossfitted(tried, plan, 4)
    np.testing.assert_allclose(found.answer, expected.reshape(-1))
    assert best(tried).label == str(table.mean(axis=(1, 2)).argmin())
    # With two repetitions of two folds, the other fold of the same repetition decides.
    picked = [one.label for one in chosen_for(tried, 4, 2)]
    assert picked == [str(table[:, other].mean(axis=1).argmin()) for other in (1, 0, 3, 2)]


def test_the_score_of_the_choice_has_no_luck_in_it() -> None:
    """Configurations that are all equally good: the best seems better, the choice does not."""
    rng, seeming, honest = np.random.default_rng(1), [], []
    plan = [(np.empty(0, dtype=int), np.arange(20 * fold, 20 * fold + 20)) for fold in range(5)]
    for _ in range(300):
        tried = [answered(rng.standard_normal((5, 20)), str(at)) for at in range(20)]
        seeming.append(best(tried).loss)
        honest.append(crossfitted(tried, plan, 5).answer.mean())
    error = np.std(honest) / np.sqrt(300)
    assert abs(np.mean(honest)) < 3 * error < 0.03
    assert np.mean(seeming) < -0.15


# The whole


def test_it_is_an_ordinary_result_with_a_study(tmp_path: Path) -> None:
    result = tuned(metric="log_loss")
    assert result.model == "decision_tree (tuned)" and result.score.low < result.score.value
    names = [row.model for row in result.leaderboard]
    assert {"dummy", "decision_tree", result.model} < set(names)
    assert len(result.study.trials) == 8 and result.study.chosen is not None
    assert result.study.gain.better == "tuned"
    assert result.lineage["tuning"]["values"] == result.study.values
    saved = wf.load(result.save(tmp_path / "t.wf"))
    rows = table(50, 9).drop("y")
    assert saved.predict_proba(rows).equals(result.predict_proba(rows))
    json.dumps(result.study.to_json())
    assert "trial" in str(result.study)
    page = result.study.report(tmp_path / "t.html").read_text()
    assert "How the search went" in page and "<script src" not in page


def test_the_best_of_the_trials_answers() -> None:
    study = tuned(metric="log_loss", seed=5).study
    assert study.chosen == min(study.whole, key=lambda trial: trial.loss).number
    assert study.score_of_best == pytest.approx(min(trial.loss for trial in study.whole))
    again = wf.fit(table(), target="y", jobs=1, folds=3, seed=5, checks=False, models=[
        make("decision_tree").replace(**{name.split(".")[1]: value
                                         for name, value in study.values.items()})])
    assert again.leaderboard[0].scores["log_loss"].value == pytest.approx(study.score_of_best)


def test_a_higher_metric_is_sought() -> None:
    study = tuned(metric="roc_auc").study
    values = [study.value(trial) for trial in study.whole]
    assert study.score_of_best == max(values) > min(values) > 0.4


def test_the_same_seed_gives_the_same_bits_and_so_does_going_on(tmp_path: Path) -> None:
    rows = table(60, 3).drop("y")
    first, second = tuned(), tuned()
    tuned(study=tmp_path / "s.db", budget="3 trials")
    third = tuned(study=tmp_path / "s.db")
    for other in (second, third):
        assert other.score == first.score
        assert other.predict_proba(rows).equals(first.predict_proba(rows))
        assert [each.values for each in other.study.trials] == [
            each.values for each in first.study.trials]
    assert tuned(seed=1).score != first.score


@pytest.mark.parametrize("strategy", ["grid(resolution=4)", "bayes", "halving", "asha"])
def test_every_strategy_runs_to_an_answer(strategy: str) -> None:
    result = tuned(strategy=strategy, budget="12 trials")
    assert result.model == "decision_tree (tuned)" and result.study.whole
    assert len(result.study.trials) == 12 and result.study.trials[0].number == 0


def test_the_pipeline_is_searched_and_kept(tmp_path: Path) -> None:
    """A linear model needs the product of two columns: only the encoding can give it."""
    result = wf.tune(table(400), target="y", models="logistic", folds=3, jobs=1, checks=False,
                     space={"C": (0.1, 10.0), "encoding.degree": [1, 2]}, budget="6 trials")
    assert result.study.values["encoding.degree"] == 2
    assert result.study.gain.better == "tuned" and result.study.gain.high < 0
    assert result.lineage["encoding"]["degree"] == 2
    rows = table(80, 7).drop("y")
    loaded = wf.load(result.save(tmp_path / "p.wf"))
    assert loaded.predict_proba(rows).equals(result.predict_proba(rows))


def test_several_models_share_a_search() -> None:
    result = wf.tune(table(), target="y", models="decision_tree, logistic", folds=3, jobs=1,
                     checks=False, budget="8 trials",
                     space={"decision_tree.max_depth": (1, 6), "logistic.C": (0.01, 10.0)})
    assert {trial.values["model"] for trial in result.study.trials} == {
        "decision_tree", "logistic"}
    assert {"decision_tree", "logistic", "dummy"} < {row.model for row in result.leaderboard}


def test_numbers_are_searched_too() -> None:
    rows = table().with_columns(y=pl.col("a") * 2 + pl.col("b"))
    result = wf.tune(rows, target="y", models="ridge", folds=3, jobs=1, checks=False,
                     space={"alpha": Real(1e-3, 1e4, log=True)}, budget="8 trials")
    assert result.task == "regression" and result.study.metric == "rmse"
    assert result.study.values == {} or result.study.values["ridge.alpha"] < 10


def test_nested_searches_never_see_their_outer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []
    within = Ground.within

    def watched(self: Ground, rows: np.ndarray) -> Ground:
        seen.append(rows)
        return within(self, rows)

    monkeypatch.setattr(Ground, "within", watched)
    result = tuned(nested=True, budget="3 trials")
    assert [len(rows) for rows in seen] == [160] * 3
    held = [np.setdiff1d(np.arange(240), rows) for rows in seen]
    assert sorted(np.concatenate(held).tolist()) == list(range(240))
    assert result.study.nested == 3 and len(result.study.outer) == 3
    assert "nested" in result.split
    whole = np.mean([each["outer"] for each in result.study.outer])
    assert result.study.score == pytest.approx(whole, rel=0.05)


def test_of_a_target_that_is_noise_a_nested_score_says_so() -> None:
    rows = table(200).with_columns(y=pl.Series(np.random.default_rng(5).choice(["n", "p"], 200)))
    result = wf.tune(rows, **TREE, space=SPACE, budget="8 trials", nested=3, metric="roc_auc")
    assert result.score.low < 0.5


# What goes wrong


def test_a_trial_that_fails_is_told_and_the_others_go_on() -> None:
    from sklearn.tree import DecisionTreeClassifier

    class Fails(DecisionTreeClassifier):
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            if self.max_depth is not None and self.max_depth > 5:
                raise ValueError("too deep for me")
            return super().fit(X, y, sample_weight)

    result = wf.tune(table(), target="y", models=[Fails()], folds=3, jobs=1, checks=False,
                     space={"max_depth": [1, 2, 6, 7]}, strategy="grid", budget="9 trials")
    failed = [trial for trial in result.study.trials if trial.status == "failed"]
    assert {trial.values["Fails.max_depth"] for trial in failed} == {6, 7}
    assert "too deep for me" in failed[0].reason and "too deep for me" in result.study.said[-1]
    with pytest.raises(DataError, match="too deep for me"):
        wf.tune(table(), target="y", models=[Fails(max_depth=9)], folds=3, jobs=1, checks=False,
                space={"min_samples_leaf": [1, 2]}, budget="2 trials")


def test_an_interrupt_keeps_what_is_done_and_the_study_goes_on(tmp_path: Path) -> None:
    count = 0

    def stop(event: str, facts: dict[str, Any]) -> None:
        nonlocal count
        count += event == "trial_done"
        if event == "trial_done" and count == 3:
            raise KeyboardInterrupt

    with listen(stop):
        result = tuned(study=tmp_path / "s.db")
    assert len(result.study.done) == 3 and result.study.chosen is not None
    assert tuned(study=tmp_path / "s.db").score == tuned().score


@pytest.mark.parametrize(("how", "error", "said"), [
    ({"space": {"max_dept": (1, 2)}}, UnknownNameError, "max_depth"),
    ({"space": {"max_depth": (0, 2)}}, ParameterError, "max_depth must be"),
    ({"strategy": "bayesian"}, UnknownNameError, "bayes"),
    ({"nested": 1}, ParameterError, "nested must be"),
    ({"models": "ridge", "space": None}, ParameterError, "does regression"),
    ({"metric": "log_los"}, UnknownNameError, "log_loss"),
    ({"budget": "5 steps"}, ParameterError, "budget"),
    ({"target": "z"}, WholefitError, "z"),
    ({"space": {}}, ParameterError, "nothing to search"),
])
def test_wrong_words_are_errors_that_help(how: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        tuned(**how)


def test_hostile_tables_are_errors_or_results() -> None:
    one = table().with_columns(y=pl.lit("yes"))
    for rows in (table(0), table(1), table(240).head(3), one):
        with pytest.raises(WholefitError):
            wf.tune(rows, **TREE, space=SPACE, budget="2 trials")
    odd = table(60).with_columns(a=pl.when(pl.col("a") > 1).then(float("inf")).otherwise(
        pl.col("a")), e=pl.lit(None, dtype=pl.Float64)).rename({"b": "größe ☂", "d": "d.x=1"})
    assert wf.tune(odd, **TREE, space=SPACE, budget="2 trials").study.done


def test_another_table_is_another_search(tmp_path: Path) -> None:
    tuned(study=tmp_path / "s.db", budget="2 trials")
    with pytest.raises(DataError, match="rows or columns differs"):
        wf.tune(table(240, 1), **TREE, space=SPACE, budget="2 trials", study=tmp_path / "s.db")


# Configurations as models


def test_a_part_of_the_rows_has_every_class_and_is_the_same_again() -> None:
    y = np.repeat([0, 1, 2], [900, 90, 3])
    rows = thinned(y, 0.1, 3, True)
    assert np.bincount(y[rows]).tolist() == [90, 9, 1] and (np.diff(rows) > 0).all()
    assert (thinned(y, 0.1, 3, True) == rows).all() and len(thinned(y, 0.1, 4, True)) == 100
    assert set(thinned(y, 0.05, 3, True)) < set(rows), "a smaller part lies within a larger"
    assert len(thinned(np.linspace(0, 1, 200), 0.25, 0, False)) == 50


def test_a_configuration_learns_from_its_part_of_the_rows() -> None:
    class Counted:
        seen: ClassVar[list[int]] = []

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> None:
            assert sample_weight is None or len(sample_weight) == len(y)
            self.seen.append(len(y))

    task, tree = tasks.get("classification"), make("decision_tree")
    context = Context(rows=200, features=2, n_classes=2, seed=1)
    model = Configured(tree, {"rare": 0.1}, 0.25)
    estimator = model.build(task, context)
    estimator.thinned = Counted()
    y = np.arange(200) % 2
    estimator.fit(np.zeros((200, 2)), y, sample_weight=np.ones(200))
    assert Counted.seen == [50]
    assert model.encoding(task) == tree.encoding(task).replace(rare=0.1)
    assert model.replace(max_depth=3).inner.max_depth == 3  # type: ignore[attr-defined]
    assert model.to_dict()["encoding.rare"] == 0.1
