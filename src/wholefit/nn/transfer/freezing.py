"""Freezing: parts of a network that learn nothing, bit for bit, and how they are let go again.

A frozen part gets no gradient, and stays in eval mode while the rest trains: else batch norms would
go on counting, and what they count are weights in all but name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn.transfer.bodies import stages


def freeze(*parts: nn.Module) -> None:
    """Parts that shall learn nothing: no gradients, and eval mode whatever the rest is told."""
    for part in parts:
        for parameter in part.parameters():
            parameter.requires_grad_(False)
            parameter.grad = None
        for module in part.modules():
            if _rest not in module._forward_pre_hooks.values():
                module.register_forward_pre_hook(_rest)


def thaw(*parts: nn.Module) -> None:
    """Let frozen parts learn again."""
    for part in parts:
        for parameter in part.parameters():
            if parameter.is_floating_point():
                parameter.requires_grad_(True)
        for module in part.modules():
            for key, hook in list(module._forward_pre_hooks.items()):
                if hook is _rest:
                    del module._forward_pre_hooks[key]


def still(module: nn.Module) -> None:
    """Batch norms keep the means and variances they have; their scales and offsets may learn.

    What few rows say of means and variances is worse than what the base was taught with. It stays
    so when the norms are frozen and thawed.
    """
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and (
                _keep not in part._forward_pre_hooks.values()):
            part.register_forward_pre_hook(_keep)


def frozen(module: nn.Module) -> list[str]:
    """Names of the parameters that learn nothing."""
    return [name for name, value in module.named_parameters() if not value.requires_grad]


def train_top(module: nn.Module, count: int) -> None:
    """Freeze all stages of `module` but its `count` uppermost; what is no stage (a head) learns."""
    parts = stages(module)
    if not 0 <= count <= len(parts):
        raise ParameterError(f"stages to train must be 0 to {len(parts)}; got {count}.")
    freeze(*parts[:len(parts) - count])
    thaw(*parts[len(parts) - count:])


class Gradually:
    """Gradual unfreezing (Howard and Ruder 2018): a callback that thaws a stage at a time.

    Only the head learns for `first` epochs; then the uppermost stage too, and one more every
    `every` epochs. What is open follows from the epoch alone, so that a resumed run goes on alike.
    """

    def __init__(self, module: nn.Module, *, first: int = 1, every: int = 1) -> None:
        if first < 0 or every < 1:
            raise ParameterError("gradual unfreezing needs first >= 0 and every >= 1; got "
                                 f"{first} and {every}.")
        self.module, self.first, self.every = module, first, every
        self.count = len(stages(module))
        self.open = self.count
        # An optimizer takes what can learn when it is made; what waits is frozen as it begins.
        train_top(module, self.count)

    def __call__(self, event: str, loop: Any) -> None:
        """At the beginning and after each epoch, thaw what is due."""
        if event not in ("begin", "epoch"):
            return
        due = 0 if loop.epoch < self.first else 1 + (loop.epoch - self.first) // self.every
        self.open = min(due, self.count)
        train_top(self.module, self.open)
        self.module.train()  # what is thawed was in eval mode; what is frozen goes back to it


def rates(module: nn.Module, rate: float, *, decay: float = 2.6) -> list[dict[str, Any]]:
    """Discriminative rates (Howard and Ruder 2018): parameter groups for torch's optimizers.

    What is no stage (a head) learns at `rate`, each stage below it at the rate of the one above
    divided by `decay`. Every parameter is in one group, frozen ones too.
    """
    if rate <= 0 or decay < 1:
        raise ParameterError(f"rates need rate > 0 and decay >= 1; got {rate} and {decay}.")
    parts = stages(module)
    below = {id(value) for part in parts for value in part.parameters()}
    groups = [{"params": [value for value in module.parameters() if id(value) not in below],
               "lr": rate}]
    taken: set[int] = set()
    for depth, part in enumerate(reversed(parts), start=1):
        new = [value for value in part.parameters() if id(value) not in taken]
        taken |= {id(value) for value in new}
        groups.append({"params": new, "lr": rate / decay ** depth})
    return [group for group in groups if group["params"]]


def count_of(module: nn.Module, share: float) -> int:
    """How many of the uppermost stages are a `share` of all; at least one unless it is 0."""
    total = len(stages(module))
    return 0 if share == 0 else max(1, round(share * total))


def names_of(module: nn.Module, parts: Iterable[nn.Module] | Sequence[nn.Module]) -> list[str]:
    """What the module calls these parts."""
    wanted = {id(part) for part in parts}
    return [name for name, part in module.named_modules() if id(part) in wanted]


def _rest(module: nn.Module, inputs: Any) -> None:
    """Before a frozen module runs: eval mode, for itself (its parts have hooks of their own)."""
    module.training = False


def _keep(module: nn.Module, inputs: Any) -> None:
    """As `_rest`, for norms that keep what they have counted: thawing leaves it."""
    module.training = False
