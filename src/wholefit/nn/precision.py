"""Half precision and compiled modules, where they are measured to pay on real steps."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError, WholefitWarning
from wholefit.nn.losses import Loss
from wholefit.nn.quiet import device_random, set_device_random, settle
from wholefit.nn.recipe import Recipe

Batch = Sequence[torch.Tensor]
# How far the loss of one batch may move by what is chosen here.
HALF_TOLERANCE, COMPILED_TOLERANCE = 0.02, 1e-3
# Compiling took 15 to 60 s on the networks measured; less work than this cannot win it back.
_WORTH = 120.0


def check(recipe: Recipe, device: torch.device) -> None:
    """Raises ParameterError where a device has no such numbers."""
    if recipe.precision == "float16" and device.type == "cpu":
        raise ParameterError("Recipe.precision 'float16' needs a GPU; on a CPU take 'bfloat16'.")


def choose(
    module: nn.Module, loss: Loss, batch: Batch, device: torch.device,
) -> tuple[str, str]:
    """("float32" or "bfloat16", why): what 'auto' takes after a few steps with each.

    `batch` is (inputs..., target). Bfloat16 must be a tenth quicker, and its loss within 2 %.
    """
    found = {}
    with untouched(module):
        for word in ("float32", "bfloat16"):
            found[word] = seconds(_pass(module, module, loss, batch, device, word), device)
    (plain, before), (half, after) = found["float32"], found["bfloat16"]
    gain = f"{half * 1e3:.3g} ms a step beside {plain * 1e3:.3g} ms in float32"
    if abs(after - before) > HALF_TOLERANCE * abs(before) or not math.isfinite(after):
        return "float32", f"bfloat16 moves the loss from {before:.4g} to {after:.4g}"
    return ("bfloat16" if half < 0.9 * plain else "float32"), f"bfloat16 takes {gain}"


class Compiled:
    """A compiled module for whole training batches; others go through the module itself."""

    def __init__(self, module: nn.Module, rows: int) -> None:
        self._module, self._rows = module, rows
        self._quick: Any = torch.compile(module, dynamic=False)

    def __call__(self, *inputs: torch.Tensor) -> Any:
        """The module's answer."""
        whole = self._module.training and len(inputs[0]) == self._rows
        return (self._quick if whole else self._module)(*inputs)


def compile_where_it_pays(
    module: nn.Module, loss: Loss, batch: Batch, device: torch.device, *, steps: int,
    precision: str = "float32", left: float = math.inf,
) -> tuple[Callable[..., Any] | None, str]:
    """(what to call in the module's place or None, why).

    `steps` are those planned, `left` the seconds there are. Not tried for less work than two
    minutes, for compiling itself takes up to one.
    """
    with untouched(module):
        before, plain = seconds(_pass(module, module, loss, batch, device, precision), device)
        if before * steps < _WORTH or left < _WORTH:
            return None, f"not compiled: {min(before * steps, left):.3g} s of steps are too few"
        began = time.perf_counter()
        try:
            quick = Compiled(module, len(batch[0]))
            after, compiled = seconds(_pass(quick, module, loss, batch, device, precision), device)
        except Exception as error:  # no compiler, or a module that it cannot read
            return None, f"not compiled: {_short(error)}"
    gain = f"{after * 1e3:.3g} ms a step beside {before * 1e3:.3g} ms"
    if abs(compiled - plain) > COMPILED_TOLERANCE * max(abs(plain), 1e-6):
        return None, f"not compiled: the loss moves from {plain:.6g} to {compiled:.6g}"
    if (before - after) * steps <= 0.02 * before * steps:
        return None, f"not compiled: {gain}"
    return quick, f"compiled in {time.perf_counter() - began:.0f} s: {gain}"


def compile_as_said(
    module: nn.Module, loss: Loss, batch: Batch, device: torch.device, *,
    precision: str = "float32", repeated: bool = False,
) -> tuple[Callable[..., Any] | None, str]:
    """(the compiled module or None, why), without measuring whether it pays.

    Compilers fail at the first step, not before, so one is made that leaves no trace. Where it
    fails, a run that is `repeated` goes on with the module itself, and a warning says so; a user
    who asked for it gets ParameterError.
    """
    with untouched(module):
        try:
            quick = Compiled(module, len(batch[0]))
            _pass(quick, module, loss, batch, device, precision)()
        except Exception as error:  # no compiler, or a module that it cannot read
            failed = error
        else:
            return quick, ("compiled, as in the run that is repeated" if repeated
                           else "compiled, as asked")
        # What fails plainly too is not the compiler's fault, and says so itself.
        _pass(module, module, loss, batch, device, precision)()
    if not repeated:
        raise ParameterError(
            f"Recipe.compiled 'yes' needs what torch.compile needs, and it failed here "
            f"({_short(failed)}): take 'auto', which does without where it must, or 'no'."
        ) from failed
    said = (f"not compiled, unlike the run that is repeated: {_short(failed)}; weights may differ "
            "from that run's by rounding")
    warnings.warn(f"steps are {said}.", WholefitWarning, stacklevel=2)
    return None, said


def _short(error: Exception) -> str:
    """An error's name and its first paragraph in one line, cut: compilers say pages."""
    first = str(error).strip().split("\n\n")[0]
    return f"{type(error).__name__}: {' '.join(first.split())[:200]}"


def seconds(
    step: Callable[[], torch.Tensor], device: torch.device, *, repeats: int = 3,
) -> tuple[float, float]:
    """(the least seconds of a few calls after the first, what it gave)."""
    best, value = math.inf, math.nan
    for number in range(repeats + 1):
        began = time.perf_counter()
        value = float(step())
        settle(device)
        if number:
            best = min(best, time.perf_counter() - began)
    return best, value


def _pass(
    call: Callable[..., Any], module: nn.Module, loss: Loss, batch: Batch, device: torch.device,
    word: str,
) -> Callable[[], torch.Tensor]:
    def step() -> torch.Tensor:
        module.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=word == "bfloat16"):
            output = call(*batch[:-1])
        value = loss(output.float() if isinstance(output, torch.Tensor) else output, batch[-1])
        value.backward()
        return value.detach()

    return step


class Untouched:
    """Inside, a module may be run in training mode; buffers and random generators come back."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def __enter__(self) -> None:
        self._was = self._module.training
        self._kept = [(each, each.clone()) for each in self._module.buffers()]
        self._random = torch.get_rng_state()
        self._device = next((p.device for p in self._module.parameters()), torch.device("cpu"))
        self._drawn = device_random(self._device)
        self._module.train()

    def __exit__(self, *error: Any) -> None:
        self._module.zero_grad(set_to_none=True)
        with torch.no_grad():
            for live, kept in self._kept:
                live.copy_(kept)
        torch.set_rng_state(self._random)
        set_device_random(self._drawn, self._device)
        self._module.train(self._was)


untouched = Untouched
