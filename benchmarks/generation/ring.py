"""Does an adversarial pair find all modes of a ring of eight, and what do the cures change?

    python -m benchmarks.generation ring [--seeds 10] [--steps 3000] [--short]

10,000 points of eight normal clouds (spread 0.02) on a circle of radius 2. A mode is found if at
least 50 of 2,500 made points lie within three spreads of its middle (a fair share is 312). Each
way is trained with the same networks (two layers of 128), steps and batches.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from benchmarks import _tools

SPREAD, RADIUS, MODES = 0.02, 2.0, 8
WAYS: dict[str, dict[str, Any]] = {
    "defaults: non-saturating, R1": {},
    "WGAN-GP": {"loss": "wasserstein", "penalty": "gradient", "weight": 1.0,
                "discriminator_steps": 2},
    "hinge, spectral normalisation": {"loss": "hinge", "penalty": "none", "spectral": True},
    "no cure": {"penalty": "none", "beta1": 0.5, "discriminator_rate": 4e-3},
}


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args(words)
    seeds = range(1 if asked.short else asked.seeds)
    rows = []
    for name, way in WAYS.items():
        found = [measured(seed, steps=asked.steps, **way) for seed in seeds]
        whole = sum(each["modes"] == MODES for each in found)
        rows.append([name, f"{whole} of {len(found)}",
                     f"{min(each['modes'] for each in found)}",
                     f"{np.mean([each['near'] for each in found]):.2f}",
                     f"{sum(bool(each['warned']) for each in found)}",
                     f"{np.median([each['seconds'] for each in found]):.1f}"])
    text = "\n".join([
        "# Modes of a ring that an adversarial pair finds", "",
        _tools.markdown(["way", "seeds with 8 of 8 modes", "fewest modes", "points near a mode",
                       "runs warned of", "CPU s (median)"], rows), "",
        _tools.machine("wholefit", "torch", "numpy"), "",
        "Made by `python -m benchmarks.generation ring`."])
    if asked.short:
        print(text)
    else:
        _tools.save("generation_ring", text)


def points(count: int, seed: int) -> np.ndarray:
    """Points of the ring, float32 (count, 2)."""
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * rng.integers(MODES, size=count) / MODES
    middle = RADIUS * np.column_stack([np.cos(angle), np.sin(angle)])
    return (middle + SPREAD * rng.normal(size=(count, 2))).astype(np.float32)


def found_in(made: np.ndarray, least: int = 50) -> tuple[int, float]:
    """Modes found, and the share of points near one."""
    angle = 2 * np.pi * np.arange(MODES) / MODES
    middle = RADIUS * np.column_stack([np.cos(angle), np.sin(angle)])
    far = np.linalg.norm(made[:, None] - middle, axis=2)
    near = far.min(axis=1) < 3 * SPREAD
    counts = np.bincount(far.argmin(axis=1)[near], minlength=MODES)
    return int((counts >= least).sum()), float(near.mean())


def measured(
    seed: int, *, steps: int = 3000, width: int = 128, spectral: bool = False, **way: Any
) -> dict[str, Any]:
    """One run: modes, points near one, CPU seconds, what was warned of."""
    import torch

    from wholefit.nn import networks
    from wholefit.nn.generative import PairRecipe, sample, train_pair

    x = points(10_000, seed)
    scale = float(x.std())
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    made = networks.make("generator", inputs=16, outputs=2, hidden=[width, width],
                         activation="relu", norm="none", output="linear")
    told = networks.make("discriminator", inputs=2, hidden=[width, width], spectral=spectral)
    began = time.process_time()
    pair = train_pair(made, told, x / scale, PairRecipe(steps=steps, seed=seed, device="cpu",
                                                        **way))
    seconds = time.process_time() - began
    noise = np.random.default_rng(seed + 100).normal(size=(2500, 16))
    modes, near = found_in(sample(pair.generator, noise) * scale)
    return {"modes": modes, "near": near, "seconds": seconds, "warned": pair.warnings}
