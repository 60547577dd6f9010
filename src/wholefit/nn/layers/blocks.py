"""Parts that several networks share: norms, pooling, branches left out, channels weighed."""

from __future__ import annotations

import torch
from torch import nn

from wholefit.base.errors import ParameterError, unknown
from wholefit.nn.layers.activations import Activation, activation

NORMS = ("none", "batch", "layer")
POOLS = ("max", "average")
_SPECTRAL = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d)


def norm(name: str, size: int, *, images: bool = False) -> nn.Module:
    """A layer that evens out `size` features (or channels of images).

    "batch" by the rows of a batch (Ioffe and Szegedy 2015), "layer" by the features of a row (Ba
    et al. 2016; for images over channels and places together), "none" not at all.
    """
    if name not in NORMS:
        raise unknown("norm", name, NORMS)
    if name == "none":
        return nn.Identity()
    if name == "batch":
        return nn.BatchNorm2d(size) if images else nn.BatchNorm1d(size)
    return nn.GroupNorm(1, size) if images else nn.LayerNorm(size)


def pool(name: str, size: int = 2, stride: int | None = None) -> nn.Module:
    """Max or average pooling of images in windows of `size`; steps of `stride`, or of the size."""
    if name not in POOLS:
        raise unknown("pooling", name, POOLS)
    return (nn.MaxPool2d if name == "max" else nn.AvgPool2d)(size, stride or size)


class GlobalPool(nn.Module):
    """Images (n, channels, ...) to one number a channel: the mean, or the largest."""

    def __init__(self, kind: str = "average") -> None:
        super().__init__()
        if kind not in POOLS:
            raise unknown("pooling", kind, POOLS)
        self.kind = kind

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels)."""
        places = x.flatten(2)
        return places.mean(2) if self.kind == "average" else places.amax(2)


class StochasticDepth(nn.Module):
    """A branch is left out of whole rows with probability `share` in training (Huang et al. 2016).

    What stays is divided by 1 - share, so that nothing changes in the mean.
    """

    def __init__(self, share: float = 0.0) -> None:
        super().__init__()
        self.share = _share("StochasticDepth", share)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x, with some rows 0."""
        if not self.training or self.share == 0:
            return x
        kept = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device) >= self.share
        return x * kept.to(x.dtype) / (1 - self.share)


class SqueezeExcite(nn.Module):
    """Weighs the channels of an image by a small network of their means (Hu et al. 2018)."""

    def __init__(self, channels: int, share: float = 0.25, activation: Activation = "relu") -> None:
        super().__init__()
        inner = max(1, round(channels * share))
        self.squeeze = nn.Linear(channels, inner)
        self.act = _activation(activation)
        self.excite = nn.Linear(inner, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x, each channel times a number between 0 and 1."""
        weight = torch.sigmoid(self.excite(self.act(self.squeeze(x.mean((2, 3))))))
        return x * weight[:, :, None, None]


class PatchEmbedding(nn.Module):
    """Images (n, channels, height, width) cut into patches: (n, patches, size), row by row."""

    def __init__(self, channels: int, height: int, width: int, patch: int, size: int) -> None:
        super().__init__()
        if height % patch or width % patch:
            raise ParameterError(f"patches of {patch} do not tile images of {height} x {width}: "
                                 "give a patch that divides both sides.")
        self.count = (height // patch) * (width // patch)
        self.cut = nn.Conv2d(channels, size, patch, stride=patch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, patches, size)."""
        return self.cut(x).flatten(2).transpose(1, 2)


class Residual(nn.Module):
    """x + branch(x); where sizes differ, a projection of x takes its place."""

    def __init__(self, branch: nn.Module, project: nn.Module | None = None) -> None:
        super().__init__()
        self.branch = branch
        self.project = project or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum."""
        return self.project(x) + self.branch(x)


def spectral(module: nn.Module, *, rounds: int = 1) -> nn.Module:
    """Divide the weights of every dense layer and convolution by their largest singular value.

    Estimated by `rounds` steps of the power method at each training step (Miyato et al. 2018). It
    bounds how fast the module's answer can change, which steadies adversarial training. The module
    itself.
    """
    for layer in module.modules():
        if isinstance(layer, _SPECTRAL) and not nn.utils.parametrize.is_parametrized(layer):
            nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=rounds)
    return module


def dropout(share: float) -> nn.Module:
    """Dropout of that share (Srivastava et al. 2014), or nothing for 0."""
    return nn.Dropout(_share("dropout", share)) if share else nn.Identity()


def _share(who: str, share: float) -> float:
    if not 0 <= share < 1:
        raise ParameterError(f"{who} must be >= 0 and < 1; got {share}.")
    return share


_activation = activation  # options named `activation` hide the function
