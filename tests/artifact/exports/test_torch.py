"""Networks as torch's exported program, as TorchScript, and grafted into an ONNX graph."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import models
from wholefit.artifact import exports
from wholefit.artifact.exports import _prepared, _torch_module
from wholefit.base import tasks
from wholefit.base.errors import ArtifactError, ExportError
from wholefit.models._kernels._network_inputs import Inputs
from wholefit.training.plain import fit_plain

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x, town = rng.normal(size=300), rng.choice(["a", "b", "c"], 300)
    return pl.DataFrame({"x": np.where(rng.random(300) < 0.1, np.nan, x), "z": x**2, "town": town,
                         "y": np.where(x + (town == "a") > 0.3, "in", "out")})


@pytest.fixture(scope="module")
def result(rows: pl.DataFrame) -> Any:
    from wholefit.models import get

    network = get("mlp")(epochs=40, width=16, layers=1, learning_rate=0.02)
    return wf.fit(rows, target="y", models=[network], folds=2)


@pytest.mark.parametrize("to", ["torch", "torchscript"])
def test_a_network_answers_the_same_to_columns_and_to_features(
    to: str, result: Any, rows: pl.DataFrame, tmp_path: Path
) -> None:
    assert result.model == "mlp"
    path = tmp_path / f"m{exports.get(to).EXTENSION}"
    found = result.export(path, rows=rows)
    assert found.target == to and found.parity.most < 1e-12
    again = exports.runner(path)
    frame = wf.data.conforming(rows, result.schema).frame
    np.testing.assert_allclose(again.answer(frame[:7]), again.answer(frame)[:7], atol=1e-15)
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("features.json"))
        kept = json.loads(archive.read(name))
    assert kept["features"] == list(result._fitted.encoder.names)
    assert kept["classes"] == list(result.classes)


@pytest.mark.parametrize("names", [("x", "z"), ("town",)])
def test_a_network_of_one_kind_of_columns_is_written(
    names: tuple[str, ...], rows: pl.DataFrame, tmp_path: Path
) -> None:
    """Torch cannot save a program that holds two empty tensors."""
    some = rows.select(*names, "y")
    model = fit_plain(wf.data.load(some, target="y"), tasks.get("classification"),
                      models.make("mlp(epochs=5, width=8, layers=1)"))
    assert exports.export(model, "torch", tmp_path / "m.pt2", some).parity.most < 1e-12


def test_what_is_no_network_is_refused(rows: pl.DataFrame, tmp_path: Path) -> None:
    tree = wf.fit(rows, target="y", models=["decision_tree"], folds=2)
    with pytest.raises(ExportError, match="export to 'onnx' or 'numpy' instead"):
        tree.export(tmp_path / "m.pt2", rows=rows)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".pt2", ".pt"])
def test_a_damaged_file_is_told(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"m{ending}"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ArtifactError, match="cannot be read"):
        exports.runner(path)


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile", "none"])
def test_scaling_in_torch_is_that_of_numpy(scaling: str) -> None:
    from wholefit.models._kernels._network_inputs import learn

    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(300, 3)), 1)  # ties among the quantiles
    inputs = learn(X, None, scaling, False)
    assert isinstance(inputs, Inputs)
    asked = np.concatenate([X, X * 3, rng.normal(size=(50, 3)) * 100])
    wanted = inputs.split(asked, np.float64)[0]
    if scaling == "quantile":
        known = torch.as_tensor(inputs.arrays["quantiles"])
        found = _torch_module._normal_scores(torch, torch.as_tensor(asked), known).numpy()
    else:
        state = type("S", (), {"config": {"link": "identity", "n_classes": 0}, "arrays": {}})
        module = _torch_module._module(torch, torch.nn.Identity(), inputs, state)
        found = _torch_module._scaled(
            torch, module, torch.as_tensor(asked), scaling).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_the_encoder_goes_with_the_file(result: Any, rows: pl.DataFrame) -> None:
    fitted = exports.subject(result)
    features = _prepared.Features(_prepared.packed(fitted))
    dataset = fitted.asked(rows)
    wanted = fitted.encoder.transform(dataset)
    wanted = wanted.toarray() if hasattr(wanted, "toarray") else wanted
    np.testing.assert_array_equal(features.of(dataset.frame), wanted)
    with pytest.raises(ArtifactError):
        _prepared.Features(_prepared.packed(fitted)[:-40])
