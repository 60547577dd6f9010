"""The denoising autoencoder: it answers with numpy as the network does, and takes noise away."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from wholefit.base import tasks
from wholefit.models import Context, make, scorer

TASK = tasks.get("reduction")


def fitted(words: str, rows: np.ndarray) -> tuple[Any, Any]:
    model = make(f"denoising_autoencoder({words})")
    context = Context(rows=len(rows), features=rows.shape[1], seed=1)
    estimator = model.build(TASK, context).fit(rows)
    return estimator, scorer(model.state(estimator, TASK, context))


def plane(count: int) -> np.ndarray:
    """Eight columns that two numbers decide."""
    rng = np.random.default_rng(0)
    turn = np.random.default_rng(1).normal(size=(2, 8))
    return rng.normal(size=(count, 2)) @ turn / np.sqrt(2)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_numpy_answers_as_the_network_does(activation: str) -> None:
    torch = pytest.importorskip("torch")
    rows = plane(80)
    estimator, answering = fitted(f"hidden=[8], epochs=2, activation='{activation}'", rows)
    with torch.no_grad():
        x = torch.from_numpy(rows.astype(np.float32))
        code = estimator.module_.encode(x)
        assert np.allclose(answering.answer(rows), code.numpy(), atol=1e-5)
        assert np.allclose(answering.restore(code.numpy()), estimator.module_(x).numpy(),
                           atol=1e-5)
    assert np.allclose(estimator.transform(rows), answering.answer(rows))
    again = pickle.loads(pickle.dumps(estimator))
    assert np.array_equal(again.transform(rows), estimator.transform(rows))
    pickle.dumps(answering)


def test_cells_that_are_lost_are_rebuilt_from_others() -> None:
    pytest.importorskip("torch")
    rows = plane(500)
    lost = np.random.default_rng(2).random(rows.shape) < 0.2
    spoilt = np.where(lost, 0.0, rows)
    _, answering = fitted("hidden=[24], epochs=50, rate=0.005, strength=0.2", rows)
    again = answering.restore(answering.answer(spoilt))
    assert ((again - rows)[lost] ** 2).mean() < 0.6 * (rows[lost] ** 2).mean()


def test_a_sparse_code_has_smaller_numbers() -> None:
    pytest.importorskip("torch")
    rows = plane(200)
    sizes = [np.abs(fitted(f"hidden=[8], epochs=10, components=2, {more}", rows)[1].answer(rows)
                    ).mean() for more in ("sparsity='none'", "sparsity='l1', weight=0.3")]
    assert sizes[1] < 0.7 * sizes[0]
