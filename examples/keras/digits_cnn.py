"""A Keras convolutional network on handwritten digits: one call, each class looked at, saved.

The textbook's program judges one split by accuracy alone, and turns pictures by a generator that
Keras has retired. Here every fold begins from a copy that is compiled alike, the callback is had
anew by each, and small turns and shifts are layers: they happen in training only.
"""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers

import wholefit as wf
from wholefit.models import brought

DATA = "mnist"
EXPECTED = {
    "parameters": (225_034, 225_034), "accuracy": (0.85, 1.0), "accuracy on new digits": (0.88, 1),
    "worst digit is recognised": (0.6, 1.0), "epochs told": (1, 8), "same after loading": (1, 1),
}


def main() -> dict[str, float]:
    keras.utils.set_random_seed(0)
    pixels, digit = digits()
    model = network()
    slower = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=2)
    guest = brought(model, epochs=8, batch=64, callbacks=[slower])
    result = wf.fit((pixels[:1500], digit[:1500]), models=[guest], folds=2, metric="accuracy",
                    budget="10m")
    print(result.leaderboard)
    answer = np.asarray(result.predict(pixels[1500:]))
    with tempfile.TemporaryDirectory() as folder:
        result.save(f"{folder}/digits.wf")
        same = np.asarray(wf.load(f"{folder}/digits.wf").predict(pixels[1500:])) == answer
    right = answer == digit[1500:]
    return {
        "parameters": model.count_params(), "accuracy": float(result.score.value),
        "accuracy on new digits": float(right.mean()),
        "worst digit is recognised": min(
            float(right[digit[1500:] == each].mean()) for each in np.unique(digit)),
        "epochs told": len(result.lineage["learning"]["history"]["val_accuracy"]),
        "same after loading": float(same.all()),
    }


def network() -> keras.Model:
    """The textbook's layers; those that change pictures have nothing to learn."""
    made = keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.RandomRotation(0.03), layers.RandomTranslation(0.05, 0.05),
        layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")], name="cnn")
    made.compile(keras.optimizers.Adam(0.002), "sparse_categorical_crossentropy",
                 metrics=["accuracy"])
    return made


def digits() -> tuple[np.ndarray, np.ndarray]:
    """2,500 digits (n, 28, 28) of bytes, and what they are, as words."""
    folder = Path(os.environ["WHOLEFIT_DATA"]) / DATA
    pixels = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    names = np.array([f"digit {each}" for each in range(10)])
    found = names[np.frombuffer(labels, np.uint8)[:2500]]
    return np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)[:2500], found


if __name__ == "__main__":
    numbers = main()
    print(numbers)
    assert all(EXPECTED[name][0] <= value <= EXPECTED[name][1] for name, value in numbers.items())
