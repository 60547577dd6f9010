"""Metrics with a number in their name: "f2", "recall@precision=0.5", "precision@top=5%"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from wholefit.base.errors import ParameterError
from wholefit.evaluation.metrics import _fixed
from wholefit.evaluation.metrics._metric import Metric
from wholefit.evaluation.metrics._ratios import ClassRatio

_BETA = re.compile(r"f(?:_?beta=?)?_?(\d+(?:\.\d+)?)\Z")
_FIXED = re.compile(r"(recall|precision)@(recall|precision|top)>?=(\d+(?:\.\d+)?)(%?)\Z")
# How they are written, for those who ask.
FORMS = ("f2", "recall@precision=0.5", "precision@recall=0.8", "precision@top=100", "recall@top=5%")


def named(word: str, f1: Metric) -> Metric | None:
    """The metric that a word with a number in it names; None if it names none.

    `f1` is what F-beta is made of. Raises ParameterError for a number that makes no sense.
    """
    beta = _BETA.match(word)
    if beta is not None and isinstance(f1, ClassRatio):
        return _f_beta(float(beta[1]), f1)
    found = _FIXED.match(word)
    if found is None or found[1] == found[2]:
        return None
    number = float(found[3]) / (100 if found[4] else 1)
    return _top(word, found, number) if found[2] == "top" else _at(word, found, number)


def _f_beta(beta: float, f1: ClassRatio) -> ClassRatio:
    """(1 + b^2) precision recall / (b^2 precision + recall): recall counts b times as much."""
    if not 0 < beta <= 100:
        raise ParameterError(f"the beta of an F score must be above 0 and at most 100; got {beta}.")
    square = beta * beta
    return replace(
        f1, name=f"f{beta:g}", doc=f"mean of precision and recall, recall counting {beta:g} times",
        aliases=(), plain_words=f"precision and recall, recall counting {beta:g} times, come to "
        "{value}.", hits=1 + square, of_truth=square, of_predicted=1.0)


def _at(word: str, found: re.Match[str], number: float) -> Metric:
    if not 0 < number <= 1:
        raise ParameterError(f"metric {word!r}: the {found[2]} must be above 0 and at most 1.")
    make: dict[str, Callable[[float], Metric]] = {
        "recall": _fixed.recall_at_precision, "precision": _fixed.precision_at_recall}
    return make[found[1]](number)


def _top(word: str, found: re.Match[str], number: float) -> Metric:
    make = _fixed.recall_at_top if found[1] == "recall" else _fixed.precision_at_top
    if found[4] or 0 < number < 1:
        if not 0 < number <= 1:
            raise ParameterError(f"metric {word!r}: the share must be above 0 and at most 100%.")
        return make(share=number)
    if number < 1 or number != int(number):
        raise ParameterError(f"metric {word!r}: the number of rows must be a whole one, at least "
                             "1; or write a share, such as 5%.")
    return make(rows=int(number))
