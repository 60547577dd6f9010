"""Gradients on their way back: through layers, through time, through dead units."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from wholefit.nn.lessons._lesson import Chart, Lesson, found, lesson, line

_DEPTHS = (2, 4, 8, 16, 32)
_WIDTH = 32


@lesson("gradient_by_depth", "How much of a gradient reaches the first layer of a deep network?")
def gradient_by_depth(seed: int = 0) -> Lesson:
    """Norm of the loss's gradient in the first hidden layer over that in the last, untrained.

    Sigmoid with Glorot's and ReLU with He's initial weights; means of the logarithm of five draws.
    """
    kinds = {"sigmoid": ("sigmoid", "none"), "sigmoid, batch norm": ("sigmoid", "batch"),
             "sigmoid, residual": ("sigmoid", "residual"), "tanh": ("tanh", "none"),
             "ReLU": ("relu", "none"), "ReLU, batch norm": ("relu", "batch")}
    found_: dict[str, list[float]] = {}
    for name, kind in kinds.items():
        found_[name] = [_share(kind, depth, seed) for depth in _DEPTHS]
    numbers = {f"{name.replace(', ', '_').replace(' ', '_').lower()}_{depth}": share
               for name, shares in found_.items()
               for depth, share in zip(_DEPTHS, shares, strict=True)}
    deep = {name: shares[-1] for name, shares in found_.items()}
    said = [f"Through 32 layers of sigmoids {deep['sigmoid']:.0e} of the gradient is left; each "
            f"layer keeps about {deep['sigmoid'] ** (1 / 31):.2f} of it.",
            f"ReLU keeps {deep['ReLU']:.2g} of it, tanh {deep['tanh']:.2g}.",
            f"Batch norm brings the sigmoid's {deep['sigmoid']:.0e} to "
            f"{deep['sigmoid, batch norm']:.2g}; a residual connection to "
            f"{deep['sigmoid, residual']:.2g}."]
    if deep["ReLU, batch norm"] > 10 * deep["ReLU"]:
        said.append(f"Batch norm with ReLU makes gradients grow towards the first layer before any "
                    f"training: {deep['ReLU, batch norm']:.3g} times.")
    chart = Chart("What reaches the first hidden layer, of the last one's gradient",
                  "hidden layers", "share of the gradient (log scale)",
                  tuple(line(name, _DEPTHS, shares) for name, shares in found_.items()),
                  log_across=True, log_up=True)
    rows = [[name, *(f"{share:.2g}" for share in shares)] for name, shares in found_.items()]
    return found("gradient_by_depth", said, numbers, pictures=[chart], rows=rows,
                 header=("layers", *(f"{depth} deep" for depth in _DEPTHS)))


class _Deep(nn.Module):
    """Layers of one width with an activation, a norm, and perhaps a path around each."""

    def __init__(self, activation: str, extra: str, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(_WIDTH, _WIDTH) for _ in range(depth)])
        self.norms = nn.ModuleList([nn.BatchNorm1d(_WIDTH) if extra == "batch" else nn.Identity()
                                    for _ in range(depth)])
        self.act, self.around, self.last = getattr(torch, activation), extra == "residual", \
            nn.Linear(_WIDTH, 2)
        for layer in self.layers:
            if activation == "relu":
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            else:
                nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            new = self.act(norm(layer(x)))
            x = x + new if self.around else new
        return self.last(x)


def _share(kind: tuple[str, str], depth: int, seed: int) -> float:
    """Mean over draws, as a factor."""
    logs = []
    for draw in range(5):
        torch.manual_seed(1000 * seed + draw)
        module = _Deep(*kind, depth)
        x, truth = torch.randn(64, _WIDTH), torch.randint(2, (64,))
        nn.functional.cross_entropy(module(x), truth).backward()
        first, last = (float(module.layers[at].weight.grad.norm()) for at in (0, -1))
        logs.append(math.log(max(first, 1e-45) / max(last, 1e-45)))
    return math.exp(sum(logs) / len(logs))


@lesson("gradient_by_time", "How far back in time does a recurrent network's gradient reach?")
def gradient_by_time(steps: int = 60, seed: int = 0) -> Lesson:
    """Norm of the last answer's gradient by the input of each time step, over the last one's.

    RNN, GRU and LSTM of 32 units as torch initialises them, and an LSTM whose forget gates begin
    open (bias 1 as Jozefowicz and others 2015 advise, and 3); means of the logarithm of five draws.
    """
    kinds: dict[str, Any] = {"RNN (tanh)": (nn.RNN, 0.0), "GRU": (nn.GRU, 0.0),
                             "LSTM": (nn.LSTM, 0.0), "LSTM, forget bias 1": (nn.LSTM, 1.0),
                             "LSTM, forget bias 3": (nn.LSTM, 3.0)}
    shares = {name: _through_time(kind, forget, steps, seed)
              for name, (kind, forget) in kinds.items()}
    back = min(50, steps - 1)
    names = {"RNN (tanh)": "rnn", "GRU": "gru", "LSTM": "lstm", "LSTM, forget bias 1": "lstm_open",
             "LSTM, forget bias 3": "lstm_wide_open"}
    numbers = {f"{names[name]}_back_{at}": values[at] for name, values in shares.items()
               for at in (min(10, steps - 1), back)}
    far = {name: values[back] for name, values in shares.items()}
    said = [f"{back} steps back, {far['RNN (tanh)']:.0e} of an RNN's gradient is left: what came "
            "first cannot be learnt from.",
            f"Gates alone are no cure: as torch initialises them, a GRU keeps {far['GRU']:.0e} and "
            f"an LSTM {far['LSTM']:.0e}, for a gate that is half open halves each step.",
            f"An LSTM whose forget gates begin open keeps {far['LSTM, forget bias 1']:.0e} (bias "
            f"1) or {far['LSTM, forget bias 3']:.1g} (bias 3): gates can learn to hold, and help "
            "from the start if they begin so."]
    chart = Chart("What reaches each time step, of the last one's gradient", "steps back",
                  "share of the gradient (log scale)",
                  tuple(line(name, range(steps), values) for name, values in shares.items()),
                  log_up=True)
    marks = [at for at in (1, 5, 10, 20, 50) if at < steps]
    rows = [[name, *(f"{values[at]:.1e}" for at in marks)] for name, values in shares.items()]
    return found("gradient_by_time", said, numbers, pictures=[chart], rows=rows,
                 header=("network", *(f"{at} back" for at in marks)))


def _through_time(kind: Any, forget: float, steps: int, seed: int) -> list[float]:
    logs = torch.zeros(steps)
    for draw in range(5):
        torch.manual_seed(1000 * seed + draw)
        module = kind(8, 32, batch_first=True)
        if forget:
            with torch.no_grad():
                module.bias_ih_l0[32:64] += forget
        x = torch.randn(64, steps, 8, requires_grad=True)
        gradient, = torch.autograd.grad((module(x)[0][:, -1] * torch.randn(32)).sum(), x)
        norms = gradient.norm(dim=2).mean(0).flip(0)
        logs += (norms / norms[0]).clamp(min=1e-38).log()
    return (logs / 5).exp().tolist()


@lesson("dying_relu", "Can units die, and what keeps them alive?")
def dying_relu(seed: int = 0) -> Lesson:
    """One hidden layer learns x squared with steps of several sizes; which units die?"""
    torch.manual_seed(seed)
    x = torch.linspace(-1, 1, 256)[:, None]
    y = x.square().squeeze(1)
    kinds: dict[str, Any] = {"ReLU": nn.ReLU, "leaky ReLU": nn.LeakyReLU, "ELU": nn.ELU}
    rates = (0.01, 0.1, 1.0, 3.0)
    dead: dict[tuple[str, float], float] = {}
    for name, kind in kinds.items():
        for rate in rates:
            dead[name, rate] = _dead(kind(), x, y, rate, seed)
    numbers = {f"{name.split()[0].lower()}_dead_at_{rate:g}": share
               for (name, rate), share in dead.items()}
    said = [f"With steps of 3, {dead['ReLU', 3.0]:.0%} of ReLU units answer 0 on every row and "
            f"have gradient 0: they never learn again. With steps of 0.01 it is "
            f"{dead['ReLU', 0.01]:.0%}, which were so from the start.",
            f"Leaky ReLU and ELU let something through below zero: "
            f"{dead['leaky ReLU', 3.0]:.0%} and {dead['ELU', 3.0]:.0%} without any gradient."]
    chart = Chart("Units without a gradient on any row, after 200 steps", "rate",
                  "share of 64 units", tuple(line(name, rates, [dead[name, r] for r in rates])
                                             for name in kinds), log_across=True)
    rows = [[name, *(f"{dead[name, rate]:.0%}" for rate in rates)] for name in kinds]
    return found("dying_relu", said, numbers, pictures=[chart], rows=rows,
                 header=("activation", *(f"rate {rate:g}" for rate in rates)))


def _dead(act: Any, x: torch.Tensor, y: torch.Tensor, rate: float, seed: int) -> float:
    """Share of hidden units whose weights get no gradient from any row, after training."""
    torch.manual_seed(seed)
    first, last = nn.Linear(1, 64), nn.Linear(64, 1)
    optimizer = torch.optim.SGD([*first.parameters(), *last.parameters()], lr=rate)
    for _ in range(200):
        optimizer.zero_grad()
        loss = nn.functional.smooth_l1_loss(last(act(first(x))).squeeze(1), y)
        loss.backward()
        optimizer.step()
    before = first(x).detach().requires_grad_()
    slope, = torch.autograd.grad(act(before).sum(), before)
    return float((slope == 0).all(0).float().mean())
