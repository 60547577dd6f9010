"""Plain recurrent layers on a CPU: the gradient of their weights as one product, not one a step.

torch adds up the gradient of the recurrent weights step by step: a matrix as large as the weights
is made and added for each. The sum over steps of outer products is one product of matrices; with
the inputs' part, which is one product too, a step is left with two kernels each way. The numbers
are torch's but for the order in which sums are made (float32: 1e-5 of the largest, tested).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

_BACKWARD = {"tanh": torch.ops.aten.tanh_backward.default,
             "relu": lambda grad, out: torch.ops.aten.threshold_backward.default(grad, out, 0)}


@contextmanager
def quick(module: nn.Module, device: Any) -> Iterator[None]:
    """Inside, the `nn.RNN` layers of a module on a CPU are computed as said above."""
    found = [each for each in module.modules() if type(each) is nn.RNN
             and "forward" not in vars(each)] if torch.device(device).type == "cpu" else []
    for each in found:
        each.forward = partial(forward, each)
    try:
        yield
    finally:
        for each in found:
            del each.forward


def forward(layer: nn.RNN, x: Any, state: Any = None) -> tuple[Any, torch.Tensor]:
    """What `layer(x, state)` gives: sequences as they were given, and the last states.

    A state given, a single sequence without a batch, and what needs no gradient are left to torch.
    """
    packed = isinstance(x, PackedSequence)
    values = x.data if packed else x
    if state is not None or not torch.is_grad_enabled() or not values.is_floating_point() \
            or not (packed or x.dim() == 3) or values.shape[-1] != layer.input_size \
            or not values.numel() or torch.is_autocast_enabled(values.device.type):
        return nn.RNN.forward(layer, x, state)
    if not packed and layer.batch_first:
        values = values.transpose(0, 1)
    sizes = x.batch_sizes.tolist() if packed else [values.shape[1]] * values.shape[0]
    out, last = _layers(layer, values.reshape(-1, values.shape[-1]), sizes)
    if packed:
        last = last if x.unsorted_indices is None else last.index_select(1, x.unsorted_indices)
        return PackedSequence(out, x.batch_sizes, x.sorted_indices, x.unsorted_indices), last
    out = out.view(len(sizes), sizes[0], -1)
    return out.transpose(0, 1) if layer.batch_first else out, last


def _layers(
    layer: nn.RNN, values: torch.Tensor, sizes: Sequence[int],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Steps one after the other (rows of all steps, features); last states (layers, n, hidden)."""
    ends = _ends(sizes, values.device)
    last, ways = [], ("", "_reverse") if layer.bidirectional else ("",)
    for number in range(layer.num_layers):
        outs = []
        for way in ways:
            weight = getattr(layer, f"weight_hh_l{number}{way}")
            bias = getattr(layer, f"bias_ih_l{number}{way}") + getattr(
                layer, f"bias_hh_l{number}{way}") if layer.bias else None
            fed = nn.functional.linear(values, getattr(layer, f"weight_ih_l{number}{way}"), bias)
            outs.append(_Steps.apply(fed, weight, sizes, layer.nonlinearity, bool(way)))
            last.append(outs[-1][:sizes[0]] if way else outs[-1].index_select(0, ends))
        values = torch.cat(outs, 1) if len(outs) > 1 else outs[0]
        if layer.dropout and number < layer.num_layers - 1:
            values = nn.functional.dropout(values, layer.dropout, layer.training)
    return values, torch.stack(last)


def _ends(sizes: Sequence[int], device: Any) -> torch.Tensor:
    """The row of each sequence's last step; the longest sequences come first."""
    ends, begin = [0] * sizes[0], 0
    for size in sizes:
        ends[:size] = range(begin, begin + size)
        begin += size
    return torch.tensor(ends, device=device)


class _Steps(torch.autograd.Function):
    """h[t] = activation(fed[t] + W h[t - 1]), of all rows that have a step t; h before is 0."""

    @staticmethod
    def forward(
        ctx: Any, fed: torch.Tensor, weight: torch.Tensor, sizes: Sequence[int], kind: str,
        back: bool,
    ) -> torch.Tensor:
        act, turned = getattr(torch, f"{kind}_"), weight.t()
        steps = _ordered(fed.split(list(sizes)), back)
        states = [act(steps[0].clone())]
        for step in steps[1:]:
            states.append(act(_carried(step, states[-1], turned)))
        out = torch.cat(_ordered(states, back))
        ctx.save_for_backward(out, weight)
        ctx.how = sizes, kind, back
        return out

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        out, weight = ctx.saved_tensors
        sizes, kind, back = ctx.how
        derive = _BACKWARD[kind]
        states, grads = (_ordered(each.split(list(sizes)), back) for each in (out, grad))
        found = [derive(grads[-1], states[-1])]
        for state, step in zip(states[-2::-1], grads[-2::-1], strict=True):
            found.append(derive(_carried(step, found[-1], weight), state))
        found.reverse()
        of_fed = torch.cat(_ordered(found, back))
        return of_fed, _of_weight(found, of_fed, states, out, back), None, None, None


def _carried(step: torch.Tensor, other: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`step` plus what comes from the step beside it; rows that the other has not are left."""
    both = min(len(step), len(other))
    if both == len(step) == len(other):
        return torch.addmm(step, other, weight)
    met = torch.addmm(step[:both], other[:both], weight)
    return met if both == len(step) else torch.cat([met, step[both:]])


def _of_weight(
    found: list[torch.Tensor], of_fed: torch.Tensor, states: list[torch.Tensor],
    out: torch.Tensor, back: bool,
) -> torch.Tensor:
    """The sum over steps of what reached a step, times the state before it."""
    rows = len(states[0])
    if len(out) == rows * len(states):  # all steps have all rows: no copies are needed
        after, before = (of_fed[:-rows], out[rows:]) if back else (of_fed[rows:], out[:-rows])
        return after.t() @ before
    pairs = [min(len(one), len(other)) for one, other in pairwise(states)]
    after = torch.cat([each[:n] for each, n in zip(found[1:], pairs, strict=True)])
    before = torch.cat([each[:n] for each, n in zip(states[:-1], pairs, strict=True)])
    return after.t() @ before


def _ordered(steps: Sequence[torch.Tensor], back: bool) -> list[torch.Tensor]:
    return list(reversed(steps)) if back else list(steps)
