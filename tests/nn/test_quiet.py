"""What a training borrows of torch it gives back: random numbers, threads, tiny numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from wholefit.nn import Recipe, train
from wholefit.nn.quiet import device_random, flushed, quiet, set_device_random, settle


def counts_as_nothing() -> bool:
    return float(torch.full((1,), 1e-40) * 1.0) == 0.0


def test_small_numbers_are_nothing_inside_and_are_as_before_outside() -> None:
    assert not counts_as_nothing()
    with flushed():
        assert counts_as_nothing()
        with flushed():
            assert counts_as_nothing()
        assert counts_as_nothing()
    assert not counts_as_nothing()
    with pytest.raises(ValueError, match="out"), flushed():
        raise ValueError("out")
    assert not counts_as_nothing()


def test_quiet_gives_back_what_it_took() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with quiet(7, "cpu", 1):
        assert torch.get_num_threads() == 1 and counts_as_nothing()
        torch.rand(3)
    assert torch.get_num_threads() == threads and torch.equal(torch.get_rng_state(), state)
    assert not counts_as_nothing()


def test_gradients_that_fade_leave_no_denormal_numbers() -> None:
    """The far end of a long sequence gets none, in a network whose memory fades."""

    class Fading(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.RNN(1, 4, batch_first=True), nn.Linear(4, 2)
            with torch.no_grad():
                self.rnn.weight_hh_l0.mul_(0.1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.rnn(x)[0][:, -1])

    class Look:
        every_step = False
        found = False

        def __call__(self, event: str, loop: object) -> None:
            x = torch.ones(1, 90, 1, requires_grad=True)
            grad, = torch.autograd.grad(module(x).sum(), x)
            size = grad.abs()
            self.found |= bool(((size > 0) & (size < torch.finfo(torch.float32).tiny)).any())

    torch.manual_seed(0)
    module, look = Fading(), Look()
    rows = np.random.default_rng(0).normal(size=(32, 90, 1)).astype(np.float32)
    train(module, (rows, np.zeros(32, np.int64)), Recipe(epochs=2, batch=8, device="cpu"),
          callbacks=[look])
    assert not look.found
    look("after", None)
    assert look.found  # as it is where nothing is done about it


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_each_device_is_waited_for_and_keeps_its_own_random_numbers(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for the device's own functions: what is called, and with what."""
    own, called = getattr(torch, kind), []
    state = torch.arange(3, dtype=torch.uint8)
    monkeypatch.setattr(own, "get_rng_state", lambda *device: state)
    monkeypatch.setattr(own, "set_rng_state", lambda found, *device: called.append(found))
    monkeypatch.setattr(own, "synchronize", lambda *device: called.append("waited"))
    assert device_random(kind) is state
    set_device_random(state, kind)
    settle(kind)
    assert called[0] is state and called[1:] == ["waited"]


def test_a_cpu_has_no_random_numbers_of_its_own() -> None:
    assert device_random("cpu") is None
    set_device_random(torch.zeros(3, dtype=torch.uint8), "cpu")  # of another device: left
    settle("cpu")
