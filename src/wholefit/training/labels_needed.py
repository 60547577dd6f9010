"""How good the guesses are, and how many more labels would make them better.

    guess_quality   guesses against the answers that people gave afterwards, as they were given
    learning_curve  share of right guesses after learning 1/8, 1/4, 1/2 and all of the labels,
                    judged on a fair sample, and where the curve leads

The curve is error = a + b n^-c (Cortes et al. 1993), fitted to the points; its interval comes
from drawing the judged items anew. It reaches beyond what was seen and is a guide, no promise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.data.labels import Answer
from wholefit.evaluation.agreement import cohen_kappa
from wholefit.evaluation.intervals import student, wilson
from wholefit.evaluation.score import Score
from wholefit.training.prelabels import Learner, teachable

Array = np.ndarray
_SHARES = (0.125, 0.25, 0.5, 1.0)
_FOLDS, _REPEATS, _DRAWS = 5, 3, 200
# Fewer judged items say next to nothing about where the curve leads.
_FEWEST_JUDGED = 30
_FAR = 1_000_000


@dataclass(frozen=True)
class Curve:
    """Points (labels learnt, accuracy) and the law through them.

    `judged` items made the points; `law` is (a, b, c), None where the points do not fall;
    `draws` (draws, 3) the laws of redrawn items.
    """

    points: tuple[tuple[int, Score], ...]
    judged: int
    law: tuple[float, float, float] | None
    draws: Array

    def at(self, labels: int) -> float:
        """Accuracy that the law expects after so many labels; NaN without a law."""
        return math.nan if self.law is None else 1 - _error(self.law, labels)

    def needed(self, accuracy: float, level: float = 0.95) -> tuple[float, float, float]:
        """Labels in all for an accuracy: value, low and high; infinite where it is out of reach."""
        if self.law is None:
            return math.nan, math.nan, math.nan
        found = np.sort([_labels(law, 1 - accuracy) for law in self.draws])
        low, high = ((1 - level) / 2, (1 + level) / 2)
        ends = found[[int(low * (len(found) - 1)), math.ceil(high * (len(found) - 1))]]
        return _labels(self.law, 1 - accuracy), float(ends[0]), float(ends[1])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"judged": self.judged, "law": self.law,
                "points": [{"labels": n, "accuracy": score.to_json()}
                           for n, score in self.points]}


def guess_quality(answers: Iterable[Answer], level: float = 0.95) -> dict[str, Score]:
    """Guesses against the answers that followed them.

    "all", "random" (items drawn at random: what holds for every item), "blind" and "shown"
    (whether the annotator saw the guess: agreement with a shown guess is partly its own doing);
    "kappa" of the random ones, beyond chance; and "confidence", the mean probability that the
    guesses on random items claimed, which should be near their share of right ones.
    """
    kept = [a for a in answers if a.do == "answer" and "guess" in a.facts]
    groups = {"all": kept, "random": [a for a in kept if a.facts.get("drawn") != "uncertain"],
              "blind": [a for a in kept if not a.facts.get("shown")],
              "shown": [a for a in kept if a.facts.get("shown")]}
    found = {name: _share([a.label == a.facts["guess"] for a in group], name, level)
             for name, group in groups.items() if group}
    if groups["random"]:
        names = sorted({str(a.label) for a in kept} | {str(a.facts["guess"]) for a in kept})
        place = {name: at for at, name in enumerate(names)}
        found["kappa"] = cohen_kappa(
            np.array([place[str(a.label)] for a in groups["random"]]),
            np.array([place[str(a.facts["guess"])] for a in groups["random"]]),
            classes=len(names), level=level)
        claimed = [float(a.facts.get("p", math.nan)) for a in groups["random"]]
        found["confidence"] = Score("confidence", float(np.mean(claimed)), math.nan, math.nan,
                                    level, "mean of what the guesses claimed", len(claimed))
    return found


def learning_curve(
    learner: Learner, rows: Array, codes: Array, fair: Array, *, seed: int = 0,
    level: float = 0.95,
) -> Curve:
    """Learn shares of the labels (items `rows`, `codes`), judge on the items `fair` among them.

    Judged items are held out in turn (5 folds), and the rest, fair or not, is learnt; each
    share is drawn three times. DataError where there are too few labels to say anything.
    """
    judged = np.flatnonzero(np.isin(rows, fair))
    if len(judged) < _FEWEST_JUDGED or not teachable(codes):
        raise DataError(
            f"a learning curve needs {_FEWEST_JUDGED} labels of items drawn at random and two "
            f"classes; there are {len(judged)} of {len(np.unique(codes))}. Label more.")
    sizes, right = _trials(learner, rows, codes, judged, seed)
    points = tuple((int(n), _share(hit, "accuracy", level))
                   for n, hit in zip(sizes, right, strict=True))
    error = 1 - right.mean(axis=1)
    law = _law(sizes, error)
    draws = []
    if law is not None:
        rng = generator(seed, "curve")
        for _ in range(_DRAWS):
            pick = rng.integers(len(judged), size=len(judged))
            draws.append(_law(sizes, 1 - right[:, pick].mean(axis=1)) or (1.0, 0.0, 1.0))
    return Curve(points, len(judged), law, np.array(draws).reshape(-1, 3))


def _trials(
    learner: Learner, rows: Array, codes: Array, judged: Array, seed: int
) -> tuple[Array, Array]:
    """Labels learnt (shares,), and how often each judged item was guessed right (shares, n)."""
    rng = generator(seed, "learning curve")
    fold = rng.permutation(np.arange(len(judged)) % _FOLDS)
    sizes, right = [], []
    for share in _SHARES:
        hit, learnt = np.zeros(len(judged)), []
        for number in range(_FOLDS):
            held = judged[fold == number]
            train = np.setdiff1d(np.arange(len(rows)), held)
            for _ in range(1 if share == 1 else _REPEATS):
                some = rng.permutation(train)[:max(round(share * len(train)), 2)]
                learnt.append(len(some))
                hit[fold == number] += _hits(learner, rows, codes, some, held)
        sizes.append(np.mean(learnt))
        right.append(hit / (1 if share == 1 else _REPEATS))
    return np.array(sizes), np.array(right)


def _hits(learner: Learner, rows: Array, codes: Array, train: Array, held: Array) -> Array:
    """Which held items are guessed right; one class alone is guessed throughout."""
    if len(np.unique(codes[train])) < 2:
        return (codes[held] == codes[train[0]]).astype(float)
    proba = learner.fit(rows[train], codes[train])
    return (proba[rows[held]].argmax(axis=1) == codes[held]).astype(float)


def _law(sizes: Array, error: Array) -> tuple[float, float, float] | None:
    """(a, b, c) of error = a + b n^-c through the points; None where they do not fall.

    For each c of a grid, a and b >= 0 are least squares; the best c is kept.
    """
    from scipy.optimize import nnls

    if error[-1] >= error[0]:
        return None
    best: tuple[float, float, float] | None = None
    least = math.inf
    for c in np.linspace(0.1, 1.5, 29):
        (a, b), rest = nnls(np.column_stack([np.ones(len(sizes)), sizes**-c]), error)
        if b > 0 and rest < least - 1e-12:
            best, least = (float(a), float(b), float(c)), rest
    return best


def _error(law: tuple[float, float, float] | Array, labels: float) -> float:
    a, b, c = law
    return float(a + b * labels**-c)


def _labels(law: tuple[float, float, float] | Array, error: float) -> float:
    """Labels at which the law comes down to an error; infinite beyond a million, or never."""
    a, b, c = (float(x) for x in law)
    if error <= a or b <= 0:
        return 0.0 if b <= 0 and a <= error else math.inf
    logged = math.log(b / (error - a)) / c
    return math.exp(logged) if logged < math.log(_FAR) else math.inf


def _share(hits: Any, name: str, level: float) -> Score:
    hits = np.asarray(hits, dtype=float)
    n, value = len(hits), float(hits.mean())
    low, high = wilson(value, n, student(level, max(n - 1, 1)))
    return Score(name, value, low, high, level, f"Wilson interval, {n} items", n)
