"""Adopt: an estimator fitted elsewhere, brought in to be evaluated, compared and saved."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, StateError
from wholefit.base.state import State
from wholefit.base.tasks import Codec, Task
from wholefit.data import Schema
from wholefit.data.dataset import Dataset
from wholefit.data.rows import Rows
from wholefit.data.write import give_back
from wholefit.features import Encoding
from wholefit.features.encoder import Encoder
from wholefit.models import _steps, scorer
from wholefit.models._guest import GuestModel
from wholefit.models._model import Context, spread
from wholefit.training.fitted import Fitted

# A state is accepted in an estimator's place only if it answers as the estimator does.
_AGREES = 1e-6


class Foreign(Fitted):
    """Answers by the user's own estimator, fed the frame type it was given with.

    It has a state if the estimator, or the pipeline with its steps, is of classes that the catalog
    can read, and that state answers as it does; otherwise it answers, and `save` refuses it.
    """

    def __init__(
        self, task: Task, schema: Schema, codec: Codec, estimator: Any,
        columns: dict[str, pl.DataType], guest: str,
    ) -> None:
        super().__init__(task, schema, codec, Encoder(Encoding()), estimator=estimator)
        self._columns, self._guest = columns, guest

    @property
    def reads_features(self) -> bool:
        """False while the user's own class answers: it is handed the rows as they were given."""
        return self._state is not None and super().reads_features

    def answer(self, dataset: Dataset | Rows) -> np.ndarray:
        """The estimator's answer: probabilities over the codec's classes, or numbers."""
        if self._state is not None or isinstance(dataset, Rows):
            return super().answer(dataset)
        given = give_back(self._asked(dataset), self._guest)
        classes = getattr(self.codec, "classes", None)
        if classes is None:
            return np.asarray(self._estimator.predict(given), dtype=np.float64)
        if not hasattr(self._estimator, "predict_proba"):
            codes = self.codec.encode(np.asarray(self._estimator.predict(given)))
            return np.eye(len(classes))[codes]
        found = np.asarray(self._estimator.predict_proba(given), dtype=np.float64)
        codes = self.codec.encode(np.asarray(self._estimator.classes_))
        return spread(found, codes, len(classes)) if len(codes) < len(classes) else (
            found[:, np.argsort(codes)])

    def _asked(self, dataset: Dataset) -> pl.DataFrame:
        """The estimator's columns as the user gave them, in the types they had at adoption."""
        given = dataset.original
        columns = [given.get_column(name) if name in given.columns
                   else pl.Series(name, [None] * given.height, dtype=kind)
                   for name, kind in self._columns.items()]
        return pl.DataFrame([
            column if column.dtype == kind else column.cast(kind, strict=False)
            for column, kind in zip(columns, self._columns.values(), strict=True)])

    def states(self) -> dict[str, State]:
        """The model alone where it is a pipeline: that prepares its columns itself."""
        state = self.state()
        return {"model": state} if state.kind == "steps" else super().states()

    def state(self) -> State:
        """The estimator as data, once proved to answer as it does; StateError if it cannot be."""
        if self._state is None:
            raise StateError(
                f"{type(self._estimator).__name__} has no version-independent form{self._why}: it "
                "can be used, evaluated and compared, but not saved. Ways out: fit the same model "
                "through wf.fit(models=...); adopt scikit-learn's own models (linear, trees, "
                "neighbours, ...) and pipelines of its own steps; or give it a Model class with "
                "state()."
            )
        return self._state

    def settle_on(self, dataset: Dataset) -> None:
        """Turn the estimator into state, if that state answers `dataset` as the estimator does."""
        for read in (self._as_matrix, self._as_steps):
            try:
                state, encoder, found = read(dataset)
            except (StateError, DataError, AttributeError, LookupError, TypeError,
                    ValueError) as error:
                self._why = f" ({error})"
                continue
            expected = self.answer(dataset)
            scale = max(float(np.abs(expected).max()), 1.0)
            if found.shape == expected.shape and np.abs(found - expected).max() <= _AGREES * scale:
                self._state, self.encoder = state, encoder
                return
            self._why = " (what was read off it does not answer as it does)"

    _why = ""

    def _as_matrix(self, dataset: Dataset) -> tuple[State, Encoder, np.ndarray]:
        """An estimator of number columns: its state, an encoder that hands them on, its answer."""
        encoder = _as_is(dataset, list(self._columns))
        coded = _with_codes(self._estimator, self.codec)
        state = GuestModel(coded).state(coded, self.task, self._context_of(dataset))
        return state, encoder, scorer(state).answer(encoder.transform(dataset))

    def _as_steps(self, dataset: Dataset) -> tuple[State, Encoder, np.ndarray]:
        """A pipeline: its steps' state and its last model's."""
        steps = [step for _, step in getattr(self._estimator, "steps", [("", self._estimator)])]
        last = _with_codes(steps[-1], self.codec)
        prepare = _steps.read(steps[:-1], list(self._columns))
        model = GuestModel(last).state(last, self.task, self._context_of(dataset))
        kinds = [[name, _kind(name, kind)] for name, kind in self._columns.items()]
        state = State("steps", {"columns": kinds}, parts={"prepare": prepare, "model": model})
        return state, self.encoder, scorer(state).answer(dataset.original)

    def _context_of(self, dataset: Dataset) -> Context:
        return Context(rows=len(dataset), features=len(self._columns),
                       n_classes=len(getattr(self.codec, "classes", ())))


