"""How a copy of a user's Keras model is made and taught: compiled alike, with the user's callbacks.

A copy is compiled with all that the model was: loss, loss weights, metrics, weighted metrics, how
steps are run; the optimizer is made anew of its config, so that no fold begins with another's
moments. Metrics and callbacks hold what they have counted, and are copied for the same reason.
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError

# Of the time for a fit, what batches may take; the rest is for the rows held out and the end.
_LEARNING = 0.9
# Epochs of a training that are told at most: of more, so many spread evenly, the last among them.
_TOLD = 1_000
_now = time.perf_counter


def copied(keras: Any, model: Any) -> Any:
    """The model again, with its weights where it has some, compiled alike; see the first lines.

    Raises ParameterError for one that Keras cannot clone, such as a subclass with a call of its
    own.
    """
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
    words = {**_compiled(model), "loss": model.loss,
             "optimizer": type(model.optimizer).from_config(model.optimizer.get_config())}
    for kind in ("metrics", "weighted_metrics"):
        words[kind] = _metrics(keras, words.get(kind))
    made.compile(**words)
    return made


def _compiled(model: Any) -> dict[str, Any]:
    """The words that the model was compiled with, as they were given."""
    # Keras tells of loss weights and metrics only here, or as JSON that one's own have not.
    found = getattr(getattr(model, "_compile_config", None), "config", None)
    if not isinstance(found, Mapping):
        raise ParameterError(f"the Keras model {model.name!r} does not say what it was compiled "
                             "with: compile it by Keras' own compile (3.10 or later).")
    return dict(found)


def _metrics(keras: Any, given: Any) -> Any:
    """Metrics as they were given, those that count copied; one that cannot be is lent, reset."""
    if isinstance(given, Mapping):
        return {name: _metrics(keras, each) for name, each in given.items()}
    if isinstance(given, (list, tuple)):
        return [_metrics(keras, each) for each in given]
    if not isinstance(given, keras.metrics.Metric):
        return given
    try:
        return type(given).from_config(given.get_config())
    except Exception:  # a metric of one's own need not have a config
        given.reset_state()
        return given


def callbacks_checked(given: Any) -> Any:
    """What was given as callbacks; ParameterError unless a fit can be given them.

    Either a list of Keras callbacks, or a function without arguments that makes one.
    """
    import keras

    if callable(given) and not isinstance(given, (type, keras.callbacks.Callback)):
        return given
    if not isinstance(given, (list, tuple)):
        raise ParameterError("callbacks of a Keras model must be a list of Keras callbacks, or a "
                             f"function that makes one; got {type(given).__name__}.")
    for each in given:
        if not isinstance(each, keras.callbacks.Callback):
            raise ParameterError("each of the callbacks of a Keras model must be a Keras callback "
                                 "(keras.callbacks.Callback), made and not its class; got "
                                 f"{each!r}.")
    return tuple(given)


def callbacks_of(given: Sequence[Any] | Callable[[], Any]) -> list[Any]:
    """The user's callbacks for one fit: made anew by their function, or copies as they were given.

    Copies are shallow: the best loss that one has seen is its own, a list that it appends to is
    the user's.
    """
    if callable(given):
        return list(callbacks_checked(list(given())))
    return [copy.copy(each) for each in given]


def stoppers(keras: Any, own: Sequence[Any], held: int, patience: int | None) -> list[Any]:
    """What stops a training early: the user's own way where there is one, else ours."""
    found = [each for each in own if isinstance(each, keras.callbacks.EarlyStopping)]
    if found or not held or not patience:
        return found
    return [keras.callbacks.EarlyStopping("val_loss", patience=patience,
                                          restore_best_weights=True)]


def ending(
    keras: Any, began: float, seconds: float | None, by_count: Sequence[dict[str, Any]] | None
) -> Any:
    """A callback that ends a training that `began` then: by the clock, or after so many batches."""
    most = int(by_count[0]["batches"]) if by_count else None

    class End(keras.callbacks.Callback):  # type: ignore[misc]
        made, reached, longest = 0, False, 0.0

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.started = _now()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            now = _now()
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


def began() -> float:
    """The time by the clock that ends a fit."""
    return _now()


def told(history: Mapping[str, Sequence[Any]], epochs: int) -> dict[str, Any]:
    """A training for the record: `epochs`, and for each a number by name, as Keras logged it.

    What is no finite number becomes None; of very many epochs some are left out evenly.
    """
    spread = np.linspace(0, epochs - 1, min(epochs, _TOLD)) if epochs else np.zeros(0)
    at = [int(each) for each in np.unique(spread.astype(int))]
    return {"epochs": epochs, "told": [each + 1 for each in at],
            "history": {str(name): [_number(values[each]) for each in at if each < len(values)]
                        for name, values in history.items()}}


def _number(value: Any) -> float | None:
    """A logged value as a number; a metric for each class, say, is none."""
    found = np.asarray(value)
    return float(found) if found.size == 1 and np.isfinite(found.astype(np.float64)).all() else None


def fits_data(model: Any, rows: Any, outputs: int) -> None:
    """The model on a few rows: what it gives must be of the right shape."""
    found = np.asarray(model(some(rows, np.arange(2)), training=False).shape)
    fits = {(2, outputs), (2, 1)} if outputs == 2 else {(2, outputs)}
    if tuple(int(size) for size in found) not in fits:
        raise ParameterError(f"the Keras model {model.name!r} must give {outputs} outputs a row "
                             f"(one for each class, or a number); it gives {tuple(found[1:])}.")


def some(rows: Any, chosen: np.ndarray) -> Any:
    """Those rows of an input, or of each of several."""
    return [each[chosen] for each in rows] if isinstance(rows, list) else rows[chosen]


@contextmanager
def seeded(keras: Any, seed: int) -> Iterator[None]:
    """Keras draws from this seed meanwhile; the generators of Python and numpy are put back."""
    own, numpy = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(int(seed) % 2**31)
    try:
        yield
    finally:
        random.setstate(own)
        np.random.set_state(numpy)
