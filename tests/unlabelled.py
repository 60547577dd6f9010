"""A small table for each task without a target, with the words that it needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from wholefit.base import tasks

TASKS = tasks.names(supervised=False)


def rows() -> pl.DataFrame:
    """Two groups of rows, a category that goes with them, and a few rows far from both."""
    rng = np.random.default_rng(0)
    group = np.arange(120) % 2
    a = rng.normal(size=120) + 8 * group
    b = rng.normal(size=120) - 6 * group
    a[:3] += 40
    return pl.DataFrame({
        "key": [f"r{at:03d}" for at in range(120)], "a": a, "b": b, "c": rng.normal(size=120),
        "kind": np.where(group == 1, "x", "y")})


def lines() -> pl.DataFrame:
    """Baskets in which bread and butter go together."""
    rng = np.random.default_rng(1)
    found = []
    for basket in range(300):
        bread = rng.random() < 0.4
        held = ["bread"] if bread else []
        held += ["butter"] if rng.random() < (0.8 if bread else 0.1) else []
        held += [item for item in ("jam", "tea", "milk") if rng.random() < 0.3]
        found += [(basket, item) for item in held]
    return pl.DataFrame(found, schema=["order", "product"], orient="row")


def ratings() -> pl.DataFrame:
    """Thirty users who rate twenty films by two tastes."""
    rng = np.random.default_rng(2)
    users, films = np.divmod(np.arange(600), 20)
    keep = rng.random(600) < 0.5
    stars = np.clip(3 + np.where(users % 2 == films % 2, 1.2, -1.2)
                    + rng.normal(size=600) * 0.5, 1, 5).round()
    frame = pl.DataFrame({"user": [f"u{u}" for u in users], "film": [f"f{f}" for f in films],
                          "stars": stars})
    return frame.filter(pl.Series(keep))


def several() -> pl.DataFrame:
    """Rows that hold any of three labels, two of which go together."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 150))
    warm = a + rng.normal(size=150) / 2 > 0
    return pl.DataFrame({
        "key": [f"r{at:03d}" for at in range(150)], "a": a, "b": b,
        "kind": np.where(b > 0.5, "x", "y"), "warm": np.where(warm, "yes", "no"),
        "dry": (warm & (rng.random(150) < 0.8)).astype(int),
        "late": b + rng.normal(size=150) / 2 > 0.3})


def spoken() -> pl.DataFrame:
    """Times of the day as figures and as words."""
    hours = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    said = [(f"{at + 1}:{minute}", f"{words} {hour}") for at, hour in enumerate(hours)
            for minute, words in (("15", "a quarter past"), ("30", "half past"),
                                  ("10", "ten past"), ("20", "twenty past"))]
    return pl.DataFrame({"key": [f"r{at:03d}" for at in range(40)], "time": [a for a, _ in said],
                         "words": [b for _, b in said]})


CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "anomaly": (rows, {}),
    "association": (lines, {"basket": "order", "item": "product"}),
    "clustering": (rows, {}),
    "generation": (rows, {}),
    "multilabel": (several, {"target": ["warm", "dry", "late"]}),
    "recommendation": (ratings, {"user": "user", "item": "film", "rating": "stars"}),
    "reduction": (rows, {}),
    "translation": (spoken, {"target": "words", "text": "time"}),
}
