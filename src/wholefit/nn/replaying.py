"""A step recorded once and replayed: the same kernels in the same order, without their overhead.

On small networks most of a step is not arithmetic but Python, dispatch and the making of a graph
for derivatives. Forward, loss and backward are run once under a recorder of kernels, which become
one TorchScript graph that C++ interprets. The numbers are the same bit for bit: that is checked
on another batch at once, and again later; where it ever is not so, steps are made as usual.
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from wholefit.nn._script import written

# Seconds that a recording costs; kernels of steps longer than this outweigh what it spares.
_COST, _LONGEST, _MOST = 0.01, 0.01, 6000
_CHECKS = frozenset({1, 64, 1024, 16384})
Step = Callable[[Sequence[torch.Tensor]], torch.Tensor]


class Unrecordable(Exception):
    """The step cannot be replayed: it depends on numbers, or changes what cannot be seen."""


class Replay:
    """Loss and gradients of a batch: `replay(batch)` sets `p.grad` and gives the loss.

    `loss(batch)` is forward and loss, `params` get gradients. `always` records from the start;
    else only where the steps left are many and short. `notes` says what was decided.
    """

    def __init__(
        self, module: nn.Module, loss: Step, params: Sequence[Any], *, always: bool = False,
        left: Callable[[], int] = lambda: 1 << 30,
    ) -> None:
        self.module, self.loss, self.params = module, loss, list(params)
        self.note = "steps are made as usual: too few or too long for a recording to pay"
        self._always, self._left, self._off = always, left, False
        self._graph: Any = None
        self._shapes: Any = None
        self._mark: Any = None
        self._used: list[Any] = []
        self._state: list[Any] = []
        self._count, self._seconds, self._runs = 0, 0.0, 0

    def __call__(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        """The loss, detached; the gradients are in `p.grad`."""
        if self._off:
            return self._eager(batch)
        if self._graph is None:
            return self._watch(batch)
        if [array.shape for array in batch] != self._shapes:
            return self._eager(batch)
        self._runs += 1
        if self._runs in _CHECKS:
            return self._check(batch)
        loss, *grads = self._run(batch)
        for param, grad in zip(self._used, grads, strict=True):
            param.grad = grad
        return loss

    def _run(self, batch: Sequence[torch.Tensor]) -> Any:
        """The graph as it was written: TorchScript's rewriting takes longer than it spares here."""
        before = torch._C._get_graph_executor_optimize()
        torch._C._set_graph_executor_optimize(False)
        try:
            return self._graph(*batch, *self._state)
        finally:
            torch._C._set_graph_executor_optimize(before)

    def begin_epoch(self) -> None:
        """Forget the recording where the module is not as it was (something was frozen)."""
        if self._graph is not None and _mark(self.module) != self._mark:
            self._graph = None

    def _eager(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        for param in self.params:
            param.grad = None
        loss = self.loss(batch)
        loss.backward()
        return loss.detach()

    def _watch(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        """Time usual steps, and record when it pays."""
        began = time.perf_counter()
        found = self._eager(batch)
        self._count += 1
        if self._count > 2:  # the first are slow
            self._seconds += time.perf_counter() - began
        if self._count < (3 if self._always else 6):
            return found
        each = self._seconds / (self._count - 2)
        if not self._always and (each > _LONGEST or each * self._left() * 0.4 < _COST):
            self._off = True
            return found
        try:
            self._record(batch)
        except Exception as error:  # whatever torch cannot trace is trained as usual
            self._refuse(f"{type(error).__name__}: {str(error)[:200]}")
        return found

    def _record(self, batch: Sequence[torch.Tensor]) -> None:
        if any(_hooked(each) for each in self.module.modules()):
            raise Unrecordable("the module has hooks")
        kept, drawn = _Kept(self.module), _drawn()
        before, grads = _mark(self.module), [p.grad for p in self.params]
        try:
            graph, used, state = _trace(self.module, self.loss, self.params, batch)
        finally:
            kept.put_back()
        for param, grad in zip(self.params, grads, strict=True):
            param.grad = grad
        if _mark(self.module) != before or _drawn() != drawn:
            raise Unrecordable("a step changes what is not a tensor")
        self._graph, self._used, self._state, self._mark = graph, used, state, before
        self._shapes = [array.shape for array in batch]
        self._runs, self.note = 0, "recorded"

    def _check(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        kept = _Kept(self.module)
        loss, *grads = self._run(batch)
        buffers = [each.clone() for each in kept.live]
        kept.put_back()
        truth = self._eager(batch)
        same = torch.equal(loss, truth) and all(
            p.grad is not None and torch.equal(p.grad, grad)
            for p, grad in zip(self._used, grads, strict=True)) and all(
            map(torch.equal, buffers, kept.live)) and len(self._used) == sum(
            p.grad is not None for p in self.params)
        if not same and bool(torch.isfinite(truth)):
            self._refuse("a replayed step did not give the same numbers")
        return truth

    def _refuse(self, reason: str) -> None:
        self._off, self._graph, self.note = True, None, f"steps are made as usual: {reason}"


class _Kept:
    """Buffers and torch's generator as they are now."""

    def __init__(self, module: nn.Module) -> None:
        self.live = list(module.buffers())
        self._copies = [each.clone() for each in self.live]
        self._random = torch.get_rng_state()

    def put_back(self) -> None:
        with torch.no_grad():
            for live, kept in zip(self.live, self._copies, strict=True):
                live.copy_(kept)
        torch.set_rng_state(self._random)


class _Recorder(TorchDispatchMode):
    """Kernels as they are called: (function, arguments, keywords, results)."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Any] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: that would wake torch's compiler, which takes seconds."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None,
    ) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            raise Unrecordable("the step looks at the value of a tensor")
        kwargs = kwargs or {}
        found = func(*args, **kwargs)
        self.calls.append((func, args, kwargs, found))  # tensors are kept alive, so ids stay apart
        if len(self.calls) > _MOST:
            raise Unrecordable(f"a step has more than {_MOST} kernels")
        return found


def _trace(
    module: nn.Module, loss: Step, params: Sequence[Any], batch: Sequence[torch.Tensor],
) -> tuple[Any, list[Any], list[Any]]:
    """The graph (batch..., state...) -> (loss, gradients...), parameters that get one, state."""
    with _Recorder() as recorder:
        value = loss(batch)
        grads = torch.autograd.grad(value, params, allow_unused=True)
    used = [p for p, grad in zip(params, grads, strict=True) if grad is not None]
    given = [*batch, *module.parameters(), *module.buffers()]
    wanted = [value, *(grad for grad in grads if grad is not None)]
    graph, constants = written(recorder.calls, given, wanted)
    state = [each.detach() for each in given[len(batch):]]
    return graph, used, [*state, *constants]


def _hooked(module: Any) -> bool:
    return any(getattr(module, name, None) for name in (
        "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")) or any(
        p._backward_hooks for p in module.parameters(recurse=False))


def _mark(module: nn.Module) -> Any:
    """What decides a step besides tensors: plain attributes, modes, what is frozen."""
    plain = (bool, int, float, str, tuple, type(None))
    return [(type(each), {key: copy.copy(value) for key, value in vars(each).items()
                          if isinstance(value, plain)}) for each in module.modules()], [
        (id(p), p.data_ptr(), p.requires_grad) for p in module.parameters()]


def _drawn() -> Any:
    """States of the generators that torch does not know."""
    numbers: Any = np.random.get_state()
    return random.getstate(), numbers[1].tobytes(), numbers[2:]
