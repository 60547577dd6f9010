"""Features of a base are computed where it is trained, and the module is back afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch (extra deep)")

from wholefit.base.errors import ParameterError  # noqa: E402
from wholefit.nn import Recipe, predicting, transfer  # noqa: E402
from wholefit.nn.transfer import extracting  # noqa: E402


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The device that features were asked for on, each time; "cuda" is played by the CPU."""
    found: list[str] = []
    was, moved = extracting._computed, predicting.place
    words: list[str] = []

    def place(device: str) -> Any:
        words.append(device)
        return torch.device("cpu") if device == "cuda" else moved(device)

    def computed(module: Any, inputs: Any, batch: int) -> Any:
        found.append(words.pop() if words else "where it was")
        return was(module, inputs, batch)

    monkeypatch.setattr(predicting, "place", place)
    monkeypatch.setattr(extracting, "_computed", computed)
    return found


def test_an_estimator_extracts_on_its_device(base: Any, shapes: Any, asked: Any,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    from wholefit.features.spans import Span
    from wholefit.models._networks._pretrained import PretrainedClassifier

    extracting._memo.clear()
    x, y = shapes(30, seed=11)
    made = PretrainedClassifier(
        {"base": base, "strategy": "auto"}, {"epochs": 1, "batch": 16, "device": "cuda"},
        spans=[Span("image", 0, 432, shape=(3, 12, 12))], validation=0.0)
    monkeypatch.setattr("wholefit.nn.transfer.advise", lambda *_, **__: transfer.Advice(
        "frozen", "for the test"))
    made.fit(x.reshape(30, -1), y)
    # The similarity asks of the base and of random weights; what the head then needs is remembered.
    assert len(asked) >= 2 and set(asked) == {"cuda"}
    assert next(made.module_.parameters()).device.type == "cpu"


def test_tuning_extracts_on_the_recipes_device(base: Any, shapes: Any, asked: Any) -> None:
    x, y = shapes(24, seed=11)
    transfer.tune(base, (x, y), 4, "frozen", recipe=Recipe(epochs=1, batch=16, device="cuda"))
    assert asked == ["cuda"]


def test_a_device_that_is_not_here_is_said_and_none_leaves_the_module(
    base: Any, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, _ = shapes(6, seed=1)
    module = transfer.headed(base, 4)
    monkeypatch.setattr(predicting, "here", lambda device: device == "cpu")
    with pytest.raises(ParameterError, match="'cuda' is not on this machine"):
        transfer.extract(module, [x], device="cuda")
    assert np.array_equal(transfer.extract(module, [x], device="cpu"),
                          transfer.extract(module, [x]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_features_of_a_gpu_are_those_of_the_cpu_but_for_rounding(base: Any, shapes: Any) -> None:
    x, _ = shapes(20, seed=3)
    module = transfer.headed(base, 4)
    there = transfer.extract(module, [x], device="cuda")
    assert next(module.parameters()).device.type == "cpu"
    np.testing.assert_allclose(there, transfer.extract(module, [x]), atol=1e-2)
