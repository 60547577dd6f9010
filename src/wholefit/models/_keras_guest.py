"""Keras models of a user's: compiled there, trained, scored and kept here.

What is kept of a fitted one is its config as JSON and its weights as arrays: Keras' own file is a
zip with the same JSON beside an HDF5 file, and arrays need no second reader. A config may name
classes; only layers that Keras itself brings, and that hold no code, are stored or rebuilt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from wholefit.base.errors import ParameterError
from wholefit.base.optional import need
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.features.spans import Span
from wholefit.models import _keras_training as lesson
from wholefit.models._kernels import _network_inputs
from wholefit.models._kernels.keras import asked, probabilities, reads, serialized
from wholefit.models._model import Context, Model
from wholefit.models._network_entry import for_networks

# Numbers of words that stand for none: the end, and a word that is not known.
_RESERVED = 2


@dataclass(frozen=True)
class KerasModel(Model):
    """A compiled Keras 3 model of the user's: each fold begins from a copy of it as it was brought.

    It is given numbers (n, features) on one scale, cut in order to the shapes of its inputs;
    pictures as (n, height, width, channels), 0 to 1; texts, where it begins with an Embedding, as
    the numbers of their words (n, length), 0 after the end, 1 for a word that is not known. Its
    last layer may be a softmax or a sigmoid, or give logits.

    `callbacks` are Keras callbacks, or a function that makes a list of them: every fit, of a fold
    or of all rows, has them anew. They are part of your program: no file holds them, and a model
    that has some is never sent to another process. An EarlyStopping among them takes the place of
    `patience`.
    """

    name = "keras"
    family = "guest"
    tasks = ("classification", "regression")
    summary = "A Keras model brought in by the user."
    requires = "keras"
    extra = "tensorflow"
    clocked = True
    burden = 60
    pace = 60.0

    estimator: Any = None
    callbacks: Any = ()
    epochs: int = param(30, "Most times that all rows are seen.", low=1)
    batch: int = param(32, "Rows a step.", low=1)
    validation: float = param(0.1, "Share of the rows held out to stop early by (none below 60 "
                              "rows).", low=0, below=1)
    patience: int | None = param(
        5, "Epochs without a better answer on the rows held out before it stops, and puts the best "
        "weights back; None never stops.", low=1, none=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if getattr(self.estimator, "optimizer", None) is None:
            raise ParameterError("a Keras model must be compiled before it is brought: "
                                 "model.compile(optimizer='adam', loss=...).")
        object.__setattr__(self, "name", str(self.estimator.name))
        object.__setattr__(self, "callbacks", lesson.callbacks_checked(self.callbacks))

    def __reduce__(self) -> Any:
        if self.callbacks:  # what they note in memory would be noted in another process
            raise TypeError(f"the Keras model {self.name!r} has callbacks, which stay where they "
                            "were made")
        return _again, (self.estimator, self.to_dict())

    def replace(self, **changes: Any) -> KerasModel:
        """A copy with some options of the training changed."""
        return KerasModel(**{"estimator": self.estimator, "callbacks": self.callbacks,
                             **self.to_dict(), **changes})

    def encoding(self, task: Task) -> Encoding:
        """Numbers without gaps, categories 0/1, pictures as pixels; words, if it reads them."""
        read = reads(self.estimator)
        if read is None:
            return for_networks(categories="onehot", images="pixels", single=True)
        vocabulary, length = read
        return for_networks(categories="onehot", images="pixels", single=True, text="tokens",
                            vocabulary=max(vocabulary - _RESERVED, 1), length=length)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator that trains a copy of the model."""
        kind = KerasClassifier if context.n_classes else KerasRegressor
        made = kind(self.estimator, epochs=self.epochs, batch=self.batch,
                    validation=self.validation, patience=self.patience,
                    spans=context.spans or None, n_classes=context.n_classes,
                    random_state=context.seed, seconds=context.seconds,
                    callbacks=self.callbacks)
        made.by_count = context.counted
        return made

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "keras"; StateError for a model with layers of the user's own, or with code."""
        return estimator.state(context.n_classes)