def adopt(estimator: Any, dataset: Dataset, task: Task) -> Foreign:
    """Wrap a fitted estimator that takes the dataset's columns.

    Raises DataError if it is not fitted, or asks for columns that the data does not have.
    """
    estimator = _of_network(estimator, dataset, task)
    if not hasattr(estimator, "predict"):
        raise DataError(f"adopt needs a fitted estimator with predict; got {estimator!r}.")
    target = str(dataset.schema.target)
    known = [name for name in dataset.original.columns if name != target]
    named = getattr(estimator, "feature_names_in_", None)
    columns = known if named is None else [str(name) for name in named]
    absent = [name for name in columns if name not in known]
    if absent:
        raise DataError(f"the estimator was fitted with columns the data lacks: {absent}.")
    codec = task.codec(target, _classes(estimator, dataset, task))
    guest = _given_as(dataset.guest, named is not None)
    kinds = {name: dataset.original.schema[name] for name in columns}
    made = Foreign(task, dataset.schema, codec, estimator, kinds, guest)
    try:
        made.answer(dataset.take(np.arange(min(3, len(dataset)))))
    except Exception as error:  # whatever the stranger's estimator raises, said in one sentence
        raise DataError(
            f"{type(estimator).__name__} cannot answer these rows "
            f"({type(error).__name__}: {error}); is it fitted, and on these columns?"
        ) from error
    made.settle_on(dataset)
    return made


def _of_network(estimator: Any, dataset: Dataset, task: Task) -> Any:
    """A torch module or a Keras model as an estimator; its outputs are classes in sorted order."""
    from wholefit.models._brought import is_keras, is_module

    if not (is_module(estimator) or is_keras(estimator)):
        return estimator
    classes = None
    if task.verb("predict_proba") is not None:
        codec = task.codec(str(dataset.schema.target), dataset.target_values())
        classes = getattr(codec, "classes", None)
    if is_keras(estimator):
        from wholefit.models._keras_guest import AdoptedKeras

        return AdoptedKeras(estimator, classes)
    from wholefit.models._networks._brought import AdoptedModule

    return AdoptedModule(estimator, classes)


def _given_as(guest: str, named: bool) -> str:
    """The frame type to give the estimator rows in: one of columns by name if it knows names."""
    if guest in ("numpy", "dict"):
        return "polars" if named else "numpy"
    return guest


def _kind(name: str, kind: pl.DataType) -> str:
    """How a pipeline is given the column: as numbers, or as words and truth values."""
    if kind.is_numeric():
        return "number"
    if kind in (pl.String, pl.Boolean, pl.Categorical, pl.Enum):
        return "word"
    raise StateError(f"column {name!r} of type {kind} has no stored form in a pipeline.")


def _classes(estimator: Any, dataset: Dataset, task: Task) -> np.ndarray:
    """Target values: the estimator's own classes where it has them, else those of the data."""
    classes = getattr(estimator, "classes_", None)
    if classes is not None and task.verb("predict_proba") is not None:
        return np.asarray(classes)
    return dataset.target_values()


def _with_codes(estimator: Any, codec: Codec) -> Any:
    """The estimator with its classes as codes, as the catalog's own have them; a shallow copy."""
    if not hasattr(estimator, "classes_"):
        return estimator
    coded = copy.copy(estimator)
    coded.classes_ = codec.encode(np.asarray(estimator.classes_))
    return coded


def _as_is(dataset: Dataset, columns: list[str]) -> Encoder:
    """An encoder that hands number columns on as they are, in the estimator's order."""
    roles = {column.name: column.role for column in dataset.schema.columns}
    features = list(dataset.schema.features)
    if columns != features or any(roles[name] not in ("numeric", "boolean") for name in columns):
        raise StateError("only number columns, all of them learnt from, can be handed on as is.")
    encoding = Encoding(impute="none", indicator=False, dense=True)
    return Encoder(encoding).fit(dataset)


