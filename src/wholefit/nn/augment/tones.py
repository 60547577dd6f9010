"""Changes that leave pixels where they are: shades, colours, noise, holes."""

from __future__ import annotations

import torch

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def tone(images: torch.Tensor, gain: torch.Tensor, lift: torch.Tensor) -> torch.Tensor:
    """Differences from each picture's mean times `gain` (n,), and `lift` (n,) added."""
    mean = images.mean(dim=(1, 2, 3))
    offset = mean * (1 - gain) + lift
    return torch.addcmul(offset[:, None, None, None], images, gain[:, None, None, None])


def saturate(images: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """Differences from grey times `gain` (n,); pictures without colour stay as they are."""
    if images.shape[1] != 3:
        return images
    weights = torch.tensor(_GREY, dtype=images.dtype, device=images.device)
    grey = torch.einsum("nchw,c->nhw", images, weights)[:, None]
    return grey + (images - grey) * gain[:, None, None, None]


def boxes(
    centre: torch.Tensor, size: torch.Tensor, height: int, width: int
) -> torch.Tensor:
    """(n, 1, height, width) True within boxes around `centre` (n, 2) of `size` (n, 2), in pixels.

    What lies beyond the edge is cut off.
    """
    top = torch.round(centre - size / 2)
    bottom = top + torch.round(size)
    ys = torch.arange(height, device=centre.device)[None, :]
    xs = torch.arange(width, device=centre.device)[None, :]
    down = (ys >= top[:, :1]) & (ys < bottom[:, :1])
    across = (xs >= top[:, 1:]) & (xs < bottom[:, 1:])
    return (down[:, :, None] & across[:, None, :])[:, None]
