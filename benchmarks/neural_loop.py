"""`python -m benchmarks.neural_loop`: what the loop costs beside the arithmetic.

Three trainings of the same network with the same data, batch, optimizer, epochs and threads, in
turns: the loop as tutorials write it (DataLoader over a TensorDataset, torch's Adam as it comes),
a loop perfectly fed (resident tensors sliced, fused Adam), and wholefit. Each process first makes
one training to wake what is woken once; steady samples a second are those of whole trainings after.

    python -m benchmarks.neural_loop [--short] [--threads N] [--only NAME ...] [--repeats N]
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks import _tools
from wholefit.nn import Recipe, train

Pair = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Program:
    """A network, its rows and how it is trained; `overhead`: small, so that the loop matters."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    rows: int
    batch: int
    epochs: int
    overhead: bool

    def data(self) -> Pair:
        """Random rows: the numbers do not matter to the clock."""
        draw = torch.Generator().manual_seed(0)
        x = torch.randn(self.rows, *self.shape, generator=draw)
        return x, torch.randint(0, self.classes, (self.rows,), generator=draw)

    @property
    def classes(self) -> int:
        """Outputs of the network."""
        return next(m for m in reversed(list(self.make().modules()))
                    if isinstance(m, nn.Linear)).out_features


def dense(*sizes: int) -> nn.Module:
    """Linear layers with ReLU between."""
    layers: list[nn.Module] = []
    for first, second in itertools.pairwise(sizes):
        layers += [nn.Linear(first, second), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def convolutional(channels: int, one: int, two: int, side: int, hidden: int) -> nn.Module:
    """Two convolutions, each halved, and two dense layers."""
    return nn.Sequential(
        nn.Conv2d(channels, one, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(one, two, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(two * (side // 4) ** 2, hidden), nn.ReLU(), nn.Linear(hidden, 10))


class Encoder(nn.Module):
    """One Transformer encoder layer over vectors, the mean, a dense layer."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(width, heads, inner, batch_first=True)
        self.out = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.out(self.layer(x).mean(1))


PROGRAMS = {
    "iris MLP 4-10-10-3, batch 10": Program(
        lambda: dense(4, 10, 10, 3), (4,), 120, 10, 30, True),
    "MLP 784-64-64-10, batch 64": Program(
        lambda: dense(784, 64, 64, 10), (784,), 6400, 64, 2, True),
    "small CNN 8-16, batch 64": Program(
        lambda: convolutional(1, 8, 16, 28, 32), (1, 28, 28), 1280, 64, 2, True),
    "CNN 32-64-128, batch 64": Program(
        lambda: convolutional(1, 32, 64, 28, 128), (1, 28, 28), 640, 64, 1, False),
    "CIFAR CNN 32-64-512, batch 32": Program(
        lambda: convolutional(3, 32, 64, 32, 512), (3, 32, 32), 320, 32, 1, False),
    "CNN 64-64, batch 512": Program(  # blocks of 134 MB, freed and asked for again at each step
        lambda: convolutional(3, 64, 64, 32, 64), (3, 32, 32), 1024, 512, 1, False),
    "MLP 784-1024-1024-10, batch 256": Program(
        lambda: dense(784, 1024, 1024, 10), (784,), 2560, 256, 1, False),
    "Transformer encoder 512, batch 16": Program(
        lambda: Encoder(512, 8, 2048), (10, 512), 160, 16, 1, False),
}


def by_hand(program: Program, data: Pair) -> None:
    """As tutorials write it."""
    module = program.make()
    loader = DataLoader(TensorDataset(*data), batch_size=program.batch, shuffle=True)
    optimizer = torch.optim.Adam(module.parameters())
    criterion = nn.CrossEntropyLoss()
    for _ in range(program.epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(module(x), y)
            loss.backward()
            optimizer.step()


def fed(program: Program, data: Pair) -> None:
    """As the machine would like it: resident tensors, slices, fused updates."""
    module = program.make()
    optimizer = torch.optim.Adam(module.parameters(), fused=True)
    criterion = nn.CrossEntropyLoss()
    for _ in range(program.epochs):
        order = torch.randperm(len(data[0]))
        pieces = [array[order].split(program.batch) for array in data]
        for x, y in zip(*pieces, strict=True):
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(module(x), y)
            loss.backward()
            optimizer.step()


def ours(program: Program, data: Pair) -> None:
    """wholefit's loop; the same optimizer."""
    train(program.make(), data, Recipe(epochs=program.epochs, batch=program.batch,
                                       optimizer="adam", device="cpu"))


WAYS: dict[str, Callable[[Program, Pair], None]] = {
    "by hand": by_hand, "fed": fed, "wholefit": ours}


def measure(program: Program, repeats: int) -> dict[str, list[float]]:
    """Samples a second of each way, in turns, the first turn not counted."""
    data, found = program.data(), {name: [] for name in WAYS}
    for turn in range(repeats + 1):
        for name, way in WAYS.items():
            began = time.perf_counter()
            way(program, data)
            if turn:
                took = time.perf_counter() - began
                found[name].append(program.rows * program.epochs / took)
    return found


def spread(mine: list[float], theirs: list[float]) -> str:
    """Median of the ratios of turns, and their range."""
    ratios = sorted(a / b for a, b in zip(mine, theirs, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def main() -> None:
    """Print the table, and write it where it is the whole one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="three turns, nothing written")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", nargs="*", default=[], help="words of programs")
    parser.add_argument("--repeats", type=int, default=9)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    rows: list[Any] = []
    for name, program in PROGRAMS.items():
        if asked.only and not any(word in name for word in asked.only):
            continue
        found = measure(program, 3 if asked.short else asked.repeats)
        middle = {way: statistics.median(speeds) for way, speeds in found.items()}
        rows.append([name, *(f"{middle[way]:,.0f}" for way in WAYS),
                     spread(found["wholefit"], found["by hand"]),
                     spread(found["wholefit"], found["fed"]),
                     "at least 2 by hand" if program.overhead else "at least 0.97 fed"])
        print(rows[-1], flush=True)
    table = _tools.markdown(
        ["program", "by hand, samples/s", "fed, samples/s", "wholefit, samples/s",
         "wholefit / by hand", "wholefit / fed", "bar"], rows)
    if asked.short or asked.only:
        print(table)
        return
    _tools.save("neural_loop", f"""# The loop beside the arithmetic

{__doc__.split("    python")[0].strip()}

{_tools.machine("torch")}; {asked.threads} threads, {asked.repeats} turns; ratios are medians of
turns, with their range.

{table}
""")


if __name__ == "__main__":
    main()
