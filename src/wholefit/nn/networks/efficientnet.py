"""EfficientNet-Lite: a small picture network whose ImageNet weights make a good base.

Inverted residual blocks (Sandler et al. 2018) in the sizes that a search found (Tan and Le 2019),
without squeeze-and-excitation and with ReLU6 in place of swish: the "lite" form.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from wholefit.nn.networks._registry import network

# repeats, kernel, stride, how much wider inside, channels: EfficientNet-B0's blocks.
_BLOCKS = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
           (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))
_EPS, _MOMENTUM = 1e-3, 0.01


@network("efficientnet_lite0")
class EfficientNetLite0(nn.Module):
    """Pictures (n, channels, height, width) to logits (n, outputs); 4,652,008 parameters for 1,000.

    Made for pixels brought to (p - 127) / 128, 224 x 224; other sizes from 32 up work. Padding is
    on both sides alike at stride 1, and as TensorFlow has it ("same") at stride 2.
    """

    def __init__(self, outputs: int, channels: int = 3, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = _Unit(channels, 32, 3, 2)
        blocks: list[nn.Module] = []
        width = 32
        for repeats, kernel, stride, wider, out in _BLOCKS:
            for at in range(repeats):
                blocks.append(_Block(width, out, kernel, stride if at == 0 else 1, wider))
                width = out
        self.blocks = nn.ModuleList(blocks)
        self.top = _Unit(width, 1280, 1, 1)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(1280, outputs)

    @property
    def feature_width(self) -> int:
        """How many numbers `features` gives for a picture."""
        return 1280

    def stages(self) -> list[nn.Module]:
        """The parts that can be frozen, from the pixels up."""
        return [self.stem, *self.blocks, self.top]

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the picture shows, (n, 1280): the mean over its places."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.top(x).mean(dim=(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.head(self.dropout(self.features(x)))


class _Block(nn.Module):
    """Widen, filter each channel, narrow; added to what came in where the shapes agree."""

    def __init__(self, width: int, out: int, kernel: int, stride: int, wider: int) -> None:
        super().__init__()
        inner = width * wider
        self.expand = _Unit(width, inner, 1, 1) if wider > 1 else nn.Identity()
        self.depthwise = _Unit(inner, inner, kernel, stride, groups=inner)
        self.project = _Unit(inner, out, 1, 1, active=False)
        self.adds = stride == 1 and width == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.project(self.depthwise(self.expand(x)))
        return x + found if self.adds else found


class _Unit(nn.Module):
    """Convolution, batch norm and, unless told otherwise, ReLU6."""

    def __init__(self, width: int, out: int, kernel: int, stride: int, *, groups: int = 1,
                 active: bool = True) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        # At stride 1 "same" padding is even, and the convolution does it without a copy.
        inside: Any = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(width, out, kernel, stride, padding=inside, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out, eps=_EPS, momentum=_MOMENTUM)
        self.active = active

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.stride > 1:
            x = nn.functional.pad(x, self._around(x.shape[3]) + self._around(x.shape[2]))
        x = self.norm(self.conv(x))
        return nn.functional.relu6(x) if self.active else x

    def _around(self, size: int) -> tuple[int, int]:
        """Zeros before and after, so that ceil(size / stride) places come out."""
        places = -(-size // self.stride)
        missing = max((places - 1) * self.stride + self.kernel - size, 0)
        return missing // 2, missing - missing // 2
