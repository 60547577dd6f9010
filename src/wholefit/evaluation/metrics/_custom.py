"""A user's own metric: any function of truth and answer."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.evaluation.metrics._metric import Array, Metric

_WEIGHT_WORDS = ("weights", "sample_weight", "weight")


@dataclass(frozen=True)
class Custom(Metric):
    """A metric that is a black box: its interval comes from drawing rows anew."""

    function: Callable[..., float] = field(kw_only=True)
    probabilities: bool = field(kw_only=True)
    weight_word: str | None = field(kw_only=True)
    classes: tuple[Any, ...] | None = field(default=None, kw_only=True)

    def value(self, sheet: Any, weights: Array) -> Array:
        """Call the function on the rows, once."""
        if sheet.weighted and self.weight_word is None:
            raise ParameterError(
                f"metric {self.name!r} takes no weights, and weights are given: give the function "
                f"a parameter named {_WEIGHT_WORDS[0]!r}, or score without weights.")
        return np.asarray(self.on(sheet, slice(None)))

    def slopes(self, sheet: Any, weights: Array) -> Array:
        """A black box has none."""
        raise NotImplementedError(f"metric {self.name!r} is a function without derivatives")

    def on(self, sheet: Any, rows: Any) -> float:
        """The function's value on some rows of the sheet."""
        truth, answer = self._shown(sheet)
        extra = {self.weight_word: sheet.weights[rows]} if self.weight_word else {}
        try:
            return float(self.function(truth[rows], answer[rows], **extra))
        except Exception as error:
            raise DataError(f"metric {self.name!r} failed: {type(error).__name__}: {error}. It is "
                            "called with truth (n,), answer and, if it takes them, weights.") \
                from error

    def _shown(self, sheet: Any) -> tuple[Array, Array]:
        """Truth and answer in the form that the function asks for."""
        return sheet.cached(("shown", self.probabilities, self.classes), lambda: self._show(sheet))

    def _show(self, sheet: Any) -> tuple[Array, Array]:
        if sheet.answer.ndim == 1:
            return sheet.truth, sheet.answer
        labels = np.asarray(self.classes if self.classes is not None else range(sheet.k))
        answer = sheet.answer if self.probabilities else labels[sheet.predicted]
        return labels[sheet.truth], answer


def custom(function: Callable[..., float] | str, task: str, *,
           classes: Sequence[Any] | None = None) -> Custom:
    """A metric from a function, or from "package.module:function".

    The function is called as f(truth, answer) or f(truth, answer, weights) and gives a number.
    For classification, truth is the labels (`classes` in order of their codes; the codes
    themselves without `classes`), and answer the predicted labels, or the probabilities (n, k)
    if the function has an attribute `needs = "predict_proba"`. An attribute
    `greater_is_better = False` says that less is better.
    """
    call = _imported(function) if isinstance(function, str) else function
    needs = getattr(call, "needs", "predict")
    if needs not in ("predict", "predict_proba"):
        raise ParameterError(f"metric {_name(call)!r}: needs must be 'predict' or "
                             f"'predict_proba'; got {needs!r}.")
    better = "higher" if getattr(call, "greater_is_better", True) else "lower"
    return Custom(
        _name(call), (inspect.getdoc(call) or "a function of yours").partition("\n")[0], better,
        -math.inf, math.inf, "as the function defines it", "{value:.4g}", function=call,
        probabilities=needs == "predict_proba", weight_word=_weight_word(call),
        classes=tuple(classes) if classes is not None else None)


def _name(call: Any) -> str:
    return str(getattr(call, "__name__", None) or getattr(call, "name", None)
               or type(call).__name__)


def _imported(path: str) -> Callable[..., float]:
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute:
        raise ParameterError(f"metric must look like 'package.module:function'; got {path!r}.")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ParameterError(f"metric {path!r}: module {module_name!r} cannot be imported "
                             f"({error}); is it installed, or its folder on PYTHONPATH?") from error
    if not hasattr(module, attribute):
        public = [name for name, value in vars(module).items() if callable(value)]
        raise unknown(f"function in {module_name!r}", attribute, public)
    found = getattr(module, attribute)
    if not callable(found):
        raise ParameterError(f"metric {path!r} must be a function; got {type(found).__name__}.")
    return found


def _weight_word(call: Any) -> str | None:
    """The parameter through which the function takes weights, if it does."""
    try:
        parameters = inspect.signature(call).parameters
    except (TypeError, ValueError):
        return None
    named = [word for word in _WEIGHT_WORDS if word in parameters]
    return named[0] if named else _third(parameters)


def _third(parameters: Any) -> str | None:
    """A third parameter that must be given can only be the weights, whatever its name."""
    must = [name for name, p in parameters.items()
            if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return must[2] if len(must) > 2 else None
