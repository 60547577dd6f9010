"""Where a model looks in a picture: parts covered in turn, and what each pixel adds.

Handwritten digits, a column a pixel. Both maps are held against chance: the pixels that speak most
for the answer are covered together, and as many random ones beside them.
"""

from __future__ import annotations

import gzip
import os
import statistics
from pathlib import Path

import numpy as np
import polars as pl

import wholefit as wf

DATA = "mnist"
ROWS = 1500
EXPECTED = {
    "probability before": (0.4, 0.8),
    "after covering what occlusion found": (0, 0.15),
    "after covering what SHAP values found": (0, 0.15),
    "after covering random pixels": (0.25, 0.6),
}


def main() -> dict[str, float]:
    digits = pictures()
    result = wf.fit(digits[:ROWS], target="digit", models="random_forest", folds=2)
    asked = digits[ROWS:ROWS + 12]
    covered = result.saliency(asked, patch=4, baseline=0)
    added = result.saliency(asked, kind="shap", baseline=0)
    print("\n".join(covered.to_text().splitlines()[:4]))
    return {
        "probability before": statistics.mean(each.answer for each in covered.found),
        "after covering what occlusion found": statistics.mean(
            each.test.strongest for each in covered.found),
        "after covering what SHAP values found": statistics.mean(
            each.test.strongest for each in added.found),
        "after covering random pixels": statistics.mean(
            each.test.random for each in covered.found),
    }


def pictures() -> pl.DataFrame:
    """A column a pixel, and the digit as a word."""
    folder = Path(os.environ["WHOLEFIT_DATA"]) / DATA
    pixels = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    kinds = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    X = np.frombuffer(pixels, np.uint8).reshape(-1, 784)[:ROWS + 12]
    return pl.DataFrame({f"pixel {at}": column for at, column in enumerate(X.T)}).with_columns(
        pl.Series("digit", [f"digit {code}" for code in kinds[:ROWS + 12]]))


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
