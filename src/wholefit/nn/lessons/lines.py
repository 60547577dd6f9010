"""What one layer can do, what several can, and why an activation must lie between them."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.nn import Recipe, train
from wholefit.nn.lessons._lesson import Chart, Lesson, Plane, found, grid, lesson, line

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
GATES = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "XOR": (0, 1, 1, 0)}


@lesson("xor", "What can a perceptron not learn that a network with one hidden layer can?")
def xor(seed: int = 0) -> Lesson:
    """AND, OR and XOR by Rosenblatt's rule (1958), and by networks with and without activation.

    That no line solves XOR is found by trying all: weights and offset in {-2, ..., 2} draw every
    division of the four corners that a line can make.
    """
    rows: list[list[str]] = []
    numbers: dict[str, float] = {}
    for gate, truth in GATES.items():
        learnt, rounds = _perceptron(np.array(truth))
        best = _best_line(np.array(truth))
        numbers |= {f"perceptron_{gate.lower()}": learnt, f"best_line_{gate.lower()}": best}
        rows.append([f"perceptron, {gate}", f"{learnt:.0%}", f"{best:.0%}",
                     f"{rounds} rounds" if learnt == 1 else "never settles"])
    planes = []
    for words, activation in (("8 hidden units, ReLU", nn.ReLU()),
                              ("8 hidden units, sigmoid", nn.Sigmoid()),
                              ("8 hidden units, no activation", nn.Identity())):
        share, shades = _network(activation, seed)
        key = words.rsplit(", ", 1)[1].replace(" ", "_").lower()
        numbers[f"network_{key}"] = share
        rows.append([f"{words}, XOR", f"{share:.0%}", "", "400 epochs"])
        planes.append(_plane(f"{words}: {share:.0%} of XOR right", shades))
    said = [
        f"The perceptron learns AND and OR; of XOR's four cases it gets "
        f"{numbers['perceptron_xor']:.0%}.",
        f"No line gets more than {numbers['best_line_xor']:.0%} of XOR: all lines were tried.",
        f"One hidden layer with ReLU gets {numbers['network_relu']:.0%}, with sigmoid "
        f"{numbers['network_sigmoid']:.0%}.",
        f"The same layers without an activation are still a line: "
        f"{numbers['network_no_activation']:.0%}.",
        "The step of a perceptron has slope 0 wherever it has one, so gradients cannot train it; "
        "its rule moves the line by the rows it gets wrong.",
    ]
    return found("xor", said, numbers, header=("what learns", "right", "best line", "until"),
                 rows=rows, pictures=planes)


def _perceptron(truth: np.ndarray) -> tuple[float, int]:
    """Share right after Rosenblatt's rule, and the rounds it took; 100 at most."""
    x = np.column_stack([CORNERS, np.ones(4)])
    w = np.zeros(3)
    rounds = 0
    for rounds in range(1, 101):  # noqa: B007  (the count is the answer)
        for row, wanted in zip(x, truth, strict=True):
            w += (wanted - (row @ w >= 0)) * row
        if ((x @ w >= 0) == truth).all():
            break
    return float(((x @ w >= 0) == truth).mean()), rounds


def _best_line(truth: np.ndarray) -> float:
    x = np.column_stack([CORNERS, np.ones(4) * 0.5])
    w = np.array(list(product(range(-4, 5), repeat=3))).T
    return float(((x @ w >= 0) == truth[:, None]).mean(axis=0).max())


