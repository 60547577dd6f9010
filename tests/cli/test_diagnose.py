"""`wholefit diagnose` and `compare` of several: words, JSON, a page, and plain refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("diagnose")
    random = np.random.default_rng(0)
    n = 1_200
    x, kind = random.normal(size=n), random.choice(["a", "b"], n)
    y = np.where(random.random(n) < 1 / (1 + np.exp(-3 * x)), "yes", "no")
    rows = pl.DataFrame({"x": x, "kind": kind, "y": y})
    rows[:600].write_csv(folder / "train.csv")
    rows[600:].write_csv(folder / "held.csv")
    for name in ("logistic", "decision_tree", "gaussian_nb"):
        wf.fit(rows[:600], target="y", models=name, checks=False).save(folder / f"{name}.wf")
    return folder


def run(argv: list[str], room: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(room)
    with pytest.raises(SystemExit) as ended:
        cli.main(argv)
    return int(ended.value.code or 0)


def test_words_json_and_page(
    room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["diagnose", "logistic.wf", "held.csv", "--out", "d.html", "--force"], room,
               monkeypatch) == 0
    said = capsys.readouterr().out
    assert "What to do next:" in said and "saved d.html" in said
    assert "<svg" in (room / "d.html").read_text()
    assert run(["diagnose", "logistic.wf", "held.csv", "--json", "--by", "kind"], room,
               monkeypatch) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == 600 and found["groups"]["by"] == ["kind"]


def test_several_models_and_a_margin(
    room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", "logistic.wf", "decision_tree.wf", "gaussian_nb.wf", "held.csv",
                "--margin", "0.05"], room, monkeypatch) == 0
    said = capsys.readouterr().out
    assert "may be the best" in said and "within 0.05" in said and "gaussian_nb.wf" in said
    assert run(["compare", "logistic.wf", "logistic.wf", "held.csv", "--margin", "0.01",
                "--json"], room, monkeypatch) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pairs"][0]["equivalence"]["equal"] is True
    assert set(found["scores"]) == {"logistic.wf (1)", "logistic.wf (2)"}


def test_predictions_that_it_is_sure_of(
    room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", "logistic.wf", "held.csv", "--least", "0.9"], room, monkeypatch) == 0
    rows = pl.read_csv(capsys.readouterr().out.encode())
    empty = rows["prediction"].is_null()
    assert 0 < empty.sum() < 600 and (rows["confidence"].filter(empty) < 0.9).all()


@pytest.mark.parametrize(("argv", "says"), [
    (["diagnose", "held.csv", "logistic.wf"], "the model comes first"),
    (["diagnose", "logistic.wf", "held.csv", "--by", "knd"], "'kind'"),
    (["diagnose", "logistic.wf", "nowhere.csv"], "nowhere.csv"),
    (["diagnose", "logistic.wf", "held.csv", "--costs", "maybe=3"], "maybe"),
    (["diagnose", "logistic.wf", "held.csv", "--metric", "nonsense"], "nonsense"),
    (["compare", "logistic.wf", "decision_tree.wf", "held.csv", "--margin", "-1"], "margin"),
    (["compare", "logistic.wf", "held.csv", "held.csv"], "held.csv"),
    (["predict", "logistic.wf", "held.csv", "--least", "3"], "probability"),
])
def test_bad_words_end_in_a_sentence(
    argv: list[str], says: str, room: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(argv, room, monkeypatch) in (1, 2)
    said = capsys.readouterr().err
    assert says in said and "Traceback" not in said and said.count("\n") <= 3
