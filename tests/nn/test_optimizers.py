"""Updates are torch's own, bit for bit."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn import Recipe, optimizers


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 3))


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"])
def test_quick_steps_are_torchs(name: str, decay: float) -> None:
    mine, theirs = network(), network()
    recipe = Recipe(optimizer=name, rate=0.05, weight_decay=decay)
    step, reference = optimizers.stepper(optimizers.make(mine, recipe)), \
        optimizers.make(theirs, recipe)
    x = torch.randn(16, 5, generator=torch.Generator().manual_seed(0))
    for number in range(6):
        for module in (mine, theirs):
            module.zero_grad()
            nn.functional.cross_entropy(module(x), torch.arange(16) % 3).backward()
            if number == 3:  # a parameter without a gradient is left alone
                module[0].bias.grad = None
        step()
        reference.step()
    assert all(map(torch.equal, mine.parameters(), theirs.parameters()))
    start = network()
    assert not torch.equal(next(mine.parameters()), next(start.parameters()))


def test_a_state_goes_on_in_another_optimizer() -> None:
    module = network()
    recipe = Recipe(optimizer="adam", rate=0.1)
    optimizer = optimizers.make(module, recipe)
    step = optimizers.stepper(optimizer)
    twin = copy.deepcopy(module)

    def once(part: nn.Module) -> None:
        part.zero_grad()
        part(torch.ones(4, 5)).square().mean().backward()

    once(module)
    step()
    twin.load_state_dict(module.state_dict())
    other = optimizers.make(twin, recipe)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    onward = optimizers.stepper(other)
    for _ in range(2):
        for part, act in ((module, step), (twin, onward)):
            once(part)
            act()
    assert all(map(torch.equal, module.parameters(), twin.parameters()))


def test_offsets_and_norms_are_not_decayed() -> None:
    groups = optimizers.make(network(), Recipe(weight_decay=0.5)).param_groups
    decays = {p.dim(): group["weight_decay"] for group in groups for p in group["params"]}
    assert decays == {2: 0.5, 1: 0.0}


def test_groups_keep_their_rates() -> None:
    module = network()
    groups = [{"params": module[0].parameters(), "lr": 0.5}, {"params": module[3].parameters()}]
    found = optimizers.make(module, Recipe(rate=0.1, weight_decay=0.2), groups).param_groups
    assert sorted((group["lr"], group["weight_decay"]) for group in found) == [
        (0.1, 0.0), (0.1, 0.2), (0.5, 0.0), (0.5, 0.2)]


def test_nothing_to_learn_is_an_error() -> None:
    module = network().requires_grad_(False)
    with pytest.raises(ParameterError, match="frozen"):
        optimizers.make(module, Recipe())


def test_a_training_does_not_wake_torchs_compiler() -> None:
    """Waking it takes longer than many a training."""
    script = (
        "import sys, numpy as np\n"
        "from wholefit.nn import Recipe, networks, train\n"
        "module = networks.make('mlp', inputs=2, outputs=2)\n"
        "train(module, (np.ones((40, 2)), np.arange(40) % 2), Recipe(batch=4, replay='yes'))\n"
        "assert 'torch._dynamo' not in sys.modules\n")
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("name", ["adam", "adamw", "momentum", "rmsprop"])
def test_moments_that_fade_become_nothing_and_move_no_weight(name: str) -> None:
    """A weight that got one gradient, and then zeros, beside torch's own optimizer.

    There its moments stay denormal for ever.
    """
    made = []
    for ours in (True, False):
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 2)
        optimizer = optimizers.make(layer, Recipe(optimizer=name, rate=0.01))
        update = optimizers.stepper(optimizer) if ours else optimizer.step
        for step in range(1400):
            for p in layer.parameters():
                p.grad = torch.full_like(p, 1e-3 if step == 0 else 0.0)
            update()
        made.append((layer, optimizer))
    (one, ours), (other, own) = made
    assert torch.equal(one.weight, other.weight) and torch.equal(one.bias, other.bias)
    kept = "square_avg" if name == "rmsprop" else (
        "momentum_buffer" if name == "momentum" else "exp_avg")
    tiny = torch.finfo(torch.float32).tiny
    fades = name != "rmsprop"  # 0.99 a step fades a square slowly
    for found, expected in ((ours, False), (own, fades)):
        values = found.state[next(iter(found.state))][kept].abs()
        assert bool(((values > 0) & (values < tiny)).any()) is expected
