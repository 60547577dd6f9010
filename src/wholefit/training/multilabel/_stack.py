"""What labels tell of each other: each label's log odds corrected by those of all labels.

The answers of models that look at one label each are corrected by a linear map of all their log
odds (stacked binary relevance: Godbole and Sarawagi, Discriminative methods for multi-labeled
classification, 2004), learnt from answers to rows that the models had not seen. The map is drawn
to changing nothing, and how strongly is settled by rows that it has not seen either, so that
labels that tell nothing of each other stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wholefit.base.state import State

KIND = "label_stack"
# A surer answer than this corrects others no more.
_LEAST = 1e-4
# Pulls towards changing nothing, each as many rows' worth of squared weight.
PULLS = (3.0, 30.0, 300.0, 3000.0)
_STEPS = 60


@dataclass(frozen=True, eq=False)
class Stack:
    """What is added to the log odds of each label: `weights` (labels, labels) times those of all,
    less `middle` (labels,), and `shift` (labels,)."""

    weights: np.ndarray
    middle: np.ndarray
    shift: np.ndarray

    @property
    def width(self) -> int:
        """Number of labels."""
        return len(self.shift)

    def answer(self, given: np.ndarray) -> np.ndarray:
        """Corrected probabilities (n, labels) of probabilities (n, labels)."""
        odds = log_odds(given)
        raw = odds + (odds - self.middle) @ self.weights + self.shift
        return np.asarray(1 / (1 + np.exp(-raw)))

    def state(self) -> State:
        """As plain data."""
        return State(KIND, {}, {"weights": self.weights, "middle": self.middle,
                                "shift": self.shift})

    @classmethod
    def from_state(cls, state: State) -> Stack:
        """Read back what `state` wrote; ValueError where its parts do not fit."""
        made = cls(*(np.asarray(state.arrays[name], dtype=np.float64)
                     for name in ("weights", "middle", "shift")))
        if made.weights.shape != (made.width, made.width) or made.middle.shape != (made.width,) \
                or not all(np.isfinite(each).all() for each in (
                    made.weights, made.middle, made.shift)):
            raise ValueError("the map between labels must be finite numbers of one size")
        return made


def log_odds(given: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), none beyond that of a very sure answer."""
    safe = np.clip(given, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(safe / (1 - safe)))


def learn(
    given: np.ndarray, truth: np.ndarray, weights: np.ndarray | None, pull: float
) -> Stack:
    """The map that makes the truth (n, labels; NaN where not known) most likely, less its pull."""
    from scipy.optimize import minimize

    odds, known = log_odds(given), ~np.isnan(truth)
    middle = odds.mean(axis=0)
    Z, y = odds - middle, np.nan_to_num(truth)
    heavy = known * (1.0 if weights is None else (weights / weights.mean())[:, None])
    n, width = truth.shape

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        W, b = flat[:-width].reshape(width, width), flat[-width:]
        raw = odds + Z @ W + b
        likely = 1 / (1 + np.exp(-raw))
        cost = float((heavy * (np.logaddexp(0.0, raw) - y * raw)).sum() + pull * (W * W).sum())
        gap = heavy * (likely - y)
        return cost / n, np.concatenate([(Z.T @ gap + 2 * pull * W).ravel(), gap.sum(axis=0)]) / n

    found = minimize(loss, np.zeros(width * width + width), jac=True, method="L-BFGS-B",
                     options={"maxiter": _STEPS}).x
    return Stack(found[:-width].reshape(width, width), middle, found[-width:])


def crossed(
    given: np.ndarray, truth: np.ndarray, weights: np.ndarray | None,
    parts: Sequence[np.ndarray],
) -> tuple[np.ndarray, Stack]:
    """Corrected answers to rows that the map had not seen, and the map of all rows.

    `parts` are rows that are held out in turn. The pull of each part's map is the one that does
    best on the other parts.
    """
    seen = np.concatenate(parts)
    answers = [np.full(given.shape, np.nan) for _ in PULLS]
    lost = np.zeros((len(PULLS), len(parts)))
    for number, part in enumerate(parts):
        rest = np.setdiff1d(seen, part)
        heavy = None if weights is None else weights[rest]
        for at, pull in enumerate(PULLS):
            answers[at][part] = learn(given[rest], truth[rest], heavy, pull).answer(given[part])
            cells = np.nan_to_num(losses(answers[at][part], truth[part]))
            lost[at, number] = (cells if weights is None else cells * weights[part, None]).sum()
    found = np.full(given.shape, np.nan)
    for number, part in enumerate(parts):
        others = np.delete(lost, number, axis=1) if len(parts) > 1 else lost
        found[part] = answers[int(others.sum(axis=1).argmin())][part]
    best = PULLS[int(lost.sum(axis=1).argmin())]
    return found, learn(given[seen], truth[seen], None if weights is None else weights[seen], best)


def losses(given: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """-log of the probability given to each cell's truth, (n, labels); NaN where not known."""
    safe = np.clip(given, 1e-15, 1 - 1e-15)
    return np.asarray(-truth * np.log(safe) - (1 - truth) * np.log(1 - safe))
