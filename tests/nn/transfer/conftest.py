from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch (extra deep)")


@pytest.fixture(scope="session")
def shapes() -> Any:
    """Pictures (n, 3, 12, 12) of one of four shapes on noise, and the shape's number."""
    def make(rows: int, seed: int = 0, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        codes = rng.integers(0, classes, rows)
        x = rng.integers(0, 90, (rows, 3, 12, 12))
        for row, code in enumerate(codes):
            i, j = rng.integers(0, 7, 2)
            spot = x[row, :, i:i + 5, j:j + 5]
            if code == 0:
                spot[:, 2, :] += 160
            elif code == 1:
                spot[:, :, 2] += 160
            elif code == 2:
                spot[:, np.arange(5), np.arange(5)] += 160
            else:
                spot[:, [0, 0, 4, 4], [0, 4, 0, 4]] += 160
        return np.clip(x, 0, 255).astype(np.uint8), codes.astype(np.int64)

    return make


@pytest.fixture(scope="session")
def base(shapes: Any) -> Any:
    """A small residual network with batch norms that has learnt to tell the four shapes apart."""
    from wholefit.nn import Recipe, networks, train, transfer

    x, y = shapes(1200, seed=5)
    module = networks.make("resnet", channels=3, height=12, width=12, outputs=4, depth=8,
                           size=8)
    picture = transfer.Picture(mean=(60.0,) * 3, spread=(60.0,) * 3)
    scaled = ((x - 60.0) / 60.0).astype(np.float32)
    train(module, (scaled, y), Recipe(epochs=8, batch=64, rate=5e-3, schedule="one_cycle",
                                      device="cpu"))
    return transfer.Base(module, picture=picture, name="shapes")

