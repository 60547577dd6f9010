"""The folder of targets, the parity check that all share, and what is left behind when it fails."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.artifact import exports
from wholefit.artifact.exports import parity
from wholefit.base.errors import ExportError, ParameterError, UnknownNameError

MUSEUM = Path(__file__).parents[1] / "museum"


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x, kind = rng.normal(size=300), rng.choice(["a", "b", "c"], 300)
    return pl.DataFrame({"x": x, "kind": kind, "y": np.where(
        x + (kind == "a") + rng.normal(scale=0.3, size=300) > 0.5, "yes", "no")})


@pytest.fixture(scope="module")
def result(rows: pl.DataFrame) -> Any:
    return wf.fit(rows, target="y", models=["logistic"], folds=2)


class Copy:
    """A target whose file answers as the model does, but for what `off` adds."""

    NAME, EXTENSION, SAID, TOLERANCE = "copy", ".copy", "a copy", 1e-6

    def __init__(self, off: float = 0.0, shape: bool = True) -> None:
        self.off, self.shape = off, shape
        self.fitted: Any = None

    def write(self, fitted: Any, path: Path, *, note: str = "") -> list[str]:
        self.fitted = fitted
        path.write_text("written")
        return [note] if note else []

    def open(self, path: Path) -> Any:
        assert path.read_text() == "written"

        def answer(frame: pl.DataFrame) -> np.ndarray:
            found = self.fitted.answer(self.fitted.asked(frame))
            return found + self.off if self.shape else found[:, :1]

        return SimpleNamespace(answer=answer)


@pytest.fixture
def copy(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Copy()
    # a bound method has its first word taken off; a target's write is a plain function
    module = SimpleNamespace(NAME="copy", EXTENSION=".copy", SAID="a copy", TOLERANCE=1e-6,
                             write=lambda fitted, path, *, note="": made.write(
                                 fitted, path, note=note), open=made.open)
    monkeypatch.setattr(exports, "targets", lambda: {"copy": module})
    return made


def test_every_target_says_what_it_is() -> None:
    found = exports.targets()
    assert {"litert", "onnx", "savedmodel", "torch", "torchscript"} <= set(found)
    endings = [target.EXTENSION for target in found.values() if target.EXTENSION]
    assert len(set(endings)) == len(endings), "an ending names one target"
    for name, target in found.items():
        assert name == target.NAME and target.SAID and target.__doc__
        assert callable(target.write) and callable(target.open)
        assert target.EXTENSION == "" or target.EXTENSION.startswith(".")


def test_a_target_is_found_by_name_or_ending() -> None:
    assert exports.named("m.onnx").NAME == "onnx"
    assert exports.named("m.anything", "onnx").NAME == "onnx"
    with pytest.raises(UnknownNameError, match="did you mean 'onnx'"):
        exports.named("m", "onx")
    with pytest.raises(ParameterError, match="must end as a target's does"):
        exports.named("m.wrong")


def test_an_export_that_agrees_is_left_with_its_figures(
    result: Any, rows: pl.DataFrame, copy: Any, tmp_path: Path
) -> None:
    found = exports.export(result, None, tmp_path / "m.copy", rows, note="mind the gap")
    assert (tmp_path / "m.copy").read_text() == "written" and found.size == 7
    assert (found.parity.rows, found.parity.most, found.parity.agreement) == (300, 0.0, 1.0)
    assert found.notes == ("mind the gap",) and "mind the gap" in found.to_text()
    assert json.loads(json.dumps(found.to_json()))["parity"]["rows"] == 300
    assert [path.name for path in tmp_path.iterdir()] == ["m.copy"], "nothing else is left"


def test_an_export_that_disagrees_is_not_left_behind(
    result: Any, rows: pl.DataFrame, copy: Any, tmp_path: Path
) -> None:
    copy.off = 0.01
    with pytest.raises(ExportError, match=r"largest difference 0\.01 \(allowed 1e-06\).*no file"):
        exports.export(result, "copy", tmp_path / "m.copy", rows)
    assert not list(tmp_path.iterdir())
    kept = exports.export(result, "copy", tmp_path / "m.copy", rows, tolerance=0.02)
    assert kept.parity.most == pytest.approx(0.01)
    # the file that was there stays when a new one disagrees
    copy.off = 0.5
    with pytest.raises(ExportError):
        exports.export(result, "copy", tmp_path / "m.copy", rows, force=True)
    assert (tmp_path / "m.copy").read_text() == "written"


def test_an_answer_of_another_shape_is_refused(
    result: Any, rows: pl.DataFrame, copy: Any, tmp_path: Path
) -> None:
    copy.shape = False
    with pytest.raises(ExportError, match=r"shape \(300, 1\)"):
        exports.export(result, "copy", tmp_path / "m.copy", rows)


def test_words_that_are_wrong_are_told(
    result: Any, rows: pl.DataFrame, copy: Any, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'note'"):
        exports.export(result, "copy", tmp_path / "m.copy", rows, notes="x")
    with pytest.raises(ParameterError, match="tolerance must be >= 0"):
        exports.export(result, "copy", tmp_path / "m.copy", rows, tolerance=-1)
    with pytest.raises(ExportError, match="at least one row"):
        exports.export(result, "copy", tmp_path / "m.copy", rows[:0])
    with pytest.raises(ExportError, match="cannot be written"):
        exports.export(result, "copy", tmp_path / "no" / "m.copy", rows)
    (tmp_path / "m.copy").write_text("mine")
    with pytest.raises(ExportError, match="exists"):
        exports.export(result, "copy", tmp_path / "m.copy", rows)
    exports.export(result, "copy", tmp_path / "m.copy", rows, force=True)
    assert (tmp_path / "m.copy").read_text() == "written"


def test_a_folder_that_no_export_wrote_is_never_replaced(
    result: Any, rows: pl.DataFrame, copy: Any, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "diary.txt").write_text("dear")
    with pytest.raises(ExportError, match="a folder that no export wrote"):
        exports.export(result, "copy", mine, rows, force=True)
    assert (mine / "diary.txt").read_text() == "dear"


def test_a_runner_that_fails_is_told_in_a_sentence(
    result: Any, rows: pl.DataFrame, copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(frame: Any) -> Any:
        raise RuntimeError("no such operation\nand much more")

    copy.open = None
    monkeypatch.setattr(exports.targets()["copy"], "open",
                        lambda path: SimpleNamespace(answer=fails))
    with pytest.raises(ExportError, match="RuntimeError: no such operation") as caught:
        exports.export(result, "copy", tmp_path / "m.copy", rows)
    assert "much more" not in str(caught.value) and not list(tmp_path.iterdir())


def test_differences_count_what_is_not_a_number() -> None:
    found = parity.difference(np.array([1.0, np.nan, np.nan, np.inf, 2.0]),
                              np.array([1.5, np.nan, 1.0, np.inf, -np.inf]))
    assert found.tolist() == [0.5, 0.0, np.inf, 0.0, np.inf]


def test_a_tie_may_fall_either_way_and_a_clear_case_may_not(
    result: Any, rows: pl.DataFrame
) -> None:
    fitted = exports.subject(result)
    dataset = fitted.asked(rows)
    ours = fitted.answer(dataset)
    clear = int(np.abs(ours[:, 1] - 0.5).argmax())

    class Turned:
        def answer(self, frame: Any) -> np.ndarray:
            return ours

        def labels(self, frame: Any) -> np.ndarray:
            codes = ours.argmax(axis=1)
            codes[clear] = 1 - codes[clear]
            return codes

    found = parity.check(fitted, Turned(), dataset, tolerance=1e-6)
    assert found.most == 0 and found.agreement == pytest.approx(299 / 300) and not found.holds
    assert parity.check(fitted, Turned(), dataset, tolerance=0.6).close == 1


def test_what_has_no_rows_to_answer_is_refused() -> None:
    rules = wf.load(MUSEUM / "default-association-0.1.wf")
    with pytest.raises(ExportError, match="association must answer rows by features"):
        exports.subject(rules)
