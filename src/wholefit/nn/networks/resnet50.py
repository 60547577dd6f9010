"""ResNet-50 (He et al. 2015): deep residual network of bottleneck blocks, for ImageNet weights."""

from __future__ import annotations

import torch
from torch import nn

from wholefit.nn.networks._registry import network

# blocks, width inside, channels out, stride of the first block.
_STAGES = ((3, 64, 256, 1), (4, 128, 512, 2), (6, 256, 1024, 2), (3, 512, 2048, 2))


@network("resnet50")
class ResNet50(nn.Module):
    """Pictures (n, channels, height, width) to logits (n, outputs).

    The first form of the paper: the stride sits in a block's first 1 x 1 convolution, and
    convolutions have offsets; 25,583,592 parameters for 1,000 classes.
    """

    def __init__(self, outputs: int, channels: int = 3) -> None:
        super().__init__()
        self.stem = _Unit(channels, 64, 7, 2)
        blocks: list[nn.Module] = []
        width = 64
        for count, inner, out, stride in _STAGES:
            for at in range(count):
                blocks.append(_Bottleneck(width, inner, out, stride if at == 0 else 1))
                width = out
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(width, outputs)

    @property
    def feature_width(self) -> int:
        """How many numbers `features` gives for a picture."""
        return 2048

    def stages(self) -> list[nn.Module]:
        """The parts that can be frozen, from the pixels up."""
        return [self.stem, *self.blocks]

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the picture shows, (n, 2048): the mean over its places."""
        # Zeros around, as the weights were trained with; ReLU came before, so they are least.
        x = nn.functional.max_pool2d(nn.functional.relu(self.stem(x)), 3, 2, padding=1)
        for block in self.blocks:
            x = block(x)
        return x.mean(dim=(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.head(self.features(x))


class _Bottleneck(nn.Module):
    """Narrow, filter, widen; added to what came in, projected where shapes differ."""

    def __init__(self, width: int, inner: int, out: int, stride: int) -> None:
        super().__init__()
        self.narrow = _Unit(width, inner, 1, stride)
        self.filter = _Unit(inner, inner, 3, 1)
        self.widen = _Unit(inner, out, 1, 1)
        self.across = _Unit(width, out, 1, stride) if width != out or stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = nn.functional.relu(self.filter(nn.functional.relu(self.narrow(x))))
        return nn.functional.relu(self.widen(found) + self.across(x))


class _Unit(nn.Module):
    """Convolution with offsets and batch norm."""

    def __init__(self, width: int, out: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out, kernel, stride, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(out, eps=1e-3, momentum=0.01)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x))
