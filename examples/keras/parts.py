"""Keras' building blocks, mended and counted: layers, losses and metrics of one's own, two inputs.

The textbook's parameter counts are checked; its custom metric divided an untouched counter, and its
sequences were padded with a number that means something. Each part ends in a number.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

EXPECTED = {
    "dense": (55_050, 55_050), "convolution": (225_034, 225_034), "two_inputs": (15_690, 15_690),
    "own_layer": (40, 40), "own_loss_gap": (0.0, 1e-6), "own_metric_gap": (0.0, 1e-6),
    "recurrent_right": (3, 3), "embedding": (160_433, 160_433), "autoencoder": (209_968, 209_968),
    "stopped_early": (1, 30),
}


class Multiplied(layers.Layer):
    """A dense layer without offsets."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs

    def build(self, shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.outputs))

    def call(self, x: object) -> object:
        return ops.matmul(x, self.kernel)


class Right(keras.metrics.Metric):
    """Accuracy: its two counters are weights, so that they are reset and added up."""

    def __init__(self) -> None:
        super().__init__(name="right")
        self.correct, self.total = (self.add_weight(initializer="zeros") for _ in range(2))

    def update_state(self, true: object, found: object, sample_weight: object = None) -> None:
        hits = ops.equal(ops.cast(ops.reshape(true, (-1,)), "int32"),
                         ops.cast(ops.argmax(found, axis=-1), "int32"))
        self.correct.assign_add(ops.sum(ops.cast(hits, "float32")))
        self.total.assign_add(ops.cast(ops.size(hits), "float32"))

    def result(self) -> object:
        return self.correct / self.total


def squared(true: object, found: object) -> object:
    """Mean squared error, by hand."""
    return ops.mean(ops.square(true - found), axis=-1)


def counts() -> dict[str, float]:
    dense = keras.Sequential([keras.Input((784,)), layers.Dense(64, "relu"),
                              layers.Dense(64, "relu"), layers.Dense(10, "softmax")])
    convolution = keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(128, "relu"), layers.Dense(10, "softmax")])
    first, second = keras.Input((784,)), keras.Input((784,))
    two = keras.Model([first, second],
                      layers.Dense(10, "softmax")(layers.Concatenate()([first, second])))
    words = keras.Sequential([
        keras.Input((100,)), layers.Embedding(10_000, 16), layers.GlobalAveragePooling1D(),
        layers.Dense(24, "relu"), layers.Dense(1, "sigmoid")])
    auto = keras.Sequential([keras.Input((784,)), layers.Dense(128, "relu"),
                             layers.Dense(32, "relu"), layers.Dense(128, "relu"),
                             layers.Dense(784, "sigmoid")])
    own = keras.Sequential([keras.Input((4,)), Multiplied(10)])
    return {"dense": dense.count_params(), "convolution": convolution.count_params(),
            "two_inputs": two.count_params(), "own_layer": own.count_params(),
            "embedding": words.count_params(), "autoencoder": auto.count_params()}


def taught() -> dict[str, float]:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4)).astype("float32")
    y = (x[:, 0] + x[:, 1] > 0).astype("int64")
    model = keras.Sequential([keras.Input((4,)), Multiplied(8), layers.ReLU(),
                              layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy",
                  metrics=[Right(), "accuracy"])
    stop = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    found = model.fit(x, y, epochs=30, validation_split=0.2, callbacks=[stop], verbose=0)
    numbers = model.evaluate(x, y, verbose=0, return_dict=True)
    guess = rng.normal(size=(5, 3)).astype("float32")
    gap = ops.convert_to_numpy(squared(guess, guess + 1)) - ops.convert_to_numpy(
        keras.losses.mean_squared_error(guess, guess + 1))
    short = keras.utils.pad_sequences([[1, 2, 3], [4, 5, 6], [7, 8, 9]], maxlen=5, padding="post")
    reader = keras.Sequential([keras.Input((5,)), layers.Embedding(10, 8, mask_zero=True),
                               layers.SimpleRNN(50, activation="tanh"), layers.Dense(1, "sigmoid")])
    reader.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    labels = np.array([1, 0, 1], dtype="float32")
    reader.fit(short, labels, epochs=20, batch_size=1, verbose=0)
    right = (reader.predict(short, verbose=0)[:, 0] > 0.5) == labels
    return {"own_metric_gap": abs(numbers["right"] - numbers["accuracy"]),
            "own_loss_gap": float(np.abs(gap).max()), "stopped_early": len(found.epoch),
            "recurrent_right": int(right.sum())}


def main() -> dict[str, float]:
    return {**counts(), **taught()}


if __name__ == "__main__":
    numbers = main()
    print(numbers)
    wrong = {name: value for name, value in numbers.items()
             if not EXPECTED[name][0] <= value <= EXPECTED[name][1]}
    assert not wrong and set(numbers) == set(EXPECTED), wrong
