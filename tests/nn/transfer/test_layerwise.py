"""Layers that begin as Boltzmann machines: whose weights they hold, what they are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch (extra deep)")

from wholefit.base.errors import DataError, ParameterError  # noqa: E402
from wholefit.nn import Recipe, networks, predict, train, transfer  # noqa: E402
from wholefit.nn.generative import Divergence  # noqa: E402
from wholefit.nn.transfer import layerwise  # noqa: E402

QUICK = Divergence(epochs=2, batch=32, device="cpu")


def perceptron(hidden: tuple[int, ...] = (12, 6), **more: Any) -> Any:
    torch.manual_seed(1)
    return networks.make("mlp", inputs=16, outputs=3, hidden=list(hidden),
                         **{"activation": "sigmoid", **more})


def patterns(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sixty-four bits: each row is one of its class's four patterns, a quarter of them turned.

    Which of the eight patterns go together no distance between them tells.
    """
    fixed = np.random.default_rng(7).random((8, 64)) < 0.5
    random = np.random.default_rng(seed)
    which = random.integers(0, 8, rows)
    turned = random.random((rows, 64)) < 0.25
    return (fixed[which] ^ turned).astype(np.float32), (which % 2).astype(np.int64)


def test_layers_hold_what_the_machines_learnt_one_upon_the_other(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[Any] = []
    own = layerwise.train_rbm

    def watched(machine: Any, rows: Any, how: Any, **more: Any) -> Any:
        found = own(machine, rows, how, **more)
        met.append((np.array(rows), found.module))
        return found

    monkeypatch.setattr(layerwise, "train_rbm", watched)
    x = np.random.default_rng(0).random((200, 16)).astype(np.float32)
    module = perceptron()
    before = transfer.fingerprint(module)
    base = transfer.pretrain_boltzmann(module, x, QUICK)
    assert transfer.fingerprint(module) == before != base.sha256
    first, second = met
    np.testing.assert_array_equal(first[0], x)
    with torch.no_grad():
        up = first[1](torch.from_numpy(x))
        top = second[1](up)
        np.testing.assert_allclose(second[0], up, atol=1e-6)
        found = base.module.layers[:-1](torch.from_numpy(x))
    np.testing.assert_allclose(found, top, atol=1e-6)
    head, kept = module.layers[-1], base.module.layers[-1]
    assert torch.equal(head.weight, kept.weight) and torch.equal(head.bias, kept.bias)


def test_the_same_seed_gives_the_same_base_and_another_another() -> None:
    x = np.random.default_rng(0).random((100, 16)).astype(np.float32)
    module = perceptron()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    marks = [transfer.pretrain_boltzmann(module, x, QUICK.replace(seed=seed)).sha256
             for seed in (0, 0, 1)]
    assert marks[0] == marks[1] != marks[2]
    assert torch.equal(before, torch.get_rng_state()), "torch's own draws are left as they were"


def test_few_labels_gain_from_rows_without() -> None:
    x, y = patterns(1500)
    far, truth = patterns(1000, seed=1)
    torch.manual_seed(0)
    module = networks.make("mlp", inputs=64, outputs=2, hidden=[24, 24], activation="sigmoid")
    base = transfer.pretrain_boltzmann(module, x, Divergence(
        epochs=30, batch=32, rate=1e-2, device="cpu"))
    recipe = Recipe(epochs=60, batch=16, rate=1e-2, device="cpu")
    few = (x[:40], y[:40])
    tuned = transfer.tune(base, few, 2, "all", recipe=recipe, decay=1.0)
    alone = train(transfer.headed(base, 2, fresh=True), few, recipe)
    right = [float((predict(each.module, [far]).argmax(1) == truth).mean())
             for each in (tuned, alone)]
    assert right[0] > 0.9
    assert right[0] > right[1] + 0.03


@pytest.mark.parametrize(("made", "said"), [
    (lambda: perceptron(activation="relu"), "sigmoid"),
    (lambda: perceptron(norm="batch"), "BatchNorm1d"),
    (lambda: perceptron(hidden=(8, 8), residual=True), "Residual"),
    (lambda: perceptron(hidden=()), "no layer to teach"),
    (lambda: networks.make("cnn", channels=1, height=8, width=8, outputs=2), "objective"),
])
def test_other_networks_are_refused(made: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        transfer.pretrain_boltzmann(made(), np.zeros((9, 16), np.float32), QUICK)


@pytest.mark.parametrize(("x", "said"), [
    (np.full((9, 16), 2.0), "from 0 to 1"), (np.full((9, 16), -0.1), "from 0 to 1"),
    (np.full((9, 16), np.nan), "without gaps"), (np.zeros((9, 15)), "takes 16 numbers"),
    (np.zeros((0, 16)), "takes 16 numbers"),
])
def test_rows_that_are_no_chances_are_refused(x: np.ndarray, said: str) -> None:
    with pytest.raises(DataError, match=said):
        transfer.pretrain_boltzmann(perceptron(), x, QUICK)
