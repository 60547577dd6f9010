"""Promises on saving: what is loaded answers what was saved, to the bit."""

from __future__ import annotations

import numpy as np

from wholefit import artifact
from wholefit.base.state import same
from wholefit.base.tasks import Task
from wholefit.checks import _data, _tools
from wholefit.features.encoder import Encoder
from wholefit.models import Model
from wholefit.training import Fitted, fit_plain


def a_round_trip_is_bit_equal(model: Model, task: Task) -> None:
    """A saved model must answer exactly as it did before it was saved."""
    made = _tools.fitted(model, task)
    frame = _data.table(task)
    before = _tools.answer(made, frame)
    states = {"encoder": made.encoder.state(), "model": made.state()}
    package = artifact.from_bytes(artifact.to_bytes({"task": task.name}, states))
    for name, state in states.items():
        assert same(package.states[name], state), f"the {name} state came back altered"
    loaded = Fitted(task, made.schema, made.codec, Encoder.from_state(package.states["encoder"]),
                    state=package.states["model"])
    after = _tools.answer(loaded, frame)
    assert np.array_equal(before, after), f"largest difference {np.abs(before - after).max():.3g}"


def the_state_agrees_with_the_estimator(model: Model, task: Task) -> None:
    """The version-independent form must be the model, not something like it."""
    dataset = _data.dataset(task)
    train, test = _tools.halves(dataset)
    live = fit_plain(dataset, task, model, rows=train)
    kept = fit_plain(dataset, task, model, rows=train)
    X = live.encoder.transform(dataset, test)
    expected = live.live_answer(X)
    found = kept.answer(dataset.take(test))
    scale = max(float(np.abs(expected).max()), 1.0)
    difference = float(np.abs(expected - found).max())
    assert difference <= 1e-6 * scale, f"largest difference {difference:.3g}"


def learning_on_equals_never_having_stopped(model: Model, task: Task) -> None:
    """An update after loading must be the update that would have been made before saving."""
    if not model.incremental:
        return
    dataset = _data.dataset(task)
    train, test = _tools.halves(dataset)
    made = fit_plain(dataset, task, model, rows=train)
    X = made.encoder.transform(dataset, test)
    y = dataset.target(made.codec)[test]
    context = made.context_for(X)
    stopped = model.restore(made.state(), task, context)
    live = fit_plain(dataset, task, model, rows=train)
    unbroken = live.live_estimator()
    stopped.partial_fit(X, y)
    unbroken.partial_fit(X, y)
    first = model.answer(stopped, X, task, context)
    second = model.answer(unbroken, X, task, context)
    scale = max(float(np.abs(second).max()), 1.0)
    assert np.allclose(first, second, atol=1e-9 * scale), (
        f"largest difference {np.abs(first - second).max():.3g}"
    )


