"""Networks as scikit-learn estimators: classes, several labels at once, numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from wholefit.base import seeds
from wholefit.base.errors import ParameterError
from wholefit.features.sheet import Sheet
from wholefit.features.spans import Span
from wholefit.models._kernels import _links, _network_inputs
from wholefit.models._networks import _augment, _beginning, _learn, _shape
from wholefit.models._networks._answering import Answering
from wholefit.nn import checkpoints
from wholefit.nn.checkpoints import Checkpoint
from wholefit.nn.loop import Callback
from wholefit.nn.predicting import place

_MATRIX = {"dtype": [np.float64, np.float32, np.uint8]}
_NETWORK = {"network": "mlp"}
# What rows that come later are taught with: few, small steps from where the network is.
_LATER = {"epochs": 5, "patience": None, "schedule": "constant", "warmup": 0.0, "find": False,
          "compiled": "no"}
_LATER_RATE = 0.3
_ANSWERS = {"cross_entropy": "classes", "multilabel": "labels", "squared": "numbers"}


class _Network(BaseEstimator):
    """What both share.

    `network` is a network's name and options, without the sizes of its inputs and outputs;
    `recipe` what is changed in `nn.Recipe`; `spans` which features are what (None: all numbers);
    `scaling` of numbers ("standard", "robust", "quantile", "none"); `augment` words for changes of
    pictures as `nn.augment` takes them, or "auto"; `validation` the share of rows held out to stop
    early by; `seconds` that a fit may take (None: as many as it needs); `jobs` threads; `pretrain`
    what its layers learn of rows before any target is shown: {"how": "autoencoder", "denoising" or
    "masked", "epochs": 20, "rate": 1e-3, "batch": 64}; `fit` takes `unlabelled` rows (m, p) for it.

    `fit` takes two things that no model file holds: `checkpoint`, a folder (or a `Checkpoint`)
    where the training is kept as it goes, so that a fit of the same rows that was ended half way
    goes on from there bit for bit; and `callbacks`, which the training loop tells of its steps and
    epochs, such as `wholefit.nn.board.Board(folder)` for TensorBoard.
    """

    by_count: Sequence[dict[str, Any]] | None = None
    rate_: float
    _checkpoint: Checkpoint | None = None
    _callbacks: tuple[Callback, ...] = ()
    _unlabelled: Any = None

    def __init__(
        self, network: Mapping[str, Any] | None = None, recipe: Mapping[str, Any] | None = None,
        spans: Sequence[Span] | None = None, scaling: str = "standard", augment: Any = None,
        validation: float = 0.15, class_weight: Any = None, seconds: float | None = None,
        jobs: int | None = None, random_state: Any = 0,
        pretrain: Mapping[str, Any] | None = None,
    ) -> None:
        self.network, self.recipe, self.spans, self.scaling = network, recipe, spans, scaling
        self.augment, self.validation, self.class_weight = augment, validation, class_weight
        self.seconds, self.jobs, self.random_state = seconds, jobs, random_state
        self.pretrain = pretrain

    @contextmanager
    def _beside(
        self, checkpoint: Any, callbacks: Sequence[Callback], unlabelled: Any
    ) -> Iterator[None]:
        """Inside, lessons are kept and heard of; afterwards nothing of either stays."""
        if (unlabelled is not None or self.pretrain) and (
                type(self)._learn is not _Network._learn):
            raise ParameterError(f"{type(self).__name__} begins from a network that is given: it "
                                 "takes no pretrain= and no unlabelled rows.")
        self._checkpoint = None if checkpoint is None else checkpoints.of(checkpoint)
        self._callbacks, self._unlabelled = tuple(callbacks), unlabelled
        try:
            yield
        finally:
            del self._checkpoint, self._callbacks, self._unlabelled

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        from sklearn.utils import check_random_state

        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _learn(self, X: np.ndarray, target: np.ndarray, outputs: int, weight: Any,
               strata: np.ndarray | None) -> None:
        """Cut, scale, build, train; sets what fitted estimators have."""
        if self.scaling not in _network_inputs.SCALINGS:
            raise ParameterError(f"scaling must be one of {', '.join(_network_inputs.SCALINGS)}; "
                                 f"got {self.scaling!r}.")
        self.seed_ = self._seed()
        self.counted_: list[dict[str, Any]] = []
        options = dict(self.network or _NETWORK)
        self.inputs_ = _shape.inputs_for(options, X, self.spans, self.scaling)
        pieces = self.inputs_.split(X)
        self.figures_ = _network_inputs.pixel_figures([p for p in pieces if p.ndim == 4])
        self.made_of_ = _shape.complete(options, self.inputs_, outputs, _ANSWERS[self.loss_])
        module = _learn.made(self.made_of_, self.seed_)
        self.updates_ = 0
        with self._begun(module, X, pieces):
            self._teach(module, pieces, target, weight, strata, dict(self.recipe or {}))

    @contextmanager
    def _begun(self, module: Any, X: np.ndarray, pieces: list[np.ndarray]) -> Iterator[None]:
        """The first lesson, where one is asked for; inside, what is left of the seconds."""
        self.__dict__.pop("learning_", None)
        if self.pretrain is None:
            if self._unlabelled is not None:
                raise ParameterError("unlabelled rows are for pretrain=: say how they are learnt.")
            yield
            return
        start, more = time.perf_counter(), []
        if self._unlabelled is not None:
            more = self.inputs_.split(validate_data(self, self._unlabelled, reset=False, **_MATRIX))
        rows = _beginning.rows_of(pieces, more)
        done = _beginning.begin(module, _beginning.Beginning(
            rows, self.pretrain, self.seed_, self.seconds, self.jobs, self._by_count(),
            self._checkpoint, self._words()))
        self.counted_ = [_learn.counted(done)]
        self.learning_ = {"pretrained": {
            "how": dict(self.pretrain)["how"], "rows": len(rows),
            "without_target": len(rows) - len(X), "steps": done.steps,
            "loss": [row["loss"] for row in (done.history[0], done.history[-1])]}}
        whole = self.seconds
        if whole is not None:
            self.seconds = max(whole - (time.perf_counter() - start), 1e-3)
        try:
            yield
        finally:
            self.seconds = whole

    def _teach(self, module: Any, pieces: list[np.ndarray], target: np.ndarray, weight: Any,
               strata: np.ndarray | None, recipe: Mapping[str, Any], *, later: bool = False,
               callbacks: Sequence[Any] = ()) -> Any:
        seed = seeds.derive(self.seed_, "lesson", self.updates_)
        if not later:
            self.__dict__.pop("rate_", None)  # of a fit before this one
        if later and recipe.get("find"):  # it was found by the rows that came first
            recipe = {**recipe, "find": False,
                      **({"rate": self.rate_} if hasattr(self, "rate_") else {})}
        change = _augment.change(self.augment, pieces, target, self.loss_, seed) \
            if self.augment else None
        recipe, own = _learn.aimed(recipe, self.loss_)
        lesson = _learn.Lesson(
            pieces, target, weight, self._name(), recipe, seed,
            validation=0.0 if later else self.validation, strata=strata, seconds=self.seconds,
            jobs=self.jobs, figures=self.figures_, change=change, fresh=not later,
            callbacks=[*callbacks, *self._callbacks], by_count=self._by_count(later),
            checkpoint=self._checkpoint, own=own,
            made_of=self._words(),
            tokens=range(len(pieces) - len(self.inputs_.of("tokens")), len(pieces)))
        found = _learn.teach(module, lesson)
        self.counted_ = [*self._counted(), _learn.counted(found)]
        if "rate" in found.decided.get("chosen", {}):
            self.rate_ = float(found.decided["chosen"]["rate"])
        if not later:
            # what its first lesson told stands before
            self.learning_ = {**getattr(self, "learning_", {}), **found.decided["learning"]}
        # Answers are given on the CPU, and a fitted model holds no memory of a GPU.
        self.module_, self.history_, self.stopped_ = (
            found.module.cpu(), found.history, found.stopped)
        self.n_iter_ = max(1, len(found.history))
        self._answering = Answering(self.module_, self.inputs_, self.figures_)
        return found

    def _counted(self) -> list[dict[str, Any]]:
        """What its lessons so far did by count, one after the other."""
        return list(getattr(self, "counted_", ()))

    def _by_count(self, later: bool = False) -> dict[str, Any] | None:
        """What the next lesson did in the fit that is repeated."""
        known, at = self.by_count or (), len(self._counted())
        return known[at] if at < len(known) and not later else None

    def _teach_later(self, X: np.ndarray, target: np.ndarray, weight: Any) -> None:
        """More rows, from where the network is."""
        self.updates_ += 1
        recipe = {**dict(self.recipe or {}), **_LATER}
        known = _learn.settled(self._name(), recipe, 1, False, 0)
        recipe["rate"] = _LATER_RATE * getattr(self, "rate_", known.rate)
        half = known.precision == "float16" and place(known.device).type == "cpu"
        if known.precision == "auto" or half:  # few steps; an update is the same anywhere, anytime
            recipe["precision"] = "float32"
        self._teach(self.module_, self.inputs_.split(X), target, weight, None, recipe, later=True)

    def _name(self) -> str:
        return str(dict(self.network or _NETWORK)["network"])

    def _words(self) -> str:
        """What made network and pictures, in words that are the same in another process."""
        begun = () if self.pretrain is None else (dict(self.pretrain),)
        return repr((self.network, self.augment, self.scaling, *begun))

    def _weights(self, X: np.ndarray, weight: Any) -> np.ndarray | None:
        if weight is None:
            return None
        found = _check_sample_weight(weight, X, dtype=np.float64, ensure_non_negative=True)
        if not found.sum() > 0:
            raise ValueError("sample_weight must not be zero for every row.")
        return np.asarray(found * (len(found) / found.sum()), dtype=np.float32)

    def _raw(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "inputs_")
        whole = _checked(self, X, reset=False)
        return self._answering.raw(whole)


def _checked(made: Any, X: Any, *y: Any, **options: Any) -> Any:
    """scikit-learn's checks of X and y; of a Sheet all but its values, which stay in their file."""
    if not isinstance(X, Sheet):
        return validate_data(made, X, *y, **_MATRIX, **options)
    shape = np.broadcast_to(np.uint8(0), X.shape)
    found = validate_data(made, shape, *y, **_MATRIX, **options)
    return (X, *found[1:]) if y else X


