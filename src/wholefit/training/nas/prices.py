"""What an architecture costs before it is trained: parameters, and seconds to answer."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

from wholefit.models import Context, Model
from wholefit.training._folds import Problem

_ROWS, _REPEATS = 1_000, 5


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

    def latency(self, model: Model) -> float:
        """Seconds in which the network answers 1,000 encoded rows, the median of five.

        It has its first weights: what is learnt changes nothing about its pace.
        """
        from wholefit.models._kernels._network_inputs import pixel_figures
        from wholefit.models._networks._answering import Answering
        from wholefit.models._networks._learn import made

        options, inputs, X = self._made_of(model)
        key = repr(sorted(options.items(), key=str))
        if key not in self._latencies:
            figures = pixel_figures([each for each in inputs.split(X) if each.ndim == 4])
            answering = Answering(made(options, self.problem.seed).eval(), inputs, figures)
            rows = X[np.arange(_ROWS) % len(X)]
            took = [_timed(answering, rows) for _ in range(_REPEATS + 1)]
            self._latencies[key] = statistics.median(took[1:])
        return self._latencies[key]

    def _made_of(self, model: Model) -> tuple[dict[str, Any], Any, np.ndarray]:
        """The network's options with the sizes of its inputs; the inputs; some encoded rows."""
        from wholefit.models._networks import _shape

        task, encoding = self.problem.task, self.problem.encoding(model)
        if encoding not in self._seen:
            self._seen[encoding] = self._context(model)
        context, X = self._seen[encoding]
        network = model.network(task, context)  # type: ignore[attr-defined]
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


def _timed(answering: Any, rows: np.ndarray) -> float:
    start = time.perf_counter()
    answering.raw(rows)
    return time.perf_counter() - start
