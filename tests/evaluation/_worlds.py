"""Made-up truth and answers whose true scores are known, for tests of values and intervals."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest


def two_classes(n: int, random: np.random.Generator, base: float = 0.0, pull: float = 2.0,
                sure: float = 1.3) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n,) from a logistic law, and probabilities (n, 2) surer than they should be."""
    score = base + pull * random.normal(size=n)
    truth = (random.random(n) < 1 / (1 + np.exp(-score))).astype(int)
    given = 1 / (1 + np.exp(-sure * score))
    return truth, np.column_stack([1 - given, given])


def many_classes(n: int, k: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n,) and probabilities (n, k), rounded so that many are tied."""
    truth = random.integers(0, k, n)
    raw = np.round(random.random((n, k)) + 0.7 * np.eye(k)[truth], 1) + 0.1
    return truth, raw / raw.sum(axis=1, keepdims=True)


def numbers(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Truth and answer (n,), with normal noise."""
    base = random.normal(size=n)
    return 1.5 * base + random.normal(size=n) + 7, 1.35 * base + 7


def real(name: str) -> Path:
    """A real data set's file; the test is skipped where WHOLEFIT_DATA is not set."""
    folder = os.environ.get("WHOLEFIT_DATA")
    if not folder:
        pytest.skip("WHOLEFIT_DATA is not set: no real data to test on")
    return next(iter(sorted((Path(folder) / name).glob("data.*"))))
