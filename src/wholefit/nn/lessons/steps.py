"""Steps: how large they are, and how many rows each is taken for."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from wholefit.nn.lessons._lesson import Chart, Lesson, found, lesson, line

_RATES = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0)


@lesson("learning_rate", "What does a learning rate do that is too high, or too low?")
def learning_rate(seed: int = 0) -> Lesson:
    """Gradient descent on a bowl, against the bound of theory; and a network at seven rates.

    On f(w) = c w^2 / 2 a step multiplies w by 1 - rate * c: it converges below rate 2 / c only.
    """
    curve, steps = 4.0, 40
    bowl = {share: _bowl(share * 2 / curve, curve, steps)
            for share in (0.01, 0.25, 0.5, 0.98, 1.02)}
    ends = {rate: _spirals(rate, seed) for rate in _RATES}
    numbers = {"bowl_start": 1.0, "bowl_too_low": bowl[0.01][-1], "bowl_best": bowl[0.5][-1],
               "bowl_below_bound": bowl[0.98][-1], "bowl_above_bound": bowl[1.02][-1],
               **{f"loss_at_{rate:g}": loss for rate, loss in ends.items()}}
    best = min(ends, key=lambda rate: ends[rate])
    said = [f"On a bowl of curvature {curve:g} the bound is 2 / {curve:g} = {2 / curve:g}: 2 % "
            f"below it, {steps} steps shrink the error to {bowl[0.98][-1]:.2g} of its start; 2 % "
            f"above, it grows to {bowl[1.02][-1]:.2g}. At a hundredth, {bowl[0.01][-1]:.2g} is "
            "left.",
            f"A network on two spirals ends 200 steps with a loss of {ends[best]:.2f} at rate "
            f"{best:g}, {ends[0.0001]:.2f} at 0.0001 (it hardly moved from log 2 = 0.69), and "
            f"{_told(ends[100.0])} at 100."]
    charts = [Chart("Gradient descent on a bowl", "step", "distance from the floor (log scale)",
                    tuple(line(f"{share:g} of the bound", range(steps + 1), values)
                          for share, values in bowl.items()), log_up=True),
              Chart("A network on two spirals after 200 steps", "rate (log scale)",
                    "loss (at most 3 drawn)", (line("loss", _RATES, [
                        min(loss, 3.0) if math.isfinite(loss) else 3.0
                        for loss in ends.values()]),),
                    log_across=True)]
    return found("learning_rate", said, numbers, pictures=charts, header=("rate", "loss"),
                 rows=[[f"{rate:g}", _told(loss)] for rate, loss in ends.items()])


def _told(loss: float) -> str:
    return f"{loss:.2f}" if loss < 1e4 else "without bound"


def _bowl(rate: float, curve: float, steps: int) -> list[float]:
    """Distances from the floor by gradient descent from 1, the gradient by autograd."""
    w = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    seen = [1.0]
    for _ in range(steps):
        slope, = torch.autograd.grad(curve * w.square() / 2, w)
        w = (w - rate * slope).detach().requires_grad_()
        seen.append(abs(w.item()))
    return seen


def _spiral_rows(seed: int, rows: int = 400) -> tuple[torch.Tensor, torch.Tensor]:
    """Two spirals, one a class, with a little noise."""
    draw = np.random.default_rng(seed)
    kind = np.arange(rows) % 2
    turn = np.sqrt(draw.random(rows)) * 2.5 * np.pi
    at = np.stack([np.cos(turn + np.pi * kind), np.sin(turn + np.pi * kind)], 1) * turn[:, None]
    x = at / 5 + draw.normal(0, 0.05, (rows, 2))
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(kind)


def _spirals(rate: float, seed: int) -> float:
    """Loss of a 2-32-32-2 network after 200 steps of plain gradient descent."""
    x, y = _spiral_rows(seed)
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(),
                           nn.Linear(32, 2))
    optimizer = torch.optim.SGD(module.parameters(), lr=rate, momentum=0.9)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        return float(nn.functional.cross_entropy(module(x), y))


@lesson("batch_size", "What do larger batches buy?")
def batch_size(seed: int = 0) -> Lesson:
    """How far the gradient of a batch is from that of all rows, and what an epoch reaches."""
    x, y = _spiral_rows(seed, 4096)
    sizes = (1, 4, 16, 64, 256, 1024, 4096)
    module = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    torch.manual_seed(seed)
    for layer in (module[0], module[2]):
        layer.reset_parameters()
    draw = torch.Generator().manual_seed(seed)
    whole = _gradient(module, x, y)
    noise = []
    for size in sizes:
        draws = [torch.randperm(4096, generator=draw)[:size] for _ in range(60)]
        gaps = [(_gradient(module, x[at], y[at]) - whole).square().sum() for at in draws]
        noise.append(float(torch.stack(gaps).mean().sqrt() / whole.norm()))
    ends = {size: _epoch(size, x, y, seed) for size in (4, 16, 64, 256, 1024, 4096)}
    slope = float(np.polyfit(np.log(sizes[:5]), np.log(noise[:5]), 1)[0])
    numbers = {"slope": slope, **{f"noise_{size}": each
                                  for size, each in zip(sizes, noise, strict=True)},
               **{f"loss_after_epoch_{size}": loss for size, loss in ends.items()}}
    said = [f"The gradient of one row is off by {noise[0]:.1f} times the true gradient's length, "
            f"that of 64 rows by {noise[3]:.2f}: the error falls with the batch to the power "
            f"{slope:.2f} (theory: -0.5), so four times the rows halve it.",
            f"For the same work, one epoch, batches of 16 reach a loss of {ends[16]:.2f} in 256 "
            f"steps, all rows at once {ends[4096]:.2f} in one step: many rough steps beat one "
            "exact one while there is far to go."]
    chart = Chart("Error of a batch's gradient", "rows in a batch (log scale)",
                  "error, of the true gradient (log scale)",
                  (line("measured", sizes[:-1], noise[:-1]),
                   line("power -0.5", sizes[:-1], [noise[0] / math.sqrt(s) for s in sizes[:-1]])),
                  log_across=True, log_up=True)
    rows = [[f"{size:,}", f"{each:.3f}", f"{4096 // size:,}",
             f"{ends[size]:.3f}" if size in ends else ""]
            for size, each in zip(sizes, noise, strict=True)]
    return found("batch_size", said, numbers, pictures=[chart], rows=rows, header=(
        "rows in a batch", "error of its gradient", "steps an epoch", "loss after one epoch"))


def _gradient(module: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    parts = torch.autograd.grad(nn.functional.cross_entropy(module(x), y),
                                list(module.parameters()))
    return torch.cat([part.flatten() for part in parts])


def _epoch(size: int, x: torch.Tensor, y: torch.Tensor, seed: int) -> float:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.2)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    for at in order.split(size):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x[at]), y[at]).backward()
        optimizer.step()
    with torch.no_grad():
        return float(nn.functional.cross_entropy(module(x), y))


@lesson("modes", "What do dropout and batch norm do in training that they do not do after?")
def modes(seed: int = 0) -> Lesson:
    """Means and spreads of what both give in the two modes of a module."""
    torch.manual_seed(seed)
    ones = torch.ones(10_000, 1)
    drop = nn.Dropout(0.3)
    kept = drop(ones)
    same = bool((drop.eval()(ones) == ones).all())
    norm, rows = nn.BatchNorm1d(1), torch.randn(64, 1) * 5 + 20
    first = norm(rows)
    for _ in range(100):
        norm(torch.randn(64, 1) * 5 + 20)
    after = norm.eval()(rows)
    alone = (norm(rows[:1]) - after[:1]).abs().max().item()
    numbers = {"dropped": float((kept == 0).float().mean()), "mean_in_training": float(kept.mean()),
               "eval_leaves": float(same), "norm_mean": first.mean().item(),
               "norm_spread": first.std(unbiased=False).item(),
               "running_mean": norm.running_mean.item(), "alone_differs": alone}
    said = [f"In training, dropout of 0.3 zeroes {numbers['dropped']:.1%} and raises the rest, so "
            f"the mean stays {numbers['mean_in_training']:.3f}; after training it changes "
            f"{'nothing' if same else 'something'}.",
            f"In training, batch norm gives mean {abs(numbers['norm_mean']):.3f} and spread "
            f"{numbers['norm_spread']:.3f} by the batch's own; after it, by means it has kept "
            f"({numbers['running_mean']:.1f} here; the truth is 20).",
            f"So a row alone is answered as among others only in evaluation: the difference there "
            f"is {alone:.0e}. Forgetting `eval()` is a fault that no error tells of."]
    return found("modes", said, numbers)
