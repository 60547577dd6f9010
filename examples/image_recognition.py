"""Recognise pictures, from a folder of files to a saved model: one folder a class.

Clothes as PNG files, one folder a kind, with a damaged file among them. The folder is fitted as it
is; the damaged file is named and left out; the score has its interval; the model is saved, loaded,
and asked about files that it has not seen. The full set by the library's own recipe:
`python -m benchmarks.neural_accuracy fashion_mnist`.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

import wholefit as wf

DATA = "fashion_mnist"
KINDS = {1: "trousers", 3: "dress", 5: "sandal", 7: "sneaker", 8: "bag"}
EXPECTED = {
    "files learnt from": (600, 600),
    "accuracy": (0.78, 0.99),
    "accuracy on new files": (0.85, 1.0),
    "answers changed by saving": (0, 0),
}


def main() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        folder, fresh = Path(place) / "clothes", Path(place) / "new"
        truth = write(folder, fresh)
        (folder / "dress" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n, and then nothing")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = wf.fit(str(folder), task="classification", models="cnn(epochs=12)", folds=2,
                            metric="accuracy", budget="10m")
            print(result.leaderboard)
            answer = result.predict(str(fresh))
            result.save(Path(place) / "clothes.wf")
            again = wf.load(Path(place) / "clothes.wf").predict(str(fresh))
        right = [kind == truth[file] for kind, file in zip(
            answer["prediction"], answer["file"], strict=True)]
    return {
        "files learnt from": result.lineage["rows"],
        "accuracy": result.score.value,
        "accuracy on new files": float(np.mean(right)),
        "answers changed by saving": int((answer["prediction"] != again["prediction"]).sum()),
    }


def write(folder: Path, fresh: Path) -> dict[str, str]:
    """120 files of each kind to learn from, and 100 in all to be asked about."""
    source = Path(os.environ["WHOLEFIT_DATA"]) / DATA
    pixels = gzip.decompress((source / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = np.frombuffer(
        gzip.decompress((source / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    images = np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)
    fresh.mkdir()
    truth = {}
    for code, kind in KINDS.items():
        (folder / kind).mkdir(parents=True)
        rows = np.flatnonzero(labels == code)
        for row in rows[:120]:
            Image.fromarray(images[row]).save(folder / kind / f"{row}.png")
        for row in rows[120:140]:
            Image.fromarray(images[row]).save(fresh / f"{row}.png")
            truth[f"{row}.png"] = kind
    return truth


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
