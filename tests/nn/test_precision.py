"""What is measured is chosen by what was measured, and leaves no trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError
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
    found, why = precision.compile_where_it_pays(network(), LOSS, BATCH, CPU, steps=steps)
    assert (found is not None) is kept
    assert why.startswith("compiled in" if kept else "not compiled")


def test_a_compiler_that_is_not_there_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(module: nn.Module, dynamic: bool) -> Any:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(precision, "_WORTH", 0.0)
    monkeypatch.setattr(torch, "compile", broken)
    found, why = precision.compile_where_it_pays(network(), LOSS, BATCH, CPU, steps=10)
    assert found is None
    assert "no compiler" in why


class Uncompilable:
    """Stands for torch.compile where there is no compiler: it fails at the first step."""

    def __init__(self, module: nn.Module, dynamic: bool) -> None:
        pass

    def __call__(self, *inputs: torch.Tensor) -> Any:
        raise RuntimeError("no working\n  C++ compiler")


def taught(**words: Any) -> Any:
    from wholefit.nn import train

    return train(network(), BATCH, Recipe(epochs=4, batch=5, rate=0.01, device="cpu",
                                          compiled=words.pop("compiled", "auto")), **words)


def test_a_repeat_of_compiled_steps_goes_on_plainly_where_no_compiler_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    """By `chosen`, by a checkpoint, and from the checkpoint that the plain run left."""
    from wholefit.base.errors import WholefitWarning
    from wholefit.nn import train

    plain = taught(compiled="no")
    monkeypatch.setattr(torch, "compile", Uncompilable)
    with pytest.warns(WholefitWarning, match=r"not compiled, unlike the run that is repeated: "
                                             r"RuntimeError: no working C\+\+ compiler"):
        found = taught(chosen={"compiled": "yes"}, checkpoint=tmp_path, steps=5)
    assert found.decided["chosen"]["compiled"] == "no"
    assert "no working C++ compiler" in found.decided["compiled"]
    again = taught(checkpoint=tmp_path)  # it knows that the first half was made plainly
    for learnt in (again, train(network(), BATCH, Recipe(epochs=4, batch=5, rate=0.01,
                                                         device="cpu"))):
        assert all(map(torch.equal, learnt.module.parameters(), plain.module.parameters()))


def test_a_repeat_of_compiled_steps_is_compiled_where_it_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    monkeypatch.setattr(torch, "compile", lambda module, dynamic: asked.append(1) or module)
    found = taught(chosen={"compiled": "yes"})
    assert asked == [1]
    assert found.decided["chosen"]["compiled"] == "yes"
    assert found.decided["compiled"] == "compiled, as in the run that is repeated"
    plain = taught(compiled="no")  # the step that was tried left no trace
    assert all(map(torch.equal, found.module.parameters(), plain.module.parameters()))


def test_what_is_tried_is_no_larger_than_the_parts_that_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from wholefit.base.budget import Budget, Clock
    from wholefit.nn import finders

    seen: list[int] = []

    class Heard(Uncompilable):
        def __init__(self, module: nn.Module, dynamic: bool) -> None:
            self.module = module

        def __call__(self, *inputs: torch.Tensor) -> Any:
            seen.append(len(inputs[0]))
            return self.module(*inputs)

    monkeypatch.setattr(torch, "compile", Heard)
    monkeypatch.setattr(finders, "fit_memory", lambda *given: 2)
    taught(compiled="yes", clock=Clock(Budget(bytes=1 << 40)))
    assert set(seen) == {2}  # batches of five are made in parts of two


def test_compiling_that_was_asked_for_and_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", Uncompilable)
    with pytest.raises(ParameterError, match=r"Recipe.compiled 'yes' needs .* take 'auto'"):
        taught(compiled="yes")


def test_a_network_that_fails_plainly_too_is_not_the_compilers_fault() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        precision.compile_as_said(nn.Linear(3, 3), LOSS, BATCH, CPU)


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
