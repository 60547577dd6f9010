"""How rows lie before a network: numbers as normal scores, codes one-hot, pixels scaled; and back.

The first feature, where rows are conditioned on a label, is not laid out: it is given apart.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels._marginals import Marginals, ranked

MOST_LEVELS = 200
"""A category of more levels shares one place for its rarer ones: no network has room for all."""


class Laid:
    """What stands where: `levels` (p,) of each feature, 0 of a number; `first` is 1 where the
    first feature is the label; `pixels` says that the rest is one image.
    """

    def __init__(
        self, marginals: Marginals, levels: np.ndarray, first: int, pixels: bool
    ) -> None:
        self.marginals, self.levels, self.first, self.pixels = marginals, levels, first, pixels
        rest = np.arange(first, len(levels))
        self.numbers = rest[levels[rest] == 0]
        self.blocks = [(int(at), int(min(levels[at], MOST_LEVELS)))
                       for at in rest[levels[rest] > 0]]

    @classmethod
    def of(cls, state: State) -> Laid:
        """Back from a state; StateError if it does not hold together."""
        marginals = Marginals.of(state.arrays)
        levels = np.asarray(state.arrays["feature_levels"], dtype=np.int64)
        if len(levels) != len(marginals) or (levels < 0).any():
            raise StateError("the features of a generator do not belong together.")
        first = 1 if state.config["classes"] else 0
        return cls(marginals, levels, first, bool(state.config["pixels"]))

    def arrays(self) -> dict[str, np.ndarray]:
        """What `of` needs."""
        return {**self.marginals.arrays(), "feature_levels": self.levels}

    @property
    def sizes(self) -> list[int]:
        """Levels of each block of one-hot codes."""
        return [count for _, count in self.blocks]

    @property
    def width(self) -> int:
        """Numbers a row has before the network."""
        return len(self.numbers) + sum(count for _, count in self.blocks)

    def out(self, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Rows (n, p) laid out, float32 (n, width); missing numbers rank lowest."""
        if self.pixels:
            return np.asarray(np.nan_to_num(X[:, self.first:]) / 255, dtype=np.float32)
        parts = [ndtri(ranked(X[:, self.numbers], rng))]
        for at, count in self.blocks:
            codes = np.minimum(X[:, at].astype(np.int64), count - 1)
            parts.append(np.eye(count)[codes])
        return np.concatenate(parts, axis=1).astype(np.float32)

    def back(self, scores: np.ndarray, picks: np.ndarray, label: np.ndarray | None) -> np.ndarray:
        """Rows (n, p) from normal scores (n, numbers), codes (n, blocks), and labels (n,)."""
        rows = np.empty((len(scores), len(self.levels)))
        even = ndtr(scores)
        for place, at in enumerate(self.numbers):
            rows[:, at] = self.marginals.column(int(at), even[:, place])
        for place, (at, _) in enumerate(self.blocks):
            rows[:, at] = picks[:, place]
        return self._labelled(rows, label)

    def image(self, shades: np.ndarray, label: np.ndarray | None) -> np.ndarray:
        """Rows (n, p) from shades 0 to 1, as pixels 0 to 255."""
        rows = np.empty((len(shades), len(self.levels)))
        rows[:, self.first:] = np.clip(shades, 0, 1) * 255
        return self._labelled(rows, label)

    def _labelled(self, rows: np.ndarray, label: np.ndarray | None) -> np.ndarray:
        if label is not None:
            rows[:, 0] = label
        return rows

    def labels(self, count: int, given: int | None, rng: np.random.Generator) -> np.ndarray | None:
        """A label for each new row: the one that is given, or drawn by their shares."""
        if not self.first:
            return None
        if given is not None:
            self.marginals.interval(0, given)
            return np.full(count, given, dtype=np.int64)
        return self.marginals.column(0, rng.random(count)).astype(np.int64)

    def picked(self, logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Codes (n, blocks) drawn by logits (n, all levels), block after block (Gumbel 1954)."""
        found, start = [], 0
        for _, count in self.blocks:
            block = logits[:, start:start + count]
            noise = -np.log(-np.log(np.clip(rng.random(block.shape), 1e-12, 1 - 1e-12)))
            found.append((block + noise).argmax(axis=1))
            start += count
        return np.column_stack(found) if found else np.zeros((len(logits), 0))
