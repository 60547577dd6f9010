"""Fitted: schema, encoder, model and target codec together: rows in, answers out.

A fitted model lives in two forms. While only training needs it, it is the library's own
estimator. The first time it must answer, be saved or be compared with its loaded copy, it is
turned into State, and from then on the State's scorer answers: so what is saved is what was
scored, bit by bit, and no library version comes between them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.base.tasks import Codec, Task
from wholefit.data.dataset import Dataset
from wholefit.data.schema import Schema
from wholefit.features.encoder import Encoder
from wholefit.models import Model, Scorer, scorer
from wholefit.models._model import Context

_CHUNK = 100_000


class Fitted:
    """Answers for rows that conform to its schema."""

    def __init__(
        self, task: Task, schema: Schema, codec: Codec, encoder: Encoder, *,
        model: Model | None = None, estimator: Any = None, context: Context | None = None,
        state: State | None = None,
    ) -> None:
        self.task, self.schema, self.codec, self.encoder = task, schema, codec, encoder
        self._model, self._estimator, self._context = model, estimator, context
        self._state = state
        self._scorer: Scorer | None = None

    def answer(self, dataset: Dataset) -> np.ndarray:
        """The task's answer for every row of a conforming dataset, in order."""
        self._settle()
        rows = len(dataset)
        if rows <= _CHUNK:
            return self._answer(dataset, None)
        parts = [self._answer(dataset, np.arange(at, min(at + _CHUNK, rows)))
                 for at in range(0, rows, _CHUNK)]
        return np.concatenate(parts)

    def state(self) -> State:
        """The model as version-independent data; StateError if it has none."""
        if self._state is None:
            assert self._model is not None and self._context is not None
            self._state = self._model.state(self._estimator, self.task, self._context)
        return self._state

    def live_estimator(self) -> Any:
        """The library's own estimator, while it has not yet been turned into state."""
        if self._estimator is None:
            raise StateError("the live estimator is gone: the model answers from its state.")
        return self._estimator

    def live_answer(self, X: Any) -> np.ndarray:
        """The live estimator's answer to an encoded matrix; for proving the state against it."""
        assert self._model is not None and self._context is not None
        return self._model.answer(self.live_estimator(), X, self.task, self._context)

    def context_for(self, X: Any) -> Context:
        """The context in which more rows, encoded as X, would be learnt."""
        return Context(rows=X.shape[0], features=X.shape[1],
                       n_classes=len(getattr(self.codec, "classes", ())))

    def _answer(self, dataset: Dataset, rows: np.ndarray | None) -> np.ndarray:
        X = self.encoder.transform(dataset, rows)
        if self._scorer is not None:
            return self._scorer.answer(X)
        assert self._model is not None and self._context is not None
        return self._model.answer(self._estimator, X, self.task, self._context)

    def _settle(self) -> None:
        """Move from the live estimator to its state's scorer, where it has a state."""
        if self._scorer is not None:
            return
        try:
            self._scorer = scorer(self.state())
        except StateError:
            if self._estimator is None:
                raise
            return  # a user's own class without state: it answers live, and save() refuses it
        self._estimator = None
