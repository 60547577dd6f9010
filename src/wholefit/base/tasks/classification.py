"""Classification: which of a few classes a row belongs to, and how likely each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, unknown
from wholefit.base.tasks._task import Codec, TargetFacts, Task, Verb

# Whole numbers with at most this many values, each seen often enough, are read as classes.
_MAX_INTEGER_CLASSES = 20
_MAX_CLASSES = 1000
_YES = ("yes", "true", "positive", "pos", "y", "t", "1", "1.0")


@dataclass(frozen=True)
class ClassCodec(Codec):
    """Classes in order; `positive` is the index that two-class metrics call positive."""

    classes: tuple[Any, ...]
    positive: int = 1

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Labels (n,) to codes (n,) int32; -1 where a value is not one of the classes."""
        index = {label: code for code, label in enumerate(self.classes)}
        return np.array([index.get(_plain(value), -1) for value in values], dtype=np.int32)

    def decode(self, answer: np.ndarray) -> np.ndarray:
        """Probabilities (n, classes), or codes (n,), to labels (n,)."""
        codes = answer.argmax(axis=1) if answer.ndim == 2 else answer
        return np.asarray(self.classes, dtype=self._dtype())[codes]

    def columns(self) -> list[str]:
        """Names of the probability columns, one a class, in order."""
        return [f"p_{label}" for label in self.classes]

    def to_json(self) -> dict[str, Any]:
        """Classes and positive class."""
        return {"classes": list(self.classes), "positive": self.positive}

    def _dtype(self) -> Any:
        return object if isinstance(self.classes[0], str) else None


class Classification(Task):
    """Predict a class and its probability."""

    name = "classification"
    summary = "which class a row belongs to, with a probability for each class"
    roles = ("target",)
    verbs = (
        Verb("predict", "the most probable class of each row", "label"),
        Verb("predict_sure", "the most probable class, and how sure; none where less sure than "
             "stated", "label or nothing", ("least",)),
        Verb("predict_proba", "the probability of each class", "number per class"),
        Verb("predict_set", "the classes that may be true, at a stated level", "set of labels",
             ("level", "per_class")),
    )
    baseline = "dummy"
    metrics = ("log_loss", "roc_auc", "average_precision", "accuracy", "balanced_accuracy",
               "f1", "precision", "recall", "brier")
    unit = "row"
    stratified = True
    updatable = True
    answer_shape = "(n, classes) probabilities, rows sum to 1; truth (n,) class codes"

    def recognise(self, target: TargetFacts) -> str | None:
        """Text and booleans are classes; so are whole numbers with few values."""
        if target.kind in ("text", "boolean") or target.distinct == 2:
            return f"{target.name!r} has {target.distinct} values"
        few = min(_MAX_INTEGER_CLASSES, max(2, target.rows // 10))
        if target.kind == "integer" and target.distinct <= few:
            return f"{target.name!r} holds whole numbers with only {target.distinct} values"
        return None

    def codec(self, target: str, values: np.ndarray, positive: Any = None) -> ClassCodec:
        """Sort the classes and settle which one is positive."""
        classes = tuple(sorted({_plain(value) for value in values}, key=_order))
        if len(classes) < 2:
            raise DataError(
                f"classification needs at least 2 classes; target {target!r} has "
                f"{len(classes)}: {list(classes)}. Check the column, or add rows of other classes."
            )
        if len(classes) > _MAX_CLASSES:
            raise DataError(
                f"target {target!r} has {len(classes)} classes, more than {_MAX_CLASSES}; "
                "if it is a quantity say task='regression', if an identifier choose another target."
            )
        return ClassCodec(classes, _positive(classes, positive, target))

    def codec_from_json(self, stored: dict[str, Any]) -> ClassCodec:
        """Read back what `ClassCodec.to_json` wrote."""
        codec = ClassCodec(tuple(stored["classes"]), int(stored["positive"]))
        if not 0 <= codec.positive < len(codec.classes) or len(set(codec.classes)) < 2:
            raise ValueError("the positive class is none of two or more different classes")
        if len({_sort(label) for label in codec.classes}) > 1:
            raise ValueError("classes must be all text, all numbers or all truth values")
        return codec


def _positive(classes: Sequence[Any], positive: Any, target: str) -> int:
    """The stated positive class; else the one that says yes; else the last in order."""
    names = [str(label).lower() for label in classes]
    if positive is not None:
        if str(positive).lower() not in names:
            raise unknown(f"class of {target!r}", str(positive), [str(c) for c in classes])
        return names.index(str(positive).lower())
    said_yes = [index for index, name in enumerate(names) if name in _YES]
    return said_yes[0] if len(classes) == 2 and said_yes else len(classes) - 1


def _plain(value: Any) -> Any:
    """A numpy scalar as the Python value that JSON keeps; a whole float as an int."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (bool, int, float)) else str(value)


def _sort(label: Any) -> type:
    return type(label) if isinstance(label, (str, bool)) else float


def _order(label: Any) -> tuple[int, Any]:
    return (1, label) if isinstance(label, str) else (0, label)