class NetworkClassifier(ClassifierMixin, _Network):
    """A network for classes; for labels that may hold together, y (n, labels) of 0 and 1.

    `class_weight` is None, "balanced" (each class weighs the same in all) or a weight for each
    class. `predict_proba` gives (n, classes), or (n, labels) each for itself.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, checkpoint: Any = None,
            callbacks: Sequence[Callback] = (), unlabelled: Any = None) -> NetworkClassifier:
        """Learn from features (n, p) and classes (n,) or labels (n, labels)."""
        with self._beside(checkpoint, callbacks, unlabelled):
            return self._fit(X, y, sample_weight)

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> NetworkClassifier:
        X, y = _checked(self, X, y, multi_output=True)
        check_classification_targets(y)
        y = _flat(y)
        self.multilabel_ = type_of_target(y) == "multilabel-indicator"
        weight = self._weights(X, sample_weight)
        if self.multilabel_:
            self.classes_ = np.arange(y.shape[1])
            self.loss_ = "multilabel"
            self._learn(X, y.astype(np.float32), y.shape[1], weight, None)
            return self
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.loss_ = "cross_entropy"
        if len(self.classes_) == 1:
            self._only_one(X)
            return self
        self._learn(X, codes.astype(np.int64), len(self.classes_), self._balanced(codes, weight),
                    codes)
        return self

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> NetworkClassifier:
        """Learn more rows of the known classes, in small steps from where it is.

        The first call is `fit`; `classes` is for scikit-learn's sake, and must be what y holds.
        """
        if not hasattr(self, "inputs_"):
            return self.fit(X, y, sample_weight)
        X, y = _checked(self, X, y, multi_output=True, reset=False)
        weight = self._weights(X, sample_weight)
        if self.multilabel_:
            self._teach_later(X, np.asarray(y, dtype=np.float32), weight)
            return self
        y = _flat(y)
        codes = np.clip(np.searchsorted(self.classes_, y), 0, len(self.classes_) - 1)
        if not np.array_equal(self.classes_[codes], y):
            raise ValueError("y holds classes that the network was not fitted with; fit anew.")
        if len(self.classes_) == 1:  # there is no network, and nothing to learn
            return self
        self._teach_later(X, codes.astype(np.int64), self._balanced(codes, weight))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, classes), or of each label (n, labels)."""
        check_is_fitted(self, "classes_")
        if len(self.classes_) == 1 and not self.multilabel_:
            return np.ones((len(_checked(self, X, reset=False)), 1))
        raw = self._raw(X)
        return _links.sigmoid(raw) if self.multilabel_ else _links.softmax(raw)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class (n,), or 0 and 1 for each label (n, labels)."""
        found = self.predict_proba(X)
        if self.multilabel_:
            return found.round().astype(np.int64)
        return np.asarray(self.classes_)[found.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags

    def _only_one(self, X: np.ndarray) -> None:
        self.inputs_ = _network_inputs.learn(X, None, "none", onehot=False)
        self.n_iter_ = 1

    def _balanced(self, codes: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        if self.class_weight is None:
            return weight
        from sklearn.utils.class_weight import compute_class_weight

        each = compute_class_weight(self.class_weight, classes=self.classes_,
                                    y=self.classes_[codes])
        found = each[codes] * (1.0 if weight is None else weight)
        return np.asarray(found * (len(found) / found.sum()), dtype=np.float32)


class NetworkRegressor(RegressorMixin, _Network):
    """A network for a number, or several at once: y (n,) or (n, outputs), standardised inside."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, checkpoint: Any = None,
            callbacks: Sequence[Callback] = (), unlabelled: Any = None) -> NetworkRegressor:
        """Learn from features (n, p) and numbers (n,) or (n, outputs)."""
        with self._beside(checkpoint, callbacks, unlabelled):
            return self._fit(X, y, sample_weight)

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> NetworkRegressor:
        X, y = _checked(self, X, y, multi_output=True, y_numeric=True)
        y = np.asarray(y, dtype=np.float64)
        self.loss_ = "squared"
        self.flat_ = y.ndim == 1
        spread = np.atleast_1d(y.std(axis=0))
        usual = np.isfinite(spread) & (spread > 0)
        self.target_ = np.stack([np.atleast_1d(y.mean(axis=0)), np.where(usual, spread, 1.0)])
        target = self._standard(y)
        outputs = 1 if target.ndim == 1 else target.shape[1]
        self._learn(X, target, outputs, self._weights(X, sample_weight), None)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetworkRegressor:
        """Learn more rows, in small steps from where it is; the first call is `fit`."""
        if not hasattr(self, "inputs_"):
            return self.fit(X, y, sample_weight)
        X, y = _checked(self, X, y, multi_output=True, y_numeric=True, reset=False)
        target = self._standard(np.asarray(y, dtype=np.float64))
        self._teach_later(X, target, self._weights(X, sample_weight))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Numbers (n,) or (n, outputs), in the target's own units."""
        found = self._raw(X) * self.target_[1] + self.target_[0]
        return found[:, 0] if self.flat_ else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _standard(self, y: np.ndarray) -> np.ndarray:
        found = (y.reshape(len(y), -1) - self.target_[0]) / self.target_[1]
        return np.asarray(found[:, 0] if found.shape[1] == 1 else found, dtype=np.float32)


def _flat(y: np.ndarray) -> np.ndarray:
    """A single column (n, 1) as (n,), with scikit-learn's warning."""
    if y.ndim == 2 and y.shape[1] == 1:
        from sklearn.utils.validation import column_or_1d

        return np.asarray(column_or_1d(y, warn=True))
    return np.asarray(y)