class _Keras(BaseEstimator):  # type: ignore[misc]
    """What both share: a copy of the model, compiled alike, and rows cut to its inputs.

    Where `seconds` are given, a fit ends with the batch in which they are over, and says in
    `counted_` how many batches it made; where `by_count` is set to that, another makes as many.
    `learning_` tells of the training: `epochs`, and the `history` that Keras logged.
    """

    by_count: Sequence[dict[str, Any]] | None = None

    def __init__(
        self, model: Any, epochs: int = 30, batch: int = 32, validation: float = 0.1,
        patience: int | None = 5, spans: Any = None, n_classes: int = 0, random_state: int = 0,
        seconds: float | None = None, callbacks: Any = (),
    ) -> None:
        self.model, self.epochs, self.batch, self.validation = model, epochs, batch, validation
        self.patience, self.spans, self.n_classes = patience, spans, n_classes
        self.random_state, self.seconds, self.callbacks = random_state, seconds, callbacks

    def _teach(self, X: Any, target: np.ndarray, weight: Any, outputs: int) -> None:
        began = lesson.began()
        keras = need("keras", extra="tensorflow", user="a Keras model")
        X = np.asarray(X)
        self.n_features_in_ = X.shape[1]
        self.inputs_ = _network_inputs.learn(X, self._read(X), "standard", onehot=True)
        with lesson.seeded(keras, self.random_state):
            self.model_ = lesson.copied(keras, self.model)
            rows = asked(self.model_, self.inputs_, X)
            lesson.fits_data(self.model_, rows, outputs)
            held = round(len(X) * self.validation) if len(X) >= 60 else 0
            order = np.random.default_rng(self.random_state).permutation(len(X))
            train, test = np.sort(order[held:]), np.sort(order[:held])
            own = lesson.callbacks_of(self.callbacks)
            stop = lesson.stoppers(keras, own, held, self.patience)
            end = lesson.ending(keras, began, self.seconds, self.by_count)
            heavy = None if weight is None else np.asarray(weight, dtype=np.float32)
            found = self.model_.fit(
                lesson.some(rows, train), target[train], epochs=self.epochs, verbose=0,
                callbacks=[*own, *(each for each in stop if each not in own), end],
                batch_size=self.batch, shuffle=True,
                sample_weight=None if heavy is None else heavy[train],
                validation_data=(lesson.some(rows, test), target[test], *(
                    () if heavy is None else (heavy[test],))) if held else None)
            best = getattr(stop[0], "best_weights", None) if stop else None
            if end.reached and best is not None:
                self.model_.set_weights(best)
        self.counted_ = [{"batches": end.made}] if end.reached else []
        self.history_, self.n_iter_ = found.history, len(found.epoch)
        self.learning_ = lesson.told(found.history, len(found.epoch))

    def _read(self, X: np.ndarray) -> Any:
        """Spans of pictures or of words, which are all that there is then; None for numbers."""
        kinds = {span.kind for span in self.spans or ()}
        read = reads(self.model)
        if read is not None and kinds <= {"numbers"}:
            return [_numbered(self.model.name, X, read[0])]
        if "tokens" in kinds and len(kinds) > 1:
            raise ParameterError(
                f"the Keras model {self.model.name!r} begins with an Embedding and reads texts "
                "alone, and there are other columns as well: leave them out (roles={'column': "
                "'ignore'}).")
        return self.spans if kinds in ({"image"}, {"tokens"}) else None

    def _raw(self, X: Any) -> np.ndarray:
        rows = asked(self.model_, self.inputs_, np.asarray(X))
        return np.asarray(self.model_.predict(rows, verbose=0, batch_size=256), dtype=np.float64)

    def state(self, n_classes: int) -> State:
        """The fitted model as data."""
        classes = [int(code) for code in self.classes_] if n_classes else None
        target = {} if n_classes else {"target": np.array([self.offset_, self.scale_])}
        config, arrays = serialized(self.model_)
        return State("keras", {
            "keras": config, "inputs": self.inputs_.config(), "n_classes": n_classes,
            "classes": classes}, {**arrays, **self.inputs_.arrays, **target})


