"""Naive Bayes for counts that may dip below 0. Imports scikit-learn: import it when building."""

from __future__ import annotations

from typing import Any

from sklearn.naive_bayes import MultinomialNB
from sklearn.utils.validation import validate_data

from wholefit.models._kernels.bayes import floored


class CountsNB(MultinomialNB):  # type: ignore[misc]
    """MultinomialNB that reads numbers below 0 as 0.

    Numbers are brought to 0..1 by the range seen in training; a later row may lie below it, and
    must neither be refused nor count against a feature.
    """

    def _check_X(self, X: Any) -> Any:
        return floored(super()._check_X(X))

    def _check_X_y(self, X: Any, y: Any, reset: bool = True) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y, accept_sparse="csr", reset=reset)
        return floored(X), y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = False
        return tags
