"""Fitted: schema, encoder, model and target codec together: rows in, answers out.

A fitted model lives in two forms. While only training needs it, it is the library's own
estimator. The first time it must answer, be saved or be compared with its loaded copy, it is
turned into State, and from then on the State's scorer answers: so what is saved is what was
scored, bit by bit, and no library version comes between them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.base.stored import reading
from wholefit.base.tasks import Codec, Task
from wholefit.data.dataset import Dataset
from wholefit.data.rows import RowReader, Rows
from wholefit.data.schema import Schema
from wholefit.evaluation.conformal import Calibration
from wholefit.evaluation.conformal_groups import Grouped
from wholefit.features.encoder import Encoder
from wholefit.features.few import MOST
from wholefit.features.sheet import by_blocks
from wholefit.models import Model, Scorer, scorer
from wholefit.models._model import Context
from wholefit.training._cleaning import Replay
from wholefit.training.decision import Decision

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
        self._from_file = state is not None
        self.decision: Decision | None = None
        self.replay: Replay | None = None
        self.counted: Any = None
        self.learning: dict[str, Any] | None = None
        self.calibration: Calibration | Grouped | None = None
        self._scorer: Scorer | None = None
        self._classes = len(getattr(codec, "classes", ()))

    def answer(self, dataset: Dataset | Rows) -> np.ndarray:
        """The task's answer for every row of a conforming dataset, in order."""
        if not self._from_file:
            return self._answered(dataset)
        with self.reading("the model file cannot answer"):
            found = self._answered(dataset)
            if found.shape != self._shape(len(dataset)):
                raise ValueError(f"its model gives answers of shape {found.shape}")
            return found

    def few(self, rows: Rows) -> np.ndarray:
        """`answer` for a few plain rows, with no more on the way than they need; see `Quick`."""
        self.settle()
        try:
            found = self._answer(rows, None)
        except Exception:
            return self.answer(rows)  # where it fails again, it says why
        return found if found.shape == self._shape(len(rows)) else self.answer(rows)

    def _shape(self, rows: int) -> tuple[int, ...]:
        return (rows, self._classes) if self._classes else (rows,)

    def reading(self, said: str) -> AbstractContextManager[None]:
        """Around what works with its state: of one from a file, every fault is an ArtifactError.

        `said` is a clause for what cannot be done; see `wholefit.base.stored.reading`.
        """
        return reading(said) if self._from_file else nullcontext()

    def _answered(self, dataset: Dataset | Rows) -> np.ndarray:
        self.settle()
        if isinstance(dataset, Dataset):
            dataset = self.cleaned(dataset)
        rows = len(dataset)
        if 0 < rows <= MOST and isinstance(dataset, Dataset) and self.reader.able \
                and self.reads_features:
            plain = self.reader.read(dataset.frame.to_dicts())
            if plain is not None:
                return self._answer(plain, None)
        if rows <= _CHUNK or _looks_back(self.encoder):
            return self._answer(dataset, None)
        parts = [self._answer(dataset, np.arange(at, min(at + _CHUNK, rows)))
                 for at in range(0, rows, _CHUNK)]
        return np.concatenate(parts)

    @cached_property
    def reader(self) -> RowReader:
        """Reads plain rows of its schema."""
        return RowReader(self.schema)

    def cleaned(self, dataset: Dataset) -> Dataset:
        """Conforming rows as the encoder knows them: the recipe's learnt steps done."""
        return dataset if self.replay is None else self.replay.conformed(dataset)

    def taught(self, dataset: Dataset) -> np.ndarray | None:
        """Which of these rows the recipe lets a model learn from; None for all."""
        return None if self.replay is None else self.replay.taught(dataset)

    def decided(self, answer: np.ndarray, asked: Dataset | None = None) -> np.ndarray:
        """Class codes (n,) where a decision is stated; else the answer to `asked` as it is."""
        codes = self.codes(answer, asked)
        return answer if codes is None else codes

    def codes(self, answer: np.ndarray, asked: Dataset | None = None) -> np.ndarray | None:
        """Class codes (n,) decided for the answer to `asked`; None where no decision is stated.

        SchemaError where the decision differs by group and `asked` lacks the group's column.
        """
        if self.decision is None:
            return None
        return self.decision.codes(answer, None if asked is None else asked.original)

    def state(self) -> State:
        """The model as version-independent data; StateError if it has none."""
        if self._state is None:
            assert self._model is not None and self._context is not None
            self._state = self._model.state(self._estimator, self.task, self._context)
        return self._state

    @property
    def takes_rows(self) -> bool:
        """True if the model answers rows, each member reading them in its own way, no matrix."""
        self.settle()
        return getattr(self._scorer, "wants", None) is not None

    @property
    def reads_features(self) -> bool:
        """True if the feature columns alone make the answer.

        Not where the rows as they were given do, or a recipe or a transformer comes before.
        """
        self.settle()
        if self.replay is not None or getattr(self._scorer, "wants", None) not in (None, "rows"):
            return False
        encoders = getattr(self._scorer, "encoders", {0: self.encoder})
        return not any(getattr(encoder, "_applied", ()) for encoder in encoders.values())

    def put(self, state: State) -> None:
        """Answer with this state from now on; what it needs is imported when it first answers."""
        self._state, self._scorer, self._estimator = state, None, None

    def states(self) -> dict[str, State]:
        """All that must be saved, by name; StateError if something has no stored form."""
        recipe = {} if self.replay is None else {"recipe": self.replay.state()}
        errors = {} if self.calibration is None else {"calibration": self.calibration.state()}
        return {"model": self.state(), "encoder": self.encoder.state(), **recipe, **errors}

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

    def parcel(self) -> dict[str, Any]:
        """Everything but task, schema, codec and scorer, to be sent to another process."""
        apart = ("task", "schema", "codec", "_scorer", "reader")
        return {name: value for name, value in self.__dict__.items() if name not in apart}

    @classmethod
    def of_parcel(
        cls, parcel: dict[str, Any], task: Task, schema: Schema, codec: Codec
    ) -> Fitted:
        """The fitted model that `parcel` was made of."""
        made = cls(task, schema, codec, parcel["encoder"])
        made.__dict__.update(parcel)
        return made

    def _answer(self, dataset: Dataset | Rows, rows: np.ndarray | None) -> np.ndarray:
        wants = getattr(self._scorer, "wants", None)
        if wants is not None:
            asked = dataset if rows is None else dataset.take(rows)
            return self._scorer.answer(  # type: ignore[union-attr]
                asked if wants == "rows" else asked.original)  # type: ignore[union-attr]
        if rows is None and isinstance(dataset, Rows) and hasattr(self._scorer, "sums"):
            entries = self.encoder.entries(dataset)
            if entries is not None:
                return self._scorer.ended(self._scorer.sums(entries))  # type: ignore[union-attr]
        X = self.encoder.transform(dataset, rows)
        if self._scorer is not None:
            return by_blocks(X, self._scorer.answer)
        model, context = self._model, self._context
        assert model is not None and context is not None
        return by_blocks(X, lambda part: model.answer(self._estimator, part, self.task, context))

    def settle(self) -> None:
        """Move from the live estimator to its state's scorer, where it has a state."""
        if self._scorer is not None:
            return
        try:
            with self.reading("the model file's model cannot be made"):
                self._scorer = scorer(self.state())
        except StateError:
            if self._estimator is None:
                raise
            return  # a user's own class without state: it answers live, and save() refuses it
        self._estimator = None


def _looks_back(encoder: Any) -> bool:
    """Whether a row's features hang on earlier rows of the same question."""
    steps = getattr(encoder, "_applied", ())
    return any(getattr(step.transformer, "ordered", False) for step in steps)
