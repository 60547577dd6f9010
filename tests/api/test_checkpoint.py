"""`wf.fit(checkpoint=, callbacks=)`: trainings that are kept as they go, and who hears of them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import CheckpointError, ParameterError
from wholefit.training import fitting
from wholefit.training._heard import Heard, place, turns

torch = pytest.importorskip("torch")
from wholefit.models._networks._brought import ModuleClassifier  # noqa: E402
from wholefit.nn.board import Board  # noqa: E402
from wholefit.nn.callbacks import Log  # noqa: E402

from . import _killed as small  # noqa: E402

PROGRAM = Path(__file__).with_name("_killed.py")


def run(folder: Any, out: Path, *kill: int) -> int:
    return subprocess.run([sys.executable, PROGRAM, str(folder), str(out), *map(str, kill)],
                          check=False, capture_output=True).returncode


def kept(folder: Path) -> dict[str, list[str]]:
    """Configuration to the trainings that are kept of it."""
    return {one.name: sorted(each.name for each in one.iterdir())
            for one in sorted(folder.iterdir())}


def oof(result: Any, model: str) -> np.ndarray:
    return np.asarray(result._run.oof[model])


def test_a_fit_that_was_killed_goes_on_bit_for_bit(tmp_path: Path) -> None:
    """Once in a fold of the catalog's network, once in one of the user's own, once in the refit."""
    assert run("-", tmp_path / "whole.npy") == 0
    *whole, steps = np.load(tmp_path / "whole.npy")
    folder, told = tmp_path / "kept", 0
    for share in (0.3, 0.6, 0.9):
        killed = round(share * steps) - told
        assert run(folder, tmp_path / "none.npy", killed) == -signal.SIGKILL
        told += killed - 3  # what was done since the last time it was kept is done again
    assert not (tmp_path / "none.npy").exists()
    assert run(folder, tmp_path / "rest.npy") == 0
    *rest, left = np.load(tmp_path / "rest.npy")
    assert np.array_equal(rest, whole)
    assert 0 < left < 0.4 * steps, "what was kept is not taught again"
    assert run(folder, tmp_path / "again.npy") == 0
    *again, few = np.load(tmp_path / "again.npy")
    assert few <= 5 * 2, "of each training the steps after the last that was kept"
    assert np.array_equal(again, whole)
    names = kept(folder)
    assert [name.rpartition("-")[0] for name in names] == ["made", "mlp"]
    assert sorted(map(len, names.values())) == [2, 3]  # the choice was learnt from all rows, too
    assert all(each[-2:] == ["fold-1", "fold-2"] for each in names.values())


def test_another_seed_or_other_rows_are_refused_and_not_told_as_a_failed_model(
    tmp_path: Path,
) -> None:
    words = {"target": "y", "models": small.MODELS, "folds": 2, "jobs": 1,
             "budget": "20 trials", "checkpoint": tmp_path}
    first = wf.fit(small.rows(), **words)
    other = {**small.rows(), "a": small.rows()["b"]}
    for source, more in ((small.rows(), {"seed": 1}), (other, {}), (small.rows(), {"folds": 3})):
        with pytest.raises(CheckpointError, match=r"fold-1 was made with .*take another folder"):
            wf.fit(source, **{**words, **more})
    assert np.array_equal(oof(wf.fit(small.rows(), **words), "mlp"), oof(first, "mlp"))


def test_a_model_more_leaves_what_was_kept_of_the_others(tmp_path: Path) -> None:
    words = {"target": "y", "folds": 2, "jobs": 1, "budget": "20 trials", "checkpoint": tmp_path}
    first = wf.fit(small.rows(), models="mlp(epochs=3)", **words)
    before, counter = kept(tmp_path), small.Counter()
    more = wf.fit(small.rows(), models="mlp(epochs=2), logistic, mlp(epochs=3)",
                  callbacks=[counter], **words)
    assert np.array_equal(oof(more, "mlp_2"), oof(first, "mlp"))
    assert len(kept(tmp_path)) == 2 and before.items() <= kept(tmp_path).items()
    assert counter.steps % 2 == 0 and counter.steps > 0  # those of epochs=2, alone


def test_what_is_kept_and_heard_of_is_no_part_of_the_result(tmp_path: Path) -> None:
    silent = small.fit(None)
    heard = small.fit(tmp_path / "kept", small.Counter())
    assert heard.model == silent.model == "mlp"
    mine, its = (each.predict_proba(small.rows()) for each in (heard, silent))
    assert all(np.array_equal(mine[name], its[name]) for name in its)
    heard.save(tmp_path / "heard.wf")
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = wf.replay(heard, small.rows())
    assert again.equal, str(again)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == files
    assert wf.load(tmp_path / "heard.wf").model == "mlp"


def test_each_training_has_a_log_and_a_curve_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    wf.fit(small.rows(), target="y", models="mlp(epochs=3)", folds=2, jobs=1, choose="best",
           callbacks=[Log(tmp_path / "log.csv"), Board(tmp_path / "board")])
    (name, found), = kept(tmp_path / "board").items()
    assert found == ["all", "fold-1", "fold-2"] and name.startswith("mlp-")
    for each in found:
        files = list((tmp_path / "board" / name / each).iterdir())
        assert len(files) == 1 and files[0].name.startswith("events.")
        assert len(pl.read_csv(tmp_path / name / each / "log.csv")) == 3
    assert not [path for path in (tmp_path / "board").iterdir() if path.is_file()]


def test_callbacks_are_heard_here_also_where_models_are_fitted_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    monkeypatch.setattr(fitting, "_HEAVY", -1.0)
    counter = small.Counter()
    wf.fit(small.rows(), target="y", models="mlp(epochs=3)", folds=2, jobs=1, choose="best",
           callbacks=[counter], checkpoint=tmp_path)
    assert counter.steps > 0
    assert [len(each) for each in kept(tmp_path).values()] == [3]


def test_a_folder_is_kept_also_by_the_process_whose_memory_is_watched(tmp_path: Path) -> None:
    wf.fit(small.rows(), target="y", models="mlp(epochs=3)", folds=2, jobs=1, choose="best",
           memory="4GB", checkpoint=tmp_path)
    assert list(kept(tmp_path).values()) == [["all", "fold-1", "fold-2"]]


class Stateful(small.Counter):
    def load_state_dict(self, state: Any) -> None:
        raise AssertionError


@pytest.mark.parametrize(("words", "sentence"), [
    ({"models": "logistic"}, r"is for the trainings of networks, and models= has none \(logistic"),
    ({"models": None}, r"models= has none \(none named\): name one, such as models='mlp'"),
    ({"preset": "balanced"}, "race in processes of their own: leave one of the two out"),
    ({"models": "mlp, mlp"}, "has mlp twice, alike"),
    ({"callbacks": [print], "memory": "2GB"}, "callbacks= cannot be heard"),
    ({"callbacks": "print"}, "must be a list of callables"),
    ({"callbacks": [Board]}, "made and not its class"),
    ({"callbacks": [Stateful()]}, r"Stateful has a state, and folds must not share one"),
    ({"checkpoint": 3}, "checkpoint must name a folder, or be a Checkpoint; got 3"),
    ({"checkpoint": __file__}, "a file"),
    ({"task": "clustering", "target": None}, "clustering has no checkpoint="),
])
def test_what_cannot_be_kept_or_heard_of_is_refused_before_anything_is_read(
    words: dict[str, Any], sentence: str,
) -> None:
    with pytest.raises(ParameterError, match=sentence):
        wf.fit("nowhere.csv", **{"target": "y", "models": "mlp", "checkpoint": "kept", **words})
    assert not Path("kept").exists()


def test_every_fit_of_a_fold_has_a_place_and_a_pilot_none() -> None:
    model, heard = wf.models.make("mlp(epochs=2)"), Heard(Path("kept"))
    own, inner, third = (next(each) for each in [turns(heard, model, 4)] * 3)
    assert own["checkpoint"] == Path("kept", place(model), "fold-5")
    assert inner["checkpoint"] == own["checkpoint"] / "2" != third["checkpoint"]
    assert next(turns(heard, model, "all"))["checkpoint"].name == "all"
    assert next(turns(heard, model, ("pilot", 50))) == {} == next(turns(None, model, 0))
    assert next(turns(heard, wf.models.make("logistic"), 0)) == {}
    assert place(model) != place(wf.models.make("mlp(epochs=3)"))


def test_folds_that_balance_their_rows_by_inner_folds_keep_each_fit_apart(tmp_path: Path) -> None:
    words = {"target": "y", "models": "mlp(epochs=2)", "folds": 2, "jobs": 1,
             "balance": "over(inner=2)", "budget": "20 trials"}
    plain = wf.fit(small.rows(), **words)
    first = wf.fit(small.rows(), **words, checkpoint=tmp_path)
    counter = small.Counter()
    again = wf.fit(small.rows(), **words, checkpoint=tmp_path, callbacks=[counter])
    assert counter.steps == 0
    assert np.array_equal(oof(first, "mlp"), oof(plain, "mlp"))
    assert np.array_equal(oof(again, "mlp"), oof(plain, "mlp"))
    assert len(list(tmp_path.glob("mlp-*/fold-1/*/step-*.json"))) >= 2


def test_a_function_of_the_users_is_told_by_its_name_not_by_its_address() -> None:
    said = ModuleClassifier({"network": "module", "made": small.made})._words()
    assert "made" in said and "0x" not in said
