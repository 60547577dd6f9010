"""What every exact explainer gives, and the scales on which contributions add up."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels._links import sigmoid, softmax
from wholefit.models._kernels.linear import normalised

NUMBER, LOG, PROBABILITY = "number", "log", "probability"
TRAINING, BACKGROUND = frozenset({"training"}), frozenset({"background"})
LOG_ODDS, ONE_AGAINST_REST = "log-odds", "one-against-rest log-odds"


class Explainer(Protocol):
    """Contributions of encoded features, which add up on `scale` from `base` (outputs,).

    `classes` are the codes of the classes that the outputs stand for, None for a number. One
    output on the scale of log-odds stands for the second of two classes. `rests` says what the
    start is relative to: "training" (its rows at the nodes of trees), "background", both or none.
    """

    scale: str
    base: np.ndarray
    classes: tuple[int, ...] | None
    rests: frozenset[str]

    def values(self, X: Any) -> np.ndarray:
        """What each feature adds: (n, p, outputs), of rows (n, p) encoded as the model takes them.
        """


def seen(state: State, outputs: int) -> tuple[int, ...]:
    """Codes of the classes behind the outputs; of one output, the second class's."""
    classes = state.config.get("classes")
    codes = range(int(state.config["n_classes"])) if classes is None else classes
    return tuple(int(code) for code in codes)[-outputs:]


def answered(scale: str, sums: np.ndarray) -> np.ndarray:
    """What sums (n, outputs) on a scale mean: probabilities, or the number itself."""
    if scale == LOG_ODDS:
        return sigmoid(sums) if sums.shape[1] == 1 else softmax(sums)
    if scale == ONE_AGAINST_REST:
        return normalised(sigmoid(sums))
    return np.asarray(np.exp(sums) if scale == LOG else sums)
