"""`wholefit export` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli

pytest.importorskip("onnxruntime")


def run(*argv: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in argv])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("export")
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=200), "town": rng.choice(["a", "b"], 200)})
    frame = frame.with_columns(y=pl.col("x") * 2 + (pl.col("town") == "a").cast(pl.Float64))
    frame.write_csv(made / "rows.csv")
    wf.fit(frame, target="y", models=["ridge"], folds=2).save(made / "m.wf")
    return made


def test_a_model_is_exported_and_its_parity_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", folder / "m.wf", "--to", "onnx", "--rows", folder / "rows.csv") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "parity on 200 real rows: largest difference" in said and (folder / "m.onnx").exists()
    assert run("export", folder / "m.wf", "--to", "onnx", "--rows", folder / "rows.csv") == 1
    assert "--force" in capsys.readouterr().err
    assert run("export", folder / "m.wf", "--out", folder / "n.onnx", "--option", "single=true",
               "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parity"]["made_up"] is True and found["parity"]["most"] < 1e-5


def test_wrong_words_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", folder / "m.wf", "--to", "onx") == 1
    assert "did you mean 'onnx'" in capsys.readouterr().err
    assert run("export", folder / "m.wf") == 2
    assert run("export", folder / "m.wf", "--to", "onnx", "--force", "--option", "sngle=1") == 1
    assert "did you mean 'single'" in capsys.readouterr().err
    assert run("export", folder / "m.wf", "--to", "torch") == 1
    assert "export to 'onnx'" in capsys.readouterr().err
    assert run("export", folder / "m.wf", "--to", "onnx", "--tolerance", "0", "--out",
               folder / "exact.onnx", "--option", "single=true") == 1
    assert "no file was left" in capsys.readouterr().err and not (folder / "exact.onnx").exists()


@pytest.mark.parametrize("words", [["export", "/", "--to", "onnx"], ["export", "", "--to", "c"],
                                   ["eject", "/"], ["eject", "."]])
def test_a_folder_is_no_model(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 1
    assert "is a folder" in capsys.readouterr().err


def test_the_targets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "--list", "--json") == 0
    assert {"onnx", "torch"} <= {each["target"] for each in json.loads(capsys.readouterr().out)}
