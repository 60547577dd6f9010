"""Optimizers by name; fused kernels, and steps that skip what a step need not do in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError, unknown
from wholefit.nn.recipe import Recipe

Groups = Sequence[Mapping[str, Any]]


def make(module: nn.Module, recipe: Recipe, groups: Groups | None = None) -> Any:
    """A torch optimizer over what `module` learns, or over `groups` with rates of their own.

    Offsets and norms (parameters of one axis) are not decayed. One kernel a kind of parameter on
    devices that have fused ones, measured to be the quickest form on CPU and GPU.
    """
    parts = _parts(module, recipe, groups)
    if not parts:
        raise ParameterError("the module has nothing to learn: every parameter is frozen.")
    device = parts[0]["params"][0].device.type
    return _build(recipe, parts, fused=device in ("cpu", "cuda", "mps"))


def _build(recipe: Recipe, parts: list[dict[str, Any]], *, fused: bool) -> Any:
    rate, kept = recipe.rate, recipe.momentum
    optim = torch.optim
    if recipe.optimizer in ("adam", "adamw"):
        kind = optim.Adam if recipe.optimizer == "adam" else optim.AdamW
        return _light(kind)(parts, lr=rate, fused=fused)
    if recipe.optimizer == "sgd":
        return _light(optim.SGD)(parts, lr=rate, fused=fused)
    if recipe.optimizer in ("momentum", "nesterov"):
        nesterov = recipe.optimizer == "nesterov" and kept > 0
        return _light(optim.SGD)(parts, lr=rate, momentum=kept, nesterov=nesterov, fused=fused)
    if recipe.optimizer == "rmsprop":
        return _light(optim.RMSprop)(parts, lr=rate, foreach=True)
    if recipe.optimizer == "lbfgs":
        if recipe.weight_decay:
            raise ParameterError("Recipe.weight_decay must be 0 with optimizer='lbfgs'; got "
                                 f"{recipe.weight_decay}.")
        every = [p for part in parts for p in part["params"]]
        return _light(optim.LBFGS)(every, lr=rate, line_search_fn="strong_wolfe")
    raise unknown("optimizer", recipe.optimizer,
                  ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "lbfgs"))


def _parts(module: nn.Module, recipe: Recipe, groups: Groups | None) -> list[dict[str, Any]]:
    """Parameter groups, each cut in what decays and what does not."""
    given: Groups = groups if groups is not None else [{"params": list(module.parameters())}]
    found = []
    for group in given:
        rest = {key: value for key, value in group.items() if key != "params"}
        params = group["params"]
        params = [params] if isinstance(params, torch.Tensor) else list(params)
        params = [p for p in params if p.requires_grad]
        decay = rest.pop("weight_decay", recipe.weight_decay)
        for kept, strength in ((_matrices(params), decay), (_vectors(params), 0.0)):
            if kept:
                found.append({"params": kept, "weight_decay": strength, **rest})
    if len(found) == 2 and groups is None and not recipe.weight_decay:
        found = [{"params": [p for p in module.parameters() if p.requires_grad],
                  "weight_decay": 0.0}]
    return found


def _matrices(params: list[Any]) -> list[Any]:
    return [p for p in params if p.dim() > 1]


def _vectors(params: list[Any]) -> list[Any]:
    return [p for p in params if p.dim() <= 1]


def load(optimizer: Any, state: Any) -> None:
    """`optimizer.load_state_dict(state)`, with moments in the memory order of their weights.

    A fused update goes through the memory of both side by side: where weights of convolutions have
    their channels last and moments come from a file in plain order, it would mix them up.
    """
    optimizer.load_state_dict(state)
    for param, kept in optimizer.state.items():
        for name, value in kept.items():
            if isinstance(value, torch.Tensor) and value.shape == param.shape:
                kept[name] = like(param, value)


def like(param: Any, value: torch.Tensor) -> torch.Tensor:
    """`value` on the device of a parameter of its shape, and in its memory order."""
    if value.device == param.device and value.stride() == param.stride():
        return value
    laid: torch.Tensor = torch.empty_like(
        param, dtype=value.dtype, memory_format=torch.preserve_format, requires_grad=False)
    return laid.copy_(value)


def stepper(optimizer: Any) -> Callable[[], None]:
    """`optimizer.step` with what does not change from step to step looked up once.

    For Adam, AdamW, SGD and RMSprop; the numbers are torch's, bit for bit. Others step themselves.
    """
    known = next((_QUICK[kind] for kind in type(optimizer).__mro__ if kind in _QUICK), None)
    if known is None or not all(group.get("fused") or group.get("foreach")
                                for group in optimizer.param_groups):
        own: Callable[[], None] = optimizer.step
        return own
    return _Quick(optimizer, *known)


class _Quick:
    """Fused updates from lists made once; torch's own step spends more on lists than on numbers.

    On a CPU, moments that have faded (of weights that get no gradient any more, as those of rare
    words) are set to 0 before they are denormal numbers: these never reach 0 by decay, and an
    update of them takes twenty times as long. What is set to 0 moves no weight. (That small numbers
    count as 0, as `quiet.flushed` has it, holds in one thread; updates are shared by several.)
    """

    def __init__(
        self, optimizer: Any, names: Callable[[dict[str, Any]], tuple[str, ...]],
        kernel: Callable[..., None],
    ) -> None:
        self._optimizer, self._names, self._kernel = optimizer, names, kernel
        self._lists: list[Any] | None = None
        self._fading: list[tuple[Any, float]] = []
        self._count = 0

    def __call__(self) -> None:
        if self._lists is None:
            self._first()
            return
        self._count += 1
        if self._count % _LOOK == 0:
            for moment, least in self._fading:
                moment.mul_(moment.abs() >= least)
        for group, params, bare, state in self._lists:
            grads = [param.grad for param in params]
            if any(grad is None for grad in grads):  # "None in grads" compares tensors
                self._some(group)
            else:
                self._kernel(group, bare, grads, state, False)

    def _first(self) -> None:
        groups = self._optimizer.param_groups
        for group in groups:
            self._some(group)
        every = [p for group in groups for p in group["params"]]
        alike = {(p.device, p.dtype) for p in every}
        if len(alike) == 1 and all(p in self._optimizer.state for p in every):
            self._lists = [(group, group["params"], *self._state(group, group["params"]))
                           for group in groups]
            self._fading = [
                (self._optimizer.state[p][name], _FADED[name]) for group in groups
                for name in self._names(group) if name in _FADED and group.get("eps", 1) > _EPS
                for p in group["params"] if p.device.type == "cpu" and p.dtype != torch.float64]
            self._count = max((int(each["step"]) for each in self._optimizer.state.values()
                               if "step" in each), default=0)

    def _some(self, group: dict[str, Any]) -> None:
        """Update those that got a gradient, kind by kind, and the new ones apart."""
        state = self._optimizer.state
        kinds: dict[Any, list[Any]] = {}
        for p in group["params"]:
            if p.grad is not None:
                kinds.setdefault((p.device, p.dtype, not state.get(p)), []).append(p)
        for (_, _, new), params in kinds.items():
            if new:
                for p in params:
                    state[p] = {name: torch.zeros((), device=p.device) if name == "step"
                                else torch.zeros_like(p, memory_format=torch.preserve_format)
                                for name in self._names(group)}
            bare, own = self._state(group, params)
            self._kernel(group, bare, [p.grad for p in params], own, new)

    def _state(self, group: dict[str, Any], params: list[Any]) -> tuple[list[Any], list[Any]]:
        """Parameters as autograd does not see them, and lists of their states."""
        own = [self._optimizer.state[p] for p in params]
        return ([p.detach() for p in params],
                [[each[name] for each in own] for name in self._names(group)])


def _adam(kernel: Any) -> Callable[..., None]:
    def update(group: Any, params: Any, grads: Any, state: Any, new: bool) -> None:
        means, squares, counts = state
        torch._foreach_add_(counts, 1)
        kernel(params, grads, means, squares, [], counts, lr=group["lr"], beta1=group["betas"][0],
               beta2=group["betas"][1], weight_decay=group["weight_decay"], eps=group["eps"],
               amsgrad=False, maximize=False, grad_scale=None, found_inf=None)

    return update


def _sgd(group: Any, params: Any, grads: Any, state: Any, new: bool) -> None:
    torch._fused_sgd_(
        params, grads, state[0] if state else [], weight_decay=group["weight_decay"],
        momentum=group["momentum"], lr=group["lr"], dampening=0.0, nesterov=group["nesterov"],
        maximize=False, is_first_step=new and bool(state), grad_scale=None, found_inf=None)


def _rmsprop(group: Any, params: Any, grads: Any, state: Any, new: bool) -> None:
    squares, counts = state
    torch._foreach_add_(counts, 1)
    if group["weight_decay"]:
        grads = torch._foreach_add(grads, params, alpha=group["weight_decay"])
    torch._foreach_mul_(squares, group["alpha"])
    torch._foreach_addcmul_(squares, grads, grads, 1 - group["alpha"])
    roots = torch._foreach_sqrt(squares)
    torch._foreach_add_(roots, group["eps"])
    torch._foreach_addcdiv_(params, grads, roots, value=-group["lr"])


def _light(kind: Any) -> Any:
    """The optimizer without the wrappers that wake torch's compiler (seconds, for nothing)."""
    names = ("add_param_group", "state_dict", "load_state_dict")
    return type(kind.__name__, (kind,), {
        name: getattr(getattr(kind, name), "__wrapped__", getattr(kind, name)) for name in names})


# After so many updates moments are looked at; below these they are nothing beside eps: a mean that
# is larger then needs more updates to become denormal, at the usual decay.
_LOOK, _EPS = 128, 1e-10
_FADED = {"exp_avg": 1e-28, "momentum_buffer": 1e-28, "exp_avg_sq": 1e-36, "square_avg": 1e-36}
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_QUICK: dict[Any, Any] = {
    torch.optim.Adam: (lambda group: _MOMENTS, _adam(torch._fused_adam_)),
    torch.optim.AdamW: (lambda group: _MOMENTS, _adam(torch._fused_adamw_)),
    torch.optim.RMSprop: (lambda group: ("square_avg", "step"), _rmsprop),
    torch.optim.SGD: (lambda group: ("momentum_buffer",) if group["momentum"] else (), _sgd),
}
