"""Pictures of clothes in fewer numbers: components, an autoencoder, and a map by t-SNE.

784 pixels become 32 numbers and come back, on pictures that were not learnt from: learning on
1,600, an autoencoder brings back as much as 32 principal components, for far more work; learning on
5,000 it brings back more. For a picture of two axes t-SNE keeps neighbours that two components
lose, and keeps far distances worse; it has no place for new pictures, and says so.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import polars as pl

import wholefit as wf
from wholefit.base.errors import DataError

DATA = "fashion_mnist"
ROWS = 2000
EXPECTED = {
    "variance kept by 32 components": (0.79, 0.86),
    "variance kept by an autoencoder of 32": (0.82, 0.88),
    "label agreement of two components": (0.35, 0.60),
    "label agreement of t-SNE": (0.60, 0.85),
    "distance correlation of two components": (0.85, 0.97),
    "distance correlation of t-SNE": (0.3, 0.85),
    "new pictures refused by t-SNE": (1, 1),
}


def main() -> dict[str, float]:
    clothes = pictures()
    codes = wf.fit(clothes, task="reduction", label="kind", components=32,
                   models="pca, autoencoder_map(epochs=60)", features={"scale": "none"})
    print(codes.leaderboard)
    kept = {entry.model: entry.scores["variance_kept"].value for entry in codes.leaderboard}

    flat = wf.fit(clothes[:500], task="reduction", label="kind", components=2,
                  models="pca, tsne(iterations=300)", features={"scale": "none"})
    print(flat.to_text())
    two = {entry.model: entry.scores for entry in flat.leaderboard}
    try:
        flat.transform(clothes[500:])
        refused = 0
    except DataError as error:
        refused = 1
        print(error)
    return {
        "variance kept by 32 components": kept["pca"],
        "variance kept by an autoencoder of 32": kept["autoencoder_map"],
        "label agreement of two components": two["pca"]["label_agreement"].value,
        "label agreement of t-SNE": two["tsne"]["label_agreement"].value,
        "distance correlation of two components": two["pca"]["distance_correlation"].value,
        "distance correlation of t-SNE": two["tsne"]["distance_correlation"].value,
        "new pictures refused by t-SNE": refused,
    }


def pictures() -> pl.DataFrame:
    """A column a pixel, between 0 and 1, and what is shown."""
    folder = Path(os.environ["WHOLEFIT_DATA"]) / DATA
    pixels = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    kinds = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    X = np.frombuffer(pixels, np.uint8).reshape(-1, 784)[:ROWS] / 255
    names = ["t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker",
             "bag", "boot"]
    return pl.DataFrame({f"pixel {at}": column for at, column in enumerate(X.T)}).with_columns(
        pl.Series("kind", [names[code] for code in kinds[:ROWS]]))


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
