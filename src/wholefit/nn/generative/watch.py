"""Early warning while a pair trains: does the generator still make all that the data holds?

After each epoch rows are made and held against real ones, in a space of features:

    diversity   mean distance between two made rows over that between two real ones; 1 is right
    coverage    share of real rows with a made one nearer than their fifth nearest real one
                (Naeem et al. 2020), over the 0.97 that as many fresh real rows would reach
    left_out    share of real rows with no made one even near: farther than that by a tenth of the
                distance of two rows; near 0 where every mode is made, however roughly

A generator that makes one thing again and again has little of both; what it makes may look good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from wholefit.base.events import emit
from wholefit.base.seeds import generator as seeded

_ROWS = 512
_NEAR = 5
_LEAST_DIVERSITY, _MOST_LEFT_OUT = 0.5, 0.2
_MARGIN = 0.1
_WARM_UP = 0.4
"""Share of the steps after which little diversity is a collapse and no mere beginning."""
_WINS = 0.98


class Watch:
    """A callback of the loop: adds diversity and coverage to the history, warns in a sentence.

    `said` holds the warnings, but for a collapse that was over in the end; each is emitted once,
    when it is first seen, as event "mode_collapse" or "one_side_wins". The second needs an
    accuracy, which a critic (loss "wasserstein") has not: its scores part nothing at 0.
    """

    def __init__(
        self, work: Any, rows: Any, *, features: Callable[[Any], Any] | None = None,
        seed: int = 0, most: int = _ROWS,
    ) -> None:
        self.work, self.features = work, features or _flat
        drawn = seeded(seed, "watch").permutation(len(rows))[:most]
        self.at = np.sort(drawn)
        self.real = np.asarray(self.features(np.asarray(rows)[self.at]), np.float64)
        self.spread = pairwise(self.real)
        self.reach = nearest(self.real, self.real, _NEAR, own=True)
        self.said: list[str] = []
        self._told: set[str] = set()
        self._lost = 0

    def __call__(self, event: str, loop: Any) -> None:
        """Measure at the end of each epoch; at the end of all, forget a collapse that is over."""
        if event == "end" and not self._lost:
            self.said = [said for said in self.said if not said.startswith("mode collapse")]
        if event != "epoch" or len(self.real) <= _NEAR + 1:
            return
        found = self.measure()
        loop.history[-1].update(found)
        late = loop.steps is None or loop.step >= _WARM_UP * loop.steps
        self._warn(found, loop.history[-1], loop.step, late)

    def measure(self) -> dict[str, float]:
        """Diversity and coverage of what the generator makes now."""
        work = self.work
        kept = work.noise.get_state()  # looking must not change what is learnt
        module = work.answering()
        mode = module.training
        module.eval()
        labels = work.batches.arrays[1] if len(work.batches.arrays) > 1 else None
        with torch.no_grad():
            label = None if labels is None else labels[torch.as_tensor(self.at).to(labels.device)]
            made = work.made(len(self.real), label, module).float().cpu().numpy()
        module.train(mode)
        work.noise.set_state(kept)
        rows = np.nan_to_num(np.asarray(self.features(made), np.float64))
        return {"diversity": pairwise(rows) / max(self.spread, 1e-12),
                "coverage": covered(self.real, self.reach, rows),
                "left_out": self._left_out(rows)}

    def _left_out(self, made: np.ndarray) -> float:
        return float((nearest(self.real, made) > self.reach + _MARGIN * self.spread).mean())

    def _warn(
        self, found: dict[str, float], row: dict[str, float], step: int, late: bool
    ) -> None:
        low = found["diversity"] < _LEAST_DIVERSITY or found["left_out"] > _MOST_LEFT_OUT
        self._lost = self._lost + 1 if low and late else 0
        if self._lost == 2:  # twice running: a single bad look is a wobble
            self._tell("mode_collapse", (
                f"mode collapse: after {step:,} steps what the generator makes has "
                f"{found['diversity']:.0%} of the data's spread and leaves out "
                f"{found['left_out']:.0%} of its rows; give penalty='r1' or 'gradient', more rows "
                "a step, or a slower discriminator"), step, found)
        if "accuracy" in row and row["accuracy"] > _WINS and late:
            self._tell("one_side_wins", (
                f"the discriminator wins: after {step:,} steps it tells {row['accuracy']:.1%} of "
                "real and made rows apart, which leaves the generator little to learn from; give "
                "a penalty, a smaller discriminator_rate, or fewer discriminator_steps"), step,
                found)

    def _tell(self, event: str, sentence: str, step: int, found: dict[str, float]) -> None:
        if event in self._told:
            return
        self._told.add(event)
        self.said.append(sentence)
        emit(event, message=sentence, step=step, **found)


def pairwise(rows: np.ndarray) -> float:
    """Mean distance between two different rows."""
    square = (rows * rows).sum(axis=1)
    between = np.maximum(square[:, None] + square - 2 * rows @ rows.T, 0)
    n = len(rows)
    return float(np.sqrt(between).sum() / max(n * (n - 1), 1))


def nearest(rows: np.ndarray, among: np.ndarray, k: int = 1, *, own: bool = False) -> np.ndarray:
    """Distance (n,) of each row to its k-th nearest of `among`; `own` leaves itself out."""
    square = (rows * rows).sum(axis=1)[:, None] + (among * among).sum(axis=1)
    between = np.maximum(square - 2 * rows @ among.T, 0)
    at = min(k - 1 + own, len(among) - 1)
    return np.sqrt(np.partition(between, at, axis=1)[:, at])


def covered(real: np.ndarray, reach: np.ndarray, made: np.ndarray) -> float:
    """Share of real rows with a made one within `reach`, over what fresh real rows would cover."""
    return float((nearest(real, made) <= reach).mean()) / (1 - 0.5 ** _NEAR)


def _flat(rows: Any) -> np.ndarray:
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)
