"""Keras models of a user's: compiled there, trained, scored and kept here.

What is kept of a fitted one is its config as JSON and its weights as arrays: Keras' own file is a
zip with the same JSON beside an HDF5 file, and arrays need no second reader. A config may name
classes; only layers that Keras itself brings, and that hold no code, are stored or rebuilt.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from wholefit.models._kernels import _network_inputs
from wholefit.models._kernels.keras import asked, probabilities, serialized
from wholefit.models._model import Context, Model
from wholefit.models._network_entry import for_networks

# Of the time for a fit, what batches may take; the rest is for the rows held out and the end.
_LEARNING = 0.9


@dataclass(frozen=True)
class KerasModel(Model):
    """A compiled Keras 3 model of the user's: each fold begins from a copy of it as it was brought.

    It is given numbers (n, features) on one scale, cut in order to the shapes of its inputs;
    pictures as (n, height, width, channels), 0 to 1. Its last layer may be a softmax or a sigmoid,
    or give logits.
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

    def replace(self, **changes: Any) -> KerasModel:
        """A copy with some options of the training changed."""
        return KerasModel(**{"estimator": self.estimator, **self.to_dict(), **changes})

    def encoding(self, task: Task) -> Encoding:
        """Numbers without gaps, categories 0/1, pictures as pixels."""
        return for_networks(categories="onehot", images="pixels", single=True)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator that trains a copy of the model."""
        kind = KerasClassifier if context.n_classes else KerasRegressor
        made = kind(self.estimator, epochs=self.epochs, batch=self.batch,
                    validation=self.validation, patience=self.patience,
                    spans=context.spans or None, n_classes=context.n_classes,
                    random_state=context.seed, seconds=context.seconds)
        made.by_count = context.counted
        return made

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "keras"; StateError for a model with layers of the user's own, or with code."""
        return estimator.state(context.n_classes)


class _Keras(BaseEstimator):  # type: ignore[misc]
    """What both share: a copy of the model, compiled alike, and rows cut to its inputs.

    Where `seconds` are given, a fit ends with the batch in which they are over, and says in
    `counted_` how many batches it made; where `by_count` is set to that, another makes as many.
    """

    by_count: Sequence[dict[str, Any]] | None = None

    def __init__(
        self, model: Any, epochs: int = 30, batch: int = 32, validation: float = 0.1,
        patience: int | None = 5, spans: Any = None, n_classes: int = 0, random_state: int = 0,
        seconds: float | None = None,
    ) -> None:
        self.model, self.epochs, self.batch, self.validation = model, epochs, batch, validation
        self.patience, self.spans, self.n_classes = patience, spans, n_classes
        self.random_state, self.seconds = random_state, seconds

    def _teach(self, X: Any, target: np.ndarray, weight: Any, outputs: int) -> None:
        began = time.perf_counter()
        keras = need("keras", extra="tensorflow", user="a Keras model")
        X = np.asarray(X)
        self.n_features_in_ = X.shape[1]
        spans = self.spans if {s.kind for s in self.spans or ()} == {"image"} else None
        self.inputs_ = _network_inputs.learn(X, spans, "standard", onehot=True)
        with _seeded(keras, self.random_state):
            self.model_ = _copy(keras, self.model)
            rows = asked(self.model_, self.inputs_, X)
            _built(self.model_, rows, outputs)
            held = round(len(X) * self.validation) if len(X) >= 60 else 0
            order = np.random.default_rng(self.random_state).permutation(len(X))
            train, test = np.sort(order[held:]), np.sort(order[:held])
            stop = [keras.callbacks.EarlyStopping("val_loss", patience=self.patience,
                                                  restore_best_weights=True)
                    ] if held and self.patience else []
            end = _end(keras, began, self.seconds, self.by_count)
            found = self.model_.fit(
                _some(rows, train), target[train], epochs=self.epochs, verbose=0,
                callbacks=[*stop, end],
                batch_size=self.batch, shuffle=True,
                sample_weight=None if weight is None else np.asarray(weight)[train],
                validation_data=(_some(rows, test), target[test]) if held else None)
            if end.reached and stop and stop[0].best_weights is not None:
                self.model_.set_weights(stop[0].best_weights)
        self.counted_ = [{"batches": end.made}] if end.reached else []
        self.history_ = found.history
        self.n_iter_ = len(found.epoch)

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


def _end(
    keras: Any, began: float, seconds: float | None, by_count: Sequence[dict[str, Any]] | None
) -> Any:
    """A callback that ends a training that `began` then: by the clock, or after so many batches."""
    most = int(by_count[0]["batches"]) if by_count else None

    class End(keras.callbacks.Callback):  # type: ignore[misc]
        made, reached, longest = 0, False, 0.0

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.started = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            now = time.perf_counter()
            self.made += 1
            # The first batch, which waits for a compiler, says nothing of the next.
            self.longest = max(self.longest, now - self.started) if self.made > 1 else 0.0
            if most is not None:
                self.reached = self.made >= most
            elif seconds is not None:
                self.reached = now - began + self.longest >= _LEARNING * seconds
            if self.reached:
                self.model.stop_training = True

    return End()


def _shapes(model: Any) -> list[tuple[Any, ...]]:
    return [tuple(each.shape) for each in model.inputs]


def _copy(keras: Any, model: Any) -> Any:
    """The model again, with its weights where it has some, compiled with an optimizer anew."""
    compiled, model.compiled = model.compiled, False  # a loss of one's own cannot be cloned
    try:
        made = keras.models.clone_model(model, clone_function=lambda layer: (
            layer if isinstance(layer, keras.layers.Lambda)  # it has no weights, and is the user's
            else type(layer).from_config(layer.get_config())))
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ParameterError(f"the Keras model {model.name!r} cannot be copied ({error}): make it "
                             "by Sequential or by Model(inputs, outputs).") from error
    finally:
        model.compiled = compiled
    if model.built and made.built:
        made.set_weights(model.get_weights())
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    made.compile(optimizer=optimizer, loss=model.loss)
    return made


def _built(model: Any, rows: Any, outputs: int) -> None:
    """The model on a few rows: what it gives must be of the right shape."""
    found = np.asarray(model(_some(rows, np.arange(2)), training=False).shape)
    fits = {(2, outputs), (2, 1)} if outputs == 2 else {(2, outputs)}
    if tuple(int(size) for size in found) not in fits:
        raise ParameterError(f"the Keras model {model.name!r} must give {outputs} outputs a row "
                             f"(one for each class, or a number); it gives {tuple(found[1:])}.")


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


def _some(rows: Any, chosen: np.ndarray) -> Any:
    return [each[chosen] for each in rows] if isinstance(rows, list) else rows[chosen]


@contextmanager
def _seeded(keras: Any, seed: int) -> Iterator[None]:
    """Keras draws from this seed meanwhile; the generators of Python and numpy are put back."""
    own, numpy = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(int(seed) % 2**31)
    try:
        yield
    finally:
        random.setstate(own)
        np.random.set_state(numpy)

