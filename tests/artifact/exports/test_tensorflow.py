"""Networks as SavedModel and for LiteRT; needs TensorFlow, which has an environment of its own."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.artifact import exports
from wholefit.base.errors import ArtifactError, ExportError

if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("TensorFlow is not installed here; `make test-keras` runs these tests",
                allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x, town = rng.normal(size=300), rng.choice(["a", "b", "c"], 300)
    return pl.DataFrame({"x": x, "z": x**2, "town": town, "n": 3 * x + (town == "a"),
                         "y": np.where(x + (town == "a") > 0.3, "in", "out")})


def fitted(rows: pl.DataFrame, target: str, **words: Any) -> Any:
    from wholefit.models import get

    return wf.fit(rows.drop({"y": "n", "n": "y"}[target]), target=target, folds=2,
                  models=[get("mlp")(epochs=40, width=16, layers=1, learning_rate=0.02, **words)])


@pytest.mark.parametrize("target", ["y", "n"])
@pytest.mark.parametrize("scaling", ["quantile", "standard", "robust"])
def test_a_plain_network_answers_the_same(
    target: str, scaling: str, rows: pl.DataFrame, tmp_path: Path
) -> None:
    result = fitted(rows, target, scaling=scaling)
    saved = result.export(tmp_path / "saved", to="savedmodel", rows=rows)
    assert saved.parity.most < 1e-9 and (tmp_path / "saved" / "saved_model.pb").exists()
    light = result.export(tmp_path / "m.tflite", rows=rows)
    assert light.parity.most < 1e-5 and light.parity.agreement == 1.0
    assert ("normal scores" in " ".join(light.notes)) == (scaling == "quantile")
    with zipfile.ZipFile(tmp_path / "m.tflite") as archive:
        assert set(archive.namelist()) == {"features.json", "wholefit.wf"}


def test_a_keras_model_answers_the_same(rows: pl.DataFrame, tmp_path: Path) -> None:
    import keras

    from wholefit.models import brought

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8, activation="relu"),
                              keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="adam", loss="binary_crossentropy")
    result = wf.fit(rows.select("x", "z", "y"), target="y", folds=2,
                    models=[brought(model, batch=16, epochs=20)])
    for to in ("savedmodel", "litert"):
        found = result.export(tmp_path / to, to=to, rows=rows)
        assert found.parity.most < 1e-5 and found.parity.agreement == 1.0
    with pytest.raises(ExportError, match="savedmodel"):
        result.export(tmp_path / "m.onnx", rows=rows)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"none")
    with pytest.raises(ArtifactError, match="LiteRT"):
        exports.runner(tmp_path / "m.tflite")
    with pytest.raises(ArtifactError, match="SavedModel"):
        exports.runner(tmp_path, "savedmodel")
