"""LSTM layers on a CPU, small ones: a step as few kernels, the weights' gradient as one product.

torch hands an LSTM to a library whose start costs more than a small layer's arithmetic. Here the
four gates of a step are one product and one sigmoid (tanh(x) = 2 sigmoid(2 x) - 1, the doubling
put into the weights); what backward needs of all steps but the carried gradient is computed at
once. The numbers are torch's but for rounding and the order of sums (float32: 1e-5 of the largest,
tested).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

# Numbers in a step's gates (rows of the batch times 4 hidden) up to which this is the quicker way.
SMALL = 16_384


def able(layer: nn.LSTM, x: Any, state: Any) -> bool:
    """Whether `layer(x, state)` can be computed here: whole batches, small, from no state."""
    return (state is None and isinstance(x, torch.Tensor) and torch.is_grad_enabled()
            and x.is_floating_point() and x.dim() == 3 and x.shape[-1] == layer.input_size
            and bool(x.numel()) and not layer.proj_size
            and x.shape[0 if layer.batch_first else 1] * 4 * layer.hidden_size <= SMALL
            and not torch.is_autocast_enabled(x.device.type))


def forward(layer: nn.LSTM, x: torch.Tensor) -> tuple[torch.Tensor, Any]:
    """What `layer(x)` gives: outputs, and the last states and cells (layers, n, hidden)."""
    values = x.transpose(0, 1) if layer.batch_first else x
    ways = ("", "_reverse") if layer.bidirectional else ("",)
    scale = torch.ones(4, 1, dtype=x.dtype, device=x.device)
    scale[2] = 2.0
    scale = scale.repeat_interleave(layer.hidden_size, 0)
    states, cells = [], []
    for number in range(layer.num_layers):
        outs = []
        for way in ways:
            bias = ((getattr(layer, f"bias_ih_l{number}{way}")
                     + getattr(layer, f"bias_hh_l{number}{way}")) * scale[:, 0]
                    if layer.bias else None)
            fed = nn.functional.linear(
                values, getattr(layer, f"weight_ih_l{number}{way}") * scale, bias)
            out, cell = _Steps.apply(fed, getattr(layer, f"weight_hh_l{number}{way}") * scale,
                                     bool(way))
            outs.append(out)
            states.append(out[0 if way else -1])
            cells.append(cell)
        values = torch.cat(outs, 2) if len(outs) > 1 else outs[0]
        if layer.dropout and number < layer.num_layers - 1:
            values = nn.functional.dropout(values, layer.dropout, layer.training)
    whole = values.transpose(0, 1) if layer.batch_first else values
    return whole, (torch.stack(states), torch.stack(cells))


class _Steps(torch.autograd.Function):
    """Outputs of all steps (steps, rows, hidden) and the last cell, of gates fed (.., 4 hidden).

    Gates stand as torch has them: in, forget, new, out; the new one is fed doubled.
    """

    @staticmethod
    def forward(
        ctx: Any, fed: torch.Tensor, weight: torch.Tensor, back: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        turned, gates, cells, bent, outs = weight.t(), [], [], [], []
        for step in _ordered(fed.unbind(0), back):
            made = torch.addmm(step, outs[-1], turned) if outs else step.clone()
            i, f, g, o = made.sigmoid_().chunk(4, 1)
            cell = (f * cells[-1]).addcmul_(i, g, value=2.0).sub_(i) if cells else \
                (i * g).mul_(2.0).sub_(i)
            gates.append(made)
            cells.append(cell)
            bent.append(cell.tanh())
            outs.append(o * bent[-1])
        out = torch.stack(_ordered(outs, back))
        ctx.save_for_backward(fed, weight, out, *(
            torch.stack(each) for each in (gates, cells, bent)))
        ctx.back = back
        ctx.set_materialize_grads(False)
        return out, cells[-1]

    @staticmethod
    def backward(ctx: Any, grad: Any, of_cell: Any) -> Any:
        fed, weight, out, gates, cells, bent = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *_again(fed, weight, ctx.back, grad, of_cell), None
        if grad is None:
            grad = torch.zeros_like(out)
        hidden = cells.shape[-1]
        i, f, g, o = gates.chunk(4, 2)
        before = torch.cat([torch.zeros_like(cells[:1]), cells[:-1]])
        pulls = torch.addcmul(gates, gates, gates, value=-1.0)
        pulls = pulls * torch.cat([g * 2 - 1, before, i * 2, bent], 2)
        of_bent = torch.addcmul(o, o * bent, bent, value=-1.0)
        found: list[torch.Tensor] = []
        carried = of_cell
        steps = zip(_ordered(grad.unbind(0), ctx.back), of_bent.unbind(0), pulls.unbind(0),
                    f.unbind(0), strict=True)
        for of_out, of_tanh, pull, kept in reversed(list(steps)):
            if found:
                of_out = torch.addmm(of_out, found[-1], weight)
            carried = of_out * of_tanh if carried is None else \
                torch.addcmul(carried, of_out, of_tanh)
            found.append(torch.cat([carried, carried, carried, of_out], 1).mul_(pull))
            carried = carried * kept
        found.reverse()
        of_fed = torch.stack(_ordered(found, ctx.back))
        after, earlier = (of_fed[:-1], out[1:]) if ctx.back else (of_fed[1:], out[:-1])
        of_weight = after.reshape(-1, 4 * hidden).t() @ earlier.reshape(-1, hidden)
        return of_fed, of_weight, None


def _again(
    fed: torch.Tensor, weight: torch.Tensor, back: bool, grad: Any, of_cell: Any
) -> tuple[Any, Any]:
    """The gradients where they shall have derivatives of their own: by steps that have them."""
    cell, outs = None, []
    for step in _ordered(fed.unbind(0), back):
        made = step if cell is None else step + outs[-1] @ weight.t()
        i, f, g, o = made.sigmoid().chunk(4, 1)
        fresh = i * (2 * g - 1)
        cell = fresh if cell is None else f * cell + fresh
        outs.append(o * cell.tanh())
    pairs = [(each, of_each) for each, of_each in (
        (torch.stack(_ordered(outs, back)), grad), (cell, of_cell)) if of_each is not None]
    found = torch.autograd.grad([each for each, _ in pairs], (fed, weight),
                                [of_each for _, of_each in pairs], create_graph=True,
                                allow_unused=True)
    return found[0], found[1]


def _ordered(steps: Sequence[torch.Tensor], back: bool) -> list[torch.Tensor]:
    return list(reversed(steps)) if back else list(steps)
