"""A hundred labels: a network from nothing, and one that first looked at digits without labels.

A network learns to fill in what was left out of digits; its encoder is then the base of a
classifier. The textbook promises better generalisation; so short a pre-training of so small a
network changes the answer by a point or two, either way. Measure before you believe.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np

from wholefit.nn import Recipe, networks, predict, train, transfer

DATA = "mnist"
EXPECTED = {"from_nothing": (0.55, 0.75), "pretrained": (0.55, 0.80), "gain": (-0.06, 0.10),
            "frozen_moved": (0, 0)}
LABELS, UNLABELLED = 100, 6000


def read(part: str) -> tuple[np.ndarray, np.ndarray]:
    folder = Path(os.environ["WHOLEFIT_DATA"]) / DATA
    pixels, codes = (gzip.decompress((folder / f"{part}-{kind}-ubyte.gz").read_bytes())
                     for kind in ("images-idx3", "labels-idx1"))
    x = np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 784).astype(np.float32) / 255
    return x, np.frombuffer(codes, np.uint8, offset=8).astype(np.int64)


def main() -> dict[str, float]:
    (x, y), (far, truth) = read("train"), read("t10k")
    far, truth = far[:3000], truth[:3000]
    few = (x[:LABELS], y[:LABELS])
    recipe = Recipe(epochs=40, batch=20, rate=1e-3, schedule="cosine", device="cpu")

    def right(module: object) -> float:
        return float((predict(module, [far]).argmax(axis=1) == truth).mean())

    network = networks.make("mlp", inputs=784, outputs=10, hidden=[256])
    alone = train(networks.make("mlp", inputs=784, outputs=10, hidden=[256]), few, recipe).module
    base = transfer.pretrain(network, x[:UNLABELLED], recipe.replace(epochs=8, batch=128,
                                                                         rate=3e-3),
                             objective="mask")
    tuned = transfer.tune(base, few, 10, "all", recipe=recipe, decay=1.0).module
    frozen = transfer.tune(base, few, 10, "frozen", recipe=recipe).module
    before = [transfer.fingerprint(part) for part in transfer.stages(transfer.headed(base, 10))]
    after = [transfer.fingerprint(part) for part in transfer.stages(frozen)]
    found = {"from_nothing": right(alone), "pretrained": right(tuned)}
    print(f"{LABELS} labels: {found['from_nothing']:.1%} from nothing, tuned {right(tuned):.1%}, "
          f"frozen {right(frozen):.1%} after {UNLABELLED:,} digits without labels")
    return {**found, "gain": found["pretrained"] - found["from_nothing"],
            "frozen_moved": float(before != after)}


if __name__ == "__main__":
    print(main())