def _network(activation: Any, seed: int) -> tuple[float, np.ndarray]:
    """Share of XOR right, and the answers over the square around its corners."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(2, 8), activation, nn.Linear(8, 2))
    target = np.array(GATES["XOR"])
    module = train(module, (CORNERS, target), Recipe(
        epochs=400, batch=4, optimizer="adam", rate=0.05, seed=seed, device="cpu")).module
    side = torch.linspace(-0.5, 1.5, 41)
    places = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1).reshape(-1, 2)
    with torch.no_grad():
        right = (module(torch.from_numpy(CORNERS)).argmax(1).numpy() == target).mean()
        shades = module(places).softmax(1)[:, 1].reshape(41, 41).numpy()
    return float(right), shades


def _plane(title: str, shades: np.ndarray) -> Plane:
    points = tuple((float(x), float(y), kind)
                   for (x, y), kind in zip(CORNERS, GATES["XOR"], strict=True))
    return Plane(title, -0.5, 1.5, grid(shades), points)


@lesson("linear_stack", "Is a deep network without activations more than one layer?")
def linear_stack(depth: int = 8, seed: int = 0) -> Lesson:
    """Multiply the layers out, and compare; with ReLU, count the bends of the answer on a line."""
    torch.manual_seed(seed)
    layers = [nn.Linear(a, b) for a, b in _sizes(depth)]
    weight, offset = torch.eye(4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    for layer in layers:
        layer.double()
        weight, offset = layer.weight @ weight, layer.weight @ offset + layer.bias
    x = torch.randn(1000, 4, dtype=torch.float64)
    gap = (nn.Sequential(*layers)(x) - (x @ weight.T + offset)).abs().max().item()
    many = sum(p.numel() for layer in layers for p in layer.parameters())
    place = torch.linspace(-3, 3, 601, dtype=torch.float64)
    at = place[:, None] * torch.ones(4, dtype=torch.float64)
    bent = nn.Sequential(*[part for layer in layers[:-1] for part in (layer, nn.ReLU())],
                         layers[-1])
    with torch.no_grad():
        flat, kinked = (net(at)[:, 0].numpy() for net in (nn.Sequential(*layers), bent))
    numbers = {"difference": gap, "layers": depth, "parameters": many, "one_layer": 15,
               "bends_without": _bends(flat), "bends_with_relu": _bends(kinked)}
    said = [f"{depth} layers with {many:,} numbers answer as one layer with 15: the largest "
            f"difference on 1,000 rows is {gap:.1e}.",
            f"Along a line the stack bends {numbers['bends_without']:.0f} times; with ReLU between "
            f"the same layers, {numbers['bends_with_relu']:.0f} times."]
    chart = Chart("The answer along a line", "place", "answer, from its lowest to its highest",
                  (line("no activation", place.tolist(), _unit(flat)),
                   line("ReLU between", place.tolist(), _unit(kinked))))
    return found("linear_stack", said, numbers, pictures=[chart])


def _sizes(depth: int) -> list[tuple[int, int]]:
    sizes = [4, *[16] * (max(2, depth) - 1), 3]
    return list(pairwise(sizes))


def _bends(values: np.ndarray) -> int:
    """Places where the slope changes, neighbours counted once."""
    turn = np.abs(np.diff(values, 2)) > 1e-9 * np.ptp(values)
    return int((turn & ~np.concatenate([[False], turn[:-1]])).sum())


def _unit(values: np.ndarray) -> list[float]:
    return ((values - values.min()) / (np.ptp(values) or 1.0)).tolist()


@lesson("activations", "What do activations answer, and how steep are they?")
def activations() -> Lesson:
    """Values and largest slopes on [-6, 6], slopes by autograd."""
    kinds: dict[str, Any] = {
        "Heaviside step": lambda z: (z >= 0).to(z.dtype) + 0 * z, "ReLU": torch.relu,
        "ELU": nn.functional.elu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
        "hard sigmoid": nn.functional.hardsigmoid, "softplus": nn.functional.softplus,
        "softsign": nn.functional.softsign}
    place = torch.linspace(-6, 6, 1201, dtype=torch.float64, requires_grad=True)
    rows, lines = [], []
    numbers: dict[str, float] = {}
    for name, kind in kinds.items():
        value = kind(place)
        slope, = torch.autograd.grad(value.sum(), place)
        key = name.replace(" ", "_").lower()
        numbers |= {f"{key}_steepest": slope.max().item(), f"{key}_at_minus_5": slope[100].item()}
        rows.append([name, f"{value.min():.3f} to {value.max():.3f}", f"{slope.max():.3f}",
                     f"{slope[100]:.4f}"])
        lines.append(line(name, place[::10].tolist(), value[::10].tolist()))
    said = [f"The sigmoid's slope is {numbers['sigmoid_steepest']:.2f} at most: each layer of it "
            "shrinks gradients to a quarter or less.",
            "ReLU's slope is 1 or 0: what passes is not shrunk, and a unit below zero on all rows "
            "learns nothing more.",
            f"At -5, ELU still has a slope of {numbers['elu_at_minus_5']:.4f}, the sigmoid "
            f"{numbers['sigmoid_at_minus_5']:.4f}, ReLU 0.",
            "The step's slope is 0 everywhere: no gradient can train it."]
    chart = Chart("Activations", "input", "output", tuple(
        each for each in lines if each[0] in ("Heaviside step", "ReLU", "ELU", "sigmoid", "tanh")))
    return found("activations", said, numbers, pictures=[chart], rows=rows,
                 header=("activation", "outputs on [-6, 6]", "steepest", "slope at -5"))
