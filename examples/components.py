"""Principal components: how many are needed, what scale does, what they clean, and plain noise.

Axes come in order of the variance they hold, and rows of pixels need far fewer of them than
pixels. A column in a small unit has large numbers, so unscaled columns hand it the first axis;
wholefit standardises unless told otherwise. What an axis holds is compared with shuffled columns:
in a table of noise, none stands out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from sklearn.datasets import load_digits, load_iris

import wholefit as wf

EXPECTED = {
    "components for 95 % of the digits' pixels, as they are": (29, 29),
    "components for 95 %, standardised": (38, 42),
    "error of noisy digits": (0.98, 1.02),
    "error after 15 components and back": (0.3, 0.6),
    "first axis of iris with one column in micrometres, unscaled": (0.99, 1.0),
    "first axis of the same, standardised": (0.70, 0.75),
    "axes of iris above noise": (1, 1),
    "axes of a table of noise above noise": (0, 0),
}


def main() -> dict[str, float]:
    digits = load_digits().data
    plain, scaled = (reduced(digits, components=0.95, **words)
                     for words in ({"features": {"scale": "none"}}, {}))
    noisy, cleaned = denoised(digits)

    flowers = load_iris().data * np.array([1.0, 1.0, 1.0, 10_000.0])
    unscaled = reduced(flowers, features={"scale": "none"})
    standard = reduced(flowers)
    print(standard.to_text())

    noise = reduced(np.random.default_rng(1).normal(size=(300, 8)))
    print(noise.to_text())
    return {
        "components for 95 % of the digits' pixels, as they are": len(plain.axes),
        "components for 95 %, standardised": len(scaled.axes),
        "error of noisy digits": noisy,
        "error after 15 components and back": cleaned,
        "first axis of iris with one column in micrometres, unscaled":
            unscaled.explained["share"][0],
        "first axis of the same, standardised": standard.explained["share"][0],
        "axes of iris above noise": standard.told["noise"]["above"],
        "axes of a table of noise above noise": noise.told["noise"]["above"],
    }


def reduced(X: np.ndarray, **words: Any) -> Any:
    return wf.fit(table(X), task="reduction", models="pca", **words)


def table(X: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({f"x{at}": column for at, column in enumerate(X.T)})


def denoised(digits: np.ndarray) -> tuple[float, float]:
    """Mean squared error, in the noise's own variance, before and after the way there and back."""
    rng = np.random.default_rng(0)
    noisy = digits[1000:] + 4 * rng.normal(size=digits[1000:].shape)
    clean = digits[1000:]
    result = reduced(digits[:1000] + 4 * rng.normal(size=(1000, 64)), components=15,
                     features={"scale": "none"})
    back = result.inverse_transform(result.transform(table(noisy))).to_numpy()
    return (float(((noisy - clean) ** 2).mean() / 16), float(((back - clean) ** 2).mean() / 16))


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
