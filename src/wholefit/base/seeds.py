"""Seeds: every random choice draws from a seed derived from the user's one seed and a name.

A name per use ("split", "fold", 3, "ridge") makes streams independent, and keeps one
stream's draws unchanged when another part of the run is added or removed.
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, *names: str | int) -> int:
    """A 32-bit seed from the user's `seed` and the names of its use; same on every machine."""
    text = "/".join([str(int(seed)), *(str(name) for name in names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator for the named use."""
    return np.random.default_rng(derive(seed, *names))


def some(count: int, most: int, seed: int, *names: str | int) -> np.ndarray:
    """Places among `count`, in order: all of them, or `most` drawn for the named use."""
    if count <= most:
        return np.arange(count)
    return np.sort(generator(seed, *names).choice(count, most, replace=False))
