"""What a Keras guest keeps of the user's own: metrics, weights, callbacks, frozen layers, texts.

Needs Keras (extra tensorflow), which has an environment of its own: `make test-keras`.
"""

from __future__ import annotations

import importlib.util
import json
import pickle
import zipfile
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
from wholefit.base.errors import ParameterError  # noqa: E402
from wholefit.models import brought  # noqa: E402
from wholefit.models._keras_guest import KerasClassifier, KerasRegressor  # noqa: E402
from wholefit.models._keras_training import copied, told  # noqa: E402

layers, ops = keras.layers, keras.ops
SPARSE = "sparse_categorical_crossentropy"


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 4))
    return X, (X[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def table(rows: tuple[np.ndarray, np.ndarray]) -> pl.DataFrame:
    X, y = rows
    return pl.DataFrame(X, schema=list("abcd")).with_columns(
        pl.Series("y", np.where(y == 1, "yes", "no")), pl.Series("w", 1.0 + 9.0 * y))


def net(rate: float = 0.05, name: str = "guest", **words: Any) -> Any:
    """Two classes by one layer; at a rate of 0 its loss says what it was asked, and no more."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, "softmax")], name=name)
    model.compile(keras.optimizers.SGD(rate), **{"loss": SPARSE, **words})
    return model


class Right(keras.metrics.Metric):
    """Accuracy of one's own; without a config, as it takes no name."""

    made = 0

    def __init__(self) -> None:
        super().__init__(name="right")
        Right.made += 1
        self.correct, self.total = (self.add_weight(initializer="zeros") for _ in range(2))

    def update_state(self, true: Any, found: Any, sample_weight: Any = None) -> None:
        hits = ops.equal(ops.cast(ops.reshape(true, (-1,)), "int32"),
                         ops.cast(ops.argmax(found, axis=-1), "int32"))
        self.correct.assign_add(ops.sum(ops.cast(hits, "float32")))
        self.total.assign_add(ops.cast(ops.size(hits), "float32"))

    def result(self) -> Any:
        return self.correct / self.total


class Noting(keras.callbacks.Callback):
    """Notes the loss of each epoch in a list, and counts its epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.epochs = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.losses.append(float(logs["loss"]))
        self.epochs += 1


def test_metrics_are_in_the_record_of_the_training(table: pl.DataFrame, tmp_path: Path) -> None:
    given = keras.metrics.SparseCategoricalAccuracy(name="hit")
    model = net(0.5, metrics=["accuracy", given, Right()])
    result = wf.fit(table.drop("w"), target="y", folds=2, metric="accuracy",
                    models=[brought(model, epochs=6, batch=10, patience=None)])
    learning = result.lineage["learning"]
    history = learning["history"]
    assert learning["epochs"] == 6 and learning["told"] == [1, 2, 3, 4, 5, 6]
    assert {"loss", "accuracy", "hit", "right", "val_loss", "val_right"} <= set(history)
    assert history["right"] == pytest.approx(history["accuracy"])
    assert history["hit"] == pytest.approx(history["accuracy"])
    assert history["accuracy"][-1] > 0.8 and history["loss"][-1] < history["loss"][0]
    assert float(given.result()) == 0.0  # the user's own has counted nothing
    result.save(tmp_path / "k.wf")
    made = Right.made
    again = wf.load(tmp_path / "k.wf")
    assert again.predict_proba(table).equals(result.predict_proba(table))
    assert again.lineage["learning"] == learning and Right.made == made  # none was made to load it
    with zipfile.ZipFile(tmp_path / "k.wf") as file:
        held = b"".join(file.read(name) for name in file.namelist())
    assert b"compile_config" not in held and b"Right" not in held


def test_a_replay_of_a_file_is_given_the_model_again(table: pl.DataFrame, tmp_path: Path) -> None:
    stop = keras.callbacks.EarlyStopping("val_right", mode="max", patience=2)
    guest = brought(net(0.3, metrics=[Right()], loss_weights=[2.0]), epochs=9, batch=10,
                    callbacks=[stop, Noting()])
    plain = table.drop("w")
    result = wf.fit(plain, target="y", folds=2, metric="accuracy", models=[guest])
    result.save(tmp_path / "k.wf")
    assert result.model == "guest" and result.replay(plain).equal
    again = wf.replay(tmp_path / "k.wf", plain, models={"guest": guest})
    assert again.equal, str(again)
    with pytest.raises(wf.WholefitError, match="holds no code"):
        wf.replay(tmp_path / "k.wf", plain)


def test_loss_weights_are_kept(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    one, three = (KerasClassifier(net(0.0, **words), epochs=1).fit(X, y).history_["loss"][0]
                  for words in ({}, {"loss_weights": [3.0]}))
    assert three == pytest.approx(3 * one, rel=1e-4)


def test_weights_of_rows_count_also_for_those_held_out(
    rows: tuple[np.ndarray, np.ndarray]
) -> None:
    """By the definitions of Keras: a loss is weighted, then divided by the number of rows."""
    X, y = rows
    heavy = 1.0 + 9.0 * y
    made = KerasClassifier(net(0.0, metrics=["accuracy"], weighted_metrics=[
        keras.metrics.SparseCategoricalAccuracy(name="heavy")]), epochs=1, validation=0.2,
        batch=200, random_state=5).fit(X, y, sample_weight=heavy)
    found = made.predict_proba(X)
    order = np.random.default_rng(5).permutation(len(X))
    for part, before in ((order[32:], ""), (order[:32], "val_")):
        loss = -np.log(found[part, y[part]]) * heavy[part]
        right = found[part].argmax(axis=1) == y[part]
        history = made.history_
        assert history[f"{before}loss"][0] == pytest.approx(loss.sum() / len(part), rel=1e-4) \
            or history[f"{before}loss"][0] == pytest.approx(
                loss.sum() / heavy[part].sum(), rel=1e-4)
        assert history[f"{before}accuracy"][0] == pytest.approx(right.mean(), rel=1e-4)
        assert history[f"{before}heavy"][0] == pytest.approx(
            (right * heavy[part]).sum() / heavy[part].sum(), rel=1e-4)


@pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")  # it learns nothing
@pytest.mark.parametrize("words", [{"weights": "w"}, {"balance": "weights"}])
def test_weights_that_a_fit_is_told_of_reach_the_guest(
    table: pl.DataFrame, words: dict[str, Any]
) -> None:
    few = table if "weights" in words else pl.concat([
        table.filter(pl.col("y") == "no"), table.filter(pl.col("y") == "yes").head(12)]).drop("w")
    model = net(0.0, metrics=["accuracy"], weighted_metrics=[
        keras.metrics.SparseCategoricalAccuracy(name="heavy")])
    model.set_weights([np.zeros((4, 2)), np.array([1.0, 0.0])])  # it always says "no"
    seen: list[float] = []

    class Logs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(abs(logs["accuracy"] - logs["heavy"]))

    for given, apart in (({}, False), (words, True)):
        seen.clear()
        plain = few if apart else few.drop("w", strict=False)
        wf.fit(plain, target="y", folds=2, metric="accuracy", **given,
               models=[brought(model, epochs=1, callbacks=[Logs()])])
        assert seen
        assert all((each > 0.1) is apart for each in seen)


def test_callbacks_are_had_anew_by_every_fit(table: pl.DataFrame) -> None:
    noting = Noting()
    result = wf.fit(table.drop("w"), target="y", folds=2, metric="accuracy",
                    models=[brought(net(0.5), epochs=4, callbacks=[noting], patience=None)])
    assert result.model == "guest"
    assert len(noting.losses) == 3 * 4  # two folds, and all rows
    assert noting.epochs == 0 and noting.losses[4] > noting.losses[3]


def test_callbacks_change_the_training_and_may_be_made_by_a_function(
    rows: tuple[np.ndarray, np.ndarray]
) -> None:
    X, y = rows
    frozen = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.0)
    model = net()
    still = KerasClassifier(model, epochs=3, callbacks=(frozen,)).fit(X, y)
    assert all(map(np.array_equal, still.model_.get_weights(), model.get_weights()))
    assert float(model.optimizer.learning_rate) == pytest.approx(0.05)
    made: list[Noting] = []

    def fresh() -> list[Noting]:
        made.append(Noting())
        return [made[-1]]

    for _ in range(2):
        KerasClassifier(model, epochs=3, callbacks=fresh).fit(X, y)
    assert [each.epochs for each in made] == [3, 3]


def test_an_early_stopping_of_the_users_takes_the_place_of_ours(
    rows: tuple[np.ndarray, np.ndarray]
) -> None:
    X, y = rows
    stop = keras.callbacks.EarlyStopping("loss", patience=3)
    words: dict[str, Any] = {"epochs": 20, "patience": 1}
    assert KerasClassifier(net(0.0), **words).fit(X, y).n_iter_ == 2
    assert KerasClassifier(net(0.0), **words, callbacks=(stop,)).fit(X, y).n_iter_ == 4
    assert stop.best is None  # what one fold has seen is nothing to the next


def test_what_is_no_callback_is_refused_and_callbacks_stay_in_their_process() -> None:
    for wrong in (["EarlyStopping"], Noting, [Noting], 3):
        with pytest.raises(ParameterError, match="callback"):
            brought(net(), callbacks=wrong)
    with pytest.raises(TypeError, match="stay where they were made"):
        pickle.dumps(brought(net(), callbacks=[Noting()]))
    sent = pickle.loads(pickle.dumps(brought(net(metrics=["accuracy"], loss_weights=[2.0]),
                                             epochs=3)))
    assert sent.epochs == 3
    assert sent.estimator._compile_config.config["loss_weights"] == [2.0]
    assert brought(net(), callbacks=[Noting()]).replace(epochs=2).callbacks


def test_a_guest_with_callbacks_stays_here_under_a_budget(table: pl.DataFrame) -> None:
    """A budget of one's own sends guests to a second process, where a list would be another."""
    noting = Noting()
    plain = table.drop("w")
    wf.fit(plain, target="y", folds=2, metric="accuracy", budget="5min",
           models=[brought(net(0.5), epochs=2, callbacks=[noting])])
    assert len(noting.losses) == 6
    with pytest.warns(Warning, match="left out"):
        refused = wf.fit(plain, target="y", folds=2, metric="accuracy", budget="5min 8GB",
                         models=[brought(net(), epochs=2, callbacks=[noting])])
    assert "stay where they were made" in str(refused.leaderboard) and len(noting.losses) == 6


def test_a_training_step_of_ones_own_is_kept_or_refused(
    rows: tuple[np.ndarray, np.ndarray]
) -> None:
    seen: list[int] = []

    class Stepping(keras.Model):
        def train_step(self, *given: Any) -> Any:
            seen.append(1)
            return super().train_step(*given)

    question = keras.Input((4,))
    own = Stepping(question, layers.Dense(2, "softmax")(question))
    own.compile("adam", SPARSE, run_eagerly=True)
    KerasClassifier(own, epochs=1).fit(*rows)
    assert seen

    class Called(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    own = Called()
    own.compile("adam", SPARSE)
    with pytest.raises(ParameterError, match="cannot be copied"):
        KerasClassifier(own).fit(*rows)


def test_how_steps_are_run_is_kept() -> None:
    model = net(steps_per_execution=3, run_eagerly=True)
    found = copied(keras, model)._compile_config.config
    assert (found["steps_per_execution"], found["run_eagerly"]) == (3, True)
    assert found["optimizer"] is not model.optimizer


def test_a_record_is_short_and_holds_numbers() -> None:
    found = told({"loss": list(range(5_000)), "odd": [np.nan] * 5_000,
                  "each": [np.ones(3)] * 5_000}, 5_000)
    assert len(found["told"]) == len(found["history"]["loss"]) == 1_000
    assert found["told"][-1] == 5_000 and found["history"]["loss"][-1] == 4_999
    assert set(found["history"]["odd"]) == set(found["history"]["each"]) == {None}
    json.dumps(found, allow_nan=False)


def test_frozen_layers_stay_as_they_are_in_every_copy(
    rows: tuple[np.ndarray, np.ndarray], table: pl.DataFrame, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(1)
    base = keras.Sequential([keras.Input((4,)), layers.Dense(8, "relu"),
                             layers.BatchNormalization()], name="base")
    base.trainable = False
    model = keras.Sequential([keras.Input((4,)), base, layers.Dense(2, "softmax")], name="head")
    model.compile(keras.optimizers.Adam(0.05), SPARSE)
    made = KerasClassifier(model, epochs=5).fit(*rows)
    before, after = base.get_weights(), made.model_.get_layer("base").get_weights()
    assert len(before) == 6 and all(map(np.array_equal, before, after))
    assert not np.array_equal(model.layers[-1].get_weights()[0],
                              made.model_.layers[-1].get_weights()[0])
    plain = table.drop("w")
    result = wf.fit(plain, target="y", folds=2, metric="accuracy",
                    models=[brought(model, epochs=15, batch=10)])
    assert result.model == "head"
    result.save(tmp_path / "f.wf")
    assert wf.load(tmp_path / "f.wf").predict_proba(plain).equals(result.predict_proba(plain))


def test_texts_are_read_by_a_model_that_begins_with_an_embedding(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = ["the", "a", "of", "film", "was", "and", "quite", "so", "then", "plot", "scene"]
    texts = [[*rng.choice(words, 7), "good" if at % 2 else "bad", *rng.choice(words, at % 5)]
             for at in range(160)]
    told = pl.DataFrame({"text": [" ".join(each) for each in texts],
                         "y": ["for" if at % 2 else "against" for at in range(160)]})
    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.Input((12,)), layers.Embedding(30, 8, mask_zero=True),
        layers.LSTM(8), layers.Dense(1, "sigmoid")], name="reader")
    model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy")
    result = wf.fit(told, target="y", folds=2, metric="accuracy", roles={"text": "text"},
                    models=[brought(model, epochs=12, batch=16, patience=None)])
    assert result.model == "reader" and result.score.value > 0.9
    result.save(tmp_path / "t.wf")
    again = wf.load(tmp_path / "t.wf")
    unseen = pl.DataFrame({"text": ["good", "unheard of", "", "bad " * 40]})
    assert again.predict_proba(unseen).equals(result.predict_proba(unseen))
    with pytest.warns(Warning, match="left out"):
        mixed = wf.fit(told.with_columns(n=pl.lit(1.5) + pl.int_range(160)), target="y", folds=2,
                       roles={"text": "text"}, models=[model])
    assert "texts alone" in str(mixed.leaderboard)


def test_whole_numbers_are_words_too_and_others_are_refused() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 20, size=(200, 6)).astype(float)
    model = keras.Sequential([keras.Input((6,)), layers.Embedding(20, 8), layers.Flatten(),
                              layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.03), "mse")
    y = np.where(X[:, 0] == 7, 3.0, 0.0) + np.where(X[:, 2] > 9, 1.0, 0.0)
    made = KerasRegressor(model, epochs=60, patience=None).fit(X, y)
    assert made.score(X, y) > 0.9
    with pytest.raises(ParameterError, match="from 0 to 19"):
        KerasRegressor(model).fit(X + 0.5, y)
