"""Scripts: a schedule read back, models as text that runs nothing, budgets of counts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from wholefit import models
from wholefit.base.budget import Budget
from wholefit.base.errors import ArtifactError, StateError
from wholefit.training.record import Entry
from wholefit.training.replaying import Script, Turn, by_count, counted, written
from wholefit.training.replaying.script import of_run, safe


@pytest.mark.parametrize("text", [
    "ridge", "ridge(alpha=2.5)", "lightgbm(n_estimators=40, max_leaf_nodes=7)",
    "mlp(width=16, patience=None)", "logistic(C=1e-05, balanced=True)"])
def test_a_model_is_written_as_it_is_read(text: str) -> None:
    model = models.make(text)
    said = written(model)
    assert said is not None and models.make(said) == model


def test_every_model_of_the_catalog_can_be_written() -> None:
    made = [kind() for kind in map(models.get, models.names()) if not kind.must]
    assert [model.name for model in made if written(model) is None] == []


def test_code_of_ones_own_is_never_written_nor_read() -> None:
    assert written(models.make(LogisticRegression())) is None
    assert safe("os:system(command='ls')") is None and safe(3) is None
    assert safe("ridge(alpha=2)") == "ridge(alpha=2)"
    script = of_run([{"model": "x", "configuration": "subprocess:run(args='ls')", "folds": 2}],
                    (), "x")
    with pytest.raises(StateError, match="x cannot be made from the file, which holds no code"):
        script.candidates()


def test_a_script_follows_the_schedule() -> None:
    schedule = [
        {"model": "dummy", "configuration": "dummy", "folds": 5},
        {"model": "lightgbm", "configuration": "lightgbm(n_estimators=9)", "folds": 3,
         "rounds": [4, 5, 6], "kept": False},
        {"model": "lightgbm_2", "folds": 0, "status": "stopped", "params": {}},
        {"ensemble": {"dummy": 1.0}}]
    entries = [Entry("lightgbm_2", {}, status="stopped", reason="its time was up")]
    race = {"race": True, "folds": 5, "workers": 2, "threads": 1, "said": []}
    script = of_run(schedule, entries, "lightgbm", race)
    assert [model.name for model in script.candidates()] == ["dummy", "lightgbm", "lightgbm"]
    assert list(script.models()) == ["dummy", "lightgbm", "lightgbm_2"]
    assert script.folds("lightgbm") == (3, "") and not script.kept("lightgbm")
    assert script.folds("lightgbm_2") == (0, "its time was up")
    assert script.status("lightgbm_2") == "stopped" and script.status("nothing") == "skipped"
    assert script.turns[1].rounds == (4, 5, 6)
    assert script.decided == {**race, "share": None, "lent": False}


def test_parameters_of_an_older_schedule_are_enough() -> None:
    entry = Entry("ridge_2", {"alpha": 3.0, "fit_intercept": True, "positive": False})
    script = of_run([{"model": "ridge_2", "folds": 5}], [entry], "ridge_2")
    assert script.candidates() == [models.make("ridge(alpha=3.0)")]


def test_a_models_place_is_held_where_it_had_no_turn() -> None:
    script = Script((Turn("Mine", None, 0), Turn("ridge", "ridge", 5)), "ridge")
    assert [model.name for model in script.candidates()] == ["Mine", "ridge"]


def test_counts_of_clocked_models_by_configuration() -> None:
    first, last = [{"plan": [[8, 90]], "steps": 70}], [{"plan": [], "steps": 9}]
    script = Script((Turn("mlp", "mlp", 2, counted=(first, [], last)),
                     Turn("ridge", "ridge", 2)), "mlp")
    assert script.by_configuration() == {"mlp": {"0": first, "all": last}}


@pytest.mark.parametrize("schedule", [
    [{"model": "ridge", "folds": "many"}], [{"model": "ridge", "rounds": ["x"]}],
    [{"model": "ridge", "rounds": 7}]])
def test_a_damaged_schedule_is_refused(schedule: list[dict[str, object]]) -> None:
    with pytest.raises(ArtifactError, match="schedule of the run cannot be read"):
        of_run(schedule, (), "ridge")


@pytest.mark.parametrize("changed", [
    {"folds": 0}, {"workers": "two"}, {"threads": 10**9}, {"share": 2}, {"said": 3}, {"cost": []}])
def test_damaged_decisions_are_refused(changed: dict[str, object]) -> None:
    race = {"race": True, "folds": 5, "workers": 2, "threads": 1, "said": []}
    with pytest.raises(ArtifactError, match="what the clock decided cannot be read"):
        of_run([], (), "ridge", {**race, **changed})


def test_the_share_of_rows_that_judged_is_read_or_refused() -> None:
    assert of_run([], (), "ridge", {"judged": 0.25, "more": 1}).decided == {"judged": 0.25}
    assert of_run([], (), "ridge", {"judged": 1}).decided == {}
    for wrong in (0, -1, 1.5, float("nan"), "half", [1]):
        with pytest.raises(ArtifactError, match="what the clock decided cannot be read"):
            of_run([], (), "ridge", {"judged": wrong})


def test_trials_are_counted_beside_the_baseline() -> None:
    candidates = [models.make(name) for name in ("dummy", "ridge", "ridge", "lasso")]
    kept, left = counted(candidates, Budget.parse("2 trials"), "dummy")
    assert [model.name for model in kept] == ["dummy", "ridge", "ridge"]
    assert [(entry.model, entry.status) for entry in left] == [("lasso", "skipped")]
    assert counted(candidates, Budget.parse("60s"), "dummy") == (candidates, [])
    assert by_count(Budget.parse("2 trials")) and not by_count(Budget.parse("9s 2 trials"))


def test_a_network_under_a_clock_is_repeated_by_count() -> None:
    pytest.importorskip("torch")
    from wholefit.models._networks import NetworkClassifier

    random = np.random.default_rng(0)
    X = random.normal(size=(400, 5))
    y = (X[:, 0] + 0.5 * random.normal(size=400) > 0).astype(int)

    def made(**how: object) -> NetworkClassifier:
        return NetworkClassifier({"network": "mlp", "hidden": [16]},
                                 {"epochs": 3000, "patience": None}, jobs=1, **how)

    under = made(seconds=1.0).fit(X, y)
    assert under.counted_[0]["steps"] > 0, "the clock must have cut it short"
    again = made()
    again.by_count = under.counted_
    assert np.array_equal(again.fit(X, y).predict_proba(X), under.predict_proba(X))
    assert again.counted_ == under.counted_, "so that a replay can be replayed"
    other = made()
    # The last steps have next to no rate, and may change nothing: half of them do.
    other.by_count = [{**under.counted_[0], "steps": under.counted_[0]["steps"] // 2}]
    assert not np.array_equal(other.fit(X, y).predict_proba(X), under.predict_proba(X))


def test_counts_are_not_given_to_another_model_of_the_same_name() -> None:
    """Two of the user's own of one class: one that the clock ended, and one that it did not."""
    own = {label: LogisticRegression() for label in ("a", "b")}
    turns = (Turn("a", None, 2, counted=({"steps": 3}, {"steps": 4})), Turn("b", None, 2))
    with pytest.raises(StateError, match="a was ended by the clock and has one name with b"):
        Script(turns, "a", own=own).by_configuration()
    found = Script(turns[:1], "a", own=own).by_configuration()
    assert list(found.values()) == [{"0": {"steps": 3}, "1": {"steps": 4}}]
