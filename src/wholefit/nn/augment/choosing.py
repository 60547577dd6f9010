"""Which changes leave pictures what they are: asked of the pictures, not of habit.

A change is left out if it misleads: if a quick model that has also seen altered copies of its
training pictures knows fewer of pictures that it has not seen, which are left as they are. The
quick model is the nearest neighbour among coarse pictures: nothing is trained, and an altered copy
that looks like another class (a mirrored 2, a 6 put upside down) misleads it at once. What changes
nothing for it is kept: a network, which sees more, may learn from it. Only putting pictures upside
down must prove that it helps: few pictures mean the same then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from wholefit.base.spool import Filed
from wholefit.nn.augment.changing import Augmenter
from wholefit.nn.augment.settings import Augmentation

_SIDE, _COPIES = 16, 2
_LEARNT, _HELD = 4000, 2000
_MUST_HELP = ("turn over",)
CANDIDATES: dict[str, Mapping[str, Any]] = {
    "flip": {"flip": "horizontal"}, "turn over": {"flip": "vertical"}, "rotate": {"rotate": 15},
    "shift": {"shift": 0.1}, "zoom": {"zoom": 0.15}, "shear": {"shear": 10},
}


@dataclass(frozen=True)
class Trial:
    """One change: how many of the held-out pictures more (or fewer) were known with it.

    `gained` and `lost` count held-out pictures that became right and wrong; a change is left out
    if more became wrong beyond the noise of such a count, the square root of both together.
    """

    name: str
    words: Mapping[str, Any]
    accuracy: float
    gained: int
    lost: int

    @property
    def kept(self) -> bool:
        """True unless it did harm beyond chance; of some changes, if they helped beyond it."""
        noise = np.sqrt(self.gained + self.lost)
        if self.name in _MUST_HELP:
            return bool(self.gained - self.lost > noise)
        return bool(self.lost - self.gained <= noise)


@dataclass(frozen=True)
class Choice:
    """The augmentation that the pictures ask for, the trials it rests on, and a sentence."""

    augmentation: Augmentation
    plain: float
    trials: tuple[Trial, ...]

    def __str__(self) -> str:
        kept = [trial.name for trial in self.trials if trial.kept]
        rest = [trial.name for trial in self.trials if not trial.kept]
        if not self.trials:
            return "too few pictures or classes to say which changes leave them what they are."
        how = f"by a nearest neighbour on held-out pictures (accuracy {self.plain:.3f} without)"
        said = f"changes that do no harm, {how}: {', '.join(kept) or 'none'}"
        return said + (f"; left out: {', '.join(rest)}." if rest else ".")


def choose(images: Any, labels: Any, *, seed: int = 0, fill: str = "edge") -> Choice:
    """The changes of `CANDIDATES` that do no harm on pictures uint8 (n, c, h, w), classes (n,).

    At most 4,000 pictures are learnt from and 2,000 held out, drawn by `seed`. With fewer than
    two classes, or fewer than 50 pictures, nothing is chosen.
    """
    labels = np.unique(np.asarray(labels), return_inverse=True)[1]
    count = len(labels)
    if count < 50 or labels.max(initial=0) < 1:
        return Choice(Augmentation(fill=fill), float("nan"), ())
    order = np.random.default_rng(seed).permutation(count)
    held = order[:min(_HELD, count // 3)]
    learnt = order[len(held):len(held) + _LEARNT]
    images = images if isinstance(images, Filed) else np.asarray(images)
    pictures = torch.as_tensor(np.ascontiguousarray(images[learnt]))
    asked = _coarse(torch.as_tensor(np.ascontiguousarray(images[held])))
    base, truth = _coarse(pictures), labels[held]
    near, who = _nearest(asked, base)
    plain = labels[learnt][who] == truth
    trials = tuple(_trial(name, words, pictures, labels[learnt], asked, truth, (near, who), plain,
                          seed, fill) for name, words in CANDIDATES.items())
    words = _together([trial.words for trial in trials if trial.kept])
    return Choice(Augmentation(**words, fill=fill), float(plain.mean()), trials)


def _trial(
    name: str, words: Mapping[str, Any], pictures: torch.Tensor, labels: np.ndarray,
    asked: torch.Tensor, truth: np.ndarray, near: tuple[torch.Tensor, np.ndarray],
    plain: np.ndarray, seed: int, fill: str,
) -> Trial:
    generator = torch.Generator().manual_seed(seed)
    change = Augmenter({**words, "fill": fill})
    best, who = near
    for _ in range(_COPIES):
        away, found = _nearest(asked, _coarse(change.images(pictures, generator)))
        who = np.where((away < best).numpy(), found, who)
        best = torch.minimum(away, best)
    right = labels[who] == truth
    return Trial(name, dict(words), float(right.mean()), int((right & ~plain).sum()),
                 int((plain & ~right).sum()))


def _together(kept: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The words of all that is kept; both ways of mirroring are one word."""
    words: dict[str, Any] = {}
    for each in kept:
        both = "flip" in words and "flip" in each
        words.update({"flip": "both"} if both else each)
    return words


def _coarse(images: torch.Tensor) -> torch.Tensor:
    size = tuple(min(_SIDE, side) for side in images.shape[2:])
    return functional.adaptive_avg_pool2d(images.float(), size).flatten(1)


def _nearest(asked: torch.Tensor, known: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
    """Squared distance to the nearest (n,), and which it is."""
    size = (known * known).sum(1)
    best, at = [], []
    for part in asked.split(500):
        away = size[None, :] - 2 * part @ known.T + (part * part).sum(1)[:, None]
        found = away.min(dim=1)
        best.append(found.values)
        at.append(found.indices)
    return torch.cat(best), torch.cat(at).numpy()
