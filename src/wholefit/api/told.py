"""What a fitted model says of itself: the task, the scores, the columns, where it came from."""

from __future__ import annotations

from typing import Any

from wholefit.api import _choice, _record
from wholefit.api._shown import Findings, Scores
from wholefit.api.leaderboard import Leaderboard
from wholefit.base.stored import reading
from wholefit.data import Schema
from wholefit.evaluation import Score
from wholefit.training import Fitted
from wholefit.training.decision import Decision


class Told:
    """The facts of a fit, as a Result tells them."""

    _fitted: Fitted
    _facts: _record.Facts

    @property
    def task(self) -> str:
        """Name of the task."""
        return self._fitted.task.name

    @property
    def said(self) -> str:
        """The task and why it is that one, in a sentence."""
        return self._facts.said

    @property
    def target(self) -> str:
        """Name of the predicted column."""
        return str(self._fitted.schema.target)

    @property
    def schema(self) -> Schema:
        """Columns, their roles and the reasons, as learnt; enforced at prediction."""
        return self._fitted.schema

    @property
    def model(self) -> str:
        """Leaderboard name of the model that answers."""
        return self._facts.chosen.model

    @property
    def score(self) -> Score:
        """The comparing metric's value and interval, from rows the model had not seen."""
        return self._facts.chosen.scores[self._facts.metric]

    @property
    def expected(self) -> Score:
        """The score to expect on new rows.

        It is `score`, which is that of the folds' models, less what the model that answers should
        gain over them: by learning from all rows or, where the folds' models answer, by their
        mean. Told for log loss, MSE and RMSE, where there was time to measure it.
        """
        with reading("what the model file expects of new rows cannot be read"):
            told = self._facts.lineage.get("ensemble", {}).get("expected")
            found = self.score if told is None else Score.from_json(told)
        return found if found.metric == self._facts.metric else self.score

    @property
    def scores(self) -> dict[str, Score]:
        """Every metric of the model that answers."""
        return Scores(self._facts.chosen.scores)

    @property
    def leaderboard(self) -> Leaderboard:
        """All models tried, best first, ties marked, the recommended one named."""
        return Leaderboard(self._facts.entries, self._facts.metric)

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """Classes in order of the probability columns; None for a number."""
        return getattr(self._fitted.codec, "classes", None)

    @property
    def decision(self) -> Decision | None:
        """How probabilities become a prediction; None where the most probable class is said."""
        return self._fitted.decision

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should be known before the result is trusted."""
        return self._facts.warnings

    @property
    def notes(self) -> tuple[Any, ...]:
        """What reading repaired or recognised."""
        return self._facts.notes

    @property
    def findings(self) -> tuple[Any, ...]:
        """What was found in the data before it was learnt from, the gravest first."""
        return Findings(self._facts.findings)

    @property
    def selection(self) -> list[dict[str, Any]] | None:
        """What became of each feature where `features={"select": ...}` chose; else None."""
        return _choice.table(self._fitted.encoder)

    @property
    def split(self) -> str:
        """How rows were split for the scores, in one sentence."""
        return self._facts.split

    @property
    def lineage(self) -> dict[str, Any]:
        """Source, data hash, versions, seed, schedule."""
        return dict(self._facts.lineage)

    @property
    def exhibits(self) -> dict[str, Any]:
        """What the report's pictures show of the answers to unseen rows; JSON-able."""
        return dict(self._facts.exhibits())
