"""Consensus: one answer for each item out of several annotators' answers.

    majority       the class that most gave; a tie is said, never broken by chance
    dawid_skene    each annotator's own habits of error are estimated together with the answers,
                   so that careful ones count more (Dawid and Skene 1979, expectation-maximisation)

Ratings are codes (items, annotators), -1 where an annotator gave no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError

Array = np.ndarray
# What each cell of a confusion matrix is given beforehand, so that no class is ruled out by an
# annotator who happened never to be asked about it.
_PRIOR = 0.1


@dataclass(frozen=True, eq=False)
class Majority:
    """Votes (items, classes); `label` (items,) codes, -1 where tied or unanswered.

    `tied` (items,) marks items whose most frequent classes are equally frequent; `share` is
    that of the most frequent class, NaN where nobody answered.
    """

    label: Array
    share: Array
    tied: Array
    votes: Array


@dataclass(frozen=True, eq=False)
class DawidSkene:
    """What expectation-maximisation found.

    `posterior` (items, classes); `label` its most probable class, -1 where nobody answered;
    `confusion` (annotators, classes, classes): row the true class, column the one given, rows
    sum to 1; `prior` (classes,); `accuracy` (annotators,): how often each is right, at the
    classes' prior; `objective` after each round, never falling; `converged`.
    """

    posterior: Array
    label: Array
    confusion: Array
    prior: Array
    accuracy: Array
    objective: tuple[float, ...]
    converged: bool

    def to_json(self) -> dict[str, Any]:
        """Annotators and prior as plain JSON values."""
        return {"confusion": self.confusion.tolist(), "prior": self.prior.tolist(),
                "accuracy": self.accuracy.tolist(), "rounds": len(self.objective),
                "converged": self.converged}


def majority(ratings: Array, classes: int) -> Majority:
    """The most frequent class of each item of `ratings` (items, annotators), codes, -1 missing."""
    votes = _votes(_checked(ratings, classes), classes)
    most = votes.max(axis=1, initial=0)
    answered = most > 0
    tied = answered & ((votes == most[:, None]).sum(axis=1) > 1)
    label = np.where(answered & ~tied, votes.argmax(axis=1), -1)
    with np.errstate(invalid="ignore"):
        share = np.where(answered, most / np.maximum(votes.sum(axis=1), 1), np.nan)
    return Majority(label.astype(np.int32), share, tied, votes)


def dawid_skene(
    ratings: Array, classes: int, *, rounds: int = 500, tolerance: float = 1e-8,
    prior: float = _PRIOR,
) -> DawidSkene:
    """Answers and annotators' confusion matrices together, from codes (items, annotators).

    Starts from the shares of votes. `prior` is added to every cell of every confusion matrix
    and every class (so the rounds climb to a posterior mode); 0 is the method as first
    published. Stops when a round raises the objective by less than `tolerance` an answer.
    """
    if rounds < 1 or prior < 0:
        raise ParameterError(f"rounds must be >= 1 and prior >= 0; got {rounds} and {prior}.")
    codes = _checked(ratings, classes)
    item, annotator = np.nonzero(codes >= 0)
    given = codes[item, annotator]
    votes = _votes(codes, classes).astype(float)
    posterior = np.full(votes.shape, 1 / classes)
    answered = votes.sum(axis=1) > 0
    posterior[answered] = votes[answered] / votes[answered].sum(axis=1, keepdims=True)
    objective: list[float] = []
    converged = False
    for _ in range(rounds):
        confusion, shares = _maximise(posterior, answered, item, annotator, given,
                                      codes.shape[1], prior)
        posterior, found = _expect(confusion, shares, item, annotator, given, len(codes))
        found += prior * float(_log(confusion).sum() + _log(shares).sum()) if prior else 0.0
        objective.append(found)
        if len(objective) > 1 and found - objective[-2] < tolerance * max(len(given), 1):
            converged = True
            break
    label = np.where(answered, posterior.argmax(axis=1), -1).astype(np.int32)
    accuracy = np.einsum("ajj,j->a", confusion, shares)
    return DawidSkene(posterior, label, confusion, shares, accuracy, tuple(objective), converged)


def _maximise(
    posterior: Array, answered: Array, item: Array, annotator: Array, given: Array,
    annotators: int, prior: float,
) -> tuple[Array, Array]:
    """Confusion matrices and shares of the classes that make the posterior most likely."""
    classes = posterior.shape[1]
    counts = np.full((annotators, classes, classes), prior)
    flat = annotator * classes + given
    for true in range(classes):
        weights = np.bincount(flat, posterior[item, true], minlength=annotators * classes)
        counts[:, true, :] += weights.reshape(annotators, classes)
    total = counts.sum(axis=2, keepdims=True)
    confusion = np.divide(counts, total, out=np.full_like(counts, 1 / classes), where=total > 0)
    shares = posterior[answered].sum(axis=0) + prior
    return confusion, shares / max(shares.sum(), 1e-300)


def _expect(
    confusion: Array, shares: Array, item: Array, annotator: Array, given: Array, items: int,
) -> tuple[Array, float]:
    """The posterior of each item, and the log-likelihood of all answers."""
    logs = np.tile(_log(shares), (items, 1))
    np.add.at(logs, item, _log(confusion)[annotator, :, given])
    peak = logs.max(axis=1, keepdims=True)
    odds = np.exp(logs - peak)
    total = odds.sum(axis=1, keepdims=True)
    answered = np.zeros(items, dtype=bool)
    answered[item] = True
    return odds / total, float((peak + np.log(total))[answered].sum())


def _log(values: Array) -> Array:
    return np.log(np.maximum(values, 1e-300))


def _votes(codes: Array, classes: int) -> Array:
    votes = np.zeros((len(codes), classes), dtype=np.int64)
    item, annotator = np.nonzero(codes >= 0)
    np.add.at(votes, (item, codes[item, annotator]), 1)
    return votes


def _checked(ratings: Array, classes: int) -> Array:
    codes = np.asarray(ratings)
    if codes.ndim != 2 or codes.dtype.kind not in "iu":
        raise DataError("ratings must be whole codes (items, annotators), -1 where missing; got "
                        f"{codes.dtype} of shape {codes.shape}.")
    if classes < 2 or codes.max(initial=-1) >= classes or codes.min(initial=0) < -1:
        raise DataError(f"ratings must be codes from -1 (missing) to {classes - 1} of at least 2 "
                        f"classes; got {codes.min(initial=0)} to {codes.max(initial=-1)}.")
    return codes.astype(np.int64)
