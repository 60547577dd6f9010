"""What is measured is chosen by what was measured, and leaves no trace."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from wholefit.nn import Recipe, losses, precision

LOSS = losses.make(Recipe())
CPU = torch.device("cpu")
BATCH = (torch.randn(16, 4, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 3)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))


@pytest.mark.parametrize(("plain", "half", "chosen"), [
    ((1.0, 0.7), (0.5, 0.7), "bfloat16"), ((1.0, 0.7), (0.95, 0.7), "float32"),
    ((1.0, 0.7), (0.5, 0.8), "float32"), ((1.0, 0.7), (0.5, float("nan")), "float32"),
])
def test_half_precision_must_be_quicker_and_near(
    monkeypatch: pytest.MonkeyPatch, plain: Any, half: Any, chosen: str,
) -> None:
    answers = iter([plain, half])
    monkeypatch.setattr(precision, "seconds", lambda step, device: next(answers))
    assert precision.choose(network(), LOSS, BATCH, CPU)[0] == chosen


def test_nothing_is_left_behind() -> None:
    module, before = network(), torch.get_rng_state()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    precision.choose(module, LOSS, BATCH, CPU)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())


@pytest.mark.parametrize(("times", "steps", "kept"), [
    ([(1.0, 0.7)], 50, False),
    ([(1.0, 0.7), (0.5, 0.7)], 500, True),
    ([(1.0, 0.7), (0.995, 0.7)], 500, False),
    ([(1.0, 0.7), (0.5, 0.71)], 500, False),
], ids=["too few", "pays", "no gain", "another loss"])
def test_compiling_must_pay_within_the_steps(
    monkeypatch: pytest.MonkeyPatch, times: list[Any], steps: int, kept: bool,
) -> None:
    answers = iter(times)
    monkeypatch.setattr(precision, "seconds", lambda step, device: next(answers))
    monkeypatch.setattr(torch, "compile", lambda module, dynamic: module)
    found, why = precision.compile_where_it_pays(network(), LOSS, BATCH, CPU, steps=steps,
                                                 always=False)
    assert (found is not None) is kept
    assert why.startswith("compiled in" if kept else "not compiled")


def test_a_compiler_that_is_not_there_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(module: nn.Module, dynamic: bool) -> Any:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(precision, "_WORTH", 0.0)
    monkeypatch.setattr(torch, "compile", broken)
    found, why = precision.compile_where_it_pays(network(), LOSS, BATCH, CPU, steps=10,
                                                 always=False)
    assert found is None
    assert "no compiler" in why


@pytest.mark.slow
def test_a_compiled_module_learns_the_same() -> None:
    from wholefit.nn import train

    found = []
    for word in ("no", "yes"):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        found.append(train(module, BATCH, Recipe(epochs=4, batch=6, compiled=word)).module)
    for mine, theirs in zip(found[0].parameters(), found[1].parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)
