"""Compressing as a user does it: real results, saved and loaded, judged on rows set aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError, StateError, UnknownNameError
from wholefit.models._kernels.compressed import KIND, network_of
from wholefit.training.compress import networks
from wholefit.training.compress.walk import kinds

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def table(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    kind = rng.choice(["a", "b", "c"], n)
    score = 2 * x - z + (kind == "a")
    return pl.DataFrame({"id": np.arange(n), "x": x, "z": z, "kind": kind,
                         "y": np.where(score + rng.normal(size=n) > 0, "yes", "no"),
                         "number": score + 0.1 * rng.normal(size=n)})


TRAIN, HELD = table(600, 0), table(400, 1)
CLASSES, NUMBERS = TRAIN.drop("number"), TRAIN.drop("y")


@pytest.fixture(scope="module")
def network() -> Any:
    pytest.importorskip("torch")
    return wf.fit(CLASSES, target="y", models="mlp(width=32, epochs=15)", jobs=1, checks=False)


@pytest.fixture(scope="module")
def found(network: Any) -> Any:
    return network.compress(CLASSES, held_out=HELD.drop("number"), epochs=6, jobs=1)


def test_every_way_of_a_network_is_side_by_side(found: Any) -> None:
    assert [each.word for each in found.found] == [
        "float32", "float16", "int8", "dynamic", "static", "shared", "pruned", "structured",
        "deep"] and not found.skipped
    assert "400 rows given" in found.judged
    for each in found.found:
        taught = each.word in ("pruned", "structured", "deep")
        assert each.agreement > (0.75 if taught else 0.9), each.word
        assert each.difference.low < 0.1 and each.size < found.size and each.pace.one > 0
        assert each.weights < found.weights or each.word == "float32"
        assert each.word in found.to_text()
    assert found.row("int8").furthest < 0.05
    assert {row["way"] for row in found.to_json()["ways"]} == set(WORDS)
    with pytest.raises(UnknownNameError, match="int8"):
        found["int9"]
    with pytest.raises(DataError, match="several ways"):
        found.smaller  # noqa: B018


WORDS = ("float32", "float16", "int8", "dynamic", "static", "shared", "pruned", "structured",
         "deep")


def test_pruned_weights_are_gone_and_the_rest_has_learnt(found: Any, network: Any) -> None:
    state = found["pruned"]._fitted.state()
    whole = networks.weights_of(network_of(state))
    layers = [each for name, each in whole.items() if each.ndim == 2]
    gone = sum((each == 0).sum() for each in layers) / sum(each.size for each in layers)
    assert abs(gone - 0.8) < 0.02
    before = networks.weights_of(network._fitted.state())
    kept = whole["layers.0.weight"] != 0
    assert not np.allclose(whole["layers.0.weight"][kept], before["layers.0.weight"][kept])
    assert found["structured"]._fitted.state().config["made_of"]["hidden"] == [16, 16]


@pytest.mark.parametrize("word", WORDS)
def test_what_is_saved_answers_the_same(word: str, found: Any, tmp_path: Path) -> None:
    result = found[word]
    loaded = wf.load(result.save(tmp_path / "m.wf"))
    assert loaded.predict_proba(HELD).equals(result.predict_proba(HELD))
    assert loaded.lineage["compressed"]["way"] == word and word in loaded.model
    assert loaded.answers(HELD, level=0.9).height == 400
    assert str(loaded.score) == str(result.score)


def test_a_compressed_network_does_not_learn_on(found: Any) -> None:
    with pytest.raises(StateError, match="compress it anew"):
        found["int8"].update(CLASSES)
    assert found["structured"].update(CLASSES[:50]).predict(HELD).height == 400


def test_several_are_saved_beside_each_other(found: Any, tmp_path: Path) -> None:
    saved = found.save(tmp_path / "small.wf")
    assert [path.name for path in saved] == [f"small-{word}.wf" for word in WORDS]


def test_a_forest_of_numbers(tmp_path: Path) -> None:
    forest = wf.fit(NUMBERS, target="number", models="random_forest(n_estimators=20)", jobs=1,
                    choose="best", checks=False)
    found = forest.compress(NUMBERS, to=["float16", "fewer", "shallow", "distil"], trees=0.25,
                            depth=4, jobs=1)
    assert "has learnt from them" in found.judged
    assert [each.word for each in found.found] == ["float16", "fewer", "shallow", "distil"]
    assert len(found["fewer"]._fitted.state().arrays["size"]) == 5
    assert found.row("float16").agreement > 0.999 and found.row("fewer").weights * 3 < found.weights
    loaded = wf.load(found["shallow"].save(tmp_path / "m.wf"))
    assert loaded.predict(HELD).equals(found["shallow"].predict(HELD))
    assert loaded.explain(HELD[:3]) is not None


@pytest.mark.slow
def test_members_of_an_ensemble_are_compressed_each() -> None:
    blend = wf.fit(CLASSES[:300], target="y", checks=False, jobs=1, folds=3, preset="balanced",
                   budget="3 trials", seed=2)
    assert blend._fitted.state().kind == "blend"
    able = "fewer" if kinds(blend._fitted.state()) & {"trees", "lightgbm"} else "float32"
    found = blend.compress(CLASSES[:300], to=able, held_out=HELD.drop("number"), jobs=1)
    assert found.row(able).weights < found.weights and found.row(able).agreement > 0.8


def test_without_a_target_answers_are_compared_and_not_judged(network: Any) -> None:
    found = network.compress(CLASSES.drop("y"), to="int8,pruned", jobs=1)
    assert "lack the target" in found.judged and not found.scores
    assert found.row("int8").difference is None and found.row("int8").agreement > 0.9
    assert "not judged" in found.to_text()
    assert wf.load
    assert found["int8"].predict(HELD).height == 400


def test_what_cannot_be_is_said(network: Any) -> None:
    with pytest.raises(StateError, match=r"fewer is not for mlp.*possible: float32"):
        network.compress(CLASSES, to="fewer", jobs=1)
    with pytest.raises(UnknownNameError, match="'structured'"):
        network.compress(CLASSES, to="strutured", jobs=1)
    with pytest.raises(ParameterError, match="sparsity must be > 0"):
        network.compress(CLASSES, sparsity=0.0, jobs=1)
    with pytest.raises(UnknownNameError, match="sparsity"):
        network.compress(CLASSES, sparcity=0.5, jobs=1)
    with pytest.raises(DataError, match="at least 20 rows"):
        network.compress(CLASSES[:10], jobs=1)
    nothing = wf.fit(CLASSES, target="y", models="gaussian_nb", jobs=1, choose="best",
                     checks=False)
    with pytest.raises(StateError, match="distil it"):
        nothing.compress(CLASSES, jobs=1)


def test_networks_that_torch_answers_are_compressed_too() -> None:
    pytest.importorskip("torch")
    result = wf.fit(CLASSES, target="y", models="real_mlp(epochs=3)", jobs=1, checks=False)
    found = result.compress(CLASSES, held_out=HELD.drop("number"), epochs=1, jobs=1,
                            to="int8,dynamic,static,pruned")
    assert found["int8"]._fitted.state().kind == KIND
    for each in found.found:
        assert each.agreement > (0.75 if each.word == "pruned" else 0.93), each.word
        assert each.weights < found.weights
    # A row's answer does not hang on its neighbours.
    alone = pl.concat([found["dynamic"].predict_proba(HELD[at:at + 1]) for at in range(5)])
    many = found["dynamic"].predict_proba(HELD[:5])
    columns = [name for name in alone.columns if name != "id"]
    np.testing.assert_allclose(alone[columns].to_numpy(), many[columns].to_numpy(), atol=1e-9)
