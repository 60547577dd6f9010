"""Keras models of a user's: fitted, scored, explained, saved; code in them is refused.

Needs Keras (extra tensorflow), which has an environment of its own: `make test-keras`.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

if importlib.util.find_spec("keras") is None:
    pytest.skip("Keras is not installed here; `make test-keras` runs these tests",
                allow_module_level=True)

keras = pytest.importorskip("keras")

import wholefit as wf  # noqa: E402
from wholefit.base.errors import ArtifactError, ParameterError, StateError  # noqa: E402
from wholefit.models import _keras_training, brought  # noqa: E402
from wholefit.models._keras_guest import KerasClassifier  # noqa: E402
from wholefit.models._kernels.keras import check, rebuilt, serialized  # noqa: E402

layers = keras.layers


@pytest.fixture(scope="module")
def iris() -> pl.DataFrame:
    from sklearn.datasets import load_iris

    found = load_iris()
    return pl.DataFrame(found.data, schema=["a", "b", "c", "d"]).with_columns(
        pl.Series("species", found.target_names[found.target]))


def mlp(outputs: int = 3, last: str | None = "softmax", loss: Any = "sparse") -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(10, activation="relu"),
                              layers.Dense(10, activation="relu"),
                              layers.Dense(outputs, activation=last)])
    named = {"sparse": "sparse_categorical_crossentropy"}
    model.compile(optimizer=keras.optimizers.Adam(0.01),
                  loss=named.get(loss, loss) if isinstance(loss, str) else loss)
    return model


class Ticks:
    """A clock that goes on by so many seconds whenever it is asked: no machine is too slow."""

    def __init__(self, step: float) -> None:
        self.step, self.time = step, 0.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time


def test_a_fit_ends_when_its_seconds_do_and_is_repeated_by_count(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4_000, 4))
    y = (X[:, 0] > 0).astype(int)
    words: dict[str, Any] = {"epochs": 1_000_000, "patience": None, "random_state": 3}
    model = mlp(2)
    monkeypatch.setattr(_keras_training, "_now", Ticks(0.01))
    timed = KerasClassifier(model, **words, seconds=3.0).fit(X, y)
    # A batch takes 0.02 s, and time is kept for one more: nine tenths of three seconds hold 135.
    assert timed.counted_ == [{"batches": 135}] and timed.score(X, y) > 0.8
    again, other = (KerasClassifier(model, **words) for _ in range(2))
    again.by_count = other.by_count = [{"batches": 70}]  # within an epoch
    again.fit(X, y)
    other.fit(X, y)
    assert again.counted_ == [{"batches": 70}]
    assert all(map(np.array_equal, again.model_.get_weights(), other.model_.get_weights()))
    assert not hasattr(KerasClassifier(mlp(2)), "counted_")
    assert KerasClassifier(mlp(2), epochs=1).fit(X, y).counted_ == []


def test_a_fit_within_a_budget_is_replayed_by_count(
    iris: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_keras_training, "_now", Ticks(0.2))
    result = wf.fit(iris, target="species", folds=2, metric="accuracy",
                    models=[brought(mlp(), epochs=1_000_000, patience=None)])
    assert result.score.value > 0.8  # a million epochs would take days
    noted = next(one for one in result.lineage["schedule"] if one["model"] == result.model)
    assert [each[0]["batches"] > 50 for each in noted["counted"]] == [True] * 3
    replayed = result.replay(iris)
    assert replayed.equal, str(replayed)


def test_a_small_file_of_large_layers_makes_no_numbers() -> None:
    """100,000 x 100,000 weights, stated by a few bytes: refused before any is made."""
    import resource

    config, arrays = serialized(keras.Sequential([keras.Input((4,)), layers.Dense(3)]))
    weights = [arrays["w0"], arrays["w1"]]
    assert [w.shape for w in rebuilt(config, weights).get_weights()] == [(4, 3), (3,)]
    large = json.loads(json.dumps(config))
    for layer in large["config"]["layers"]:
        layer.pop("build_config", None)
        for name, value in (("units", 100_000), ("batch_shape", [None, 100_000])):
            if name in layer["config"]:
                layer["config"][name] = value
    large["config"].pop("build_input_shape", None)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(StateError, match="do not fit"):
        rebuilt(large, weights)
    with keras.StatelessScope():  # makes whatever still waits to be made
        pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kilobytes
    assert rebuilt(config, weights)(np.zeros((1, 4), np.float32)).shape == (1, 3)


def test_a_model_is_fitted_scored_explained_and_saved(iris: pl.DataFrame, tmp_path: Path) -> None:
    model = mlp()
    assert model.count_params() == 193
    before = [value.copy() for value in model.get_weights()]
    result = wf.fit(iris, target="species", models=[brought(model, batch=5)], folds=3,
                    metric="accuracy")
    assert result.score.value > 0.9
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert result.explain(iris[0]) is not None
    result.save(tmp_path / "k.wf")
    again = wf.load(tmp_path / "k.wf")
    assert again.predict_proba(iris).equals(result.predict_proba(iris))


@pytest.mark.parametrize(("last", "loss"), [
    ("softmax", "categorical_crossentropy"), (None, "logits"), ("softmax", "own")])
def test_losses_of_every_kind(iris: pl.DataFrame, last: Any, loss: Any) -> None:
    given: Any = loss
    if loss == "logits":
        given = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    elif loss == "own":
        def given(true: Any, found: Any) -> Any:
            return keras.ops.mean(keras.ops.square(true - found), axis=-1)

    result = wf.fit(iris, target="species", folds=2, metric="accuracy",
                    models=[brought(mlp(3, last, given), batch=5, epochs=40, patience=None)])
    assert result.score.value > 0.8
    found = result.predict_proba(iris).select(pl.selectors.starts_with("p_")).to_numpy()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_two_classes_by_one_sigmoid(iris: pl.DataFrame, tmp_path: Path) -> None:
    two = iris.filter(pl.col("species") != "setosa")
    result = wf.fit(two, target="species", folds=2, metric="accuracy",
                    models=[brought(mlp(1, "sigmoid", "binary_crossentropy"), batch=10)])
    assert result.score.value > 0.85
    result.save(tmp_path / "b.wf")
    assert wf.load(tmp_path / "b.wf").predict(two).equals(result.predict(two))


def test_numbers(iris: pl.DataFrame, tmp_path: Path) -> None:
    table = iris.drop("species").with_columns(
        (pl.col("a") * 10 + pl.col("b")).alias("y"))
    result = wf.fit(table, target="y", folds=2, metric="r2",
                    models=[brought(mlp(1, None, "mse"), batch=10, epochs=60)])
    assert result.score.value > 0.9
    result.save(tmp_path / "r.wf")
    assert wf.load(tmp_path / "r.wf").predict(table).equals(result.predict(table))


def test_two_inputs_share_the_columns_in_order(iris: pl.DataFrame) -> None:
    first, second = keras.Input((2,)), keras.Input((2,))
    joined = layers.Concatenate()([first, second])
    model = keras.Model([first, second], layers.Dense(3, activation="softmax")(joined))
    model.compile("adam", "sparse_categorical_crossentropy")
    result = wf.fit(iris, target="species", folds=2, models=[brought(model, batch=4)])
    assert model.name in str(result.leaderboard)
    assert "failed" not in str(result.leaderboard)


def test_a_fitted_model_is_adopted(iris: pl.DataFrame, tmp_path: Path) -> None:
    model = mlp()
    X = iris.drop("species").to_numpy()
    y = iris["species"].cast(pl.Enum(sorted(set(iris["species"])))).to_physical().to_numpy()
    model.fit(X, y, epochs=40, batch_size=10, verbose=0)
    expected = model.predict(X, verbose=0).argmax(axis=1)
    result = wf.adopt(model, iris, "species")
    names = np.array(sorted(set(iris["species"])))
    assert (result.predict(iris)["prediction"].to_numpy() == names[expected]).all()
    result.save(tmp_path / "a.wf")
    assert wf.load(tmp_path / "a.wf").predict(iris).equals(result.predict(iris))


class Own(layers.Layer):
    def __init__(self, units: int = 3, **words: Any) -> None:
        super().__init__(**words)
        self.units = units

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units))

    def call(self, x: Any) -> Any:
        return keras.ops.matmul(x, self.kernel)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@pytest.mark.parametrize("kind", ["own", "lambda"])
def test_layers_of_ones_own_are_fitted_and_not_saved(iris: pl.DataFrame, tmp_path: Path,
                                                     kind: str) -> None:
    first = Own(8) if kind == "own" else layers.Lambda(lambda x: x * 2)
    model = keras.Sequential([keras.Input((4,)), first, layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    result = wf.fit(iris, target="species", folds=2, models=[brought(model, epochs=4)])
    assert "failed" not in str(result.leaderboard)
    if result.model != "dummy":
        with pytest.raises(StateError, match="which is code"):
            result.save(tmp_path / "x.wf")


@pytest.mark.parametrize("config", [
    {"class_name": "Lambda", "module": "keras.layers", "config": {}},
    {"class_name": "function", "module": "builtins", "config": "system"},
    {"class_name": "Dense", "module": "os", "config": {}},
    {"class_name": "Dense", "module": "keras.layers", "config": {}, "registered_name": "m>Dense"},
    {"class_name": "TFSMLayer", "module": "keras.layers", "config": {}},
    {"class_name": "StringLookup", "module": "keras.layers", "config": {"vocabulary": "/etc/x"}},
    {"class_name": "Dense", "module": "keras.layers", "config": {"units": 10**15}},
])
def test_configs_that_name_code_or_huge_sizes_are_refused(config: Any) -> None:
    whole = {"class_name": "Sequential", "module": "keras", "config": {"layers": [config]}}
    with pytest.raises(StateError):
        check(whole)
    with pytest.raises(StateError):
        rebuilt(whole, [])


def test_weights_that_do_not_fit_are_refused() -> None:
    config, arrays = serialized(mlp())
    weights = [arrays[f"w{at}"] for at in range(len(arrays))]
    again = rebuilt(json.loads(json.dumps(config)), weights)
    np.testing.assert_array_equal(again.get_weights()[0], weights[0])
    with pytest.raises(StateError, match="do not fit"):
        rebuilt(config, weights[:-1])


def test_a_model_must_be_compiled_and_fit_the_data(iris: pl.DataFrame) -> None:
    with pytest.raises(ParameterError, match="compiled"):
        brought(keras.Sequential([keras.Input((4,)), layers.Dense(3)]))
    with pytest.warns(Warning, match="left out"):
        wf.fit(iris, target="species", folds=2, models=[mlp(5)])


def test_the_generators_of_the_caller_stay_as_they_are(iris: pl.DataFrame) -> None:
    import random

    model = mlp()  # Keras draws its layers' seeds by them
    random.seed(3)
    np.random.seed(3)
    before = random.getstate(), np.random.get_state()[1].copy()
    wf.fit(iris, target="species", folds=2, models=[brought(model, epochs=1)])
    assert random.getstate() == before[0]
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert ArtifactError is not None
