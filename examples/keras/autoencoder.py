"""A dense autoencoder 784-32 in Keras, judged beside PCA, and its encoder as a frozen base.

The textbook's program ends where the loss has fallen. What 32 numbers are worth shows beside the 32
best straight directions; and in what a head learns from few labels when the encoder, which has seen
4,000 pictures without any, is frozen under it. The head's score comes with its interval.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import keras
import numpy as np
from keras import layers
from sklearn.decomposition import PCA

import wholefit as wf
from wholefit.models import brought

DATA = "mnist"
EXPECTED = {
    "parameters": (50_992, 50_992), "error": (0.0, 0.03), "error of the mean picture": (0.05, 0.1),
    "error of PCA": (0.0, 0.03), "accuracy of a head on the code": (0.7, 1.0),
}


def main() -> dict[str, float]:
    keras.utils.set_random_seed(0)
    x, y = pictures()
    learnt, held = x[:4000], x[4000:5000]
    encoder = keras.Sequential([keras.Input((784,)), layers.Dense(32, activation="relu")],
                               name="encoder")
    whole = keras.Sequential([encoder, layers.Dense(784, activation="sigmoid")])
    whole.compile(keras.optimizers.Adam(0.003), "binary_crossentropy")
    whole.fit(learnt, learnt, epochs=15, batch_size=128, verbose=0)
    plain = PCA(32, random_state=0).fit(learnt)
    straight = plain.inverse_transform(plain.transform(held))
    encoder.trainable = False
    head = keras.Sequential([keras.Input((28, 28, 1)), layers.Reshape((784,)), encoder,
                             layers.Dense(10, activation="softmax")], name="head")
    head.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    few = ((x[4000:4600].reshape(-1, 28, 28) * 255).astype(np.uint8), y[4000:4600])
    result = wf.fit(few, models=[brought(head, epochs=40, batch=16)], folds=2, metric="accuracy",
                    budget="10m")
    print(result.leaderboard)
    return {
        "parameters": whole.count_params(),
        "error": float(((whole.predict(held, verbose=0) - held) ** 2).mean()),
        "error of the mean picture": float(((learnt.mean(axis=0) - held) ** 2).mean()),
        "error of PCA": float(((straight - held) ** 2).mean()),
        "accuracy of a head on the code": float(result.score.value),
    }


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """5,000 digits (n, 784) with pixels from 0 to 1, and what they are."""
    folder = Path(os.environ["WHOLEFIT_DATA"]) / DATA
    pixels = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    names = np.array([f"digit {each}" for each in range(10)])
    x = np.frombuffer(pixels, np.uint8).reshape(-1, 784)[:5000].astype(np.float32) / 255
    return x, names[np.frombuffer(labels, np.uint8)[:5000]]


if __name__ == "__main__":
    numbers = main()
    print(numbers)
    assert all(EXPECTED[name][0] <= value <= EXPECTED[name][1] for name, value in numbers.items())
