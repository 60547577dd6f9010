"""`wf.preview_augmentation`: what random changes make of pictures, to be looked at first."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wholefit import data
from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.base.optional import need
from wholefit.data.images.sizing import usual_size

_MOST = 64


@dataclass(frozen=True, eq=False)
class Preview:
    """Pictures uint8 (n, c, h, w) and altered versions (n, versions, c, h, w) of them.

    `words` is the Augmentation; `said` why it was chosen, `worries` what may change the meaning
    of a picture; `speed` pictures altered a second, on one thread.
    """

    source: str
    words: Any
    originals: np.ndarray
    altered: np.ndarray
    labels: tuple[str, ...] | None
    said: str
    worries: tuple[str, ...]
    speed: float

    def to_text(self) -> str:
        """What is done, why, and what to mind."""
        plain = type(self.words)()
        done = ", ".join(f"{name}={value}" for name, value in self.words.to_dict().items()
                         if value != getattr(plain, name)) or "nothing"
        lines = [f"Done to each picture, drawn anew each time: {done}."]
        lines += [self.said] if self.said else []
        lines += [f"Mind: {worry}" for worry in self.worries]
        return "\n".join([*lines, f"{self.speed:,.0f} pictures a second on one thread."])

    def to_json(self) -> dict[str, Any]:
        """The words and what is said of them, as plain values."""
        return {"source": self.source, "augmentation": self.words.to_dict(), "said": self.said,
                "worries": list(self.worries), "pictures_per_second": self.speed}

    def write(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write a page (.html) or one picture (.png)."""
        from wholefit.report.images import augmentation

        return augmentation.write(self, path, force=force)

    def _repr_html_(self) -> str:
        from wholefit.report.images import augmentation

        return augmentation.rows(self)


def preview_augmentation(
    source: Any, augment: Any = "auto", *, target: str | None = None, pictures: int = 6,
    versions: int = 8, image_size: int | None = None, seed: int = 0, **reading: Any,
) -> Preview:
    """Pictures of a source beside altered versions of them.

    `augment` is "auto" (what does no harm on these pictures, measured; see `nn.augment.choose`), a
    recipe ("objects", "signs", "photos", "keras", "strong"), an Augmentation or a dict of its
    fields. `reading` goes to `wf.read`. Raises DataError for a source without pictures.
    """
    need("torch", extra="deep", user="augmentation")
    from wholefit.nn import augment as changes

    if not 1 <= pictures <= _MOST or not 1 <= versions <= _MOST:
        raise ParameterError(f"pictures and versions must be 1 to {_MOST}; got {pictures} and "
                             f"{versions}.")
    given = None if isinstance(augment, str) and augment == "auto" else changes.settle(augment)
    dataset = data.load(source, target=target, **reading)
    images, classes = _images(dataset, image_size)
    said = ""
    if given is None:
        choice = changes.choose(images, np.zeros(len(images)) if classes is None else classes,
                                seed=seed)
        given, said = choice.augmentation, _sentence(choice)
    shown = _spread(classes, len(images), pictures, seed)
    originals = images[shown]
    altered = _altered(originals, given, versions, seed)
    names = () if classes is None else sorted(set(classes.tolist()))
    return Preview(
        dataset.source, given, originals, altered,
        None if classes is None else tuple(str(classes[at]) for at in shown), said,
        tuple(given.worries(names)), _speed(images, given, seed))


def _sentence(choice: Any) -> str:
    said = str(choice)
    return said[:1].upper() + said[1:]


def _images(dataset: Any, side: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    """All pictures at one size, and their classes where there is a target."""
    names = dataset.schema.having("image")
    if not names:
        raise DataError(f"{dataset.source} must hold pictures; it has none: give a folder of "
                        "pictures, a table that names some, or an array.")
    sizes = dataset.image_sizes(names[0])
    high, wide = (side, side) if side is not None else usual_size(sizes)
    there = np.flatnonzero(sizes[:, 1] > 0)
    channels = int(sizes[:, 0].max(initial=1))
    images = dataset.images(names[0], (channels, high, wide))[there]
    target = dataset.schema.target
    if target is None:
        return images, None
    return images, np.array([str(value) for value in dataset.texts(target)], dtype=object)[there]


def _spread(classes: np.ndarray | None, count: int, wanted: int, seed: int) -> np.ndarray:
    """Pictures to show: of each class in turn."""
    order = np.random.default_rng(seed).permutation(count)
    if classes is None:
        return order[:wanted]
    turn: dict[Any, int] = {}
    rank = []
    for at in order:
        turn[classes[at]] = turn.get(classes[at], 0) + 1
        rank.append(turn[classes[at]])
    return order[np.argsort(rank, kind="stable")][:wanted]


def _altered(originals: np.ndarray, words: Any, versions: int, seed: int) -> np.ndarray:
    import torch

    from wholefit.nn import augment as changes

    change = changes.Augmenter(words, classes=len(originals))
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(versions):
        batch = (torch.from_numpy(originals.copy()), torch.arange(len(originals)))
        altered = change(batch, generator)[0]
        found.append(altered.float().round().clamp(0, 255).to(torch.uint8).numpy())
    return np.stack(found, axis=1)


def _speed(images: np.ndarray, words: Any, seed: int) -> float:
    """Pictures altered a second on one thread: the best of three batches."""
    import torch

    from wholefit.nn import augment as changes

    change = changes.Augmenter(words, classes=2)
    generator = torch.Generator().manual_seed(seed)
    repeats = np.resize(np.arange(len(images)), 256)
    batch = (torch.from_numpy(images[repeats].copy()), torch.zeros(256, dtype=torch.long))
    threads, best = torch.get_num_threads(), float("inf")
    torch.set_num_threads(1)
    try:
        for _ in range(3):
            began = time.perf_counter()
            change(batch, generator)
            best = min(best, time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return 256 / max(best, 1e-9)


def words_of(name: str, fields: Mapping[str, Any]) -> Any:
    """A recipe's name with some fields changed, as the command line says them."""
    need("torch", extra="deep", user="augmentation")
    from wholefit.nn import augment as changes

    if name == "auto" and not fields:
        return "auto"
    if name != "auto" and name not in changes.RECIPES:
        raise unknown("recipe of augmentation", name, ["auto", *changes.RECIPES])
    base = changes.Augmentation() if name == "auto" else changes.RECIPES[name]
    return base.replace(**fields)
