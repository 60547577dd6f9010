"""Exporting a small model in the place of a large one: what it loses and gains, then the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli
from wholefit.api._export_small import ExportedStudent
from wholefit.artifact import exports
from wholefit.base.errors import ExportError, ParameterError, UnknownNameError

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def table(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x, town = rng.normal(size=(rows, 3)), rng.choice(["Ely", "Bath"], rows)
    pull = 2 * (x[:, 0] > 0) + x[:, 1] * (town == "Ely") + rng.logistic(size=rows)
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "town": town,
                         "stays": np.where(pull > 1, "yes", "no")})


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    table(600, 0).write_csv(folder / "train.csv")
    table(500, 1).write_csv(folder / "test.csv")
    wf.fit(folder / "train.csv", target="stays", models="random_forest(n_estimators=40)",
           choose="best", folds=3, checks=False, jobs=1).save(folder / "m.wf")
    return folder


def run(*argv: object) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in argv])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("word", ["tree", "linear"])
def test_the_student_is_what_the_file_answers_as(room: Path, tmp_path: Path, word: str) -> None:
    teacher = wf.load(room / "m.wf")
    found = teacher.export(
        tmp_path / "small.npz", to="numpy", distil=word, rows=room / "train.csv",
        held_out=room / "test.csv", folds=3, leaves=8, jobs=1)
    assert isinstance(found, ExportedStudent) and found.distilled is not None
    small = found.distilled.student
    asked = exports.subject(small)
    new = table(200, 2).drop("stays")
    answer = exports.runner(tmp_path / "small.npz", "numpy").answer(asked.frame(asked.asked(new)))
    chances = small.predict_proba(new)
    assert np.allclose(answer[:, 1], chances["p_yes"], atol=1e-9)
    assert not np.allclose(answer[:, 1], teacher.predict_proba(new)["p_yes"], atol=1e-3)
    assert word != "tree" or len({*answer[:, 1].round(12)}) <= 8
    assert found.parity.rows == 500 and not found.parity.made_up  # those held out


def test_loss_and_gain_are_told_beside_the_file(room: Path, tmp_path: Path) -> None:
    found = wf.load(room / "m.wf").export(
        tmp_path / "small.onnx", distil="tree", rows=room / "train.csv", folds=3, jobs=1)
    told = found.distilled.students[0]
    assert told.difference is not None and told.pace.thousand < found.distilled.pace.thousand
    said = str(found)
    assert said.index("teacher: random_forest") < said.index("onnx: ") < said.index("parity on")
    assert "minus the teacher's" in said
    whole = json.loads(json.dumps(found.to_json()))
    assert whole["target"] == "onnx" and whole["distilled"]["students"][0]["student"] == "tree"


def test_on_the_command_line(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("export", room / "m.wf", "--to", "javascript", "--distil", "tree", "--rows",
             room / "train.csv", "--held-out", room / "test.csv", "--option", "leaves=4",
             "--out", room / "small.json")
    assert run(*words) == 0
    said = capsys.readouterr().out
    assert "teacher: random_forest" in said and "parity on 500 real rows" in " ".join(said.split())
    assert run(*words) == 1 and "--force" in capsys.readouterr().err
    assert run(*words, "--force", "--json") == 0
    assert json.loads(capsys.readouterr().out)["distilled"]["teacher"]["model"] == "random_forest"


@pytest.mark.parametrize(("words", "kind", "rule"), [
    ({"distil": "tre"}, UnknownNameError, "did you mean 'tree'"),
    ({"distil": "all"}, ParameterError, "must name one student .*got 'all'"),
    ({"distil": "tree", "leavs": 3}, UnknownNameError, "did you mean 'leaves'"),
    ({"distil": "tree", "leaves": 1}, ParameterError, "leaves must be"),
    ({"distil": "tree", "to": "torch"}, ExportError, "holds networks.*leave distil out"),
    ({"held_out": "test.csv"}, ParameterError, "say distil="),
    ({"leaves": 4}, UnknownNameError, "leaves")])
def test_what_cannot_be_is_refused_before_any_teaching(
    room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: dict[str, object],
    kind: type[Exception], rule: str,
) -> None:
    import wholefit.api.distilling as distilling

    def taught(*given: object, **options: object) -> None:
        raise AssertionError("it was taught")

    monkeypatch.setattr(distilling, "distil", taught)
    with pytest.raises(kind, match=rule):
        wf.load(room / "m.wf").export(tmp_path / "m.onnx", **{
            "to": "onnx", "rows": room / "train.csv", **words})
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_not_taught_over(room: Path, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_text("mine")
    with pytest.raises(ExportError, match="exists"):
        wf.load(room / "m.wf").export(tmp_path / "m.onnx", distil="tree", rows=room / "train.csv")
    assert (tmp_path / "m.onnx").read_text() == "mine"


def test_clusters_have_no_student(tmp_path: Path) -> None:
    rows = table(80, 0).drop("stays", "town")
    found = wf.fit(rows, task="clustering", models="kmeans")
    with pytest.raises(ParameterError, match=r"must be left out here.*clustering"):
        found.export(tmp_path / "m.onnx", distil="tree", rows=rows)