class KerasClassifier(ClassifierMixin, _Keras):  # type: ignore[misc]
    """Classes by a copy of a Keras model."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> KerasClassifier:
        """Learn from X (n, features) and classes (n,)."""
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        count = len(self.classes_)
        self._teach(X, _target(self.model, codes, count), sample_weight, count)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, classes)."""
        return probabilities(self.model_, self._raw(X))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class KerasRegressor(RegressorMixin, _Keras):  # type: ignore[misc]
    """Numbers by a copy of a Keras model; the target is standardised inside."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> KerasRegressor:
        """Learn from X (n, features) and numbers (n,)."""
        y = np.asarray(y, dtype=np.float64)
        self.offset_, spread = float(y.mean()), float(y.std())
        self.scale_ = spread if spread > 0 else 1.0
        target = ((y - self.offset_) / self.scale_).astype(np.float32)[:, None]
        self._teach(X, target, sample_weight, 1)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Numbers (n,)."""
        return self._raw(X).reshape(len(X)) * self.scale_ + self.offset_


class AdoptedKeras(BaseEstimator):  # type: ignore[misc]
    """A Keras model that is fitted already; rows (n, features) go in as they are."""

    def __init__(self, model: Any, classes: Any = None) -> None:
        self.model = model
        if classes is not None:
            self.classes_ = np.asarray(classes)

    def raw(self, X: Any) -> np.ndarray:
        """What the model gives."""
        values = np.asarray(X, dtype=np.float64)
        inputs = _network_inputs.learn(values, None, "none", onehot=True)
        rows = asked(self.model, inputs, values)
        return np.asarray(self.model.predict(rows, verbose=0, batch_size=256), dtype=np.float64)

    def predict(self, X: Any) -> np.ndarray:
        """Classes or numbers (n,)."""
        found = self.raw(X)
        if not hasattr(self, "classes_"):
            return found.reshape(len(found))
        return np.asarray(self.classes_)[probabilities(self.model, found).argmax(axis=1)]

    def __getattr__(self, name: str) -> Any:
        if name == "predict_proba" and "classes_" in self.__dict__:
            return lambda X: probabilities(self.model, self.raw(X))
        raise AttributeError(name)

    def state(self, n_classes: int) -> State:
        """Kind "keras"; StateError for layers of the user's own."""
        config, arrays = serialized(self.model)
        widths = [int(np.prod(shape[1:])) for shape in _shapes(self.model)]
        inputs = _network_inputs.learn(np.zeros((1, sum(widths))), None, "none", onehot=True)
        classes = [int(code) for code in self.classes_] if n_classes else None
        target = {} if n_classes else {"target": np.array([0.0, 1.0])}
        return State("keras", {"keras": config, "inputs": inputs.config(), "n_classes": n_classes,
                               "classes": classes}, {**arrays, **target})


def _shapes(model: Any) -> list[tuple[Any, ...]]:
    return [tuple(each.shape) for each in model.inputs]


def _target(model: Any, codes: np.ndarray, count: int) -> np.ndarray:
    """Codes as the model's loss wants them: as they are, or 1 and 0 in a column each."""
    loss = model.loss
    said = str(getattr(loss, "name", getattr(loss, "__name__", loss))).lower()
    if "sparse" in said:
        return codes.astype(np.int64)
    one = model.built and int(model.output_shape[-1]) == 1
    if one and count == 2:
        return codes.astype(np.float32)[:, None]
    return np.eye(count, dtype=np.float32)[codes]


def _numbered(name: str, X: np.ndarray, vocabulary: int) -> Span:
    """Features of a model that begins with an Embedding: the numbers of words, as they are."""
    whole = np.asarray(X, dtype=np.float64)
    if not ((whole == np.floor(whole)) & (whole >= 0) & (whole < vocabulary)).all():
        raise ParameterError(f"the Keras model {name!r} begins with an Embedding, which takes "
                             f"whole numbers from 0 to {vocabulary - 1}, or texts; got numbers "
                             f"from {whole.min():g} to {whole.max():g}.")
    return Span("tokens", 0, X.shape[1], shape=(X.shape[1],), levels=(vocabulary,))


def _again(estimator: Any, options: dict[str, Any]) -> KerasModel:
    return KerasModel(estimator=estimator, **options)
