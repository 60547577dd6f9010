"""Naive Bayes: each feature on its own says how likely each class is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_counts, for_distances
from wholefit.models import _states
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class _Naive(Model):
    """What the naive models share."""

    family = "bayes"
    readable = True
    tasks = ("classification",)
    incremental = True

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "gaussian_nb", "multinomial_nb" or "bernoulli_nb", with the counts learnt from."""
        return _states.read(estimator, context)

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """The fitted estimator, so that `partial_fit` goes on where it stopped."""
        from wholefit.models._restore import restore

        return restore(self.build(task, context), state)


@dataclass(frozen=True)
class GaussianNB(_Naive):
    """A normal distribution for each feature in each class."""

    name = "gaussian_nb"
    burden = 12
    pace = 0.2
    summary = ("Almost no rows needed and nothing to tune; its probabilities are far too sure "
               "where features are correlated.")

    var_smoothing: float = param(
        0.1, "Share of the largest variance that is added to all variances; far smaller values "
        "let one rare category outvote all other columns.",
        above=0, search=(1e-4, 1.0), log=True)

    def encoding(self, task: Task) -> Encoding:
        """Dense, on one scale, so that the smoothing treats features alike."""
        return for_distances()

    def build(self, task: Task, context: Context) -> Any:
        """sklearn's GaussianNB."""
        from sklearn.naive_bayes import GaussianNB as Learner

        return Learner(var_smoothing=self.var_smoothing)

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """As any classifier's, cleared of rounding.

        Sums over small variances reach 1e9. There the order of adding, which numpy takes from
        the layout of the rows, shows in the probabilities, and scikit-learn's miss one by 1e-7.
        """
        found = super().answer(estimator, np.ascontiguousarray(X), task, context)
        return found / found.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class MultinomialNB(_Naive):
    """Shares of each feature's total in each class: made for word counts."""

    name = "multinomial_nb"
    burden = 12
    pace = 0.2
    summary = ("A fast, strong baseline for text and other counts; numbers that are no counts "
               "fit it badly, and its probabilities are too sure.")

    alpha: float = param(1.0, "Count added to every feature (Laplace smoothing).",
                         above=0, search=(1e-3, 10.0), log=True)
    fit_prior: bool = param(True, "Learn the shares of the classes; otherwise they are equal.")

    def encoding(self, task: Task) -> Encoding:
        """Nothing below zero."""
        return for_counts()

    def build(self, task: Task, context: Context) -> Any:
        """sklearn's MultinomialNB, on counts that are never below 0."""
        from wholefit.models._counts import CountsNB

        return CountsNB(alpha=self.alpha, fit_prior=self.fit_prior)


@dataclass(frozen=True)
class BernoulliNB(_Naive):
    """Presence and absence of each feature in each class."""

    name = "bernoulli_nb"
    burden = 12
    pace = 0.2
    summary = ("For yes/no features and short texts, where a missing word tells something too; "
               "numbers are cut to yes or no at a threshold.")

    alpha: float = param(1.0, "Count added to presence and to absence (Laplace smoothing).",
                         above=0, search=(1e-3, 10.0), log=True)
    threshold: float = param(0.0, "Features above this count as present; numbers lie in 0..1.",
                             low=0, search=(0.0, 0.5))
    fit_prior: bool = param(True, "Learn the shares of the classes; otherwise they are equal.")

    def encoding(self, task: Task) -> Encoding:
        """Nothing below zero."""
        return for_counts()

    def build(self, task: Task, context: Context) -> Any:
        """sklearn's BernoulliNB."""
        from sklearn.naive_bayes import BernoulliNB as Learner

        return Learner(alpha=self.alpha, binarize=self.threshold, fit_prior=self.fit_prior)
