"""Handwritten digits: one layer, a dense network, a convolutional one, on the same pictures.

3,000 digits are learnt from, 2,000 others judged. One layer draws a template a digit; hidden layers
do better; convolutions, which know that neighbours belong together and that a stroke may lie a
little aside, do best with the same pictures, and lose least when digits are moved by two pixels.
The full set by the library's own recipe: `python -m benchmarks.neural_accuracy mnist`.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np

from wholefit import nn
from wholefit.nn import networks

DATA = "mnist"
EXPECTED = {
    "numbers to learn, one layer": (7850, 7850),
    "numbers to learn, convolutions": (421642, 421642),
    "accuracy, one layer": (0.82, 0.92),
    "accuracy, dense": (0.88, 0.96),
    "accuracy, convolutions": (0.945, 0.99),
    "moved by two pixels, one layer loses": (0.10, 0.6),
    "moved by two pixels, convolutions lose": (0.0, 0.2),
}


def main() -> dict[str, float]:
    x, y = pictures()
    learnt, judged = slice(0, 3000), slice(3000, 5000)
    image = {"channels": 1, "height": 28, "width": 28, "outputs": 10}
    made = {
        "one layer": networks.make("mlp", inputs=784, outputs=10, hidden=[]),
        "dense": networks.make("mlp", inputs=784, outputs=10, hidden=[128, 64]),
        "convolutions": networks.make("cnn", **image, stages=[32, 64], hidden=[128]),
    }
    right, moved = {}, {}
    for name, module in made.items():
        shape = (-1, 1, 28, 28) if name == "convolutions" else (-1, 784)
        trained = nn.train(module, (x[learnt].reshape(shape), y[learnt]), nn.Recipe(
            epochs=4, batch=64, optimizer="adam", rate=0.002, schedule="one_cycle", device="cpu"))
        aside = np.roll(x[judged], 2, axis=2)
        for found, asked in ((right, x[judged]), (moved, aside)):
            answer = nn.predict(trained.module, (asked.reshape(shape),)).argmax(1)
            found[name] = float((answer == y[judged]).mean())
        print(f"{name}: {right[name]:.1%}, moved by two pixels {moved[name]:.1%}")
    return {
        "numbers to learn, one layer": networks.parameters(made["one layer"]),
        "numbers to learn, convolutions": networks.parameters(made["convolutions"]),
        **{f"accuracy, {name}": value for name, value in right.items()},
        "moved by two pixels, one layer loses": right["one layer"] - moved["one layer"],
        "moved by two pixels, convolutions lose": right["convolutions"] - moved["convolutions"],
    }


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """5,000 digits with pixels between 0 and 1, and what they are."""
    folder = Path(os.environ["WHOLEFIT_DATA"]) / DATA
    pixels = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    x = np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)[:5000].astype(np.float32) / 255
    return x, np.frombuffer(labels, np.uint8)[:5000].astype(np.int64)


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
