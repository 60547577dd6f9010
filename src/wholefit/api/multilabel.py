"""Several labels at once: what `wf.fit(..., target=["red", "round", "sweet"])` gives.

>>> result = wf.fit("scenes.csv", target=["beach", "sunset", "field"])   # doctest: +SKIP
>>> result.predict("new.csv")                                          # doctest: +SKIP
>>> result.labels                                                      # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from wholefit import evaluation
from wholefit.api.found import FoundResult
from wholefit.base.errors import ParameterError, unknown
from wholefit.base.stored import reading
from wholefit.evaluation import Score
from wholefit.training.found import trusting
from wholefit.training.multilabel._labels import Labels
from wholefit.training.multilabel._parts import Parts
from wholefit.training.multilabel._thresholds import checked_rule
from wholefit.training.multilabel._told import facts_of

# Scores of a label that hang on its threshold.
_DECIDED = ("f1", "precision", "recall")
_UNREAD = "what the model file says of its labels cannot be read"


class Multilabel(FoundResult):
    """Fitted models that say of each of several labels whether a row holds it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The labels, in the order of every answer."""
        return self._labels.names

    @property
    def thresholds(self) -> dict[str, float]:
        """The probability from which on a row is given each label."""
        return dict(zip(self.names, self._limits.tolist(), strict=True))

    @property
    def labels(self) -> pl.DataFrame:
        """One row a label: rows that hold it, threshold, and its scores on unseen rows.

        Each score has its interval beside it, in columns such as "f1_low" and "f1_high".
        """
        with reading(_UNREAD):
            return pl.DataFrame([_row(each) for each in self._found.told["each"]])

    @property
    def importance(self) -> pl.DataFrame | None:
        """How much shuffling a column costs, mean and for each label, in nats of log loss.

        Measured on held-out rows of one fold; None where the budget left no time for it.
        """
        with reading(_UNREAD):
            told = self._found.told["importance"]
            if told is None:
                return None
            each = np.array(told["each"], dtype=np.float64).reshape(len(told["columns"]), -1)
            return pl.DataFrame({
                "column": told["columns"], "value": told["value"], "low": told["low"],
                "high": told["high"],
                **{f"on {name}": each[:, at] for at, name in enumerate(self.names)}})

    def predict(self, new: Any, **options: Any) -> Any:
        """The labels that each row holds, in the form that the rows learnt from had them.

        Columns of labels give columns of their own two values; a column of sets gives such a
        column, where they were lists as JSON arrays. A numpy question gets 0 and 1, (n, labels).
        `options` are policies and options of `wf.read`.
        """
        dataset = self.asked(new, options)
        held = self._parts_answer(dataset) >= self._limits
        if dataset.guest == "numpy":
            return held.astype(np.int64)
        return self.framed(dataset, new, self._labels.written(held))

    def predict_proba(self, new: Any, **options: Any) -> Any:
        """The probability of each label, each for itself: columns "p_" and the label's name.

        (One "p_" more where a label itself is called so.) A numpy question gets (n, labels).
        """
        dataset = self.asked(new, options)
        answer = self._parts_answer(dataset)
        if dataset.guest == "numpy":
            return answer
        return self.framed(dataset, new, self._columns(answer))

    def answers(self, new: Any, **options: Any) -> Any:
        """What `wholefit predict` writes: the labels, and the probability of each."""
        dataset = self.asked(new, options)
        answer = self._parts_answer(dataset)
        return self.framed(dataset, new, {**self._labels.written(answer >= self._limits),
                                          **self._columns(answer)})

    def evaluate(
        self, held_out: Any, metric: str | None = None, **options: Any
    ) -> dict[str, Score]:
        """Scores on rows whose labels are known and that were not learnt from, with intervals.

        Every metric of the task; `metric` names the one that is given first. Raises SchemaError
        where the rows lack a label's column, UnknownNameError for a metric that is not known.
        """
        truth, answer, weights, units = self._held(held_out, options)
        names = [each for each in (metric,) if each is not None]
        names += [name for name in self._found.task.metrics if name not in names]
        return evaluation.score(self.task, truth, answer, metrics=names, weights=weights,
                                units=units, predicted=answer >= self._limits)

    def evaluate_labels(self, held_out: Any, **options: Any) -> pl.DataFrame:
        """The scores of each label on rows not learnt from: a row a label, as `labels` has them."""
        truth, answer, weights, units = self._held(held_out, options)
        facts = facts_of(self.names, truth, answer, answer >= self._limits, self._limits, weights,
                         units)
        return pl.DataFrame([_row(each) for each in facts])

    def with_thresholds(self, thresholds: float | Mapping[str, float]) -> Multilabel:
        """The same models deciding by other thresholds: one for all labels, or by label's name.

        Labels that are not named keep theirs. Scores told of the fit stay those of its own
        thresholds; nothing is fitted.
        """
        wanted = thresholds if isinstance(thresholds, Mapping) else dict.fromkeys(
            self.names, thresholds)
        limits = dict(self.thresholds)
        for name, value in wanted.items():
            if name not in limits:
                raise unknown("label", str(name), list(self.names))
            rule = checked_rule(value)
            if rule == "f1":
                raise ParameterError("thresholds for F1 are chosen on unseen rows, when a model is "
                                     "fitted: fit with threshold='f1'.")
            limits[name] = float(rule)
        with reading(_UNREAD):
            each = [_at(one, limits[one["name"]]) for one in self._found.told["each"]]
        told = {**self._found.told, "thresholds": [limits[name] for name in self.names],
                "rule": "stated", "each": each}
        return Multilabel(replace(self._found, told=told), self._sketch)

    @cached_property
    def _labels(self) -> Labels:
        with reading(_UNREAD):
            return Labels.from_json(self._found.told["labels"])

    @cached_property
    def _limits(self) -> np.ndarray:
        with reading(_UNREAD):
            found = np.array(self._found.told["thresholds"], dtype=np.float64)
            if found.shape != (len(self._labels),) or not ((found > 0) & (found < 1)).all():
                raise ValueError("each label must have a threshold above 0 and below 1")
            return found

    @cached_property
    def _parts(self) -> Parts:
        with trusting(self._found):
            made = Parts.of(self._found.states, self._found.told["parts"])
            if made.width != len(self._labels):
                raise ValueError("its models do not answer its labels")
            return made

    def _parts_answer(self, dataset: Any) -> np.ndarray:
        with trusting(self._found):
            return self._parts.probabilities(dataset)

    def _columns(self, answer: np.ndarray) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for at, name in enumerate(self.names):
            column = f"p_{name}"
            while column in self.names or column in found:  # a label may be called so itself
                column = f"p_{column}"
            found[column] = answer[:, at]
        return found

    def _held(self, held_out: Any, options: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
        """Truth and answer of rows to be judged, (n, labels) each; weights and groups, or None."""
        dataset = self.asked(held_out, options)
        there = {role for role in ("weight", "group")
                 if set(self.schema.having(role)) & set(dataset.frame.columns)}
        return (self._labels.truth(dataset.original), self._parts_answer(dataset),
                dataset.weights() if "weight" in there else None,
                dataset.groups() if "group" in there else None)


def _at(told: Mapping[str, Any], threshold: float) -> dict[str, Any]:
    """A label's facts at another threshold: what was measured at its own is no longer known."""
    if threshold == told["threshold"]:
        return dict(told)
    unknown_ = {name: {**score, "value": None, "low": None, "high": None,
                       "how": "undefined: its threshold was stated after the fit"}
                for name, score in told["scores"].items() if name in _DECIDED}
    return {**told, "threshold": threshold, "scores": {**told["scores"], **unknown_}}


def _row(told: Mapping[str, Any]) -> dict[str, Any]:
    """One label as a row of a table."""
    scores: dict[str, float] = {}
    for name, stored in told["scores"].items():
        score = Score.from_json(stored)
        scores |= {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}
    return {"label": told["name"], "held": told["held"], "known": told["known"],
            "threshold": told["threshold"], **scores}


RESULT = Multilabel
