"""A model of the second layer: it reads what those of the first layer answered.

Its inputs are the first layer's answers, in an order that its state names, and perhaps the
encoded columns too (Wolpert 1992, "Stacked Generalization").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels._links import bounded
from wholefit.models._scorers import scorer

# A probability is no further from 0 than this to a second layer: beyond it, sureness is noise.
_LEAST = 1e-4


class Second:
    """Part "model"; config `inputs` (labels), `n_classes`, `middle`, `spread`, `bounds`.

    Answers of the first layer are held within the bounds (two numbers, or None) before it reads
    them, as they were when it learnt.
    """

    def __init__(self, state: State) -> None:
        self.inputs = tuple(str(label) for label in state.config["inputs"])
        self._classes = int(state.config["n_classes"])
        self._middle, self._spread = (float(state.config[name]) for name in ("middle", "spread"))
        self._bounds = state.config["bounds"]
        self._model = scorer(state.parts["model"])

    def answer(self, answers: Mapping[str, np.ndarray], columns: Any = None) -> np.ndarray:
        """First-layer answers by label, and encoded columns (n, p), to an answer of that shape."""
        X = features([bounded(np.asarray(answers[label]), self._bounds) for label in self.inputs],
                     columns, self._middle, self._spread)
        found = np.asarray(self._model.answer(X))
        return found if self._classes else self._middle + self._spread * found


def features(
    answers: Sequence[np.ndarray], columns: Any = None, middle: float = 0.0, spread: float = 1.0
) -> np.ndarray:
    """The matrix (n, features) of a second layer, float64.

    Of two classes, the log odds; of more, each log probability less their mean; of numbers m,
    (m - middle) / spread. `columns` (n, p) follow as they are.
    """
    parts = [_read(np.asarray(answer, dtype=np.float64), middle, spread) for answer in answers]
    if columns is not None:
        parts.append(np.asarray(columns, dtype=np.float64))
    return np.hstack(parts)


def _read(answer: np.ndarray, middle: float, spread: float) -> np.ndarray:
    if answer.ndim == 1:
        return ((answer - middle) / spread)[:, None]
    logs = np.log(np.maximum(answer, _LEAST))
    if answer.shape[1] == 2:
        return logs[:, 1:] - logs[:, :1]
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))
