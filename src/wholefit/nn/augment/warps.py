"""Changes that move pixels: one interpolation for all of them, a gather where none is needed.

All work on batches (n, channels, height, width) on the device they are on; what is random comes
as tensors, drawn by the caller.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

_PADDING = {"zero": "zeros", "edge": "border", "mirror": "reflection"}
_PAD = {"zero": "constant", "edge": "replicate", "mirror": "reflect"}


def matrices(
    angle: torch.Tensor, slant: torch.Tensor, zoom: torch.Tensor, shift: torch.Tensor,
    mirror: torch.Tensor, height: int, width: int,
) -> torch.Tensor:
    """(n, 2, 3) from places in the new picture to places in the old, as `affine_grid` takes them.

    `angle` and `slant` (n,) in radians, `zoom` (n, 2) factors of height and width, `shift` (n, 2)
    shares of height and width, `mirror` (n, 2) of 1 or -1 for down and across. Turning and
    slanting happen in pixels, so that a picture that is not square is not bent.
    """
    cos, sin = torch.cos(angle), torch.sin(angle)
    # rows: x, y of the old place in pixels from the centre, by x, y of the new one
    turn = torch.stack([torch.stack([cos, sin - cos * torch.tan(slant)], 1),
                        torch.stack([-sin, cos + sin * torch.tan(slant)], 1)], 1)
    factor = torch.stack([mirror[:, 1] / zoom[:, 1], mirror[:, 0] / zoom[:, 0]], 1)
    turn = turn * factor[:, :, None]
    size = torch.tensor([width / 2, height / 2], dtype=turn.dtype, device=turn.device)
    linear = turn * size[None, None, :] / size[None, :, None]
    moved = -2 * torch.stack([shift[:, 1], shift[:, 0]], 1)
    return torch.cat([linear, (linear @ moved[:, :, None])], 2)


def warp(images: torch.Tensor, theta: torch.Tensor, fill: str) -> torch.Tensor:
    """Float images seen through `theta`, bilinear."""
    grid = functional.affine_grid(theta.to(images.dtype), list(images.shape),
                                  align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode=_PADDING[fill],
                                  align_corners=False)


def flip(images: torch.Tensor, mirror: torch.Tensor) -> torch.Tensor:
    """Images whose `mirror` (n, 2) is -1 turned over, down and across."""
    for axis, dimension in ((0, 2), (1, 3)):
        chosen = (mirror[:, axis] < 0)[:, None, None, None]
        if bool(chosen.any()):
            images = torch.where(chosen, images.flip(dimension), images)
    return images


def crop(images: torch.Tensor, by: int, places: torch.Tensor, fill: str) -> torch.Tensor:
    """Images padded by `by` pixels and cut again at `places` (n, 2), 0 to 2 * by: one gather."""
    count, _, high, wide = images.shape
    mode = _PAD[fill]
    if mode == "reflect" and by >= min(high, wide):
        mode = "replicate"  # a mirror shows no more than the picture
    padded = functional.pad(images if mode == "constant" else images.float(), (by,) * 4, mode=mode)
    windows = padded.unfold(2, high, 1).unfold(3, wide, 1)
    rows = torch.arange(count, device=images.device)
    return windows[rows, :, places[:, 0], places[:, 1]].to(images.dtype)


def degrees(angle: torch.Tensor) -> torch.Tensor:
    """Degrees as radians."""
    return angle * (math.pi / 180)
