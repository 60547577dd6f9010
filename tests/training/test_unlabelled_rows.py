"""`mlp(pretrain=...)`: rows without a target teach the layers first; what is held out, never."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import wholefit as wf
from wholefit.base.errors import ExportError, ParameterError, UnknownNameError
from wholefit.base.events import listen

torch = pytest.importorskip("torch")
from wholefit.models._networks import NetworkClassifier, NetworkRegressor  # noqa: E402
from wholefit.models._networks._brought import ModuleClassifier  # noqa: E402
from wholefit.training import fitting  # noqa: E402

DRAW = np.random.default_rng(0)
CODES = DRAW.normal(size=(400, 2))
ROWS = np.tanh(CODES @ DRAW.normal(size=(2, 6))) + 0.05 * DRAW.normal(size=(400, 6))
CLASSES = np.where(CODES[:, 0] > 0, "up", "down")
KNOWN = np.arange(400) % 4 == 0
WORDS: dict[str, Any] = {
    "target": "y", "models": "mlp(pretrain='denoising', pretrain_epochs=3, epochs=4)", "folds": 2,
    "jobs": 1, "budget": "20 trials", "checks": False}
NUMBERS: dict[str, Any] = {"network": {"network": "mlp", "hidden": [12]},
                           "recipe": {"epochs": 3, "batch": 32, "rate": 0.01}}


def table(**more: Any) -> dict[str, Any]:
    """Six columns, and a class that three rows of four do not say."""
    return {**{f"x{at}": ROWS[:, at] for at in range(6)}, **more,
            "y": [kind if known else None for kind, known in zip(CLASSES, KNOWN, strict=True)]}


def oof(result: Any) -> np.ndarray:
    return np.asarray(result._run.oof["mlp"])


def fit(source: Any, **more: Any) -> Any:
    return wf.fit(source, **{**WORDS, **more})


@pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
def test_rows_without_a_target_are_learnt_from_where_the_model_says_so_and_it_is_told() -> None:
    said: list[tuple[str, dict[str, Any]]] = []
    with listen(lambda event, facts: said.append((event, facts))):
        whole = fit(table(), choose="best")
    found = whole.lineage["learning"]["pretrained"]
    assert (found["how"], found["rows"], found["without_target"]) == ("denoising", 400, 300)
    assert found["loss"][1] < found["loss"][0]
    assert [facts["rows"] for event, facts in said if event == "unlabelled"] == [300] * 3
    (note,) = [note for note in whole.notes if note.kind == "target_missing"]
    assert "300 of 400 rows have no target 'y'" in note.message and note.severity == "info"
    assert "mlp learns from them what rows are like, before any target" in note.message
    labelled = {name: np.asarray(cells, dtype=object)[KNOWN] for name, cells in table().items()}
    labelled = {name: cells if name == "y" else cells.astype(float)
                for name, cells in labelled.items()}
    alone = fit(labelled)
    assert not np.array_equal(oof(alone), oof(whole)), "they made a difference"
    plain = [fit(each, models="mlp(epochs=4)") for each in (table(), labelled)]
    assert np.array_equal(*map(oof, plain)), "without pretrain= they make none"


@pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
def test_nothing_of_the_rows_that_a_fold_holds_out_is_learnt_before_either() -> None:
    """Their columns are changed: the model of that fold is the same, bit for bit."""
    found: list[Any] = []

    def weights(change: float) -> list[torch.Tensor]:
        from wholefit.base import tasks
        from wholefit.data import load
        from wholefit.training._folds import fit_one

        dataset = load(table(), target="y")
        options = fitting.Options(models=[wf.models.make(WORDS["models"])], folds=2, checks=False)
        ground = fitting.prepared(dataset, tasks.get("classification"), options)
        train, test = ground.problem.plan.folds[0]
        where = np.flatnonzero(KNOWN)[test]
        moved = ROWS.copy()
        moved[where] += change
        again = load({**table(), **{f"x{at}": moved[:, at] for at in range(6)}}, target="y")
        other = fitting.prepared(again, tasks.get("classification"), options)
        assert np.array_equal(other.problem.plan.folds[0][0], train)
        made = fit_one(other.problem, options.models[0], train, 0).estimator
        found.append(made.learning_["pretrained"])
        return list(made.module_.state_dict().values())

    assert all(map(torch.equal, weights(0.0), weights(5.0)))
    assert found[0] == found[1] and found[0]["rows"] == 300 + 50


@pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
@pytest.mark.parametrize(("column", "word"), [
    ({"when": np.arange(400)}, {"time": "when"}),
    ({"who": np.arange(400) // 8}, {"groups": "who"})])
def test_where_they_may_tell_of_what_is_held_out_they_stay_left_out(
    column: dict[str, Any], word: dict[str, str],
) -> None:
    found = fit(table(**column), choose="best", **word)
    (note,) = [note for note in found.notes if note.kind == "target_missing"]
    assert "mlp cannot learn from them either, for" in note.message and note.severity == "warning"
    if "learning" in found.lineage:
        assert found.lineage["learning"]["pretrained"]["without_target"] == 0


@pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
def test_another_process_is_given_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    here = fit(table(), choose="best", budget="120s")
    monkeypatch.setattr(fitting, "_HEAVY", -1.0)
    there = fit(table(), choose="best", budget="120s")
    assert np.array_equal(oof(here), oof(there))
    assert there.lineage["learning"] == here.lineage["learning"]


@pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
def test_it_is_kept_replayed_and_saved_as_any_other(tmp_path: Path) -> None:
    first = fit(table(), choose="best", checkpoint=tmp_path / "kept")
    assert list((tmp_path / "kept").glob("mlp-*/all/before/step-*.json"))
    again = fit(table(), choose="best", checkpoint=tmp_path / "kept")
    assert np.array_equal(oof(first), oof(again))
    assert wf.replay(first, table()).equal
    first.save(tmp_path / "m.wf")
    new = {f"x{at}": ROWS[:9, at] for at in range(6)}
    mine, its = first.predict_proba(new), wf.load(tmp_path / "m.wf").predict_proba(new)
    assert all(np.allclose(mine[name], its[name]) for name in its)
    with pytest.raises(ExportError, match="learnt rows before their targets"):
        first.eject(tmp_path / "script.py")


def test_the_first_lesson_keeps_to_its_part_of_the_seconds_and_is_repeated_by_count() -> None:
    words = {**NUMBERS, "pretrain": {"how": "autoencoder", "epochs": 5000}}
    cut = NetworkClassifier(**words, seconds=3.0).fit(ROWS, CLASSES)
    assert cut.learning_["pretrained"]["steps"] < 5000 * 7
    assert len(cut.counted_) == 2 and cut.counted_[0]["steps"] > 0
    again = NetworkClassifier(**words)
    again.by_count = cut.counted_
    again.fit(ROWS, CLASSES)
    assert np.array_equal(again.predict_proba(ROWS), cut.predict_proba(ROWS))


@pytest.mark.parametrize("how", ["autoencoder", "denoising", "masked"])
def test_layers_that_have_learnt_rows_rebuild_better_and_answers_are_repeatable(how: str) -> None:
    made = NetworkRegressor(**NUMBERS, pretrain={"how": how, "epochs": 10})
    first, second = (clone(made).fit(ROWS[KNOWN], CODES[KNOWN, 0], unlabelled=ROWS[~KNOWN])
                     for _ in range(2))
    assert np.array_equal(first.predict(ROWS), second.predict(ROWS))
    before, after = first.learning_["pretrained"]["loss"]
    assert after < 0.9 * before and first.learning_["pretrained"]["rows"] == 400


@pytest.mark.parametrize(("words", "kind", "said"), [
    ({"pretrain": {"how": "denoisin"}}, UnknownNameError, "did you mean 'denoising'"),
    ({"pretrain": {"how": "masked", "epoch": 3}}, UnknownNameError, "did you mean 'epochs'"),
    ({"pretrain": None}, ParameterError, "unlabelled rows are for pretrain="),
])
def test_wrong_words_are_refused(words: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        NetworkClassifier(**NUMBERS, **words).fit(ROWS, CLASSES, unlabelled=ROWS[:5])


def test_a_network_that_is_given_takes_no_first_lesson() -> None:
    made = ModuleClassifier({"network": "module", "made": torch.nn.Linear(6, 2)},
                            pretrain={"how": "masked"})
    with pytest.raises(ParameterError, match="begins from a network that is given"):
        made.fit(ROWS, CLASSES)
