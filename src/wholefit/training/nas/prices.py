"""What an architecture costs before it is trained: parameters, and seconds to answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.models import Context, Model
from wholefit.training._folds import Problem

_ROWS, _REPEATS = 1_000, 5
# So many times the limit is not the noise of a busy machine.
_FAR = 3.0


class Prices:
    """Prices of network models on the rows of a problem.

    Nothing is trained, and no weight is laid out to count parameters.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._seen: dict[Any, tuple[Context, np.ndarray]] = {}
        self._inputs: dict[Any, Any] = {}
        self._latencies: dict[str, float] = {}

    def parameters(self, model: Model) -> int:
        """How many numbers the network learns."""
        import torch

        from wholefit.nn import networks

        with torch.device("meta"):
            return networks.parameters(networks.make(**self._made_of(model)[0]), trainable=True)

    def latency(self, model: Model, limit: float | None = None) -> float:
        """Seconds in which the network answers 1,000 encoded rows, the least of five times.

        What else the machine does only ever adds to it. With a `limit` it is timed until it is
        plain on which side it lies. It has its first weights: what is learnt changes nothing about
        its pace.
        """
        from wholefit.models._kernels._network_inputs import pixel_figures
        from wholefit.models._networks._answering import Answering
        from wholefit.models._networks._learn import made

        options, inputs, X = self._made_of(model)
        key = repr(sorted((name, value) for name, value in options.items() if name != "dropout"))
        if key not in self._latencies:
            figures = pixel_figures([each for each in inputs.split(X) if each.ndim == 4])
            answering = Answering(made(options, self.problem.seed).eval(), inputs, figures)
            rows = X[np.arange(_ROWS) % len(X)]
            self._latencies[key] = least(lambda count: _timed(answering, rows[:count]), limit)
        return self._latencies[key]

    def _made_of(self, model: Model) -> tuple[dict[str, Any], Any, np.ndarray]:
        """The network's options with the sizes of its inputs; the inputs; some encoded rows."""
        from wholefit.models._networks import _shape

        task = self.problem.task
        steps = tuple(step.name for step in getattr(model, "steps", ()))
        encoding = self.problem.encoding(model), steps
        if encoding not in self._seen:
            self._seen[encoding] = self._context(model)
        context, X = self._seen[encoding]
        inner: Any = getattr(model, "inner", model)
        network = inner.network(task, context)
        scaling = str(model.to_dict().get("scaling", "standard"))
        kept = (encoding, network["network"], scaling)
        if kept not in self._inputs:
            self._inputs[kept] = _shape.inputs_for(network, X, context.spans, scaling)
        answers = "classes" if self.problem.n_classes else "numbers"
        return _shape.complete(network, self._inputs[kept], self.problem.n_classes or 1,
                               answers), self._inputs[kept], X

    def _context(self, model: Model) -> tuple[Context, np.ndarray]:
        rows = self.problem.plan.folds[0][0]
        encoder = self.problem.encoder(model, rows, 0)[0]
        X = np.asarray(encoder.transform(self.problem.dataset, rows[:_ROWS]))
        return Context(rows=len(rows), features=X.shape[1], categorical=encoder.categorical,
                       n_classes=self.problem.n_classes, jobs=self.problem.jobs,
                       seed=self.problem.seed, spans=encoder.spans), X


def least(timed: Callable[[int], float], limit: float | None = None) -> float:
    """The least of five times for 1,000 rows, where `timed(rows)` gives seconds.

    With a limit it ends with the first time within it, or far above it: a tenth of the rows is
    asked first, so that what is far too slow is not waited for.
    """
    few = _ROWS // 10
    timed(few)  # the first answer also wakes what the library makes once
    part = timed(few)
    if limit is not None and part > limit:
        return part * _ROWS / few
    best = math.inf
    for _ in range(_REPEATS):
        best = min(best, timed(_ROWS))
        if limit is not None and (best <= limit or best > _FAR * limit):
            break
    return best


def _timed(answering: Any, rows: np.ndarray) -> float:
    start = time.perf_counter()
    answering.raw(rows)
    return time.perf_counter() - start
