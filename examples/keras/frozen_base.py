"""Transfer in Keras: a base that knows other pictures, frozen, then its top thawed at a low rate.

The textbook's program takes a base of photographs from the network and freezes it by a line that
was lost. Here the base learns ten kinds of clothes on this machine; digits, of which there are few,
are told by a head on it. Frozen means frozen, batch norms too: their weights stay bit for bit.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import keras
import numpy as np
from keras import layers

import wholefit as wf
from wholefit.models import brought

DATA = "mnist"
EXPECTED = {
    "accuracy on clothes": (0.7, 1.0), "numbers that a head learns": (650, 650),
    "numbers learnt with the top": (650, 40_000), "base changed, frozen": (0, 0),
    "layers changed, top thawed": (1, 4), "accuracy, frozen": (0.6, 1.0),
    "accuracy, top thawed": (0.6, 1.0),
}


def main() -> dict[str, float]:
    keras.utils.set_random_seed(0)
    x, y = pictures("fashion_mnist", 3000)
    base = body()
    clothes = under(base, "clothes", keras.optimizers.Adam(0.002))
    clothes.fit(x[..., None] / 255.0, y, epochs=4, batch_size=64, verbose=0)
    known = clothes.evaluate(*(x[..., None] / 255.0, y), verbose=0, return_dict=True)["accuracy"]
    x, y = pictures(DATA, 600)
    few = x, np.array([f"digit {each}" for each in range(10)])[y]
    base.trainable = False
    frozen = under(base, "frozen", keras.optimizers.Adam(0.01))
    learnt = sum(int(np.prod(each.shape)) for each in frozen.trainable_weights)
    still, score = taught(frozen, few)
    for layer in base.layers[-3:]:  # the last convolution and what follows; its batch norm is none
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    thawed = under(base, "thawed", keras.optimizers.SGD(0.003, momentum=0.9))
    more = sum(int(np.prod(each.shape)) for each in thawed.trainable_weights)
    moved, better = taught(thawed, few)
    return {"accuracy on clothes": known, "numbers that a head learns": learnt,
            "numbers learnt with the top": more, "base changed, frozen": still,
            "layers changed, top thawed": moved, "accuracy, frozen": score,
            "accuracy, top thawed": better}


def body() -> keras.Model:
    return keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(16, 3, activation="relu"),
        layers.BatchNormalization(momentum=0.9), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"), layers.BatchNormalization(momentum=0.9),
        layers.GlobalAveragePooling2D()], name="base")


def under(base: keras.Model, name: str, optimizer: keras.Optimizer) -> keras.Model:
    """The base with a new head of ten, compiled: what is frozen is settled by then."""
    made = keras.Sequential([keras.Input((28, 28, 1)), base, layers.Dense(10, "softmax")],
                            name=name)
    made.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


class Watch(keras.callbacks.Callback):
    """Counts the weights of the base that a training has changed."""

    def __init__(self) -> None:
        super().__init__()
        self.changed: list[int] = []

    def on_train_begin(self, logs: object = None) -> None:
        self.before = self.model.get_layer("base").get_weights()

    def on_train_end(self, logs: object = None) -> None:
        now = self.model.get_layer("base").get_weights()
        self.changed.append(sum(not np.array_equal(a, b) for a, b in zip(
            self.before, now, strict=True)))


def taught(model: keras.Model, rows: tuple[np.ndarray, np.ndarray]) -> tuple[int, float]:
    """Weights of the base changed at most in any fit, and the accuracy on unseen rows."""
    watch = Watch()
    result = wf.fit(rows, models=[brought(model, epochs=25, batch=16, callbacks=[watch])], folds=2,
                    metric="accuracy", budget="10m")
    print(result.leaderboard)
    found = {each.model: each.scores["accuracy"].value for each in result.leaderboard}
    return max(watch.changed), found[model.name]


def pictures(name: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    folder = Path(os.environ["WHOLEFIT_DATA"]) / name
    pixels = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    x = np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)[:rows]
    return x, np.frombuffer(labels, np.uint8)[:rows].astype(np.int64)


if __name__ == "__main__":
    numbers = main()
    print(numbers)
    assert all(EXPECTED[name][0] <= value <= EXPECTED[name][1] for name, value in numbers.items())
