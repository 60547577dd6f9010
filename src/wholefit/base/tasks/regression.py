"""Regression: how much, as a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.tasks._task import Codec, TargetFacts, Task, Verb


@dataclass(frozen=True)
class NumberCodec(Codec):
    """Numbers are learnt as they are."""

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Values (n,) to float64 (n,); NaN where missing."""
        return np.asarray(values, dtype=np.float64)

    def decode(self, answer: np.ndarray) -> np.ndarray:
        """The answer (n,) itself."""
        return answer

    def to_json(self) -> dict[str, Any]:
        """Nothing to remember."""
        return {}


class Regression(Task):
    """Predict a number."""

    name = "regression"
    summary = "how much: a number for each row"
    roles = ("target",)
    verbs = (
        Verb("predict", "the expected value of each row", "number"),
        Verb("predict_interval", "the range that holds the value, at a stated level",
             "two numbers", ("level",)),
    )
    baseline = "dummy"
    metrics = ("rmse", "mae", "r2", "mape", "mse")
    unit = "row"
    stratified = False
    updatable = True
    answer_shape = "(n,) numbers; truth (n,) numbers"

    def recognise(self, target: TargetFacts) -> str | None:
        """Numbers with many values."""
        if target.kind in ("number", "integer"):
            return f"{target.name!r} is a number with {target.distinct} different values"
        return None

    def codec(self, target: str, values: np.ndarray, positive: Any = None) -> NumberCodec:
        """Check that the values are finite numbers and not all the same."""
        if positive is not None:
            raise ParameterError(
                f"positive names a class, and regression has none; got {positive!r}.")
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(
                f"regression needs numbers; target {target!r} holds {values[0]!r}. "
                "Say task='classification', or clean the column."
            ) from None
        if np.isinf(numbers).any():
            raise DataError(f"target {target!r} must hold finite numbers; some are infinite: "
                            "leave those rows out, or clean them.")
        if len(np.unique(numbers)) < 2:
            raise DataError(f"target {target!r} has one value only; there is nothing to learn.")
        return NumberCodec()

    def codec_from_json(self, stored: dict[str, Any]) -> NumberCodec:
        """Nothing to read back."""
        return NumberCodec()
