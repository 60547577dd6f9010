"""Pre-labels: a model of the catalog learns from the labels so far and guesses the rest.

What each item says is turned into features once, from all items, labelled or not (no label is
looked at); so a refit is only the model's own, and it runs beside the labelling: who labels
never waits for it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from wholefit import models
from wholefit.base import optional, tasks
from wholefit.base.errors import WholefitError
from wholefit.data.loading import dataset_of
from wholefit.features.encoder import Encoder
from wholefit.models import Model
from wholefit.models._model import Context

Array = np.ndarray
# Of few labels, often of a rare class: little shrinking, classes weighed alike.
MODEL = "logistic(C=10, balanced=True)"
# Fewer labels than this teach nothing that is worth showing.
FEWEST = 6


@dataclass(frozen=True, eq=False)
class Guesses:
    """Probabilities (items, classes), from a model that learnt the items `taught` (n,)."""

    proba: Array
    taught: Array

    def of(self, item: int) -> tuple[int, float]:
        """The most probable class of an item, and its probability."""
        code = int(self.proba[item].argmax())
        return code, float(self.proba[item, code])


class Learner:
    """Features of all items, and a model that can be fitted to some of them."""

    def __init__(
        self, frame: pl.DataFrame, classes: int, *, model: Any = MODEL, seed: int = 0
    ) -> None:
        self.classes, self.seed = classes, seed
        self.model: Model = models.make(model)
        self._frame = frame
        self._X: Any = None

    @property
    def X(self) -> Any:
        """Features of all items, dense or sparse, made when first asked for."""
        if self._X is None:
            self._X = self._encode()
        return self._X

    def fit(self, rows: Array, codes: Array) -> Array:
        """Probabilities (items, classes) after learning the codes (n,) of the items `rows`.

        Classes without a label have probability 0.
        """
        optional.wake("sklearn", without="pandas")
        task, X = tasks.get("classification"), self.X
        present, places = np.unique(codes, return_inverse=True)
        context = Context(rows=len(rows), features=X.shape[1], n_classes=len(present),
                          seed=self.seed)
        proba = np.zeros((X.shape[0], self.classes))
        with threadpool_limits(1, user_api="blas"):
            estimator = self.model.build(task, context)
            estimator.fit(X[rows], places.astype(np.int32))
            proba[:, present] = self.model.answer(estimator, X, task, context)
        return proba

    def _encode(self) -> Any:
        frame = pl.DataFrame([column.alias(f"c{at}") for at, column in
                              enumerate(self._frame.get_columns())])
        roles = {name: "text" for name in frame.columns
                 if frame.width == 1 and frame.get_column(name).dtype == pl.String}
        dataset = dataset_of(frame, roles=roles)
        encoder = Encoder(self.model.encoding(tasks.get("classification")), seed=self.seed)
        return encoder.fit(dataset).transform(dataset)


def teachable(codes: Array) -> bool:
    """True where there are labels enough, of two classes at least, to learn from."""
    return len(codes) >= FEWEST and len(np.unique(codes)) > 1


class Assistant:
    """Learns in a thread of its own, newest labels first, and swaps its guesses in when done.

    `guesses` is None until the first fit is done. A fit that fails is told by `trouble`, in a
    sentence, and labelling goes on without guesses. With `background=False` it learns at once,
    whenever there are a tenth more labels: for scripts that must repeat.
    """

    def __init__(self, learner: Learner, *, background: bool = True) -> None:
        self.learner = learner
        self.guesses: Guesses | None = None
        self.trouble: str | None = None
        self._wanted: tuple[Array, Array] | None = None
        self._busy = self._closed = False
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._background = background

    def learn(self, rows: Array, codes: Array) -> None:
        """Ask for a fit to these labels; it replaces one that has not begun."""
        if not teachable(codes) or self.trouble is not None or self._closed:
            return
        if not self._background:
            if self._worth_it(len(rows)):
                self._fit(rows, codes)
            return
        with self._change:
            self._wanted = (rows, codes)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True,
                                                name="wholefit-prelabels")
                self._thread.start()
            self._change.notify_all()

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until nothing is left to learn; False if that took too long."""
        with self._change:
            return self._change.wait_for(lambda: self._wanted is None and not self._busy, seconds)

    def close(self) -> None:
        """End the thread, once the fit under way is done."""
        with self._change:
            self._closed, self._wanted = True, None
            self._change.notify_all()

    def _worth_it(self, labels: int) -> bool:
        """Where somebody waits for it: a tenth more labels, or fewer than were learnt."""
        taught = 0 if self.guesses is None else len(self.guesses.taught)
        return not taught <= labels < taught + max(1, taught // 10)

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._wanted is not None or self._closed)
                if self._wanted is None:
                    return
                rows, codes = self._wanted
                self._wanted, self._busy = None, True
            try:
                self._fit(rows, codes)
            finally:
                with self._change:
                    self._busy = False
                    self._change.notify_all()

    def _fit(self, rows: Array, codes: Array) -> None:
        try:
            self.guesses = Guesses(self.learner.fit(rows, codes), rows)
        except (WholefitError, ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError,
                ValueError, ImportError) as error:
            self.trouble = f"no guesses can be made: {error}"
