"""Losses: per element first, then one sum and one mass, so that weights and parts add up.

The mean of a batch is sum / mass. The mass counts what was looked at: rows, or tokens that are not
padding, times their weights; so the gradients of several batches add up to those of a large one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from wholefit.base.errors import ParameterError, unknown
from wholefit.nn.layers import registry
from wholefit.nn.recipe import Recipe

Elements = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, "torch.Tensor | None"]]
PADDING = -100
SMOOTHED = ("cross_entropy", "binary", "multilabel")
"""Losses that `Recipe.label_smoothing` means something to."""


class Loss:
    """A loss by name or the user's own; `loss(output, target, weight)` is the weighted mean."""

    def __init__(
        self, elements: Elements, mean: Callable[[Any, Any], torch.Tensor] | None,
        kind: torch.dtype | None,
    ) -> None:
        self.elements, self.mean, self.kind = elements, mean, kind

    def __call__(self, output: Any, target: Any, weight: Any = None) -> torch.Tensor:
        """The mean over the batch, a scalar."""
        if weight is None and self.mean is not None:
            return self.mean(output, target)
        total, mass = self.total(output, target, weight)
        return total / mass

    def total(
        self, output: Any, target: Any, weight: Any = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(sum, mass) of a batch; `weight` (n,) weighs its rows."""
        found, mass = self.elements(output, target)
        if found.dim() == 0:
            if weight is not None:
                raise ParameterError("weights need a loss that gives one number for each row; "
                                     "got one number for the batch.")
            rows = float(len(target))
            return found * rows, torch.tensor(rows, device=found.device)
        if mass is None:
            found = found.flatten(1).mean(1) if found.dim() > 1 else found
            mass = torch.ones_like(found)
        if weight is not None:
            weight = weight.reshape(-1, *[1] * (found.dim() - 1)).to(found.dtype)
            found, mass = found * weight, mass * weight
        return found.sum(), mass.sum().clamp_min(1e-12)

    def prepare(self, target: torch.Tensor) -> torch.Tensor:
        """The target in the numbers that this loss looks at, made once and not at each step."""
        if self.kind is None or (self.kind is torch.int64 and target.is_floating_point()
                                 and target.dim() > 1):
            return target  # probabilities of classes stay
        return target.to(self.kind)


def make(recipe: Recipe, *, classes: Any = None, own: Any = None) -> Loss:
    """The loss that `recipe` names, with weights of classes (k,), or `own(output, target)`.

    `own` may be the name that `layers.add("loss", ...)` entered it under. It gives (n,) or any
    shape with n rows first, or one number for the batch. Raises UnknownNameError, ParameterError.
    """
    if isinstance(own, Loss):
        return own
    own = registry.get("loss", own) if isinstance(own, str) else own
    if own is not None:
        return Loss(lambda output, target: (own(output, target), None), None, None)
    if recipe.loss not in _MAKERS:
        raise unknown("loss", recipe.loss, _MAKERS)
    if recipe.label_smoothing and recipe.loss not in SMOOTHED:
        raise ParameterError(
            f"Recipe.label_smoothing needs a loss among {', '.join(SMOOTHED)}; got "
            f"{recipe.label_smoothing:g} with {recipe.loss!r}: leave it at 0.")
    if classes is not None:
        if recipe.loss not in ("cross_entropy", "focal"):
            raise ParameterError(f"class_weights need loss='cross_entropy' or 'focal'; got "
                                 f"{recipe.loss!r}.")
        classes = torch.as_tensor(np.asarray(classes, dtype=np.float32))
    return _MAKERS[recipe.loss](recipe, classes)


def of(module: Any, loss: Loss) -> Loss:
    """The loss as `module` wants it: one whose members learn apart has each judged by itself.

    Such a module has `apart(output, target)`, which makes members rows; their mean is the row's.
    """
    if not hasattr(module, "apart"):
        return loss

    def elements(output: torch.Tensor, target: torch.Tensor) -> tuple[Any, Any]:
        rows = len(output)
        found, mass = loss.elements(*module.apart(output, target))
        found = found.reshape(rows, -1).mean(1)
        return found, None if mass is None else mass.reshape(rows, -1).mean(1)

    def mean(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        assert loss.mean is not None
        return loss.mean(*module.apart(output, target))

    return Loss(elements, None if loss.mean is None else mean, loss.kind)


def _cross_entropy(recipe: Recipe, classes: torch.Tensor | None) -> Loss:
    smooth = recipe.label_smoothing

    def elements(output: torch.Tensor, target: torch.Tensor) -> tuple[Any, Any]:
        output, weights = _last(output, target), _beside(classes, output)
        found = functional.cross_entropy(output, target, weights, reduction="none",
                                         label_smoothing=smooth)
        if target.is_floating_point():
            return found, None
        seen = target != PADDING
        if weights is None:
            return found, seen.to(found.dtype)
        return found, weights[target.clamp_min(0)] * seen

    def mean(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(output, target, label_smoothing=smooth)

    def guarded(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if target.dim() == 1:
            return mean(output, target)
        total, mass = loss.total(output, target)
        return total / mass

    loss = Loss(elements, guarded if classes is None else None, torch.int64)
    return loss


def _focal(recipe: Recipe, classes: torch.Tensor | None) -> Loss:
    """Lin and others 2017: sure answers count little. One output: two classes; else a softmax."""
    focus = recipe.focus

    def elements(output: torch.Tensor, target: torch.Tensor) -> tuple[Any, Any]:
        if output.dim() == 1 or output.shape[-1] == 1:
            output, target = _align(output, target.to(output.dtype))
            plain = functional.binary_cross_entropy_with_logits(output, target, reduction="none")
            return plain * (1 - torch.exp(-plain)) ** focus, None
        plain = functional.cross_entropy(_last(output, target), target, reduction="none")
        found = plain * (1 - torch.exp(-plain)) ** focus
        weights = _beside(classes, output)
        seen = (target != PADDING).to(found.dtype)
        if weights is not None:
            weights = weights[target.clamp_min(0)] * seen
            return found * weights, weights
        return found, seen

    return Loss(elements, None, torch.int64)


def _binary(recipe: Recipe, classes: Any) -> Loss:
    smooth = recipe.label_smoothing

    def elements(output: torch.Tensor, target: torch.Tensor) -> tuple[Any, Any]:
        output, target = _align(output, target)
        if smooth:
            target = target * (1 - smooth) + smooth / 2
        return functional.binary_cross_entropy_with_logits(output, target, reduction="none"), None

    return Loss(elements, _mean_of(elements), torch.float32)


def _number(function: Callable[..., torch.Tensor]) -> Callable[[Recipe, Any], Loss]:
    def make(recipe: Recipe, classes: Any) -> Loss:
        options = {"delta": recipe.huber} if function is functional.huber_loss else {}

        def elements(output: torch.Tensor, target: torch.Tensor) -> tuple[Any, Any]:
            return function(*_align(output, target), reduction="none", **options), None

        def mean(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return function(*_align(output, target), **options)

        return Loss(elements, mean, torch.float32)

    return make


_MAKERS: dict[str, Callable[[Recipe, Any], Loss]] = {
    "cross_entropy": _cross_entropy,
    "binary": _binary,
    "multilabel": _binary,
    "squared": _number(functional.mse_loss),
    "absolute": _number(functional.l1_loss),
    "huber": _number(functional.huber_loss),
    "focal": _focal,
}


def _mean_of(elements: Elements) -> Callable[[Any, Any], torch.Tensor]:
    return lambda output, target: elements(output, target)[0].mean()


def _align(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both of one shape: (n, 1) and (n,) are the same thing; anything else is an error."""
    if output.shape == target.shape:
        return output, target
    if output.dim() == target.dim() + 1 and output.shape[-1] == 1:
        output = output.squeeze(-1)
    elif target.dim() == output.dim() + 1 and target.shape[-1] == 1:
        target = target.squeeze(-1)
    if output.shape != target.shape:
        raise ParameterError(f"the module answers in shape {tuple(output.shape)} and the target "
                             f"has {tuple(target.shape)}: they must be equal.")
    return output, target


def _last(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Classes on axis 1, where torch wants them: (n, length, k) to (n, k, length)."""
    if output.dim() > 2 and output.dim() == target.dim() + 1 and output.shape[:-1] == target.shape:
        return output.movedim(-1, 1)
    return output


def _beside(classes: torch.Tensor | None, output: torch.Tensor) -> torch.Tensor | None:
    return None if classes is None else classes.to(output.device, output.dtype)
