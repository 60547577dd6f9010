"""One row in this process: the library's own call, and wholefit's way of one row."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def measured(path: Path, one: Path, seconds: float) -> dict[str, float]:
    """Seconds of a row: the model's own call on its features, and the whole way of a row."""
    import wholefit as wf
    from wholefit import data
    from wholefit.training.quick import Quick

    fitted = wf.load(path)._fitted
    row = json.loads(one.read_text())
    asked = data.conforming([row], fitted.schema)
    fitted.answer(asked)
    X = fitted.encoder.transform(asked)
    X = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    quick = Quick(fitted)
    assert quick.answer([row]) is not None, "the row is not plain"
    native = _native(fitted, X)
    ways: dict[str, Callable[[], Any]] = {
        "native": native, "row": lambda: quick.answer([row]),
        "table": lambda: fitted.answer(data.conforming([row], fitted.schema))}
    # In turns, so that what else the machine does falls on all.
    found: dict[str, list[float]] = {name: [] for name in ways}
    ends = time.perf_counter() + min(seconds, 10)
    while time.perf_counter() < ends:
        for name, way in ways.items():
            for _ in range(20):
                start = time.perf_counter()
                way()
                found[name].append(time.perf_counter() - start)
    return {name: float(np.median(taken)) for name, taken in found.items()}


def told(inside: dict[str, float], rate: float, connections: str) -> list[str]:
    """What of a request is the model's and what the server's, in a sentence."""
    whole = 1 / rate
    return [f"Inside one process a row takes {1e6 * inside['native']:.0f} us by the model's own "
            f"call on ready features, {1e6 * inside['row']:.0f} us by wholefit from its columns "
            f"({inside['row'] / inside['native']:.2f} times), {1e6 * inside['table']:.0f} us by "
            f"way of a table. Of a request's {1e6 * whole:.0f} us (over {connections} connections) "
            f"{1e6 * max(0.0, whole - inside['row']):.0f} us are the server's and the client's."]


def _native(fitted: Any, X: np.ndarray) -> Callable[[], Any]:
    """The library's own call: LightGBM's, scikit-learn's, or for a network the model's scorer."""
    state = fitted.state()
    if state.kind == "lightgbm":
        import lightgbm

        booster = lightgbm.Booster(model_str=state.blobs["model"].decode())
        return lambda: booster.predict(X, num_threads=1)
    if state.kind == "linear":
        from sklearn.linear_model import LogisticRegression

        # What it weighs is no matter to how long it takes.
        model = LogisticRegression().fit(np.vstack([X, X + 1]), [0, 1])
        return lambda: model.predict_proba(X)
    from wholefit.models import scorer

    answering = scorer(state)
    return lambda: answering.answer(X)
