"""`wholefit importance`, `effect` and `interactions`, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file, rows with the target, and rows without."""
    place = tmp_path_factory.mktemp("effects")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    frame = pl.DataFrame({"age": x[:, 0], "a b": x[:, 1], "*": x[:, 2],
                          "town": rng.choice(["Ely", "Bath"], 400),
                          "y": x[:, 0] + 2 * x[:, 1] * x[:, 2]})
    wf.fit(frame[:200], target="y", models=["gradient_boosting"], folds=2, jobs=1).save(
        place / "m.wf")
    frame[200:].write_csv(place / "held.csv")
    frame[200:].drop("y").write_csv(place / "rows.csv")
    return place


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main([*argv])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_importance(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, held = str(folder / "m.wf"), str(folder / "held.csv")
    code, out, _ = run(capsys, "importance", model, held, "--together", "age,a b", "--within",
                       "town")
    assert code == 0 and "Columns that matter" in out and "age + a b" in out
    code, out, _ = run(capsys, "importance", model, held, "--metric", "mae", "--json")
    assert code == 0 and json.loads(out)["metric"] == "mae"
    code, _, err = run(capsys, "importance", model, str(folder / "rows.csv"))
    assert code != 0 and "target" in err and "Traceback" not in err
    code, _, err = run(capsys, "importance", held, model)
    assert code != 0 and "the model comes first" in err


def test_effect(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, rows = str(folder / "m.wf"), str(folder / "rows.csv")
    for columns in (["age"], ["*"], ["town"], ["a b", "*"]):
        page = folder / f"{len(columns)}{columns[0] == 'town'}.html"
        code, out, _ = run(capsys, "effect", model, rows, *columns, "--out", str(page), "--force")
        assert code == 0 and "saved" in out
        assert "<svg" in page.read_text() and "<title>" in page.read_text()
    code, out, _ = run(capsys, "effect", model, rows, "age", "--kind", "ice", "--json")
    assert code == 0 and len(json.loads(out)["lines"]) == 60
    for wrong in (["agee"], ["age", "--kind", "pd"], ["age", "town", "*"]):
        code, _, err = run(capsys, "effect", model, rows, *wrong)
        assert code != 0 and "error" in err and "Traceback" not in err


def test_interactions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(folder / "m.wf")
    code, out, _ = run(capsys, "interactions", model, str(folder / "held.csv"))
    assert code == 0 and ("'a b' and '*' act together" in out or
                          "'*' and 'a b' act together" in out)
    code, out, _ = run(capsys, "interactions", model, str(folder / "rows.csv"), "--json")
    found = json.loads(out)
    assert code == 0 and not found["tested"] and set(found["pairs"][0]["columns"]) == {"a b", "*"}
