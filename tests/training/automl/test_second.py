"""preset="best" where a second layer helps: from the fit to the file, the server and the exports.

What is learnt is a sum of what a straight line finds and of what a tree of one column finds. A
mean of two models halves either part; a layer above them adds them up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import ExportError
from wholefit.training.automl._blend import LABEL

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
COLUMNS = [f"x{at}" for at in range(5)]
TREE = "decision_tree(max_depth=2, min_samples_leaf=20)"


def table(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 5))
    y = 1.4 * x[:, 1:].sum(axis=1) + 6 * (np.abs(x[:, 0]) < 0.67) + 0.5 * rng.normal(size=rows)
    return pl.DataFrame({**dict(zip(COLUMNS, x.T, strict=True)), "y": y})


def best(frame: pl.DataFrame, linear: str, trials: int = 2) -> Any:
    return wf.fit(frame, target="y", preset="best", budget=f"{trials} trials", jobs=1,
                  checks=False, models=f"{linear}, {TREE}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    result = best(table(1200, 0), "ridge")
    return result, result.save(tmp_path_factory.mktemp("second") / "m.wf")


@pytest.fixture(scope="module")
def new() -> pl.DataFrame:
    return table(3000, 1)


def test_a_layer_that_has_all_the_weight_answers(made: tuple[Any, Path]) -> None:
    """One model of the second layer is an ensemble, however few shares that makes."""
    result, _ = made
    shares = result._facts.lineage["ensemble"]["shares"]
    assert result.model == LABEL and all(name.startswith("second ") for name in shares)
    board = {row.model: row.scores["rmse"].value for row in result.leaderboard}
    assert board[LABEL] < 0.6 * min(board["ridge"], board["decision_tree"])
    assert any("second layer lowers the loss" in said for said in result._facts.warnings)


def test_two_trials_draw_no_third_that_has_no_turn(made: tuple[Any, Path]) -> None:
    assert not any("had no turn" in said for said in made[0]._facts.warnings)
    assert {row.model for row in made[0].leaderboard} == {LABEL, "dummy", "ridge",
                                                          "decision_tree"}


def test_its_score_does_not_flatter(made: tuple[Any, Path], new: pl.DataFrame) -> None:
    """Rows that nothing has seen score no worse than was told, beyond both intervals."""
    told, now = made[0].score, made[0].evaluate(new)["rmse"]
    assert now.low <= told.high and told.low <= 1.25 * now.value
    assert now.low <= told.value


def test_the_file_answers_with_the_same_bits(made: tuple[Any, Path], new: pl.DataFrame) -> None:
    result, path = made
    loaded = wf.load(path)
    assert loaded.predict(new).equals(result.predict(new))
    few = new.head(3)
    answer = result.predict(new)["prediction"][:3]
    assert np.allclose(loaded.predict(few)["prediction"], answer, atol=1e-12)


def test_it_is_replayed_bit_for_bit(made: tuple[Any, Path]) -> None:
    found = wf.load(made[1]).replay(table(1200, 0))
    assert found.equal, str(found)
    assert "model/second 0" in {part.name for part in found.parts}


def test_what_is_inside_names_the_layer_and_what_it_reads(made: tuple[Any, Path]) -> None:
    said = str(made[0].inside())
    assert "a second layer (linear): 100% of the weight" in said
    assert "ridge: no weight of its own, asked by the second layer, in 1 model of all rows" in said
    assert "0% of the weight, in" not in said


def test_it_is_explained_as_a_whole(made: tuple[Any, Path], new: pl.DataFrame) -> None:
    """Both parts of the truth are found in what moves the answers."""
    said = made[0].importance(new.head(400))
    assert said.columns[0].columns == ("x0",)
    assert all(each.verdict == "matters" for each in said.columns) and len(said.columns) == 5


def test_it_is_served(made: tuple[Any, Path], new: pl.DataFrame) -> None:
    pytest.importorskip("uvicorn")
    from tests.serving.served import Client

    from wholefit.api.serving import serve

    asked = new.head(4).drop("y")
    with serve({"best": made[1]}, port=0, wait=False) as server:
        got = Client(server.url).post("/v1/models/best:predict", asked.to_dicts())
    assert got.status == 200, got.body
    said = [row["prediction"] for row in got.json]
    assert np.allclose(said, made[0].predict(asked)["prediction"], atol=1e-9)


@pytest.mark.parametrize("to", ["onnx", "numpy", "javascript"])
def test_it_is_exported(made: tuple[Any, Path], new: pl.DataFrame, tmp_path: Path, to: str) -> None:
    if to == "onnx":
        pytest.importorskip("onnxruntime")
    found = made[0].export(tmp_path / f"m.{to}", to=to, rows=new.head(500))
    assert found.parity.most < 1e-9 and found.parity.agreement == 1


def test_a_script_of_it_is_refused_with_a_way_out(made: tuple[Any, Path], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"second layer.*preset='balanced'"):
        made[0].eject(tmp_path / "m.py")
    assert not (tmp_path / "m.py").exists()


def test_classes_too(new: pl.DataFrame) -> None:
    words = pl.when(pl.col("y") > 3).then(pl.lit("yes")).otherwise(pl.lit("no")).alias("y")
    result = best(table(1200, 0).with_columns(words), "logistic")
    assert result.model == LABEL
    assert "second" in " ".join(result._facts.lineage["ensemble"]["shares"])
    told, now = result.score, result.evaluate(new.with_columns(words))["log_loss"]
    assert now.low <= told.high and told.low <= 1.25 * now.value
